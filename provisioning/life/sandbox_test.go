package life_test

import (
	"errors"
	"strings"
	"testing"

	"wangge/internal/gormx"
	"wangge/provisioning/life"
	"wangge/provisioning/provisioningtest"
	"wangge/tenant"
	"wangge/tenant/casework"
)

func TestASandboxHasTheWorkOfItsCityAndNobodyOfIt(t *testing.T) {
	each(t, func(t *testing.T, engine gormx.Engine) {
		w := newWorld(t, engine)
		own := w.build(t)
		before := w.content(t, own)
		if _, err := w.Sandbox(t.Context(), own, id(t, "150400"), quiet); !errors.Is(err, life.ErrNotSandbox) {
			t.Errorf("under a city's code: %v", err)
		}
		as := id(t, "990001")
		links, err := w.Sandbox(t.Context(), own, as, quiet)
		if err != nil || len(links) != 1 || links[0].Token == "" {
			t.Fatalf("links %+v, %v", links, err)
		}
		if _, err := w.Sandbox(t.Context(), own, as, quiet); !errors.Is(err, life.ErrExists) {
			t.Errorf("a second time: %v", err)
		}
		w.use(t, as, func(city *tenant.City, db *gormx.DB) {
			if city.Settings.Name != "乌海市（演练）" || cases(t, city) != 5 {
				t.Errorf("%s with %d cases", city.Settings.Name, cases(t, city))
			}
			who, err := city.Cases.Contact(t.Context(), "20261123-000001")
			if err != nil || who != (casework.Reporter{Name: "举报人"}) {
				t.Errorf("the reporter is %+v (%v)", who, err)
			}
			for _, line := range provisioningtest.Dump(t, db) {
				for _, person := range []string{"13800001111", "来电人", "受理员01", "市级管理员01", "clerk01", "handler01"} {
					if strings.Contains(line, person) {
						t.Errorf("it tells %s: %s", person, line)
					}
				}
			}
			var passwords, files, uses int64
			for table, n := range map[string]*int64{"accounts WHERE password_hash <> ''": &passwords, "evidence": &files, "usage_entries": &uses} {
				if err := db.Read.Raw("SELECT COUNT(*) FROM " + table).Scan(n).Error; err != nil || *n != 0 {
					t.Errorf("%d of %s (%v)", *n, table, err)
				}
			}
			if err := city.Accounts.Accept(t.Context(), links[0].Token, "correct horse 电池"); err != nil {
				t.Errorf("its administrator does not get in: %v", err)
			}
		})
		w.work(t, as, 1)
		if w.content(t, own) != before {
			t.Error("the city itself has changed")
		}
	})
}
