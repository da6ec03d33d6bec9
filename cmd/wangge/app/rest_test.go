package app

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"wangge/internal/web/webtest"
	"wangge/tenant"
	"wangge/tenant/casework"
	"wangge/tenant/org"
)

// quietWorld is a world with two cities and a clock to set, whose jobs have had
// their first look and where nobody has done anything for long.
type quietWorld struct {
	*world
	at atomic.Int64
}

func newQuietWorld(t *testing.T, engine string) *quietWorld {
	t.Helper()
	w := &quietWorld{}
	w.at.Store(time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC).UnixNano())
	w.world = worldAt(t, engine, func() time.Time { return time.Unix(0, w.at.Load()) })
	for _, code := range two {
		w.build(t, code)
	}
	w.jobs(t)
	w.pass(t, awakeFor+time.Minute)
	w.jobs(t)
	w.sleep(t)
	return w
}

// pass lets time go by.
func (w *quietWorld) pass(t *testing.T, d time.Duration) {
	t.Helper()
	w.at.Add(int64(d))
}

// sleep closes every city that is open.
func (w *quietWorld) sleep(t *testing.T) {
	t.Helper()
	must(t, w.Cities.Rest(time.Now()))
	if n := w.Cities.Open(); n != 0 {
		t.Fatalf("%d cities are held open after they were let rest", n)
	}
}

// jobs runs what is due within the hour and returns how many cities are open then.
func (w *quietWorld) jobs(t *testing.T) int {
	t.Helper()
	hourly := map[string]bool{"watch": true, "transfers": true, "figures": true, "harvest": true}
	for _, job := range w.Jobs() {
		if hourly[job.Name] {
			delete(hourly, job.Name)
			must(t, job.Run(t.Context(), w.Config.Now()))
		}
	}
	if len(hourly) > 0 {
		t.Fatalf("there are no jobs %v", hourly)
	}
	return w.Cities.Open()
}

func rest(t *testing.T, test func(t *testing.T, w *quietWorld)) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) { test(t, newQuietWorld(t, engine)) })
	}
}

func TestACityThatNobodyUsesIsNotOpenedByJobs(t *testing.T) {
	rest(t, func(t *testing.T, w *quietWorld) {
		for range 3 {
			w.pass(t, 10*time.Minute)
			if n := w.jobs(t); n != 0 {
				t.Fatalf("the jobs opened %d cities that rest", n)
			}
		}
		webtest.New(t, w.engine).Hold("wangge-"+two[1], w.city[two[1]][org.ShiftLeader]).Get("/api/cities/" + two[1] + "/session").Want(http.StatusOK)
		w.sleep(t)
		if n := w.jobs(t); n != 1 {
			t.Errorf("the jobs opened %d cities, want the one in use", n)
		}
		w.pass(t, awakeFor+time.Minute)
		w.jobs(t) // a last look
		w.sleep(t)
		if n := w.jobs(t); n != 0 {
			t.Errorf("the jobs opened %d cities, want none once it rests again", n)
		}
		w.pass(t, seldom)
		if n := w.jobs(t); n != 2 {
			t.Errorf("the jobs opened %d cities after a day, want both", n)
		}
	})
}

func TestAnAlarmWakesACityThatRests(t *testing.T) {
	rest(t, func(t *testing.T, w *quietWorld) {
		id, err := tenant.ParseID(two[0])
		must(t, err)
		var number string
		var due time.Time
		// Reported by a request, as the doors see it.
		city, release, err := w.doors.Take(t.Context(), id)
		must(t, err)
		grids, err := city.Grids.Grids(t.Context())
		must(t, err)
		conditions, err := city.Catalogue.Conditions(t.Context())
		must(t, err)
		c, err := city.Cases.Report(t.Context(), casework.ReportInput{
			By: casework.Actor{Account: -1, Role: string(org.ShiftLeader)}, Channel: casework.ChannelSupervisor,
			Condition: conditions[0].Code, Description: "井盖破损", Place: grids[0].Inside(),
		})
		must(t, err)
		number = c.Number
		due, err = city.Cases.NextWatch(t.Context())
		must(t, err)
		release()
		if !due.After(w.Config.Now()) || due.After(w.Config.Now().Add(seldom)) {
			t.Fatalf("the alarm is due at %s, want it within a day", due)
		}
		w.jobs(t)
		for w.Config.Now().Add(awakeFor + 2*time.Minute).Before(due) {
			w.pass(t, awakeFor+time.Minute)
			w.jobs(t)
		}
		w.sleep(t)
		if n := w.jobs(t); n != 0 {
			t.Fatalf("the jobs opened %d cities before the alarm", n)
		}
		w.at.Store(due.UnixNano())
		w.jobs(t)
		must(t, w.Cities.Use(t.Context(), id, func(city *tenant.City) error {
			steps, err := city.Cases.Steps(t.Context(), number)
			if err == nil && steps[len(steps)-1].Action != casework.ActionEscalate {
				t.Errorf("the last step is %s, want the rung that was due", steps[len(steps)-1].Action)
			}
			return err
		}))
	})
}

func TestACitySetBackOrAppliedIsLookedAt(t *testing.T) {
	rest(t, func(t *testing.T, w *quietWorld) {
		known, err := w.reopen(t.Context(), nil)
		must(t, err)
		entry, err := w.Registry.City(t.Context(), two[0])
		must(t, err)
		entry.Generation++
		must(t, w.Registry.SaveCity(t.Context(), entry))
		_, err = w.reopen(t.Context(), known)
		must(t, err)
		if n := w.jobs(t); n != 1 {
			t.Errorf("the jobs opened %d cities, want the one that changed", n)
		}
	})
}

func TestAVisitThatFailsIsMadeAgain(t *testing.T) {
	rest(t, func(t *testing.T, w *quietWorld) {
		w.doors.wake(t.Context(), mustID(t, two[0]))
		visits := 0
		broken := func(fail bool) error {
			return w.useDue(t.Context(), "watch", func(context.Context, *tenant.City) (time.Time, error) {
				visits++
				if fail {
					return time.Time{}, context.DeadlineExceeded
				}
				return time.Time{}, nil
			})
		}
		if err := broken(true); err == nil {
			t.Error("a visit that failed was not told")
		}
		w.pass(t, awakeFor+time.Minute)
		must(t, broken(false))
		must(t, broken(false))
		if visits != 2 {
			t.Errorf("%d visits, want a second one and no third", visits)
		}
	})
}

func mustID(t *testing.T, code string) tenant.ID {
	t.Helper()
	id, err := tenant.ParseID(code)
	must(t, err)
	return id
}
