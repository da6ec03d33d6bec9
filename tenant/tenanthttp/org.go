package tenanthttp

import (
	"context"

	"wangge/internal/web"
	"wangge/tenant/access"
	"wangge/tenant/org"
)

// Department is a unit of the city.
type Department struct {
	Code    string `json:"code"`
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Parent  string `json:"parent,omitempty"`
	Area    string `json:"area,omitempty" description:"division of 6, 9 or 12 digits; absent for the whole city"`
	Retired string `json:"retired,omitempty" description:"first day on which it takes no new cases"`
}

type departmentChange struct {
	Code   string `path:"department" json:"-"`
	Name   string `json:"name" required:"true" minLength:"1"`
	Kind   string `json:"kind" required:"true" enum:"supervision_centre,command_centre,department,enterprise,contractor"`
	Parent string `json:"parent"`
	Area   string `json:"area" description:"division of 6, 9 or 12 digits; empty for the whole city"`
}

type retirement struct {
	Code string `path:"department" json:"-"`
	Day  string `json:"day" description:"first day on which it takes no new cases; empty takes it back into service"`
}

// Post is one account in one post.
type Post struct {
	Account    int64  `json:"account"`
	Role       string `json:"role"`
	Department string `json:"department"`
	From       string `json:"from,omitempty" description:"first day"`
	Until      string `json:"until,omitempty" description:"last day"`
}

type postChange struct {
	ID    int64     `path:"account" json:"-"`
	Posts []postRef `json:"posts" required:"true" nullable:"false"`
}

type postRef struct {
	Role       string `json:"role" required:"true" minLength:"1"`
	Department string `json:"department" required:"true" minLength:"1"`
	From       string `json:"from" description:"first day, 2026-11-01; empty for no bound"`
	Until      string `json:"until" description:"last day; empty for no bound"`
}

// Deputy is an account that acts for a post of another's.
type Deputy struct {
	Account    int64  `json:"account" description:"whose post it is"`
	Role       string `json:"role"`
	Department string `json:"department"`
	Deputy     int64  `json:"deputy" description:"the account that acts"`
	From       string `json:"from"`
	To         string `json:"to"`
}

type deputyChange struct {
	ID       int64       `path:"account" json:"-"`
	Deputies []deputyRef `json:"deputies" required:"true" nullable:"false"`
}

type deputyRef struct {
	Role       string `json:"role" required:"true" minLength:"1"`
	Department string `json:"department" required:"true" minLength:"1"`
	Deputy     int64  `json:"deputy" required:"true" description:"the account that acts"`
	From       string `json:"from" required:"true" format:"date"`
	To         string `json:"to" required:"true" format:"date"`
}

// Leave is a stretch of days on which an account does not work.
type Leave struct {
	Account int64  `json:"account"`
	From    string `json:"from"`
	To      string `json:"to"`
	Reason  string `json:"reason,omitempty"`
}

type leaveChange struct {
	ID    int64      `path:"account" json:"-"`
	Leave []leaveRef `json:"leave" required:"true" nullable:"false"`
}

type leaveRef struct {
	From   string `json:"from" required:"true" format:"date"`
	To     string `json:"to" required:"true" format:"date"`
	Reason string `json:"reason" maxLength:"200"`
}

// Models are the models of organisation, and how the city's units fit its own.
type Models struct {
	Model  string       `json:"model" description:"the city's own"`
	Models []Model      `json:"models"`
	Faults []ModelFault `json:"faults" description:"what the city's units lack or have too much of"`
}

// Model is a model of organisation.
type Model struct {
	Code        string `json:"code"`
	Zh          string `json:"zh"`
	En          string `json:"en"`
	AboutZh     string `json:"about_zh"`
	AboutEn     string `json:"about_en"`
	Commands    int    `json:"commands" description:"levels at which cases are dispatched"`
	Supervision int    `json:"supervision" description:"levels with supervision centres"`
}

// ModelFault is one thing in which units don't fit a model.
type ModelFault struct {
	Department string `json:"department,omitempty" description:"the unit, absent for what is missing"`
	Zh         string `json:"zh"`
	En         string `json:"en"`
}

