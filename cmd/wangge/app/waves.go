package app

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"

	"wangge/internal/gormx"
	"wangge/migrations"
	"wangge/platform"
	"wangge/provisioning/waves"
)

// NewestLevel is the level of a city's tables that this version makes, the same
// on both engines.
func NewestLevel() (int64, error) {
	newest, err := migrations.Newest(migrations.City, gormx.Postgres)
	return newest.Level, err
}

// migrated are the cities that have tables to bring to a level: those built, in
// service or out of it, that have not left.
func migrated(list []platform.City) (out []platform.City) {
	for _, c := range list {
		if c.State != platform.Building && c.LeftAt.IsZero() {
			out = append(out, c)
		}
	}
	return out
}

// Raise brings the tables of all cities to this version's level in waves.
func (a *App) Raise(ctx context.Context, o waves.Options, progress waves.Progress) (waves.Outcome, error) {
	level, err := NewestLevel()
	if err != nil {
		return waves.Outcome{}, err
	}
	list, err := a.Registry.Cities(ctx)
	if err != nil {
		return waves.Outcome{}, err
	}
	var cities []waves.City
	for _, c := range migrated(list) {
		cities = append(cities, waves.City{Code: c.Code, Level: c.Level})
	}
	rollout := waves.Rollout{Cities: a.Fleet, Record: a.Ledger.Rollouts(), Level: level, Now: a.Config.Now}
	return rollout.Up(ctx, cities, o, progress)
}

// CityLevel is at which level a city's tables are and how the rollout to the
// newest level stands there.
type CityLevel struct {
	platform.City
	At     int64 // as found in the city
	Served error // nil, or why this version does not serve it
	Entry  waves.Entry
}

// Levels looks at the tables of every city, some at once.
func (a *App) Levels(ctx context.Context) ([]CityLevel, error) {
	level, err := NewestLevel()
	if err != nil {
		return nil, err
	}
	list, err := a.Registry.Cities(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := a.Ledger.Rollouts().Entries(ctx, level)
	if err != nil {
		return nil, err
	}
	of := map[string]waves.Entry{}
	for _, e := range entries {
		of[e.City] = e
	}
	list = migrated(list)
	out := make([]CityLevel, len(list))
	var group errgroup.Group
	group.SetLimit(4 * runtime.GOMAXPROCS(0))
	for i, c := range list {
		group.Go(func() error {
			at, err := a.Fleet.Level(ctx, c.Code)
			if err == nil {
				err = migrations.Serves(at, level)
			}
			out[i] = CityLevel{c, at, err, of[c.Code]}
			return nil
		})
	}
	_ = group.Wait() // what failed is in the lines
	return out, ctx.Err()
}
