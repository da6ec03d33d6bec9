package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"wangge/tenant"
)

var load = benchmark{
	name: "load", zh: "百万案卷下的负荷", en: "load", first: "full_lifecycles_per_second", unit: "lifecycles",
	how: "The lifecycle of the benchmark before, at two cities by turns in one run: one without a case, one with a million closed ones, each with its six steps and its words, tidied as it is every night. Both have worked first until a search fills its page of 20. " +
		"*empty_* and *full_* tell them apart. Then each is given half its measured rate at even intervals " +
		"(half_rate_p95_ms is of the slowest kind of step), and a fifth of it with a spike of ten times as much, twice what the city can do, for two seconds: " +
		"recovery_seconds is from the end of the spike until p95 of every half second after is below 100 ms, 0.5 at least. The words searched for are those of a kind (rare) and of an address that every case has (common). Any answer but a success ends the benchmark, so there was no 5xx.",
	floor: "The empty city, in turns with the full one.",
	do:    measureLoad,
}

func measureLoad(ctx context.Context, r *run) (err error) {
	var scenes []*scene
	defer func() {
		for _, s := range scenes {
			err = errors.Join(err, s.Close())
		}
	}()
	for _, city := range []string{sampleCity, otherCity} {
		s, err := r.scene(ctx, city)
		if err != nil {
			return err
		}
		scenes = append(scenes, s)
	}
	empty, full := scenes[0], scenes[1]
	if err := full.fill(ctx, r.cases); err != nil {
		return fmt.Errorf("fill the city: %w", err)
	}
	for _, s := range scenes {
		if err := s.settle(ctx, r.cases/10); err != nil {
			return err
		}
	}
	rates := map[string]*[]float64{"empty": {}, "full": {}}
	closed := func(name string, s *scene) func(context.Context, time.Duration) error {
		return func(ctx context.Context, d time.Duration) error {
			done, rate, _, err := crowd(ctx, r.clients, d, func(ctx context.Context, w int, l *laps) error { return s.clients[w].live(ctx, s, l) })
			r.n += done
			r.figures.add(name+"_lifecycles_per_second", rate)
			*rates[name] = append(*rates[name], rate)
			if name == "empty" {
				r.floor.add("full_lifecycles_per_second", rate)
			}
			return err
		}
	}
	if err := r.rounds(ctx, closed("empty", empty), closed("full", full)); err != nil {
		return err
	}
	for name, s := range map[string]*scene{"empty": empty, "full": full} {
		rate := median(*rates[name])
		if err := r.open(ctx, name, s, rate); err != nil {
			return fmt.Errorf("%s city: %w", name, err)
		}
	}
	for name, s := range map[string]*scene{"empty": empty, "full": full} {
		if err := r.searches(ctx, name, s); err != nil {
			return err
		}
	}
	return nil
}

// open gives a city work at even intervals, whether or not it keeps up.
func (r *run) open(ctx context.Context, name string, s *scene, rate float64) error {
	long := time.Duration(min(r.Seconds, 10) * float64(time.Second))
	half, err := s.arrivals(ctx, phase{rate / 2, long})
	if err != nil {
		return err
	}
	r.figures.add(name+"_half_rate_p95_ms", half.slowest())
	steady := rate / 5
	spike, err := s.arrivals(ctx, phase{steady, long / 2}, phase{10 * steady, 2 * time.Second}, phase{steady, long})
	if err != nil {
		return err
	}
	r.figures.add(name+"_recovery_seconds", spike.recovery(long/2+2*time.Second))
	return nil
}

// searches times the search for a word that every case has and for one that
// few have, by one client alone.
func (r *run) searches(ctx context.Context, name string, s *scene) error {
	for word, text := range map[string]string{"common": "路口东南角", "rare": s.conditions[0].Kind.Name} {
		var took []float64
		for range 40 {
			if err := timed(&took, func() error { return s.clients[0].searchFor(ctx, s, text) }); err != nil {
				return err
			}
		}
		r.figures.add(name+"_"+word+"_word_p95_ms", percentile(took, 95))
	}
	return nil
}

