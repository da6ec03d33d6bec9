package tenanthttp

import (
	"context"
	"strings"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/casework"
	"wangge/tenant/grid"
)

type caseQuery struct {
	Stage      string `query:"stage" description:"one or more stages, with commas between"`
	Department string `query:"department" description:"handles the case or helps"`
	Mine       bool   `query:"mine" description:"only those whose check on site was drawn for you"`
	Area       string `query:"area" maxLength:"15" description:"beginning of the grid code: county, street, community or grid"`
	Kind       string `query:"kind"`
	Channel    string `query:"channel" enum:"supervisor,citizen,hotline,transfer"`
	Parent     string `query:"parent" description:"children of this case"`
	Into       string `query:"merged_into" description:"duplicates merged into this case"`
	Overdue    bool   `query:"overdue" description:"only those past the time of their stage"`
	Text       string `query:"q" maxLength:"100" description:"words of description or address"`
	From       string `query:"from" description:"first day of the report: 2026-11-23"`
	To         string `query:"to" description:"last day of the report: 2026-11-23"`
	Sort       string `query:"sort" enum:"newest,urgency" description:"oldest first when absent"`
	After      string `query:"after" description:"cursor of the page before"`
	Limit      int    `query:"limit" minimum:"1" maximum:"200"`
}

// CasePage is a page of cases.
type CasePage struct {
	Cases []Case `json:"cases"`
	Next  string `json:"next,omitempty" description:"cursor of the next page, absent on the last"`
}

// filter is what the query asks, within what the session may see.
func (in caseQuery) filter(ctx context.Context, r *Request) (f casework.Filter, err error) {
	f = casework.Filter{
		Area: in.Area, Kind: in.Kind, Channel: casework.Channel(in.Channel), Parent: in.Parent, Into: in.Into, Overdue: in.Overdue,
		Text: in.Text, From: in.From, To: in.To, Sort: casework.Sort(in.Sort), Limit: in.Limit,
	}
	if f.Text != "" && f.Sort == casework.ByAge {
		f.Sort = casework.ByNewest
	}
	if f.After, err = parseCursor(in.After); err != nil {
		return f, err
	}
	if err := errs.Problems(in.faults()...); err != nil {
		return f, err
	}
	for s := range strings.SplitSeq(in.Stage, ",") {
		if s == "" {
			continue
		}
		if casework.Stage(s).Name() == casework.Stage("").Name() {
			return f, errs.Field("stage", "阶段未知："+s, "unknown stage: "+s)
		}
		f.Stages = append(f.Stages, casework.Stage(s))
	}
	if in.Department != "" {
		f.Departments = []string{in.Department}
	}
	if in.Mine {
		f.Checker = r.Session.Account.ID
	}
	only, err := scope(ctx, r)
	if only != nil {
		f.Departments = only
	}
	return f, err
}

// faults names what the tags of the query can't tell cheaply.
func (in caseQuery) faults() (out []errs.Problem) {
	if strings.Trim(in.Area, "0123456789") != "" {
		out = append(out, errs.Problem{Field: "area", Zh: "区划或网格编码只含数字", En: "a division or grid code has digits only"})
	}
	for _, d := range [][2]string{{"from", in.From}, {"to", in.To}} {
		if _, err := time.Parse(time.DateOnly, d[1]); d[1] != "" && err != nil {
			out = append(out, errs.Problem{Field: d[0], Zh: "日期应为 2026-11-23 的形式", En: "a day is written as 2026-11-23"})
		}
	}
	return out
}

func listCases(ctx context.Context, r *Request, in caseQuery) (CasePage, error) {
	f, err := in.filter(ctx, r)
	if err != nil {
		return CasePage{}, err
	}
	if f.Limit == 0 {
		f.Limit = casework.MaxPage
	}
	list, err := r.City.Cases.Cases(ctx, f)
	if err != nil {
		return CasePage{}, err
	}
	page := CasePage{Cases: make([]Case, len(list))}
	for i := range list {
		if page.Cases[i], err = r.view(ctx, &list[i], nil); err != nil {
			return CasePage{}, err
		}
	}
	if len(list) == f.Limit {
		page.Next = cursor(list[len(list)-1].Cursor())
	}
	return page, nil
}

// Counter counts the open cases at a stage.
type Counter struct {
	Stage   string `json:"stage"`
	StageZh string `json:"stage_zh"`
	Cases   int    `json:"cases"`
	Warned  int    `json:"warned" description:"a rung of the escalation ladder was reached, but it is not overdue"`
	Overdue int    `json:"overdue"`
}

func counters(ctx context.Context, r *Request, in caseQuery) ([]Counter, error) {
	f, err := in.filter(ctx, r)
	if err != nil {
		return nil, err
	}
	list, err := r.City.Cases.Counters(ctx, f)
	out := make([]Counter, len(list))
	for i, n := range list {
		out[i] = Counter{string(n.Stage), n.Stage.Name().Zh, n.Cases, n.Warned, n.Overdue}
	}
	return out, err
}

type duplicateQuery struct {
	Condition string  `query:"condition" required:"true" minLength:"1" description:"filing condition code"`
	Lon       float64 `query:"lon" required:"true" minimum:"-180" maximum:"180"`
	Lat       float64 `query:"lat" required:"true" minimum:"-90" maximum:"90"`
	Number    string  `query:"number" description:"the case that is looked at, which is left out"`
}

// Nearby is a case that may tell of the same problem.
type Nearby struct {
	Case   Case    `json:"case"`
	Metres float64 `json:"metres"`
}

func duplicates(ctx context.Context, r *Request, in duplicateQuery) ([]Nearby, error) {
	only, err := scope(ctx, r)
	if err != nil {
		return nil, err
	}
	condition, err := r.City.Catalogue.Condition(ctx, in.Condition)
	if err != nil {
		return nil, err
	}
	list, err := r.City.Cases.Duplicates(ctx, condition.Kind, grid.Point{Lon: in.Lon, Lat: in.Lat}, in.Number)
	out := []Nearby{}
	for i := range list {
		if only != nil && !concerns(&list[i].Case, only) {
			continue
		}
		c, err := r.view(ctx, &list[i].Case, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, Nearby{c, list[i].Metres})
	}
	return out, err
}
