package tenantdb_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/access"
	"wangge/tenant/citytest"
	"wangge/tenant/org"
)

// onDay moves the clock of a house to nine o'clock of a day.
func onDay(t *testing.T, h *citytest.House, day string) {
	t.Helper()
	when, err := time.ParseInLocation(time.DateOnly, day, citytest.Zone)
	if err != nil {
		t.Fatal(err)
	}
	h.Clock.Set(when.Add(9 * time.Hour))
}

// granted lists the roles by which an account has rights, as sessions and the
// policy see them.
func granted(t *testing.T, h *citytest.House, account int64) []string {
	t.Helper()
	a, err := h.City.Accounts.Account(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	return a.Roles
}

func policyVersion(t *testing.T, h *citytest.House) (version int64) {
	t.Helper()
	if err := h.DB.Read.Raw("SELECT version FROM policy_version").Scan(&version).Error; err != nil {
		t.Fatal(err)
	}
	return version
}

func may(t *testing.T, h *citytest.House, account int64, p access.Permission) bool {
	t.Helper()
	ok, err := h.City.Policy.Allowed(t.Context(), account, string(p), policyVersion(t, h))
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestRightsComeAndGoWithTheDaysOfAPost(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		who := newcomer(t, h)
		post := sender
		post.From, post.Until = "2026-11-25", "2026-11-26"
		if err := set(t, h, who, post, auditor); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			day  string
			want []string
		}{
			{"2026-11-23", []string{"auditor"}}, {"2026-11-24", []string{"auditor"}}, {"2026-11-25", []string{"auditor", "dispatcher"}},
			{"2026-11-26", []string{"auditor", "dispatcher"}}, {"2026-11-27", []string{"auditor"}},
		} {
			onDay(t, h, tt.day)
			before := policyVersion(t, h)
			if err := h.City.Org.Refresh(t.Context(), h.Clock.Now()); err != nil {
				t.Fatal(err)
			}
			if got := granted(t, h, who); !slices.Equal(got, tt.want) {
				t.Errorf("%s: rights by %v, want %v", tt.day, got, tt.want)
			}
			if got, want := may(t, h, who, access.CaseDispatch), slices.Contains(tt.want, "dispatcher"); got != want {
				t.Errorf("%s: may dispatch %v, want %v", tt.day, got, want)
			}
			if got := len(posts(t, h, who)); got != len(tt.want) {
				t.Errorf("%s: holds %d posts, want %d", tt.day, got, len(tt.want))
			}
			if moved := policyVersion(t, h) - before; tt.day != "2026-11-23" && moved != 1 {
				t.Errorf("%s: the policy version moved by %d, want 1", tt.day, moved)
			}
			if err := h.City.Org.Refresh(t.Context(), h.Clock.Now()); err != nil || policyVersion(t, h) != before+1 && tt.day != "2026-11-23" {
				t.Errorf("%s: a second look moved the policy: %v", tt.day, err)
			}
		}
	})
}

// Without anybody calling Refresh, who asks for posts on a new day moves it on;
// and a second process that is a day behind does not move it back.
func TestTheFirstLookOfADayMovesItOn(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		who := newcomer(t, h)
		post := sender
		post.Until = "2026-11-23"
		if err := set(t, h, who, post); err != nil {
			t.Fatal(err)
		}
		late, err := h.Seeder.Open(t.Context(), h.City.ID, h.DB)
		if err != nil {
			t.Fatal(err)
		}
		onDay(t, h, "2026-11-24")
		wantPosts(t, h, who)
		if got := granted(t, h, who); len(got) > 0 {
			t.Errorf("rights by %v after the last day", got)
		}
		onDay(t, h, "2026-11-23")
		if held, err := late.Org.HeldBy(t.Context(), who); err != nil || len(held) > 0 {
			t.Errorf("a clock set back brought back %v, %v", held, err)
		}
	})
}

