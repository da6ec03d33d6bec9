package caseworktest

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/casework"
	"wangge/tenant/catalog"
	"wangge/tenant/citytest"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

func (h *house) lifecycle() {
	c := h.at(casework.StageClosed)
	h.wantPath(c.Number, way[casework.StageClosed]...)
	steps := h.steps(c.Number)
	for i, s := range steps {
		if s.Seq != int64(i+1) || s.Case != c.ID || s.Number != c.Number || !s.At.Equal(c.ReportedAt.Add(time.Duration(i)*time.Hour)) || s.By != h.Actor(roles[s.Action]) {
			h.Errorf("step %d: got %+v", i+1, s)
		}
		if i > 0 && (s.From != steps[i-1].To || s.Note != "依据现场照片") {
			h.Errorf("step %d leaves from %s with note %q; the one before led to %s", i+1, s.From, s.Note, steps[i-1].To)
		}
	}
	if first := steps[0].Detail; first.Channel != casework.ChannelSupervisor || first.Kind != "01-001" || first.KindVersion != catalog.Version2026 || first.Grid != h.Grids[0].Code.String() {
		h.Errorf("the report says %+v", first)
	}
	if d := steps[2].Detail; d.Department != citytest.Works || !d.Due.Equal(c.Handling.Due) || !d.CloseDue.Equal(c.CloseDue) {
		h.Errorf("the dispatch says %+v, the case %+v", d, c)
	}
}

func (h *house) returned() {
	h.Clock.Advance(1234567 * time.Nanosecond) // finer than what is stored
	c := h.report()
	h.wantStored(c)
	for _, a := range []casework.Action{casework.ActionFile, casework.ActionDispatch, casework.ActionHandle, casework.ActionRework, casework.ActionHandle, casework.ActionVerify, casework.ActionClose} {
		c = h.take(c, a)
		h.wantStored(c)
	}
}

func (h *house) wantStored(c *casework.Case) {
	h.Helper()
	stored := h.must(h.City.Cases.Case(h.ctx(), c.Number))
	if !reflect.DeepEqual(stored, c) {
		h.Errorf("at %s:\n got %+v\nwant %+v", c.Stage, stored, c)
	}
	if replay := h.replay(h.steps(c.Number)); !sameState(replay, *c) {
		h.Errorf("at %s: the journal tells\n     %+v\nwant %+v", c.Stage, replay, c)
	}
}

func (h *house) refused() {
	allowed := map[casework.Stage][]casework.Action{}
	for _, m := range casework.Moves() {
		allowed[m.From] = append(allowed[m.From], m.Action)
	}
	for stage := range way {
		c := h.at(stage)
		for _, a := range commands {
			if slices.Contains(allowed[stage], a) {
				continue
			}
			_, err := h.do(a, h.command(a, c.Number))
			h.wantErr(err, casework.ErrMove)
		}
		h.wantPath(c.Number, way[stage]...)
		h.wantStored(c)
	}
}

func (h *house) rework() {
	c := h.at(casework.StageHandled)
	due := c.Handling.Due
	for n := 1; n <= 3; n++ {
		c = h.take(c, casework.ActionRework)
		if c.Stage != casework.StageDispatched || c.Department != citytest.Works || c.Reworks != n || !c.HandledAt.IsZero() || c.Handling.Due.Before(due) {
			h.Fatalf("after %d reworks: %+v", n, c)
		}
		c = h.take(c, casework.ActionHandle)
	}
	if c = h.take(c, casework.ActionVerify, casework.ActionClose); c.Stage != casework.StageClosed || c.Reworks != 3 {
		h.Errorf("got %+v", c)
	}
}

func (h *house) reasons() {
	for stage, a := range map[casework.Stage]casework.Action{casework.StageReported: casework.ActionDecline, casework.StageHandled: casework.ActionRework} {
		c := h.at(stage)
		for _, note := range []string{"", " \n", strings.Repeat("长", 2001)} {
			in := h.command(a, c.Number)
			in.Note = note
			_, err := h.do(a, in)
			h.wantFields(err, "note")
		}
		h.wantPath(c.Number, way[stage]...)
	}
}

