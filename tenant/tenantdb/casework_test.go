package tenantdb_test

import (
	"testing"

	"wangge/internal/testdb"
	"wangge/tenant/casework/caseworktest"
)

func TestCaseworkSQLite(t *testing.T)   { caseworktest.Test(t, testdb.SQLite) }
func TestCaseworkPostgres(t *testing.T) { caseworktest.Test(t, testdb.Postgres) }
