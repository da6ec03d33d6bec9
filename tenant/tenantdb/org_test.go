package tenantdb_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"wangge/internal/errs"
	"wangge/tenant/access"
	"wangge/tenant/citytest"
	"wangge/tenant/org"
)

var (
	inspector = org.Holder{Role: org.Supervisor, Department: citytest.SupervisionCentre}
	clerkPost = org.Holder{Role: org.IntakeClerk, Department: citytest.SupervisionCentre}
	sender    = org.Holder{Role: org.Dispatcher, Department: citytest.CommandCentre}
	worker    = org.Holder{Role: org.DepartmentHandler, Department: citytest.Works}
	auditor   = org.Holder{Role: org.Auditor, Department: citytest.Works}
)

// newcomer is an account without a post.
func newcomer(t *testing.T, h *citytest.House) int64 {
	t.Helper()
	a, err := h.City.Accounts.CreateAccount(t.Context(), "newcomer", "新人01")
	if err != nil {
		t.Fatal(err)
	}
	return a.ID
}

// posts lists the roles of an account.
func posts(t *testing.T, h *citytest.House, account int64) (roles []org.Role) {
	t.Helper()
	held, err := h.City.Org.HeldBy(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range held {
		roles = append(roles, p.Role)
	}
	return roles
}

func wantPosts(t *testing.T, h *citytest.House, account int64, want ...org.Role) {
	t.Helper()
	if got := posts(t, h, account); !slices.Equal(got, want) {
		t.Errorf("the account holds %v, want %v", got, want)
	}
}

func set(t *testing.T, h *citytest.House, account int64, list ...org.Holder) error {
	return h.City.Org.SetPosts(t.Context(), account, slices.Clone(list))
}

func TestAnAccountHoldsThePostsItWasGivenLast(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		who := newcomer(t, h)
		for _, list := range [][]org.Holder{{auditor, inspector}, {sender}, {auditor}, {worker, auditor}, {}, {clerkPost, inspector}} {
			if err := set(t, h, who, list...); err != nil {
				t.Fatalf("%v: %v", list, err)
			}
			var want []org.Role
			for _, p := range list {
				want = append(want, p.Role)
			}
			slices.Sort(want)
			wantPosts(t, h, who, want...)
		}
	})
}

func TestTheServiceRefusesPostsOfBothSides(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		who := newcomer(t, h)
		if err := set(t, h, who, inspector); err != nil {
			t.Fatal(err)
		}
		for _, list := range [][]org.Holder{{inspector, sender}, {worker, auditor, clerkPost}} {
			if err := set(t, h, who, list...); !errors.Is(err, org.ErrSeparation) || errs.KindOf(err) != errs.Conflict {
				t.Errorf("%v: got %v, want the separation", list, err)
			}
		}
		wrong := []org.Holder{
			{Role: org.Supervisor, Department: citytest.Works}, {Role: org.DepartmentHandler, Department: citytest.SupervisionCentre},
			{Role: org.Dispatcher, Department: citytest.SupervisionCentre},
		}
		for _, p := range wrong {
			if err := set(t, h, who, p); !errors.Is(err, org.ErrWrongUnit) {
				t.Errorf("%v: got %v, want the wrong unit", p, err)
			}
		}
		if err := set(t, h, who, org.Holder{Role: org.Auditor, Department: "XX"}); !errors.Is(err, org.ErrNoDepartment) {
			t.Errorf("got %v, want no such department", err)
		}
		wantPosts(t, h, who, org.Supervisor)
	})
}

// Whoever writes to the tables past the service meets the same rule.
func TestTheTablesRefusePostsOfBothSides(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		for _, tt := range []struct {
			name       string
			has        org.Holder
			statements []string // the last of them is refused
		}{
			{"a second post of the other side", inspector, []string{
				"INSERT INTO holders (account_id, role, side, department, since) VALUES (?, 'dispatcher', 'execution', 'ZH', 1)"}},
			{"a second post that claims the wrong side", inspector, []string{
				"INSERT INTO holders (account_id, role, side, department, since) VALUES (?, 'dispatcher', 'supervision', 'ZH', 1)"}},
			{"another side for an account with a post", inspector, []string{"UPDATE sides SET side = 'execution' WHERE account_id = ?"}},
			{"a neutral side for an account with a post", worker, []string{"UPDATE sides SET side = 'neutral' WHERE account_id = ?"}},
			{"a post turned into one of the other side", worker, []string{"UPDATE holders SET role = 'supervisor' WHERE account_id = ?"}},
			{"a post turned over with its side", worker, []string{"UPDATE holders SET role = 'supervisor', side = 'supervision' WHERE account_id = ?"}},
			{"a second side", worker, []string{"INSERT INTO sides (account_id, side) VALUES (?, 'supervision')"}},
			{"a post of an account without its side", worker, []string{"DELETE FROM sides WHERE account_id = ?"}},
			{"a post that doesn't exist", auditor, []string{
				"INSERT INTO holders (account_id, role, side, department, since) VALUES (?, 'emperor', 'neutral', 'ZH', 1)"}},
			{"a post of the other side after the side was changed with a neutral post", auditor, []string{
				"UPDATE sides SET side = 'supervision' WHERE account_id = ?",
				"INSERT INTO holders (account_id, role, side, department, since) VALUES (?, 'dispatcher', 'execution', 'ZH', 1)"}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				a, err := h.City.Accounts.EnsureAccount(t.Context(), "bypass", "新人02")
				if err != nil {
					t.Fatal(err)
				}
				if err := set(t, h, a.ID, tt.has); err != nil {
					t.Fatal(err)
				}
				for i, statement := range tt.statements {
					err := h.DB.Write.WithContext(t.Context()).Exec(statement, a.ID).Error
					if last := i == len(tt.statements)-1; (err != nil) != last {
						t.Errorf("%s: %v", statement, err)
					}
				}
				wantPosts(t, h, a.ID, tt.has.Role)
			})
		}
	})
}

