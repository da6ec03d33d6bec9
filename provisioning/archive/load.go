package archive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"

	"wangge/internal/gormx"
	"wangge/migrations"
	"wangge/tenant/tenantdb"
)

// Loading says what a load does beside filling the tables.
type Loading struct {
	// Mask changes a row, or leaves it out when it returns false; nil copies all.
	// What was masked can't be compared with the archive.
	Mask func(t Table, values []any) (keep bool, err error)
	// Before runs in the transaction after all was found equal, as the last.
	Before func(ctx context.Context, tx *sql.Conn) error
}

// Load fills an empty city database, in one transaction: all of the archive is
// in it afterwards, read back and found equal, or nothing. The tables are made
// at the archive's level first and brought to the newest one afterwards.
func (a *Archive) Load(ctx context.Context, db *gormx.DB, l Loading) error {
	if err := migrations.UpTo(ctx, db, migrations.City, a.Level); err != nil {
		return err
	}
	pool, err := db.SQL()
	if err != nil {
		return err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	err = a.fill(ctx, snapshot{db.Engine, conn}, l)
	if err = errors.Join(err, conn.Close()); err != nil {
		return fmt.Errorf("load %s: %w", a.City.Code, err)
	}
	if _, err := migrations.Up(ctx, db, migrations.City); err != nil {
		return err
	}
	return analyze(ctx, db.Engine, pool)
}

// analyze tells the engine what the tables hold, as it plans by that.
func analyze(ctx context.Context, engine gormx.Engine, pool *sql.DB) error {
	statement := "ANALYZE"
	if engine == gormx.Postgres {
		statement = "BEGIN; " + patient + "; ANALYZE; COMMIT"
	}
	if _, err := pool.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("analyze: %w", err)
	}
	return nil
}

func (a *Archive) fill(ctx context.Context, s snapshot, l Loading) (err error) {
	begin := "BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = 1"
	if s.engine == gormx.Postgres {
		begin = "BEGIN; " + patient
	}
	if _, err := s.conn.ExecContext(ctx, begin); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, back := s.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
			err = errors.Join(err, back)
		}
	}()
	if err := a.prepare(ctx, s); err != nil {
		return err
	}
	if err := a.rows(ctx, s, l.Mask); err != nil {
		return err
	}
	if err := s.sequences(ctx); err != nil {
		return err
	}
	if err := tenantdb.Reindex(ctx, s.engine, s.conn); err != nil {
		return err
	}
	if l.Mask == nil {
		if err := a.prove(ctx, s); err != nil {
			return err
		}
	}
	if l.Before != nil {
		if err := l.Before(ctx, s.conn); err != nil {
			return err
		}
	}
	_, err = s.conn.ExecContext(ctx, "COMMIT")
	return err
}

// prepare makes sure that the tables are those of the archive and empty them of
// what their migrations put in.
func (a *Archive) prepare(ctx context.Context, s snapshot) error {
	there, err := s.tables(ctx)
	if err != nil {
		return err
	}
	same := func(x, y Table) bool {
		return x.Name == y.Name && slices.Equal(x.Key, y.Key) && slices.Equal(x.Columns, y.Columns) && slices.Equal(x.Types, y.Types)
	}
	if !slices.EqualFunc(there, a.Tables, same) {
		return damaged(manifestName, 0, "数据表与其级别不符", "its tables are not those of its level")
	}
	for _, t := range slices.Backward(there) {
		var filled bool
		if err := s.conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+t.Name+")").Scan(&filled); err != nil {
			return err
		}
		switch {
		case !filled:
		case !seeded[t.Name]:
			return ErrNotEmpty.With(t.Name)
		default:
			if _, err := s.conn.ExecContext(ctx, "DELETE FROM "+t.Name); err != nil { //nolint:gosec // a table that the migrations name
				return err
			}
		}
	}
	return nil
}

// seeded are the tables that have rows from their migrations.
var seeded = map[string]bool{
	"policy_version": true, "posts": true, "org_day": true, "org_version": true, "grid_version": true, "catalogue_state": true,
	"usage_seal": true, "readers": true, "part_register": true, "evidence_head": true,
}

// rows fills the tables.
func (a *Archive) rows(ctx context.Context, s snapshot, mask func(Table, []any) (bool, error)) error {
	var into sink
	var now Table
	end := func() error {
		if into == nil {
			return nil
		}
		err := into.end(ctx)
		if into = nil; err != nil {
			return fmt.Errorf("table %s: %w", now.Name, err)
		}
		return nil
	}
	err := a.walk(ctx, visitor{
		table: func(t Table) (err error) {
			if err := end(); err != nil {
				return err
			}
			now = t
			into, err = s.sink(ctx, t)
			return err
		},
		row: func(values []any) error {
			if mask != nil {
				if keep, err := mask(now, values); err != nil || !keep {
					return err
				}
			}
			return into.add(ctx, values)
		},
		file: func(string, int64, io.Reader) error { return end() },
	})
	if err == nil {
		return end()
	}
	if into != nil {
		into.cancel()
	}
	return err
}

