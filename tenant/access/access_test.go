package access_test

import (
	"testing"

	"wangge/tenant/access"
	"wangge/tenant/org"
)

func TestTheDefaultPolicySeparatesSupervisionFromExecution(t *testing.T) {
	if got := access.Breaches(access.Defaults()); len(got) != 0 {
		t.Errorf("the default policy breaks the separation: %v", got)
	}
}

func TestARoleOfTheOtherSideIsABreach(t *testing.T) {
	for _, r := range []access.Rule{
		{Role: org.Dispatcher, Permission: access.CaseVerify},
		{Role: org.DepartmentHandler, Permission: access.CaseClose},
		{Role: org.Supervisor, Permission: access.CaseHandle},
		{Role: org.CityAdmin, Permission: access.CaseFile},
	} {
		if got := access.Breaches([]access.Rule{r}); len(got) != 1 {
			t.Errorf("%v was not noticed", r)
		}
	}
}

func TestEveryPermissionIsGrantedToSomeRole(t *testing.T) {
	granted := map[access.Permission]bool{}
	for _, r := range access.Defaults() {
		granted[r.Permission] = true
	}
	for _, p := range access.Permissions() {
		if !granted[p] {
			t.Errorf("nobody may %s", p)
		}
	}
}

func TestAWildcardThatReachesTheOtherSideIsABreach(t *testing.T) {
	for _, r := range []access.Rule{
		{Role: org.Supervisor, Permission: "case:*"}, {Role: org.Dispatcher, Permission: "*"}, {Role: org.Auditor, Permission: "case:*"},
		{Role: "emperor", Permission: access.CaseClose},
	} {
		if got := access.Breaches([]access.Rule{r}); len(got) != 1 {
			t.Errorf("%v was not noticed", r)
		}
	}
	harmless := []access.Rule{{Role: org.CityAdmin, Permission: "grid:*"}, {Role: org.Auditor, Permission: access.CaseRead}}
	if got := access.Breaches(harmless); len(got) != 0 {
		t.Errorf("%v were taken for breaches", got)
	}
}

func TestEveryRoleMayHaveThePermissionsOfItsOwnSideOnly(t *testing.T) {
	for _, r := range org.Roles() {
		for _, p := range access.Permissions() {
			breach := len(access.Breaches([]access.Rule{{Role: r, Permission: p}})) == 1
			if want := p.Side() != org.Neutral && p.Side() != r.Side(); breach != want {
				t.Errorf("%s with %s: a breach is %v, want %v", r, p, breach, want)
			}
		}
	}
}
