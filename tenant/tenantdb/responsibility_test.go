package tenantdb_test

import (
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/tenant/catalog"
	"wangge/tenant/citytest"
	"wangge/tenant/duty"
	"wangge/tenant/grid"
	"wangge/tenant/org"
	"wangge/tenant/responsibility"
)

// rows is a file of a matrix.
type rows []responsibility.Draft

func (r *rows) Next() (responsibility.Draft, error) {
	if len(*r) == 0 {
		return responsibility.Draft{}, io.EOF
	}
	d := (*r)[0]
	*r = (*r)[1:]
	return d, nil
}

func load(t testing.TB, h *citytest.House, rehearse bool, list ...responsibility.Draft) (responsibility.Report, error) {
	t.Helper()
	for i := range list {
		list[i].Row = i + 2
	}
	file := rows(list)
	return h.City.Matrix.Import(t.Context(), "权责.csv", &file, rehearse)
}

func suggestion(t testing.TB, h *citytest.House, kind string, unit grid.Code) responsibility.Suggestion {
	t.Helper()
	s, err := h.City.Matrix.Suggest(t.Context(), catalog.Version2026, "", kind, unit)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheMatrixIsImportedAllOrNothing(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		here, county := h.Grids[0].Code, h.Grids[0].Code.County()
		file := []responsibility.Draft{
			{Kind: "*", Lead: citytest.Works}, {Kind: "04", Area: county, Lead: "园林绿化处", Assisting: citytest.Works, Since: "2026-01-01"},
		}
		if report, err := load(t, h, true, slices.Clone(file)...); err != nil || report.Added != 2 {
			t.Fatalf("rehearsed: %+v, %v", report, err)
		}
		if got := suggestion(t, h, "04-001", here); got.Lead != "" || got.Why.Zh == "" {
			t.Errorf("a rehearsal wrote: %+v", got)
		}
		if report, err := load(t, h, false, slices.Clone(file)...); err != nil || report.Added != 2 {
			t.Fatalf("imported: %+v, %v", report, err)
		}
		if got := suggestion(t, h, "04-001", here); got.Lead != citytest.Greening || !slices.Equal(got.Assisting, []string{citytest.Works}) || got.Rule != 2 {
			t.Errorf("got %+v", got)
		}
		if got := suggestion(t, h, "01-001", here); got.Lead != citytest.Works {
			t.Errorf("got %+v", got)
		}
		_, err := load(t, h, false, responsibility.Draft{Kind: "01", Lead: citytest.Greening}, responsibility.Draft{Kind: "77", Lead: "XX"})
		if e, _ := errs.As(err); e == nil || len(e.Problems) != 2 || e.Problems[0].Row != 3 {
			t.Errorf("a file with faults: %v", err)
		}
		kept, err := h.City.Matrix.Rules(t.Context())
		want := []responsibility.Rule{
			{ID: 1, Version: catalog.Version2026, Lead: citytest.Works},
			{ID: 2, Version: catalog.Version2026, Kind: "04", Area: county, Lead: citytest.Greening, Assisting: []string{citytest.Works}, Since: "2026-01-01"},
		}
		if err != nil || fmt.Sprint(kept) != fmt.Sprint(want) {
			t.Errorf("kept %v, %v; want %v", kept, err, want)
		}
		if report, err := load(t, h, false, file...); err != nil || report.Unchanged != 2 || report.Added+report.Removed+report.Changed != 0 {
			t.Errorf("the same again: %+v, %v", report, err)
		}
	})
}

