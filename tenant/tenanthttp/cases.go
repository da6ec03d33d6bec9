package tenanthttp

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"wangge/internal/errs"
	"wangge/internal/web"
	"wangge/tenant/access"
	"wangge/tenant/casework"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

// Case is a case file as people see it. The reporter is masked.
type Case struct {
	Number       string     `json:"number" description:"day and serial: 20261123-000042"`
	Stage        string     `json:"stage"`
	StageZh      string     `json:"stage_zh"`
	Version      int64      `json:"version" description:"send it back with a command to be told of a change in between"`
	Channel      string     `json:"channel"`
	Condition    string     `json:"condition"`
	KindVersion  string     `json:"kind_version"`
	Kind         string     `json:"kind"`
	KindZh       string     `json:"kind_zh"`
	Description  string     `json:"description"`
	Address      string     `json:"address"`
	Lon          float64    `json:"lon" description:"degrees, CGCS2000"`
	Lat          float64    `json:"lat" description:"degrees, CGCS2000"`
	Grid         string     `json:"grid" description:"15-digit unit grid code"`
	Department   string     `json:"department,omitempty"`
	Reworks      int        `json:"reworks"`
	HasReporter  bool       `json:"has_reporter"`
	ReportedAt   time.Time  `json:"reported_at"`
	FiledAt      *time.Time `json:"filed_at,omitempty"`
	DispatchedAt *time.Time `json:"dispatched_at,omitempty"`
	Due          *time.Time `json:"due,omitempty" description:"end of the handling limit"`
	HandledAt    *time.Time `json:"handled_at,omitempty"`
	ClosedAt     *time.Time `json:"closed_at,omitempty"`
}

// Step is one entry of a case's journal.
type Step struct {
	Seq        int64     `json:"seq"`
	Action     string    `json:"action"`
	ActionZh   string    `json:"action_zh"`
	From       string    `json:"from"`
	To         string    `json:"to"`
	At         time.Time `json:"at"`
	Account    int64     `json:"account"`
	Role       string    `json:"role"`
	Department string    `json:"department,omitempty"`
	Note       string    `json:"note,omitempty"`
}

type caseKey struct {
	Number string `path:"number" json:"-"`
}

type caseQuery struct {
	Stage      string `query:"stage" enum:"reported,filed,declined,dispatched,handled,verified,closed"`
	Department string `query:"department"`
	After      string `query:"after" description:"cursor of the page before"`
	Limit      int    `query:"limit" minimum:"1" maximum:"200"`
}

// CasePage is a page of cases, oldest first.
type CasePage struct {
	Cases []Case `json:"cases"`
	Next  string `json:"next,omitempty" description:"cursor of the next page, absent on the last"`
}

type newCase struct {
	Key         string    `header:"Idempotency-Key" json:"-" maxLength:"100"`
	Channel     string    `json:"channel" required:"true" enum:"supervisor,citizen,hotline"`
	Condition   string    `json:"condition" required:"true" minLength:"1" description:"filing condition code"`
	Description string    `json:"description" required:"true" minLength:"1" maxLength:"2000"`
	Address     string    `json:"address" maxLength:"2000"`
	Lon         float64   `json:"lon" required:"true" minimum:"-180" maximum:"180"`
	Lat         float64   `json:"lat" required:"true" minimum:"-90" maximum:"90"`
	Reporter    *reporter `json:"reporter,omitempty"`
}

type reporter struct {
	Name  string `json:"name" maxLength:"50"`
	Phone string `json:"phone" maxLength:"50"`
}

type command struct {
	Key     string `header:"Idempotency-Key" json:"-" maxLength:"100"`
	Number  string `path:"number" json:"-"`
	Note    string `json:"note" maxLength:"2000"`
	Version int64  `json:"version" minimum:"0" description:"the version seen; 0 takes the newest"`
}

type dispatch struct {
	Key        string `header:"Idempotency-Key" json:"-" maxLength:"100"`
	Number     string `path:"number" json:"-"`
	Note       string `json:"note" maxLength:"2000"`
	Version    int64  `json:"version" minimum:"0"`
	Department string `json:"department" required:"true" minLength:"1"`
}