func (h *house) secondPerson() {
	c := h.at(casework.StageHandled)
	for _, a := range []casework.Action{casework.ActionVerify, casework.ActionRework} {
		in := h.command(a, c.Number)
		in.By.Account = c.HandledBy // as if one account had got both posts
		_, err := h.do(a, in)
		h.wantErr(err, casework.ErrSamePerson)
	}
	h.wantPath(c.Number, way[casework.StageHandled]...)
	in := h.command(casework.ActionVerify, c.Number)
	drawn := in.By
	for _, in.By = range []casework.Actor{h.Actor(org.Supervisor), h.Second(org.Supervisor)} {
		if in.By == drawn {
			continue
		}
		_, err := h.do(casework.ActionVerify, in)
		h.wantErr(err, casework.ErrNotDrawn)
	}
	in.By = drawn
	if c = h.must(h.do(casework.ActionVerify, in)); c.VerifiedBy != in.By.Account {
		h.Errorf("verified by %d, want %d", c.VerifiedBy, in.By.Account)
	}
}

func (h *house) otherDepartment() {
	c := h.at(casework.StageDispatched)
	in := h.command(casework.ActionHandle, c.Number)
	in.By = h.Second(org.DepartmentHandler)
	_, err := h.do(casework.ActionHandle, in)
	h.wantErr(err, casework.ErrOtherDepartment)
	h.wantPath(c.Number, way[casework.StageDispatched]...)
}

// dispatch sends a case to a unit.
func (h *house) dispatch(number, unit string) (*casework.Case, error) {
	in := h.command(casework.ActionDispatch, number)
	in.Department = unit
	return h.do(casework.ActionDispatch, in)
}

func (h *house) centres() {
	c := h.at(casework.StageFiled)
	for _, unit := range []string{citytest.SupervisionCentre, citytest.CommandCentre} {
		_, err := h.dispatch(c.Number, unit)
		h.wantErr(err, org.ErrNotHandling)
	}
	_, err := h.dispatch(c.Number, "XX")
	h.wantErr(err, org.ErrNoDepartment)
	h.wantPath(c.Number, casework.ActionFile)
}

func (h *house) stale() {
	c := h.at(casework.StageHandled)
	for _, seen := range []int64{c.Version - 1, c.Version + 1} {
		in := h.command(casework.ActionVerify, c.Number)
		in.Version = seen
		_, err := h.do(casework.ActionVerify, in)
		h.wantErr(err, casework.ErrStale)
	}
	in := h.command(casework.ActionVerify, c.Number)
	in.Version = c.Version
	h.must(h.do(casework.ActionVerify, in))
}

func (h *house) noCase() {
	for _, number := range []string{"", "20261123-999999", "' OR 1=1 --"} {
		for _, a := range commands {
			_, err := h.do(a, h.command(a, number))
			h.wantErr(err, casework.ErrNoCase)
		}
		_, err := h.City.Cases.Steps(h.ctx(), number)
		h.wantErr(err, casework.ErrNoCase)
		_, err = h.City.Cases.Contact(h.ctx(), number)
		h.wantErr(err, casework.ErrNoCase)
	}
}

func (h *house) faults() {
	before := h.count("SELECT count(*) FROM cases")
	in := h.Report()
	in.Channel, in.Description, in.Address = "pigeon", " ", strings.Repeat("远", 2001)
	in.Reporter = casework.Reporter{Name: strings.Repeat("名", 51), Phone: strings.Repeat("1", 51)}
	_, err := h.City.Cases.Report(h.ctx(), in)
	h.wantFields(err, "address", "channel", "description", "reporter.name", "reporter.phone")

	in = h.Report()
	in.Condition = "99-999-9"
	_, err = h.City.Cases.Report(h.ctx(), in)
	h.wantErr(err, catalog.ErrNoCondition)

	in = h.Report()
	in.Place = grid.Point{Lon: 116.4, Lat: 39.9} // another city
	_, err = h.City.Cases.Report(h.ctx(), in)
	h.wantErr(err, casework.ErrOutside)
	if after := h.count("SELECT count(*) FROM cases"); after != before {
		h.Errorf("refused reports left %d cases", after-before)
	}
	if errs.KindOf(err) != errs.Invalid {
		h.Errorf("a place outside is %v, want invalid", errs.KindOf(err))
	}
}