func TestADeputyHasTheRightsOfThePostInItsDays(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		who := newcomer(t, h)
		boss := h.Account(org.Dispatcher)
		acts := func(from, to string) []org.Deputy {
			return []org.Deputy{{Role: org.Dispatcher, Department: citytest.CommandCentre, Account: who, From: from, To: to}}
		}
		if err := h.City.Org.SetDeputies(t.Context(), boss, acts("2026-11-24", "2026-11-25")); err != nil {
			t.Fatal(err)
		}
		if got := granted(t, h, who); len(got) > 0 {
			t.Errorf("rights by %v before the first day", got)
		}
		if err := set(t, h, who, inspector); !errors.Is(err, org.ErrSeparation) {
			t.Errorf("a post of the other side: %v", err)
		}
		onDay(t, h, "2026-11-24")
		held, err := h.City.Org.HeldBy(t.Context(), who)
		if want := (org.Holder{Account: who, Role: org.Dispatcher, Department: citytest.CommandCentre, From: "2026-11-24", Until: "2026-11-25", For: boss}); err != nil || len(held) != 1 || held[0] != want {
			t.Errorf("holds %+v, %v; want %+v", held, err, want)
		}
		if !may(t, h, who, access.CaseDispatch) {
			t.Error("a deputy may not dispatch")
		}
		if err := set(t, h, who, sender); err != nil {
			t.Fatal(err)
		}
		if held, err = h.City.Org.HeldBy(t.Context(), who); err != nil || len(held) != 1 || held[0].For != 0 {
			t.Errorf("the own post does not come first and alone: %+v, %v", held, err)
		}
		if got := granted(t, h, who); !slices.Equal(got, []string{"dispatcher"}) {
			t.Errorf("rights by %v, want the post once", got)
		}
		if err := set(t, h, who); err != nil {
			t.Fatal(err)
		}
		onDay(t, h, "2026-11-26")
		wantPosts(t, h, who)
		if got := granted(t, h, who); len(got) > 0 {
			t.Errorf("rights by %v after the last day", got)
		}
		if err := set(t, h, who, inspector); err != nil {
			t.Errorf("the acting is over, and yet: %v", err)
		}
		if list, err := h.City.Org.Deputies(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("left: %v, %v", list, err)
		}
		err = h.City.Org.SetDeputies(t.Context(), boss, acts("2026-12-01", "2026-12-02"))
		if e, _ := errs.As(err); e == nil || !strings.Contains(e.Problems[0].Zh, "监管分离") {
			t.Errorf("a supervisor as deputy of a dispatcher: %v", err)
		}
	})
}

func TestAPostTakenAwayEndsTheActingForItAndNoOther(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		who, boss := newcomer(t, h), h.Account(org.DepartmentHandler)
		two := []org.Holder{{Role: org.DepartmentHandler, Department: citytest.Works}, {Role: org.DepartmentHandler, Department: citytest.Greening}}
		if err := set(t, h, boss, two...); err != nil {
			t.Fatal(err)
		}
		var list []org.Deputy
		for _, p := range two {
			list = append(list, org.Deputy{Role: p.Role, Department: p.Department, Account: who, From: "2026-11-01", To: "2026-11-30"})
		}
		if err := h.City.Org.SetDeputies(t.Context(), boss, list); err != nil {
			t.Fatal(err)
		}
		wantPosts(t, h, who, org.DepartmentHandler, org.DepartmentHandler)
		if err := set(t, h, boss, two[1]); err != nil {
			t.Fatal(err)
		}
		held, err := h.City.Org.HeldBy(t.Context(), who)
		if err != nil || len(held) != 1 || held[0].Department != citytest.Greening {
			t.Errorf("acts for %v, %v; want Greening alone", held, err)
		}
	})
}

