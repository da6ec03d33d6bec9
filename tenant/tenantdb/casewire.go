package tenantdb

import (
	"context"
	"errors"

	"wangge/tenant/grid"
)

// locator is the grids as casework asks them.
type locator struct{ *grid.Service }

func (l locator) Locate(ctx context.Context, p grid.Point) (grid.Code, int64, bool, error) {
	found, err := l.Find(ctx, p)
	if errors.Is(err, grid.ErrNoGrid) {
		return grid.Code{}, 0, false, nil
	}
	return found.Code, found.Version, err == nil, err
}
