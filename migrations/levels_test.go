package migrations_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/migrations"
)

func TestADatabaseStopsAtTheLevelAskedForAndGoesOnFromThere(t *testing.T) {
	testdb.Engines(t, func(t *testing.T, db *gormx.DB) {
		at, newest, err := migrations.Level(t.Context(), db, migrations.City)
		if at != 0 || newest < 10 || err != nil {
			t.Fatalf("an empty database is at level %d of %d (%v)", at, newest, err)
		}
		if tables := tables(t, db); len(tables) > 0 {
			t.Errorf("looking at the level made %v", tables)
		}
		for _, to := range []int64{3, newest - 1} {
			if err := migrations.UpTo(t.Context(), db, migrations.City, to); err != nil {
				t.Fatal(err)
			}
			if at, _, err := migrations.Level(t.Context(), db, migrations.City); at != to || err != nil {
				t.Errorf("at level %d (%v), want %d", at, err, to)
			}
		}
		if level := up(t, db, migrations.City); level != newest {
			t.Errorf("went on to level %d, want %d", level, newest)
		}
	})
}

func tables(t *testing.T, db *gormx.DB) (names []string) {
	t.Helper()
	query := map[gormx.Engine]string{
		gormx.SQLite:   "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
		gormx.Postgres: "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()",
	}[db.Engine]
	if err := db.Read.Raw(query).Scan(&names).Error; err != nil {
		t.Fatal(err)
	}
	return names
}

func TestAVersionServesItsOwnLevelAndThoseBeside(t *testing.T) {
	for at, served := range map[int64]bool{7: false, 8: false, 9: true, 10: true, 11: true, 12: false} {
		err := migrations.Serves(at, 10)
		if (err == nil) != served {
			t.Errorf("level %d of 10: %v, want served %v", at, err, served)
		}
		if err != nil && (!errors.Is(err, migrations.ErrLevel) || errs.KindOf(err) != errs.Unavailable || !strings.Contains(err.Error(), fmt.Sprint("level ", at))) {
			t.Errorf("level %d of 10: got %v, want ErrLevel with the level", at, err)
		}
	}
}

// expanding are the statements that code of the version before does not notice.
var expanding = []*regexp.Regexp{
	regexp.MustCompile(`^CREATE TABLE `), regexp.MustCompile(`^CREATE (UNIQUE )?INDEX `),
	regexp.MustCompile(`^ALTER TABLE \S+ ADD COLUMN \S+ ([^,(]|\([^()]*(\([^()]*\)[^()]*)*\))*$`),
	regexp.MustCompile(`^INSERT INTO `),
}

// contracting lists the statements of a migration that code of the version
// before could notice and that give no reason in a line `-- contract: …` before.
func contracting(text string) (found []string) {
	text = regexp.MustCompile(`(?m)^\s*--.*$`).ReplaceAllStringFunc(text, func(line string) string { return strings.ReplaceAll(line, ";", ",") })
	for _, statement := range strings.Split(text, ";") {
		reason := strings.Contains(statement, "-- contract: ")
		statement = strings.Join(strings.Fields(regexp.MustCompile(`(?m)^\s*--.*$`).ReplaceAllString(statement, "")), " ")
		ok := statement == "" || reason
		for _, form := range expanding {
			ok = ok || form.MatchString(statement)
		}
		adds := strings.Contains(statement, " ADD COLUMN ")
		if adds && strings.Contains(statement, " NOT NULL") && !strings.Contains(statement, " DEFAULT ") {
			ok = reason // old code would not fill it
		}
		if !ok {
			found = append(found, statement)
		}
	}
	return found
}

func TestTheNewestMigrationOnlyAdds(t *testing.T) {
	for _, plane := range planes {
		for _, engine := range []gormx.Engine{gormx.SQLite, gormx.Postgres} {
			file, err := migrations.Newest(plane, engine)
			if err != nil {
				t.Fatal(err)
			}
			if found := contracting(file.SQL); len(found) > 0 {
				t.Errorf("%s of %s for %s takes away what the version before uses, or says no `-- contract: why`: %q", file.Name, plane, engine, found)
			}
		}
	}
}

func TestAMigrationThatTakesAwayIsNoticed(t *testing.T) {
	for text, noticed := range map[string]bool{
		"CREATE TABLE a (id INTEGER PRIMARY KEY);":                   false,
		"-- one; two\nCREATE TABLE a (id INTEGER PRIMARY KEY)":       false,
		"CREATE INDEX b ON a (id);\nCREATE UNIQUE INDEX c ON a (id)": false,
		"ALTER TABLE a ADD COLUMN d TEXT":                            false,
		"ALTER TABLE a ADD COLUMN d TEXT NOT NULL DEFAULT ''":        false,
		"ALTER TABLE a ADD COLUMN d TEXT NOT NULL":                   true,
		"ALTER TABLE a ADD COLUMN d TEXT CHECK (d IN ('e', 'f'))":    false,
		"ALTER TABLE a DROP COLUMN d":                                true,
		"ALTER TABLE a RENAME COLUMN d TO e":                         true,
		"DROP TABLE a":                                               true,
		"-- contract: nobody reads a since level 8\nDROP TABLE a":    false,
		"UPDATE a SET d = ''":                                        true,
		"ALTER TABLE a ADD COLUMN d TEXT, DROP COLUMN e":             true,
	} {
		if got := len(contracting(text)) > 0; got != noticed {
			t.Errorf("%q: noticed %v, want %v", text, got, noticed)
		}
	}
}
