package duty_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wangge/tenant/duty"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

var zone = time.FixedZone("Asia/Shanghai", 8*60*60)

func at(t testing.TB, text string) time.Time {
	t.Helper()
	when, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func code(t testing.TB, text string) grid.Code {
	t.Helper()
	c, err := grid.ParseCode(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const inside, outside = "150302001001001", "150302001001002"

func holder(account int64, from, until string) org.Holder {
	return org.Holder{Account: account, Role: org.Supervisor, Department: "JD", From: from, Until: until}
}

// facts are three supervisors, the third from December on; 1 works days and 2
// nights in Z1, which has the grid inside.
func facts() duty.Facts {
	return duty.Facts{
		Supervisors: []org.Holder{holder(1, "", ""), holder(2, "", ""), holder(3, "2026-12-01", "")},
		Duties:      []duty.Duty{{1, "Z1", "2026-11-01", "2026-11-30", "08:00-16:00"}, {2, "Z1", "2026-11-01", "", "22:00-06:00"}},
		Members:     map[string]string{inside: "Z1", "150302001001003": "Z2"},
	}
}

func TestWhoIsOnDuty(t *testing.T) {
	deputy := func(d org.Deputy) func(*duty.Facts) {
		return func(f *duty.Facts) {
			d.Principal, d.Role, d.Department = 1, org.Supervisor, "JD"
			f.Deputies = append(f.Deputies, d)
		}
	}
	leave := func(account int64, from, to string) func(*duty.Facts) {
		return func(f *duty.Facts) { f.Leaves = append(f.Leaves, org.Leave{Account: account, From: from, To: to}) }
	}
	for name, tt := range map[string]struct {
		change []func(*duty.Facts)
		grid   string
		at     string
		want   []int64
	}{
		"by day":                             {nil, inside, "2026-11-23 08:00", []int64{1}},
		"the minute before the shift":        {nil, inside, "2026-11-23 07:59", nil},
		"the shift's last minute":            {nil, inside, "2026-11-23 15:59", []int64{1}},
		"the shift's end is not in it":       {nil, inside, "2026-11-23 16:00", nil},
		"by night":                           {nil, inside, "2026-11-23 23:00", []int64{2}},
		"after midnight, of the day before":  {nil, inside, "2026-11-24 05:59", []int64{2}},
		"the first day has no night before":  {nil, inside, "2026-11-01 05:00", nil},
		"the duty's last day":                {nil, inside, "2026-11-30 09:00", []int64{1}},
		"after the duty's last day":          {nil, inside, "2026-12-01 09:00", nil},
		"in no responsibility grid":          {nil, outside, "2026-11-23 09:00", []int64{1, 2}},
		"where no duty is set":               {nil, "150302001001003", "2026-12-01 09:00", []int64{1, 2, 3}},
		"where no duty is set yet":           {nil, inside, "2026-10-31 09:00", []int64{1, 2}},
		"on leave":                           {[]func(*duty.Facts){leave(1, "2026-11-23", "2026-11-23")}, inside, "2026-11-23 09:00", nil},
		"on leave, everybody":                {[]func(*duty.Facts){leave(1, "2026-11-23", "2026-11-23")}, outside, "2026-11-23 09:00", []int64{2}},
		"back from leave":                    {[]func(*duty.Facts){leave(1, "2026-11-22", "2026-11-22")}, inside, "2026-11-23 09:00", []int64{1}},
		"on leave with a deputy":             {[]func(*duty.Facts){leave(1, "2026-11-23", "2026-11-23"), deputy(org.Deputy{Account: 9, From: "2026-11-20", To: "2026-11-30"})}, inside, "2026-11-23 09:00", []int64{9}},
		"a deputy while the principal works": {[]func(*duty.Facts){deputy(org.Deputy{Account: 9, From: "2026-11-20", To: "2026-11-30"})}, inside, "2026-11-23 09:00", []int64{1}},
		"a deputy among everybody":           {[]func(*duty.Facts){deputy(org.Deputy{Account: 9, From: "2026-11-20", To: "2026-11-30"})}, outside, "2026-11-23 09:00", []int64{1, 2, 9}},
		"a deputy on leave too":              {[]func(*duty.Facts){leave(1, "2026-11-23", "2026-11-23"), leave(9, "2026-11-23", "2026-11-23"), deputy(org.Deputy{Account: 9, From: "2026-11-20", To: "2026-11-30"})}, inside, "2026-11-23 09:00", nil},
		"a deputy whose time is over":        {[]func(*duty.Facts){leave(1, "2026-11-23", "2026-11-23"), deputy(org.Deputy{Account: 9, From: "2026-11-20", To: "2026-11-22"})}, inside, "2026-11-23 09:00", nil},
		"a post that has ended":              {[]func(*duty.Facts){func(f *duty.Facts) { f.Supervisors[0].Until = "2026-11-22" }}, inside, "2026-11-23 09:00", nil},
		"an account of no post":              {[]func(*duty.Facts){func(f *duty.Facts) { f.Supervisors = f.Supervisors[1:] }}, inside, "2026-11-23 09:00", nil},
		"two shifts of one are one":          {[]func(*duty.Facts){func(f *duty.Facts) { f.Duties = append(f.Duties, duty.Duty{Account: 1, Responsibility: "Z1"}) }}, inside, "2026-11-23 09:00", []int64{1}},
		"the whole day":                      {[]func(*duty.Facts){func(f *duty.Facts) { f.Duties = []duty.Duty{{Account: 2, Responsibility: "Z1"}} }}, inside, "2026-11-23 23:59", []int64{2}},
	} {
		t.Run(name, func(t *testing.T) {
			f := facts()
			for _, change := range tt.change {
				change(&f)
			}
			if got := duty.NewRoster(f).OnDuty(code(t, tt.grid), at(t, tt.at)); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// A shift across midnight is the same as its two halves on two days.
func TestANightIsTwoHalves(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		from := rapid.IntRange(1, 23).Draw(r, "from")
		to := rapid.IntRange(0, from-1).Draw(r, "to")
		clock := func(h int) string { return time.Date(2026, 1, 1, h, 0, 0, 0, zone).Format("15:04") }
		f := facts()
		f.Duties = []duty.Duty{{1, "Z1", "2026-11-10", "2026-11-12", clock(from) + "-" + clock(to)}}
		when := time.Date(2026, 11, 8, 0, 0, 0, 0, zone).Add(time.Duration(rapid.IntRange(0, 7*24*60).Draw(r, "minute")) * time.Minute)
		day, before := when.Day(), when.AddDate(0, 0, -1).Day()
		on := func(d int) bool { return 10 <= d && d <= 12 }
		want := on(day) && when.Hour() >= from || on(before) && when.Hour() < to
		got := duty.NewRoster(f).OnDuty(code(t, inside), when)
		if one := slices.Equal(got, []int64{1}); on(day) && one != want || !on(day) && want && !one {
			r.Fatalf("%s with %v: %v, want on duty: %v", when, f.Duties, got, want)
		}
	})
}

func BenchmarkOnDuty(b *testing.B) {
	f := duty.Facts{Members: map[string]string{inside: "Z1"}}
	for n := range int64(1000) {
		f.Supervisors = append(f.Supervisors, holder(n+1, "", ""))
		f.Duties = append(f.Duties, duty.Duty{Account: n + 1, Responsibility: "Z" + string(rune('0'+n%10)), Shift: "08:00-16:00"})
	}
	r, when := duty.NewRoster(f), at(b, "2026-11-23 09:00")
	unit := code(b, inside)
	for b.Loop() {
		if len(r.OnDuty(unit, when)) != 100 {
			b.Fatal("not the hundred")
		}
	}
}
