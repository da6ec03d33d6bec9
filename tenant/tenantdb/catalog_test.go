package tenantdb_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/tenant"
	"wangge/tenant/calendar"
	"wangge/tenant/catalog"
	"wangge/tenant/citytest"
	"wangge/tenant/tenantdb"
)

// another opens the city as another process does.
func another(t *testing.T, h *citytest.House) *tenant.City {
	t.Helper()
	city, err := h.Seeder.Open(t.Context(), h.City.ID, h.DB)
	if err != nil {
		t.Fatal(err)
	}
	return city
}

func take(t *testing.T, city *tenant.City, rows string) catalog.ImportReport {
	t.Helper()
	r, err := city.Catalogue.ImportSheet(t.Context(), "f.csv", calendar.CSV(strings.NewReader(rows)), false)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func condition(t *testing.T, city *tenant.City, code string) catalog.Condition {
	t.Helper()
	c, err := city.Catalogue.Condition(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const plain = "code,kind,filing,limit_value,limit_unit\n"

func TestAConditionIsKeptAsItIsRead(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		take(t, h.City, "code,sort,kind,filing,limit_value,limit_unit,closing,area_class,source,since,until\nWH-1,event,06-010,成堆,3,urgent_hour,清除,B,市定,2026-11-26,2027-01-01\n")
		want := catalog.Condition{
			Code: "WH-1", Line: "WH-1", Filing: "成堆", Closing: "清除", AreaClass: "B", Source: "市定", Since: "2026-11-26", Until: "2027-01-01",
			Limit: calendar.Limit{Value: 3, Unit: calendar.UrgentHour}, Origin: catalog.Own,
		}
		want.Kind, _ = catalog.Version(catalog.Version2026).Kind(catalog.Event, "06-010")
		for name, city := range map[string]*tenant.City{"here": h.City, "opened anew": another(t, h)} {
			if got := condition(t, city, "WH-1"); got != want {
				t.Errorf("%s: got %+v, want %+v", name, got, want)
			}
		}
		list, err := h.City.Catalogue.Find(t.Context(), catalog.Query{Day: "2026-11-26", Kind: "06-010", Sort: catalog.Event})
		if err != nil || list[len(list)-1] != want {
			t.Errorf("listed %+v, %v", list, err)
		}
	})
}

// Two processes hold the same condition; one ends it. From the city's midnight
// on the other one says so, without waiting.
func TestNoProcessFilesByWhatAnotherHasEnded(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		night := time.Date(2026, 11, 23, 23, 59, 59, 500e6, citytest.Zone)
		h.Clock.Set(night)
		other := another(t, h)
		if c := condition(t, other, citytest.Condition); c.Until != "" {
			t.Fatalf("ended already: %+v", c)
		}
		take(t, h.City, plain+citytest.Condition+",01-001,破损超过20c㎡,3,work_hour\n")
		if c := condition(t, h.City, citytest.Condition); c.Until != "2026-11-24" {
			t.Errorf("who changed it reads %+v", c)
		}
		h.Clock.Set(night.Add(600 * time.Millisecond)) // less than what is held for, but another day
		if c := condition(t, other, citytest.Condition); c.InForce("2026-11-24") {
			t.Errorf("another process still files by %+v", c)
		}
		if c := condition(t, other, citytest.Condition+"@2"); !c.InForce("2026-11-24") || c.Replaces != citytest.Condition {
			t.Errorf("and knows %+v", c)
		}
		// A condition that begins today is known at once.
		take(t, h.City, plain+"WH-1,01-001,x,3,work_hour\n")
		if c := condition(t, other, "WH-1"); !c.InForce("2026-11-24") {
			t.Errorf("%+v", c)
		}
	})
}

