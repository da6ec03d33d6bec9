package platformdb

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/platform"
	"wangge/tenant/limit"
)

type limitRow struct {
	City  string `gorm:"primaryKey"`
	What  string `gorm:"primaryKey"`
	Value int64
}

func (limitRow) TableName() string { return "city_limits" }

func (s registry) Limits(ctx context.Context) (map[string]limit.Limits, error) {
	var codes []string
	var rows []limitRow
	if err := s.read.WithContext(ctx).Model(&cityRow{}).Pluck("code", &codes).Error; err != nil {
		return nil, fmt.Errorf("cities with limits: %w", err)
	}
	if err := s.read.WithContext(ctx).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("limits: %w", err)
	}
	out := make(map[string]limit.Limits, len(codes))
	for _, code := range codes {
		out[code] = limit.Limits{}
	}
	for _, r := range rows {
		if own, ok := out[r.City]; ok {
			own[limit.What(r.What)] = r.Value
		}
	}
	return out, nil
}

func (s registry) SetLimits(ctx context.Context, code string, own limit.Limits) error {
	set := limit.Limits{}
	for what, value := range own {
		if value != 0 {
			set[what] = value
		}
	}
	if err := set.Check(); err != nil {
		return err
	}
	err := s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for what, value := range own {
			if err := tx.Where("city = ? AND what = ?", code, string(what)).Delete(&limitRow{}).Error; err != nil {
				return err
			}
			if value == 0 {
				continue
			}
			if err := tx.Create(&limitRow{code, string(what), value}).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if gormx.IsForeign(err) {
		return fmt.Errorf("limits of %s: %w", code, platform.ErrNoCity)
	}
	if err != nil {
		return fmt.Errorf("limits of %s: %w", code, err)
	}
	return nil
}
