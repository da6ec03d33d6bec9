package schedule

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
)

// ErrHeld refuses work that somebody is at already; ErrLost tells a holder that
// its lease lapsed and went to another.
var (
	ErrHeld = errs.New(errs.Conflict, "lease_held", "“%s”正由 %s 进行中（自 %s 起），请待其结束后再试",
		`"%s" is under way by %s since %s: try again when it has ended`)
	ErrLost = errs.New(errs.Conflict, "lease_lost", "“%s”超时未续期，已由他人接手", `"%s" was not renewed in time and went to another`)
)

// shanghai is China's only time: UTC+8, without summer time since 1991.
var shanghai = time.FixedZone("CST", 8*60*60)

// Lease is the right to be alone at something until it expires.
type Lease struct {
	db           *gormx.DB
	name, holder string
	since        time.Time // with holder it tells this lease from any later one
	now          func() time.Time
	ttl          time.Duration
}

// Acquire takes the lease of name for ttl, or returns ErrHeld, which names who
// holds it since when. A lease that expired is free. Holder names a process: it
// may be shown, so it is no person's name.
func Acquire(ctx context.Context, db *gormx.DB, name, holder string, now func() time.Time, ttl time.Duration) (*Lease, error) {
	// as precise as it is stored, because renewing compares it
	l := &Lease{db: db, name: name, holder: holder, since: now().Truncate(time.Microsecond), now: now, ttl: ttl}
	for {
		res := db.Write.WithContext(ctx).Exec(`INSERT INTO leases (name, holder, since, expires_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, since = excluded.since, expires_at = excluded.expires_at
			WHERE leases.expires_at <= excluded.since`,
			name, holder, gormx.At(l.since), gormx.At(l.since.Add(ttl)))
		if res.Error != nil {
			return nil, fmt.Errorf("acquire %s: %w", name, res.Error)
		}
		if res.RowsAffected == 1 {
			return l, nil
		}
		var by string
		var since gormx.Instant
		err := db.Write.WithContext(ctx).Raw(`SELECT holder, since FROM leases WHERE name = ?`, name).Row().Scan(&by, &since)
		switch {
		case err == nil:
			return nil, ErrHeld.With(name, by, since.In(shanghai).Format(time.RFC3339))
		case !errors.Is(err, sql.ErrNoRows): // else it was released a moment ago: try again
			return nil, fmt.Errorf("acquire %s: %w", name, err)
		}
	}
}

// Renew keeps the lease for another ttl from now, or returns ErrLost.
func (l *Lease) Renew(ctx context.Context) error {
	return l.mine(ctx, `UPDATE leases SET expires_at = ? WHERE name = ? AND holder = ? AND since = ?`, gormx.At(l.now().Add(l.ttl)))
}

// Release frees the lease, or returns ErrLost when it is another's by now.
func (l *Lease) Release(ctx context.Context) error {
	return l.mine(ctx, `DELETE FROM leases WHERE name = ? AND holder = ? AND since = ?`)
}

func (l *Lease) mine(ctx context.Context, statement string, args ...any) error {
	res := l.db.Write.WithContext(ctx).Exec(statement, append(args, l.name, l.holder, gormx.At(l.since))...)
	switch {
	case res.Error != nil:
		return fmt.Errorf("lease of %s: %w", l.name, res.Error)
	case res.RowsAffected == 0:
		return ErrLost.With(l.name)
	}
	return nil
}
