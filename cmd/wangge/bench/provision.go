package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wangge/provisioning/sample"
	"wangge/tenant/division"
	"wangge/tenant/division/seat"
)

var provision = benchmark{
	name: "provision", zh: "建城", en: "provisioning", first: "seconds", unit: "cities",
	how: "From a city's spec file (about 256 unit grids, its real divisions, 29 accounts) to the end of the last step, the self-check passed: " +
		"reading and checking, key, database and login, migrations, divisions, catalogue, departments, policy, grids, accounts and invitations, self-check. " +
		"One city after another; a round is a city, so the spread is that of cities of unlike size.",
	floor: "A database with the same tables and the same rows: the whole schema as one batch and the rows in bulk (COPY on PostgreSQL, 200 rows a statement on SQLite), in one durable transaction on an open connection. " +
		"No checks, no login of its own, no record of the steps.",
	do: measureProvision,
}

// measureProvision builds cities until the time is over, and at least as many
// as there are rounds.
func measureProvision(ctx context.Context, r *run) error {
	w, err := r.host.world(ctx, r.engine)
	if err != nil {
		return err
	}
	return errors.Join(r.cities(ctx, w), w.Close())
}

func (r *run) cities(ctx context.Context, w *world) error {
	list := buildable(w.Atlas)
	began := time.Now()
	for i := 0; i <= r.Rounds || time.Since(began).Seconds() < r.Seconds; i++ {
		if i == len(list) {
			break // the country is built
		}
		if err := r.city(ctx, w, plan{city: list[i], grids: r.cityGrids, accounts: crew * len(staffed)}); err != nil {
			return fmt.Errorf("city %s: %w", list[i].Code, err)
		}
		if i == 0 {
			r.forget()
			began = time.Now()
		}
	}
	took := r.figures["seconds"]
	r.figures.add("p95_seconds", percentile(took, 95))
	sum := 0.0
	for _, s := range took {
		sum += s
	}
	r.figures.add("cities_per_second", float64(len(took))/sum)
	return nil
}

// city builds one city and its twin.
func (r *run) city(ctx context.Context, w *world, p plan) (err error) {
	path, err := p.write(w.Atlas, w.dir)
	if err != nil {
		return err
	}
	id, _, took, err := w.apply(ctx, path)
	if err != nil {
		return err
	}
	db, err := w.Provision.Database.Open(ctx, id)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	t, err := w.twin(ctx, db)
	r.figures.add("seconds", took.Seconds())
	r.floor.add("seconds", t.took.Seconds())
	r.n++
	return err
}

// buildable lists the cities whose place and communities are known.
func buildable(atlas *division.Atlas) (list []division.Division) {
	for _, province := range atlas.Provinces() {
		for _, city := range atlas.Cities(province.Code) {
			if _, _, ok := seat.Of(city.Code); ok && len(sample.Communities(atlas, city.Code, 16)) >= 16 {
				list = append(list, city)
			}
		}
	}
	return list
}
