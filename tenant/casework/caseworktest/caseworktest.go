// Package caseworktest holds the behaviour that casework keeps on every engine:
// commands, refusals, the journal and what is sealed. Only tests import it.
package caseworktest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/tenant/calendar"
	"wangge/tenant/casework"
	"wangge/tenant/citytest"
	"wangge/tenant/org"
)

// Test runs the suite in one house on the database that open gives. Every test
// works on a day of its own.
func Test(t *testing.T, open func(testing.TB) *gormx.DB) {
	db := open(t)
	h := &house{House: citytest.Build(t, db), open: open}
	condition, err := h.City.Catalogue.Condition(t.Context(), citytest.Condition)
	if err != nil {
		t.Fatal(err)
	}
	h.limit = condition.Limit
	day := citytest.Opening
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h.T = t
			h.Clock.Set(day)
			test.run(h)
		})
		day = day.AddDate(0, 0, 7)
	}
}

var tests = []struct {
	name string
	run  func(*house)
}{
	{"a case goes from report to closing and every step is in the journal", (*house).lifecycle},
	{"what a command returns is what is stored", (*house).returned},
	{"a move the workflow does not allow changes nothing", (*house).refused},
	{"poor work goes back to its department until it is good", (*house).rework},
	{"declining and sending back need a reason", (*house).reasons},
	{"the result is verified by a second person of the same post", (*house).secondPerson},
	{"another department cannot answer for the work", (*house).otherDepartment},
	{"cases go to departments and responsible units only", (*house).centres},
	{"a command on an old version is refused", (*house).stale},
	{"a command on no case is refused", (*house).noCase},
	{"faults of a report are named by field", (*house).faults},
	{"deadlines run in working time", (*house).deadlines},
	{"numbers begin anew at midnight in the city", (*house).midnight},
	{"numbers have no gap when many report at once", (*house).numbersAtOnce},
	{"a report that fails gives its number back", (*house).numbersRolledBack},
	{"a repeated command changes nothing and answers the same", (*house).repeated},
	{"a key is good for one command of one person", (*house).keyReused},
	{"two at once with one key make one step", (*house).twins},
	{"the database itself keeps steps as they are", (*house).appendOnly},
	{"the reporter is nowhere in the database in the clear", (*house).sealed},
	{"a sealed reporter opens for its own case only", (*house).sealedToCase},
	{"work lists show a stage or a department, oldest first, page by page", (*house).lists},
	{"a filed case is billed once", (*house).billed},
	{"clerks working at once lose nothing", (*house).concurrentClerks},
	{"a public report is confirmed on site by who was drawn", (*house).confirming},
	{"a case that is passed on twice goes to arbitration", (*house).returning},
	{"time granted is added, and a rest takes nothing from it", (*house).moreTime},
	{"an overdue stage is escalated rung by rung", (*house).ladder},
	{"who helps reports its work before the lead does", (*house).joint},
	{"who holds a post in several units acts in the case's", (*house).severalUnits},
	{"duplicates are merged and unmerged", (*house).merging},
	{"a parent is closed after its children", (*house).family},
	{"a child can't join a parent that is being closed", (*house).joiningWhileClosing},
	{"a citizen vetoes a closing once", (*house).vetoed},
	{"no more than its share of a month is voided", (*house).shares},
	{"a case moves to another city and is answered for", (*house).transferred},
	{"a leader urges", (*house).urged},
	{"words find cases, newest first", (*house).words},
	{"cases near in place and time are candidates for duplicates", (*house).duplicates},
	{"open cases are counted by stage and urgency", (*house).counted},
	{"what is refused leaves nothing behind", (*house).nothingLeft},
	{"a second city sees nothing of it", (*house).secondCity},
}

// house is a city at work and the test that looks at it.
type house struct {
	*testing.T
	*citytest.House
	open  func(testing.TB) *gormx.DB
	limit calendar.Limit // of the condition of every case here
}

func (h *house) ctx() context.Context { return h.Context() }

// report opens a case.
func (h *house) report() *casework.Case {
	h.Helper()
	c, err := h.City.Cases.Report(h.ctx(), h.Report())
	return h.must(c, err)
}

func (h *house) must(c *casework.Case, err error) *casework.Case {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
	return c
}

