package app

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/internal/web/webtest"
	"wangge/migrations"
	"wangge/provisioning"
	"wangge/provisioning/provisioningtest"
	"wangge/provisioning/sample"
	"wangge/provisioning/waves"
	"wangge/tenant"
	"wangge/tenant/casework"
	"wangge/tenant/org"
)

// behind is a world whose first city is so many levels behind.
func behind(t *testing.T, engine string, levels int64) (*world, tenant.ID) {
	t.Helper()
	w := emptyWorld(t, engine)
	newest, err := NewestLevel()
	must(t, err)
	now := w.Provision.Seeder
	w.Provision.Seeder = waves.Older{Seeder: now, Level: newest - levels}
	w.build(t, two[0])
	w.Provision.Seeder = now
	id, err := tenant.ParseID(two[0])
	must(t, err)
	return w, id
}

// through takes a case through the whole closed loop of a city in service.
func (w *world) through(t *testing.T, id tenant.ID) (closed *casework.Case) {
	t.Helper()
	must(t, w.Cities.Use(t.Context(), id, func(city *tenant.City) error {
		grids, err := city.Grids.Grids(t.Context())
		if err != nil {
			return err
		}
		conditions, err := city.Catalogue.Conditions(t.Context())
		if err != nil {
			return err
		}
		closed, err = provisioning.Loop(t.Context(), city, provisioning.LoopInput{Place: grids[0].Inside(), Condition: conditions[0].Code, Department: sample.Works})
		return err
	}))
	return closed
}

func quietly(int, int, string, time.Duration, error) {}

// level is what the registry, the city itself and the status say of a city.
func (w *world) level(t *testing.T, id tenant.ID) string {
	t.Helper()
	entry, err := w.Registry.City(t.Context(), id.String())
	must(t, err)
	at, err := w.Fleet.Level(t.Context(), id.String())
	must(t, err)
	list, err := w.Levels(t.Context())
	must(t, err)
	return fmt.Sprint(entry.Level, at, list[0].At)
}

func testLevelBefore(t *testing.T, engine string) {
	w, id := behind(t, engine, 1)
	newest, err := NewestLevel()
	must(t, err)
	if got := w.level(t, id); got != fmt.Sprint(newest-1, newest-1, newest-1) {
		t.Fatalf("the city is at %s, want one below %d", got, newest)
	}
	// This version serves it: commands, lists, figures, what is due by the clock.
	old := w.through(t, id)
	read := func() {
		t.Helper()
		p := webtest.New(t, w.engine).Hold("wangge-"+two[0], w.city[two[0]][org.ShiftLeader])
		p.Get("/api/cities/" + two[0] + "/cases/" + old.Number).Want(http.StatusOK)
		p.Get("/api/cities/" + two[0] + "/cases").Want(http.StatusOK)
	}
	read()
	must(t, w.WatchCases(t.Context()))
	must(t, w.UpdateFigures(t.Context()))
	must(t, w.Harvest(t.Context()))

	// It is raised while it is open, and served on.
	out, err := w.Raise(t.Context(), waves.Options{}, quietly)
	if err != nil || out.Raised != 1 {
		t.Fatalf("got %+v (%v), want the city raised", out, err)
	}
	if got := w.level(t, id); got != fmt.Sprint(newest, newest, newest) {
		t.Errorf("the city is at %s, want %d", got, newest)
	}
	read()
	if c := w.through(t, id); c.Number == old.Number {
		t.Errorf("a case has the number %s of another", c.Number)
	}
	must(t, w.UpdateFigures(t.Context()))
}

func TestACityOfTheLevelBeforeIsServedAndRaisedInServiceSQLite(t *testing.T) {
	testLevelBefore(t, "sqlite")
}

func TestACityOfTheLevelBeforeIsServedAndRaisedInServicePostgres(t *testing.T) {
	testLevelBefore(t, "postgres")
}

func TestACityTooFarBehindIsRefusedUntilItIsRaised(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			w := emptyWorld(t, engine)
			newest, err := NewestLevel()
			must(t, err)
			now := w.Provision.Seeder
			w.Provision.Seeder = waves.Older{Seeder: now, Level: newest - 2}
			d, _ := w.Atlas.Lookup(two[0])
			spec, _ := w.apply(t, sample.Spec(d))
			w.Provision.Seeder = now
			err = w.Cities.Use(t.Context(), spec.ID(), func(*tenant.City) error { return nil })
			if !errors.Is(err, migrations.ErrLevel) || errs.KindOf(err) != errs.Unavailable {
				t.Fatalf("got %v, want it refused for its level", err)
			}
			webtest.New(t, w.engine).Post("/api/cities/"+two[0]+"/session", map[string]string{"login": "x", "password": "x"}).Refused(http.StatusServiceUnavailable, "city_level")
			_, err = w.Raise(t.Context(), waves.Options{}, quietly)
			must(t, err)
			w.through(t, spec.ID())
		})
	}
}

func TestACityThatIsNotWellAfterwardsHaltsTheRollout(t *testing.T) {
	w, id := behind(t, "sqlite", 1)
	db, err := w.Fleet.Open(t.Context(), id)
	must(t, err)
	must(t, db.Write.Exec("UPDATE departments SET retired = '2020-01-01'").Error)
	must(t, db.Close())
	_, err = w.Raise(t.Context(), waves.Options{}, quietly)
	if !errors.Is(err, waves.ErrHalted) || !errors.Is(err, waves.ErrUnwell) {
		t.Fatalf("got %v, want it halted at a city without a department", err)
	}
	list, err := w.Levels(t.Context())
	must(t, err)
	if e := list[0].Entry; e.State != waves.Failed || e.Reason != "city_unwell" {
		t.Errorf("remembered is %+v, want that it failed, and why", e)
	}
}

func TestARehearsalLeavesNothing(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			w, id := behind(t, engine, 0)
			db, err := w.Fleet.Open(t.Context(), id)
			must(t, err)
			t.Cleanup(func() { must(t, db.Close()) })
			had := provisioningtest.Dump(t, db)
			must(t, waves.Check(t.Context(), w.Provision.Seeder, id, db))
			if d := provisioningtest.Differences(provisioningtest.Dump(t, db), had); len(d) > 0 {
				t.Errorf("the rehearsal left %v", d)
			}
		})
	}
}
