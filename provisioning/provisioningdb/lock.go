package provisioningdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/schedule"
)

// ErrApplying refuses a second apply of a city while one runs.
var ErrApplying = errs.New(errs.Conflict, "city_being_applied",
	"城市 %[1]s 正由 %[2]s 建设（自 %[3]s 起）。如该进程已不存在，锁于 %[4]s 自动失效，届时请再次执行",
	"city %[1]s is being applied by %[2]s (since %[3]s); if that process is gone the lock ends by itself at %[4]s: run it again then")

// lockFor is how long the apply of a lost machine keeps others away.
const lockFor = 30 * time.Second

// Lock keeps other applies of the city away until unlock; a second one is
// refused with ErrApplying. The lock of a process of this machine that was
// killed is taken over at once, that of another machine when it ends by itself.
// held ends when the lock was lost.
func (l *Ledger) Lock(ctx context.Context, city string) (held context.Context, unlock func(), err error) {
	return l.lock(ctx, "apply/"+city, func(who string, since, until time.Time) error {
		return ErrApplying.With(city, who, clock(since), clock(until))
	})
}

// lock takes a lease and keeps it until unlock; refusal is the error that says
// who has it.
func (l *Ledger) lock(ctx context.Context, name string, refusal func(who string, since, until time.Time) error) (held context.Context, unlock func(), err error) {
	lease, err := l.acquire(ctx, name, refusal)
	if err != nil {
		return nil, nil, err
	}
	held, lose := context.WithCancelCause(ctx)
	beating, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		until := l.now().Add(lockFor)
		beat := time.NewTicker(l.beat)
		defer beat.Stop()
		for {
			select {
			case <-beating.Done():
				return
			case <-beat.C:
				err := lease.Renew(beating)
				switch {
				case err == nil:
					until = l.now().Add(lockFor)
				case errors.Is(err, schedule.ErrLost), !l.now().Before(until):
					lose(fmt.Errorf("lock of %s: %w", name, err))
					return
				}
			}
		}
	}()
	return held, func() {
		stop()
		<-done
		lose(nil)
		_ = lease.Release(context.WithoutCancel(ctx)) // an unreleased lease ends by itself
	}, nil
}

// acquire takes the lease, first from a holder that is gone.
func (l *Ledger) acquire(ctx context.Context, name string, refusal func(who string, since, until time.Time) error) (*schedule.Lease, error) {
	for {
		lease, err := schedule.Acquire(ctx, l.db, name, l.holder+mark(), l.now, lockFor)
		if !errors.Is(err, schedule.ErrHeld) {
			return lease, err
		}
		var holder string
		var since, until gormx.Instant
		err = l.db.Write.WithContext(ctx).Raw("SELECT holder, since, expires_at FROM leases WHERE name = ?", name).Row().Scan(&holder, &since, &until)
		switch {
		case errors.Is(err, sql.ErrNoRows): // released a moment ago
			continue
		case err != nil:
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		who, alive := unmark(holder)
		if alive {
			return nil, refusal(who, since.Time, until.Time)
		}
		if err := l.db.Write.WithContext(ctx).Exec("DELETE FROM leases WHERE name = ? AND holder = ?", name, holder).Error; err != nil {
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
	}
}

var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

func clock(t time.Time) string { return t.In(shanghai).Format("15:04:05") }
