package tenantdb

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/migrations"
	"wangge/tenant"
	"wangge/tenant/casework"
	"wangge/tenant/catalog"
	"wangge/tenant/division"
)

// Seeder fills the database of a new city and opens it.
type Seeder struct {
	Options Options // Sealer and Now are chosen per city
	Sealer  func(ctx context.Context, id tenant.ID) (casework.Sealer, error)
	Clock   func(id tenant.ID) func() time.Time
}

// Migrate brings the city's tables to the newest level.
func (s Seeder) Migrate(ctx context.Context, db *gormx.DB) (int64, error) {
	return migrations.Up(ctx, db, migrations.City)
}

// Seed writes settings, divisions and the catalogue a city starts with, all or
// nothing; what the city has already is left as it is, but for the settings.
func (s Seeder) Seed(ctx context.Context, db *gormx.DB, settings tenant.Settings, divisions []division.Division, kinds []catalog.Kind, conditions []catalog.Condition) error {
	return db.InTx(ctx, func(tx *gorm.DB) error {
		if err := SeedDivisions(ctx, tx, divisions); err != nil {
			return err
		}
		if err := SeedCatalogue(ctx, tx, kinds, conditions); err != nil {
			return err
		}
		return SaveSettings(ctx, tx, settings)
	})
}

// Open opens the city.
func (s Seeder) Open(ctx context.Context, id tenant.ID, db *gormx.DB) (*tenant.City, error) {
	o := s.Options
	o.Now = s.Clock(id)
	var err error
	if o.Sealer, err = s.Sealer(ctx, id); err != nil {
		return nil, err
	}
	return Open(ctx, id, db, o)
}

// Together opens the city inside one transaction: all that fn does happens or
// none.
func (s Seeder) Together(ctx context.Context, id tenant.ID, db *gormx.DB, fn func(*tenant.City) error) error {
	return db.InTx(ctx, func(tx *gorm.DB) error {
		city, err := s.Open(ctx, id, &gormx.DB{Engine: db.Engine, Write: tx, Read: tx})
		if err != nil {
			return err
		}
		return fn(city)
	})
}

// errRollback ends a trial: nothing of it may stay.
var errRollback = errors.New("the trial is over")

// Trial opens the city inside one transaction and rolls it back after fn.
func (s Seeder) Trial(ctx context.Context, id tenant.ID, db *gormx.DB, fn func(*tenant.City) error) error {
	err := s.Together(ctx, id, db, func(city *tenant.City) error {
		if err := fn(city); err != nil {
			return err
		}
		return errRollback
	})
	if errors.Is(err, errRollback) {
		return nil
	}
	return err
}
