// Package provisioningdb keeps the ledger of provisioning in the province's
// database: which city is being built, which steps were done, who is at work.
package provisioningdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/provisioning"
)

// Ledger implements provisioning.Ledger.
type Ledger struct {
	db     *gormx.DB
	holder string // who this process is, for the lock
	now    func() time.Time
	beat   time.Duration // how often the lock is renewed
}

// New returns the ledger kept in the province's database.
func New(db *gormx.DB, holder string, now func() time.Time) *Ledger {
	return &Ledger{db, holder, now, lockFor / 3}
}

// ErrOtherEngine refuses to build a city a second time elsewhere.
var ErrOtherEngine = errs.New(errs.Conflict, "other_engine", "该城市已建在另一种数据库上：%s", "the city is already built on another engine: %s")

// Reserve makes the city known, in state building. One that is known keeps its
// state and takes the new name and model.
func (l *Ledger) Reserve(ctx context.Context, r provisioning.Reservation) error {
	return l.db.InTx(ctx, func(tx *gorm.DB) error {
		var engine string
		err := tx.Raw(`INSERT INTO cities (code, name, model, state, engine, server, created_at) VALUES (?, ?, ?, 'building', ?, ?, ?)
			ON CONFLICT (code) DO UPDATE SET name = excluded.name, model = excluded.model RETURNING engine`,
			r.Code, r.Name, r.Model, string(r.Engine), r.Server, gormx.At(r.At)).Scan(&engine).Error
		if err != nil {
			return fmt.Errorf("reserve %s: %w", r.Code, err)
		}
		if engine != string(r.Engine) {
			return ErrOtherEngine.With(engine)
		}
		return nil
	})
}

// Placed says on which server a city lives; false for one that is not known.
func (l *Ledger) Placed(ctx context.Context, code string) (server string, known bool, err error) {
	err = l.db.Write.WithContext(ctx).Raw("SELECT server FROM cities WHERE code = ?", code).Row().Scan(&server)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("placement of %s: %w", code, err)
	}
	return server, true, nil
}

// Activate puts the city into service.
func (l *Ledger) Activate(ctx context.Context, code, specHash string, at time.Time) error {
	err := l.db.Write.WithContext(ctx).Exec(
		"UPDATE cities SET state = 'active', spec_hash = ?, active_at = COALESCE(active_at, ?) WHERE code = ?", specHash, gormx.At(at), code).Error
	if err != nil {
		return fmt.Errorf("activate %s: %w", code, err)
	}
	return nil
}

// Subscribe notes the tariff a city is billed by, "" for whichever the province
// has. The city is a subscriber since the first time.
func (l *Ledger) Subscribe(ctx context.Context, code, tariff string, at time.Time) error {
	err := l.db.Write.WithContext(ctx).Exec(`INSERT INTO subscriptions (city, tariff, since) VALUES (?, ?, ?)
		ON CONFLICT (city) DO UPDATE SET tariff = excluded.tariff`, code, tariff, gormx.At(at)).Error
	if err != nil {
		return fmt.Errorf("subscribe %s: %w", code, err)
	}
	return nil
}

// Unsubscribe takes back Subscribe.
func (l *Ledger) Unsubscribe(ctx context.Context, code string) error {
	if err := l.db.Write.WithContext(ctx).Exec("DELETE FROM subscriptions WHERE city = ?", code).Error; err != nil {
		return fmt.Errorf("unsubscribe %s: %w", code, err)
	}
	return nil
}

// ErrServed refuses to abandon a city that was in service.
var ErrServed = errs.New(errs.Conflict, "city_was_in_service",
	"城市 %s 已投入过使用，不能放弃建设；请按注销流程办理", "city %s was in service: it can't be abandoned, only leave in the regular way")

// Unused refuses, with ErrServed, a city that was in service.
func (l *Ledger) Unused(ctx context.Context, code string) error {
	var served int
	if err := l.db.Write.WithContext(ctx).Raw("SELECT COUNT(*) FROM cities WHERE code = ? AND active_at IS NOT NULL", code).Scan(&served).Error; err != nil {
		return fmt.Errorf("look for city %s: %w", code, err)
	}
	if served > 0 {
		return ErrServed.With(code)
	}
	return nil
}

