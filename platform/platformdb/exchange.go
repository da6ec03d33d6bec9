package platformdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"wangge/internal/gormx"
	"wangge/platform"
	"wangge/platform/exchange"
)

type figures struct{ session }

type dayRow struct {
	City       string `gorm:"primaryKey"`
	Day        string `gorm:"primaryKey"`
	Counts     string
	Revision   int64
	ReceivedAt gormx.Instant
}

func (dayRow) TableName() string { return "published_days" }

func (s figures) InTx(ctx context.Context, fn func(exchange.Store) error) error {
	return s.inTx(ctx, func(tx session) error { return fn(figures{tx}) })
}

func (s figures) Revision(ctx context.Context, city string) (highest int64, err error) {
	err = s.held(ctx).Select("code").Where("code = ?", city).Take(&cityRow{}).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return 0, platform.ErrNoCity
	}
	if err != nil {
		return 0, fmt.Errorf("revision of %s: %w", city, err)
	}
	err = s.read.WithContext(ctx).Model(&dayRow{}).Where("city = ?", city).Select("COALESCE(MAX(revision), 0)").Row().Scan(&highest)
	if err != nil {
		return 0, fmt.Errorf("revision of %s: %w", city, err)
	}
	return highest, nil
}

// newer overwrites a day only with a higher revision of it.
var newer = clause.OnConflict{
	Columns:   []clause.Column{{Name: "city"}, {Name: "day"}},
	DoUpdates: clause.AssignmentColumns([]string{"counts", "revision", "received_at"}),
	Where:     clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "published_days.revision < excluded.revision"}}},
}

func (s figures) SaveDays(ctx context.Context, city string, days []exchange.Day, receivedAt time.Time) (int, error) {
	if len(days) == 0 {
		return 0, nil
	}
	rows := make([]dayRow, len(days))
	for i, d := range days {
		counts, err := json.Marshal(d.Counts)
		if err != nil {
			return 0, fmt.Errorf("counts of %s on %s: %w", city, d.Day, err)
		}
		rows[i] = dayRow{City: city, Day: d.Day, Counts: string(counts), Revision: d.Revision, ReceivedAt: gormx.At(receivedAt)}
	}
	res := s.write.WithContext(ctx).Clauses(newer).Create(&rows)
	if gormx.IsForeign(res.Error) {
		return 0, platform.ErrNoCity
	}
	if res.Error != nil {
		return 0, fmt.Errorf("save days of %s: %w", city, res.Error)
	}
	return int(res.RowsAffected), nil
}
