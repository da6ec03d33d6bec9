package caseworktest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"wangge/tenant/calendar"
	"wangge/tenant/casework"
	"wangge/tenant/catalog"
	"wangge/tenant/citytest"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

// by gives a command in the first post that may, with what change sets.
func (h *house) by(role org.Role, a casework.Action, number string, change ...func(*casework.Command)) (*casework.Case, error) {
	in := casework.Command{Number: number, By: h.Actor(role), Note: "依据现场照片", Department: citytest.Works}
	for _, c := range change {
		c(&in)
	}
	return h.do(a, in)
}

// moved gives a command that must succeed, and checks that the journal applied
// anew gives what is stored.
func (h *house) moved(role org.Role, a casework.Action, number string, change ...func(*casework.Command)) *casework.Case {
	h.Helper()
	h.Clock.Advance(time.Minute)
	c, err := h.by(role, a, number, change...)
	if err != nil {
		h.Fatalf("%s: %v", a, err)
	}
	h.wantStored(c)
	return c
}

func other(number string) func(*casework.Command) {
	return func(c *casework.Command) { c.Other = number }
}

func (h *house) confirming() {
	c := h.report()
	c = h.moved(org.ShiftLeader, casework.ActionAskConfirm, c.Number)
	if c.Checker == 0 || c.Filing.Running() {
		h.Fatalf("drawn is %d, the filing clock runs: %v", c.Checker, c.Filing.Running())
	}
	due := c.Filing.Due
	h.Clock.Advance(5 * time.Hour)
	drawn := func(in *casework.Command) { in.By.Account = c.Checker }
	if c = h.moved(org.Supervisor, casework.ActionConfirm, c.Number, drawn); c.Confirmation != casework.FoundOnSite || !c.Filing.Running() {
		h.Errorf("got %+v", c)
	}
	if want := due.Add(5*time.Hour + time.Minute); !c.Filing.Due.Equal(want) {
		h.Errorf("to be filed by %s, want %s: the clock stood still", c.Filing.Due, want)
	}
	steps := h.steps(c.Number)
	if !steps[1].Repeated() {
		h.Errorf("the draw can't be repeated: %+v", steps[1].Detail.Draw)
	}
}

func (h *house) returning() {
	c := h.at(casework.StageFiled)
	for n := 1; n <= 2; n++ {
		h.moved(org.Dispatcher, casework.ActionDispatch, c.Number)
		h.moved(org.DepartmentHandler, casework.ActionReturn, c.Number)
		h.moved(org.Dispatcher, casework.ActionRefuseReturn, c.Number)
		h.moved(org.DepartmentHandler, casework.ActionAccept, c.Number)
		h.moved(org.DepartmentHandler, casework.ActionReturn, c.Number)
		if c = h.moved(org.Dispatcher, casework.ActionApproveReturn, c.Number); c.Returns != n || c.Department != "" {
			h.Fatalf("after %d returns: %+v", n, c)
		}
	}
	if c.Stage != casework.StageArbitrating {
		h.Fatalf("after two returns at %s", c.Stage)
	}
	_, err := h.by(org.Dispatcher, casework.ActionDispatch, c.Number)
	h.wantErr(err, casework.ErrMove)
	c = h.moved(org.Leader, casework.ActionArbitrate, c.Number)
	_, err = h.by(org.DepartmentHandler, casework.ActionReturn, c.Number)
	h.wantErr(err, casework.ErrArbitrated)
}