// Two administrators at once: the account ends with the posts of one of them,
// never with some of both.
func TestTwoWhoSetPostsAtOnceDoNotAddUp(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		who := newcomer(t, h)
		pairs := [][2][]org.Holder{{{inspector}, {sender}}, {{inspector}, {clerkPost}}, {{worker}, {auditor}}, {{auditor}, {clerkPost}}}
		for round := range 24 {
			pair := pairs[round%len(pairs)]
			if err := set(t, h, who); err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for _, list := range pair {
				wg.Go(func() {
					if err := set(t, h, who, list...); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			got := posts(t, h, who)
			if len(got) != 1 || got[0] != pair[0][0].Role && got[0] != pair[1][0].Role {
				t.Fatalf("%v and %v at once left %v", pair[0], pair[1], got)
			}
		}
	})
}

func TestAUnitKeepsTheKindThatItsPostsNeed(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		centre, err := h.City.Org.Department(t.Context(), citytest.SupervisionCentre)
		if err != nil {
			t.Fatal(err)
		}
		centre.Kind = org.Functional
		if err := h.City.Org.SaveDepartment(t.Context(), centre); !errors.Is(err, org.ErrWrongUnit) {
			t.Errorf("a centre with supervisors became a department: %v", err)
		}
		centre.Kind, centre.Name = org.SupervisionCentre, "数字化城市管理监督中心"
		if err := h.City.Org.SaveDepartment(t.Context(), centre); err != nil {
			t.Error(err)
		}
		works := org.Department{Code: citytest.Works, Name: "市政公司", Kind: org.Enterprise, Parent: citytest.SupervisionCentre}
		if err := h.City.Org.SaveDepartment(t.Context(), works); err != nil {
			t.Errorf("a department can't become an enterprise: %v", err)
		}
		if got, err := h.City.Org.Department(t.Context(), citytest.Works); err != nil || got != works {
			t.Errorf("got %+v, %v; want %+v", got, err, works)
		}
	})
}

func TestFaultsOfAUnitAreNamedByField(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		err := h.City.Org.SaveDepartment(t.Context(), org.Department{Code: "a b", Name: " ", Kind: "guild", Parent: "a b"})
		e, _ := errs.As(err)
		if e == nil || len(e.Problems) != 4 {
			t.Errorf("got %v, want four faults", err)
		}
		err = h.City.Org.SaveDepartment(t.Context(), org.Department{Code: "N", Name: "新", Kind: org.Functional, Parent: "XX"})
		if !errors.Is(err, org.ErrNoDepartment) {
			t.Errorf("got %v, want no such parent", err)
		}
	})
}

func TestAPolicyThatBreaksTheSeparationIsRefusedByRow(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		rules := append(access.Defaults()[:2:2],
			access.Rule{Role: org.Dispatcher, Permission: access.CaseVerify}, access.Rule{Role: org.CityAdmin, Permission: access.CaseClose},
			access.Rule{Role: org.Supervisor, Permission: "case:*"}, access.Rule{Role: "emperor", Permission: access.CaseRead})
		err := h.City.Access.SetRules(t.Context(), rules)
		e, _ := errs.As(err)
		if e == nil || len(e.Problems) != 4 || e.Problems[0].Row != 3 || e.Problems[3].Row != 6 {
			t.Errorf("got %v, want faults in rows 3 to 6", err)
		}
		if kept := live(t, h); len(kept) != len(access.Defaults()) {
			t.Errorf("the refused policy left %d rules", len(kept))
		}
	})
}

func TestABreachWrittenPastTheServiceIsFound(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		if got := access.Breaches(live(t, h)); len(got) != 0 {
			t.Fatalf("breaches from the start: %v", got)
		}
		for _, permission := range []string{"case:close", "case:*", "*"} {
			if err := h.DB.Write.Exec("INSERT INTO policy_rules (role, permission) VALUES ('dispatcher', ?)", permission).Error; err != nil {
				t.Fatal(err)
			}
		}
		if got := access.Breaches(live(t, h)); len(got) != 3 {
			t.Errorf("found %v, want the three", got)
		}
	})
}

func live(t *testing.T, h *citytest.House) []access.Rule {
	t.Helper()
	rules, err := h.City.Access.Rules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func TestTwoPoliciesSetAtOnceDoNotAddUp(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		one := []access.Rule{{Role: org.Leader, Permission: access.CaseRead}}
		two := []access.Rule{{Role: org.Auditor, Permission: access.OrgRead}, {Role: org.Auditor, Permission: access.PolicyRead}}
		for range 10 {
			var wg sync.WaitGroup
			for _, rules := range [][]access.Rule{one, two} {
				wg.Go(func() {
					if err := h.City.Access.SetRules(t.Context(), rules); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if got := live(t, h); !slices.Equal(got, one) && !slices.Equal(got, two) {
				t.Fatalf("got %v", got)
			}
		}
	})
}

func TestAPostTakenAwayIsGoneFromTheNextRequestOn(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		token := h.SignIn(t, org.Dispatcher)
		may := func() bool {
			session, err := h.City.Accounts.Resolve(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			ok, err := h.City.Policy.Allowed(t.Context(), session.Account.ID, string(access.CaseDispatch), session.PolicyVersion)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		if !may() {
			t.Error("a dispatcher may not dispatch")
		}
		if err := set(t, h, h.Account(org.Dispatcher), auditor); err != nil {
			t.Fatal(err)
		}
		if may() {
			t.Error("who is a dispatcher no more may still dispatch")
		}
	})
}
