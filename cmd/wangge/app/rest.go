package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"wangge/platform/platformdb"
	"wangge/tenant"
	"wangge/tenant/tenantdb"
)

const (
	// awakeFor is how long a city counts as in use after a request; the note is
	// renewed when a minute of it is left, so clocks of servers may differ by that.
	awakeFor, awakeLeft = 5 * time.Minute, time.Minute
	// seldom is how long a city that rests may go without a visit of a job.
	seldom = 24 * time.Hour
	// restAfter is when a city that nobody calls is closed.
	restAfter = 5 * time.Minute
)

// doors open cities to requests and note that they are in use.
type doors struct {
	cities *tenantdb.Cities
	visits platformdb.Visits
	now    func() time.Time

	mu    sync.Mutex
	until map[tenant.ID]time.Time
}

// Take implements tenanthttp.Cities.
func (d *doors) Take(ctx context.Context, id tenant.ID) (*tenant.City, func(), error) {
	city, release, err := d.cities.Take(ctx, id)
	if err == nil {
		d.wake(ctx, id)
	}
	return city, release, err
}

// wake notes that a city is in use, before anything is done in it. Without the
// province's database a city is served on: the next request notes it, and every
// job visits every city once a day.
func (d *doors) wake(ctx context.Context, id tenant.ID) {
	now := d.now()
	d.mu.Lock()
	known := d.until[id]
	d.mu.Unlock()
	if now.Before(known.Add(-awakeLeft)) {
		return
	}
	until := now.Add(awakeFor)
	if err := d.visits.Wake(ctx, id.String(), until); err != nil {
		slog.WarnContext(ctx, "that a city is in use could not be noted", "err", err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until[id] = until
}

// useDue is UseEach for a job, on the cities it has to look at: those in use, and
// those where fn said at the visit before that something is due by now. One that
// fails is visited again.
func (a *App) useDue(ctx context.Context, job string, fn func(ctx context.Context, city *tenant.City) (next time.Time, err error)) error {
	codes, err := a.visits.Due(ctx, job, a.Config.Now())
	if err != nil {
		return err
	}
	failed := make([]error, len(codes))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, code := range codes {
		group.Go(func() error {
			if err := a.visit(ctx, job, code, fn); err != nil {
				failed[i] = fmt.Errorf("city %s: %w", code, err)
			}
			return nil
		})
	}
	_ = group.Wait() // what failed is in failed
	return errors.Join(failed...)
}

func (a *App) visit(ctx context.Context, job, code string, fn func(context.Context, *tenant.City) (time.Time, error)) error {
	id, err := tenant.ParseID(code)
	if err != nil {
		return err
	}
	at := a.Config.Now()
	var next time.Time
	err = a.Cities.Use(ctx, id, func(city *tenant.City) error {
		next, err = fn(ctx, city)
		return err
	})
	if err != nil {
		return err
	}
	if latest := at.Add(seldom); next.IsZero() || next.After(latest) {
		next = latest
	}
	return a.visits.Visited(ctx, code, job, at, next)
}

// watchDue is WatchCases on the cities that are in use or have an alarm due. What
// it moves is for the other jobs to see.
func (a *App) watchDue(ctx context.Context) error {
	return a.useDue(ctx, "watch", func(ctx context.Context, city *tenant.City) (time.Time, error) {
		moved, err := city.Cases.Watch(ctx)
		if moved > 0 {
			a.doors.wake(ctx, city.ID)
		}
		if err := errors.Join(err, city.Org.Refresh(ctx, a.Config.Now())); err != nil {
			return time.Time{}, err
		}
		return city.Cases.NextWatch(ctx)
	})
}

// relayDue is RelayTransfers on the cities that are in use or wait for an answer.
func (a *App) relayDue(ctx context.Context) error {
	return a.useDue(ctx, "transfers", func(ctx context.Context, city *tenant.City) (next time.Time, err error) {
		if err := a.relay(ctx, city.ID.String()); err != nil {
			return next, err
		}
		waiting, err := city.Cases.Outgoing(ctx)
		if len(waiting) > 0 {
			next = a.Config.Now()
		}
		return next, err
	})
}

// whenUsed is a job that has nothing to do in a city that nobody used.
func (a *App) whenUsed(job string, fn func(context.Context, *tenant.City) error) func(context.Context) error {
	return func(ctx context.Context) error {
		return a.useDue(ctx, job, func(ctx context.Context, city *tenant.City) (time.Time, error) { return time.Time{}, fn(ctx, city) })
	}
}
