// Package testdb gives a test real databases on both engines, each empty and
// its own. Only tests import it. What is put into a database is the test's.
package testdb

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"wangge/internal/gormx"
	"wangge/internal/pgserver"
)

// server is the PostgreSQL of this process. It dies with the process, and the
// folder it leaves is swept by the next start on the machine.
var server = sync.OnceValues(func() (*pgserver.Server, error) {
	return pgserver.Start(context.Background(), pgserver.Options{})
})

// Server returns the real PostgreSQL of this test process, started on first
// use. When there is none the test fails; it is never skipped.
func Server(t testing.TB) *pgserver.Server {
	t.Helper()
	s, err := server()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Engines runs test on an empty database of each engine.
func Engines(t *testing.T, test func(t *testing.T, db *gormx.DB)) {
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// SQLite opens an empty file, closed when the test ends.
func SQLite(t testing.TB) *gormx.DB {
	t.Helper()
	db, err := gormx.OpenSQLite(filepath.Join(t.TempDir(), "test.db"), gormx.Normal)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, db) })
	return db
}

// Postgres opens an empty schema as the login role that owns it and may do
// nothing beyond it. Both are dropped when the test ends.
func Postgres(t testing.TB) *gormx.DB {
	t.Helper()
	name, password := "test_"+strings.ToLower(rand.Text()), rand.Text()
	admin(t, fmt.Sprintf(`CREATE ROLE %[1]s LOGIN PASSWORD '%[2]s'; CREATE SCHEMA %[1]s AUTHORIZATION %[1]s;
		ALTER ROLE %[1]s SET search_path = %[1]s`, name, password))
	// A transaction that the test forgot must not hang its end.
	t.Cleanup(func() {
		admin(t, fmt.Sprintf(`SET lock_timeout = '20s'; DROP OWNED BY %[1]s CASCADE; DROP ROLE %[1]s`, name))
	})
	db, err := gormx.OpenPostgres(Server(t).DSN(name, password, "postgres"), gormx.Pool{Max: 8, Idle: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, db) })
	return db
}

// admin runs statements as the superuser.
func admin(t testing.TB, statements string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // which is over when the test cleans up
	conn, err := pgx.Connect(ctx, Server(t).AdminDSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statements); err != nil {
		t.Fatal(err)
	}
}

func closed(t testing.TB, db *gormx.DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
