package waves

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"wangge/internal/errs"
)

// State is how far one city of a rollout is.
type State string

// The states of a city in a rollout. One that is started when nobody is at work
// was cut off; it is begun again, because raising a city twice changes nothing.
const (
	Waiting State = "waiting"
	Started State = "started"
	Done    State = "done" // its tables are at the level, and it took a case through
	Failed  State = "failed"
)

// Entry is one city of a rollout as it is remembered.
type Entry struct {
	City       string
	Wave       int // from 1, the canary's
	State      State
	Reason     string // code of the error that it failed with; the message may name people
	StartedAt  time.Time
	FinishedAt time.Time
}

// Record remembers rollouts, each by the level it leads to.
type Record interface {
	// Lock keeps other rollouts away until unlock; errs.Conflict when one is
	// under way. held ends with its cause when the lock is lost before that.
	Lock(ctx context.Context) (held context.Context, unlock func(), err error)
	Entries(ctx context.Context, level int64) ([]Entry, error) // by wave and city
	Add(ctx context.Context, level int64, list []Entry) error  // all of them or none
	Set(ctx context.Context, level int64, e Entry) error
}

// Cities looks at cities and raises them; Fleet does.
type Cities interface {
	// Level is the level of a city's tables. It writes nothing.
	Level(ctx context.Context, code string) (int64, error)
	// Raise brings a city's tables to the newest level and sees that the city is
	// well then: that this program opens it and, in a rehearsal, that it takes a
	// case through. It may be cut off at any point and done again.
	Raise(ctx context.Context, code string, rehearse bool) error
}

// City is a city of the registry with the level recorded there.
type City struct {
	Code  string
	Level int64
}

// Rollout brings cities to a level.
type Rollout struct {
	Cities Cities
	Record Record
	Level  int64
	Now    func() time.Time
}

// Options say in which waves. The zero value: the first city is the canary, then
// DefaultSizes, all of it, eight cities at once, every tenth in a rehearsal.
type Options struct {
	Canary   string
	Sizes    []Size
	Last     int // the wave to stop after; 0: go through
	Parallel int // cities raised at once
	Rehearse int // after the canary, every so many cities of a wave rehearse a case, the first at any rate; 1: all
}

// Outcome is what a rollout came to.
type Outcome struct {
	Level   int64 `json:"level"`
	Raised  int   `json:"raised"`  // cities brought to the level by this run
	AsWere  int   `json:"as_were"` // cities that were at it already, or are beyond it
	Waiting int   `json:"waiting"` // cities of the waves that are left
}

// Progress hears of each city that was raised, or failed, and of each wave that
// begins (city is "").
type Progress func(wave, of int, city string, took time.Duration, err error)

// ErrHalted ends a rollout at the first city that failed; those begun beside it
// were brought to their end.
var ErrHalted = errs.New(errs.Unavailable, "rollout_halted",
	"第 %d 波在城市 %s 处停止；已升级的城市照常服务，处理后再次执行即可继续",
	"wave %d was halted at city %s; cities that were raised are served, and running it again goes on")

// Up raises the cities wave by wave. One that was begun before goes on in the
// waves it was planned in; a city that joined since is in the last of them.
func (r *Rollout) Up(ctx context.Context, cities []City, o Options, progress Progress) (out Outcome, err error) {
	out.Level = r.Level
	held, unlock, err := r.Record.Lock(ctx)
	if err != nil {
		return out, err
	}
	defer unlock()
	entries, err := r.plan(held, cities, o)
	if err != nil {
		return out, err
	}
	out.AsWere = len(cities)
	waves := byWave(entries)
	for i, wave := range waves {
		pending := slices.DeleteFunc(wave, func(e Entry) bool { return e.State == Done })
		out.AsWere -= len(pending)
		if o.Last > 0 && i >= o.Last || err != nil {
			out.Waiting += len(pending)
			continue
		}
		if len(pending) == 0 {
			continue
		}
		progress(i+1, len(waves), "", 0, nil)
		var done int
		done, err = r.wave(held, pending, o, func(city string, took time.Duration, err error) { progress(i+1, len(waves), city, took, err) })
		out.Raised += done
		out.Waiting += len(pending) - done
	}
	if lost := context.Cause(held); err != nil && lost != nil {
		err = errors.Join(lost, err)
	}
	return out, err
}

