package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"wangge/tenant"
	"wangge/tenant/limit"
	"wangge/tenant/org"
)

var neighbour = benchmark{
	name: "neighbour", zh: "邻居限流", en: "noisy neighbour", first: "p99_ms", unit: "requests",
	how: "Three cities of one server; two of them report and list at even intervals, twenty requests a second each, whose 99th percentile is p99_ms. " +
		"Meanwhile the third is driven at ten times its limit, the platform's default, by lists of its newest cases: noisy_served_per_second are those that were answered, noisy_refused_per_second those that were told to wait. All of it, the driving too, is on the same cores.",
	floor: "The same two cities, in turns, while the third asks nothing.",
	do:    measureNeighbour,
}

// others are the cities beside the noisy one.
var others = []string{otherCity, "130300"}

// pace is how many requests a second each of the others makes.
const pace = 20

func measureNeighbour(ctx context.Context, r *run) (err error) {
	noisy, err := r.scene(ctx, sampleCity)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, noisy.Close()) }()
	var quiet []*scene
	own := map[string]limit.Limits{sampleCity: {limit.Requests: r.perSecond}}
	for _, code := range others {
		s, err := noisy.beside(ctx, r, code)
		if err != nil {
			return err
		}
		quiet = append(quiet, s)
		own[code] = limit.Limits{}
	}
	noisy.Limits.Set(own)
	return r.rounds(ctx, func(ctx context.Context, d time.Duration) error {
		took, err := steady(ctx, quiet, d)
		r.floor.add("p99_ms", percentile(took, 99))
		r.floor.add("p50_ms", percentile(took, 50))
		return err
	}, func(ctx context.Context, d time.Duration) error {
		driving, stop := context.WithCancel(ctx)
		driven := make(chan drive, 1)
		began := time.Now()
		go func() { driven <- noisy.drive(driving, 10*float64(r.perSecond)) }()
		took, err := steady(ctx, quiet, d)
		stop()
		result := <-driven
		seconds := time.Since(began).Seconds()
		r.n += len(took)
		r.figures.add("p99_ms", percentile(took, 99))
		r.figures.add("p50_ms", percentile(took, 50))
		r.figures.add("noisy_served_per_second", float64(result.served.Load())/seconds)
		r.figures.add("noisy_refused_per_second", float64(result.refused.Load())/seconds)
		return errors.Join(err, result.err)
	})
}

// beside is another city of the same served platform.
func (s *scene) beside(ctx context.Context, r *run, code string) (*scene, error) {
	other := &scene{world: s.world, base: s.base}
	var err error
	if other.town, err = s.build(ctx, code, r.cityGrids, crew*len(staffed)); err != nil {
		return nil, err
	}
	err = s.Cities.Use(ctx, other.id, func(city *tenant.City) error { return other.people(ctx, city, r.clients) })
	s.closers = append(s.closers, other.raw.Close, other.Close)
	return other, err
}

// steady lets every city report and list by turns at even intervals, and returns
// how long each request took, in milliseconds.
func steady(ctx context.Context, cities []*scene, d time.Duration) (took []float64, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ticks := time.NewTicker(time.Second / pace)
	defer ticks.Stop()
	end := time.NewTimer(d)
	defer end.Stop()
	for n := 0; ; n++ {
		for _, s := range cities {
			s.tasks++
			c := s.clients[n%len(s.clients)].twin(5000 + s.tasks)
			wg.Go(func() {
				began := time.Now()
				var err error
				if n%2 == 0 {
					_, err = c.report(ctx, s, s.base)
				} else {
					err = c.list(ctx, s)
				}
				mu.Lock()
				defer mu.Unlock()
				took = append(took, since(began))
				if err != nil {
					cancel(err)
				}
			})
		}
		select {
		case <-ticks.C:
			continue
		case <-end.C:
		case <-ctx.Done():
		}
		wg.Wait()
		return took, context.Cause(ctx)
	}
}

func (c *client) list(ctx context.Context, s *scene) error {
	var page struct{ Cases []found }
	return c.call(ctx, c.sessions[org.Dispatcher], "GET", s.base+"/api/cities/"+s.id.String()+"/cases?limit=20", nil, &page)
}

// drive is what became of the requests of a city that asks too much.
type drive struct {
	served, refused *atomic.Int64
	err             error
}

// drive asks for lists at a rate until ctx ends, whether or not they are
// answered; beyond some hundreds under way it leaves some out.
func (s *scene) drive(ctx context.Context, perSecond float64) drive {
	out := drive{served: new(atomic.Int64), refused: new(atomic.Int64)}
	failed := make(chan error, 1)
	underWay := make(chan struct{}, 400)
	var wg sync.WaitGroup
	const beat = 5 * time.Millisecond // a timer is no finer
	ticks := time.NewTicker(beat)
	defer ticks.Stop()
	began, sent := time.Now(), 0
	for ctx.Err() == nil {
		for ; float64(sent) < time.Since(began).Seconds()*perSecond; sent++ {
			select {
			case underWay <- struct{}{}:
			default:
				continue
			}
			c := s.clients[sent%len(s.clients)]
			wg.Go(func() {
				defer func() { <-underWay }()
				if err := s.ask(context.WithoutCancel(ctx), c, out); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			})
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
		}
	}
	wg.Wait()
	select {
	case out.err = <-failed:
	default:
	}
	return out
}

// ask asks once for the newest cases and counts the answer.
func (s *scene) ask(ctx context.Context, c *client, out drive) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/api/cities/"+s.id.String()+"/cases?limit=20", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Cookie", c.sessions[org.Dispatcher])
	answer, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	switch answer.StatusCode {
	case http.StatusOK:
		out.served.Add(1)
	case http.StatusTooManyRequests:
		out.refused.Add(1)
	default:
		return fmt.Errorf("%w: the noisy city got %s", errCount, answer.Status)
	}
	return nil
}
