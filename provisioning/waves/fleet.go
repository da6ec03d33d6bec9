package waves

import (
	"context"
	"errors"
	"fmt"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/migrations"
	"wangge/provisioning"
	"wangge/tenant"
)

// Fleet is the cities where they live.
type Fleet struct {
	Open   func(ctx context.Context, id tenant.ID) (*gormx.DB, error) // as the city itself
	Seeder provisioning.Seeder
	Ledger provisioning.Ledger
}

// Level implements Cities.
func (f Fleet) Level(ctx context.Context, code string) (at int64, err error) {
	err = f.use(ctx, code, func(_ tenant.ID, db *gormx.DB) error {
		at, _, err = migrations.Level(ctx, db, migrations.City)
		return err
	})
	return at, err
}

// Raise implements Cities. An apply of the same city keeps it away.
func (f Fleet) Raise(ctx context.Context, code string, rehearse bool) error {
	held, unlock, err := f.Ledger.Lock(ctx, code)
	if err != nil {
		return err
	}
	defer unlock()
	return f.use(held, code, func(id tenant.ID, db *gormx.DB) error {
		level, err := f.Seeder.Migrate(held, db)
		if err != nil {
			return err
		}
		if err := f.Ledger.Reached(held, code, level); err != nil {
			return err
		}
		if rehearse {
			return Check(held, f.Seeder, id, db)
		}
		if _, err := f.Seeder.Open(held, id, db); err != nil {
			return fmt.Errorf("%w: %w", ErrUnwell.With(id), err)
		}
		return nil
	})
}

func (f Fleet) use(ctx context.Context, code string, fn func(tenant.ID, *gormx.DB) error) error {
	id, err := tenant.ParseID(code)
	if err != nil {
		return err
	}
	db, err := f.Open(ctx, id)
	if err != nil {
		return err
	}
	return errors.Join(fn(id, db), db.Close())
}

// ErrUnwell halts a rollout at a city that is not served well after it.
var ErrUnwell = errs.New(errs.Unavailable, "city_unwell", "城市 %s 升级后的自检未通过", "city %s did not pass its self-check after it was raised")

// Check opens a city under this program and takes a case through the whole
// closed loop, in a transaction that is rolled back.
func Check(ctx context.Context, seeder provisioning.Seeder, id tenant.ID, db *gormx.DB) error {
	err := seeder.Trial(ctx, id, db, func(city *tenant.City) error {
		in, err := rehearsal(ctx, city)
		if err != nil {
			return err
		}
		_, err = provisioning.Loop(ctx, city, in)
		return err
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnwell.With(id), err)
	}
	return nil
}

// rehearsal finds in the city what a case needs.
func rehearsal(ctx context.Context, city *tenant.City) (in provisioning.LoopInput, err error) {
	grids, err := city.Grids.Grids(ctx)
	if err != nil {
		return in, err
	}
	conditions, err := city.Catalogue.Conditions(ctx)
	if err != nil {
		return in, err
	}
	departments, err := city.Org.Departments(ctx)
	if err != nil {
		return in, err
	}
	for _, d := range departments {
		if d.Takes(city.Org.Today()) && in.Department == "" {
			in.Department = d.Code
		}
	}
	if len(grids) == 0 || len(conditions) == 0 || in.Department == "" {
		return in, errors.New("the city has no grid, no filing condition or no department that handles cases")
	}
	in.Place, in.Condition = grids[0].Inside(), conditions[0].Code
	return in, nil
}
