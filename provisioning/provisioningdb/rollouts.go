package provisioningdb

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/provisioning/waves"
)

// Rollouts implements waves.Record.
type Rollouts struct{ ledger *Ledger }

// Rollouts returns the record of rollouts kept beside the ledger.
func (l *Ledger) Rollouts() Rollouts { return Rollouts{l} }

// ErrRollingOut refuses a second rollout while one is under way.
var ErrRollingOut = errs.New(errs.Conflict, "rolling_out",
	"升级正由 %[1]s 进行（自 %[2]s 起）。如该进程已不存在，锁于 %[3]s 自动失效，届时请再次执行",
	"a rollout is under way by %[1]s (since %[2]s); if that process is gone the lock ends by itself at %[3]s: run it again then")

// Lock keeps other rollouts away until unlock, as Ledger.Lock does other applies.
func (r Rollouts) Lock(ctx context.Context) (held context.Context, unlock func(), err error) {
	return r.ledger.lock(ctx, "rollout", func(who string, since, until time.Time) error {
		return ErrRollingOut.With(who, clock(since), clock(until))
	})
}

type rolloutRow struct {
	Level      int64
	City       string
	Wave       int
	State      string
	Reason     string
	StartedAt  gormx.Instant
	FinishedAt gormx.Instant
}

func (rolloutRow) TableName() string { return "rollout_cities" }

func newRolloutRow(level int64, e waves.Entry) rolloutRow {
	return rolloutRow{level, e.City, e.Wave, string(e.State), e.Reason, gormx.At(e.StartedAt), gormx.At(e.FinishedAt)}
}

// Entries lists the cities of the rollout to a level by wave and city.
func (r Rollouts) Entries(ctx context.Context, level int64) ([]waves.Entry, error) {
	var rows []rolloutRow
	if err := r.ledger.db.Read.WithContext(ctx).Where("level = ?", level).Order("wave, city").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("rollout to level %d: %w", level, err)
	}
	out := make([]waves.Entry, len(rows))
	for i, row := range rows {
		out[i] = waves.Entry{City: row.City, Wave: row.Wave, State: waves.State(row.State), Reason: row.Reason, StartedAt: row.StartedAt.Time, FinishedAt: row.FinishedAt.Time}
	}
	return out, nil
}

// Add adds cities to the rollout to a level, all of them or none.
func (r Rollouts) Add(ctx context.Context, level int64, list []waves.Entry) error {
	rows := make([]rolloutRow, len(list))
	for i, e := range list {
		rows[i] = newRolloutRow(level, e)
	}
	err := r.ledger.db.InTx(ctx, func(tx *gorm.DB) error { return tx.CreateInBatches(rows, 100).Error })
	if err != nil {
		return fmt.Errorf("plan the rollout to level %d: %w", level, err)
	}
	return nil
}

// Set replaces what is remembered of a city of the rollout to a level.
func (r Rollouts) Set(ctx context.Context, level int64, e waves.Entry) error {
	err := r.ledger.db.Write.WithContext(ctx).Model(&rolloutRow{}).Where("level = ? AND city = ?", level, e.City).
		Select("*").Updates(newRolloutRow(level, e)).Error
	if err != nil {
		return fmt.Errorf("rollout of %s to level %d: %w", e.City, level, err)
	}
	return nil
}
