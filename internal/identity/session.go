package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"gorm.io/gorm"

	"wangge/internal/gormx"
)

const (
	maxFailures = 5
	lockFor     = 15 * time.Minute
	touchEvery  = time.Minute
	touchWithin = 250 * time.Millisecond
	keepLinks   = 30 * 24 * time.Hour // how long an old invitation still gets a precise refusal
)

// SignIn opens a session. The token is returned this once and not stored. An
// unknown, a disabled and a mistyped account are told alike, in like time; five
// failures in a row lock the account for a quarter of an hour.
func (s *Service) SignIn(ctx context.Context, login, password string) (token string, session Session, err error) {
	id, hash, err := s.verify(ctx, login, password)
	if err != nil {
		return "", Session{}, err
	}
	token, stored := s.newToken()
	now := s.now()
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		// the account may have been barred, or its password changed, while we hashed
		if err := one(tx.Exec(`UPDATE accounts SET failures = 0, locked_until = NULL
			WHERE id = ? AND password_hash = ? AND disabled_at IS NULL`, id, hash), ErrBadCredentials); err != nil {
			return err
		}
		if err := tx.Exec(`INSERT INTO sessions (token_hash, account_id, created_at, seen_at, expires_at) VALUES (?, ?, ?, ?, ?)`,
			stored, id, gormx.At(now), gormx.At(now), gormx.At(now.Add(s.absolute))).Error; err != nil {
			return err
		}
		if session, _, err = s.read(tx.Raw(selectSession, stored).Row()); err != nil {
			return err
		}
		session.Account.Roles, err = rolesOf(tx, id)
		return err
	})
	if err != nil {
		return "", Session{}, fmt.Errorf("sign in: %w", err)
	}
	return token, session, nil
}

// verify returns the account whose login and password these are, and the hash
// they were checked against.
func (s *Service) verify(ctx context.Context, login, password string) (id int64, hash string, err error) {
	id, hash, err = s.attempt(ctx, normalLogin(login))
	if err != nil {
		return 0, "", err
	}
	ok, err := s.hasher.matches(ctx, hash, password)
	if err != nil {
		return 0, "", fmt.Errorf("check a password: %w", err)
	}
	if !ok {
		return 0, "", ErrBadCredentials
	}
	return id, hash, nil
}

// attempt counts a try as failed before its password is looked at, so that no
// number of tries at once gets past the lock. Success takes the count back.
func (s *Service) attempt(ctx context.Context, login string) (id int64, hash string, err error) {
	now := s.now()
	err = s.db.Write.WithContext(ctx).Raw(`UPDATE accounts SET
			failures = CASE WHEN locked_until IS NULL THEN failures + 1 ELSE 1 END,
			locked_until = CASE WHEN locked_until IS NULL AND failures + 1 >= ? THEN CAST(? AS BIGINT) END
		WHERE login = ? AND (locked_until IS NULL OR locked_until <= ?)
		RETURNING id, CASE WHEN disabled_at IS NULL THEN password_hash ELSE '' END`,
		maxFailures, gormx.At(now.Add(lockFor)), login, gormx.At(now)).Row().Scan(&id, &hash)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, hash, err
	}
	var until gormx.Instant
	err = s.db.Write.WithContext(ctx).Raw(`SELECT locked_until FROM accounts WHERE login = ?`, login).Row().Scan(&until)
	switch left := until.Sub(now); {
	case errors.Is(err, sql.ErrNoRows):
		return 0, "", nil // no such login: an empty hash never matches
	case err != nil:
		return 0, "", err
	default:
		return 0, "", ErrLocked.With(max(1, int((left+time.Minute-1)/time.Minute)))
	}
}

// Resolve returns the session of token as it is now, in one query; else
// ErrNoSession. It notes at most once a minute that the session was used.
func (s *Service) Resolve(ctx context.Context, token string) (Session, error) {
	if PlaneOf(token) != s.plane {
		return Session{}, ErrNoSession
	}
	hash := digest(token)
	row, err := s.find(ctx, hash)
	if err != nil {
		return Session{}, err
	}
	session, seen, err := s.read(row)
	if err != nil {
		return Session{}, err
	}
	if session.Account.Roles, err = s.rolesUnder(ctx, session); err != nil {
		return Session{}, err
	}
	if now := s.now(); now.Sub(seen) >= touchEvery {
		s.touch(ctx, hash, now)
	}
	return session, nil
}

