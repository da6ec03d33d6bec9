package tenantdb

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"wangge/tenant/grid"
)

type gridStore struct {
	write, read *gorm.DB
	hot         conn // reads what every lookup asks
}

type gridRow struct {
	Code      string
	Name      string
	Community string
	Area      float64
	Geometry  string
}

func (gridRow) TableName() string { return "grids" }

func (s gridStore) InTx(ctx context.Context, fn func(grid.Store) error) error {
	return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return fn(gridStore{tx, tx, tx.Statement.ConnPool}) })
}

func (s gridStore) ReplaceGrids(ctx context.Context, grids []grid.Grid) error {
	rows := make([]gridRow, len(grids))
	for i, g := range grids {
		rows[i] = gridRow{g.Code.String(), g.Name, g.Code.Community(), g.Area, g.Geometry()}
	}
	return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		// The version first: its row keeps another import waiting.
		if err := tx.Exec("UPDATE grid_version SET version = version + 1").Error; err != nil {
			return fmt.Errorf("replace grids: %w", err)
		}
		if err := tx.Exec("DELETE FROM grids").Error; err != nil {
			return fmt.Errorf("replace grids: %w", err)
		}
		if len(rows) > 0 {
			if err := tx.CreateInBatches(rows, chunk).Error; err != nil {
				return fmt.Errorf("replace grids: %w", err)
			}
		}
		return nil
	})
}

func (s gridStore) Grids(ctx context.Context) ([]grid.Grid, error) {
	var rows []gridRow
	if err := s.read.WithContext(ctx).Order("code").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("grids: %w", err)
	}
	out := make([]grid.Grid, len(rows))
	for i, r := range rows {
		code, err := grid.ParseCode(r.Code)
		if err != nil {
			return nil, err
		}
		ring, holes, err := grid.ParseGeometry(r.Geometry)
		if err != nil {
			return nil, fmt.Errorf("grid %s: %w", r.Code, err)
		}
		out[i] = grid.Grid{Code: code, Name: r.Name, Ring: ring, Holes: holes, Area: r.Area}
	}
	return out, nil
}

func (s gridStore) GridSetVersion(ctx context.Context) (version int64, err error) {
	err = s.hot.QueryRowContext(ctx, "SELECT version FROM grid_version WHERE id = 1").Scan(&version)
	return version, err
}

// locator is the grids as casework asks them.
type locator struct{ *grid.Service }

func (l locator) Locate(ctx context.Context, p grid.Point) (grid.Code, bool, error) {
	code, err := l.Service.Locate(ctx, p)
	if errors.Is(err, grid.ErrNoGrid) {
		return grid.Code{}, false, nil
	}
	return code, err == nil, err
}