// Time that is granted is added to the end; a rest takes nothing from it.
func (h *house) moreTime() {
	c := h.at(casework.StageDispatched)
	h.moved(org.DepartmentHandler, casework.ActionAccept, c.Number)
	ask := func(value int) func(*casework.Command) {
		return func(in *casework.Command) { in.Extra = calendar.Limit{Value: value, Unit: calendar.WorkHour} }
	}
	_, err := h.by(org.DepartmentHandler, casework.ActionExtend, c.Number, ask(0))
	h.wantFields(err, "extra")
	due := h.moved(org.DepartmentHandler, casework.ActionExtend, c.Number, ask(2)).Handling.Due
	if c = h.moved(org.ShiftLeader, casework.ActionRefuseExtension, c.Number); !c.Handling.Due.Equal(due) || c.Extensions != 0 {
		h.Errorf("a refusal moved the limit from %s to %s", due, c.Handling.Due)
	}
	h.moved(org.DepartmentHandler, casework.ActionExtend, c.Number, ask(2))
	want := h.City.Calendar.Deadline(due, calendar.Limit{Value: 2, Unit: calendar.WorkHour})
	if c = h.moved(org.ShiftLeader, casework.ActionApproveExtension, c.Number); !c.Handling.Due.Equal(want) || c.Extensions != 1 || !c.CloseDue.Equal(want.Add(24*time.Hour)) {
		h.Errorf("extended to %s, want %s", c.Handling.Due, want)
	}

	until := func(t time.Time) func(*casework.Command) { return func(in *casework.Command) { in.Until = t } }
	rest := h.Clock.Now().AddDate(0, 0, 3)
	for _, bad := range []time.Time{h.Clock.Now(), h.Clock.Now().AddDate(0, 0, 181), {}} {
		_, err := h.by(org.DepartmentHandler, casework.ActionSuspend, c.Number, until(bad))
		h.wantFields(err, "until")
	}
	h.moved(org.DepartmentHandler, casework.ActionSuspend, c.Number, until(rest))
	c = h.moved(org.ShiftLeader, casework.ActionApproveSuspension, c.Number)
	left := h.City.Calendar.Between(h.Clock.Now(), c.Handling.Due, calendar.WorkHour)
	if c.Stage != casework.StageSuspended || c.Handling.Running() || c.Handling.Left != left {
		h.Fatalf("at %s with %s left, want %s", c.Stage, c.Handling.Left, left)
	}
	h.Clock.Set(rest.Add(-time.Second))
	h.settle()
	if c := h.must(h.City.Cases.Case(h.ctx(), c.Number)); c.Stage != casework.StageSuspended {
		h.Errorf("before its time at %s", c.Stage)
	}
	h.Clock.Set(rest)
	h.settle()
	c = h.must(h.City.Cases.Case(h.ctx(), c.Number))
	if want := h.City.Calendar.After(rest, left, calendar.WorkHour); c.Stage != casework.StageAccepted || !c.Handling.Due.Equal(want) {
		h.Errorf("goes on at %s until %s, want %s", c.Stage, c.Handling.Due, want)
	}
	h.wantStored(c)
}

// settle ends every alarm that other tests' cases still have.
func (h *house) settle() {
	h.Helper()
	for range 10 {
		if n, err := h.City.Cases.Watch(h.ctx()); err != nil || n == 0 {
			return
		}
	}
	h.Fatal("the watch never comes to rest")
}

func (h *house) ladder() {
	h.settle()
	c := h.at(casework.StageDispatched)
	whole := h.City.Calendar.Between(c.EnteredAt, c.Handling.Due, calendar.WorkHour)
	for n, percent := range []int64{80, 100, 150} {
		at := h.City.Calendar.After(c.EnteredAt, time.Duration(int64(whole)*percent/100), calendar.WorkHour)
		h.Clock.Set(at.Add(-time.Second))
		h.settle()
		if now := h.must(h.City.Cases.Case(h.ctx(), c.Number)); now.Level != n {
			h.Errorf("before %d %%: level %d, want %d", percent, now.Level, n)
		}
		h.Clock.Set(at)
		h.settle()
		now := h.must(h.City.Cases.Case(h.ctx(), c.Number))
		if now.Level != n+1 || now.Stage != c.Stage {
			h.Errorf("at %d %%: level %d, want %d", percent, now.Level, n+1)
		}
		h.wantStored(now)
		steps := h.steps(c.Number)
		if last := steps[len(steps)-1]; last.Detail.To != h.City.Cases.Workflow().Ladder[n].To || last.By != casework.System {
			h.Errorf("at %d %%: %+v asks for %q", percent, last.By, last.Detail.To)
		}
	}
	if c = h.moved(org.DepartmentHandler, casework.ActionHandle, c.Number); c.Level != 0 {
		h.Errorf("a new stage begins at level %d", c.Level)
	}
}