func TestACaseKeepsTheConditionItWasFiledUnder(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		c, err := h.City.Cases.Report(t.Context(), h.Report())
		if err != nil {
			t.Fatal(err)
		}
		take(t, h.City, plain+citytest.Condition+",01-001,破损超过20c㎡,9,work_day\n")
		h.Clock.Advance(48 * time.Hour)
		kept, err := h.City.Cases.Case(t.Context(), c.Number)
		if err != nil || kept.Condition != citytest.Condition {
			t.Fatalf("the case is of %s, %v", kept.Condition, err)
		}
		if d := condition(t, h.City, kept.Condition); d.Limit.Value != 4 || d.Filing == "破损超过20c㎡" {
			t.Errorf("its condition became %+v", d)
		}
	})
}

func TestChangesAtOnceDoNotMix(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		const people = 6
		done := make([]error, people)
		var wait sync.WaitGroup
		for i := range people {
			city := another(t, h)
			wait.Go(func() {
				file := fmt.Sprintf("%s%s,01-001,改成 %d,%d,work_hour\nN-%d,01-001,新 %d,1,work_hour\n", plain, citytest.Condition, i, i+1, i, i)
				_, done[i] = city.Catalogue.ImportSheet(t.Context(), "f.csv", calendar.CSV(strings.NewReader(file)), false)
			})
		}
		wait.Wait()
		worked := 0
		for i, err := range done {
			_, there := h.City.Catalogue.Condition(t.Context(), fmt.Sprintf("N-%d", i))
			switch {
			case err == nil && there == nil:
				worked++
			case err == nil || there == nil || errs.KindOf(err) != errs.Conflict && errs.KindOf(err) != errs.Invalid:
				t.Errorf("person %d: %v, and its new condition: %v", i, err, there)
			}
		}
		if worked != 1 {
			t.Errorf("%d of %d changes of one condition came through", worked, people)
		}
		list, err := h.City.Catalogue.Find(t.Context(), catalog.Query{All: true, Kind: "01-001"})
		if err != nil {
			t.Fatal(err)
		}
		open := map[string]int{}
		for _, c := range list {
			if c.Until == "" {
				open[c.Line]++
			}
		}
		if open[citytest.Condition] != 1 {
			t.Errorf("%d open wordings", open[citytest.Condition])
		}
	})
}

// slow is a table during whose reading something else happens.
type slow struct {
	calendar.Sheet
	meanwhile func()
}

func (s slow) Next() (calendar.Row, error) {
	s.meanwhile()
	return s.Sheet.Next()
}

// A change is planned on what was read; when another came between, it is
// refused whole even where the two have nothing to do with each other.
func TestAChangePlannedOnAnOlderCatalogueIsRefused(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		other := another(t, h)
		var once sync.Once
		file := slow{calendar.CSV(strings.NewReader(plain + "A-1,01-001,x,1,work_day\n")), func() {
			once.Do(func() { take(t, other, plain+"B-1,01-002,y,1,work_day\n") })
		}}
		if _, err := h.City.Catalogue.ImportSheet(t.Context(), "f.csv", file, false); !errors.Is(err, catalog.ErrChanged) {
			t.Errorf("got %v", err)
		}
		if _, err := h.City.Catalogue.Condition(t.Context(), "A-1"); !errors.Is(err, catalog.ErrNoCondition) {
			t.Errorf("and yet it is there: %v", err)
		}
		condition(t, h.City, "B-1")
		take(t, h.City, plain+"A-1,01-001,x,1,work_day\n")
	})
}

// Whoever uses a city through the cache sees what another process has changed.
func TestACityInUseIsLookedAtAgain(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		held := another(t, h)
		cities := tenantdb.NewCities(func(context.Context, tenant.ID) (*tenant.City, *gormx.DB, error) { return held, h.DB, nil }, 4)
		day := time.Date(2026, 11, 24, 9, 0, 0, 0, citytest.Zone)
		working := func() (yes bool) {
			err := cities.Use(t.Context(), h.City.ID, func(c *tenant.City) error {
				yes = c.Calendar.Working(day)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return yes
		}
		if !working() {
			t.Fatal("a Tuesday is not worked")
		}
		if _, err := h.City.Holidays.Import(t.Context(), "d", calendar.CSV(strings.NewReader("date,kind\n2026-11-24,off\n")), false); err != nil {
			t.Fatal(err)
		}
		h.Clock.Advance(2 * time.Second)
		if working() {
			t.Error("the other process still works that day")
		}
	})
}