// phase is a rate of arrivals that lasts.
type phase struct {
	perSecond float64
	lasts     time.Duration
}

// answers are the requests of a load: which step, when it ended, how long it took.
type answers struct {
	mu   sync.Mutex
	list []answer
}

type answer struct {
	step  string
	ended time.Duration // since the load began
	ms    float64
}

// arrivals starts lifecycles as the phases say and waits until all are done.
func (s *scene) arrivals(ctx context.Context, phases ...phase) (*answers, error) {
	out := &answers{}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	began := time.Now()
	next := began
	var wg sync.WaitGroup
	n := 0
	for _, p := range phases {
		until := next.Add(p.lasts)
		gap := time.Duration(float64(time.Second) / p.perSecond)
		for ; next.Before(until); next = next.Add(gap) {
			timer := time.NewTimer(time.Until(next))
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return nil, context.Cause(ctx)
			}
			c := s.clients[n%len(s.clients)].twin(1000 + s.tasks)
			s.tasks++
			n++
			wg.Go(func() {
				if err := c.liveNoting(ctx, s, began, out); err != nil {
					cancel(err)
				}
			})
		}
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return out, nil
}

// liveNoting is live, and notes each step.
func (c *client) liveNoting(ctx context.Context, s *scene, began time.Time, out *answers) error {
	var f found
	note := func(step string, do func() error) error {
		at := time.Now()
		err := do()
		out.mu.Lock()
		defer out.mu.Unlock()
		out.list = append(out.list, answer{step, time.Since(began), since(at)})
		return err
	}
	err := note("report", func() (err error) {
		f, err = c.report(ctx, s, s.base)
		return err
	})
	for _, m := range loop {
		if err != nil {
			return err
		}
		err = note(string(m.action), func() (err error) {
			f, err = c.step(ctx, s, s.base, f, m)
			return err
		})
	}
	if err != nil {
		return err
	}
	return note("search", func() error { return c.search(ctx, s) })
}

// slowest is the largest p95 of any kind of step, in milliseconds.
func (a *answers) slowest() (p95 float64) {
	steps := map[string][]float64{}
	for _, w := range a.list {
		steps[w.step] = append(steps[w.step], w.ms)
	}
	for _, took := range steps {
		p95 = max(p95, percentile(took, 95))
	}
	return p95
}

// recovery is how many seconds after from p95 is below 100 ms for good, looked
// at in windows of half a second.
func (a *answers) recovery(from time.Duration) float64 {
	const window = 500 * time.Millisecond
	windows := map[int][]float64{}
	for _, w := range a.list {
		if w.ended >= from {
			i := int((w.ended - from) / window)
			windows[i] = append(windows[i], w.ms)
		}
	}
	last := -1
	for i, took := range windows {
		if percentile(took, 95) >= 100 {
			last = max(last, i)
		}
	}
	return float64(max(last, 0)+1) * window.Seconds()
}

// fill gives a city n closed cases of the past: a few hundred are worked through
// over HTTP, and copied with other numbers, days and steps.
func (s *scene) fill(ctx context.Context, n int) error {
	const models = 250
	var l laps
	for i := range models {
		if err := s.clients[i%len(s.clients)].live(ctx, s, &l); err != nil {
			return err
		}
	}
	return s.copyCases(ctx, models, max(n/models, 1))
}

// settle works until a search for the words of a kind fills its page, so that
// the newest cases alone answer it in either city, and tidies as a night does.
// A city that is to hold few cases is not given more by it.
func (s *scene) settle(ctx context.Context, most int) error {
	group, live := errgroup.WithContext(ctx)
	each := min(pageful*len(s.conditions), most) / len(s.clients)
	for _, c := range s.clients {
		group.Go(func() error {
			var l laps
			for range each {
				if err := c.live(live, s, &l); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return s.Cities.Use(ctx, s.id, func(city *tenant.City) error { return city.Cases.Tidy(ctx) })
}

const pageful = 40 // cases of each kind, of which a search shows 20
