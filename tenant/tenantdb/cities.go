package tenantdb

import (
	"container/list"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"wangge/internal/gormx"
	"wangge/tenant"
)

// Opener finds and opens one registered city; it answers for placement and login.
type Opener func(ctx context.Context, id tenant.ID) (*tenant.City, *gormx.DB, error)

// Cities holds open cities, at most so many idle ones; a registered city that
// nobody calls costs nothing. Safe for concurrent use.
type Cities struct {
	open Opener
	max  int

	mu    sync.Mutex
	held  map[tenant.ID]*heldCity
	idle  *list.List // of *heldCity without users, the longest idle first
	ended bool
}

type heldCity struct {
	id    tenant.ID
	ready chan struct{} // closed once opened or failed
	city  *tenant.City
	db    *gormx.DB
	err   error
	users int
	stale bool          // another has taken its place in held
	place *list.Element // in idle, nil while used
	since time.Time     // when it became idle
}

// errClosed is returned once the server is going down.
var errClosed = errors.New("the cities are closed")

// NewCities returns an empty cache.
func NewCities(open Opener, most int) *Cities {
	return &Cities{open: open, max: most, held: map[tenant.ID]*heldCity{}, idle: list.New()}
}

// Use runs fn with the open city, which stays open until fn returns.
func (c *Cities) Use(ctx context.Context, id tenant.ID, fn func(*tenant.City) error) error {
	h, err := c.take(ctx, id)
	if err != nil {
		return err
	}
	defer c.give(h)
	return fn(h.city)
}

// Take is Use for callers whose work does not fit one function: they must call
// release exactly once.
func (c *Cities) Take(ctx context.Context, id tenant.ID) (city *tenant.City, release func(), err error) {
	h, err := c.take(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	return h.city, sync.OnceFunc(func() { c.give(h) }), nil
}

func (c *Cities) take(ctx context.Context, id tenant.ID) (*heldCity, error) {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return nil, errClosed
	}
	h, ok := c.held[id]
	if ok {
		h.users++
		if h.place != nil {
			c.idle.Remove(h.place)
			h.place = nil
		}
		c.mu.Unlock()
		select {
		case <-h.ready:
		case <-ctx.Done():
			go func() { // the use ends when the opening does
				<-h.ready
				c.give(h)
			}()
			return nil, ctx.Err()
		}
	} else {
		h = &heldCity{id: id, ready: make(chan struct{}), users: 1}
		c.held[id] = h
		c.mu.Unlock()
		// The opening outlives the request that caused it: others wait for it.
		h.city, h.db, h.err = c.open(context.WithoutCancel(ctx), id)
		close(h.ready)
	}
	if h.err != nil {
		c.give(h)
		return nil, h.err
	}
	if h.city != nil && h.city.Fresh != nil {
		if err := h.city.Fresh(ctx); err != nil {
			c.give(h)
			return nil, err
		}
	}
	return h, nil
}

// give returns a use; a city that failed to open is forgotten, and the longest
// idle ones beyond max are closed, all of them once the server is going down.
func (c *Cities) give(h *heldCity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.users--
	switch {
	case h.err != nil:
		if c.held[h.id] == h {
			delete(c.held, h.id)
		}
		return
	case h.users > 0:
		return
	case h.stale:
		if err := h.db.Close(); err != nil {
			slog.Error("a city that was opened anew did not close cleanly", "err", err)
		}
		return
	}
	h.place, h.since = c.idle.PushBack(h), time.Now()
	for c.idle.Len() > c.max || c.ended && c.idle.Len() > 0 {
		if err := c.evict(c.idle.Front()); err != nil {
			slog.Error("an idle city did not close cleanly", "err", err)
		}
	}
}

// evict closes an idle city; c.mu is held.
func (c *Cities) evict(e *list.Element) error {
	h, _ := c.idle.Remove(e).(*heldCity)
	delete(c.held, h.id)
	return h.db.Close()
}

// Rest closes the cities that nobody has called since an instant.
func (c *Cities) Rest(since time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for e := c.idle.Front(); e != nil; e = c.idle.Front() {
		if h, ok := e.Value.(*heldCity); !ok || h.since.After(since) {
			break // the longest idle are in front
		}
		errs = append(errs, c.evict(e))
	}
	return errors.Join(errs...)
}

// Forget lets the next use open the city anew; those under way end on the city
// as it was opened, which is closed then.
func (c *Cities) Forget(id tenant.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.held[id]
	switch {
	case !ok:
		return nil
	case h.place != nil:
		return c.evict(h.place)
	}
	delete(c.held, id)
	h.stale = true
	return nil
}

// Open is the number of cities held open, used or idle.
func (c *Cities) Open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.held)
}

// Close closes every idle city and refuses new uses; a city in use is closed
// when its use ends.
func (c *Cities) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	var errs []error
	for c.idle.Len() > 0 {
		errs = append(errs, c.evict(c.idle.Front()))
	}
	return errors.Join(errs...)
}
