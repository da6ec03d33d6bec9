package provisioning_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wangge/internal/gormx"
	"wangge/provisioning"
	"wangge/provisioning/provisioningtest"
	"wangge/tenant"
	"wangge/tenant/access"
	"wangge/tenant/consent"
	"wangge/tenant/org"
)

func TestACityIsClonedWithTheConsentOfTheOtherOnceAndInTime(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := ofCity(provisioning.Merged)
		s.Departments = append(s.Departments, provisioning.Department{Code: "QU", Name: "区属所", Kind: org.Functional, Parent: "SZ", Area: "150302"})
		s.Workflow.VetoDays = 9
		w.apply(t, spec(t, s))
		from, to, third := id(t, "150300"), id(t, "150200"), id(t, "150400")
		give := func(days int) (token string) {
			w.use(t, func(city *tenant.City, _ *gormx.DB) {
				var err error
				if token, _, err = city.Consents.Give(ctx, to.String(), 1, days); err != nil {
					t.Fatal(err)
				}
			})
			return token
		}
		w.use(t, func(city *tenant.City, _ *gormx.DB) {
			rules := append(access.Defaults(), access.Rule{Role: org.Leader, Permission: access.CatalogRead})
			if err := city.Access.SetRules(ctx, rules); err != nil {
				t.Fatal(err)
			}
		})
		refused := func(why string, from, to tenant.ID, token string) {
			t.Helper()
			if got, err := w.Clone(ctx, from, to, token); !errors.Is(err, consent.ErrNoConsent) || got != nil {
				t.Errorf("%s: got %q, %v; want ErrNoConsent", why, got, err)
			}
		}
		token := give(7)
		refused("a token that nobody gave", from, to, "made up")
		refused("another city with the token", from, third, token)
		refused("a city that is not there", third, to, token)
		text, err := w.Clone(ctx, from, to, token)
		if err != nil {
			t.Fatal(err)
		}
		refused("a second time", from, to, token)
		late := give(7)
		w.now = w.now.Add(7 * 24 * time.Hour)
		refused("when its time is over", from, to, late)

		if strings.Contains(string(text), "市级管理员01") || strings.Contains(string(text), "150302") {
			t.Errorf("people or places were copied:\n%s", text)
		}
		again := read(t, inheriting(t, short, string(text)))
		if again.Workflow.VetoDays != 9 || again.Model != provisioning.Merged || again.Workflow.Shares.Extend != 9 {
			t.Errorf("what a spec inherits of it: %+v", again)
		}
		var units []string
		for _, d := range again.Departments {
			units = append(units, d.Code)
		}
		slices.Sort(units)
		if want := []string{"JD", "SZ", "ZH"}; !slices.Equal(units, want) {
			t.Errorf("departments %v, want %v", units, want)
		}
		if !strings.Contains(string(text), `"catalog:read"`) {
			t.Errorf("the policy was not copied:\n%s", text)
		}
		w.use(t, func(city *tenant.City, _ *gormx.DB) {
			list, err := city.Consents.List(ctx)
			if err != nil || len(list) != 2 || list[1].UsedAt.IsZero() || !list[0].UsedAt.IsZero() || list[1].Recipient != to.String() {
				t.Errorf("consents %+v, %v", list, err)
			}
		})
	})
}

func TestAConsentIsForAnotherCityAndForATime(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		w.apply(t, spec(t, provisioningtest.Spec()))
		w.use(t, func(city *tenant.City, _ *gormx.DB) {
			for recipient, days := range map[string]int{"150300": 7, "1502": 7, "150200": 0, "150400": consent.MaxDays + 1} {
				if token, _, err := city.Consents.Give(t.Context(), recipient, 1, days); err == nil || token != "" {
					t.Errorf("for %s and %d days: want it refused", recipient, days)
				}
			}
		})
	})
}

func id(t *testing.T, code string) tenant.ID {
	t.Helper()
	id, err := tenant.ParseID(code)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
