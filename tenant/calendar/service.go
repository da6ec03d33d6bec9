package calendar

import (
	"context"
	"fmt"
	"slices"

	"wangge/internal/errs"
)

// Store keeps what one city says of its own calendar.
type Store interface {
	Data(ctx context.Context) (Data, error)
	// ReplaceYears puts days in the place of those the city had in the years.
	// Together with it, and with ReplaceSeasons, the open calendar changes.
	ReplaceYears(ctx context.Context, years []int, days []Day) error
	ReplaceSeasons(ctx context.Context, seasons []Season) error
}

// Service reads and changes the calendar of one city. Deadlines that were set
// before stay as they were set.
type Service struct {
	calendar *Calendar
	store    Store
}

// NewService returns the service of a calendar that store keeps.
func NewService(c *Calendar, s Store) *Service { return &Service{c, s} }

// Difference is a date on which an import changes whether work is done.
type Difference struct {
	Date      string
	Was, Will Mark
}

// Report says what an import of days did, or would do.
type Report struct {
	Years       []int // replaced, in order
	Days        int   // in the file
	Differences []Difference
}

// Import takes the holidays and make-up days of whole years from a table: each
// year that has a row is replaced by the rows of that year. It is all or
// nothing: every fault is named with its row, and with any, or in a rehearsal,
// nothing is written.
func (s *Service) Import(ctx context.Context, file string, sheet Sheet, rehearse bool) (Report, error) {
	days, err := ReadDays(file, sheet)
	if err != nil {
		return Report{}, err
	}
	report := Report{Days: len(days)}
	for _, d := range days {
		if y := yearOf(d.Date); !slices.Contains(report.Years, y) {
			report.Years = append(report.Years, y)
		}
	}
	slices.Sort(report.Years)
	if report.Differences, err = s.calendar.differences(report.Years, days); err != nil || rehearse {
		return report, err
	}
	if err := s.store.ReplaceYears(ctx, report.Years, days); err != nil {
		return Report{}, fmt.Errorf("import days of %s: %w", file, err)
	}
	return report, nil
}

// differences holds the years as they would be against what they are.
func (c *Calendar) differences(years []int, days []Day) (out []Difference, err error) {
	next := &Calendar{zone: c.zone, ordinary: c.ordinary}
	if err := next.Replace(Data{Days: days}); err != nil {
		return nil, err
	}
	mark := func(t *table, day int) Mark {
		if t.working(day) {
			return Work
		}
		return Off
	}
	was, will := c.table.Load(), next.table.Load()
	for _, y := range years {
		for day := dayNumber(y, 1, 1); day < dayNumber(y+1, 1, 1); day++ {
			if a, b := mark(was, day), mark(will, day); a != b {
				out = append(out, Difference{dateOf(day), a, b})
			}
		}
	}
	return out, nil
}

// SetSeasons puts these seasons in the place of all the city has; none leaves
// the ordinary shifts all year. Seasons that overlap or can't be worked are
// refused.
func (s *Service) SetSeasons(ctx context.Context, seasons []Season) error {
	var faults []errs.Problem
	for i, season := range seasons {
		if season.Name == "" || len(season.Name) > maxName {
			faults = append(faults, errs.Problem{Row: i + 1, Field: "name", Zh: "名称为空或过长", En: "the name is empty or too long"})
		}
		if _, err := newTable(s.calendar.ordinary, Data{Seasons: seasons[:i+1]}); err != nil {
			p := errs.Problem{Row: i + 1, Field: "season", Zh: err.Error(), En: err.Error()}
			if e, ok := errs.As(err); ok {
				p.Zh, p.En = e.Zh, e.En
			}
			faults = append(faults, p)
			break // those after it meet the same fault
		}
	}
	if err := errs.Problems(faults...); err != nil {
		return err
	}
	if err := s.store.ReplaceSeasons(ctx, seasons); err != nil {
		return fmt.Errorf("set seasons: %w", err)
	}
	return nil
}
