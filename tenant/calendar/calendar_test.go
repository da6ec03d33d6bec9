package calendar_test

import (
	"testing"
	"time"

	"wangge/tenant/calendar"
)

func office(t testing.TB) *calendar.Calendar {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	c, err := calendar.New(zone, []string{"08:00-12:00", "14:00-18:00"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDeadlines(t *testing.T) {
	for _, tt := range []struct {
		name, start, want string
		limit             calendar.Limit
	}{
		{"urgent hours run through the night", "2026-11-20 23:00", "2026-11-21 01:00", calendar.Limit{Value: 2, Unit: calendar.UrgentHour}},
		{"working hours skip the noon break", "2026-11-20 11:00", "2026-11-20 15:00", calendar.Limit{Value: 2, Unit: calendar.WorkHour}},
		{"working hours that end with the shift end there", "2026-11-20 10:00", "2026-11-20 12:00", calendar.Limit{Value: 2, Unit: calendar.WorkHour}},
		{"working hours skip the weekend", "2026-11-20 17:00", "2026-11-23 09:00", calendar.Limit{Value: 2, Unit: calendar.WorkHour}},
		{"a start outside working time waits for the next shift", "2026-11-21 03:00", "2026-11-23 12:00", calendar.Limit{Value: 4, Unit: calendar.WorkHour}},
		{"the day of dispatch does not count", "2026-11-19 09:00", "2026-11-20 18:00", calendar.Limit{Value: 1, Unit: calendar.WorkDay}},
		{"National Day is skipped and the make-up Saturday counts", "2026-09-30 09:00", "2026-10-10 18:00", calendar.Limit{Value: 3, Unit: calendar.WorkDay}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := office(t)
			start, err := time.ParseInLocation("2006-01-02 15:04", tt.start, c.Zone())
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Deadline(start, tt.limit).In(c.Zone()).Format("2006-01-02 15:04"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestBadShiftsAreRefused(t *testing.T) {
	for _, shifts := range [][]string{nil, {"12:00-08:00"}, {"08:00-12:00", "11:00-18:00"}, {"8-12"}, {"22:00-06:00"}} {
		if _, err := calendar.New(time.UTC, shifts); err == nil {
			t.Errorf("%v was accepted", shifts)
		}
	}
}
