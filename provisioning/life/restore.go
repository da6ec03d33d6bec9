package life

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"

	"wangge/internal/blob"
	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/secrets"
	"wangge/platform"
	"wangge/provisioning/archive"
	"wangge/tenant"
)

// What restoring refuses.
var (
	ErrUnconfirmed = errs.New(errs.Conflict, "restore_unconfirmed",
		"城市 %s 上次还原尚未确认；请先确认（--confirm）或撤回（--undo）", "the last restore of city %s was not confirmed yet: confirm it or undo it first")
	ErrNothingKept = errs.New(errs.Conflict, "nothing_to_confirm", "城市 %s 没有待确认的还原", "there is no restore of city %s to confirm or undo")
)

// Restore sets a city back to one of its backups, "" for the newest, in one
// step for whoever uses it. What was there before is kept until Confirm, and
// Undo puts it back. No other city is touched.
//
// The province keeps what it was given: usage that it has taken is not given
// again, and every day's figures get a revision that it has not seen.
func (l *Life) Restore(ctx context.Context, id tenant.ID, name string) (archive.Manifest, error) {
	path, err := l.file(id, name)
	if err != nil {
		return archive.Manifest{}, err
	}
	a, err := opened(ctx, path)
	if err != nil {
		return archive.Manifest{}, err
	}
	if a.City.Code != id.String() {
		return archive.Manifest{}, ErrOtherCity.With(a.City.Code, a.City.Name, id.String())
	}
	held, unlock, err := l.Ledger.Lock(ctx, id.String())
	if err != nil {
		return archive.Manifest{}, err
	}
	defer unlock()
	return a.Manifest, l.restore(held, id, a)
}

func (l *Life) restore(ctx context.Context, id tenant.ID, a *archive.Archive) error {
	if _, err := l.served(ctx, id); err != nil {
		return err
	}
	if err := l.has(ctx, id, a.Keys); err != nil {
		return err
	}
	home, err := l.home(ctx, id)
	if err != nil {
		return err
	}
	kept, err := home.Kept(ctx, id)
	if err == nil && kept {
		err = ErrUnconfirmed.With(id.String())
	}
	if err != nil {
		return err
	}
	taken, err := l.Province.Taken(ctx, id.String())
	if err != nil {
		return err
	}
	next, err := home.Next(ctx, id)
	if err != nil {
		return err
	}
	err = a.Load(ctx, next, archive.Loading{Before: func(ctx context.Context, tx *sql.Conn) error { return settle(ctx, tx, taken, true) }})
	if err := errors.Join(err, next.Close()); err != nil {
		return errors.Join(err, home.Clear(context.WithoutCancel(ctx), id))
	}
	if err := l.missing(ctx, id, a); err != nil {
		return errors.Join(err, home.Clear(context.WithoutCancel(ctx), id))
	}
	if err := home.Switch(ctx, id); err != nil {
		return fmt.Errorf("restore %s: %w", id, err)
	}
	return l.switched(context.WithoutCancel(ctx), id, taken, true)
}

// switched lets servers open the city anew and settles what the province took
// while the new content was made.
func (l *Life) switched(ctx context.Context, id tenant.ID, before Taken, handed bool) error {
	err := l.Registry.Change(ctx, id.String(), func(c *platform.City) error {
		c.Generation++
		return nil
	})
	if err != nil {
		return err
	}
	now, err := l.Province.Taken(ctx, id.String())
	if err != nil || now.Batch == before.Batch && now.Revision == before.Revision {
		return err
	}
	db, err := l.open(ctx, id)
	if err != nil {
		return err
	}
	return errors.Join(settled(ctx, db, now, handed), db.Close())
}

