package app

import (
	"context"
	"errors"

	"wangge/platform"
	"wangge/platform/exchange"
	"wangge/tenant"
)

// WatchCases lets each city take the next rung of the ladder for cases whose
// time has come, let rested ones go on, and let posts begin and end with the day.
func (a *App) WatchCases(ctx context.Context) error {
	return a.UseEach(ctx, func(ctx context.Context, city *tenant.City) error {
		_, err := city.Cases.Watch(ctx)
		return errors.Join(err, city.Org.Refresh(ctx, a.Config.Now()))
	})
}

// RelayTransfers hands on the problems that cities send to one another.
func (a *App) RelayTransfers(ctx context.Context) error {
	list, err := a.Registry.Cities(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, c := range list {
		if c.State == platform.Active {
			failed = append(failed, a.relay(ctx, c.Code))
		}
	}
	return errors.Join(failed...)
}

// relay hands on what one city sends. The cities that it changes are in use. What
// a sandbox sends, or its original had sent when it was copied, goes nowhere.
func (a *App) relay(ctx context.Context, code string) error {
	if id, err := tenant.ParseID(code); err == nil && id.Sandbox() {
		return nil
	}
	settled, err := exchange.Relay(ctx, code, door[exchange.Sender](a), door[exchange.Receiver](a))
	if id, bad := tenant.ParseID(code); settled > 0 && bad == nil {
		a.doors.wake(ctx, id)
	}
	return err
}

// door opens the casework of cities in service.
func door[T any](a *App) exchange.Door[T] {
	return func(ctx context.Context, code string, fn func(T) error) error {
		id, err := tenant.ParseID(code)
		if err != nil {
			return platform.ErrNoCity
		}
		return a.Cities.Use(ctx, id, func(city *tenant.City) error {
			part, ok := any(city.Cases).(T)
			if !ok {
				return errors.New("the casework of a city has another shape")
			}
			if _, receives := any(&part).(*exchange.Receiver); receives {
				a.doors.wake(ctx, id)
			}
			return fn(part)
		})
	}
}
