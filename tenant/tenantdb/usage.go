package tenantdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/tenant/usage"
)

// Usage implements usage.Source.
type Usage struct{ db *gormx.DB }

// NewUsage returns the usage kept in the city's database.
func NewUsage(db *gormx.DB) *Usage { return &Usage{db} }

// insertUsage records one use, in the transaction that caused it.
const insertUsage = "INSERT INTO usage_entries (metric, quantity, at, ref) VALUES ($1, $2, $3, $4)"

// errNothing takes back a batch that would have been empty.
var errNothing = errors.New("nothing to seal")

// Seal puts every entry that has committed and is in no batch into a new one,
// and returns how many those were. An entry whose transaction is still running
// goes into a later batch; with nothing to seal no batch is made.
func (u *Usage) Seal(ctx context.Context, now time.Time) (sealed int64, err error) {
	err = gormx.Durably(ctx, u.db.Write, func(tx *gorm.DB) error { // the province will have it
		sealed, err = seal(tx, now)
		return err
	})
	switch {
	case errors.Is(err, errNothing):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("seal usage: %w", err)
	}
	return sealed, nil
}

// seal numbers the batch first: the number's row is locked until the end, so
// the next sealer looks for entries only after this one has committed.
func seal(tx *gorm.DB, now time.Time) (int64, error) {
	var batch int64
	if err := tx.Raw("UPDATE usage_seal SET last = last + 1 WHERE id = 1 RETURNING last").Scan(&batch).Error; err != nil {
		return 0, err
	}
	if err := tx.Exec("INSERT INTO usage_batches (id, sealed_at) VALUES (?, ?)", batch, gormx.At(now)).Error; err != nil {
		return 0, err
	}
	res := tx.Exec("UPDATE usage_entries SET batch = ? WHERE batch IS NULL", batch)
	if res.Error == nil && res.RowsAffected == 0 {
		return 0, errNothing
	}
	return res.RowsAffected, res.Error
}

// dayTotals sums whole batches. A day starts at midnight in Asia/Shanghai,
// eight hours before it does in UTC; day counts them from 1970.
const dayTotals = `
SELECT batch, metric, (at + 28800000000) / 86400000000 AS day, CAST(SUM(quantity) AS BIGINT) AS quantity
FROM usage_entries WHERE batch IN (SELECT id FROM usage_batches WHERE id > ? ORDER BY id LIMIT ?)
GROUP BY batch, metric, (at + 28800000000) / 86400000000 ORDER BY batch, metric, day`

// BatchesAfter returns up to limit sealed batches after one, in their order.
func (u *Usage) BatchesAfter(ctx context.Context, batch int64, limit int) ([]usage.Batch, error) {
	var rows []struct {
		Batch, Day, Quantity int64
		Metric               string
	}
	if err := u.db.Read.WithContext(ctx).Raw(dayTotals, batch, limit).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("usage after batch %d: %w", batch, err)
	}
	var out []usage.Batch
	for _, r := range rows {
		if n := len(out); n == 0 || out[n-1].ID != r.Batch {
			out = append(out, usage.Batch{ID: r.Batch})
		}
		day := time.Unix(r.Day*24*60*60, 0).UTC().Format(time.DateOnly)
		last := &out[len(out)-1]
		last.Days = append(last.Days, usage.DayTotal{Metric: r.Metric, Day: day, Quantity: r.Quantity})
	}
	return out, nil
}
