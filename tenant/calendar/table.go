package calendar

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"wangge/internal/errs"
)

//go:embed data/holidays.csv
var holidaysCSV string

// Mark says how a date differs from its weekday.
type Mark string

// The marks: a holiday (放假), a make-up day that is worked (调休上班).
const (
	Off  Mark = "off"
	Work Mark = "work"
)

// Day is a date that is not what its weekday says.
type Day struct {
	Date   string // 2026-10-01
	Mark   Mark
	Name   string // 国庆节
	Source string
}

// Season is a stretch of every year with shifts of its own, such as summer.
type Season struct {
	Name     string
	From, To string   // first and last day as 05-01 and 09-30; To before From runs over the turn of the year
	Shifts   []string // as in New
}

// Data is what a city says of its own calendar. A year with at least one day
// takes the place of the embedded one.
type Data struct {
	Days    []Day
	Seasons []Season
}

// The years a day may lie in.
const (
	FirstYear = 2000
	LastYear  = 2099
)

// ErrDay refuses a date that can't be kept, ErrSeason a season.
var (
	ErrDay    = errs.New(errs.Invalid, "bad_calendar_day", "日历日期有误：%s", "bad calendar day: %s")
	ErrSeason = errs.New(errs.Invalid, "bad_season", "季节性作息有误：%s", "bad season: %s")
)

// table is a calendar's data made ready to be asked. It does not change.
type table struct {
	first   int            // number of the day of marks[0]
	marks   []byte         // per day: 0 as the week says, else free or worked
	known   map[int]string // year → "embedded" or "city"
	sets    [][]Shift      // the ordinary shifts, then those of each season
	seasons []byte         // set per month<<5|day; nil without seasons
	data    Data
}

const (
	free byte = iota + 1
	worked
)

// Replace puts d in the place of what the city said before, all or nothing.
func (c *Calendar) Replace(d Data) error {
	t, err := newTable(c.ordinary, d)
	if err != nil {
		return err
	}
	c.table.Store(t)
	return nil
}

// Data is what the city says of its own calendar.
func (c *Calendar) Data() Data {
	d := c.table.Load().data
	return Data{slices.Clone(d.Days), slices.Clone(d.Seasons)}
}

// Days lists the days of a year that are not what their weekday says, by date,
// and whether that is the city's own data.
func (c *Calendar) Days(year int) (days []Day, own bool, err error) {
	t := c.table.Load()
	if own = t.known[year] == "city"; own {
		return ofYear(t.data.Days, year), own, nil
	}
	embedded, err := holidays()
	return ofYear(embedded, year), own, err
}

// Years lists the years there is data on.
func (c *Calendar) Years() []int { return slices.Sorted(maps.Keys(c.table.Load().known)) }

func ofYear(days []Day, year int) []Day {
	prefix := fmt.Sprintf("%04d-", year)
	var out []Day
	for _, d := range days {
		if strings.HasPrefix(d.Date, prefix) {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b Day) int { return strings.Compare(a.Date, b.Date) })
	return out
}

// holidays parses the embedded table once per process; it never changes.
var holidays = sync.OnceValues(func() ([]Day, error) {
	rows, err := csv.NewReader(strings.NewReader(holidaysCSV)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("holidays: %w", err)
	}
	days := make([]Day, 0, len(rows))
	for _, r := range rows[1:] {
		days = append(days, Day{r[0], Mark(r[1]), r[2], r[3]})
	}
	return days, nil
})

func newTable(ordinary []Shift, d Data) (*table, error) {
	first := dayNumber(FirstYear, 1, 1)
	t := &table{
		first: first, marks: make([]byte, dayNumber(LastYear+1, 1, 1)-first),
		known: map[int]string{}, sets: [][]Shift{ordinary}, data: d,
	}
	for _, day := range d.Days {
		if err := t.mark(day, "city"); err != nil {
			return nil, err
		}
	}
	embedded, err := holidays()
	if err != nil {
		return nil, err
	}
	for _, day := range embedded {
		if err := t.mark(day, "embedded"); err != nil {
			return nil, err
		}
	}
	return t, t.addSeasons(d.Seasons)
}

// mark notes a day; a year another origin already has is left to it.
func (t *table) mark(d Day, origin string) error {
	at, err := time.Parse(time.DateOnly, d.Date)
	if err != nil || at.Year() < FirstYear || at.Year() > LastYear || (d.Mark != Off && d.Mark != Work) {
		return ErrDay.With(d.Date + " " + string(d.Mark))
	}
	if held := t.known[at.Year()]; held != "" && held != origin {
		return nil
	}
	t.known[at.Year()] = origin
	mark := free
	if d.Mark == Work {
		mark = worked
	}
	t.marks[dayNumber(at.Date())-t.first] = mark
	return nil
}

func (t *table) addSeasons(seasons []Season) error {
	if len(seasons) == 0 {
		return nil
	}
	if len(seasons) > 200 {
		return ErrSeason.With(fmt.Sprint(len(seasons)))
	}
	t.seasons = make([]byte, 13<<5)
	for _, s := range seasons {
		shifts, err := parseShifts(s.Shifts)
		if err != nil {
			return err
		}
		t.sets = append(t.sets, shifts)
		from, ok1 := monthDay(s.From)
		to, ok2 := monthDay(s.To)
		if !ok1 || !ok2 {
			return ErrSeason.With(s.From + "–" + s.To)
		}
		set := byte(len(t.sets) - 1) // at most 200
		for at := from; ; at = (at + 1) % len(t.seasons) {
			if t.seasons[at] != 0 {
				return ErrSeason.With(s.From + "–" + s.To + "：" + fmt.Sprintf("%02d-%02d", at>>5, at&31))
			}
			t.seasons[at] = set
			if at == to {
				break
			}
		}
	}
	return nil
}

// monthDay reads 05-01; 02-29 is a day.
func monthDay(s string) (int, bool) {
	d, err := time.Parse(time.DateOnly, "2024-"+s)
	return int(d.Month())<<5 | d.Day(), err == nil
}

// working says whether a day is worked; 1970-01-01 was a Thursday.
func (t *table) working(day int) bool {
	if i := day - t.first; i >= 0 && i < len(t.marks) && t.marks[i] != 0 {
		return t.marks[i] == worked
	}
	weekday := (day%7 + 7 + int(time.Thursday)) % 7
	return weekday != int(time.Saturday) && weekday != int(time.Sunday)
}

// shifts are those of a day, as its season has them.
func (t *table) shifts(day int) []Shift {
	if t.seasons == nil {
		return t.sets[0]
	}
	_, m, d := time.Unix(int64(day)*86400, 0).UTC().Date()
	return t.sets[t.seasons[int(m)<<5|d]]
}
