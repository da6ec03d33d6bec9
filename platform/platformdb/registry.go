package platformdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"wangge/internal/gormx"
	"wangge/platform"
)

type registry struct{ session }

type cityRow struct {
	Code      string `gorm:"primaryKey"`
	Name      string
	Model     string
	State     string
	Engine    string
	SpecHash  string
	CreatedAt gormx.Instant
	ActiveAt  gormx.Instant

	Server       string
	KeptOn       string
	Access       string
	AccessReason string
	Generation   int64
	LeftAt       gormx.Instant
	Level        int64
}

func (cityRow) TableName() string { return "cities" }

func (r cityRow) domain() platform.City {
	return platform.City{
		Code: r.Code, Name: r.Name, Model: r.Model, State: platform.State(r.State), Engine: r.Engine,
		SpecHash: r.SpecHash, CreatedAt: r.CreatedAt.Time, ActiveAt: r.ActiveAt.Time, Server: r.Server, KeptOn: r.KeptOn,
		Access: platform.Access(r.Access), AccessReason: r.AccessReason, Generation: r.Generation, LeftAt: r.LeftAt.Time, Level: r.Level,
	}
}

func (s registry) Cities(ctx context.Context) ([]platform.City, error) {
	var rows []cityRow
	if err := s.read.WithContext(ctx).Order("code").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("cities: %w", err)
	}
	out := make([]platform.City, len(rows))
	for i, r := range rows {
		out[i] = r.domain()
	}
	return out, nil
}

func (s registry) City(ctx context.Context, code string) (platform.City, error) {
	var row cityRow
	err := s.read.WithContext(ctx).Where("code = ?", code).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return platform.City{}, fmt.Errorf("city %s: %w", code, platform.ErrNoCity)
	}
	if err != nil {
		return platform.City{}, fmt.Errorf("city %s: %w", code, err)
	}
	return row.domain(), nil
}

func (s registry) SaveCity(ctx context.Context, c platform.City) error {
	row := cityRow{
		Code: c.Code, Name: c.Name, Model: c.Model, State: string(c.State), Engine: c.Engine,
		SpecHash: c.SpecHash, CreatedAt: gormx.At(c.CreatedAt), ActiveAt: gormx.At(c.ActiveAt), Server: c.Server, KeptOn: c.KeptOn,
		Access: string(cmp.Or(c.Access, platform.Open)), AccessReason: c.AccessReason, Generation: c.Generation, LeftAt: gormx.At(c.LeftAt), Level: c.Level,
	}
	replace := clause.OnConflict{Columns: []clause.Column{{Name: "code"}}, UpdateAll: true}
	if err := s.write.WithContext(ctx).Clauses(replace).Create(&row).Error; err != nil {
		return fmt.Errorf("save city %s: %w", c.Code, err)
	}
	return nil
}

func (s registry) Change(ctx context.Context, code string, fn func(*platform.City) error) error {
	return s.inTx(ctx, func(tx session) error {
		var row cityRow
		err := tx.held(ctx).Where("code = ?", code).Take(&row).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return fmt.Errorf("city %s: %w", code, platform.ErrNoCity)
		}
		if err != nil {
			return fmt.Errorf("city %s: %w", code, err)
		}
		city := row.domain()
		if err := fn(&city); err != nil {
			return err
		}
		return registry{tx}.SaveCity(ctx, city)
	})
}
