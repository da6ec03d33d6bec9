package platformdb

import (
	"context"
	"fmt"

	"wangge/internal/gormx"
)

// Published is what the province holds of a city's figures: the highest revision
// and the days there are figures of.
func Published(ctx context.Context, db *gormx.DB, city string) (revision int64, days []string, err error) {
	var rows []dayRow
	if err := db.Read.WithContext(ctx).Where("city = ?", city).Order("day").Find(&rows).Error; err != nil {
		return 0, nil, fmt.Errorf("published days of %s: %w", city, err)
	}
	for _, r := range rows {
		days, revision = append(days, r.Day), max(revision, r.Revision)
	}
	return revision, days, nil
}
