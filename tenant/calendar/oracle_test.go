package calendar_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wangge/tenant/calendar"
)

// world is a calendar and, beside it, the same told the slow way: whether each
// minute of 2026 to 2028 is worked, looked up by its date as a text.
type world struct {
	*calendar.Calendar
	data  calendar.Data
	usual []string
	start time.Time
	open  []bool // per minute from start
}

var zone = time.FixedZone("Asia/Shanghai", 8*60*60)

func drawShifts(t *rapid.T, label string) (shifts []string) {
	at := rapid.IntRange(0, 10*60).Draw(t, label)
	for range rapid.IntRange(1, 3).Draw(t, label+" number") {
		from := at + rapid.IntRange(0, 120).Draw(t, "gap")
		to := min(from+rapid.IntRange(20, 300).Draw(t, "length"), 24*60)
		if to-from < 20 {
			break
		}
		shifts = append(shifts, fmt.Sprintf("%02d:%02d-%02d:%02d", from/60, from%60, to/60, to%60))
		at = to
	}
	return shifts
}

func draw(t *rapid.T) *world {
	w := &world{usual: drawShifts(t, "shifts"), start: time.Date(2026, 1, 1, 0, 0, 0, 0, zone)}
	for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 1000), 0, 120, rapid.ID[int]).Draw(t, "days") {
		mark := calendar.Off
		if n%3 == 0 {
			mark = calendar.Work
		}
		w.data.Days = append(w.data.Days, calendar.Day{Date: w.start.AddDate(0, 0, n).Format(time.DateOnly), Mark: mark})
	}
	switch rapid.IntRange(0, 2).Draw(t, "seasons") {
	case 1:
		w.data.Seasons = []calendar.Season{{Name: "夏季", From: "05-01", To: "09-30", Shifts: drawShifts(t, "summer")}}
	case 2:
		w.data.Seasons = []calendar.Season{
			{Name: "冬季", From: "11-15", To: "03-15", Shifts: drawShifts(t, "winter")},
			{Name: "夏季", From: "06-01", To: "08-31", Shifts: drawShifts(t, "summer")},
		}
	}
	var err error
	if w.Calendar, err = calendar.New(zone, w.usual); err != nil {
		t.Fatal(err)
	}
	if err := w.Replace(w.data); err != nil {
		t.Fatal(err)
	}
	w.tell()
	return w
}

// tell works the minutes out without any of the calendar's code but for the
// embedded days, which it reads through Days.
func (w *world) tell() {
	marks := map[string]calendar.Mark{}
	for _, y := range []int{2026, 2027, 2028} {
		days, _, _ := w.Days(y)
		for _, d := range days {
			marks[d.Date] = d.Mark
		}
	}
	w.open = make([]bool, 3*365*24*60)
	for day := range len(w.open) / (24 * 60) {
		date := w.start.AddDate(0, 0, day)
		works := date.Weekday() != time.Saturday && date.Weekday() != time.Sunday
		if m := marks[date.Format(time.DateOnly)]; m != "" {
			works = m == calendar.Work
		}
		if !works {
			continue
		}
		shifts, md := w.usual, date.Format("01-02")
		for _, s := range w.data.Seasons {
			if s.From <= s.To && s.From <= md && md <= s.To || s.From > s.To && (md >= s.From || md <= s.To) {
				shifts = s.Shifts
			}
		}
		for _, s := range shifts {
			var fh, fm, th, tm int
			if _, err := fmt.Sscanf(s, "%d:%d-%d:%d", &fh, &fm, &th, &tm); err != nil {
				panic(err)
			}
			for m := fh*60 + fm; m < th*60+tm; m++ {
				w.open[day*24*60+m] = true
			}
		}
	}
}

func (w *world) at(minute int) time.Time { return w.start.Add(time.Duration(minute) * time.Minute) }

// after counts n working minutes off, one by one.
func (w *world) after(minute, n int) int {
	for n > 0 {
		if w.open[minute] {
			n--
		}
		minute++
	}
	return minute
}

func (w *world) between(from, to int) (n int) {
	for m := from; m < to; m++ {
		if w.open[m] {
			n++
		}
	}
	return n
}