// Whoever writes deputies past the service meets the same rule.
func TestTheTablesRefuseADeputyOfTheOtherSide(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		clerk, dispatcher := h.Account(org.IntakeClerk), h.Account(org.Dispatcher)
		insert := "INSERT INTO deputies (principal, role, department, deputy, side, from_day, to_day) VALUES (?, 'dispatcher', 'ZH', ?, ?, '2027-01-01', '2027-01-02')"
		for _, side := range []string{"supervision", "execution", "neutral"} {
			if err := h.DB.Write.WithContext(t.Context()).Exec(insert, dispatcher, clerk, side).Error; err == nil {
				t.Errorf("a clerk deputises a dispatcher, as %s", side)
			}
		}
		second := h.Second(org.Dispatcher).Account
		if err := h.DB.Write.WithContext(t.Context()).Exec(insert, dispatcher, second, "execution").Error; err != nil {
			t.Errorf("another dispatcher: %v", err)
		}
		if err := h.DB.Write.WithContext(t.Context()).Exec("UPDATE sides SET side = 'supervision' WHERE account_id = ?", second).Error; err == nil {
			t.Error("a deputy changed sides")
		}
		if err := h.DB.Write.WithContext(t.Context()).Exec(insert, clerk, second, "execution").Error; err == nil {
			t.Error("somebody deputises a post that is not held")
		}
	})
}

func TestUnitsKeepTheirPlaceAndTheirRetirement(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		county := h.Grids[0].Code.County()
		office := org.Department{Code: "QJ", Name: "区局", Kind: org.Functional, Area: county}
		street := org.Department{Code: "JD1", Name: "街道办", Kind: org.Functional, Parent: "QJ", Area: h.Grids[0].Code.Street()}
		for _, d := range []org.Department{office, street} {
			if err := h.City.Org.SaveDepartment(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		street.Area = "620201001"
		if err := h.City.Org.SaveDepartment(t.Context(), street); errs.KindOf(err) != errs.Invalid {
			t.Errorf("another city's street: %v", err)
		}
		office.Parent = "JD1"
		if err := h.City.Org.SaveDepartment(t.Context(), office); errs.KindOf(err) != errs.Invalid {
			t.Errorf("a circle: %v", err)
		}
		for _, code := range []string{"JD1", "QJ"} {
			if err := h.City.Org.Retire(t.Context(), code, "2026-11-23"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.City.Org.Receiver(t.Context(), "QJ"); !errors.Is(err, org.ErrRetired) {
			t.Errorf("retired, and yet: %v", err)
		}
		if d, err := h.City.Org.Department(t.Context(), "QJ"); err != nil || d.Retired != "2026-11-23" || d.Area != county {
			t.Errorf("got %+v, %v", d, err)
		}
	})
}

func TestLeaveIsKeptByAccount(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		who := h.Account(org.Supervisor)
		want := []org.Leave{{Account: who, From: "2026-12-01", To: "2026-12-05", Reason: "年假"}, {Account: who, From: "2026-12-10", To: "2026-12-10"}}
		if err := h.City.Org.SetLeaves(t.Context(), who, slices.Clone(want)); err != nil {
			t.Fatal(err)
		}
		if got, err := h.City.Org.Leaves(t.Context()); err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v", got, err)
		}
		if err := h.City.Org.SetLeaves(t.Context(), who, nil); err != nil {
			t.Fatal(err)
		}
		if got, err := h.City.Org.Leaves(t.Context()); err != nil || len(got) != 0 {
			t.Errorf("left %v, %v", got, err)
		}
	})
}

// One administrator gives a post of one side while another makes the account a
// deputy on the other: one of them is refused, in words.
func TestADeputyAndAPostSetAtOnceDoNotAddUp(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		who, boss := newcomer(t, h), h.Account(org.Dispatcher)
		for range 12 {
			if err := errors.Join(h.City.Org.SetDeputies(t.Context(), boss, nil), set(t, h, who)); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 2)
			go func() { done <- set(t, h, who, inspector) }()
			go func() {
				done <- h.City.Org.SetDeputies(t.Context(), boss, []org.Deputy{{Role: org.Dispatcher, Department: citytest.CommandCentre, Account: who, From: "2026-11-01", To: "2026-12-01"}})
			}()
			refused := 0
			for range 2 {
				switch err := <-done; {
				case err == nil:
				case errs.KindOf(err) == errs.Internal:
					t.Fatal(err)
				default:
					refused++
				}
			}
			if got := granted(t, h, who); refused != 1 || len(got) != 1 {
				t.Fatalf("%d refused, rights by %v", refused, got)
			}
		}
	})
}
