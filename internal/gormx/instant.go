package gormx

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// Instant is a time.Time stored as BIGINT microseconds since 1970 in UTC, so
// that both engines order, compare and print it alike. The zero time is NULL.
type Instant struct{ time.Time }

// At wraps t for a row.
func At(t time.Time) Instant { return Instant{t} }

// Value implements driver.Valuer.
func (i Instant) Value() (driver.Value, error) {
	if i.IsZero() {
		return nil, nil
	}
	return i.UnixMicro(), nil
}

// Scan implements sql.Scanner.
func (i *Instant) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		i.Time = time.Time{}
	case int64:
		i.Time = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("an instant is stored as microseconds, not %T", src)
	}
	return nil
}

// GormDataType names the column type.
func (Instant) GormDataType() string { return "bigint" }