func (h *house) joint() {
	c := h.at(casework.StageFiled)
	help := func(units ...string) func(*casework.Command) {
		return func(in *casework.Command) { in.Assistants = units }
	}
	for _, units := range [][]string{{citytest.Works}, {citytest.Greening, citytest.Greening}} {
		_, err := h.by(org.Dispatcher, casework.ActionDispatch, c.Number, help(units...))
		h.wantFields(err, "assistants")
	}
	_, err := h.by(org.Dispatcher, casework.ActionDispatch, c.Number, help(citytest.CommandCentre))
	h.wantErr(err, org.ErrNotHandling)
	h.moved(org.Dispatcher, casework.ActionDispatch, c.Number, help(citytest.Greening))
	_, err = h.by(org.DepartmentHandler, casework.ActionHandle, c.Number)
	h.wantErr(err, casework.ErrAssistantsOpen)
	_, err = h.by(org.DepartmentHandler, casework.ActionAssist, c.Number)
	h.wantErr(err, casework.ErrNotAssisting)
	list, err := h.City.Cases.Cases(h.ctx(), casework.Filter{Departments: []string{citytest.Greening}, Sort: casework.ByNewest, Limit: 1})
	if err != nil || len(list) != 1 || list[0].Number != c.Number {
		h.Errorf("who helps has the list %v, %v", list, err)
	}
	second := func(in *casework.Command) { in.By = h.Second(org.DepartmentHandler) }
	h.moved(org.DepartmentHandler, casework.ActionAssist, c.Number, second)
	_, err = h.by(org.DepartmentHandler, casework.ActionAssist, c.Number, second)
	h.wantErr(err, casework.ErrNotAssisting)
	h.moved(org.DepartmentHandler, casework.ActionHandle, c.Number)
}

func (h *house) severalUnits() {
	c := h.at(casework.StageFiled)
	h.must(h.dispatch(c.Number, citytest.Greening))
	both := func(in *casework.Command) { in.Also = []string{citytest.Greening} }
	c = h.moved(org.DepartmentHandler, casework.ActionHandle, c.Number, both)
	if steps := h.steps(c.Number); steps[len(steps)-1].By.Department != citytest.Greening {
		h.Errorf("handled by %+v, want in the unit it was dispatched to", steps[len(steps)-1].By)
	}
}

func (h *house) merging() {
	first, second, third := h.report(), h.report(), h.report()
	_, err := h.by(org.IntakeClerk, casework.ActionMerge, second.Number, other(second.Number))
	h.wantErr(err, casework.ErrSameCase)
	_, err = h.by(org.IntakeClerk, casework.ActionMerge, second.Number, other("20000101-000001"))
	h.wantErr(err, casework.ErrNoCase)
	if c := h.moved(org.IntakeClerk, casework.ActionMerge, second.Number, other(first.Number)); c.Stage != casework.StageMerged || c.Into != first.Number {
		h.Errorf("got %+v", c)
	}
	h.wantPath(first.Number, casework.ActionAbsorb)
	_, err = h.by(org.IntakeClerk, casework.ActionMerge, third.Number, other(second.Number))
	h.wantErr(err, casework.ErrOtherRest)
	h.wantPath(third.Number)
	h.wantList(casework.Filter{Into: first.Number}, h.must(h.City.Cases.Case(h.ctx(), second.Number)))
	if c := h.moved(org.IntakeClerk, casework.ActionUnmerge, second.Number); c.Stage != casework.StageReported || c.Into != "" || !c.Filing.Running() {
		h.Errorf("got %+v", c)
	}
	h.wantList(casework.Filter{Into: first.Number})
}

func (h *house) family() {
	parent, child, stranger := h.at(casework.StageVerified), h.report(), h.report()
	h.moved(org.IntakeClerk, casework.ActionAttach, child.Number, other(parent.Number))
	for number, to := range map[string]string{stranger.Number: child.Number, parent.Number: stranger.Number} {
		_, err := h.by(org.IntakeClerk, casework.ActionAttach, number, other(to))
		h.wantErr(err, casework.ErrFamily)
	}
	_, err := h.by(org.ShiftLeader, casework.ActionClose, parent.Number)
	h.wantErr(err, casework.ErrChildrenOpen)
	h.wantList(casework.Filter{Parent: parent.Number}, h.must(h.City.Cases.Case(h.ctx(), child.Number)))
	h.moved(org.ShiftLeader, casework.ActionDecline, child.Number)
	h.moved(org.ShiftLeader, casework.ActionClose, parent.Number)
	h.moved(org.IntakeClerk, casework.ActionAttach, stranger.Number, other(h.report().Number))
	if c := h.moved(org.IntakeClerk, casework.ActionDetach, stranger.Number); c.Parent != "" {
		h.Errorf("got %+v", c)
	}
}

