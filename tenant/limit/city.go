package limit

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// reserve is the share of requests and places that is kept for reports beside
// the daily ones, so that a city busy with lists and searches can still report
// that something is on fire. Which report is urgent is known only when it was
// read, so every report may use it.
const reserve = 10

// City is what one city may use and uses in this process. It is safe for
// concurrent use.
type City struct {
	now func() time.Time

	mu          sync.Mutex
	limits      Limits
	daily, kept *rate.Limiter
	serving     int64 // daily requests
	servingKept int64 // reports beyond them

	room     sync.Mutex // taken before mu, and kept while is measured
	held     int64      // bytes of evidence, as measured and added to since
	measured time.Time
}

// NewCity is a city that uses nothing yet.
func NewCity(limits Limits, now func() time.Time) *City {
	c := &City{now: now}
	c.Set(limits)
	return c
}

// Set changes the limits. Places taken stay taken; a rate that changed begins
// with a full second.
func (c *City) Set(limits Limits) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := limits[Requests]; c.daily == nil || c.limits[Requests] != n {
		c.daily, c.kept = bucket(n), bucket(part(n))
	}
	c.limits = limits
}

// bucket lets n a second through, and n at once.
func bucket(n int64) *rate.Limiter { return rate.NewLimiter(rate.Limit(n), int(n)) }

// part is what is kept of n.
func part(n int64) int64 { return max(n/reserve, 1) }

// Request lets a request in, or refuses it with ErrRequests, which says when to
// try again. A report may come from what is kept for reports.
func (c *City) Request(report bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.now()
	if c.daily.AllowN(at, 1) || report && c.kept.AllowN(at, 1) {
		return nil
	}
	wait := c.daily.ReserveN(at, 1)
	after := wait.DelayFrom(at)
	wait.CancelAt(at)
	return ErrRequests.With(c.limits[Requests]).After(after)
}

// Query takes a place among the requests served at once, or refuses it with
// ErrQueries. Done gives the place back; it is called once.
func (c *City) Query(report bool) (done func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	most := c.limits[Queries]
	place := &c.serving
	if c.serving >= most {
		if place = &c.servingKept; !report || c.servingKept >= part(most) {
			return nil, ErrQueries.With(most).After(time.Second)
		}
	}
	*place++
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		*place--
	}), nil
}

// remeasure is how long a measured size is added to before it is measured anew.
const remeasure = time.Minute

// Room refuses, with ErrStorage, to keep so many bytes more. How much the city
// holds is measured once a minute, and what was let in since is added.
func (c *City) Room(ctx context.Context, more int64, measure func(context.Context) (int64, error)) error {
	c.room.Lock()
	defer c.room.Unlock()
	if at := c.now(); at.Sub(c.measured) >= remeasure {
		held, err := measure(ctx)
		if err != nil {
			return err
		}
		c.held, c.measured = held, at
	}
	if most := c.of(Storage); c.held+more > most {
		return ErrStorage.With(most >> 20)
	}
	c.held += more
	return nil
}

// of is the city's limit of a thing.
func (c *City) of(what What) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limits[what]
}

// User refuses, with ErrUsers, one account more than there are.
func (c *City) User(there int64) error {
	if most := c.of(Users); there >= most {
		return ErrUsers.With(most)
	}
	return nil
}

// ImportSize refuses, with ErrImport, a file of so many bytes; size is negative
// when it is not known yet. It returns how many it may have.
func (c *City) ImportSize(size int64) (most int64, err error) {
	if most = c.of(Import); size > most {
		return 0, ErrImport.With(most >> 20)
	}
	return most, nil
}