// roles says who gives which command.
var roles = map[casework.Action]org.Role{
	casework.ActionReport: org.Supervisor, casework.ActionFile: org.ShiftLeader, casework.ActionDecline: org.ShiftLeader,
	casework.ActionDispatch: org.Dispatcher, casework.ActionAccept: org.DepartmentHandler, casework.ActionHandle: org.DepartmentHandler,
	casework.ActionVerify: org.Supervisor, casework.ActionRework: org.Supervisor, casework.ActionClose: org.ShiftLeader,
}

// command is a, given by who may, with a reason; a check on site by who was
// drawn for it. Dispatch goes to Works.
func (h *house) command(a casework.Action, number string) casework.Command {
	in := casework.Command{Number: number, By: h.Actor(roles[a]), Note: "依据现场照片", Department: citytest.Works}
	if a == casework.ActionVerify || a == casework.ActionRework {
		if c, err := h.City.Cases.Case(h.ctx(), number); err == nil && c.Checker != 0 {
			in.By.Account = c.Checker
		}
	}
	return in
}

// do gives one command.
func (h *house) do(a casework.Action, in casework.Command) (*casework.Case, error) {
	return h.City.Cases.Do(h.ctx(), a, in)
}

// commands are what may be done to a case that is there.
var commands = []casework.Action{
	casework.ActionFile, casework.ActionDecline, casework.ActionDispatch, casework.ActionHandle,
	casework.ActionVerify, casework.ActionRework, casework.ActionClose,
}

// take gives commands one after the other, an hour apart.
func (h *house) take(c *casework.Case, list ...casework.Action) *casework.Case {
	h.Helper()
	for _, a := range list {
		h.Clock.Advance(time.Hour)
		next, err := h.do(a, h.command(a, c.Number))
		if err != nil {
			h.Fatalf("%s at %s: %v", a, c.Stage, err)
		}
		c = next
	}
	return c
}

// way leads a reported case to each stage.
var way = map[casework.Stage][]casework.Action{
	casework.StageReported:   nil,
	casework.StageDeclined:   {casework.ActionDecline},
	casework.StageFiled:      {casework.ActionFile},
	casework.StageDispatched: {casework.ActionFile, casework.ActionDispatch},
	casework.StageHandled:    {casework.ActionFile, casework.ActionDispatch, casework.ActionHandle},
	casework.StageVerified:   {casework.ActionFile, casework.ActionDispatch, casework.ActionHandle, casework.ActionVerify},
	casework.StageClosed:     {casework.ActionFile, casework.ActionDispatch, casework.ActionHandle, casework.ActionVerify, casework.ActionClose},
}

// at returns a fresh case at a stage.
func (h *house) at(s casework.Stage) *casework.Case {
	h.Helper()
	return h.take(h.report(), way[s]...)
}

func (h *house) steps(number string) []casework.Step {
	h.Helper()
	steps, err := h.City.Cases.Steps(h.ctx(), number)
	if err != nil {
		h.Fatal(err)
	}
	return steps
}

// path lists the actions of a journal.
func path(steps []casework.Step) (out []casework.Action) {
	for _, s := range steps {
		out = append(out, s.Action)
	}
	return out
}

// wantPath fails unless the case's journal holds these actions after the report.
func (h *house) wantPath(number string, want ...casework.Action) {
	h.Helper()
	got := path(h.steps(number))
	if !slices.Equal(got, append([]casework.Action{casework.ActionReport}, want...)) {
		h.Errorf("case %s: journal %v, want a report and %v", number, got, want)
	}
}

// wantErr fails unless err is the refusal and of its kind.
func (h *house) wantErr(err error, want *errs.Error) {
	h.Helper()
	if !errors.Is(err, want) || errs.KindOf(err) != want.Kind {
		h.Errorf("got %v, want %v", err, want)
	}
}

// wantFields fails unless err names exactly these fields.
func (h *house) wantFields(err error, want ...string) {
	h.Helper()
	e, ok := errs.As(err)
	var got []string
	if ok {
		for _, p := range e.Problems {
			got = append(got, p.Field)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		h.Errorf("got faults in %v (%v), want in %v", got, err, want)
	}
}

// count runs a query for one number.
func (h *house) count(query string, args ...any) (n int64) {
	h.Helper()
	if err := h.DB.Read.WithContext(h.ctx()).Raw(query, args...).Scan(&n).Error; err != nil {
		h.Fatal(err)
	}
	return n
}
