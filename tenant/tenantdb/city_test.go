package tenantdb_test

import (
	"errors"
	"strings"
	"testing"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/migrations"
	"wangge/tenant"
	"wangge/tenant/calendar"
	"wangge/tenant/casework"
	"wangge/tenant/catalog"
	"wangge/tenant/citytest"
	"wangge/tenant/tenantdb"
)

func TestACityThatWasNeverSeededDoesNotOpen(t *testing.T) {
	testdb.Engines(t, func(t *testing.T, db *gormx.DB) {
		if _, err := migrations.Up(t.Context(), db, migrations.City); err != nil {
			t.Fatal(err)
		}
		id, _ := tenant.ParseID("150300")
		if _, err := tenantdb.Open(t.Context(), id, db, tenantdb.Options{Zone: citytest.Zone}); !errors.Is(err, tenantdb.ErrNotBuilt) {
			t.Errorf("got %v, want not built", err)
		}
	})
}

func TestACityWithoutAFileDoesNotOpen(t *testing.T) {
	id, _ := tenant.ParseID("150300")
	f := tenantdb.Files{Dir: t.TempDir()}
	if _, err := f.Open(t.Context(), id); !errors.Is(err, tenantdb.ErrNotBuilt) {
		t.Errorf("got %v, want not built", err)
	}
}

func TestSeedingAgainChangesTheSettingsAndNothingElse(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		_, divisions := citytest.Divisions(t, h.City.ID.String())
		kinds, conditions, err := catalog.Starting()
		if err != nil {
			t.Fatal(err)
		}
		if err := h.DB.Write.Exec("UPDATE conditions SET limit_value = 9 WHERE code = ?", citytest.Condition).Error; err != nil {
			t.Fatal(err)
		}
		want := citytest.Settings("乌海")
		want.Workflow.Limits.Close = calendar.Limit{Value: 3, Unit: calendar.WorkDay}
		for range 2 {
			if err := h.Seeder.Seed(t.Context(), h.DB, want, divisions, kinds, conditions); err != nil {
				t.Fatal(err)
			}
		}
		again, err := h.Seeder.Open(t.Context(), h.City.ID, h.DB)
		if err != nil {
			t.Fatal(err)
		}
		if got := again.Settings; got.Name != want.Name || got.Workflow.Limits.Close != want.Workflow.Limits.Close || strings.Join(got.Shifts, " ") != strings.Join(want.Shifts, " ") {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if c, err := again.Catalogue.Condition(t.Context(), citytest.Condition); err != nil || c.Limit.Value != 9 {
			t.Errorf("the city's own limit became %+v, %v", c.Limit, err)
		}
		if list, err := again.Catalogue.Conditions(t.Context()); err != nil || len(list) != len(conditions) {
			t.Errorf("%d conditions, %v; want %d", len(list), err, len(conditions))
		}
		if list, err := again.Catalogue.Kinds(t.Context()); err != nil || len(list) != len(kinds) {
			t.Errorf("%d kinds, %v; want %d", len(list), err, len(kinds))
		}
	})
}

func TestATrialLeavesNothing(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		var number string
		err := h.Seeder.Trial(t.Context(), h.City.ID, h.DB, func(city *tenant.City) error {
			c, err := city.Cases.Report(t.Context(), h.Report())
			if err != nil {
				return err
			}
			number = c.Number
			_, err = city.Cases.Case(t.Context(), number)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.City.Cases.Case(t.Context(), number); !errors.Is(err, casework.ErrNoCase) {
			t.Errorf("the case of the trial is there: %v", err)
		}
		if c, err := h.City.Cases.Report(t.Context(), h.Report()); err != nil || c.Number != number {
			t.Errorf("got %v; want the number %s that the trial gave back", err, number)
		}
		failed := errors.New("the trial failed")
		if err := h.Seeder.Trial(t.Context(), h.City.ID, h.DB, func(*tenant.City) error { return failed }); !errors.Is(err, failed) {
			t.Errorf("got %v, want %v", err, failed)
		}
	})
}

func TestTheCitysDivisionsAreListedLevelByLevel(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		_, want := citytest.Divisions(t, h.City.ID.String())
		next, seen := []string{""}, 0
		for len(next) > 0 {
			list, err := h.City.Divisions.Under(t.Context(), next[0])
			if err != nil {
				t.Fatal(err)
			}
			next = next[1:]
			for i, d := range list {
				if i > 0 && list[i-1].Code >= d.Code {
					t.Errorf("%s comes before %s", list[i-1].Code, d.Code)
				}
				next = append(next, d.Code)
			}
			seen += len(list)
		}
		if seen != len(want) {
			t.Errorf("%d divisions are listed, want %d", seen, len(want))
		}
	})
}

const header = "code,kind,filing,limit_value,limit_unit,source\n"

func TestAnImportedConditionIsWorkedWithAtOnce(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		file := "\ufeff" + header + "WH-1,01-001,本地：井盖下沉超过 2 厘米的,3,urgent_hour,市定\n"
		if added, err := h.City.Catalogue.Import(t.Context(), "local.csv", strings.NewReader(file)); err != nil || added != 1 {
			t.Fatalf("added %d, %v", added, err)
		}
		in := h.Report()
		in.Condition = "WH-1"
		if c, err := h.City.Cases.Report(t.Context(), in); err != nil || c.Kind != "01-001" || c.Condition != "WH-1" {
			t.Errorf("got %+v, %v", c, err)
		}
		if added, err := h.City.Catalogue.Import(t.Context(), "local.csv", strings.NewReader(file)); err != nil || added != 0 {
			t.Errorf("the same file again added %d, %v", added, err)
		}
	})
}

func TestAFileOfConditionsWithFaultsAddsNothing(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		file := header + "WH-1,01-001,好的,3,urgent_hour,\nWH-2,99-999,类别不存在,3,urgent_hour,\nWH-3,01-001,,0,fortnight,\nWH-1,01-001,重复,3,work_day,\n"
		_, err := h.City.Catalogue.Import(t.Context(), "local.csv", strings.NewReader(file))
		e, _ := errs.As(err)
		if e == nil {
			t.Fatalf("got %v, want faults", err)
		}
		rows := map[int]int{}
		for _, p := range e.Problems {
			rows[p.Row]++
		}
		if len(rows) != 3 || rows[3] != 1 || rows[4] != 3 || rows[5] != 1 {
			t.Errorf("got faults by row %v, want 1 in 3, 3 in 4, 1 in 5", rows)
		}
		if _, err := h.City.Catalogue.Condition(t.Context(), "WH-1"); !errors.Is(err, catalog.ErrNoCondition) {
			t.Errorf("a row of the refused file is there: %v", err)
		}
	})
}
