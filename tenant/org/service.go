package org

import (
	"context"
	"sync/atomic"
	"time"
)

// Store keeps the organisation of one city.
type Store interface {
	InTx(ctx context.Context, fn func(Store) error) error
	// Begin opens a change of the organisation inside a transaction: another
	// change waits until this one ends, and what is kept in memory of the
	// organisation is old from its commit on.
	Begin(ctx context.Context) error
	// SetDay moves the day whose posts give rights on to day and returns the day
	// as it then is; it never goes back. Moving it makes the policy a new one.
	SetDay(ctx context.Context, day string) (string, error)

	Department(ctx context.Context, code string) (Department, error) // ErrNoDepartment
	Departments(ctx context.Context) ([]Department, error)           // by code
	SaveDepartment(ctx context.Context, d Department) error          // adds or changes
	HasDivision(ctx context.Context, code string) (bool, error)      // of the city

	// Holders lists all posts, past and coming ones too, but no deputies.
	Holders(ctx context.Context) ([]Holder, error)
	// HeldBy lists the posts of an account in effect on a day, deputised ones
	// too, by role, department and principal.
	HeldBy(ctx context.Context, account int64, day string) ([]Holder, error)
	// SetHolders replaces the posts of one account and makes the policy a new
	// one. Deputies of a post that stays, stay; what the account deputised for
	// until before day is forgotten.
	SetHolders(ctx context.Context, account int64, side Side, holders []Holder, day string) error

	Deputies(ctx context.Context) ([]Deputy, error) // by principal, role, department, account, day
	// SetDeputies replaces who acts for a principal, puts the accounts that do on
	// these sides and makes the policy a new one.
	SetDeputies(ctx context.Context, principal int64, list []Deputy, sides map[int64]Side) error

	Leaves(ctx context.Context) ([]Leave, error) // by account and day
	SetLeaves(ctx context.Context, account int64, list []Leave) error
}

// Service reads and changes the organisation. It is safe for concurrent use.
type Service struct {
	store Store
	zone  *time.Location
	now   func() time.Time
	day   atomic.Pointer[string] // last refreshed
	memo  memo
}

// NewService returns the organisation kept in store; days are those of zone.
func NewService(store Store, zone *time.Location, now func() time.Time) *Service {
	return &Service{store: store, zone: zone, now: now}
}

// Today is the day in the city's zone.
func (s *Service) Today() string { return s.now().In(s.zone).Format(time.DateOnly) }

// Refresh lets posts, deputies and their ends take effect that begin or pass
// with the day of now: rights follow from the next request on. It asks the
// database once a day; call it at start and at midnight, and as often as you
// like in between.
func (s *Service) Refresh(ctx context.Context, now time.Time) error {
	_, err := s.refresh(ctx, now.In(s.zone).Format(time.DateOnly))
	return err
}

// Current is Refresh for the time it is.
func (s *Service) Current(ctx context.Context) error {
	_, err := s.refresh(ctx, s.Today())
	return err
}

// refresh returns the day that is in effect, which is day or a later one.
func (s *Service) refresh(ctx context.Context, day string) (string, error) {
	if held := s.day.Load(); held != nil && day <= *held {
		return *held, nil
	}
	err := s.store.InTx(ctx, func(store Store) (err error) {
		day, err = store.SetDay(ctx, day)
		return err
	})
	if err != nil {
		return "", err
	}
	s.day.Store(&day)
	return day, nil
}

// change runs fn in a transaction that keeps other changes waiting.
func (s *Service) change(ctx context.Context, fn func(store Store, today string) error) error {
	today := s.Today()
	return s.store.InTx(ctx, func(store Store) error {
		if err := store.Begin(ctx); err != nil {
			return err
		}
		today, err := store.SetDay(ctx, today)
		if err != nil {
			return err
		}
		return fn(store, today)
	})
}

// Departments lists every unit by code, the retired ones too.
func (s *Service) Departments(ctx context.Context) ([]Department, error) {
	return s.store.Departments(ctx)
}

// Department returns one unit, ErrNoDepartment when there is none.
func (s *Service) Department(ctx context.Context, code string) (Department, error) {
	return s.store.Department(ctx, code)
}

// Receiver returns a unit that a case may be dispatched to today: ErrNotHandling
// for a centre, ErrRetired for one that is retired.
func (s *Service) Receiver(ctx context.Context, code string) (Department, error) {
	d, err := s.store.Department(ctx, code)
	switch {
	case err != nil:
		return Department{}, err
	case !d.Kind.Handles():
		return Department{}, ErrNotHandling.With(d.Name)
	case !d.Active(s.Today()):
		return Department{}, ErrRetired.With(d.Name)
	}
	return d, nil
}

// Holders lists who holds which post, past and coming ones too.
func (s *Service) Holders(ctx context.Context) ([]Holder, error) { return s.store.Holders(ctx) }

// HeldBy lists the posts of one account in effect now, those it deputises for
// too; the same post in the same unit once, the account's own first.
func (s *Service) HeldBy(ctx context.Context, account int64) ([]Holder, error) {
	day, err := s.refresh(ctx, s.Today())
	if err != nil {
		return nil, err
	}
	list, err := s.store.HeldBy(ctx, account, day)
	if err != nil {
		return nil, err
	}
	out := list[:0]
	for _, h := range list {
		if n := len(out); n == 0 || out[n-1].Role != h.Role || out[n-1].Department != h.Department {
			out = append(out, h)
		}
	}
	return out, nil
}

// Deputies lists who acts for whom, past and coming ones too.
func (s *Service) Deputies(ctx context.Context) ([]Deputy, error) { return s.store.Deputies(ctx) }

// Leaves lists who is, was or will be on leave.
func (s *Service) Leaves(ctx context.Context) ([]Leave, error) { return s.store.Leaves(ctx) }