// A child that joins while its parent is being closed is noticed: one of the
// two has to give way.
func (h *house) joiningWhileClosing() {
	for range 10 {
		parent, child := h.at(casework.StageVerified), h.report()
		results := make(chan error, 2)
		go func() {
			_, err := h.by(org.IntakeClerk, casework.ActionAttach, child.Number, other(parent.Number))
			results <- err
		}()
		go func() {
			_, err := h.by(org.ShiftLeader, casework.ActionClose, parent.Number)
			results <- err
		}()
		failed := 0
		for range 2 {
			if <-results != nil {
				failed++
			}
		}
		if failed != 1 {
			h.Errorf("%d of joining and closing were refused, want one", failed)
		}
	}
}

func (h *house) vetoed() {
	in := h.Report()
	in.Channel = casework.ChannelCitizen
	c := h.must(h.City.Cases.Report(h.ctx(), in))
	h.take(c, way[casework.StageClosed]...)
	h.moved(org.IntakeClerk, casework.ActionVeto, c.Number)
	_, err := h.by(org.ShiftLeader, casework.ActionUphold, c.Number)
	h.wantErr(err, casework.ErrSameCloser)
	c = h.moved(org.ShiftLeader, casework.ActionReopen, c.Number)
	if c.Stage != casework.StageFiled || c.Vetoes != 1 || c.HandledBy != 0 {
		h.Errorf("got %+v", c)
	}
	h.take(c, way[casework.StageClosed][1:]...)
	_, err = h.by(org.IntakeClerk, casework.ActionVeto, c.Number)
	h.wantErr(err, casework.ErrNoVeto)
}

// Ten a month are always allowed; beyond them a share of what was filed.
func (h *house) shares() {
	h.Clock.Set(h.Clock.Now().AddDate(0, 1, 0)) // a month of its own
	var numbers []string
	for range 22 {
		numbers = append(numbers, h.at(casework.StageFiled).Number)
	}
	for i, number := range numbers[:10] {
		if _, err := h.by(org.ShiftLeader, casework.ActionVoid, number); err != nil {
			h.Fatalf("voiding number %d of 22: %v", i+1, err)
		}
	}
	_, err := h.by(org.ShiftLeader, casework.ActionVoid, numbers[10])
	h.wantErr(err, casework.ErrShare)
	if err == nil || !strings.Contains(err.Error(), "10 this month, beyond its share of 22") {
		h.Errorf("the refusal reads %v", err)
	}
	y, m, _ := h.Clock.Now().In(citytest.Zone).Date()
	h.Clock.Set(time.Date(y, m+1, 1, 0, 0, 0, 0, citytest.Zone))
	if _, err := h.by(org.ShiftLeader, casework.ActionVoid, numbers[10]); err != nil {
		h.Errorf("in the next month: %v", err)
	}
}

func (h *house) transferred() {
	second := citytest.Build(h, h.open(h), citytest.Code("620200"), citytest.Lattice(4, 4))
	second.Clock.Set(h.Clock.Now())
	to := func(city string) func(*casework.Command) { return func(in *casework.Command) { in.City = city } }
	_, err := h.by(org.ShiftLeader, casework.ActionTransfer, h.report().Number, to(h.City.ID.String()))
	h.wantErr(err, casework.ErrNoCity)

	send := func(place grid.Point) casework.Consignment {
		c := h.moved(org.ShiftLeader, casework.ActionTransfer, h.report().Number, to("620200"))
		list, err := h.City.Cases.Outgoing(h.ctx())
		if err != nil {
			h.Fatal(err)
		}
		i := slices.IndexFunc(list, func(o casework.Consignment) bool { return o.Number == c.Number })
		if i < 0 {
			h.Fatalf("%s is not on its way: %+v", c.Number, list)
		}
		list[i].Place = place // as if the road ran on into the other city
		return list[i]
	}
	for _, accept := range []bool{true, false} {
		out := send(second.Place)
		first, err := second.City.Cases.Receive(h.ctx(), out)
		if err != nil || first.Accepted || first.Refused || first.Number == "" {
			h.Fatalf("received: %+v, %v", first, err)
		}
		in := casework.Command{Number: first.Number, By: second.Actor(org.ShiftLeader), Note: "不属本市"}
		a := casework.ActionDecline
		if accept {
			a = casework.ActionFile
		}
		there := h.must(second.City.Cases.Do(h.ctx(), a, in))
		if there.Channel != casework.ChannelTransfer || there.Elsewhere != h.City.ID.String()+"/"+out.Number || there.Reporter != nil {
			h.Errorf("arrived as %+v", there)
		}
		answer, err := second.City.Cases.Receive(h.ctx(), out)
		if err != nil || answer.Accepted != accept || answer.Refused == accept || answer.Number != first.Number {
			h.Fatalf("received again: %+v, %v", answer, err)
		}
		if err := h.City.Cases.Settle(h.ctx(), out.Number, answer); err != nil {
			h.Fatal(err)
		}
		c := h.must(h.City.Cases.Case(h.ctx(), out.Number))
		h.wantStored(c)
		want, elsewhere := casework.StageReported, ""
		if accept {
			want, elsewhere = casework.StageTransferred, "620200/"+first.Number
		}
		if c.Stage != want || c.Elsewhere != elsewhere {
			h.Errorf("accepted %v: at %s, elsewhere %q", accept, c.Stage, c.Elsewhere)
		}
	}
	out := send(h.Place) // no place of the other city
	if answer, err := second.City.Cases.Receive(h.ctx(), out); err != nil || !answer.Refused || answer.Reason == "" {
		h.Errorf("outside: %+v, %v", answer, err)
	}
}