// house2013 is a city that began on the 2013 catalogue.
func house2013(t *testing.T, db *gormx.DB) *citytest.House {
	t.Helper()
	h := citytest.Build(t, db, citytest.Lattice(4, 4))
	for _, q := range []string{"DELETE FROM conditions", "DELETE FROM kinds", "UPDATE catalogue_state SET version = ''"} {
		if err := db.Write.Exec(q).Error; err != nil {
			t.Fatal(err)
		}
	}
	kinds, conditions, err := catalog.StartingIn(catalog.Version2013)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Seeder.Seed(t.Context(), db, h.City.Settings, nil, kinds, conditions); err != nil {
		t.Fatal(err)
	}
	h.City = another(t, h)
	return h
}

func TestACityOf2013WorksAndMoves(t *testing.T) {
	testdb.Engines(t, func(t *testing.T, db *gormx.DB) {
		h := house2013(t, db)
		in := h.Report()
		in.Condition = "13E04-05-1"
		c, err := h.City.Cases.Report(t.Context(), in)
		if err != nil || c.Kind != "04-05" || c.KindVersion != catalog.Version2013 {
			t.Fatalf("reported %+v, %v", c, err)
		}
		if _, err := h.City.Catalogue.AddKind(t.Context(), catalog.LocalKind{Sort: catalog.Part, Class: "01", Name: "爱心驿站"}); err != nil {
			t.Fatal(err)
		}
		r, err := h.City.Catalogue.RehearseMove(t.Context(), catalog.Version2026)
		if err != nil || len(r.Open) != 1 || r.Open[0].Cases != 1 || r.Open[0].Kind.Name != "店外经营" {
			t.Fatalf("rehearsed %+v, %v", r.Open, err)
		}
		order := catalog.MoveInput{To: catalog.Version2026, Day: "2026-11-24", By: 7}
		if _, err := h.City.Catalogue.Move(t.Context(), order); err != nil {
			t.Fatal(err)
		}
		h.Clock.Advance(24 * time.Hour)
		for name, city := range map[string]*tenant.City{"here": h.City, "opened anew": another(t, h)} {
			list, err := city.Catalogue.Conditions(t.Context())
			if err != nil || len(list) != 353 || list[0].Code != "01-001-1" || list[0].Kind.Name != "供水井盖异常" || list[0].Replaces != "13P01-01-1" {
				t.Errorf("%s: %d conditions, %v", name, len(list), err)
			}
			if old := condition(t, city, "13E04-05-1"); old.Kind.Name != "店外经营" || old.Until != "2026-11-24" {
				t.Errorf("%s: the case's condition reads %+v", name, old)
			}
			moves, err := city.Catalogue.History(t.Context())
			if err != nil || len(moves) != 1 || moves[0].By != 7 || moves[0].Conditions != 372 || moves[0].Ended != 19 || !moves[0].At.Equal(citytest.Opening) {
				t.Errorf("%s: history %+v, %v", name, moves, err)
			}
			if kinds, err := city.Catalogue.KindsOf(t.Context(), catalog.Version2013); err != nil || len(kinds) != 196 {
				t.Errorf("%s: %d kinds of 2013, %v", name, len(kinds), err)
			}
		}
		in.Condition = "01-001-1"
		if c, err := h.City.Cases.Report(t.Context(), in); err != nil || c.KindVersion != catalog.Version2026 {
			t.Errorf("after the move %+v, %v", c, err)
		}
		kinds, conditions, err := catalog.Starting()
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Seeder.Seed(t.Context(), db, h.City.Settings, nil, kinds, conditions); err != nil {
			t.Fatal(err)
		}
		if all, err := h.City.Catalogue.Find(t.Context(), catalog.Query{All: true}); err != nil || len(all) != 353 {
			t.Errorf("seeding a city that has moved left %d conditions, %v", len(all), err)
		}
		kinds, conditions, err = catalog.StartingIn(catalog.Version2013)
		if err != nil {
			t.Fatal(err)
		}
		later := conditions[0]
		later.Code, later.Line = "13P01-01-99", "13P01-01-99"
		if err := h.Seeder.Seed(t.Context(), db, h.City.Settings, nil, kinds, append(conditions, later)); err != nil {
			t.Fatal(err)
		}
		if _, err := another(t, h).Catalogue.Condition(t.Context(), later.Code); !errors.Is(err, catalog.ErrNoCondition) {
			t.Errorf("what a later release starts with came to a city that has moved: %v", err)
		}
	})
}