// plan brings the record up to what is found and returns it.
func (r *Rollout) plan(ctx context.Context, cities []City, o Options) ([]Entry, error) {
	entries, err := r.Record.Entries(ctx, r.Level)
	if err != nil {
		return nil, err
	}
	behind, err := r.behind(ctx, cities, o)
	if err != nil {
		return nil, err
	}
	known, last := map[string]bool{}, 1
	for i, e := range entries {
		known[e.City] = true
		last = max(last, e.Wave)
		if e.State == Done && slices.Contains(behind, e.City) { // such as one restored from a backup
			entries[i].State = Waiting
		}
	}
	if o.Canary != "" && len(entries) > 0 && entries[0].City != o.Canary {
		return nil, ErrOtherCanary.With(entries[0].City)
	}
	fresh := slices.DeleteFunc(behind, func(code string) bool { return known[code] })
	var added []Entry
	if len(entries) > 0 {
		for _, code := range fresh {
			added = append(added, Entry{City: code, Wave: last, State: Waiting})
		}
	} else {
		sizes := o.Sizes
		if sizes == nil {
			sizes = DefaultSizes()
		}
		waves, err := Plan(fresh, o.Canary, sizes)
		if err != nil {
			return nil, err
		}
		for i, wave := range waves {
			for _, code := range wave {
				added = append(added, Entry{City: code, Wave: i + 1, State: Waiting})
			}
		}
	}
	if len(added) > 0 {
		if err := r.Record.Add(ctx, r.Level, added); err != nil {
			return nil, err
		}
	}
	// A city that left the platform since is nobody's to raise.
	return slices.DeleteFunc(append(entries, added...), func(e Entry) bool {
		return !slices.ContainsFunc(cities, func(c City) bool { return c.Code == e.City })
	}), nil
}

// ErrOtherCanary refuses to change the plan of a rollout that was begun.
var ErrOtherCanary = errs.New(errs.Conflict, "other_canary", "本次升级已以城市 %s 先行，不能更换", "this rollout was begun with the canary %s, which can't be changed")

// behind lists the cities whose tables are below the level, in their order. What
// is recorded as being there is looked at in the city itself.
func (r *Rollout) behind(ctx context.Context, cities []City, o Options) (codes []string, err error) {
	below := make([]bool, len(cities))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.parallel())
	for i, c := range cities {
		if c.Level < r.Level {
			below[i] = true
			continue
		}
		group.Go(func() error {
			at, err := r.Cities.Level(ctx, c.Code)
			if err != nil {
				return fmt.Errorf("level of city %s: %w", c.Code, err)
			}
			below[i] = at < r.Level
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, c := range cities {
		if below[i] {
			codes = append(codes, c.Code)
		}
	}
	return codes, nil
}

func (o Options) parallel() int { return cmp.Or(o.Parallel, 8) }

func byWave(entries []Entry) (waves [][]Entry) {
	slices.SortStableFunc(entries, func(a, b Entry) int {
		if a.Wave != b.Wave {
			return a.Wave - b.Wave
		}
		return strings.Compare(a.City, b.City)
	})
	for _, e := range entries {
		for len(waves) < e.Wave {
			waves = append(waves, nil)
		}
		waves[e.Wave-1] = append(waves[e.Wave-1], e)
	}
	return waves
}

// wave raises the cities of a wave, so many at once, and begins no further one
// when one has failed. The first that failed is the error.
func (r *Rollout) wave(ctx context.Context, list []Entry, o Options, progress func(string, time.Duration, error)) (done int, err error) {
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(o.parallel())
	halted := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return err != nil
	}
	for i, e := range list {
		rehearse := e.Wave == 1 || i%cmp.Or(o.Rehearse, 10) == 0
		group.Go(func() error {
			if halted() || ctx.Err() != nil {
				return nil
			}
			began := r.Now()
			failed := r.one(ctx, e, began, rehearse)
			mu.Lock()
			defer mu.Unlock()
			progress(e.City, r.Now().Sub(began), failed)
			switch {
			case failed == nil:
				done++
			case err == nil:
				err = fmt.Errorf("%w: %w", ErrHalted.With(e.Wave, e.City), failed)
			}
			return nil
		})
	}
	_ = group.Wait() // what failed is in err
	if err == nil {
		err = ctx.Err()
	}
	return done, err
}

// one raises a city and remembers how it went.
func (r *Rollout) one(ctx context.Context, e Entry, began time.Time, rehearse bool) error {
	e.State, e.Reason, e.StartedAt, e.FinishedAt = Started, "", began, time.Time{}
	if err := r.Record.Set(ctx, r.Level, e); err != nil {
		return err
	}
	failed := r.Cities.Raise(ctx, e.City, rehearse)
	e.State, e.FinishedAt = Done, r.Now()
	if failed != nil {
		e.State, e.Reason = Failed, reason(failed)
	}
	return errors.Join(failed, r.Record.Set(context.WithoutCancel(ctx), r.Level, e))
}

// reason is what may be kept of an error: its code, or its kind.
func reason(err error) string {
	if e, ok := errs.As(err); ok {
		return e.Code
	}
	return errs.KindOf(err).String()
}