// endOfDay is the end of the last working minute of the n-th working day after
// the one of a minute.
func (w *world) endOfDay(minute, n int) int {
	day, end := minute/(24*60), 0
	for n > 0 {
		day++
		end = 0
		for m := day * 24 * 60; m < (day+1)*24*60; m++ {
			if w.open[m] {
				end = m + 1
			}
		}
		if end > 0 {
			n--
		}
	}
	return end
}

// 100 calendars with 1,000 starts and limits each.
func TestWorkingTimeEqualsCountingMinutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		for range 1000 {
			from, hours := random.IntN(300*24*60), 1+random.IntN(8)
			start := w.at(from)
			hour := calendar.Limit{Value: hours, Unit: calendar.WorkHour}
			if got, want := w.Deadline(start, hour), w.at(w.after(from, hours*60)); !got.Equal(want) {
				t.Fatalf("%d working hours from %s: got %s, want %s", hours, start, got.In(zone), want)
			}
			day := calendar.Limit{Value: 1 + hours%4, Unit: calendar.WorkDay}
			if got, want := w.Deadline(start, day), w.at(w.endOfDay(from, day.Value)); !got.Equal(want) {
				t.Fatalf("%d working days from %s: got %s, want %s", day.Value, start, got.In(zone), want)
			}
			to := from + random.IntN(6*24*60)
			passed := w.Between(start, w.at(to), calendar.WorkHour)
			if want := time.Duration(w.between(from, to)) * time.Minute; passed != want || w.Between(start, w.at(to), calendar.WorkDay) != want {
				t.Fatalf("between %s and %s: got %s, want %s", start, w.at(to), passed, want)
			}
			left := 1 + random.IntN(900)
			if got, want := w.After(start, time.Duration(left)*time.Minute, calendar.WorkDay), w.at(w.after(from, left)); !got.Equal(want) {
				t.Fatalf("%d minutes after %s: got %s, want %s", left, start, got.In(zone), want)
			}
		}
	})
}

// A case that is suspended and goes on later is due as much later as working
// time passed meanwhile, wherever it is split; seconds count.
func TestPausingAndResumingCostsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		for _, u := range []calendar.Unit{calendar.UrgentHour, calendar.WorkHour, calendar.WorkDay} {
			from := w.start.Add(time.Duration(rapid.IntRange(0, 200*24*3600).Draw(t, "from")) * time.Second)
			whole := time.Duration(rapid.IntRange(1, 40*3600).Draw(t, "limit")) * time.Second
			due := w.After(from, whole, u)
			if got := w.Between(from, due, u); got != whole {
				t.Fatalf("%s: %s pass until %s is due, want %s", u, got, due, whole)
			}
			if got := w.After(from, w.Between(from, due, u), u); !got.Equal(due) {
				t.Fatalf("%s: due %s, counted again %s", u, due, got)
			}
			pause := from.Add(time.Duration(rapid.Int64Range(0, int64(due.Sub(from))).Draw(t, "pause")))
			passed := w.Between(from, pause, u)
			if rest := w.Between(pause, due, u); passed+rest != whole {
				t.Fatalf("%s: %s + %s are not %s", u, passed, rest, whole)
			}
			if got := w.After(pause, whole-passed, u); passed < whole && !got.Equal(due) {
				t.Fatalf("%s: paused at %s and resumed at once it is due %s instead of %s", u, pause, got, due)
			}
			if back := w.Between(due, from, u); back != 0 {
				t.Fatalf("%s: %s pass backwards", u, back)
			}
		}
	})
}

func BenchmarkDeadline(b *testing.B) {
	c, err := calendar.New(zone, []string{"08:00-12:00", "14:00-18:00"})
	if err != nil {
		b.Fatal(err)
	}
	start := time.Date(2026, 9, 30, 9, 0, 0, 0, zone)
	for _, l := range []calendar.Limit{{Value: 4, Unit: calendar.WorkHour}, {Value: 7, Unit: calendar.WorkDay}} {
		b.Run(string(l.Unit), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Deadline(start, l)
			}
		})
	}
}
