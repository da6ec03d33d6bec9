// Package migrations holds the numbered SQL of both planes for both engines and
// applies it. Migrations go forward only; each database has its own version
// table, so cities can be at different levels during a wave.
package migrations

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"

	"wangge/internal/gormx"
)

//go:embed city province
var files embed.FS

// Plane is whose database it is: a city's or the province's.
type Plane string

// The planes.
const (
	City     Plane = "city"
	Province Plane = "province"
)

// Up brings the database to the newest level and returns the level it is at
// then. Running it again changes nothing, several processes may run it at once,
// and each migration is made in a transaction of its own together with its row
// of the version table: a process that is killed leaves none half done.
func Up(ctx context.Context, db *gormx.DB, plane Plane) (level int64, err error) {
	level, newest, err := Level(ctx, db, plane)
	if err != nil || level >= newest {
		return level, err
	}
	p, err := provider(db, plane)
	if err != nil {
		return 0, err
	}
	for before := int64(-1); ; before = level {
		_, failed := p.Up(ctx)
		if level, err = p.GetDBVersion(ctx); failed == nil {
			return level, err
		}
		if err != nil || level <= before {
			return 0, fmt.Errorf("migrate %s: %w", plane, failed)
		}
		// Another process may be at it: what it did first failed here and was
		// undone. As long as the level rises, try the rest.
	}
}

func provider(db *gormx.DB, plane Plane) (*goose.Provider, error) {
	dialects := map[gormx.Engine]goose.Dialect{gormx.SQLite: goose.DialectSQLite3, gormx.Postgres: goose.DialectPostgres}
	dir, err := fs.Sub(files, string(plane)+"/"+string(db.Engine))
	if err != nil {
		return nil, err
	}
	conn, err := db.SQL()
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialects[db.Engine], conn, dir)
}

// SQL returns the plane's whole schema for an engine as one text that can be
// run at once. Up is how it is applied; this is to measure it against.
func SQL(plane Plane, engine gormx.Engine) (string, error) {
	names, err := fs.Glob(files, string(plane)+"/"+string(engine)+"/*.sql")
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return "", err
		}
		all.Write(text)
	}
	return all.String(), nil
}