func TestASuggestionFollowsTheOrganisationAndTheDay(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		here := h.Grids[0].Code
		if _, err := load(t, h, false, responsibility.Draft{Kind: "*", Lead: citytest.Works}, responsibility.Draft{Kind: "01", Lead: citytest.Greening, Since: "2026-11-24", Until: "2026-11-25"}); err != nil {
			t.Fatal(err)
		}
		for day, want := range map[string]string{"2026-11-23": citytest.Works, "2026-11-24": citytest.Greening, "2026-11-25": citytest.Greening, "2026-11-26": citytest.Works} {
			onDay(t, h, day)
			if got := suggestion(t, h, "01-001", here); got.Lead != want {
				t.Errorf("%s: %+v, want %s", day, got, want)
			}
		}
		onDay(t, h, "2026-11-24")
		if err := h.City.Org.Retire(t.Context(), citytest.Greening, "2026-11-24"); err != nil {
			t.Fatal(err)
		}
		if got := suggestion(t, h, "01-001", here); got.Lead != citytest.Works {
			t.Errorf("the retired is still asked: %+v", got)
		}
		review, err := h.City.Matrix.Check(t.Context(), "")
		if err != nil || review.Nobody != 0 || len(review.Idle) != 1 || review.Grids != len(h.Grids) || review.Kinds == 0 {
			t.Errorf("checked: %+v, %v", review, err)
		}
		if _, err := h.City.Matrix.Check(t.Context(), "GB 1"); errs.KindOf(err) != errs.Invalid {
			t.Errorf("a version that is none: %v", err)
		}
	})
}

// assign makes one responsibility grid of the first grid of a house.
func assign(t testing.TB, h *citytest.House) {
	t.Helper()
	if _, err := h.City.Grids.Assign(t.Context(), []grid.Responsibility{{Code: "Z1", Name: "一责任区", Members: []grid.Code{h.Grids[0].Code}}, {Code: "Z2", Name: "二责任区"}}); err != nil {
		t.Fatal(err)
	}
}

func onDuty(t testing.TB, h *citytest.House, unit grid.Code) []int64 {
	t.Helper()
	got, err := h.City.Duty.OnDuty(t.Context(), unit, h.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestWhoIsOnDutyFollowsEveryChange(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		one, two := h.Account(org.Supervisor), h.Second(org.Supervisor).Account
		here, there := h.Grids[0].Code, h.Grids[1].Code
		want := func(unit grid.Code, accounts ...int64) {
			t.Helper()
			if got := onDuty(t, h, unit); !slices.Equal(got, accounts) {
				t.Errorf("on duty %v, want %v", got, accounts)
			}
		}
		want(here, one, two)
		assign(t, h)
		want(here, one, two)
		if err := h.City.Duty.SetDuties(t.Context(), []duty.Duty{{Account: two, Responsibility: "Z1", Shift: "08:00-16:00"}}); err != nil {
			t.Fatal(err)
		}
		want(here, two)
		want(there, one, two)
		if err := h.City.Org.SetLeaves(t.Context(), two, []org.Leave{{From: "2026-11-23", To: "2026-11-23"}}); err != nil {
			t.Fatal(err)
		}
		want(here)
		want(there, one)
		who := newcomer(t, h)
		if err := h.City.Org.SetDeputies(t.Context(), two, []org.Deputy{{Role: org.Supervisor, Department: citytest.SupervisionCentre, Account: who, From: "2026-11-23", To: "2026-11-23"}}); err != nil {
			t.Fatal(err)
		}
		want(here, who)
		if err := h.City.Accounts.SetDisabled(t.Context(), who, true); err != nil {
			t.Fatal(err)
		}
		want(here)
		if err := h.City.Accounts.SetDisabled(t.Context(), who, false); err != nil {
			t.Fatal(err)
		}
		want(here, who)
		h.Clock.Advance(24 * time.Hour)
		want(here, two)
		h.Clock.Advance(12 * time.Hour)
		want(here)
		if err := set(t, h, two, clerkPost); err != nil {
			t.Fatal(err)
		}
		want(there, one)
		kept, err := h.City.Duty.Duties(t.Context())
		if err != nil || !slices.Equal(kept, []duty.Duty{{Account: two, Responsibility: "Z1", Shift: "08:00-16:00"}}) {
			t.Errorf("kept %v, %v", kept, err)
		}
	})
}

