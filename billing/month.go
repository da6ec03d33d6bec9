package billing

import (
	"time"

	"wangge/internal/errs"
)

// period is one month in Asia/Shanghai.
type period struct {
	name       string    // 2026-10
	start, end time.Time // end is the next month's start
}

// parseMonth reads a month such as 2026-10; any other text is Invalid.
func parseMonth(s string) (period, error) {
	start, err := time.ParseInLocation("2006-01", s, zone)
	if err != nil {
		return period{}, errs.Field("month", "不是月份（应如 2026-10）："+s, "not a month (such as 2026-10): "+s)
	}
	return period{s, start, start.AddDate(0, 1, 0)}, nil
}

// monthOf is the month an instant is in.
func monthOf(t time.Time) string { return t.In(zone).Format("2006-01") }

// daysFrom counts the days from the one t is in to the end of the month, and
// all its days; t is before the end.
func (p period) daysFrom(t time.Time) (days, of int64) {
	of = int64(p.end.AddDate(0, 0, -1).Day())
	if !t.After(p.start) {
		return of, of
	}
	return of - int64(t.In(zone).Day()) + 1, of
}