func (h *house) urged() {
	c := h.at(casework.StageDispatched)
	if got := h.moved(org.Leader, casework.ActionUrge, c.Number); got.Stage != c.Stage || got.Version != c.Version+1 {
		h.Errorf("got %+v", got)
	}
}

func (h *house) words() {
	texts := []string{"人民路12号井盖破损严重", "人民东路垃圾堆放", "LED灯箱 A座 故障", "井边的破盖"}
	var numbers []string
	for _, text := range texts {
		in := h.Report()
		in.Description, in.Address = text, "中山北路口"
		numbers = append(numbers, h.must(h.City.Cases.Report(h.ctx(), in)).Number)
	}
	day := h.City.Calendar.Day(h.Clock.Now())
	for text, want := range map[string][]int{
		"井盖": {0}, "人民": {1, 0}, "人民路": {0}, "led": {2}, "12": {0}, "a座": {2}, "中山北路": {3, 2, 1, 0}, "破": {3, 0}, "盖破": {0},
		"中山 灯箱": {2}, "灯箱 井盖": nil, "'\" OR NEAR(": nil, "！？": nil, "%": nil, "山路": nil,
	} {
		list, err := h.City.Cases.Cases(h.ctx(), casework.Filter{Text: text, From: day, To: day, Sort: casework.ByNewest})
		if err != nil {
			h.Errorf("%q: %v", text, err)
			continue
		}
		var got []string
		for _, c := range list {
			got = append(got, c.Number)
		}
		var wanted []string
		for _, i := range want {
			wanted = append(wanted, numbers[i])
		}
		if !slices.Equal(got, wanted) {
			h.Errorf("%q finds %v, want %v", text, got, wanted)
		}
	}
	var pages []string
	f := casework.Filter{Text: "中山", From: day, To: day, Sort: casework.ByNewest, Limit: 3}
	for {
		list, err := h.City.Cases.Cases(h.ctx(), f)
		if err != nil {
			h.Fatal(err)
		}
		for _, c := range list {
			pages = append(pages, c.Number)
		}
		if len(list) < f.Limit {
			break
		}
		f.After = list[len(list)-1].Cursor()
	}
	slices.Reverse(pages)
	if !slices.Equal(pages, numbers) {
		h.Errorf("page by page %v, want %v", pages, numbers)
	}
}

func (h *house) duplicates() {
	report := func(metresNorth float64, condition string) *casework.Case {
		in := h.Report()
		in.Place, in.Condition = h.Grids[40].Inside(), condition
		in.Place.Lat += metresNorth / 111195
		return h.must(h.City.Cases.Report(h.ctx(), in))
	}
	first := report(0, citytest.Condition)
	h.Clock.Advance(time.Hour)
	second := report(33, citytest.Condition)
	report(0, "01-002-2")
	for _, tt := range []struct {
		north  float64
		number string
		want   []string
	}{
		{0, "", []string{first.Number, second.Number}}, {0, first.Number, []string{second.Number}},
		{33, "", []string{second.Number, first.Number}}, {70, "", []string{second.Number}}, {84, "", nil},
	} {
		at := h.Grids[40].Inside()
		at.Lat += tt.north / 111195
		list, err := h.City.Cases.Duplicates(h.ctx(), kindOf(first), at, tt.number)
		var got []string
		for _, c := range list {
			got = append(got, c.Number)
		}
		if err != nil || !slices.Equal(got, tt.want) {
			h.Errorf("%v m north of the first, but %q: %v, %v; want %v", tt.north, tt.number, got, err, tt.want)
		}
	}
	h.Clock.Advance(23*time.Hour + time.Second)
	list, err := h.City.Cases.Duplicates(h.ctx(), kindOf(first), first.Place, "")
	if err != nil || len(list) != 1 || list[0].Number != second.Number {
		h.Errorf("a day after the first there are %d, %v", len(list), err)
	}
}

