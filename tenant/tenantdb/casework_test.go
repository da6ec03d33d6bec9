package tenantdb_test

import (
	"testing"

	"wangge/internal/testdb"
	"wangge/tenant/casework/caseworktest"
)

func TestCaseworkSQLite(t *testing.T)   { caseworktest.Test(t, testdb.SQLite) }
func TestCaseworkPostgres(t *testing.T) { caseworktest.Test(t, testdb.Postgres) }

func TestEveryInterleavingOfClerksIsExplainedSQLite(t *testing.T) {
	caseworktest.Linearizable(t, testdb.SQLite)
}

func TestEveryInterleavingOfClerksIsExplainedPostgres(t *testing.T) {
	caseworktest.Linearizable(t, testdb.Postgres)
}

func TestALostUpdateWouldBeNoticed(t *testing.T) { caseworktest.NoticesALostUpdate(t, testdb.SQLite) }
