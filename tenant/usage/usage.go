// Package usage is what a city used that is billed: written in the same
// transaction as what caused it, sealed into batches, handed over once.
package usage

import (
	"context"
	"time"
)

// CaseFiled is one case filed (立案).
const CaseFiled = "case_filed"

// Entry is one use. (Metric, Ref) is unique: the same cause is never counted twice.
type Entry struct {
	Metric   string
	Quantity int64 // above zero
	At       time.Time
	Ref      string
}

// DayTotal is what a batch holds of one metric and day (Asia/Shanghai).
type DayTotal struct {
	Metric, Day string
	Quantity    int64
}

// Batch is a sealed set of entries; it never changes. A city's batches are
// numbered from 1 without gaps, and none appears before the one before it.
type Batch struct {
	ID   int64
	Days []DayTotal
}

// Source is the city's side of the harvest.
type Source interface {
	// Seal puts all entries that are in no batch into a new one and returns how
	// many those were; with none it makes no batch.
	Seal(ctx context.Context, now time.Time) (sealed int64, err error)
	// BatchesAfter returns up to limit batches after one, in order; after 0, the first.
	BatchesAfter(ctx context.Context, batch int64, limit int) ([]Batch, error)
}
