package billing

import (
	"context"
	"fmt"
	"time"

	"wangge/tenant/usage"
)

// page is how many batches are read at once.
const page = 100

// Harvest takes what a city used since the last time and returns how many
// batches that were. Each batch is one transaction that also records that it
// was taken; so a harvest that stopped anywhere, or ran twice, or beside
// another, takes every entry once.
func Harvest(ctx context.Context, store Store, city string, src usage.Source, now time.Time) (batches int, err error) {
	if _, err := src.Seal(ctx, now); err != nil {
		return 0, fmt.Errorf("harvest %s: %w", city, err)
	}
	last, err := store.LastBatch(ctx, city)
	if err != nil {
		return 0, err
	}
	for {
		found, err := src.BatchesAfter(ctx, last, page)
		if err != nil || len(found) == 0 {
			return batches, err
		}
		for _, b := range found {
			if b.ID != last+1 {
				return batches, ErrGap.With(city, last, b.ID)
			}
			fresh, err := take(ctx, store, city, b, now)
			if err != nil {
				return batches, fmt.Errorf("harvest %s, batch %d: %w", city, b.ID, err)
			}
			if last = b.ID; fresh {
				batches++
			}
		}
	}
}

// take saves one batch; false when it had been taken before.
func take(ctx context.Context, store Store, city string, b usage.Batch, now time.Time) (fresh bool, err error) {
	err = store.InTx(ctx, func(store Store) error {
		if fresh, err = store.AddHarvest(ctx, city, b.ID, now); err != nil || !fresh {
			return err
		}
		return store.AddUsage(ctx, city, b)
	})
	return fresh, err
}
