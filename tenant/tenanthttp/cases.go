package tenanthttp

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
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
	Number       string      `json:"number" description:"day and serial: 20261123-000042"`
	Stage        string      `json:"stage"`
	StageZh      string      `json:"stage_zh"`
	Version      int64       `json:"version" description:"send it back with a command to be told of a change in between"`
	Channel      string      `json:"channel"`
	Condition    string      `json:"condition"`
	KindVersion  string      `json:"kind_version"`
	Sort         string      `json:"sort" description:"part or event"`
	Kind         string      `json:"kind"`
	KindZh       string      `json:"kind_zh"`
	Part         string      `json:"part,omitempty" description:"id of the part it concerns"`
	Description  string      `json:"description"`
	Address      string      `json:"address"`
	Lon          float64     `json:"lon" description:"degrees, CGCS2000"`
	Lat          float64     `json:"lat" description:"degrees, CGCS2000"`
	Grid         string      `json:"grid" description:"15-digit unit grid code"`
	GridSet      int64       `json:"grid_set" description:"the version of the grids that grid is of"`
	Confirmation string      `json:"confirmation,omitempty" description:"what the check on site before filing found: found or not_found"`
	Command      string      `json:"command,omitempty" description:"the district command centre that holds it"`
	Department   string      `json:"department,omitempty"`
	Assistants   []Assistant `json:"assistants,omitempty"`
	Checker      int64       `json:"checker,omitempty" description:"the account drawn for the check on site that is due"`
	Parent       string      `json:"parent,omitempty"`
	Into         string      `json:"merged_into,omitempty"`
	Elsewhere    string      `json:"elsewhere,omitempty" description:"city and number it was transferred to, or came from"`
	Reworks      int         `json:"reworks"`
	Returns      int         `json:"returns" description:"how often departments have passed it on"`
	Extensions   int         `json:"extensions"`
	Suspensions  int         `json:"suspensions"`
	Vetoes       int         `json:"vetoes"`
	Level        int         `json:"level" description:"rungs of the escalation ladder reached at this stage"`
	HasReporter  bool        `json:"has_reporter"`
	ReportedAt   time.Time   `json:"reported_at"`
	FiledAt      *time.Time  `json:"filed_at,omitempty"`
	DispatchedAt *time.Time  `json:"dispatched_at,omitempty"`
	Due          *time.Time  `json:"due,omitempty" description:"end of the handling limit"`
	Paused       bool        `json:"paused" description:"the handling limit stands still"`
	StageDue     *time.Time  `json:"stage_due,omitempty" description:"end of the time for the present stage"`
	Overdue      bool        `json:"overdue" description:"the present stage is past its time"`
	HandledAt    *time.Time  `json:"handled_at,omitempty"`
	ClosedAt     *time.Time  `json:"closed_at,omitempty"`
}

// Assistant is a department that helps the lead one.
type Assistant struct {
	Department string     `json:"department"`
	DoneAt     *time.Time `json:"done_at,omitempty"`
}

// Sheet is a case with what the workflow allows next.
type Sheet struct {
	Case    Case     `json:"case"`
	Actions []Choice `json:"actions" description:"what the workflow and your rights allow now"`
}

// Choice is an action that may be taken.
type Choice struct {
	Action string `json:"action"`
	Zh     string `json:"zh"`
	En     string `json:"en"`
	Reason bool   `json:"reason" description:"a note is needed"`
}

// Step is one entry of a case's journal.
type Step struct {
	Seq        int64           `json:"seq"`
	Action     string          `json:"action"`
	ActionZh   string          `json:"action_zh"`
	From       string          `json:"from"`
	To         string          `json:"to"`
	At         time.Time       `json:"at"`
	Account    int64           `json:"account"`
	Role       string          `json:"role"`
	Department string          `json:"department,omitempty"`
	Note       string          `json:"note,omitempty"`
	Detail     casework.Detail `json:"detail"`
}

type caseKey struct {
	Number string `path:"number" json:"-"`
}

