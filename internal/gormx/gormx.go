// Package gormx opens the two engines the project stores in, with the settings
// that were measured to be right for them, and hides what differs between
// them: pools, instants, unique violations.
package gormx

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"modernc.org/sqlite" // the only SQLite driver; a second one of the same name panics at start-up
	sqlite3 "modernc.org/sqlite/lib"
)

// Engine is a kind of database.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// DB is one open database. On SQLite Write has a single connection and Read a
// small pool of query-only ones; on PostgreSQL both are the same pool.
type DB struct {
	Engine Engine
	Write  *gorm.DB
	Read   *gorm.DB
	close  []*sql.DB
}

// Durability says what a power cut may cost on SQLite.
type Durability string

// Normal may lose the last commits on a power cut, not on a crash of the
// process; Full loses none.
const (
	Normal Durability = "NORMAL"
	Full   Durability = "FULL"
)

// readers is the size of a SQLite file's reading pool.
const readers = 3

// OpenSQLite opens the file at path, making it for its owner only when missing.
func OpenSQLite(path string, durability Durability) (*DB, error) {
	dsn := func(extra ...string) string {
		q := url.Values{"_txlock": {"immediate"}, "_time_format": {"sqlite"}, "_pragma": {
			"busy_timeout(10000)", "journal_mode(WAL)", "foreign_keys(1)",
			"recursive_triggers(1)", // so that INSERT OR REPLACE can't get around a trigger that keeps rows
			"synchronous(" + string(durability) + ")", "temp_store(memory)",
		}}
		for _, pragma := range extra {
			q.Add("_pragma", pragma)
		}
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
	}
	if err := makePrivate(path); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	// The writer keeps the indexes it works in in memory, and moves what it wrote
	// from the log to the file after 16 MB instead of 4: that is where it waits.
	write, err := sql.Open("sqlite", dsn("cache_size(-8192)", "wal_autocheckpoint(4000)"))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	write.SetConnMaxIdleTime(2 * time.Minute)
	if err := write.Ping(); err != nil { //nolint:noctx // opening is bounded by the busy timeout
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), write.Close())
	}
	read, err := sql.Open("sqlite", dsn("query_only(1)", "cache_size(-4096)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), write.Close())
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	read.SetConnMaxIdleTime(2 * time.Minute)
	db := &DB{Engine: SQLite, close: []*sql.DB{read, write}}
	if db.Write, err = gorm.Open(&gormsqlite.Dialector{Conn: write}, config()); err == nil {
		db.Read, err = gorm.Open(&gormsqlite.Dialector{Conn: read}, config())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	return db, nil
}

// makePrivate makes a missing file for its owner only; SQLite would make it as
// wide as the umask allows. The -wal and -shm beside it follow its mode. One
// that exists is left alone: closing it would drop SQLite's locks on it.
func makePrivate(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the caller names the file to open
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// Pool bounds the connections of one PostgreSQL login.
type Pool struct {
	Max  int
	Idle time.Duration // a connection unused for this long is closed
}

// OpenPostgres opens a pool for the login that dsn names. Nothing is dialled
// until the first query.
func OpenPostgres(dsn string, pool Pool) (*DB, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the PostgreSQL connection string can't be read") // never print it: it holds a password
	}
	db, err := OpenConnector(stdlib.GetConnector(*cfg), pool)
	if err != nil {
		return nil, fmt.Errorf("open %s@%s: %w", cfg.User, cfg.Host, err)
	}
	return db, nil
}

// OpenConnector opens a pool of what a PostgreSQL connector connects to, under
// whatever login it has. Closing the pool closes the connector too if it can be.
func OpenConnector(connector driver.Connector, pool Pool) (*DB, error) {
	conn := sql.OpenDB(connector)
	conn.SetMaxOpenConns(pool.Max)
	conn.SetMaxIdleConns(pool.Max)
	conn.SetConnMaxIdleTime(pool.Idle)
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: conn}), config())
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &DB{Engine: Postgres, Write: g, Read: g, close: []*sql.DB{conn}}, nil
}

func config() *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true, // transactions are explicit
		QueryFields:            true, // a column that a migration adds must not change a prepared SELECT *
		DisableAutomaticPing:   true,
		Logger: logger.NewSlogLogger(slog.Default(), logger.Config{
			LogLevel: logger.Error, IgnoreRecordNotFoundError: true,
			ParameterizedQueries: true, // values may be personal data
		}),
	}
}

// InTx runs fn in one transaction: all of it happens or none.
func (d *DB) InTx(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return d.Write.WithContext(ctx).Transaction(fn)
}

// Durably is InTx for what another database will rely on: on SQLite, whatever
// its durability, this commit and all before it outlive a power cut. Inside a
// transaction it joins that.
func Durably(ctx context.Context, db *gorm.DB, fn func(tx *gorm.DB) error) error {
	if _, outside := db.Statement.ConnPool.(*sql.DB); !outside || db.Name() != string(SQLite) {
		return db.WithContext(ctx).Transaction(fn)
	}
	return db.WithContext(ctx).Connection(func(conn *gorm.DB) (err error) {
		conn = conn.Session(&gorm.Session{NewDB: true, Context: ctx}) // or statements would add up
		var was int
		if err := conn.Raw("PRAGMA synchronous").Scan(&was).Error; err != nil {
			return err
		}
		if err := conn.Exec("PRAGMA synchronous = FULL").Error; err != nil {
			return err
		}
		defer func() {
			back := conn.WithContext(context.WithoutCancel(ctx)).Exec(fmt.Sprintf("PRAGMA synchronous = %d", was)).Error
			err = errors.Join(err, back)
		}()
		return conn.Transaction(fn)
	})
}

// SQL returns the writing connection pool, for migrations and raw work.
func (d *DB) SQL() (*sql.DB, error) { return d.Write.DB() }

// Ping says whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	s, err := d.Read.DB()
	if err != nil {
		return err
	}
	return s.PingContext(ctx)
}

// Close closes every pool.
func (d *DB) Close() error {
	var errs []error
	for _, c := range d.close {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// IsUnique says whether err is a violation of a unique or primary key.
func IsUnique(err error) bool {
	return has(err, "23505", sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// IsForeign says whether err is a violation of a foreign key.
func IsForeign(err error) bool {
	return has(err, "23503", sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY)
}

// IsReadOnly says whether a write was refused because the database takes none.
func IsReadOnly(err error) bool { return has(err, "25006") }

func has(err error, pgCode string, sqliteCodes ...int) bool {
	var p *pgconn.PgError
	if errors.As(err, &p) {
		return p.Code == pgCode
	}
	var s *sqlite.Error
	if !errors.As(err, &s) {
		return false
	}
	for _, code := range sqliteCodes {
		if s.Code() == code {
			return true
		}
	}
	return false
}