func TestAnEditionOfTheProvinceIsKept(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		receive := func(edition, body string) error {
			sum := sha256.Sum256([]byte(body))
			_, err := h.City.Catalogue.SetOverlay(t.Context(), catalog.OverlayInput{
				Edition: edition, Version: catalog.Version2026, SHA256: hex.EncodeToString(sum[:]), Body: []byte(body), By: 3,
			})
			return err
		}
		if err := receive("2026-2", plain+"S-1,01-001,旧,1,work_day\n"); err != nil {
			t.Fatal(err)
		}
		if err := receive("2026-1", plain+citytest.Condition+",01-001,破损超过25c㎡,2,work_hour\n"); err != nil { // the newest is the last received
			t.Fatal(err)
		}
		if err := receive("2026-2", plain+"S-1,01-001,旧,1,work_day\n"); !errors.Is(err, catalog.ErrTaken) {
			t.Errorf("an older edition again: %v", err)
		}
		for name, city := range map[string]*tenant.City{"here": h.City, "opened anew": another(t, h)} {
			d, err := city.Catalogue.Drift(t.Context())
			if err != nil || d.Edition != "2026-1" || len(d.Differences) != 353 || d.Differences[1].What != catalog.DriftLonger || !d.At.Equal(citytest.Opening) {
				t.Errorf("%s: %s, %d differences, %v", name, d.Edition, len(d.Differences), err)
			}
		}
		if r, err := h.City.Catalogue.AdoptOverlay(t.Context(), false); err != nil || r.Revised != 1 {
			t.Errorf("adopted %+v, %v", r, err)
		}
		h.Clock.Advance(24 * time.Hour)
		if c := condition(t, h.City, citytest.Condition+"@2"); c.Origin != catalog.Provincial || c.Limit.Value != 2 {
			t.Errorf("adopted %+v", c)
		}
	})
}