type newCase struct {
	Key         string    `header:"Idempotency-Key" json:"-" maxLength:"100"`
	Channel     string    `json:"channel" required:"true" enum:"supervisor,citizen,hotline"`
	Condition   string    `json:"condition" required:"true" minLength:"1" description:"filing condition code"`
	Part        string    `json:"part" maxLength:"20" description:"id of the part it concerns"`
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

func caseRoutes() []Route {
	const tag = "cases"
	return slices.Concat([]Route{
		web.Handle(guarded("GET", "/cases", access.CaseRead, tag, "案卷列表", "list cases"), listCases),
		web.Handle(guarded("GET", "/cases/counters", access.CaseRead, tag, "各阶段在办、预警、超期件数", "open, warned and overdue cases by stage"), counters),
		web.Handle(guarded("GET", "/cases/duplicates", access.CaseRead, tag, "疑似重复件（同类、相近、同期）", "cases that may tell of the same problem"), duplicates),
		web.Handle(guarded("GET", "/cases/export", access.CaseExport, tag, "导出案卷（CSV 或 XLSX）", "export cases as CSV or XLSX"), exportCases),
		web.Handle(created(guarded("POST", "/cases", access.CaseReport, tag, "上报问题", "report a problem")), reportCase),
		web.Handle(guarded("GET", "/cases/:number", access.CaseRead, tag, "案卷详情与可执行的操作", "one case and what may be done"), oneCase),
		web.Handle(guarded("GET", "/cases/:number/steps", access.CaseRead, tag, "案卷流转记录", "a case's journal"), caseSteps),
		web.Handle(guarded("GET", "/cases/:number/reporter", access.CaseContact, tag, "举报人联系方式", "how to reach the reporter"), contact),
	}, commandRoutes(tag))
}

func created(r Route) Route {
	r.Status = http.StatusCreated
	return r
}

// hat is the session's account in a post whose rules let it do something, and
// the other units in which it holds that post.
type hat struct {
	by   casework.Actor
	also []string
}

// wear finds the post for a permission; the journal names that post.
func wear(ctx context.Context, r *Request, p access.Permission) (hat, error) {
	held, err := r.City.Org.Posts(ctx, r.Session.Account.ID, r.Session.PolicyVersion)
	if err != nil {
		return hat{}, err
	}
	var h hat
	for _, post := range held {
		if h.by.Role != "" {
			if string(post.Role) == h.by.Role {
				h.also = append(h.also, post.Department)
			}
			continue
		}
		ok := len(held) == 1 // the guard has asked for the only one
		if !ok {
			ok, err = r.City.Policy.AllowedRole(ctx, string(post.Role), string(p), r.Session.PolicyVersion)
		}
		if err != nil {
			return hat{}, err
		}
		if ok {
			h.by = casework.Actor{Account: r.Session.Account.ID, Role: string(post.Role), Department: post.Department}
		}
	}
	if h.by.Role == "" {
		return hat{}, web.ErrForbidden.With(string(p)) // the post was taken away meanwhile
	}
	return h, nil
}

// scope lists the departments whose cases alone the session may see, nil for
// all: who holds no post but a department's sees those departments' cases.
func scope(ctx context.Context, r *Request) ([]string, error) {
	roles := r.Session.Account.Roles
	if slices.ContainsFunc(roles, func(role string) bool { return role != string(org.DepartmentHandler) }) {
		return nil, nil
	}
	held, err := r.City.Org.Posts(ctx, r.Session.Account.ID, r.Session.PolicyVersion)
	if err == nil && len(held) == 0 {
		err = web.ErrForbidden.With(string(access.CaseRead))
	}
	departments := make([]string, len(held))
	for i, h := range held {
		departments[i] = h.Department
	}
	return departments, err
}

// seen returns a case that the session may see; another department's is as if
// it were not there.
func seen(ctx context.Context, r *Request, number string) (*casework.Case, error) {
	only, err := scope(ctx, r)
	if err != nil {
		return nil, err
	}
	c, err := r.City.Cases.Case(ctx, number)
	if err == nil && only != nil && !concerns(c, only) {
		return nil, casework.ErrNoCase
	}
	return c, err
}

// concerns says whether one of the departments handles a case or helps.
func concerns(c *casework.Case, departments []string) bool {
	return slices.Contains(departments, c.Department) || slices.ContainsFunc(c.Assistants, func(a casework.Assistant) bool {
		return slices.Contains(departments, a.Department)
	})
}

func reportCase(ctx context.Context, r *Request, in newCase) (Case, error) {
	h, err := wear(ctx, r, access.CaseReport)
	if err != nil {
		return Case{}, err
	}
	if err := urgent(ctx, r, in.Condition); err != nil {
		return Case{}, err
	}
	report := casework.ReportInput{
		By: h.by, Key: in.Key, Channel: casework.Channel(in.Channel), Condition: in.Condition, Part: in.Part,
		Description: in.Description, Address: in.Address, Place: grid.Point{Lon: in.Lon, Lat: in.Lat},
	}
	if in.Reporter != nil {
		report.Reporter = casework.Reporter(*in.Reporter)
	}
	c, err := r.City.Cases.Report(ctx, report)
	return r.view(ctx, c, err)
}

func oneCase(ctx context.Context, r *Request, in caseKey) (Sheet, error) {
	c, err := seen(ctx, r, in.Number)
	if err != nil {
		return Sheet{}, err
	}
	sheet := Sheet{Actions: []Choice{}}
	for _, a := range r.City.Cases.May(c) {
		ok, err := r.May(ctx, string(a.Permission()))
		if err != nil {
			return Sheet{}, err
		}
		if ok {
			name := a.Name()
			sheet.Actions = append(sheet.Actions, Choice{string(a), name.Zh, name.En, a.NeedsReason()})
		}
	}
	sheet.Case, err = r.view(ctx, c, nil)
	return sheet, err
}

func caseSteps(ctx context.Context, r *Request, in caseKey) ([]Step, error) {
	if _, err := seen(ctx, r, in.Number); err != nil {
		return nil, err
	}
	steps, err := r.City.Cases.Steps(ctx, in.Number)
	out := make([]Step, len(steps))
	for i, s := range steps {
		out[i] = Step{
			s.Seq, string(s.Action), s.Action.Name().Zh, string(s.From), string(s.To), s.At,
			s.By.Account, s.By.Role, s.By.Department, s.Note, s.Detail,
		}
	}
	return out, err
}

func contact(ctx context.Context, r *Request, in caseKey) (reporter, error) {
	who, err := r.City.Cases.Contact(ctx, in.Number)
	return reporter(who), err
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
	view := Case{
		Number: c.Number, Stage: string(c.Stage), StageZh: c.Stage.Name().Zh, Version: c.Version,
		Channel: string(c.Channel), Condition: c.Condition, KindVersion: c.KindVersion, Sort: string(c.Sort), Kind: c.Kind, KindZh: condition.Kind.Name, Part: c.Part,
		Description: c.Description, Address: c.Address, Lon: c.Place.Lon, Lat: c.Place.Lat, Grid: c.Grid.String(), GridSet: c.GridSet,
		Confirmation: string(c.Confirmation), Command: c.Command, Department: c.Department, Checker: c.Checker,
		Parent: c.Parent, Into: c.Into, Elsewhere: c.Elsewhere,
		Reworks: c.Reworks, Returns: c.Returns, Extensions: c.Extensions, Suspensions: c.Suspensions, Vetoes: c.Vetoes, Level: c.Level,
		HasReporter: c.Reporter != nil, ReportedAt: c.ReportedAt,
		FiledAt: optional(c.FiledAt), DispatchedAt: optional(c.DispatchedAt), Due: optional(c.Handling.Due), Paused: c.Handling.Paused,
		StageDue: optional(c.StageDue), Overdue: r.City.Cases.Overdue(c), HandledAt: optional(c.HandledAt), ClosedAt: optional(c.ClosedAt),
	}
	for _, a := range c.Assistants {
		view.Assistants = append(view.Assistants, Assistant{a.Department, optional(a.DoneAt)})
	}
	return view, nil
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// cursor writes and reads where a page goes on.
func cursor(c casework.Cursor) string {
	return strconv.FormatInt(c.ID, 36) + "." + strconv.FormatInt(c.Due, 36)
}

func parseCursor(s string) (c casework.Cursor, err error) {
	if s == "" {
		return c, nil
	}
	id, due, _ := strings.Cut(s, ".")
	if c.ID, err = strconv.ParseInt(id, 36, 64); err == nil {
		c.Due, err = strconv.ParseInt(due, 36, 64)
	}
	if err != nil || c.ID < 1 {
		return casework.Cursor{}, errs.Field("after", "游标有误", "bad cursor")
	}
	return c, nil
}
