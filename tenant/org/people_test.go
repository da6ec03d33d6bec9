package org_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"wangge/internal/errs"
	"wangge/tenant/org"
)

func roles(t testing.TB, s *org.Service, account int64) (list []string) {
	t.Helper()
	held, err := s.HeldBy(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range held {
		list = append(list, fmt.Sprintf("%s@%s", h.Role, h.Department))
	}
	return list
}

func wantRoles(t testing.TB, s *org.Service, account int64, want ...string) {
	t.Helper()
	if got := roles(t, s, account); !slices.Equal(got, want) {
		t.Errorf("the account holds %v, want %v", got, want)
	}
}

func TestAPostHoldsFromDayToDay(t *testing.T) {
	s, m, c := house(t)
	err := s.SetPosts(t.Context(), 1, []org.Holder{
		{Role: org.Supervisor, Department: "JD", From: "2026-11-24", Until: "2026-11-25"},
		{Role: org.DepartmentHandler, Department: "SZ"},
	})
	if !errors.Is(err, org.ErrSeparation) {
		t.Errorf("posts of both sides at different times: %v", err)
	}
	if err := s.SetPosts(t.Context(), 1, []org.Holder{{Role: org.Supervisor, Department: "JD", From: "2026-11-24", Until: "2026-11-25"}}); err != nil {
		t.Fatal(err)
	}
	for day, want := range map[string][]string{"2026-11-23": nil, "2026-11-24": {"supervisor@JD"}, "2026-11-25": {"supervisor@JD"}} {
		if got, _ := m.HeldBy(t.Context(), 1, day); len(got) != len(want) {
			t.Errorf("%s: %v, want %v", day, got, want)
		}
	}
	wantRoles(t, s, 1)
	moved := m.moved
	c.day = "2026-11-25"
	wantRoles(t, s, 1, "supervisor@JD")
	wantRoles(t, s, 1, "supervisor@JD")
	if m.moved != moved+1 {
		t.Errorf("the day moved %d times, want once", m.moved-moved)
	}
	c.day = "2026-11-26"
	wantRoles(t, s, 1)
	c.day = "2026-11-24" // a clock that is set back brings no ended post back
	wantRoles(t, s, 1)
}

func TestOnePostIsHeldInSeveralUnits(t *testing.T) {
	s, _, _ := house(t)
	both := []org.Holder{{Role: org.DepartmentHandler, Department: "SZ"}, {Role: org.DepartmentHandler, Department: "YL"}}
	if err := s.SetPosts(t.Context(), 1, slices.Clone(both)); err != nil {
		t.Fatal(err)
	}
	wantRoles(t, s, 1, "department_handler@SZ", "department_handler@YL")
	if err := s.SetPosts(t.Context(), 1, []org.Holder{both[0], both[0]}); !errors.Is(err, org.ErrTwice) {
		t.Errorf("one post in one unit twice: %v", err)
	}
	wants(t, s.SetPosts(t.Context(), 1, []org.Holder{
		{Role: org.Leader, Department: "SZ", From: "2026-02-30"}, {Role: org.Leader, Department: "YL", From: "2026-03-02", Until: "2026-03-01"},
	}), "posts[0].from", "posts[1].until")
}

func TestADeputyActsForAPostFromDayToDay(t *testing.T) {
	s, _, c := house(t)
	for account, h := range map[int64]org.Holder{
		1: {Role: org.Supervisor, Department: "JD", Until: "2026-12-10"}, 2: {Role: org.IntakeClerk, Department: "JD"},
		3: {Role: org.Dispatcher, Department: "ZH"}, 4: {Role: org.Leader, Department: "SZ"},
	} {
		if err := s.SetPosts(t.Context(), account, []org.Holder{h}); err != nil {
			t.Fatal(err)
		}
	}
	acts := func(account int64, from, to string) org.Deputy {
		return org.Deputy{Role: org.Supervisor, Department: "JD", Account: account, From: from, To: to}
	}
	for name, tt := range map[string]struct {
		list   []org.Deputy
		fields []string
	}{
		"a dispatcher":              {[]org.Deputy{acts(3, "2026-12-01", "2026-12-02")}, []string{"deputies[0].deputy"}},
		"the principal":             {[]org.Deputy{acts(1, "2026-12-01", "2026-12-02")}, []string{"deputies[0].deputy"}},
		"a post not held":           {[]org.Deputy{{Role: org.Leader, Department: "JD", Account: 2, From: "2026-12-01", To: "2026-12-02"}}, []string{"deputies[0].role"}},
		"without an end":            {[]org.Deputy{acts(2, "2026-12-01", "")}, []string{"deputies[0].from"}},
		"an end before the start":   {[]org.Deputy{acts(2, "2026-12-03", "2026-12-02")}, []string{"deputies[0].to"}},
		"the same deputy at a time": {[]org.Deputy{acts(2, "2026-12-01", "2026-12-05"), acts(2, "2026-12-05", "2026-12-06")}, []string{"deputies[1].from"}},
		"all faults at once":        {[]org.Deputy{acts(3, "2026-12-01", "2026-12-02"), acts(1, "2026-12-01", "2026-12-02")}, []string{"deputies[0].deputy", "deputies[1].deputy"}},
	} {
		t.Run(name, func(t *testing.T) {
			wants(t, s.SetDeputies(t.Context(), 1, tt.list), tt.fields...)
			wantRoles(t, s, 3, "dispatcher@ZH")
		})
	}
	if err := s.SetDeputies(t.Context(), 1, []org.Deputy{acts(2, "2026-12-01", "2026-12-20"), acts(4, "2026-12-01", "2026-12-01")}); err != nil {
		t.Fatal(err)
	}
	wantRoles(t, s, 2, "intake_clerk@JD")
	if err := s.SetPosts(t.Context(), 4, []org.Holder{{Role: org.DepartmentHandler, Department: "SZ"}}); !errors.Is(err, org.ErrSeparation) {
		t.Errorf("a coming deputy of the other side got a post: %v", err)
	}
	c.day = "2026-12-01"
	wantRoles(t, s, 2, "supervisor@JD", "intake_clerk@JD")
	wantRoles(t, s, 4, "supervisor@JD", "leader@SZ")
	c.day = "2026-12-11" // the post itself has ended
	wantRoles(t, s, 2, "intake_clerk@JD")
	if err := s.SetPosts(t.Context(), 4, []org.Holder{{Role: org.DepartmentHandler, Department: "SZ"}}); err != nil {
		t.Errorf("the acting is over, and yet: %v", err)
	}
	if err := s.SetPosts(t.Context(), 1, nil); err != nil {
		t.Fatal(err)
	}
	if left, err := s.Deputies(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("the post is gone, who acted for it not: %v, %v", left, err)
	}
}

func TestLeaveHasTwoEndsAndNoOverlap(t *testing.T) {
	s, _, _ := house(t)
	wants(t, s.SetLeaves(t.Context(), 1, []org.Leave{{From: "2026-12-01", To: "2026-12-05", Reason: "年假"}, {From: "2026-12-05", To: "2026-12-06"}}), "leave[1].from")
	wants(t, s.SetLeaves(t.Context(), 1, []org.Leave{{From: "2026-12-01"}}), "leave[0].from")
	wants(t, s.SetLeaves(t.Context(), 1, []org.Leave{{From: "2026-12-06", To: "2026-12-05"}}), "leave[0].to")
	wants(t, s.SetLeaves(t.Context(), 1, []org.Leave{{From: "2026-12-01", To: "2026-12-05", Reason: "年假"}}))
	if got, err := s.Leaves(t.Context()); err != nil || len(got) != 1 || got[0] != (org.Leave{Account: 1, From: "2026-12-01", To: "2026-12-05", Reason: "年假"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

// Whatever is set in whatever order, nobody has rights of both sides on any day.
func TestNobodyStandsOnBothSidesOnAnyDay(t *testing.T) {
	days := []string{"2026-11-20", "2026-11-23", "2026-11-27", "2026-12-01", "2026-12-31"}
	unit := map[org.Side]string{org.Supervision: "JD", org.Execution: "ZH", org.Neutral: "SZ"}
	rapid.Check(t, func(r *rapid.T) {
		s, m, c := house(t)
		for range rapid.IntRange(5, 30).Draw(r, "changes") {
			c.day = max(c.day, rapid.SampledFrom(days).Draw(r, "today"))
			account := rapid.Int64Range(1, 4).Draw(r, "account")
			span := func() (from, to string) {
				i := rapid.IntRange(0, len(days)-1).Draw(r, "from")
				return days[i], days[rapid.IntRange(i, len(days)-1).Draw(r, "to")]
			}
			role := rapid.SampledFrom([]org.Role{org.Supervisor, org.IntakeClerk, org.Dispatcher, org.Leader})
			var err error
			if rapid.Bool().Draw(r, "posts") {
				var list []org.Holder
				for range rapid.IntRange(0, 2).Draw(r, "posts") {
					h := org.Holder{Role: role.Draw(r, "role")}
					h.Department = unit[h.Role.Side()]
					h.From, h.Until = span()
					list = append(list, h)
				}
				err = s.SetPosts(t.Context(), account, list)
			} else {
				d := org.Deputy{Role: role.Draw(r, "role"), Account: rapid.Int64Range(1, 4).Draw(r, "deputy")}
				d.Department = unit[d.Role.Side()]
				d.From, d.To = span()
				err = s.SetDeputies(t.Context(), account, []org.Deputy{d})
			}
			if err != nil && !errors.Is(err, org.ErrSeparation) && errs.KindOf(err) != errs.Invalid {
				r.Fatal(err)
			}
			for account := int64(1); account <= 4; account++ {
				var all []org.Role
				for _, day := range days {
					if day < c.day {
						continue
					}
					held, _ := m.HeldBy(t.Context(), account, day)
					for _, h := range held {
						all = append(all, h.Role)
					}
				}
				if _, err := org.SideOf(all...); err != nil {
					r.Fatalf("account %d will hold %v", account, all)
				}
			}
		}
	})
}
