package calendar_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/calendar"
)

func day(t *testing.T, c *calendar.Calendar, s string) time.Time {
	t.Helper()
	d, err := time.ParseInLocation("2006-01-02 15:04", s, c.Zone())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// kept is a store in memory that renews the calendar as a database does.
type kept struct {
	c       *calendar.Calendar
	data    calendar.Data
	written int
}

func (k *kept) Data(context.Context) (calendar.Data, error) { return k.data, nil }

func (k *kept) ReplaceYears(_ context.Context, years []int, days []calendar.Day) error {
	k.written++
	k.data.Days = slices.DeleteFunc(k.data.Days, func(d calendar.Day) bool {
		return slices.ContainsFunc(years, func(y int) bool {
			return strings.HasPrefix(d.Date, time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC).Format("2006-"))
		})
	})
	k.data.Days = append(k.data.Days, days...)
	return k.c.Replace(k.data)
}

func (k *kept) ReplaceSeasons(_ context.Context, seasons []calendar.Season) error {
	k.written++
	k.data.Seasons = seasons
	return k.c.Replace(k.data)
}

func service(t *testing.T) (*calendar.Calendar, *kept, *calendar.Service) {
	c := office(t)
	k := &kept{c: c}
	return c, k, calendar.NewService(c, k)
}

func TestAYearWithoutDataHasItsWeekendsAndIsNotKnown(t *testing.T) {
	c := office(t)
	if !c.Known(2026) || c.Known(2031) || !slices.Equal(c.Years(), []int{2025, 2026}) {
		t.Errorf("known are %v", c.Years())
	}
	if !c.Working(day(t, c, "2031-10-01 09:00")) || c.Working(day(t, c, "2031-10-04 09:00")) || !c.Working(day(t, c, "1969-12-31 09:00")) {
		t.Error("an unknown year is not its weekends")
	}
}

func TestAnImportReplacesWholeYears(t *testing.T) {
	c, k, s := service(t)
	file := "日期,类型,名称\n2027-01-01,放假,元旦\n2027-01-02,上班,元旦调休\n2026-10-01,off,国庆节\n"
	report, err := s.Import(t.Context(), "days.csv", calendar.CSV(strings.NewReader(file)), true)
	if err != nil || k.written != 0 || c.Known(2027) {
		t.Fatalf("a rehearsal wrote: %v, %v", report, err)
	}
	if !slices.Equal(report.Years, []int{2026, 2027}) || report.Days != 3 || !slices.Contains(report.Differences, calendar.Difference{Date: "2027-01-02", Was: calendar.Off, Will: calendar.Work}) {
		t.Errorf("rehearsed %+v", report)
	}
	// 2026 keeps one holiday only: the make-up Saturday and the rest of the
	// week of National Day are ordinary days again.
	if !slices.Contains(report.Differences, calendar.Difference{Date: "2026-10-10", Was: calendar.Work, Will: calendar.Off}) {
		t.Errorf("differences %v", report.Differences)
	}
	if _, err := s.Import(t.Context(), "days.csv", calendar.CSV(strings.NewReader(file)), false); err != nil {
		t.Fatal(err)
	}
	if !c.Working(day(t, c, "2027-01-02 09:00")) || c.Working(day(t, c, "2027-01-01 09:00")) || !c.Working(day(t, c, "2026-10-02 09:00")) || c.Working(day(t, c, "2025-10-02 09:00")) {
		t.Error("the days do not hold, or those of a year that was not sent changed")
	}
	days, own, err := c.Days(2027)
	if err != nil || !own || len(days) != 2 || days[0].Name != "元旦" {
		t.Errorf("2027 is %v, %v, %v", days, own, err)
	}
}

func TestAFileOfDaysWithFaultsIsRefusedWhole(t *testing.T) {
	_, k, s := service(t)
	for file, rows := range map[string][]int{
		"date,kind\n2027-02-30,off\n2027-03-01,holiday\n2027-03-02,off\n2027-03-02,work\n1066-01-01,off\n": {2, 3, 5, 6},
		"day,mood\n2027-01-01,off\n":    {1},
		"date,kind\n":                   {0},
		"":                              {1},
		"date,kind\n2027-01-01,\"off\n": {2},
	} {
		_, err := s.Import(t.Context(), "days.csv", calendar.CSV(strings.NewReader(file)), false)
		e, ok := errs.As(err)
		if !ok {
			t.Errorf("%q: got %v", file, err)
			continue
		}
		var got []int
		for _, p := range e.Problems {
			got = append(got, p.Row)
		}
		if !slices.Equal(got, rows) {
			t.Errorf("%q: faults in %v, want %v: %v", file, got, rows, err)
		}
	}
	if k.written != 0 {
		t.Error("something was written")
	}
}

func TestSeasonsHaveShiftsOfTheirOwn(t *testing.T) {
	c, _, s := service(t)
	err := s.SetSeasons(t.Context(), []calendar.Season{
		{Name: "夏季", From: "06-01", To: "08-31", Shifts: []string{"07:30-22:30"}},
		{Name: "冬季", From: "12-01", To: "02-29", Shifts: []string{"08:30-12:00", "13:30-17:30"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	four := calendar.Limit{Value: 4, Unit: calendar.WorkHour}
	for start, want := range map[string]string{
		"2026-07-01 20:00": "2026-07-02 09:00", // the summer's evening is worked
		"2026-05-29 17:00": "2026-06-01 10:30", // over the turn of the season
		"2026-12-31 16:00": "2027-01-01 11:00", // winter runs over the turn of the year; 2027 is not known
		"2026-03-02 09:00": "2026-03-02 15:00",
	} {
		if got := c.Deadline(day(t, c, start), four).In(c.Zone()).Format("2006-01-02 15:04"); got != want {
			t.Errorf("four hours from %s: got %s, want %s", start, got, want)
		}
	}
	for name, seasons := range map[string][]calendar.Season{
		"overlapping":      {{Name: "a", From: "06-01", To: "08-31", Shifts: []string{"08:00-12:00"}}, {Name: "b", From: "08-31", To: "09-30", Shifts: []string{"08:00-12:00"}}},
		"over midnight":    {{Name: "a", From: "06-01", To: "08-31", Shifts: []string{"22:00-06:00"}}},
		"no such day":      {{Name: "a", From: "06-31", To: "08-31", Shifts: []string{"08:00-12:00"}}},
		"without shifts":   {{Name: "a", From: "06-01", To: "08-31"}},
		"without a name":   {{From: "06-01", To: "08-31", Shifts: []string{"08:00-12:00"}}},
		"twice over years": {{Name: "a", From: "11-01", To: "02-01", Shifts: []string{"08:00-12:00"}}, {Name: "b", From: "01-01", To: "01-02", Shifts: []string{"08:00-12:00"}}},
	} {
		if err := s.SetSeasons(t.Context(), seasons); !errors.Is(err, errs.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if got := c.Shifts(day(t, c, "2026-07-01 00:00")); !slices.Equal(got, []calendar.Shift{{From: 450, To: 1350}}) {
		t.Errorf("a refused change left %v", got)
	}
}

func TestAWorkingDayIsComparedByTheOrdinaryShifts(t *testing.T) {
	c := office(t)
	if got := c.Ordinary(calendar.Limit{Value: 2, Unit: calendar.WorkDay}); got != 16*time.Hour {
		t.Errorf("two working days are %s", got)
	}
	if got := c.Ordinary(calendar.Limit{Value: 2, Unit: calendar.UrgentHour}); got != 2*time.Hour {
		t.Errorf("two urgent hours are %s", got)
	}
}
