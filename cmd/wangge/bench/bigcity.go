package bench

import (
	"context"
	"errors"
	"fmt"
)

var bigcity = benchmark{
	name: "bigcity", zh: "大城市建城", en: "provisioning a big city", first: "seconds", unit: "cities",
	how: "As provisioning, from the spec's file to the end of the last step, with the self-check passed, of a city of 20,000 unit grids, 60 departments and 500 accounts with the full catalogue. " +
		"A round is a city; there are as many as rounds.",
	floor: provision.floor,
	do:    measureBigCity,
}

// bigCityUnits is how many departments a big city has.
const bigCityUnits = 60

func measureBigCity(ctx context.Context, r *run) error {
	w, err := r.host.world(ctx, r.engine)
	if err != nil {
		return err
	}
	return errors.Join(r.bigCities(ctx, w), w.Close())
}

func (r *run) bigCities(ctx context.Context, w *world) error {
	list := buildable(w.Atlas)
	for _, city := range list[:min(r.Rounds, len(list))] {
		if err := r.city(ctx, w, plan{city: city, grids: r.grids, accounts: r.accounts, units: bigCityUnits}); err != nil {
			return fmt.Errorf("city %s: %w", city.Code, err)
		}
	}
	return nil
}