// A worn cover must be mended in four working hours, filed within two hours
// and closed within a day after the limit.
func (h *house) deadlines() {
	day := h.Clock.Now()
	h.Clock.Set(day.Add(4 * 24 * time.Hour)) // Friday, nine o'clock
	c := h.report()
	if due := h.steps(c.Number)[0].Detail.FileDue; !due.Equal(c.ReportedAt.Add(2 * time.Hour)) {
		h.Errorf("to be filed by %s, want two hours after %s", due, c.ReportedAt)
	}
	c = h.take(c, casework.ActionFile)
	h.Clock.Set(day.Add(4*24*time.Hour + 8*time.Hour)) // Friday, 17:00
	c = h.must(h.do(casework.ActionDispatch, h.command(casework.ActionDispatch, c.Number)))
	monday := day.Add(7*24*time.Hour + 2*time.Hour) // an hour on Friday, three from eight on Monday
	if !c.Handling.Due.Equal(monday) || !c.CloseDue.Equal(monday.Add(24*time.Hour)) {
		h.Errorf("due %s and closed by %s, want %s and a day later", c.Handling.Due.In(citytest.Zone), c.CloseDue.In(citytest.Zone), monday)
	}
}

func (h *house) lists() {
	works := []*casework.Case{h.at(casework.StageDispatched), h.at(casework.StageDispatched), h.at(casework.StageDispatched)}
	other := h.take(h.report(), casework.ActionFile)
	other = h.must(h.dispatch(other.Number, citytest.Greening))
	before := casework.Cursor{ID: works[0].ID - 1}
	f := casework.Filter{Stages: []casework.Stage{casework.StageDispatched}, Departments: []string{citytest.Works}, After: before, Limit: 2}
	h.wantList(f, works[0], works[1])
	f.After = works[1].Cursor()
	h.wantList(f, works[2])
	h.wantList(casework.Filter{Departments: []string{citytest.Greening}, After: before}, other)
	h.wantList(casework.Filter{Stages: []casework.Stage{casework.StageClosed}, After: before})
	h.wantList(casework.Filter{After: before}, append(works, other)...)
}

func (h *house) wantList(f casework.Filter, want ...*casework.Case) {
	h.Helper()
	list, err := h.City.Cases.Cases(h.ctx(), f)
	if err != nil || len(list) != len(want) {
		h.Fatalf("%+v: got %d cases, %v; want %d", f, len(list), err, len(want))
	}
	for i := range list {
		if !reflect.DeepEqual(&list[i], want[i]) {
			h.Errorf("%+v: case %d is %s, want %s", f, i, list[i].Number, want[i].Number)
		}
	}
}

func (h *house) billed() {
	c := h.at(casework.StageClosed)
	d := h.at(casework.StageDeclined)
	in := h.command(casework.ActionFile, h.report().Number)
	in.Key = "billed"
	h.must(h.do(casework.ActionFile, in))
	h.must(h.do(casework.ActionFile, in))
	for number, want := range map[string]int64{c.Number: 1, d.Number: 0, in.Number: 1} {
		if n := h.count("SELECT count(*) FROM usage_entries WHERE metric = 'case_filed' AND quantity = 1 AND ref = ?", number); n != want {
			h.Errorf("case %s is billed %d times, want %d", number, n, want)
		}
	}
}

func (h *house) secondCity() {
	mine := h.report()
	second := citytest.Open(h, h.open(h), citytest.Code("620200"), citytest.Lattice(4, 4))
	list, err := second.Cases.Cases(h.ctx(), casework.Filter{})
	if err != nil || len(list) != 0 {
		h.Errorf("the second city lists %d cases, %v", len(list), err)
	}
	_, err = second.Cases.Case(h.ctx(), mine.Number)
	h.wantErr(err, casework.ErrNoCase)
	_, err = second.Cases.Do(h.ctx(), casework.ActionFile, h.command(casework.ActionFile, mine.Number))
	h.wantErr(err, casework.ErrNoCase)
	h.wantStored(mine)
}
