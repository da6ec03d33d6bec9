package duty

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"wangge/tenant/grid"
)

// Version tells two states of what a roster is made from apart.
type Version struct {
	Organisation, Grids int64 // counted up by every change
	Disabled            int64 // accounts
	Barred              int64 // when the last of them was disabled, in µs
}

// Store keeps the duties of one city and reads what belongs to them.
type Store interface {
	InTx(ctx context.Context, fn func(Store) error) error
	// Begin opens a change as org.Store does.
	Begin(ctx context.Context) error
	Version(ctx context.Context) (Version, error)
	Duties(ctx context.Context) ([]Duty, error) // by responsibility grid, account, day, shift
	SetDuties(ctx context.Context, list []Duty) error
	// Responsibilities are the codes of the responsibility grids.
	Responsibilities(ctx context.Context) ([]string, error)
	// Facts reads everything a roster is made from. Supervisors are by account.
	Facts(ctx context.Context) (Facts, error)
}

// Service sets duties and tells who is on duty. It is safe for concurrent use.
type Service struct {
	store   Store
	zone    *time.Location
	now     func() time.Time
	current atomic.Pointer[loaded]
	loading sync.Mutex // held by the one who makes the next roster
}

type loaded struct {
	version Version
	roster  *Roster
}

// NewService returns the duties kept in store; days and shifts are those of zone.
func NewService(store Store, zone *time.Location, now func() time.Time) *Service {
	return &Service{store: store, zone: zone, now: now}
}

// Now is the time it is in the city's zone.
func (s *Service) Now() time.Time { return s.now().In(s.zone) }

// Duties lists every duty, past and coming ones too.
func (s *Service) Duties(ctx context.Context) ([]Duty, error) { return s.store.Duties(ctx) }

// SetDuties makes list the whole of the duties. Every fault is listed, and with
// any nothing changes: an account that is no supervisor, a responsibility grid
// that is none, days and shifts that can't be.
func (s *Service) SetDuties(ctx context.Context, list []Duty) error {
	return s.store.InTx(ctx, func(store Store) error {
		if err := store.Begin(ctx); err != nil {
			return err
		}
		codes, err := store.Responsibilities(ctx)
		if err != nil {
			return err
		}
		facts, err := store.Facts(ctx)
		if err != nil {
			return err
		}
		grids, supervisors := map[string]bool{}, map[int64]bool{}
		for _, c := range codes {
			grids[c] = true
		}
		for _, h := range facts.Supervisors {
			supervisors[h.Account] = true
		}
		if err := check(list, grids, supervisors); err != nil {
			return err
		}
		return store.SetDuties(ctx, list)
	})
}

// OnDuty is Roster.OnDuty for the city as it is now: one query tells whether
// what is held in memory still holds. Ask before a transaction, not in one.
func (s *Service) OnDuty(ctx context.Context, unit grid.Code, at time.Time) ([]int64, error) {
	r, err := s.roster(ctx)
	if err != nil {
		return nil, fmt.Errorf("on duty in %s: %w", unit, err)
	}
	return r.OnDuty(unit, at.In(s.zone)), nil
}

func (s *Service) roster(ctx context.Context) (*Roster, error) {
	version, err := s.store.Version(ctx)
	if err != nil {
		return nil, err
	}
	if l := s.current.Load(); l != nil && l.version == version {
		return l.roster, nil
	}
	s.loading.Lock()
	defer s.loading.Unlock()
	if version, err = s.store.Version(ctx); err != nil { // before the facts, so that it is never the newer one
		return nil, err
	}
	if l := s.current.Load(); l != nil && l.version == version {
		return l.roster, nil
	}
	facts, err := s.store.Facts(ctx)
	if err != nil {
		return nil, err
	}
	l := &loaded{version, NewRoster(facts)}
	s.current.Store(l)
	return l.roster, nil
}
