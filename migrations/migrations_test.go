package migrations_test

import (
	"slices"
	"strings"
	"testing"

	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/migrations"
)

var planes = []migrations.Plane{migrations.City, migrations.Province}

func TestMigratingTwiceIsTheSameAsOnceSQLite(t *testing.T)   { twice(t, testdb.SQLite) }
func TestMigratingTwiceIsTheSameAsOncePostgres(t *testing.T) { twice(t, testdb.Postgres) }

func twice(t *testing.T, open func(testing.TB) *gormx.DB) {
	for _, plane := range planes {
		db := open(t)
		first := up(t, db, plane)
		if second := up(t, db, plane); second != first {
			t.Fatalf("second run of %s: level %d, want %d", plane, second, first)
		}
		at, newest, err := migrations.Level(t.Context(), db, plane)
		if err != nil || at != newest || at != first {
			t.Fatalf("%s at level %d of %d after %d, %v", plane, at, newest, first, err)
		}
	}
}

func TestBothEnginesHaveTheSameTablesAndColumns(t *testing.T) {
	for _, plane := range planes {
		t.Run(string(plane), func(t *testing.T) {
			file, schema := testdb.SQLite(t), testdb.Postgres(t)
			if a, b := up(t, file, plane), up(t, schema, plane); a != b {
				t.Errorf("level %d on SQLite and %d on PostgreSQL, want the same", a, b)
			}
			onFile, inSchema := columns(t, file), columns(t, schema)
			for _, name := range without(onFile, inSchema) {
				t.Errorf("%s is on SQLite only", name)
			}
			for _, name := range without(inSchema, onFile) {
				t.Errorf("%s is on PostgreSQL only", name)
			}
		})
	}
}

func up(t *testing.T, db *gormx.DB, plane migrations.Plane) int64 {
	t.Helper()
	level, err := migrations.Up(t.Context(), db, plane)
	if err != nil {
		t.Fatal(err)
	}
	return level
}

// columns lists table.column of every table and view, but for the index of
// words, for which each engine has its own means.
func columns(t *testing.T, db *gormx.DB) (names []string) {
	t.Helper()
	query := map[gormx.Engine]string{
		gormx.SQLite: `SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c
			WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\'`,
		gormx.Postgres: `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema()`,
	}[db.Engine]
	if err := db.Read.Raw(query).Scan(&names).Error; err != nil || !slices.Contains(names, "accounts.login") {
		t.Fatalf("got %q, %v; want the columns of accounts among them", names, err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "case_terms") })
}

// without returns what of names is not in others.
func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}

func TestSeveralProcessesMayMigrateAtOnce(t *testing.T) {
	testdb.Engines(t, func(t *testing.T, db *gormx.DB) {
		const number = 6
		failed := make(chan error, number)
		for range number {
			go func() {
				_, err := migrations.Up(t.Context(), db, migrations.City)
				failed <- err
			}()
		}
		for range number {
			if err := <-failed; err != nil {
				t.Error(err)
			}
		}
		if at, newest, err := migrations.Level(t.Context(), db, migrations.City); at != newest || err != nil {
			t.Errorf("got level %d of %d (%v)", at, newest, err)
		}
	})
}