// settled is settle in a transaction of its own.
func settled(ctx context.Context, db *gormx.DB, taken Taken, handed bool) (err error) {
	pool, err := db.SQL()
	if err != nil {
		return err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	begin := "BEGIN IMMEDIATE"
	if db.Engine == gormx.Postgres {
		begin = "BEGIN"
	}
	if _, err := conn.ExecContext(ctx, begin); err != nil {
		return err
	}
	if err := settle(ctx, conn, taken, handed); err != nil {
		_, back := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return errors.Join(err, back)
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

// settle makes a city's database go on from what the province has taken.
//
// Batches up to the last one taken are not made again. handed says that this
// database, at a later time, made them: then what is in no batch yet was in the
// next one, since sealing leaves nothing out. Every day gets a fresh revision,
// also those that the province has and this database does not, which are empty.
func settle(ctx context.Context, tx *sql.Conn, taken Taken, handed bool) error {
	var last, revision, sealedAt int64
	if err := tx.QueryRowContext(ctx, "SELECT last FROM usage_seal WHERE id = 1").Scan(&last); err != nil {
		return fmt.Errorf("settle usage: %w", err)
	}
	if err := tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(sealed_at), 0) FROM usage_batches").Scan(&sealedAt); err != nil {
		return fmt.Errorf("settle usage: %w", err)
	}
	exec := func(query string, args ...any) error {
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return fmt.Errorf("settle: %w", err)
		}
		return nil
	}
	for batch := last + 1; batch <= taken.Batch; batch++ {
		if err := exec("INSERT INTO usage_batches (id, sealed_at) VALUES ($1, $2)", batch, sealedAt); err != nil {
			return err
		}
	}
	if taken.Batch > last {
		if handed {
			if err := exec("UPDATE usage_entries SET batch = $1 WHERE batch IS NULL", last+1); err != nil {
				return err
			}
		}
		if err := exec("UPDATE usage_seal SET last = $1 WHERE id = 1", taken.Batch); err != nil {
			return err
		}
	}
	if taken.Revision == 0 {
		return nil
	}
	if err := exec("UPDATE indicator_days SET revision = revision + $1", taken.Revision); err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, "SELECT revision FROM readers WHERE name = 'evaluation'").Scan(&revision); err != nil {
		return fmt.Errorf("settle figures: %w", err)
	}
	revision += taken.Revision
	for _, day := range taken.Days {
		var there bool
		if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM indicator_days WHERE day = $1 AND dimension = 'city')", day).Scan(&there); err != nil {
			return fmt.Errorf("settle figures: %w", err)
		}
		if there {
			continue
		}
		revision++
		if err := exec("INSERT INTO indicator_days (day, dimension, member, counts, revision) VALUES ($1, 'city', '', '{}', $2)", day, revision); err != nil {
			return err
		}
	}
	return exec("UPDATE readers SET revision = $1 WHERE name = 'evaluation'", revision)
}

// has refuses a backup whose keys the city no longer has.
func (l *Life) has(ctx context.Context, id tenant.ID, keys []secrets.Key) error {
	own, err := l.Keeper.Describe(ctx, id.Scope())
	if err != nil {
		return err
	}
	for _, k := range keys {
		if !slices.ContainsFunc(own, func(o secrets.Key) bool { return o.ID == k.ID }) {
			return ErrKeysGone.With(k.ID)
		}
	}
	return nil
}

// missing puts back the files of an archive that the store no longer has.
func (l *Life) missing(ctx context.Context, id tenant.ID, a *archive.Archive) error {
	vault := l.Blobs.Vault(id.String(), nil)
	return a.EachFile(ctx, func(name string, _ int64, r io.Reader) error {
		there, _, err := vault.Sealed(ctx, name)
		if err == nil {
			return there.Close()
		}
		if !errors.Is(err, blob.ErrGone) {
			return err
		}
		return vault.Keep(ctx, name, r)
	})
}

// Confirm drops what a restore has kept.
func (l *Life) Confirm(ctx context.Context, id tenant.ID) error {
	return l.unconfirmed(ctx, id, func(ctx context.Context, home Database) error { return home.Clear(ctx, id) })
}

// Undo puts back what a restore has kept. What was done since the restore goes.
func (l *Life) Undo(ctx context.Context, id tenant.ID) error {
	return l.unconfirmed(ctx, id, func(ctx context.Context, home Database) error {
		if err := home.Back(ctx, id); err != nil {
			return err
		}
		return l.switched(context.WithoutCancel(ctx), id, Taken{Batch: -1}, false)
	})
}

func (l *Life) unconfirmed(ctx context.Context, id tenant.ID, do func(context.Context, Database) error) error {
	held, unlock, err := l.Ledger.Lock(ctx, id.String())
	if err != nil {
		return err
	}
	defer unlock()
	home, err := l.home(held, id)
	if err != nil {
		return err
	}
	kept, err := home.Kept(held, id)
	if err == nil && !kept {
		err = ErrNothingKept.With(id.String())
	}
	if err != nil {
		return err
	}
	return do(held, home)
}
