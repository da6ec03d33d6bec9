package citytest

import (
	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/tenant/usage"
)

// AddUsage records one use without the case that would cause it.
func AddUsage(tx *gorm.DB, e usage.Entry) error {
	return tx.Exec("INSERT INTO usage_entries (metric, quantity, at, ref) VALUES (?, ?, ?, ?)", e.Metric, e.Quantity, gormx.At(e.At), e.Ref).Error
}
