// Package exchange is the one narrow way from a city to the province: figures
// per day and acceptance facts, never rows. A city keeps its side behind Source;
// the province keeps what it received behind Store.
package exchange

import (
	"context"
	"fmt"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/evaluation"
)

// Day is what a city publishes about one of its days. Every change of a day
// gives it a fresh revision, higher than any the city gave before.
type Day struct {
	Day      string // 2026-03-01
	Counts   evaluation.Counts
	Revision int64
}

// Source is a city's side.
type Source interface {
	// DaysSince returns the days that changed after a revision, at most limit
	// of them, in rising revision; none when the caller has everything.
	DaysSince(ctx context.Context, revision int64, limit int) ([]Day, error)
}

// Store keeps what the cities published.
type Store interface {
	InTx(ctx context.Context, fn func(Store) error) error
	// Revision returns the highest revision held of a city, 0 with none. Inside
	// a transaction it keeps other collectors of that city out until the end.
	Revision(ctx context.Context, city string) (int64, error)
	// SaveDays takes the days whose revision is higher than the one held and
	// leaves the others as they are. It returns how many it took.
	SaveDays(ctx context.Context, city string, days []Day, receivedAt time.Time) (int, error)
}

// ErrBroken is returned for a page that a city must not send.
var ErrBroken = errs.New(errs.Unavailable, "exchange_broken", "城市 %s 发布的数据不合交换约定，未采集该批", "city %s published figures that break the exchange; the page was not taken")

// page is how many days one transaction takes: a year and a little.
const page = 400

// Collect takes what a city published since the last time and returns how many
// days that were. Each page is one transaction, so a stopped run resumes where
// it was, and running it again with nothing new changes nothing. A page out of
// order or with impossible figures is refused whole, with its faults named.
func Collect(ctx context.Context, store Store, city string, src Source, now func() time.Time) (days int, err error) {
	for {
		asked, taken := 0, 0
		err := store.InTx(ctx, func(store Store) error {
			since, err := store.Revision(ctx, city)
			if err != nil {
				return err
			}
			got, err := src.DaysSince(ctx, since, page)
			if err != nil || len(got) == 0 {
				return err
			}
			if err := check(city, since, got); err != nil {
				return err
			}
			asked = len(got)
			taken, err = store.SaveDays(ctx, city, got, now())
			return err
		})
		if err != nil {
			return days, fmt.Errorf("collect from %s: %w", city, err)
		}
		if days += taken; asked == 0 {
			return days, nil
		}
	}
}

// check holds a page to the promise of Source.
func check(city string, since int64, days []Day) error {
	var faults []errs.Problem
	seen := map[string]bool{}
	for i, d := range days {
		fault := func(field, zh, en string) {
			faults = append(faults, errs.Problem{File: city, Row: i + 1, Field: field, Zh: zh, En: en})
		}
		if d.Revision <= since {
			fault("revision", "修订号没有递增", "the revision does not rise")
		}
		since = d.Revision
		if _, err := time.Parse(time.DateOnly, d.Day); err != nil {
			fault("day", "不是日期："+d.Day, "not a day: "+d.Day)
		}
		if seen[d.Day] {
			fault("day", "同一批中日期重复："+d.Day, "the day comes twice in one page: "+d.Day)
		}
		seen[d.Day] = true
		for count, n := range d.Counts {
			if n < 0 {
				fault("counts."+string(count), "计数不得为负", "a count must not be negative")
			}
		}
	}
	if len(faults) == 0 {
		return nil
	}
	broken := ErrBroken.With(city)
	broken.Problems = faults
	return broken
}