func caseRoutes() []Route {
	const tag = "cases"
	routes := []Route{
		web.Handle(guarded("GET", "/cases", access.CaseRead, tag, "案卷列表", "list cases"), listCases),
		web.Handle(created(guarded("POST", "/cases", access.CaseReport, tag, "上报问题", "report a problem")), reportCase),
		web.Handle(guarded("GET", "/cases/:number", access.CaseRead, tag, "案卷详情", "one case"), oneCase),
		web.Handle(guarded("GET", "/cases/:number/steps", access.CaseRead, tag, "案卷流转记录", "a case's journal"), caseSteps),
		web.Handle(guarded("GET", "/cases/:number/reporter", access.CaseContact, tag, "举报人联系方式", "how to reach the reporter"), contact),
		web.Handle(guarded("POST", "/cases/:number/dispatch", access.CaseDispatch, tag, "派遣", "dispatch to a department"), dispatchCase),
	}
	for _, a := range []struct {
		action casework.Action
		do     func(*casework.Service) func(context.Context, casework.Command) (*casework.Case, error)
	}{
		{casework.ActionFile, func(s *casework.Service) func(context.Context, casework.Command) (*casework.Case, error) {
			return s.File
		}},
		{casework.ActionDecline, func(s *casework.Service) func(context.Context, casework.Command) (*casework.Case, error) {
			return s.Decline
		}},
		{casework.ActionHandle, func(s *casework.Service) func(context.Context, casework.Command) (*casework.Case, error) {
			return s.Handle
		}},
		{casework.ActionVerify, func(s *casework.Service) func(context.Context, casework.Command) (*casework.Case, error) {
			return s.Verify
		}},
		{casework.ActionRework, func(s *casework.Service) func(context.Context, casework.Command) (*casework.Case, error) {
			return s.Rework
		}},
		{casework.ActionClose, func(s *casework.Service) func(context.Context, casework.Command) (*casework.Case, error) {
			return s.Close
		}},
	} {
		name := casework.ActionNames[a.action]
		route := guarded("POST", "/cases/:number/"+string(a.action), a.action.Permission(), tag, name.Zh, name.En)
		routes = append(routes, web.Handle(route, func(ctx context.Context, r *Request, in command) (Case, error) {
			by, err := actor(ctx, r, a.action)
			if err != nil {
				return Case{}, err
			}
			c, err := a.do(r.City.Cases)(ctx, casework.Command{Number: in.Number, By: by, Note: in.Note, Key: in.Key, Version: in.Version})
			return r.view(ctx, c, err)
		}))
	}
	return routes
}

func created(r Route) Route {
	r.Status = http.StatusCreated
	return r
}

// actor is the session's account in the post whose rules let it do this; the
// journal names that post.
func actor(ctx context.Context, r *Request, a casework.Action) (casework.Actor, error) {
	held, err := r.City.Org.HeldBy(ctx, r.Session.Account.ID)
	if err != nil {
		return casework.Actor{}, err
	}
	for _, h := range held {
		ok := len(held) == 1 // the guard has asked for the only one
		if !ok {
			ok, err = r.City.Policy.AllowedRole(ctx, string(h.Role), string(a.Permission()), r.Session.PolicyVersion)
		}
		if err != nil {
			return casework.Actor{}, err
		}
		if ok {
			return casework.Actor{Account: h.Account, Role: string(h.Role), Department: h.Department}, nil
		}
	}
	return casework.Actor{}, web.ErrForbidden.With(string(a.Permission())) // the post was taken away meanwhile
}

// scope is the department whose cases alone the session may see, "" for all:
// who holds no post but a department's sees that department's cases.
func scope(ctx context.Context, r *Request) (department string, err error) {
	roles := r.Session.Account.Roles
	if slices.ContainsFunc(roles, func(role string) bool { return role != string(org.DepartmentHandler) }) {
		return "", nil
	}
	held, err := r.City.Org.HeldBy(ctx, r.Session.Account.ID)
	if err == nil && len(held) == 0 {
		err = web.ErrForbidden.With(string(access.CaseRead))
	}
	if err != nil {
		return "", err
	}
	return held[0].Department, nil
}

// seen returns a case that the session may see; another department's is as if
// it were not there.
func seen(ctx context.Context, r *Request, number string) (*casework.Case, error) {
	only, err := scope(ctx, r)
	if err != nil {
		return nil, err
	}
	c, err := r.City.Cases.Case(ctx, number)
	if err == nil && only != "" && c.Department != only {
		return nil, casework.ErrNoCase
	}
	return c, err
}

