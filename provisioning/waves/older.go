package waves

import (
	"context"

	"wangge/internal/gormx"
	"wangge/migrations"
	"wangge/provisioning"
	"wangge/tenant"
)

// Older builds cities as a version before did, with tables of an older level: for
// tests and measurements of a city that a rollout has not reached yet.
type Older struct {
	provisioning.Seeder
	Level int64
}

// Migrate stops at the level.
func (o Older) Migrate(ctx context.Context, db *gormx.DB) (int64, error) {
	return o.Level, migrations.UpTo(ctx, db, migrations.City, o.Level)
}

// Open opens the city without what only an apply looks at: a real one brings a
// city to the newest level before it does.
func (o Older) Open(ctx context.Context, id tenant.ID, db *gormx.DB) (*tenant.City, error) {
	city, err := o.Seeder.Open(ctx, id, db)
	if err == nil {
		city.Applied = unnoted{}
	}
	return city, err
}

// Together is Open inside one transaction.
func (o Older) Together(ctx context.Context, id tenant.ID, db *gormx.DB, fn func(*tenant.City) error) error {
	return o.Seeder.Together(ctx, id, db, func(city *tenant.City) error {
		city.Applied = unnoted{}
		return fn(city)
	})
}

// unnoted keeps no note of what a city was built from.
type unnoted struct{}

func (unnoted) Applied(context.Context) (tenant.AppliedSpec, error)   { return tenant.AppliedSpec{}, nil }
func (unnoted) SaveApplied(context.Context, tenant.AppliedSpec) error { return nil }