// Forget removes a city that was never in service with its recorded steps;
// ErrServed for another.
func (l *Ledger) Forget(ctx context.Context, code string) error {
	return l.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM provisioning_steps WHERE city = ? AND NOT EXISTS (SELECT 1 FROM cities WHERE code = ? AND active_at IS NOT NULL)", code, code).Error; err != nil {
			return fmt.Errorf("forget the steps of %s: %w", code, err)
		}
		if err := tx.Exec("DELETE FROM cities WHERE code = ? AND active_at IS NULL", code).Error; err != nil {
			return fmt.Errorf("forget %s: %w", code, err)
		}
		return nil
	})
}

// Subscriptions are the tariffs that cities are billed by, by city.
func (l *Ledger) Subscriptions(ctx context.Context) (map[string]string, error) {
	var rows []struct{ City, Tariff string }
	if err := l.db.Read.WithContext(ctx).Raw("SELECT city, tariff FROM subscriptions").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("subscriptions: %w", err)
	}
	out := make(map[string]string, len(rows))
	for _, r := range rows {
		out[r.City] = r.Tariff
	}
	return out, nil
}

// Reached notes the level of a city's tables.
func (l *Ledger) Reached(ctx context.Context, code string, level int64) error {
	if err := l.db.Write.WithContext(ctx).Exec("UPDATE cities SET level = ? WHERE code = ?", level, code).Error; err != nil {
		return fmt.Errorf("level of %s: %w", code, err)
	}
	return nil
}

// Begin notes that a step is being done, once more if it was before.
func (l *Ledger) Begin(ctx context.Context, city string, position int, step, specHash string, at time.Time) error {
	err := l.db.Write.WithContext(ctx).Exec(
		`INSERT INTO provisioning_steps (city, position, step, state, spec_hash, attempts, started_at) VALUES (?, ?, ?, 'running', ?, 1, ?)
		 ON CONFLICT (city, step) DO UPDATE SET position = excluded.position, state = 'running', spec_hash = excluded.spec_hash,
		 attempts = provisioning_steps.attempts + 1, started_at = excluded.started_at, finished_at = NULL, detail = ''`,
		city, position, step, specHash, gormx.At(at)).Error
	if err != nil {
		return fmt.Errorf("begin step %s of %s: %w", step, city, err)
	}
	return nil
}

// End notes how a step ended.
func (l *Ledger) End(ctx context.Context, city, step string, at time.Time, detail string, failed bool) error {
	state := "done"
	if failed {
		state = "failed"
	}
	err := l.db.Write.WithContext(ctx).Exec(
		"UPDATE provisioning_steps SET state = ?, finished_at = ?, detail = ? WHERE city = ? AND step = ?", state, gormx.At(at), detail, city, step).Error
	if err != nil {
		return fmt.Errorf("end step %s of %s: %w", step, city, err)
	}
	return nil
}

// Steps lists the recorded steps of a city in order.
func (l *Ledger) Steps(ctx context.Context, city string) ([]provisioning.StepRecord, error) {
	var rows []struct {
		Step       string
		State      string
		SpecHash   string
		Attempts   int
		StartedAt  gormx.Instant
		FinishedAt gormx.Instant
		Detail     string
	}
	err := l.db.Read.WithContext(ctx).Raw(`SELECT step, state, spec_hash, attempts, started_at, finished_at, detail
		FROM provisioning_steps WHERE city = ? ORDER BY position`, city).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("steps of %s: %w", city, err)
	}
	out := make([]provisioning.StepRecord, len(rows))
	for i, r := range rows {
		out[i] = provisioning.StepRecord{
			Step: r.Step, State: r.State, SpecHash: r.SpecHash, Attempts: r.Attempts,
			StartedAt: r.StartedAt.Time, FinishedAt: r.FinishedAt.Time, Detail: r.Detail,
		}
	}
	return out, nil
}