func listCases(ctx context.Context, r *Request, in caseQuery) (CasePage, error) {
	after := int64(0)
	if in.After != "" {
		n, err := strconv.ParseInt(in.After, 36, 64)
		if err != nil {
			return CasePage{}, errs.Field("after", "游标有误", "bad cursor")
		}
		after = n
	}
	if in.Limit <= 0 || in.Limit > casework.MaxPage {
		in.Limit = casework.MaxPage
	}
	only, err := scope(ctx, r)
	if err != nil {
		return CasePage{}, err
	}
	if only != "" {
		in.Department = only
	}
	list, err := r.City.Cases.Cases(ctx, casework.Filter{Stage: casework.Stage(in.Stage), Department: in.Department, After: after, Limit: in.Limit})
	if err != nil {
		return CasePage{}, err
	}
	page := CasePage{Cases: make([]Case, len(list))}
	for i := range list {
		if page.Cases[i], err = r.view(ctx, &list[i], nil); err != nil {
			return CasePage{}, err
		}
	}
	if len(list) == in.Limit {
		page.Next = strconv.FormatInt(list[len(list)-1].ID, 36)
	}
	return page, nil
}

func reportCase(ctx context.Context, r *Request, in newCase) (Case, error) {
	by, err := actor(ctx, r, casework.ActionReport)
	if err != nil {
		return Case{}, err
	}
	report := casework.ReportInput{
		By: by, Key: in.Key, Channel: casework.Channel(in.Channel), Condition: in.Condition,
		Description: in.Description, Address: in.Address, Place: grid.Point{Lon: in.Lon, Lat: in.Lat},
	}
	if in.Reporter != nil {
		report.Reporter = casework.Reporter(*in.Reporter)
	}
	c, err := r.City.Cases.Report(ctx, report)
	return r.view(ctx, c, err)
}

func oneCase(ctx context.Context, r *Request, in caseKey) (Case, error) {
	c, err := seen(ctx, r, in.Number)
	return r.view(ctx, c, err)
}

func caseSteps(ctx context.Context, r *Request, in caseKey) ([]Step, error) {
	if _, err := seen(ctx, r, in.Number); err != nil {
		return nil, err
	}
	steps, err := r.City.Cases.Steps(ctx, in.Number)
	out := make([]Step, len(steps))
	for i, s := range steps {
		out[i] = Step{
			s.Seq, string(s.Action), casework.ActionNames[s.Action].Zh, string(s.From), string(s.To), s.At,
			s.By.Account, s.By.Role, s.By.Department, s.Note,
		}
	}
	return out, err
}

func contact(ctx context.Context, r *Request, in caseKey) (reporter, error) {
	who, err := r.City.Cases.Contact(ctx, in.Number)
	return reporter(who), err
}

func dispatchCase(ctx context.Context, r *Request, in dispatch) (Case, error) {
	by, err := actor(ctx, r, casework.ActionDispatch)
	if err != nil {
		return Case{}, err
	}
	c, err := r.City.Cases.Dispatch(ctx, casework.Command{Number: in.Number, By: by, Note: in.Note, Key: in.Key, Version: in.Version}, in.Department)
	return r.view(ctx, c, err)
}

// view shows a case, with the name of its kind from the city's catalogue.
func (r *Request) view(ctx context.Context, c *casework.Case, err error) (Case, error) {
	if err != nil {
		return Case{}, err
	}
	condition, err := r.City.Catalogue.Condition(ctx, c.Condition)
	if err != nil {
		return Case{}, err
	}
	return Case{
		Number: c.Number, Stage: string(c.Stage), StageZh: casework.StageNames[c.Stage].Zh, Version: c.Version,
		Channel: string(c.Channel), Condition: c.Condition, KindVersion: c.KindVersion, Kind: c.Kind, KindZh: condition.Kind.Name,
		Description: c.Description, Address: c.Address, Lon: c.Place.Lon, Lat: c.Place.Lat, Grid: c.Grid.String(),
		Department: c.Department, Reworks: c.Reworks, HasReporter: c.Reporter != nil, ReportedAt: c.ReportedAt,
		FiledAt: optional(c.FiledAt), DispatchedAt: optional(c.DispatchedAt), Due: optional(c.Due),
		HandledAt: optional(c.HandledAt), ClosedAt: optional(c.ClosedAt),
	}, nil
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
