package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"wangge/internal/gormx"
	"wangge/migrations"
)

// table is a table of a city with all its rows.
type table struct {
	name    string
	columns []string
	rows    [][]any
}

var (
	creates = regexp.MustCompile(`CREATE TABLE (\w+)`)
	fills   = regexp.MustCompile(`INSERT INTO (\w+)`)
)

// tables reads what is in a city, in an order that its keys allow, but for the
// one-row tables that the schema itself fills.
func tables(ctx context.Context, city *gormx.DB, ddl string) (list []table, err error) {
	db, err := city.SQL()
	if err != nil {
		return nil, err
	}
	filled := fills.FindAllString(ddl, -1)
	for _, match := range creates.FindAllStringSubmatch(ddl, -1) {
		if slices.Contains(filled, "INSERT INTO "+match[1]) {
			continue
		}
		t, err := read(ctx, db, match[1])
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", match[1], err)
		}
		list = append(list, t)
	}
	return list, nil
}

func read(ctx context.Context, db *sql.DB, name string) (t table, err error) {
	rows, err := db.QueryContext(ctx, "SELECT * FROM "+name) //nolint:gosec // a name of our own schema
	if err != nil {
		return t, err
	}
	defer rows.Close()
	t.name = name
	if t.columns, err = rows.Columns(); err != nil {
		return t, err
	}
	for rows.Next() {
		row, into := make([]any, len(t.columns)), make([]any, len(t.columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return t, err
		}
		t.rows = append(t.rows, row)
	}
	return t, rows.Err()
}

// twin is a database with the tables and rows of a city, made by the rawest means.
type twin struct {
	path   string // SQLite
	schema string // PostgreSQL
	took   time.Duration
}

// twin makes one: the whole schema as one batch and the rows in bulk, in one
// transaction that is durable when it ends.
func (w *world) twin(ctx context.Context, city *gormx.DB) (t twin, err error) {
	ddl, err := migrations.SQL(migrations.City, city.Engine)
	if err != nil {
		return t, err
	}
	list, err := tables(ctx, city, ddl)
	if err != nil {
		return t, err
	}
	w.twins++
	if city.Engine == gormx.SQLite {
		t.path = filepath.Join(w.dir, fmt.Sprintf("twin%d.db", w.twins))
		t.took, err = insertSQLite(ctx, t.path, ddl, list)
		return t, err
	}
	t.schema = fmt.Sprintf("twin%d", w.twins)
	t.took, err = insertPostgres(ctx, w.admin, "CREATE SCHEMA "+t.schema+"; SET LOCAL search_path = "+t.schema+";\n"+ddl, list)
	return t, err
}

// open opens the twin as the server opens a city, but with as many connections
// on PostgreSQL as there are workers.
func (t twin) open(w *world, workers int) (*gormx.DB, error) {
	if t.path != "" {
		return gormx.OpenSQLite(t.path, gormx.Normal)
	}
	return gormx.OpenPostgres(w.admin+"&search_path="+t.schema, gormx.Pool{Max: workers, Idle: time.Minute})
}

func insertPostgres(ctx context.Context, dsn, ddl string, list []table) (took time.Duration, err error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	began := time.Now()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, ddl); err != nil {
			return err
		}
		for _, t := range list {
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
				return fmt.Errorf("fill %s: %w", t.name, err)
			}
		}
		return nil
	})
	return time.Since(began), err
}

func insertSQLite(ctx context.Context, path, ddl string, list []table) (took time.Duration, err error) {
	began := time.Now()
	file, err := gormx.OpenSQLite(path, gormx.Full)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	db, err := file.SQL()
	if err != nil {
		return 0, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() //nolint:errcheck // nothing is left to roll back after a commit
	if _, err := tx.ExecContext(ctx, ddl); err != nil {
		return 0, err
	}
	for _, t := range list {
		for rows := range slices.Chunk(t.rows, 200) {
			if err := insert(ctx, tx, t, rows); err != nil {
				return 0, fmt.Errorf("fill %s: %w", t.name, err)
			}
		}
	}
	err = tx.Commit()
	return time.Since(began), err
}

// insert writes rows by one statement.
func insert(ctx context.Context, tx *sql.Tx, t table, rows [][]any) error {
	one := "(?" + strings.Repeat(",?", len(t.columns)-1) + ")"
	statement := "INSERT INTO " + t.name + " (" + strings.Join(t.columns, ",") + ") VALUES " + one + strings.Repeat(","+one, len(rows)-1) //nolint:gosec // names of our own schema
	_, err := tx.ExecContext(ctx, statement, slices.Concat(rows...)...)
	return err
}