func TestFaultsOfDutiesAreListedAndNothingIsWritten(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		assign(t, h)
		one := h.Account(org.Supervisor)
		good := duty.Duty{Account: one, Responsibility: "Z1", From: "2026-11-01", Shift: "22:00-06:00"}
		if err := h.City.Duty.SetDuties(t.Context(), []duty.Duty{good}); err != nil {
			t.Fatal(err)
		}
		err := h.City.Duty.SetDuties(t.Context(), []duty.Duty{
			{Account: h.Account(org.Dispatcher), Responsibility: "Z1"}, {Account: one, Responsibility: "Z9"}, {Account: one, Responsibility: "Z1", From: "2026-13-01"},
			{Account: one, Responsibility: "Z1", From: "2026-11-02", To: "2026-11-01"}, {Account: one, Responsibility: "Z1", Shift: "8-16"},
			{Account: one, Responsibility: "Z1", Shift: "08:00-08:00"}, {Account: one, Responsibility: "Z2"}, {Account: one, Responsibility: "Z2", To: "2026-12-01"},
		})
		var fields []string
		e, _ := errs.As(err)
		for _, p := range e.Problems {
			fields = append(fields, p.Field)
		}
		want := []string{
			"duties[0].account", "duties[1].responsibility", "duties[2].from", "duties[3].to", "duties[4].shift", "duties[5].shift", "duties[7].account",
		}
		if !slices.Equal(fields, want) {
			t.Errorf("got %v, want %v", fields, want)
		}
		if kept, err := h.City.Duty.Duties(t.Context()); err != nil || !slices.Equal(kept, []duty.Duty{good}) {
			t.Errorf("kept %v, %v", kept, err)
		}
	})
}

func TestASecondCityHasNothingOfTheFirstsOrganisation(t *testing.T) {
	for engine, open := range map[string]func(testing.TB) *gormx.DB{"sqlite": testdb.SQLite, "postgres": testdb.Postgres} {
		t.Run(engine, func(t *testing.T) {
			one, other := citytest.Build(t, open(t), citytest.Lattice(4, 4)), citytest.Build(t, open(t), citytest.Code("620200"), citytest.Lattice(4, 4))
			assign(t, one)
			if _, err := load(t, one, false, responsibility.Draft{Kind: "*", Lead: citytest.Works}); err != nil {
				t.Fatal(err)
			}
			if err := one.City.Duty.SetDuties(t.Context(), []duty.Duty{{Account: one.Account(org.Supervisor), Responsibility: "Z1"}}); err != nil {
				t.Fatal(err)
			}
			if err := one.City.Org.SetLeaves(t.Context(), one.Account(org.Leader), []org.Leave{{From: "2026-11-23", To: "2026-11-24"}}); err != nil {
				t.Fatal(err)
			}
			if err := one.City.Org.SetDeputies(t.Context(), one.Account(org.Supervisor), []org.Deputy{{Role: org.Supervisor, Department: citytest.SupervisionCentre, Account: one.Account(org.IntakeClerk), From: "2026-11-23", To: "2026-11-24"}}); err != nil {
				t.Fatal(err)
			}
			if err := one.City.Org.Retire(t.Context(), citytest.Works, "2026-11-23"); err != nil {
				t.Fatal(err)
			}
			rules, err1 := other.City.Matrix.Rules(t.Context())
			duties, err2 := other.City.Duty.Duties(t.Context())
			leave, err3 := other.City.Org.Leaves(t.Context())
			acting, err4 := other.City.Org.Deputies(t.Context())
			if len(rules)+len(duties)+len(leave)+len(acting) > 0 || err1 != nil || err2 != nil || err3 != nil || err4 != nil {
				t.Errorf("the other city has %v %v %v %v", rules, duties, leave, acting)
			}
			if _, err := other.City.Org.Receiver(t.Context(), citytest.Works); err != nil {
				t.Errorf("its department is retired: %v", err)
			}
		})
	}
}

func BenchmarkSuggestOfACity(b *testing.B) {
	h := citytest.Build(b, testdb.SQLite(b))
	if _, err := load(b, h, false, responsibility.Draft{Kind: "*", Lead: citytest.Works}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		suggestion(b, h, "01-001", h.Grids[0].Code)
	}
}

func BenchmarkOnDutyOfACity(b *testing.B) {
	h := citytest.Build(b, testdb.SQLite(b))
	assign(b, h)
	for b.Loop() {
		onDuty(b, h, h.Grids[0].Code)
	}
}
