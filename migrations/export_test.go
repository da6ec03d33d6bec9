package migrations

import (
	"context"
	"fmt"

	"wangge/internal/gormx"
)

// Level returns the level the database is at and the newest one known.
func Level(ctx context.Context, db *gormx.DB, plane Plane) (at, newest int64, err error) {
	p, err := provider(db, plane)
	if err != nil {
		return 0, 0, err
	}
	sources := p.ListSources()
	if at, err = p.GetDBVersion(ctx); err != nil {
		return 0, 0, fmt.Errorf("level of %s: %w", plane, err)
	}
	return at, sources[len(sources)-1].Version, nil
}
