package tenantdb

import (
	"context"
	"fmt"

	"wangge/internal/gormx"
	"wangge/tenant"
)

type appliedRow struct {
	ID        int64
	Hash      string
	Text      string
	AppliedAt gormx.Instant
}

func (appliedRow) TableName() string { return "applied_specs" }

// applied keeps the spec that a city was last built from; one row, the newest.
type applied struct{ *gormx.DB }

func (s applied) Applied(ctx context.Context) (tenant.AppliedSpec, error) {
	var rows []appliedRow
	if err := s.Read.WithContext(ctx).Find(&rows).Error; err != nil {
		return tenant.AppliedSpec{}, fmt.Errorf("applied spec: %w", err)
	}
	if len(rows) == 0 {
		return tenant.AppliedSpec{}, nil
	}
	return tenant.AppliedSpec{Hash: rows[0].Hash, Text: rows[0].Text, At: rows[0].AppliedAt.Time}, nil
}

func (s applied) SaveApplied(ctx context.Context, a tenant.AppliedSpec) error {
	row := appliedRow{1, a.Hash, a.Text, gormx.At(a.At)}
	if err := s.Write.WithContext(ctx).Clauses(replaceOn("id")).Create(&row).Error; err != nil {
		return fmt.Errorf("note the applied spec: %w", err)
	}
	return nil
}