// kindOf is what identifies the kind of a case.
func kindOf(c *casework.Case) catalog.Kind {
	return catalog.Kind{Version: c.KindVersion, Sort: c.Sort, Code: c.Kind}
}

func (h *house) counted() {
	before := h.counters()
	h.at(casework.StageDispatched)
	c := h.at(casework.StageDispatched)
	h.at(casework.StageClosed)
	h.Clock.Set(c.Handling.Due.Add(-time.Minute))
	h.settle()
	after := h.counters()
	if d := after[casework.StageDispatched]; d.Cases-before[casework.StageDispatched].Cases != 2 || d.Warned-before[casework.StageDispatched].Warned < 1 {
		h.Errorf("before %+v, after %+v", before, after)
	}
	if _, ok := after[casework.StageClosed]; ok {
		h.Error("what is closed is counted as open")
	}
	overdue := after[casework.StageDispatched].Overdue
	h.Clock.Set(c.Handling.Due.Add(time.Minute))
	if d := h.counters()[casework.StageDispatched]; d.Overdue <= overdue {
		h.Errorf("past the limit %d are overdue, before %d", d.Overdue, overdue)
	}
	list, err := h.City.Cases.Cases(h.ctx(), casework.Filter{Overdue: true, Sort: casework.ByUrgency})
	if err != nil || !slices.ContainsFunc(list, func(o casework.Case) bool { return o.Number == c.Number }) {
		h.Errorf("the overdue list of %d lacks %s: %v", len(list), c.Number, err)
	}
	for i := 1; i < len(list); i++ {
		if list[i].StageDue.Before(list[i-1].StageDue) {
			h.Errorf("%s stands before %s", list[i-1].StageDue, list[i].StageDue)
		}
	}
	var paged int
	f := casework.Filter{Overdue: true, Sort: casework.ByUrgency, Limit: 2}
	err = h.City.Cases.Each(h.ctx(), f, func(casework.Case) error { paged++; return nil })
	if err != nil || len(list) < casework.MaxPage && paged != len(list) {
		h.Errorf("page by page there are %d, at once %d; %v", paged, len(list), err)
	}
}

func (h *house) counters() map[casework.Stage]casework.Counter {
	h.Helper()
	list, err := h.City.Cases.Counters(h.ctx(), casework.Filter{})
	if err != nil {
		h.Fatal(err)
	}
	out := map[casework.Stage]casework.Counter{}
	for _, c := range list {
		out[c.Stage] = c
	}
	return out
}

// Bad input leaves every table as it was.
func (h *house) nothingLeft() {
	c := h.at(casework.StageDispatched)
	before := h.rows()
	nul := h.Report()
	nul.Description = "a\x00b"
	var refusals []error
	refuse := func(_ *casework.Case, err error) { refusals = append(refusals, err) }
	refuse(h.City.Cases.Report(h.ctx(), nul))
	refuse(h.City.Cases.Report(h.ctx(), casework.ReportInput{}))
	for _, a := range casework.Actions() {
		refuse(h.by(org.Evaluator, a, c.Number, func(in *casework.Command) { in.Note, in.Other, in.Department = "x\x00", c.Number, "没有" }))
		refuse(h.by(org.Evaluator, a, "20000101-000001"))
	}
	for i, err := range refusals {
		if err == nil {
			h.Errorf("refusal %d was none", i)
		}
	}
	if after := h.rows(); after != before {
		h.Error("what was refused left something behind")
	}
	if !errors.Is(refusals[len(refusals)-1], casework.ErrNoCase) {
		h.Errorf("got %v", refusals[len(refusals)-1])
	}
}

// rows is every row of the tables that a command writes.
func (h *house) rows() string {
	h.Helper()
	var out strings.Builder
	for _, table := range []string{"cases", "steps", "case_numbers", "case_assistants", "usage_entries"} {
		var rows []map[string]any
		if err := h.DB.Read.WithContext(h.ctx()).Raw("SELECT * FROM " + table + " ORDER BY 1, 2").Scan(&rows).Error; err != nil {
			h.Fatal(err)
		}
		fmt.Fprint(&out, table, rows)
	}
	return out.String()
}
