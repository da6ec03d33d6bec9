// Package pgserver starts a real, throw-away PostgreSQL on loopback, for tests
// and benchmarks. It owns finding or installing the binaries and the life of
// the cluster; what is put into it is the caller's.
package pgserver

import (
	"fmt"
	"net/url"

	"wangge/internal/errs"
)

// admin is the superuser of the throw-away cluster.
const admin = "pgserver_admin"

// ErrNoPostgres says that there is no usable PostgreSQL and why none was installed.
var ErrNoPostgres = errs.New(errs.Unavailable, "no_postgres",
	"没有可用的 PostgreSQL 15 或更新版本：%[1]s", "no usable PostgreSQL 15 or newer: %[1]s")

// Options of a cluster. The zero value is the one for tests.
type Options struct {
	Dir            string // where the cluster is made and left; empty means a folder of our own, removed by Stop
	Durable        bool   // fsync on, as in production: for benchmarks
	MaxConnections int    // 200 when zero
}

// DSN is the address of a database of the cluster for a login role.
func (s *Server) DSN(user, password, database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(user, password),
		Host:     fmt.Sprintf("127.0.0.1:%d", s.port),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// AdminDSN is the address of the database postgres for the cluster's superuser.
func (s *Server) AdminDSN() string {
	return s.DSN(admin, s.password, "postgres")
}
