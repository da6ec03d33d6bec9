package tenantdb_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/tenant/tenantdb"
)

// A login that comes and goes acts as its city's role; what it may be besides
// counts as much as what it acts as.
func TestALoginThatActsAsACityAndMayBeAnotherIsRefused(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), testdb.Server(t).AdminDSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, statement := range []string{
		"CREATE ROLE city_990001 NOLOGIN", "CREATE ROLE city_990002 NOLOGIN", "CREATE SCHEMA city_990001 AUTHORIZATION city_990001",
		"CREATE ROLE plain_990001 LOGIN NOINHERIT PASSWORD 'x' IN ROLE city_990001", "ALTER ROLE plain_990001 SET role = city_990001",
		"CREATE ROLE both_990001 LOGIN NOINHERIT PASSWORD 'x' IN ROLE city_990001, city_990002", "ALTER ROLE both_990001 SET role = city_990001",
		"CREATE ROLE maker_990001 LOGIN NOINHERIT CREATEROLE PASSWORD 'x' IN ROLE city_990001", "ALTER ROLE maker_990001 SET role = city_990001",
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for login, refused := range map[string]bool{"plain_990001": false, "both_990001": true, "maker_990001": true} {
		db, err := gormx.OpenPostgres(testdb.Server(t).DSN(login, "x", "postgres"), gormx.Pool{Max: 1})
		if err != nil {
			t.Fatal(err)
		}
		var acting string
		if err := db.Read.Raw("SELECT current_user").Scan(&acting).Error; err != nil || acting != "city_990001" {
			t.Errorf("%s acts as %q, %v; want the city's role", login, acting, err)
		}
		if err := tenantdb.CheckRole(t.Context(), db, "city_990001"); errors.Is(err, tenantdb.ErrPowerfulRole) != refused || err != nil && !refused {
			t.Errorf("%s: got %v, refused should be %v", login, err, refused)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}