// sink takes the rows of one table.
type sink interface {
	add(ctx context.Context, values []any) error
	end(ctx context.Context) error
	cancel() // instead of end
}

func (s snapshot) sink(ctx context.Context, t Table) (sink, error) {
	if s.engine == gormx.Postgres {
		return newCopying(ctx, s.conn, t), nil
	}
	return newInserting(ctx, s.conn, t)
}

// inserting writes rows on SQLite, many with one statement.
type inserting struct {
	conn *sql.Conn
	t    Table
	many *sql.Stmt
	args []any
}

// values bounds the values of one statement on SQLite.
const maxValues = 4000

func newInserting(ctx context.Context, conn *sql.Conn, t Table) (*inserting, error) {
	in := &inserting{conn: conn, t: t}
	var err error
	in.many, err = conn.PrepareContext(ctx, in.statement(in.rows()))
	return in, err
}

func (in *inserting) rows() int { return max(1, maxValues/len(in.t.Columns)) }

func (in *inserting) statement(rows int) string {
	quoted := make([]string, len(in.t.Columns))
	for i, c := range in.t.Columns {
		quoted[i] = quote(c)
	}
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", len(quoted)), ",") + ")"
	return "INSERT INTO " + in.t.Name + " (" + strings.Join(quoted, ", ") + ") VALUES " + strings.TrimSuffix(strings.Repeat(row+",", rows), ",")
}

func (in *inserting) add(ctx context.Context, values []any) error {
	in.args = append(in.args, values...)
	if len(in.args) < in.rows()*len(values) {
		return nil
	}
	_, err := in.many.ExecContext(ctx, in.args...)
	in.args = in.args[:0]
	return err
}

func (in *inserting) end(ctx context.Context) error {
	defer in.cancel()
	if rest := len(in.args) / len(in.t.Columns); rest > 0 {
		_, err := in.conn.ExecContext(ctx, in.statement(rest), in.args...)
		return err
	}
	return nil
}

func (in *inserting) cancel() { _ = in.many.Close() }

// copying writes rows on PostgreSQL, all of a table with one COPY, so that rows
// may refer to later ones of their own table.
type copying struct {
	rows chan []any
	stop chan struct{} // closed when the table is over too soon
	done chan error
	t    Table
}

var errStopped = errors.New("the table ended too soon")

func newCopying(ctx context.Context, conn *sql.Conn, t Table) *copying {
	c := &copying{rows: make(chan []any, 64), stop: make(chan struct{}), done: make(chan error, 1), t: t}
	go func() {
		c.done <- conn.Raw(func(driver any) error {
			pg, ok := driver.(*stdlib.Conn)
			if !ok {
				return fmt.Errorf("the connection is a %T", driver)
			}
			_, err := pg.Conn().CopyFrom(ctx, []string{t.Name}, t.Columns, &feed{copying: c})
			return err
		})
		close(c.done)
	}()
	return c
}

// feed gives the rows to the COPY.
type feed struct {
	*copying
	row []any
	err error
}

func (f *feed) Next() bool {
	var more bool
	select {
	case f.row, more = <-f.rows:
	case <-f.stop:
		f.err = errStopped
	}
	return more
}

func (f *feed) Values() ([]any, error) { return f.row, nil }
func (f *feed) Err() error             { return f.err }

func (c *copying) add(_ context.Context, values []any) error {
	select {
	case c.rows <- slices.Clone(values):
		return nil
	case err := <-c.done:
		if err == nil {
			err = errStopped
		}
		return err
	}
}

func (c *copying) end(context.Context) error {
	close(c.rows)
	return <-c.done
}

func (c *copying) cancel() {
	close(c.stop)
	<-c.done //nolint:errcheck // the error is that it was stopped
}

// sequences lets the next row of a table have the next ID.
func (s snapshot) sequences(ctx context.Context) error {
	if s.engine == gormx.SQLite {
		return nil // which follows the IDs that were written
	}
	var names []string
	err := s.each(ctx, `SELECT table_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND column_name = 'id' AND is_identity = 'YES'`, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	})
	for _, name := range names {
		if err != nil {
			break
		}
		_, err = s.conn.ExecContext(ctx, "SELECT setval(pg_get_serial_sequence('"+name+"', 'id'), max(id)) FROM "+name+" HAVING max(id) IS NOT NULL") //nolint:gosec // a table that the catalogue names
	}
	if err != nil {
		return fmt.Errorf("sequences: %w", err)
	}
	return nil
}

// prove reads back what was written and compares it with the archive.
func (a *Archive) prove(ctx context.Context, s snapshot) error {
	for _, want := range a.Tables {
		got, err := s.read(ctx, want, func([]byte) error { return nil })
		if err != nil {
			return err
		}
		if got.Rows != want.Rows || got.SHA256 != want.SHA256 {
			return ErrUnequal.With(want.Name)
		}
	}
	return nil
}

// EachFile calls fn with every file, sealed as it lay where the archive was made.
func (a *Archive) EachFile(ctx context.Context, fn func(name string, size int64, r io.Reader) error) error {
	return a.walk(ctx, visitor{file: fn})
}
