package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"wangge/internal/gormx"
	"wangge/tenant"
)

// The databases beside a city's: one that is to take its place, and one whose
// place was taken.
func (f Files) next(id tenant.ID) string { return f.Path(id) + ".next" }
func (f Files) old(id tenant.ID) string  { return f.Path(id) + ".old" }

// Next opens an empty file beside the city's.
func (f Files) Next(_ context.Context, id tenant.ID) (*gormx.DB, error) {
	if err := remove(f.next(id)); err != nil {
		return nil, err
	}
	return gormx.OpenSQLite(f.next(id), gormx.Full)
}

// Switch keeps a copy of the city's file and writes the next one over it in one
// transaction: whoever has the file open sees the new content from then on.
func (f Files) Switch(ctx context.Context, id tenant.ID) error {
	if err := f.copyAside(ctx, id); err != nil {
		return errors.Join(err, remove(f.old(id)))
	}
	if err := f.over(ctx, id, f.next(id)); err != nil {
		return errors.Join(err, remove(f.old(id)))
	}
	return remove(f.next(id))
}

// Back writes the old file over the city's.
func (f Files) Back(ctx context.Context, id tenant.ID) error {
	if err := f.over(ctx, id, f.old(id)); err != nil {
		return err
	}
	return remove(f.old(id))
}

func (f Files) copyAside(ctx context.Context, id tenant.ID) error {
	file, err := os.OpenFile(f.old(id), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) // SQLite would make it as wide as the umask allows
	if err != nil {
		return fmt.Errorf("copy the database of %s: %w", id, err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("copy the database of %s: %w", id, err)
	}
	return f.on(ctx, id, func(conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, "VACUUM INTO ?", f.old(id))
		return err
	})
}

// on runs fn on a connection to the city's file.
func (f Files) on(ctx context.Context, id tenant.ID, fn func(*sql.Conn) error) error {
	db, err := gormx.OpenSQLite(f.Path(id), gormx.Full)
	if err != nil {
		return err
	}
	pool, err := db.SQL()
	if err != nil {
		return errors.Join(err, db.Close())
	}
	conn, err := pool.Conn(ctx)
	if err == nil {
		err = errors.Join(fn(conn), conn.Close())
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("database of %s: %w", id, err)
	}
	return nil
}

// patience is how long writers of the city may keep a switch waiting.
const patience = 30 * time.Second

// over writes the file at from over the city's, in one transaction.
func (f Files) over(ctx context.Context, id tenant.ID, from string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return f.on(ctx, id, func(conn *sql.Conn) error {
		return conn.Raw(func(driver any) error {
			own, ok := driver.(interface {
				NewRestore(from string) (*sqlite.Backup, error)
			})
			if !ok {
				return fmt.Errorf("the connection is a %T", driver)
			}
			for {
				err := pages(own.NewRestore(from))
				if !busy(err) {
					return err
				}
				select {
				case <-ctx.Done():
					return errors.Join(err, ctx.Err())
				case <-time.After(10 * time.Millisecond):
				}
			}
		})
	})
}

// pages copies all pages.
func pages(b *sqlite.Backup, err error) error {
	if err != nil {
		return err
	}
	_, err = b.Step(-1)
	return errors.Join(err, b.Finish())
}

func busy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_BUSY || e.Code()&0xff == sqlite3.SQLITE_LOCKED)
}

// Kept says whether there is an old file.
func (f Files) Kept(_ context.Context, id tenant.ID) (bool, error) {
	_, err := os.Stat(f.old(id))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Clear removes the files beside the city's.
func (f Files) Clear(_ context.Context, id tenant.ID) error {
	return errors.Join(remove(f.next(id)), remove(f.old(id)))
}

// remove removes a database with the files that SQLite keeps beside it.
func remove(path string) error {
	for _, suffix := range []string{"-wal", "-shm", "-journal", ""} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