// touch never fails a request: when the database is too busy to note the use,
// the next request does.
func (s *Service) touch(ctx context.Context, hash string, now time.Time) {
	if _, busy := s.touching.LoadOrStore(hash, true); busy { // by a request at the same time
		return
	}
	defer s.touching.Delete(hash)
	ctx, cancel := context.WithTimeout(ctx, touchWithin)
	defer cancel()
	if err := s.db.Write.WithContext(ctx).Exec(`UPDATE sessions SET seen_at = ? WHERE token_hash = ? AND seen_at < ?`,
		gormx.At(now), hash, gormx.At(now)).Error; err != nil {
		slog.WarnContext(ctx, "the use of a session was not noted", "plane", s.plane, "err", err)
	}
}

// selectSession reads a session with its account and policy version.
const selectSession = "SELECT " + accountColumns + `, s.seen_at, s.expires_at, v.version
	FROM sessions s JOIN accounts a ON a.id = s.account_id JOIN policy_version v ON v.id = 1
	WHERE s.token_hash = ?`

func (s *Service) find(ctx context.Context, hash string) (*sql.Row, error) {
	if s.db.Engine != gormx.SQLite { // pgx keeps its statements itself
		return s.db.Read.Statement.ConnPool.QueryRowContext(ctx, strings.Replace(selectSession, "?", "$1", 1), hash), nil
	}
	stmt, err := s.compile(ctx)
	if err != nil {
		return nil, fmt.Errorf("prepare to resolve sessions: %w", err)
	}
	return stmt.QueryRowContext(ctx, hash), nil
}

// compile keeps the session query compiled for SQLite, which would compile it
// at every request and take four times as long. (GORM's PrepareStmt leaves a
// goroutine behind for each database that was closed.)
func (s *Service) compile(ctx context.Context) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.compiled != nil {
		return s.compiled, nil
	}
	pool, err := s.db.Read.DB()
	if err != nil {
		return nil, err
	}
	s.compiled, err = pool.PrepareContext(ctx, selectSession)
	return s.compiled, err
}

func (s *Service) read(found *sql.Row) (session Session, seen time.Time, err error) {
	var row accountRow
	var seenAt, expires gormx.Instant
	err = found.Scan(append(row.bare(), &seenAt, &expires, &session.PolicyVersion)...)
	if errors.Is(err, sql.ErrNoRows) {
		return Session{}, time.Time{}, ErrNoSession
	}
	if err != nil {
		return Session{}, time.Time{}, fmt.Errorf("read a session: %w", err)
	}
	session.Account, session.ExpiresAt = row.account(), expires.Time
	now := s.now()
	if session.Account.Disabled || !now.Before(expires.Time) || now.Sub(seenAt.Time) >= s.idle {
		return Session{}, time.Time{}, ErrNoSession
	}
	return session, seenAt.Time, nil
}

// SignOut ends the session of token; ending one that is over is no error.
func (s *Service) SignOut(ctx context.Context, token string) error {
	return s.db.Write.WithContext(ctx).Exec(`DELETE FROM sessions WHERE token_hash = ?`, digest(token)).Error
}

// Purge deletes what has expired and returns how many sessions that were.
func (s *Service) Purge(ctx context.Context) (sessions int64, err error) {
	now := s.now()
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		res := tx.Exec(`DELETE FROM sessions WHERE expires_at <= ? OR seen_at <= ?`, gormx.At(now), gormx.At(now.Add(-s.idle)))
		sessions = res.RowsAffected
		if res.Error != nil {
			return res.Error
		}
		return tx.Exec(`DELETE FROM invitations WHERE expires_at <= ?`, gormx.At(now.Add(-keepLinks))).Error
	})
	return sessions, err
}
