package identity_test

import (
	"testing"

	"wangge/internal/identity/identitytest"
	"wangge/internal/testdb"
)

func TestIdentitySQLite(t *testing.T)   { identitytest.Test(t, testdb.SQLite) }
func TestIdentityPostgres(t *testing.T) { identitytest.Test(t, testdb.Postgres) }
