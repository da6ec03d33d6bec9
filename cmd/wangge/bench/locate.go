package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"wangge/internal/gormx"
	"wangge/tenant"
	"wangge/tenant/grid"
)

var locate = benchmark{
	name: "locate", zh: "坐标定位网格", en: "point to grid", first: "lookups_per_second", unit: "lookups through the service",
	how: "Random places in a city of 20,000 unit grids (17 points a ring, sides shared), one caller. lookups_per_second is through the city's service, " +
		"which reads the grid set's version from the database at every lookup, so that it never answers from an older import; index_lookups_per_second is the index in memory alone.",
	floor: "lookups_per_second: the version read by one prepared SQL statement, then the ring test on the polygon known to be the right one. " +
		"index_lookups_per_second: that ring test alone, without any search.",
	do: measureLocate,
}

func measureLocate(ctx context.Context, r *run) error {
	w, err := r.host.world(ctx, r.engine)
	if err != nil {
		return err
	}
	return errors.Join(r.find(ctx, w), w.Close())
}

func (r *run) find(ctx context.Context, w *world) (err error) {
	t, err := w.build(ctx, sampleCity, r.grids, len(staffed))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.raw.Close()) }()
	return w.Cities.Use(ctx, t.id, func(city *tenant.City) error { return r.lookups(ctx, city, t.raw) })
}

// spot is a place and the grid it lies in.
type spot struct {
	grid.Point
	owner *grid.Grid
}

// spots draws places in the city at random.
func spots(grids []grid.Grid, index *grid.Index, n int) []spot {
	owners := map[grid.Code]*grid.Grid{}
	for i := range grids {
		owners[grids[i].Code] = &grids[i]
	}
	random := rand.New(rand.NewPCG(2, 0)) //nolint:gosec // places, not secrets
	var list []spot
	for len(list) < n {
		p := grids[random.IntN(len(grids))].Ring[0]
		p.Lon, p.Lat = p.Lon+(random.Float64()-0.5)*0.001, p.Lat+(random.Float64()-0.5)*0.001
		if code, ok := index.At(p); ok {
			list = append(list, spot{p, owners[code]})
		}
	}
	return list
}

func (r *run) lookups(ctx context.Context, city *tenant.City, raw *gormx.DB) error {
	grids, err := city.Grids.Grids(ctx)
	if err != nil {
		return err
	}
	index := grid.NewIndex(grids)
	places := spots(grids, index, 1<<16)
	at := func(i int) spot { return places[i%len(places)] }
	pool, err := raw.Read.DB()
	if err != nil {
		return err
	}
	version, err := pool.PrepareContext(ctx, "SELECT version FROM grid_version")
	if err != nil {
		return err
	}
	defer version.Close()
	found := func(i int, code grid.Code, ok bool) error {
		if !ok || code != at(i).owner.Code {
			return fmt.Errorf("%w: %v lies in %s, got %s", errCount, at(i).Point, at(i).owner.Code, code)
		}
		return nil
	}
	inside := func(i int) error {
		s := at(i)
		return found(i, s.owner.Code, s.owner.Contains(s.Point))
	}
	return r.rounds(ctx, func(ctx context.Context, d time.Duration) error {
		done, rate, err := repeat(d, 16, func(i int) error {
			code, err := city.Grids.Locate(ctx, at(i).Point)
			return errors.Join(err, found(i, code, true))
		})
		r.n += done
		r.figures.add("lookups_per_second", rate)
		r.figures.add("lookup_ns", 1e9/rate)
		return err
	}, func(_ context.Context, d time.Duration) error {
		_, rate, err := repeat(d, 1024, func(i int) error {
			code, ok := index.At(at(i).Point)
			return found(i, code, ok)
		})
		r.figures.add("index_lookups_per_second", rate)
		r.figures.add("index_lookup_ns", 1e9/rate)
		return err
	}, func(ctx context.Context, d time.Duration) error {
		_, rate, err := repeat(d, 16, func(i int) error {
			var n int64
			return errors.Join(version.QueryRowContext(ctx).Scan(&n), inside(i))
		})
		r.floor.add("lookups_per_second", rate)
		return err
	}, func(_ context.Context, d time.Duration) error {
		_, rate, err := repeat(d, 1024, inside)
		r.floor.add("index_lookups_per_second", rate)
		return err
	})
}
