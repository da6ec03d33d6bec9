// Package calendar knows a city's working time and counts deadlines in it. The
// units are those of GB/T 30428.8 practice: urgent hours run without pause,
// working hours run inside shifts only, working days end at close of business.
//
// A shift lies within one day. One that crosses midnight is refused: write it
// as two, 22:00-24:00 and 00:00-06:00, each of which counts on a working day
// of its own.
package calendar

import (
	"strings"
	"sync/atomic"
	"time"

	"wangge/internal/errs"
)

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
	Value int  `json:"value" yaml:"value"`
	Unit  Unit `json:"unit" yaml:"unit"`
}

// Shift is one stretch of working time in a day, as minutes after midnight.
type Shift struct{ From, To int }

// Calendar is the working time of a city. Its zone and ordinary shifts do not
// change once made; Replace changes holidays and seasons in one stroke. It is
// safe for concurrent use.
type Calendar struct {
	zone     *time.Location
	ordinary []Shift
	table    atomic.Pointer[table]
}

// ErrShifts refuses a working day that can't be worked.
var ErrShifts = errs.New(errs.Invalid, "bad_shifts", "工作时段有误：%s", "bad working shifts: %s")

// New makes a calendar from shifts such as "08:00-12:00", in order and apart,
// and the State Council's holidays and make-up days as embedded. A year without
// data has its weekends only.
func New(zone *time.Location, shifts []string) (*Calendar, error) {
	ordinary, err := parseShifts(shifts)
	if err != nil {
		return nil, err
	}
	c := &Calendar{zone: zone, ordinary: ordinary}
	return c, c.Replace(Data{})
}

func parseShifts(texts []string) ([]Shift, error) {
	var out []Shift
	last := 0
	for _, s := range texts {
		from, to, _ := strings.Cut(s, "-")
		f, ok1 := minutes(from)
		t, ok2 := minutes(to)
		if !ok1 || !ok2 || f < last || t <= f {
			return nil, ErrShifts.With(s)
		}
		out, last = append(out, Shift{f, t}), t
	}
	if len(out) == 0 {
		return nil, ErrShifts.With("-")
	}
	return out, nil
}

func minutes(s string) (int, bool) {
	if s = strings.TrimSpace(s); s == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err == nil
}

// Zone is the city's zone.
func (c *Calendar) Zone() *time.Location { return c.zone }

// Day is the city's date at t, as 2026-11-23.
func (c *Calendar) Day(t time.Time) string { return t.In(c.zone).Format(time.DateOnly) }

// Working says whether the date of t is a working day.
func (c *Calendar) Working(t time.Time) bool { return c.table.Load().working(c.number(t)) }

// Known says whether there is data on the holidays of a year; without, only its
// weekends are days off.
func (c *Calendar) Known(year int) bool { return c.table.Load().known[year] != "" }

// Shifts is the working time of the date of t, whether or not it is worked.
func (c *Calendar) Shifts(t time.Time) []Shift {
	return append([]Shift(nil), c.table.Load().shifts(c.number(t))...)
}

// Deadline is the instant at which a limit that starts at start runs out.
// Working days: the day of the start does not count, and the last one ends
// at close of business. (National rule unknown; this is the platform's default.)
func (c *Calendar) Deadline(start time.Time, l Limit) time.Time {
	if l.Unit == WorkDay {
		return c.closeOfBusiness(start, l.Value)
	}
	return c.After(start, time.Duration(l.Value)*time.Hour, l.Unit)
}

// Between is the time that passes from one instant to another, counted in the
// time of u: urgent hours always run; working hours and working days run inside
// the shifts of working days. It is 0 when to is not after from, and adds up:
// Between(a, b) + Between(b, c) is Between(a, c) for a ≤ b ≤ c.
func (c *Calendar) Between(from, to time.Time, u Unit) time.Duration {
	if !to.After(from) {
		return 0
	}
	if u != WorkHour && u != WorkDay {
		return to.Sub(from)
	}
	t := c.table.Load()
	var passed time.Duration
	for day, last := c.number(from), c.number(to); day <= last; day++ {
		if !t.working(day) {
			continue
		}
		for _, s := range t.shifts(day) {
			opens, closes := c.at(day, s.From), c.at(day, s.To)
			if opens.Before(from) {
				opens = from
			}
			if closes.After(to) {
				closes = to
			}
			passed += max(0, closes.Sub(opens))
		}
	}
	return passed
}

// After is the first instant at which d has passed since from, in the time of
// u as Between counts it; from itself when d is not above 0. So After(from,
// Between(from, to, u), u) is to whenever to lies inside a shift or at its end.
func (c *Calendar) After(from time.Time, d time.Duration, u Unit) time.Time {
	if d <= 0 {
		return from.UTC()
	}
	if u != WorkHour && u != WorkDay {
		return from.Add(d).UTC()
	}
	t := c.table.Load()
	for day := c.number(from); ; day++ {
		if !t.working(day) {
			continue
		}
		for _, s := range t.shifts(day) {
			opens, closes := c.at(day, s.From), c.at(day, s.To)
			if opens.Before(from) {
				opens = from
			}
			room := closes.Sub(opens)
			if room <= 0 {
				continue
			}
			if room >= d {
				return opens.Add(d).UTC()
			}
			d -= room
		}
	}
}

func (c *Calendar) closeOfBusiness(start time.Time, days int) time.Time {
	t := c.table.Load()
	day := c.number(start)
	for days > 0 {
		if day++; t.working(day) {
			days--
		}
	}
	shifts := t.shifts(day)
	return c.at(day, shifts[len(shifts)-1].To).UTC()
}

// number is the city's date at t, counted in days since 1970-01-01.
func (c *Calendar) number(t time.Time) int {
	y, m, d := t.In(c.zone).Date()
	return dayNumber(y, m, d)
}

func dayNumber(y int, m time.Month, d int) int {
	seconds := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()
	if seconds < 0 {
		return int((seconds - 86399) / 86400)
	}
	return int(seconds / 86400)
}

// at is a wall-clock minute of a day.
func (c *Calendar) at(day, minute int) time.Time {
	return time.Date(1970, 1, 1+day, 0, minute, 0, 0, c.zone)
}

// Ordinary is how much time a limit is on ordinary days, to compare limits of
// different units: a working day is as long as the ordinary shifts together.
func (c *Calendar) Ordinary(l Limit) time.Duration {
	if l.Unit != WorkDay {
		return time.Duration(l.Value) * time.Hour
	}
	minutes := 0
	for _, s := range c.ordinary {
		minutes += s.To - s.From
	}
	return time.Duration(l.Value*minutes) * time.Minute
}
