package migrations

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"wangge/internal/errs"
	"wangge/internal/gormx"
)

// ErrLevel refuses a database whose tables are too old or too new for this version.
var ErrLevel = errs.New(errs.Unavailable, "city_level",
	"数据表处于第 %d 级，本版本支持第 %d 至 %d 级；请先执行 wangge migrate up，或升级程序",
	"the tables are at level %d and this version serves levels %d to %d: run `wangge migrate up` first, or a newer version")

// Serves refuses, with ErrLevel, the level of a city that this version can't
// serve. It serves its newest level and, for the time of a wave, the level
// before, which its own predecessor made, and the level after, which its
// successor made: a migration only adds (docs/migrations.md).
func Serves(at, newest int64) error {
	if at < newest-1 || at > newest+1 {
		return ErrLevel.With(at, newest-1, newest+1)
	}
	return nil
}

// File is one migration of a plane for an engine.
type File struct {
	Level int64
	Name  string
	SQL   string
}

// Newest is the newest migration of the plane for an engine.
func Newest(plane Plane, engine gormx.Engine) (newest File, err error) {
	names, err := fs.Glob(files, string(plane)+"/"+string(engine)+"/*.sql")
	if err != nil {
		return File{}, err
	}
	if len(names) == 0 {
		return File{}, fmt.Errorf("no migration of %s for %s", plane, engine)
	}
	last := names[len(names)-1] // Glob sorts, and levels have five digits
	number, _, _ := strings.Cut(path.Base(last), "_")
	level, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return File{}, fmt.Errorf("level of migration %s: %w", last, err)
	}
	text, err := files.ReadFile(last)
	return File{level, path.Base(last), string(text)}, err
}

// exists asks for the version table, which a database has from its first
// migration on.
var exists = map[gormx.Engine]string{
	gormx.SQLite:   "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version'",
	gormx.Postgres: "SELECT COUNT(to_regclass('goose_db_version'))",
}

// Level returns the level the database is at, 0 for an empty one, and the
// newest one known. It writes nothing.
func Level(ctx context.Context, db *gormx.DB, plane Plane) (at, newest int64, err error) {
	file, err := Newest(plane, db.Engine)
	if err != nil {
		return 0, 0, err
	}
	var there int64
	err = db.Read.WithContext(ctx).Raw(exists[db.Engine]).Scan(&there).Error
	if err == nil && there > 0 {
		err = db.Read.WithContext(ctx).Raw("SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&at).Error
	}
	if err != nil {
		return 0, 0, fmt.Errorf("level of %s: %w", plane, err)
	}
	return at, file.Level, nil
}

// UpTo is Up that stops at a level, for tests and measurements of a database
// that a wave has not reached yet.
func UpTo(ctx context.Context, db *gormx.DB, plane Plane, level int64) error {
	p, err := provider(db, plane)
	if err != nil {
		return err
	}
	if _, err := p.UpTo(ctx, level); err != nil {
		return fmt.Errorf("migrate %s to level %d: %w", plane, level, err)
	}
	return nil
}
