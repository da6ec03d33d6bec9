package gormx_test

import (
	"testing"

	"wangge/internal/gormx"
	"wangge/internal/testdb"
)

// thing is a row as the version of the program knows it that runs during a wave.
type thing struct {
	ID   int64
	Name string
}

func TestAColumnAddedWhileServingDoesNotDisturbAQuery(t *testing.T) {
	testdb.Engines(t, func(t *testing.T, db *gormx.DB) {
		if err := db.Write.Exec("CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT NOT NULL)").Error; err != nil {
			t.Fatal(err)
		}
		read := func() {
			t.Helper()
			var rows []thing
			var one thing
			if err := db.Read.Order("id").Find(&rows).Error; err != nil {
				t.Error(err)
			}
			if err := db.Read.Where("id = ?", 1).Take(&one).Error; err != nil {
				t.Error(err)
			}
			if len(rows) != 1 || one.Name != "井盖" {
				t.Errorf("got %v, %v, want the one there is", rows, one)
			}
		}
		if err := db.Write.Create(&thing{1, "井盖"}).Error; err != nil {
			t.Fatal(err)
		}
		for range 10 { // so that every connection has prepared it
			read()
		}
		if err := db.Write.Exec("ALTER TABLE things ADD COLUMN colour TEXT NOT NULL DEFAULT ''").Error; err != nil {
			t.Fatal(err)
		}
		read()
	})
}
