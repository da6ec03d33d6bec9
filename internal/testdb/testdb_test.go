package testdb

import (
	"strings"
	"testing"

	"wangge/internal/gormx"
)

func TestEveryTestStartsOnAnEmptyDatabaseOfItsOwn(t *testing.T) {
	for range 2 {
		Engines(t, func(t *testing.T, db *gormx.DB) {
			for _, statement := range []string{"CREATE TABLE cases (n BIGINT PRIMARY KEY)", "INSERT INTO cases VALUES (1)"} {
				if err := db.Write.Exec(statement).Error; err != nil {
					t.Error(err)
				}
			}
			var n int
			if err := db.Read.Raw("SELECT count(*) FROM cases").Scan(&n).Error; err != nil || n != 1 {
				t.Errorf("got %d rows, %v; want the one written", n, err)
			}
		})
	}
}

func TestAPostgresSchemaIsOwnedByAPlainLoginAndClosedToOthers(t *testing.T) {
	mine, other := Postgres(t), Postgres(t)
	type row struct {
		Login, Schema, Owner string
		Super                bool
	}
	var got row
	err := mine.Read.Raw(`SELECT current_user AS login, current_schema() AS schema, n.nspowner::regrole::text AS owner, r.rolsuper OR r.rolbypassrls OR r.rolcreaterole AS super
		FROM pg_namespace n, pg_roles r WHERE n.nspname = current_schema() AND r.rolname = current_user`).Scan(&got).Error
	if err != nil || got.Login != got.Owner || got.Super || got.Schema == "" || strings.HasPrefix(got.Login, "city_") {
		t.Errorf("got %+v, %v; want a plain login that owns its schema", got, err)
	}
	if err := mine.Write.Exec("CREATE TABLE cases (n BIGINT PRIMARY KEY)").Error; err != nil {
		t.Fatal(err)
	}
	if err := other.Read.Exec("SELECT n FROM " + got.Schema + ".cases").Error; err == nil {
		t.Error("another login read the table")
	}
}

func TestNothingIsLeftOfATestThatEnded(t *testing.T) {
	var schema string
	t.Run("a test", func(t *testing.T) {
		db := Postgres(t)
		if err := db.Read.Raw("SELECT current_schema()").Scan(&schema).Error; err != nil {
			t.Fatal(err)
		}
		if err := db.Write.Exec("CREATE TABLE cases (n BIGINT PRIMARY KEY)").Error; err != nil {
			t.Fatal(err)
		}
	})
	var left int
	err := Postgres(t).Read.Raw("SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = ?) + (SELECT count(*) FROM pg_roles WHERE rolname = ?)", schema, schema).Scan(&left).Error
	if err != nil || schema == "" || left != 0 {
		t.Errorf("%d left of %q, %v; want nothing", left, schema, err)
	}
}

func TestTestsAtOnceShareOneServer(t *testing.T) {
	ports := make([]string, 4)
	t.Run("at once", func(t *testing.T) {
		for i := range ports {
			t.Run("a test", func(t *testing.T) {
				t.Parallel()
				if err := Postgres(t).Read.Raw("SELECT current_setting('port')").Scan(&ports[i]).Error; err != nil {
					t.Fatal(err)
				}
			})
		}
	})
	for _, port := range ports {
		if port != ports[0] || port == "" {
			t.Errorf("ports %q, want one", ports)
		}
	}
}
