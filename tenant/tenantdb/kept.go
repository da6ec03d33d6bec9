package tenantdb

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	"gorm.io/gorm"

	"wangge/internal/gormx"
)

// conn runs statements: a pool or a transaction.
type conn interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// kept holds the statements that run for every command, compiled once. SQLite
// would compile them each time and GORM put them together, which takes longer
// than what they do. They are plain SQL with $1, $2 …, which both engines read.
type kept struct {
	db   *gorm.DB
	pool *sql.DB // nil where nothing is kept: pgx does so itself, a trial's transaction ends
	mu   sync.Mutex
	held map[string]*sql.Stmt
}

func keep(db *gorm.DB) *kept {
	k := &kept{db: db, held: map[string]*sql.Stmt{}}
	if db.Name() == string(gormx.SQLite) {
		k.pool, _ = db.Statement.ConnPool.(*sql.DB) // not db.DB(), which finds the pool behind a transaction too
	}
	return k
}

// compile compiles what is not held yet. The writing pool has one connection,
// so call it before a transaction, never within; and compiling waits for that
// connection without the lock, which whoever has the connection may want.
func (k *kept) compile(ctx context.Context, queries ...string) error {
	if k.pool == nil {
		return nil
	}
	for _, q := range queries {
		if k.stmt(q) != nil {
			continue
		}
		stmt, err := k.pool.PrepareContext(ctx, q)
		if err != nil {
			return fmt.Errorf("compile %q: %w", q, err)
		}
		if !k.keep(q, stmt) { // another was faster
			_ = stmt.Close()
		}
	}
	return nil
}

// keep holds a compiled statement, unless there is one.
func (k *kept) keep(query string, stmt *sql.Stmt) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held[query] != nil {
		return false
	}
	k.held[query] = stmt
	return true
}

// inTx runs fn in a transaction of the pool; of queries it uses the compiled form.
func (k *kept) inTx(ctx context.Context, queries []string, fn func(tx *gorm.DB, c conn) error) error {
	if err := k.compile(ctx, queries...); err != nil {
		return err
	}
	return k.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if inner, ok := tx.Statement.ConnPool.(*sql.Tx); ok && k.pool != nil {
			return fn(tx, keptTx{k, inner})
		}
		return fn(tx, tx.Statement.ConnPool)
	})
}

func (k *kept) stmt(query string) *sql.Stmt {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held[query]
}

// QueryRowContext runs a query for one row outside a transaction.
func (k *kept) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if err := k.compile(ctx, query); err == nil && k.pool != nil {
		return k.stmt(query).QueryRowContext(ctx, args...)
	}
	return k.db.Statement.ConnPool.QueryRowContext(ctx, query, args...) // also tells why it does not compile
}

// QueryContext runs a query outside a transaction.
func (k *kept) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := k.compile(ctx, query); err == nil && k.pool != nil {
		return k.stmt(query).QueryContext(ctx, args...)
	}
	return k.db.Statement.ConnPool.QueryContext(ctx, query, args...)
}

// ExecContext runs what need not be kept.
func (k *kept) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return k.db.Statement.ConnPool.ExecContext(ctx, query, args...)
}

// keptTx is a transaction that uses what is compiled.
type keptTx struct {
	*kept
	tx *sql.Tx
}

func (t keptTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if stmt := t.stmt(query); stmt != nil {
		return t.tx.StmtContext(ctx, stmt).ExecContext(ctx, args...)
	}
	return t.tx.ExecContext(ctx, query, args...)
}

func (t keptTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := t.stmt(query); stmt != nil {
		return t.tx.StmtContext(ctx, stmt).QueryContext(ctx, args...)
	}
	return t.tx.QueryContext(ctx, query, args...)
}

func (t keptTx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := t.stmt(query); stmt != nil {
		return t.tx.StmtContext(ctx, stmt).QueryRowContext(ctx, args...)
	}
	return t.tx.QueryRowContext(ctx, query, args...)
}