// Rule is one line of the live policy.
type Rule struct {
	Role       string `json:"role" required:"true"`
	Permission string `json:"permission" required:"true"`
}

type policyChange struct {
	Rules []Rule `json:"rules" required:"true" nullable:"false"`
}

// Division is a county, street or community of the city.
type Division struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

type divisionQuery struct {
	Parent string `query:"parent" description:"code of the division above; empty lists the counties"`
}

func orgRoutes() []Route {
	return []Route{
		web.Handle(guarded("GET", "/departments", access.OrgRead, "organisation", "部门", "departments"), departments),
		web.Handle(guarded("PUT", "/departments/:department", access.OrgManage, "organisation", "新增或修改部门", "add or change a department"), saveDepartment),
		web.Handle(guarded("POST", "/departments/:department/retire", access.OrgManage, "organisation", "停用部门（不再接收新案卷）或恢复", "retire a department, or take it back"), retire),
		web.Handle(guarded("GET", "/models", access.OrgRead, "organisation", "组织模式与本市的符合情况", "the models of organisation, and how the city fits its own"), models),
		web.Handle(guarded("GET", "/posts", access.OrgRead, "organisation", "岗位任职", "who holds which post"), listPosts),
		web.Handle(guarded("PUT", "/accounts/:account/posts", access.OrgManage, "organisation", "设置账号的岗位（监管分离）", "set an account's posts (supervision and execution stay apart)"), setPosts),
		web.Handle(guarded("GET", "/deputies", access.OrgRead, "organisation", "岗位代理（副岗）", "who acts for whom"), listDeputies),
		web.Handle(guarded("PUT", "/accounts/:account/deputies", access.OrgManage, "organisation", "设置谁代理该账号的岗位（监管分离）", "set who acts for an account's posts (supervision and execution stay apart)"), setDeputies),
		web.Handle(guarded("GET", "/leave", access.OrgRead, "organisation", "请假", "who is on leave"), listLeave),
		web.Handle(guarded("PUT", "/accounts/:account/leave", access.DutyManage, "organisation", "设置该账号的请假", "set an account's leave"), setLeave),
		web.Handle(guarded("GET", "/policy", access.PolicyRead, "access", "岗位权限", "the live policy"), rules),
		web.Handle(guarded("PUT", "/policy", access.PolicyManage, "access", "修改岗位权限", "change the policy"), setRules),
		web.Handle(guarded("GET", "/divisions", access.OrgRead, "organisation", "行政区划", "the city's divisions"), divisions),
	}
}

func departments(ctx context.Context, r *Request, _ none) ([]Department, error) {
	list, err := r.City.Org.Departments(ctx)
	out := make([]Department, len(list))
	for i, d := range list {
		out[i] = Department{d.Code, d.Name, string(d.Kind), d.Parent, d.Area, d.Retired}
	}
	return out, err
}

func saveDepartment(ctx context.Context, r *Request, in departmentChange) (struct{}, error) {
	return struct{}{}, r.City.Org.SaveDepartment(ctx, org.Department{
		Code: in.Code, Name: in.Name, Kind: org.DepartmentKind(in.Kind), Parent: in.Parent, Area: in.Area,
	})
}

func retire(ctx context.Context, r *Request, in retirement) (struct{}, error) {
	return struct{}{}, r.City.Org.Retire(ctx, in.Code, in.Day)
}

func models(ctx context.Context, r *Request, _ none) (Models, error) {
	units, err := r.City.Org.Departments(ctx)
	out := Models{Model: r.City.Settings.Model, Faults: []ModelFault{}}
	for _, m := range org.Models() {
		out.Models = append(out.Models, Model{string(m.Model), m.Zh, m.En, m.AboutZh, m.AboutEn, m.Commands, m.Supervision})
	}
	for _, p := range org.CheckModel(org.Model(out.Model), units) {
		fault := ModelFault{Zh: p.Zh, En: p.En}
		if p.Row > 0 {
			fault.Department = units[p.Row-1].Code
		}
		out.Faults = append(out.Faults, fault)
	}
	return out, err
}

