package archive

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strings"

	"wangge/internal/gormx"
)

// snapshot is one transaction in which a city's tables are read: what others
// write meanwhile is not seen.
type snapshot struct {
	engine gormx.Engine
	conn   *sql.Conn
}

// look runs fn on a snapshot of the city's database.
func look(ctx context.Context, db *gormx.DB, fn func(snapshot) error) (err error) {
	pool, err := db.Read.DB()
	if err != nil {
		return err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	defer conn.Close()
	begin := "BEGIN"
	if db.Engine == gormx.Postgres {
		begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; " + patient
	}
	if _, err := conn.ExecContext(ctx, begin); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") //nolint:errcheck // nothing was written
	return fn(snapshot{db.Engine, conn})
}

// patient lets a city's login read or fill a large table; its role's limits are
// for requests.
const patient = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"

// names lists the tables there are.
func (s snapshot) names(ctx context.Context) ([]string, error) {
	query := map[gormx.Engine]string{
		gormx.SQLite: `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'`,
		gormx.Postgres: `SELECT table_name FROM information_schema.tables
			WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'`,
	}[s.engine]
	var names []string
	return names, s.each(ctx, query, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		names = append(names, name)
		return err
	})
}

// each calls fn for every row of a query.
func (s snapshot) each(ctx context.Context, query string, fn func(*sql.Rows) error, args ...any) error {
	rows, err := s.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// tables lists the tables that travel, without rows, as the database has them.
func (s snapshot) tables(ctx context.Context) (list []Table, err error) {
	there, err := s.names(ctx)
	if err != nil {
		return nil, fmt.Errorf("tables: %w", err)
	}
	for _, name := range there {
		if !classified(name) {
			return nil, ErrUnclassified.With(name)
		}
	}
	for _, t := range travels {
		if !slices.Contains(there, t.name) {
			continue // of a later level
		}
		columns, types, err := s.columns(ctx, t.name)
		if err != nil {
			return nil, err
		}
		list = append(list, Table{Name: t.name, Key: t.key, Columns: columns, Types: namesOf(types)})
	}
	return list, nil
}

// columns lists the columns of a table in their order and their kinds.
func (s snapshot) columns(ctx context.Context, table string) (names []string, types []kind, err error) {
	query := map[gormx.Engine]string{
		gormx.SQLite: "SELECT name, type FROM pragma_table_info($1) ORDER BY cid",
		gormx.Postgres: `SELECT column_name, data_type FROM information_schema.columns
			WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position`,
	}[s.engine]
	err = s.each(ctx, query, func(rows *sql.Rows) error {
		var name, declared string
		if err := rows.Scan(&name, &declared); err != nil {
			return err
		}
		k, ok := kinds[strings.ToUpper(declared)]
		if !ok {
			return fmt.Errorf("column %s is of type %s", name, declared)
		}
		names, types = append(names, name), append(types, k)
		return nil
	}, table)
	if err != nil {
		return nil, nil, fmt.Errorf("columns of %s: %w", table, err)
	}
	return names, types, nil
}

// read calls fn with each row of a table as a line, in the order of its key,
// and returns the table with rows and hash. The line is good until fn returns.
func (s snapshot) read(ctx context.Context, t Table, fn func(line []byte) error) (Table, error) {
	types, ok := named(t.Types)
	if !ok {
		return t, fmt.Errorf("read table %s: types %v", t.Name, t.Types)
	}
	cells := make([]cell, len(types))
	into := make([]any, len(types))
	for i, k := range types {
		cells[i].kind = k
		into[i] = cells[i].into()
	}
	sum, line := sha256.New(), []byte(nil)
	t.Rows = 0
	err := s.each(ctx, s.selection(t, types), func(rows *sql.Rows) (err error) {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		t.Rows++
		if line, err = written(line[:0], cells); err != nil {
			return fmt.Errorf("row %d: %w", t.Rows, err)
		}
		sum.Write(line)
		return fn(line)
	})
	if err != nil {
		return t, fmt.Errorf("read table %s: %w", t.Name, err)
	}
	t.SHA256 = hexSum(sum)
	return t, nil
}

func written(line []byte, cells []cell) (_ []byte, err error) {
	line = append(line, '[')
	for i := range cells {
		if i > 0 {
			line = append(line, ',')
		}
		if line, err = cells[i].write(line); err != nil {
			return nil, err
		}
	}
	return append(line, "]\n"...), nil
}

// selection is the query for a table; texts are ordered by their bytes on both
// engines.
func (s snapshot) selection(t Table, types []kind) string {
	columns, order := make([]string, len(t.Columns)), make([]string, len(t.Key))
	for i, c := range t.Columns {
		columns[i] = quote(c)
		if instead, ok := computed[t.Name][c]; ok {
			columns[i] = instead
		}
	}
	for i, c := range t.Key {
		order[i] = t.Name + "." + quote(c)
		if s.engine == gormx.Postgres && types[slices.Index(t.Columns, c)] == text {
			order[i] += ` COLLATE "C"`
		}
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM " + t.Name + " ORDER BY " + strings.Join(order, ", ")
}

// quote makes a column's name safe beside words of SQL; it comes from a migration.
func quote(column string) string { return `"` + column + `"` }

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// journal is the head of the journal.
func (s snapshot) journal(ctx context.Context) (j Journal, err error) {
	err = s.conn.QueryRowContext(ctx, "SELECT COUNT(*), COALESCE(MAX(id), 0), COALESCE(MAX(at), 0) FROM steps").Scan(&j.Steps, &j.Last, &j.LastAt)
	if err != nil {
		return Journal{}, fmt.Errorf("head of the journal: %w", err)
	}
	return j, nil
}
