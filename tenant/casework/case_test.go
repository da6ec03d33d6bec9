package casework_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/access"
	"wangge/tenant/calendar"
	"wangge/tenant/casework"
)

var (
	zone    = time.FixedZone("Asia/Shanghai", 8*60*60)
	noon    = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC) // Monday, nine in the city
	handler = casework.Actor{Account: 7, Role: "department_handler", Department: "SZ"}
	checker = casework.Actor{Account: 8, Role: "supervisor", Department: "JD"}
	command = casework.Actor{Account: 9, Role: "dispatcher", Department: "ZH"}
)

func working(t testing.TB) *calendar.Calendar {
	t.Helper()
	c, err := calendar.New(zone, []string{"08:00-12:00", "14:00-18:00"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// rules are the default workflow with one or two levels of command.
func rules(t testing.TB, change ...func(*casework.Workflow)) casework.Rules {
	t.Helper()
	w := casework.DefaultWorkflow()
	w.Commands = 1
	for _, c := range change {
		c(&w)
	}
	return casework.Rules{Workflow: w, Calendar: working(t)}
}

func twoCommands(w *casework.Workflow) { w.Commands = 2 }

var fourHours = calendar.Limit{Value: 4, Unit: calendar.WorkHour}

// order is what a test's commands say: they go to SZ, which YL helps when asked.
func order() casework.Order {
	return casework.Order{
		Department: "SZ", CityLevel: true, Limit: fourHours, Command: "QZ", OnDuty: []int64{8, 18, 28}, Other: "20261123-000009", City: "620200",
		Asked: casework.Asked{Extra: fourHours, Until: noon.AddDate(0, 0, 30)},
	}
}

// at is a case of department SZ at a stage, handled by 7 where that is past.
func at(s casework.Stage) casework.Case {
	c := casework.Case{ID: 3, Number: "20261123-000003", Stage: s, Version: 5, Department: "SZ", Channel: casework.ChannelCitizen, ClosedAt: noon, EnteredAt: noon}
	c.Handling = casework.Clock{Unit: calendar.WorkHour, Due: noon.Add(3 * time.Hour)}
	switch s {
	case casework.StageForwarded:
		c.Command = "QZ"
	case casework.StageFeedback, casework.StageHandled:
		c.HandledBy = handler.Account
	case casework.StageVerified, casework.StageVetoed, casework.StageClosed:
		c.HandledBy, c.VerifiedBy, c.ClosedBy = handler.Account, checker.Account, 30
	}
	return c
}

// by is somebody who may give a.
func by(c casework.Case, a casework.Action) casework.Actor {
	switch a.Permission() {
	case access.CaseHandle:
		return handler
	case access.CaseDispatch, access.CaseDecideReturn:
		if c.Command != "" {
			return casework.Actor{Account: 9, Role: "dispatcher", Department: c.Command}
		}
		return command
	}
	return checker
}

func TestEveryMoveOfTheTableIsMadeAndAnyOtherIsRefused(t *testing.T) {
	r := rules(t, twoCommands)
	allowed := map[casework.Stage]map[casework.Action][]casework.Stage{}
	for _, m := range casework.Moves() {
		if allowed[m.From] == nil {
			allowed[m.From] = map[casework.Action][]casework.Stage{}
		}
		allowed[m.From][m.Action] = append(allowed[m.From][m.Action], m.To)
	}
	for _, from := range append(casework.Stages(), "") {
		for _, a := range casework.Actions() {
			c := at(from)
			if a == casework.ActionAssist {
				c.Assistants = []casework.Assistant{{Department: "SZ"}}
			}
			before := c
			step, err := c.Apply(a, by(c, a), noon, r, order())
			to := allowed[from][a]
			if len(to) == 0 {
				if !errors.Is(err, casework.ErrMove) || errs.KindOf(err) != errs.Conflict || !reflect.DeepEqual(c, before) {
					t.Errorf("%q %s: got %v and %+v, want a conflict and the case as it was", from, a, err, c)
				}
				continue
			}
			if err != nil || !slices.Contains(to, c.Stage) || c.Version != 6 {
				t.Errorf("%q %s: got %v, stage %s, version %d; want %s at 6", from, a, err, c.Stage, c.Version, to)
				continue
			}
			if step.Case != 3 || step.Number != before.Number || step.Seq != 6 || step.Action != a || step.From != from || step.To != c.Stage || !step.At.Equal(noon) || step.By != by(before, a) {
				t.Errorf("%q %s: got step %+v", from, a, step)
			}
		}
	}
}

func TestARefusedMoveIsExplainedInBothLanguages(t *testing.T) {
	c := at(casework.StageFiled)
	_, err := c.Apply(casework.ActionClose, checker, noon, rules(t), order())
	e, ok := errs.As(err)
	if !ok || e.Zh != "案卷处于“已立案”阶段，不能执行“结案”" || e.En != "a case at stage filed can't be given the command close" {
		t.Errorf("got %+v", e)
	}
}

// refused fails unless the command is refused for this reason and changes nothing.
func refused(t *testing.T, name string, c casework.Case, a casework.Action, who casework.Actor, now time.Time, r casework.Rules, o casework.Order, want *errs.Error) {
	t.Helper()
	before := c
	if _, err := c.Apply(a, who, now, r, o); !errors.Is(err, want) || !reflect.DeepEqual(c, before) {
		t.Errorf("%s: %s got %v and %+v; want %v and no change", name, a, err, c, want)
	}
}

func TestWhoMayNot(t *testing.T) {
	r, two := rules(t), rules(t, twoCommands)
	drawn := func(s casework.Stage) casework.Case {
		c := at(s)
		c.Checker = 18
		return c
	}
	helped := at(casework.StageHandled)
	helped.Assistants = []casework.Assistant{{Department: "YL", DoneAt: noon, By: 11}}
	district := at(casework.StageFiled)
	district.Command = "QZ"
	away := order()
	away.CityLevel = false
	other := casework.Actor{Account: 10, Role: "department_handler", Department: "YL"}
	for _, tt := range []struct {
		name string
		c    casework.Case
		a    casework.Action
		by   casework.Actor
		r    casework.Rules
		o    casework.Order
		want *errs.Error
	}{
		{"the handler judges its own work", at(casework.StageHandled), casework.ActionVerify, casework.Actor{Account: 7, Role: "supervisor"}, r, order(), casework.ErrSamePerson},
		{"the handler sends its own work back", at(casework.StageHandled), casework.ActionRework, casework.Actor{Account: 7, Role: "supervisor"}, r, order(), casework.ErrSamePerson},
		{"an assistant judges", helped, casework.ActionVerify, casework.Actor{Account: 11, Role: "supervisor"}, r, order(), casework.ErrSamePerson},
		{"another than the drawn one verifies", drawn(casework.StageHandled), casework.ActionVerify, checker, r, order(), casework.ErrNotDrawn},
		{"another than the drawn one sends back", drawn(casework.StageHandled), casework.ActionRework, checker, r, order(), casework.ErrNotDrawn},
		{"another than the drawn one confirms", drawn(casework.StageConfirming), casework.ActionConfirm, checker, r, order(), casework.ErrNotDrawn},
		{"another than the drawn one denies", drawn(casework.StageConfirming), casework.ActionDeny, checker, r, order(), casework.ErrNotDrawn},
		{"the closer upholds the closing", at(casework.StageVetoed), casework.ActionUphold, casework.Actor{Account: 30, Role: "shift_leader"}, r, order(), casework.ErrSameCloser},
		{"another department handles", at(casework.StageDispatched), casework.ActionHandle, other, r, order(), casework.ErrOtherDepartment},
		{"another department accepts", at(casework.StageDispatched), casework.ActionAccept, other, r, order(), casework.ErrOtherDepartment},
		{"another department returns", at(casework.StageAccepted), casework.ActionReturn, other, r, order(), casework.ErrOtherDepartment},
		{"another department asks for time", at(casework.StageAccepted), casework.ActionExtend, other, r, order(), casework.ErrOtherDepartment},
		{"another department asks for a rest", at(casework.StageAccepted), casework.ActionSuspend, other, r, order(), casework.ErrOtherDepartment},
		{"another department goes on", at(casework.StageSuspended), casework.ActionResume, other, r, order(), casework.ErrOtherDepartment},
		{"a department that was not asked helps", at(casework.StageAccepted), casework.ActionAssist, other, r, order(), casework.ErrNotAssisting},
		{"a district's command takes the city's case", at(casework.StageFiled), casework.ActionDispatch, casework.Actor{Account: 9, Department: "QZ"}, two, away, casework.ErrOtherCommand},
		{"the city's command takes the district's case", district, casework.ActionDispatch, command, two, order(), casework.ErrOtherCommand},
	} {
		refused(t, tt.name, tt.c, tt.a, tt.by, noon, tt.r, tt.o, tt.want)
	}
}

func TestWhatMustHoldForAMove(t *testing.T) {
	arbitrated := at(casework.StageAccepted)
	arbitrated.Arbitrated = true
	waiting := at(casework.StageAccepted)
	waiting.Assistants = []casework.Assistant{{Department: "YL"}}
	alone := at(casework.StageVerified)
	alone.VerifiedBy = alone.HandledBy
	unverified := at(casework.StageVerified)
	unverified.VerifiedBy = 0
	denied := at(casework.StageReported)
	denied.Confirmation = casework.NothingFound
	twice := at(casework.StageClosed)
	twice.Vetoes = 1
	staff := at(casework.StageClosed)
	staff.Channel = casework.ChannelSupervisor
	confirm := rules(t, func(w *casework.Workflow) { w.ConfirmPublic = true })
	late := noon.Add(4 * time.Hour)
	for _, tt := range []struct {
		name string
		c    casework.Case
		a    casework.Action
		now  time.Time
		r    casework.Rules
		want *errs.Error
	}{
		{"a public report that nobody looked at is filed", at(casework.StageReported), casework.ActionFile, noon, confirm, casework.ErrUnconfirmed},
		{"a public report that was not found is filed", denied, casework.ActionFile, noon, confirm, casework.ErrUnconfirmed},
		{"a city of one command forwards", at(casework.StageFiled), casework.ActionForward, noon, rules(t), casework.ErrOneCommand},
		{"an arbitrated case is returned", arbitrated, casework.ActionReturn, noon, rules(t), casework.ErrArbitrated},
		{"time is asked for too late", at(casework.StageAccepted), casework.ActionExtend, late, rules(t), casework.ErrTooLate},
		{"a rest is asked for too late", at(casework.StageAccepted), casework.ActionSuspend, late, rules(t), casework.ErrTooLate},
		{"the lead is done before who helps", waiting, casework.ActionHandle, noon, rules(t), casework.ErrAssistantsOpen},
		{"a case verified by its handler is closed", alone, casework.ActionClose, noon, rules(t), casework.ErrSamePerson},
		{"a case verified by nobody is closed", unverified, casework.ActionClose, noon, rules(t), casework.ErrSamePerson},
		{"a second veto", twice, casework.ActionVeto, noon, rules(t), casework.ErrNoVeto},
		{"a veto of what staff reported", staff, casework.ActionVeto, noon, rules(t), casework.ErrNoVeto},
		{"a veto after its days", at(casework.StageClosed), casework.ActionVeto, noon.AddDate(0, 0, 15), rules(t), casework.ErrNoVeto},
	} {
		refused(t, tt.name, tt.c, tt.a, by(tt.c, tt.a), tt.now, tt.r, order(), tt.want)
	}
	for name, c := range map[string]casework.Case{"on the limit": at(casework.StageAccepted)} {
		if _, err := c.Apply(casework.ActionExtend, handler, noon.Add(3*time.Hour), rules(t), order()); err != nil {
			t.Errorf("time asked for %s: %v", name, err)
		}
	}
}

func TestRepeatedReturnsLeadToArbitration(t *testing.T) {
	r, c := rules(t), at(casework.StageFiled)
	for n, want := range []casework.Stage{casework.StageFiled, casework.StageArbitrating} {
		for _, a := range []casework.Action{casework.ActionDispatch, casework.ActionReturn, casework.ActionApproveReturn} {
			if _, err := c.Apply(a, by(c, a), noon, r, order()); err != nil {
				t.Fatalf("%s: %v", a, err)
			}
		}
		if c.Stage != want || c.Returns != n+1 || c.Department != "" || c.Handling.Started() || !c.CloseDue.IsZero() {
			t.Fatalf("after %d returns: %+v; want stage %s without a department or a limit", n+1, c, want)
		}
	}
	if _, err := c.Apply(casework.ActionArbitrate, checker, noon, r, order()); err != nil || c.Department != "SZ" || !c.Arbitrated || !c.Handling.Running() {
		t.Errorf("got %v, %+v", err, c)
	}
}

func TestReworkKeepsTheDepartmentAndForgetsTheFeedback(t *testing.T) {
	c := at(casework.StageHandled)
	c.HandledAt = noon
	if _, err := c.Apply(casework.ActionRework, checker, noon.Add(time.Hour), rules(t), order()); err != nil {
		t.Fatal(err)
	}
	if c.Stage != casework.StageDispatched || c.Department != "SZ" || c.Reworks != 1 || !c.HandledAt.IsZero() || c.VerifiedBy != checker.Account {
		t.Errorf("got %+v", c)
	}
}

func TestAReopenedCaseBeginsWithoutWhatTheFirstRoundLeft(t *testing.T) {
	c := at(casework.StageVetoed)
	c.Command, c.Arbitrated, c.Assistants = "QZ", true, []casework.Assistant{{Department: "YL"}}
	if _, err := c.Apply(casework.ActionReopen, checker, noon, rules(t), order()); err != nil {
		t.Fatal(err)
	}
	if c.Stage != casework.StageFiled || c.Department != "" || c.Command != "" || c.Arbitrated || c.Assistants != nil || c.HandledBy != 0 || c.VerifiedBy != 0 ||
		c.ClosedBy != 0 || !c.ClosedAt.IsZero() || c.Handling.Started() {
		t.Errorf("got %+v", c)
	}
}

func TestTheDrawLeavesOutWhoWorkedAndCanBeRepeated(t *testing.T) {
	chosen := map[int64]int{}
	for minute := range 600 {
		c := at(casework.StageAccepted)
		c.Handling.Due = noon.AddDate(0, 0, 9)
		c.Assistants = []casework.Assistant{{Department: "YL", DoneAt: noon, By: 28}}
		o := order()
		o.OnDuty = []int64{28, 18, 8, 38, 7, 8}
		step, err := c.Apply(casework.ActionHandle, handler, noon.Add(time.Duration(minute)*time.Minute), rules(t), o)
		if err != nil {
			t.Fatal(err)
		}
		d := step.Detail.Draw
		if d == nil || !slices.Equal(d.Candidates, []int64{8, 18, 38}) || c.Checker != d.Chosen || !step.Repeated() {
			t.Fatalf("draw %+v, checker %d", d, c.Checker)
		}
		chosen[c.Checker]++
		d.Chosen++
		if step.Repeated() {
			t.Fatal("a draw that was changed afterwards passes for repeated")
		}
	}
	for who, n := range chosen { // each of three is drawn 200 times, give or take 4 standard deviations
		if n < 150 || n > 250 || len(chosen) != 3 {
			t.Errorf("%d was drawn %d times of 600: %v", who, n, chosen)
		}
	}
	c := at(casework.StageAccepted)
	o := order()
	o.OnDuty = []int64{7}
	if step, err := c.Apply(casework.ActionHandle, handler, noon, rules(t), o); err != nil || c.Checker != 0 || step.Detail.Draw != nil {
		t.Errorf("with nobody but the handler on duty: %v, checker %d", err, c.Checker)
	}
}

func TestEveryStageAndActionHasANameAndEveryActionAPermission(t *testing.T) {
	for _, s := range casework.Stages() {
		if n := s.Name(); n.Zh == "" || n.En == "" || n.Zh == "新建" {
			t.Errorf("stage %q is called %+v", s, n)
		}
	}
	known := map[access.Permission]bool{}
	for _, p := range access.Permissions() {
		known[p] = true
	}
	system := []casework.Action{casework.ActionTransferAccepted, casework.ActionTransferRefused, casework.ActionGather, casework.ActionAbsorb, casework.ActionEscalate}
	for _, a := range casework.Actions() {
		if n := a.Name(); n.Zh == "" || n.En == "" {
			t.Errorf("action %s is called %+v", a, n)
		}
		if known[a.Permission()] == slices.Contains(system, a) {
			t.Errorf("%s needs %q", a, a.Permission())
		}
	}
	for _, m := range casework.Moves() {
		for _, c := range m.If {
			if n := c.Name(); n.Zh == "" || n.En == "" {
				t.Errorf("condition %s is called %+v", c, n)
			}
		}
	}
}

func TestSettingsThatCannotWorkAreNamed(t *testing.T) {
	w := casework.DefaultWorkflow()
	w.Commands = 2
	if faults := w.Check(); len(faults) != 0 {
		t.Errorf("the default with two commands has faults: %v", faults)
	}
	bad := casework.Workflow{
		Commands: 3, MaxReturns: 0, VetoDays: -1, SuspendDays: 0, Shares: casework.Shares{Return: 101, Extend: -1, Suspend: 101, Void: 101, Floor: -1},
		Limits: casework.Limits{File: calendar.Limit{Value: 1, Unit: "week"}}, Ladder: []casework.Rung{{Percent: 90}, {Percent: 90}},
	}
	var got []string
	for _, f := range bad.Check() {
		got = append(got, f.Field)
	}
	want := []string{"commands", "max_returns", "veto_days", "suspend_days", "shares.return", "shares.extend", "shares.suspend", "shares.void", "shares.floor",
		"duplicates.metres", "duplicates.hours", "limits.file.unit", "limits.confirm.value", "limits.confirm.unit", "limits.dispatch.value", "limits.dispatch.unit",
		"limits.verify.value", "limits.verify.unit", "limits.close.value", "limits.close.unit", "ladder[1].percent"}
	if !slices.Equal(got, want) {
		t.Errorf("got faults in %v,\nwant %v", got, want)
	}
}
