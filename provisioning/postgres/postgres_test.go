package postgres_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"wangge/internal/errs"
	"wangge/internal/secrets"
	"wangge/provisioning/postgres"
	"wangge/provisioning/provisioningtest"
	"wangge/tenant/tenantdb"
)

// built prepares 乌海市 and 包头市 in a database and returns its name.
func built(t *testing.T) (database string, cities postgres.Schemas) {
	t.Helper()
	database = provisioningtest.Empty(t)
	platform, provisioner := provisioningtest.Prepared(t, database)
	keeper, err := secrets.OpenKeyFile(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	cities = postgres.Schemas{Schemas: tenantdb.Schemas{Server: platform, Keeper: keeper}, Provisioner: provisioner}
	for _, code := range []string{"150300", "150200"} {
		if err := cities.Prepare(t.Context(), id(t, code)); err != nil {
			t.Fatal(err)
		}
	}
	return database, cities
}

// catalogue is what the server knows of cities' roles, memberships and schemas.
func catalogue(t *testing.T, database string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), provisioningtest.Superuser(t, database))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), `SELECT concat_ws(' ', 'role', rolname, rolsuper, rolcreaterole, rolcreatedb, rolinherit, rolbypassrls, rolconnlimit, setconfig)
			FROM pg_roles LEFT JOIN pg_db_role_setting ON setrole = pg_roles.oid WHERE rolname LIKE 'city\_%'
		UNION ALL SELECT concat_ws(' ', 'schema', nspname, nspowner::regrole, nspacl) FROM pg_namespace WHERE nspname LIKE 'city\_%'
		ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPreparingACityAgainChangesNothing(t *testing.T) {
	database, cities := built(t)
	once := catalogue(t, database)
	if err := cities.Prepare(t.Context(), id(t, "150300")); err != nil {
		t.Fatal(err)
	}
	if again := catalogue(t, database); !slices.Equal(again, once) || len(once) != 4 || !strings.HasPrefix(once[1], "role city_150300 f f f f f 32 {search_path=city_150300") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(again, "\n"), strings.Join(once, "\n"))
	}
	db, err := cities.Open(t.Context(), id(t, "150300"))
	if err != nil {
		t.Fatalf("as the city: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func TestACityIsKnownByItsSchema(t *testing.T) {
	_, cities := built(t)
	for code, want := range map[string]bool{"150300": true, "150200": true, "150400": false} {
		if got, err := cities.Exists(t.Context(), id(t, code)); got != want || err != nil {
			t.Errorf("%s: got %v (%v), want %v", code, got, err, want)
		}
	}
}

func TestWithoutALoginThatMayBuildNothingIsTried(t *testing.T) {
	t.Setenv("PGHOST", "127.0.0.1") // must not be what is connected to instead
	none := postgres.Schemas{}
	_, exists := none.Exists(t.Context(), id(t, "150300"))
	if !errors.Is(exists, postgres.ErrNoProvisioner) || errs.KindOf(exists) != errs.Invalid {
		t.Errorf("got %v, want %v", exists, postgres.ErrNoProvisioner)
	}
}

func TestNoErrorShowsAPassword(t *testing.T) {
	for _, dsn := range []string{"postgres://x:hunter2@127.0.0.1:1/d", "host=127.0.0.1 port=1 user=x password=hunter2", "postgres://x:hunter2@[/d", "postgres://x:hunter2@h:port/d", "password=hunter2 port=x"} {
		_, exists := postgres.Schemas{Provisioner: dsn}.Exists(t.Context(), id(t, "150300"))
		for _, err := range []error{exists, postgres.Init(t.Context(), dsn, "a", "b")} {
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: got %v, want an error without the password", dsn, err)
			}
		}
	}
}
