// Package billingdb keeps harvested usage and invoices in the province's
// database, on SQLite or PostgreSQL. It owns rows and queries; rules are
// billing's.
package billingdb

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"wangge/billing"
	"wangge/internal/gormx"
	"wangge/platform"
	"wangge/tenant/usage"
)

// store keeps billing. Inside InTx both handles are the transaction.
type store struct{ write, read *gorm.DB }

// New returns the store in the province's database.
func New(db *gormx.DB) billing.Store { return store{db.Write, db.Read} }

func (s store) InTx(ctx context.Context, fn func(billing.Store) error) error {
	return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return fn(store{tx, tx}) })
}

func (s store) LastBatch(ctx context.Context, city string) (last int64, err error) {
	err = s.read.WithContext(ctx).Raw("SELECT COALESCE(MAX(batch), 0) FROM harvests WHERE city = ?", city).Scan(&last).Error
	if err != nil {
		return 0, fmt.Errorf("last batch of %s: %w", city, err)
	}
	return last, nil
}

func (s store) AddHarvest(ctx context.Context, city string, batch int64, at time.Time) (bool, error) {
	res := s.write.WithContext(ctx).Exec(
		"INSERT INTO harvests (city, batch, harvested_at) VALUES (?, ?, ?) ON CONFLICT (city, batch) DO NOTHING", city, batch, gormx.At(at))
	return res.RowsAffected == 1, res.Error
}

type usageRow struct {
	City, Metric, Day string
	Batch, Quantity   int64
}

func (usageRow) TableName() string { return "usage_days" }

// chunk bounds the values of one statement.
const chunk = 500

func (s store) AddUsage(ctx context.Context, city string, b usage.Batch) error {
	rows := make([]usageRow, len(b.Days))
	for i, d := range b.Days {
		rows[i] = usageRow{City: city, Batch: b.ID, Metric: d.Metric, Day: d.Day, Quantity: d.Quantity}
	}
	return s.write.WithContext(ctx).CreateInBatches(rows, chunk).Error
}

// HoldCity locks the city's entry; SQLite, with its one writer, needs no lock.
func (s store) HoldCity(ctx context.Context, city string) error {
	var held []string
	err := s.write.WithContext(ctx).Clauses(clause.Locking{Strength: "NO KEY UPDATE"}).
		Table("cities").Where("code = ?", city).Pluck("code", &held).Error
	if err == nil && len(held) == 0 {
		return platform.ErrNoCity
	}
	return err
}

func (s store) OpenMonths(ctx context.Context, city string) (months []string, err error) {
	err = s.read.WithContext(ctx).Raw(
		"SELECT DISTINCT substr(day, 1, 7) AS month FROM usage_days WHERE city = ? AND invoice IS NULL ORDER BY month", city).Scan(&months).Error
	return months, err
}

func (s store) IssuedMonths(ctx context.Context, city string) (months []string, err error) {
	err = s.read.WithContext(ctx).Raw("SELECT month FROM invoices WHERE city = ? ORDER BY month", city).Scan(&months).Error
	return months, err
}

// claimed sums what is on an invoice, beside what its months had on others.
const claimed = `
SELECT substr(day, 1, 7) AS month, metric,
       CAST(SUM(CASE WHEN invoice = ? THEN 0 ELSE quantity END) AS BIGINT) AS before,
       CAST(SUM(CASE WHEN invoice = ? THEN quantity ELSE 0 END) AS BIGINT) AS quantity
FROM usage_days WHERE city = ? AND invoice IS NOT NULL AND substr(day, 1, 7) IN ?
GROUP BY substr(day, 1, 7), metric
HAVING SUM(CASE WHEN invoice = ? THEN 1 ELSE 0 END) > 0 ORDER BY month, metric`

// Claim marks first and sums what it marked, so that a harvest that commits in
// between is wholly on this invoice or wholly left for the next.
func (s store) Claim(ctx context.Context, city, number string, months []string) (took []billing.Claim, err error) {
	if len(months) == 0 {
		return nil, nil
	}
	tx := s.write.WithContext(ctx)
	err = tx.Exec("UPDATE usage_days SET invoice = ? WHERE city = ? AND invoice IS NULL AND substr(day, 1, 7) IN ?", number, city, months).Error
	if err != nil {
		return nil, err
	}
	err = tx.Raw(claimed, number, number, city, months, number).Scan(&took).Error
	return took, err
}