func listPosts(ctx context.Context, r *Request, _ none) ([]Post, error) {
	held, err := r.City.Org.Holders(ctx)
	out := make([]Post, len(held))
	for i, h := range held {
		out[i] = Post{h.Account, string(h.Role), h.Department, h.From, h.Until}
	}
	return out, err
}

func setPosts(ctx context.Context, r *Request, in postChange) (struct{}, error) {
	if err := other(ctx, r, in.ID); err != nil {
		return struct{}{}, err
	}
	list := make([]org.Holder, len(in.Posts))
	for i, p := range in.Posts {
		list[i] = org.Holder{Account: in.ID, Role: org.Role(p.Role), Department: p.Department, From: p.From, Until: p.Until}
	}
	return struct{}{}, r.City.Org.SetPosts(ctx, in.ID, list)
}

// other refuses an account that is the asker's own, or nobody's.
func other(ctx context.Context, r *Request, account int64) error {
	if account == r.Session.Account.ID {
		return web.ErrOwnAccount
	}
	_, err := r.City.Accounts.Account(ctx, account)
	return err
}

func listDeputies(ctx context.Context, r *Request, _ none) ([]Deputy, error) {
	list, err := r.City.Org.Deputies(ctx)
	out := make([]Deputy, len(list))
	for i, d := range list {
		out[i] = Deputy{d.Principal, string(d.Role), d.Department, d.Account, d.From, d.To}
	}
	return out, err
}

// setDeputies lets nobody make themselves a deputy, nor choose their own.
func setDeputies(ctx context.Context, r *Request, in deputyChange) (struct{}, error) {
	if err := other(ctx, r, in.ID); err != nil {
		return struct{}{}, err
	}
	list := make([]org.Deputy, len(in.Deputies))
	for i, d := range in.Deputies {
		if err := other(ctx, r, d.Deputy); err != nil {
			return struct{}{}, err
		}
		list[i] = org.Deputy{Role: org.Role(d.Role), Department: d.Department, Account: d.Deputy, From: d.From, To: d.To}
	}
	return struct{}{}, r.City.Org.SetDeputies(ctx, in.ID, list)
}

func listLeave(ctx context.Context, r *Request, _ none) ([]Leave, error) {
	list, err := r.City.Org.Leaves(ctx)
	out := make([]Leave, len(list))
	for i, l := range list {
		out[i] = Leave{l.Account, l.From, l.To, l.Reason}
	}
	return out, err
}

func setLeave(ctx context.Context, r *Request, in leaveChange) (struct{}, error) {
	if _, err := r.City.Accounts.Account(ctx, in.ID); err != nil {
		return struct{}{}, err
	}
	list := make([]org.Leave, len(in.Leave))
	for i, l := range in.Leave {
		list[i] = org.Leave{From: l.From, To: l.To, Reason: l.Reason}
	}
	return struct{}{}, r.City.Org.SetLeaves(ctx, in.ID, list)
}

func rules(ctx context.Context, r *Request, _ none) ([]Rule, error) {
	list, err := r.City.Access.Rules(ctx)
	out := make([]Rule, len(list))
	for i, rule := range list {
		out[i] = Rule{string(rule.Role), string(rule.Permission)}
	}
	return out, err
}

func setRules(ctx context.Context, r *Request, in policyChange) (struct{}, error) {
	list := make([]access.Rule, len(in.Rules))
	for i, rule := range in.Rules {
		list[i] = access.Rule{Role: org.Role(rule.Role), Permission: access.Permission(rule.Permission)}
	}
	return struct{}{}, r.City.Access.SetRules(ctx, list)
}

func divisions(ctx context.Context, r *Request, in divisionQuery) ([]Division, error) {
	list, err := r.City.Divisions.Under(ctx, in.Parent)
	out := make([]Division, len(list))
	for i, d := range list {
		out[i] = Division{d.Code, d.Name}
	}
	return out, err
}
