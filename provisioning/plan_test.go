package provisioning_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/provisioning"
	"wangge/provisioning/provisioningtest"
	"wangge/tenant"
	"wangge/tenant/access"
	"wangge/tenant/org"
)

// stored is a plan as it comes back from its file.
func stored(t *testing.T, w *world, s *provisioning.Spec) (back provisioning.Plan) {
	t.Helper()
	plan, err := w.Plan(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(plan)
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func TestAPlanIsAppliedAsLongAsItIsTrueAndRefusedAfter(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		none := func(provisioning.Result) error { return nil }
		first := spec(t, ofCity(provisioning.CitySupervision))
		plan := stored(t, w, first)
		if err := w.ApplyPlan(t.Context(), first, plan, quiet, none); err != nil {
			t.Fatal(err)
		}
		stale := func(why string, s *provisioning.Spec, p provisioning.Plan, names string) {
			t.Helper()
			before := w.dump(t)
			err := w.ApplyPlan(t.Context(), s, p, quiet, none)
			if !errors.Is(err, provisioning.ErrStale) || errs.KindOf(err) != errs.Conflict || !strings.Contains(err.Error(), names) {
				t.Errorf("%s: got %v, want ErrStale that names %q", why, err, names)
			}
			same(t, w.dump(t), before)
		}
		stale("the plan was applied already", first, plan, "- add city")

		next := ofCity(provisioning.CitySupervision)
		next.Departments[2].Name = "市政养护处"
		changed := spec(t, next)
		plan = stored(t, w, changed)
		stale("the spec is another", first, plan, "spec ")
		w.use(t, func(city *tenant.City, _ *gormx.DB) {
			unit := next.Departments[2]
			if err := city.Org.SaveDepartment(t.Context(), org.Department{Code: unit.Code, Name: "手工改名", Kind: unit.Kind, Parent: unit.Parent, Area: unit.Area}); err != nil {
				t.Fatal(err)
			}
		})
		stale("the city was changed by hand", changed, plan, "手工改名")
		if err := w.ApplyPlan(t.Context(), changed, stored(t, w, changed), quiet, none); err != nil {
			t.Errorf("a new plan: %v", err)
		}
		if left := w.changes(t, changed); len(left) > 0 {
			t.Errorf("left over: %v", left)
		}
	})
}

func TestWhatASpecNamesNoMoreIsTakenOutOfServiceAndComesBack(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		all := ofCity(provisioning.CitySupervision)
		w.apply(t, spec(t, all))
		less := ofCity(provisioning.CitySupervision)
		less.Departments, less.Staff = less.Departments[:3], less.Staff[:2]
		fewer := spec(t, less)
		want := []string{
			"remove department SZ1: 市政一所 (contractor) < SZ > retired",
			"remove account handler01: " + all.Staff[2].Name + " department_handler@" + all.Staff[2].Department + " > no post",
		}
		if got := w.changes(t, fewer); !slices.Equal(got, want) {
			t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		w.apply(t, fewer)
		if left := w.changes(t, fewer); len(left) > 0 {
			t.Errorf("left over: %v", left)
		}
		w.use(t, func(city *tenant.City, _ *gormx.DB) {
			unit, err := city.Org.Department(t.Context(), "SZ1")
			if err != nil || unit.Retired == "" {
				t.Errorf("SZ1: %+v, %v; want it kept and retired", unit, err)
			}
			accounts, _, err := city.Accounts.Accounts(t.Context(), 0, 10)
			if err != nil || len(accounts) != 4 {
				t.Errorf("%d accounts, %v; want all four kept", len(accounts), err)
			}
		})
		w.apply(t, spec(t, all))
		if left := w.changes(t, spec(t, all)); len(left) > 0 {
			t.Errorf("back again: left over %v", left)
		}
		w.use(t, func(city *tenant.City, _ *gormx.DB) {
			if unit, err := city.Org.Department(t.Context(), "SZ1"); err != nil || unit.Retired != "" {
				t.Errorf("SZ1: %+v, %v; want it back in service", unit, err)
			}
		})
	})
}

func TestDriftTellsWhatWasDoneByHandAndNothingElse(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		s := spec(t, provisioningtest.Spec())
		if _, err := w.Drift(t.Context(), s.ID()); !errors.Is(err, provisioning.ErrNeverApplied) {
			t.Errorf("before the first apply: got %v", err)
		}
		w.apply(t, s)
		drift := func() (lines []string) {
			t.Helper()
			d, err := w.Drift(t.Context(), s.ID())
			if err != nil || d.Hash != s.Hash() || !d.AppliedAt.Equal(w.now) || d.Name != "乌海市" {
				t.Fatalf("%+v, %v", d, err)
			}
			for _, c := range d.Changes {
				lines = append(lines, strings.TrimSpace(string(c.Op)+" "+c.What+" "+c.Name+": "+c.Before+" > "+c.After))
			}
			return lines
		}
		if got := drift(); len(got) > 0 {
			t.Errorf("right after the apply: %v", got)
		}
		w.use(t, func(city *tenant.City, _ *gormx.DB) {
			ctx := t.Context()
			rules, err := city.Access.Rules(ctx)
			if err != nil {
				t.Fatal(err)
			}
			rules = append(slices.DeleteFunc(rules, func(r access.Rule) bool { return r.Role == org.Auditor && r.Permission == access.OrgRead }),
				access.Rule{Role: org.Leader, Permission: access.CatalogRead})
			stranger, err := city.Accounts.EnsureAccount(ctx, "stranger", "外来账号")
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range []error{
				city.Org.SaveDepartment(ctx, org.Department{Code: "SZ", Name: "别的名称", Kind: org.Enterprise}),
				city.Org.SaveDepartment(ctx, org.Department{Code: "HW", Name: "环卫处", Kind: org.Functional}),
				city.Org.SetPosts(ctx, stranger.ID, []org.Holder{{Account: stranger.ID, Role: org.DepartmentHandler, Department: "HW"}}),
				city.Access.SetRules(ctx, rules),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
		})
		want := []string{
			"change department SZ: 市政工程处 (department) @ 150302 > 别的名称 (enterprise)",
			"add department HW:  > 环卫处 (department)",
			"add account stranger:  > 外来账号 department_handler@HW",
			"remove policy auditor org:read:  >",
			"add policy leader catalog:read:  >",
		}
		if got := drift(); !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestAPlanNamesEachGridAndWhatCantBeTakenBack(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		s := provisioningtest.Spec()
		w.apply(t, spec(t, s))
		smaller := read(t, provisioningtest.Write(t, s, provisioningtest.Square(t, 6, 1)[:30]))
		plan := stored(t, w, smaller)
		if len(plan.Changes) != 1 || !plan.Changes[0].Irreversible || len(plan.Changes[0].Items) != 6 || plan.Changes[0].Items[0][0] != '-' {
			t.Errorf("got %+v, want the six grids that go", plan.Changes)
		}
		moved := stored(t, w, read(t, provisioningtest.Write(t, s, provisioningtest.Square(t, 6, 2))))
		if len(moved.Changes) != 1 || moved.Changes[0].Irreversible {
			t.Errorf("got %+v, want a change that can be taken back", moved.Changes)
		}
	})
}
