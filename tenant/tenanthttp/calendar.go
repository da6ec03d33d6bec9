package tenanthttp

import (
	"context"

	"wangge/internal/web"
	"wangge/tenant/access"
	"wangge/tenant/calendar"
)

type calendarQuery struct {
	Year int `query:"year" required:"true" minimum:"2000" maximum:"2099"`
}

// CalendarDay is a day that is not what its weekday says.
type CalendarDay struct {
	Date   string `json:"date"`
	Kind   string `json:"kind" enum:"off,work"`
	Name   string `json:"name"`
	Source string `json:"source"`
}

// Season is a stretch of every year with shifts of its own.
type Season struct {
	Name   string   `json:"name" required:"true" minLength:"1" maxLength:"60"`
	From   string   `json:"from" required:"true" pattern:"^[0-9]{2}-[0-9]{2}$" example:"06-01" description:"first day"`
	To     string   `json:"to" required:"true" pattern:"^[0-9]{2}-[0-9]{2}$" example:"08-31" description:"last day; before the first it is of the next year"`
	Shifts []string `json:"shifts" required:"true" minItems:"1" maxItems:"10" nullable:"false" description:"such as 07:30-11:30; none may cross midnight"`
}

// CalendarYear is a city's working time in a year.
type CalendarYear struct {
	Year    int           `json:"year"`
	Known   bool          `json:"known" description:"false: there is no data, only weekends are days off"`
	Own     bool          `json:"own" description:"the days are the city's, not those that come with the program"`
	Years   []int         `json:"years" description:"that there is data on"`
	Shifts  []string      `json:"shifts" description:"outside the seasons"`
	Seasons []Season      `json:"seasons"`
	Days    []CalendarDay `json:"days"`
}

// CalendarReport says what an import of days did, or would do.
type CalendarReport struct {
	Years   []int        `json:"years" description:"replaced"`
	Days    int          `json:"days"`
	Changes []DateChange `json:"changes" description:"dates that become worked or free"`
}

// DateChange is a date that becomes worked or free.
type DateChange struct {
	Date string `json:"date"`
	Was  string `json:"was" enum:"off,work"`
	Will string `json:"will" enum:"off,work"`
}

type seasonsChange struct {
	Seasons []Season `json:"seasons" required:"true" maxItems:"12" nullable:"false"`
}

func calendarRoutes() []Route {
	const tag = "calendar"
	imports := guarded("PUT", "/calendar/days", access.CalendarEdit, tag,
		"导入放假与调休日（请求体为 CSV 或 XLSX），按年整体替换", "import holidays and make-up days (the body is CSV or XLSX), whole years at once")
	imports.MaxBody, imports.Body = maxConditionFile, "text/csv"
	return []Route{
		web.Handle(guarded("GET", "/calendar", access.CatalogRead, tag, "工作日历", "the working calendar"), calendarYear),
		web.Handle(imports, importDays),
		web.Handle(guarded("PUT", "/calendar/seasons", access.CalendarEdit, tag, "设置季节性作息", "set the shifts of seasons"), setSeasons),
	}
}

func calendarYear(_ context.Context, r *Request, in calendarQuery) (CalendarYear, error) {
	c := r.City.Calendar
	days, own, err := c.Days(in.Year)
	out := CalendarYear{
		Year: in.Year, Known: c.Known(in.Year), Own: own, Years: c.Years(), Shifts: r.City.Settings.Shifts,
		Seasons: []Season{}, Days: make([]CalendarDay, len(days)),
	}
	for _, s := range c.Data().Seasons {
		out.Seasons = append(out.Seasons, Season{s.Name, s.From, s.To, s.Shifts})
	}
	for i, d := range days {
		out.Days[i] = CalendarDay{d.Date, string(d.Mark), d.Name, d.Source}
	}
	return out, err
}

func importDays(ctx context.Context, r *Request, in rehearsal) (CalendarReport, error) {
	file, err := openSheet(r)
	if err != nil {
		return CalendarReport{}, err
	}
	report, err := r.City.Holidays.Import(ctx, "body", file, in.Rehearse)
	out := CalendarReport{report.Years, report.Days, []DateChange{}}
	for _, d := range report.Differences {
		out.Changes = append(out.Changes, DateChange{d.Date, string(d.Was), string(d.Will)})
	}
	return out, err
}

func setSeasons(ctx context.Context, r *Request, in seasonsChange) (struct{}, error) {
	list := make([]calendar.Season, len(in.Seasons))
	for i, s := range in.Seasons {
		list[i] = calendar.Season(s)
	}
	return struct{}{}, r.City.Holidays.SetSeasons(ctx, list)
}