func TestACalendarIsKeptAndEveryProcessWorksByIt(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		other := another(t, h)
		file := "date,kind,name\n2027-01-01,off,元旦\n2026-11-24,off,停工\n"
		if _, err := h.City.Holidays.Import(t.Context(), "days.csv", calendar.CSV(strings.NewReader(file)), false); err != nil {
			t.Fatal(err)
		}
		if err := h.City.Holidays.SetSeasons(t.Context(), []calendar.Season{{Name: "夏季", From: "06-01", To: "08-31", Shifts: []string{"07:00-11:00", "15:00-19:00"}}}); err != nil {
			t.Fatal(err)
		}
		day := func(month time.Month, d int) time.Time { return time.Date(2026, month, d, 9, 0, 0, 0, citytest.Zone) }
		h.Clock.Advance(2 * time.Second)
		if err := other.Fresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, city := range map[string]*tenant.City{"here": h.City, "another process": other, "opened anew": another(t, h)} {
			if city.Calendar.Working(day(11, 24)) || !city.Calendar.Working(day(11, 25)) || !city.Calendar.Known(2027) {
				t.Errorf("%s: the days do not hold", name)
			}
			if got := city.Calendar.Shifts(day(7, 1)); len(got) != 2 || got[0] != (calendar.Shift{From: 420, To: 660}) {
				t.Errorf("%s: summer is worked %v", name, got)
			}
			days, own, err := city.Calendar.Days(2026)
			if err != nil || !own || len(days) != 1 || days[0].Name != "停工" {
				t.Errorf("%s: 2026 is %v, %v, %v", name, days, own, err)
			}
		}
		if _, err := h.City.Holidays.Import(t.Context(), "days.csv", calendar.CSV(strings.NewReader("date,kind\n2026-11-25,off\n")), false); err != nil {
			t.Fatal(err)
		}
		if h.City.Calendar.Working(day(11, 25)) || !h.City.Calendar.Working(day(11, 24)) || !h.City.Calendar.Known(2027) {
			t.Error("a year was not replaced whole, or another one with it")
		}
		if err := h.City.Holidays.SetSeasons(t.Context(), nil); err != nil || len(another(t, h).Calendar.Data().Seasons) != 0 {
			t.Errorf("the seasons stay: %v", err)
		}
	})
}

func TestASecondCitySeesNothingOfCatalogueAndCalendar(t *testing.T) {
	for engine, db := range map[string]func(testing.TB) *gormx.DB{"sqlite": testdb.SQLite, "postgres": testdb.Postgres} {
		t.Run(engine, func(t *testing.T) {
			one, two := citytest.Build(t, db(t), citytest.Lattice(4, 4)), citytest.Build(t, db(t), citytest.Code("620200"), citytest.Lattice(4, 4))
			take(t, one.City, plain+"WH-1,01-001,x,3,work_hour\n"+citytest.Condition+",01-001,改,9,work_day\n")
			if _, err := one.City.Catalogue.AddKind(t.Context(), catalog.LocalKind{Sort: catalog.Event, Class: "06", Name: "本市（自定义）"}); err != nil {
				t.Fatal(err)
			}
			if _, err := one.City.Holidays.Import(t.Context(), "d", calendar.CSV(strings.NewReader("date,kind\n2026-11-24,off\n")), false); err != nil {
				t.Fatal(err)
			}
			far := another(t, two)
			if _, err := far.Catalogue.Condition(t.Context(), "WH-1"); !errors.Is(err, catalog.ErrNoCondition) {
				t.Errorf("the other city knows the condition: %v", err)
			}
			if all, err := far.Catalogue.Find(t.Context(), catalog.Query{All: true}); err != nil || len(all) != 353 {
				t.Errorf("the other city has %d wordings, %v", len(all), err)
			}
			if kinds, err := far.Catalogue.Kinds(t.Context()); err != nil || len(kinds) != 250 {
				t.Errorf("the other city has %d kinds, %v", len(kinds), err)
			}
			if !far.Calendar.Working(time.Date(2026, 11, 24, 9, 0, 0, 0, citytest.Zone)) {
				t.Error("the other city has the day off")
			}
		})
	}
}

func BenchmarkCondition(b *testing.B) {
	for engine, db := range map[string]func(testing.TB) *gormx.DB{"sqlite": testdb.SQLite, "postgres": testdb.Postgres} {
		b.Run(engine, func(b *testing.B) {
			h := citytest.Build(b, db(b), citytest.Lattice(4, 4))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.City.Catalogue.Condition(b.Context(), citytest.Condition); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkConditions(b *testing.B) {
	for engine, db := range map[string]func(testing.TB) *gormx.DB{"sqlite": testdb.SQLite, "postgres": testdb.Postgres} {
		b.Run(engine, func(b *testing.B) {
			h := citytest.Build(b, db(b), citytest.Lattice(4, 4))
			for b.Loop() {
				if _, err := h.City.Catalogue.Conditions(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
