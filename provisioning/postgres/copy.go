package postgres

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"wangge/provisioning/archive"
	"wangge/tenant"
)

// moving copies one city.
type moving struct {
	id              tenant.ID
	from, to, proof *pgx.Conn
	tables          []relation
	horizon         string // the oldest transaction whose rows may not be there yet
	frozen          pgx.Tx // of from, from freeze on
}

// relation is a table of the city.
type relation struct {
	Name      string
	Columns   []string
	Key       []string // primary key
	Writable  []string // columns that the city's role may change
	Refers    []string // to these tables
	Deletable bool
}

// tablesOf lists the tables of a connection's schema but the one of its level,
// none before one that it refers to.
func tablesOf(ctx context.Context, conn *pgx.Conn) ([]relation, error) {
	rows, err := conn.Query(ctx, `SELECT c.relname::text AS name,
		ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum) AS columns,
		ARRAY(SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
			WHERE i.indrelid = c.oid AND i.indisprimary ORDER BY a.attnum) AS key,
		ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
			AND has_column_privilege(c.oid, attnum, 'UPDATE') ORDER BY attnum) AS writable,
		ARRAY(SELECT f.relname::text FROM pg_constraint x JOIN pg_class f ON f.oid = x.confrelid
			WHERE x.conrelid = c.oid AND x.contype = 'f' AND x.confrelid <> c.oid) AS refers,
		has_table_privilege(c.oid, 'DELETE') AS deletable
		FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname <> 'goose_db_version' ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("tables: %w", err)
	}
	there, err := pgx.CollectRows(rows, pgx.RowToStructByNameLax[relation])
	if err != nil {
		return nil, fmt.Errorf("tables: %w", err)
	}
	var sorted []relation
	done := map[string]bool{}
	for len(sorted) < len(there) {
		before := len(sorted)
		for _, t := range there {
			if !done[t.Name] && !slices.ContainsFunc(t.Refers, func(name string) bool { return !done[name] }) {
				sorted, done[t.Name] = append(sorted, t), true
			}
		}
		if len(sorted) == before {
			return nil, fmt.Errorf("tables: %d of %d refer to each other in a ring", len(there)-before, len(there))
		}
	}
	for _, t := range sorted {
		if len(t.Key) == 0 {
			return nil, fmt.Errorf("table %s has no primary key", t.Name)
		}
	}
	return sorted, nil
}

// selection reads a table as it is to be on the other server.
func (t relation) selection(where string) string {
	return "SELECT " + list(t.Columns, func(c string) string {
		if instead, ok := archive.Elsewhere(t.Name, c); ok {
			return "(" + instead + ")::bigint AS " + quoted(c)
		}
		return quoted(c)
	}) + " FROM " + t.Name + where
}

func (t relation) plain(where string) string {
	return "SELECT " + list(t.Columns, quoted) + " FROM " + t.Name + where
}

// since chooses the rows that were written by a transaction from the horizon on.
// What depends on other tables is chosen always.
func (t relation) since(horizon string) string {
	for _, c := range t.Columns {
		if instead, ok := archive.Elsewhere(t.Name, c); ok && strings.Contains(instead, "SELECT") {
			return ""
		}
	}
	return " WHERE age(xmin) <= age(((" + horizon + " % 4294967296)::text)::xid)"
}

// all copies every table in one snapshot, and compares.
func (c *moving) all(ctx context.Context) (rows int64, err error) {
	err = c.snapshot(ctx, func() error {
		return pgx.BeginFunc(ctx, c.to, func(tx pgx.Tx) error {
			for _, t := range slices.Backward(c.tables) {
				if !t.Deletable {
					continue // nothing of a new one is in it
				}
				if _, err := tx.Exec(ctx, "DELETE FROM "+t.Name); err != nil {
					return fmt.Errorf("empty %s: %w", t.Name, err)
				}
			}
			for _, t := range c.tables {
				n, err := c.pipe(ctx, t.selection(""), t.Name, t.Columns)
				if err != nil {
					return err
				}
				rows += n
			}
			for _, t := range c.tables {
				if err := equal(ctx, t, c.from, t.selection(""), c.to, t.plain("")); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return rows, err
}

// round copies again what was written since the last snapshot.
func (c *moving) round(ctx context.Context) (late int64, err error) {
	since := c.horizon
	err = c.snapshot(ctx, func() (err error) {
		late, err = c.delta(ctx, since)
		return err
	})
	return late, err
}

// snapshot runs fn while from reads one snapshot, which is the horizon of the next.
func (c *moving) snapshot(ctx context.Context, fn func() error) error {
	var horizon string
	err := pgx.BeginTxFunc(ctx, c.from, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "SELECT pg_snapshot_xmin(pg_current_snapshot())::text").Scan(&horizon); err != nil {
			return err
		}
		return fn()
	})
	c.horizon = horizon
	return err
}

// delta brings the copy up to what from reads now: what is new or changed, and
// what is gone.
func (c *moving) delta(ctx context.Context, since string) (late int64, err error) {
	err = pgx.BeginFunc(ctx, c.to, func(tx pgx.Tx) error {
		for _, t := range c.tables {
			n, err := c.upsert(ctx, tx, t, since)
			if err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
			late += n
		}
		for _, t := range slices.Backward(c.tables) {
			if err := c.prune(ctx, tx, t); err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
		}
		return nil
	})
	return late, err
}

// upsert copies the rows of a table that are new or changed and makes sure that
// they are in the copy as they were read.
func (c *moving) upsert(ctx context.Context, tx pgx.Tx, t relation, since string) (int64, error) {
	if _, err := tx.Exec(ctx, "CREATE TABLE moving_rows (LIKE "+t.Name+")"); err != nil {
		return 0, err
	}
	n, err := c.pipe(ctx, t.selection(t.since(since)), "moving_rows", t.Columns)
	if err != nil {
		return 0, err
	}
	if n > 0 {
		onto := "NOTHING"
		if len(t.Writable) > 0 {
			onto = "UPDATE SET " + list(t.Writable, func(c string) string { return quoted(c) + " = excluded." + quoted(c) })
		}
		if _, err := tx.Exec(ctx, "INSERT INTO "+t.Name+" ("+list(t.Columns, quoted)+") OVERRIDING SYSTEM VALUE "+
			"SELECT "+list(t.Columns, quoted)+" FROM moving_rows ON CONFLICT ("+list(t.Key, quoted)+") DO "+onto); err != nil {
			return 0, err
		}
		var same int64
		err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM moving_rows m JOIN "+t.Name+" t USING ("+list(t.Key, quoted)+") WHERE "+
			"ROW("+list(t.Columns, func(c string) string { return "m." + quoted(c) })+")::text = ROW("+
			list(t.Columns, func(c string) string { return "t." + quoted(c) })+")::text").Scan(&same)
		if err != nil {
			return 0, err
		}
		if same != n {
			return 0, ErrUnequalCopy.With(t.Name, fmt.Sprintf("%d/%d", same, n))
		}
	}
	_, err = tx.Exec(ctx, "DROP TABLE moving_rows")
	return n, err
}

// prune removes the rows of a table that are gone, when there are such.
func (c *moving) prune(ctx context.Context, tx pgx.Tx, t relation) error {
	here, there, err := c.counts(ctx, t)
	if err != nil || here == there {
		return err
	}
	if there < here || !t.Deletable {
		return ErrUnequalCopy.With(t.Name, fmt.Sprintf("%d/%d", there, here))
	}
	keys := list(t.Key, quoted)
	if _, err := tx.Exec(ctx, "CREATE TABLE moving_rows AS SELECT "+keys+" FROM "+t.Name+" WITH NO DATA"); err != nil {
		return err
	}
	if _, err := c.pipe(ctx, "SELECT "+keys+" FROM "+t.Name, "moving_rows", t.Key); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "DELETE FROM "+t.Name+" WHERE ("+keys+") NOT IN (SELECT "+keys+" FROM moving_rows)"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "DROP TABLE moving_rows"); err != nil {
		return err
	}
	if here, there, err = c.counts(ctx, t); err == nil && here != there {
		err = ErrUnequalCopy.With(t.Name, fmt.Sprintf("%d/%d", there, here))
	}
	return err
}

// counts are the rows of a table on either server.
func (c *moving) counts(ctx context.Context, t relation) (here, there int64, err error) {
	if err := c.from.QueryRow(ctx, "SELECT COUNT(*) FROM "+t.Name).Scan(&here); err != nil {
		return 0, 0, err
	}
	return here, there, c.to.QueryRow(ctx, "SELECT COUNT(*) FROM "+t.Name).Scan(&there)
}

// How freeze waits for those who write: never so long that somebody is taken for
// being in a deadlock with it, and not for ever.
const (
	freezeWait  = "500ms"
	freezeTries = 40
)

// freeze stops writes: those that come wait, and are refused once the switch is
// made. It returns when they began to.
func (c *moving) freeze(ctx context.Context) (began time.Time, err error) {
	for range freezeTries {
		began = time.Now()
		if err = c.stop(ctx); code(err) != "55P03" && code(err) != "40P01" {
			return began, err
		}
		select {
		case <-ctx.Done():
			return began, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return began, ErrBusy.With(c.id.String())
}

func (c *moving) stop(ctx context.Context) error {
	tx, err := c.from.Begin(ctx)
	if err != nil {
		return err
	}
	statements := []string{
		"SET LOCAL lock_timeout = '" + freezeWait + "'",
		`CREATE FUNCTION moved() RETURNS trigger LANGUAGE plpgsql AS
			'BEGIN RAISE EXCEPTION ''the city has moved to another server'' USING ERRCODE = ''25006''; END'`,
	}
	for _, t := range c.tables {
		statements = append(statements, "CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON "+t.Name+" EXECUTE FUNCTION moved()")
	}
	statements = append(statements, "COMMENT ON SCHEMA "+c.id.Schema()+" IS '"+left+"'")
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			_ = tx.Rollback(context.WithoutCancel(ctx))
			return err
		}
	}
	c.frozen = tx
	return nil
}

// last copies what was written before the freeze, lets the next row of a table
// have the next ID there too, and makes the freeze last.
func (c *moving) last(ctx context.Context) (late int64, err error) {
	defer func() {
		if err != nil {
			_ = c.frozen.Rollback(context.WithoutCancel(ctx))
		}
	}()
	if late, err = c.delta(ctx, c.horizon); err != nil {
		return late, err
	}
	rows, err := c.from.Query(ctx, "SELECT sequencename::text, last_value FROM pg_sequences WHERE schemaname = current_schema() AND last_value IS NOT NULL")
	if err != nil {
		return late, fmt.Errorf("sequences: %w", err)
	}
	values := map[string]int64{}
	var name string
	var value int64
	if _, err := pgx.ForEachRow(rows, []any{&name, &value}, func() error { values[name] = value; return nil }); err != nil {
		return late, fmt.Errorf("sequences: %w", err)
	}
	for name, value := range values {
		if _, err := c.to.Exec(ctx, "SELECT setval($1::text::regclass, $2)", name, value); err != nil {
			return late, fmt.Errorf("sequence %s: %w", name, err)
		}
	}
	// What compare reads, before anybody else is there.
	if _, err := c.proof.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
		return late, err
	}
	if _, err := c.proof.Exec(ctx, "SELECT 1 FROM "+c.tables[0].Name+" LIMIT 1"); err != nil {
		return late, err
	}
	return late, c.frozen.Commit(ctx)
}

// compare compares what was left with what was there when the city was switched.
func (c *moving) compare(ctx context.Context) error {
	if _, err := c.to.Exec(ctx, "COMMENT ON SCHEMA "+c.id.Schema()+" IS NULL"); err != nil {
		return fmt.Errorf("the copy is no copy any more: %w", err)
	}
	for _, t := range c.tables {
		if err := equal(ctx, t, c.from, t.selection(""), c.proof, t.plain("")); err != nil {
			return err
		}
	}
	_, err := c.proof.Exec(ctx, "COMMIT")
	return err
}

// equal compares a table by the number of its rows and the sum of their hashes.
func equal(ctx context.Context, t relation, from *pgx.Conn, here string, to *pgx.Conn, there string) error {
	type sum struct {
		rows int64
		hash string
	}
	read := func(conn *pgx.Conn, query string) (s sum, err error) {
		err = conn.QueryRow(ctx, "SELECT COUNT(*), COALESCE(SUM(hashtextextended(q::text, 0)::numeric), 0)::text FROM ("+query+") q").Scan(&s.rows, &s.hash)
		return s, err
	}
	other := make(chan error, 1)
	var a, b sum
	go func() {
		var err error
		b, err = read(to, there)
		other <- err
	}()
	a, err := read(from, here)
	if otherErr := <-other; err == nil {
		err = otherErr
	}
	if err != nil {
		return fmt.Errorf("compare %s: %w", t.Name, err)
	}
	if a != b {
		return ErrUnequalCopy.With(t.Name, fmt.Sprintf("%d/%d", b.rows, a.rows))
	}
	return nil
}

// pipe copies what a query gives on one server into a table on the other.
func (c *moving) pipe(ctx context.Context, query, into string, columns []string) (int64, error) {
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := c.from.PgConn().CopyTo(ctx, w, "COPY ("+query+") TO STDOUT")
		done <- w.CloseWithError(err) // which the other side reads as its own
	}()
	tag, err := c.to.PgConn().CopyFrom(ctx, r, "COPY "+into+" ("+list(columns, quoted)+") FROM STDIN")
	_ = r.CloseWithError(err)
	<-done //nolint:errcheck // the COPY has it already
	if err != nil {
		return 0, fmt.Errorf("copy %s: %w", into, err)
	}
	return tag.RowsAffected(), nil
}

func (c *moving) close(ctx context.Context) {
	for _, conn := range []*pgx.Conn{c.from, c.to, c.proof} {
		if conn != nil {
			_ = conn.Close(ctx)
		}
	}
}
