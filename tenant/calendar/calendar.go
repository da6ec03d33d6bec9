// Package calendar knows a city's working time and counts deadlines in it. The
// units are those of GB/T 30428.8 practice: urgent hours run without pause,
// working hours run inside shifts only, working days end at close of business.
package calendar

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strings"
	"sync"
	"time"

	"wangge/internal/errs"
)

//go:embed data/holidays.csv
var holidaysCSV string

// Unit is the unit of a handling limit.
type Unit string

// The units.
const (
	UrgentHour Unit = "urgent_hour" // 紧急工作时
	WorkHour   Unit = "work_hour"   // 工作时
	WorkDay    Unit = "work_day"    // 工作日
)

// Limit is how long something may take.
type Limit struct {
	Value int
	Unit  Unit
}

// Shift is one stretch of working time in a day, as minutes after midnight.
type Shift struct{ From, To int }

// Calendar is the working time of a city. It does not change once made.
type Calendar struct {
	zone   *time.Location
	shifts []Shift
	days   map[string]bool // date → working, where it differs from the week
}

// ErrShifts refuses a working day that can't be worked.
var ErrShifts = errs.New(errs.Invalid, "bad_shifts", "工作时段有误：%s", "bad working shifts: %s")

// New makes a calendar from shifts such as "08:00-12:00", in order and apart,
// and the State Council's holidays and make-up days as embedded. A year without
// data has its weekends only.
func New(zone *time.Location, shifts []string) (*Calendar, error) {
	days, err := holidays()
	if err != nil {
		return nil, err
	}
	c := &Calendar{zone: zone, days: days}
	last := 0
	for _, s := range shifts {
		from, to, _ := strings.Cut(s, "-")
		f, ok1 := minutes(from)
		t, ok2 := minutes(to)
		if !ok1 || !ok2 || f < last || t <= f {
			return nil, ErrShifts.With(s)
		}
		c.shifts, last = append(c.shifts, Shift{f, t}), t
	}
	if len(c.shifts) == 0 {
		return nil, ErrShifts.With("-")
	}
	return c, nil
}

func minutes(s string) (int, bool) {
	if s == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", strings.TrimSpace(s))
	return t.Hour()*60 + t.Minute(), err == nil
}

// holidays parses the embedded table once per process; it never changes.
var holidays = sync.OnceValues(func() (map[string]bool, error) {
	rows, err := csv.NewReader(strings.NewReader(holidaysCSV)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("holidays: %w", err)
	}
	days := make(map[string]bool, len(rows))
	for _, r := range rows[1:] {
		days[r[0]] = r[1] == "work"
	}
	return days, nil
})

// Zone is the city's zone.
func (c *Calendar) Zone() *time.Location { return c.zone }

// Day is the city's date at t, as 2026-11-23.
func (c *Calendar) Day(t time.Time) string { return t.In(c.zone).Format(time.DateOnly) }

// Working says whether the date of t is a working day.
func (c *Calendar) Working(t time.Time) bool {
	t = t.In(c.zone)
	if work, ok := c.days[t.Format(time.DateOnly)]; ok {
		return work
	}
	return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday
}

// Deadline is the instant at which a limit that starts at start runs out.
// Working days: the day of the start does not count, and the last one ends
// at close of business. (National rule unknown; this is the platform's default.)
func (c *Calendar) Deadline(start time.Time, l Limit) time.Time {
	switch l.Unit {
	case WorkHour:
		return c.addWork(start, time.Duration(l.Value)*time.Hour)
	case WorkDay:
		return c.closeOfBusiness(start, l.Value)
	default:
		return start.Add(time.Duration(l.Value) * time.Hour)
	}
}

// addWork walks shift by shift until left is used up.
func (c *Calendar) addWork(start time.Time, left time.Duration) time.Time {
	for midnight := c.midnight(start); ; midnight = midnight.AddDate(0, 0, 1) {
		if !c.Working(midnight) {
			continue
		}
		for _, s := range c.shifts {
			from, to := at(midnight, s.From), at(midnight, s.To)
			if start.After(from) {
				from = start
			}
			if !from.Before(to) {
				continue
			}
			if room := to.Sub(from); room < left {
				left -= room
				continue
			}
			return from.Add(left).UTC()
		}
	}
}

func (c *Calendar) closeOfBusiness(start time.Time, days int) time.Time {
	day := c.midnight(start)
	for days > 0 {
		if day = day.AddDate(0, 0, 1); c.Working(day) {
			days--
		}
	}
	return at(day, c.shifts[len(c.shifts)-1].To).UTC()
}

func (c *Calendar) midnight(t time.Time) time.Time {
	t = t.In(c.zone)
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, c.zone)
}

// at is a wall-clock minute of the day that begins at midnight.
func at(midnight time.Time, minute int) time.Time {
	return time.Date(midnight.Year(), midnight.Month(), midnight.Day(), 0, minute, 0, 0, midnight.Location())
}
