package tenanthttp

import (
	"context"

	"wangge/internal/web"
	"wangge/tenant/access"
	"wangge/tenant/org"
)

// Department is a unit of the city.
type Department struct {
	Code     string `json:"code"`
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Parent   string `json:"parent,omitempty"`
	District string `json:"district,omitempty"`
}

type departmentChange struct {
	Code     string `path:"department" json:"-"`
	Name     string `json:"name" required:"true" minLength:"1"`
	Kind     string `json:"kind" required:"true" enum:"supervision_centre,command_centre,department,enterprise,contractor"`
	Parent   string `json:"parent"`
	District string `json:"district"`
}

// Post is one account in one post.
type Post struct {
	Account    int64  `json:"account"`
	Role       string `json:"role"`
	Department string `json:"department"`
}

type postChange struct {
	ID    int64     `path:"account" json:"-"`
	Posts []postRef `json:"posts" required:"true" nullable:"false"`
}

type postRef struct {
	Role       string `json:"role" required:"true" minLength:"1"`
	Department string `json:"department" required:"true" minLength:"1"`
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
		web.Handle(guarded("GET", "/posts", access.OrgRead, "organisation", "岗位任职", "who holds which post"), listPosts),
		web.Handle(guarded("PUT", "/accounts/:account/posts", access.OrgManage, "organisation", "设置账号的岗位（监管分离）", "set an account's posts (supervision and execution stay apart)"), setPosts),
		web.Handle(guarded("GET", "/policy", access.PolicyRead, "access", "岗位权限", "the live policy"), rules),
		web.Handle(guarded("PUT", "/policy", access.PolicyManage, "access", "修改岗位权限", "change the policy"), setRules),
		web.Handle(guarded("GET", "/divisions", access.OrgRead, "organisation", "行政区划", "the city's divisions"), divisions),
	}
}

func departments(ctx context.Context, r *Request, _ none) ([]Department, error) {
	list, err := r.City.Org.Departments(ctx)
	out := make([]Department, len(list))
	for i, d := range list {
		out[i] = Department{d.Code, d.Name, string(d.Kind), d.Parent, d.District}
	}
	return out, err
}

func saveDepartment(ctx context.Context, r *Request, in departmentChange) (struct{}, error) {
	return struct{}{}, r.City.Org.SaveDepartment(ctx, org.Department{
		Code: in.Code, Name: in.Name, Kind: org.DepartmentKind(in.Kind), Parent: in.Parent, District: in.District,
	})
}

func listPosts(ctx context.Context, r *Request, _ none) ([]Post, error) {
	held, err := r.City.Org.Holders(ctx)
	out := make([]Post, len(held))
	for i, h := range held {
		out[i] = Post{h.Account, string(h.Role), h.Department}
	}
	return out, err
}

func setPosts(ctx context.Context, r *Request, in postChange) (struct{}, error) {
	if in.ID == r.Session.Account.ID {
		return struct{}{}, web.ErrOwnAccount
	}
	if _, err := r.City.Accounts.Account(ctx, in.ID); err != nil {
		return struct{}{}, err
	}
	list := make([]org.Holder, len(in.Posts))
	for i, p := range in.Posts {
		list[i] = org.Holder{Account: in.ID, Role: org.Role(p.Role), Department: p.Department}
	}
	return struct{}{}, r.City.Org.SetPosts(ctx, in.ID, list)
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
