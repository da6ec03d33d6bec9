// Package org is a city's organisation: its centres and departments, the posts
// people hold, and the separation of supervision and execution (监管分离): whoever
// does the work never judges it.
package org

import (
	"context"
	"slices"
	"strings"

	"wangge/internal/errs"
)

// DepartmentKind says what a unit is.
type DepartmentKind string

// The kinds of units. The two centres exist in every city.
const (
	SupervisionCentre DepartmentKind = "supervision_centre" // 监督中心
	CommandCentre     DepartmentKind = "command_centre"     // 指挥中心
	Functional        DepartmentKind = "department"         // 专业部门
	Enterprise        DepartmentKind = "enterprise"         // 责任企业
	Contractor        DepartmentKind = "contractor"         // 作业单位
)

// Handles says whether cases may be dispatched to a unit of this kind.
func (k DepartmentKind) Handles() bool {
	return k == Functional || k == Enterprise || k == Contractor
}

// Department is one unit.
type Department struct {
	Code     string
	Name     string
	Kind     DepartmentKind
	Parent   string // code, "" at the top
	District string // 6-digit county code, "" when it answers for the whole city
}

// Side is where an account stands in the separation.
type Side string

// The sides. A neutral account holds neutral posts only.
const (
	Supervision Side = "supervision"
	Execution   Side = "execution"
	Neutral     Side = "neutral"
)

// Role is a post of the field.
type Role string

// The posts.
const (
	Supervisor        Role = "supervisor"         // 监督员
	IntakeClerk       Role = "intake_clerk"       // 受理员
	ShiftLeader       Role = "shift_leader"       // 值班长
	Evaluator         Role = "evaluator"          // 评价员
	Dispatcher        Role = "dispatcher"         // 派遣员
	DepartmentHandler Role = "department_handler" // 部门处置员
	CityAdmin         Role = "city_admin"         // 市级管理员
	Leader            Role = "leader"             // 分管领导
	Auditor           Role = "auditor"            // 审计员
)

// post says on which side a role stands and in which units it may be held.
type post struct {
	role   Role
	zh, en string
	side   Side
	in     []DepartmentKind // nil: any unit
}

var posts = []post{
	{Supervisor, "监督员", "supervisor", Supervision, []DepartmentKind{SupervisionCentre}},
	{IntakeClerk, "受理员", "intake clerk", Supervision, []DepartmentKind{SupervisionCentre}},
	{ShiftLeader, "值班长", "shift leader", Supervision, []DepartmentKind{SupervisionCentre}},
	{Evaluator, "评价员", "evaluator", Supervision, []DepartmentKind{SupervisionCentre}},
	{Dispatcher, "派遣员", "dispatcher", Execution, []DepartmentKind{CommandCentre}},
	{DepartmentHandler, "部门处置员", "department handler", Execution, []DepartmentKind{Functional, Enterprise, Contractor}},
	{CityAdmin, "市级管理员", "city administrator", Neutral, nil},
	{Leader, "分管领导", "leader", Neutral, nil},
	{Auditor, "审计员", "auditor", Neutral, nil},
}

// Roles lists every post in a fixed order.
func Roles() []Role {
	roles := make([]Role, len(posts))
	for i, p := range posts {
		roles[i] = p.role
	}
	return roles
}

// Names returns a role's Chinese and English name.
func (r Role) Names() (zh, en string) {
	p, _ := find(r)
	return p.zh, p.en
}

// Side returns the side a role stands on.
func (r Role) Side() Side {
	p, _ := find(r)
	return p.side
}

func find(r Role) (post, bool) {
	i := slices.IndexFunc(posts, func(p post) bool { return p.role == r })
	if i < 0 {
		return post{}, false
	}
	return posts[i], true
}

// Holder is one account in one post.
type Holder struct {
	Account    int64
	Role       Role
	Department string
}

// The refusals of this package.
var (
	ErrSeparation   = errs.New(errs.Conflict, "separation_of_duties", "监管分离：同一人不得同时担任监督岗位和指挥、处置岗位", "separation of duties: nobody holds a supervision post and a command or department post at once")
	ErrNoDepartment = errs.New(errs.Invalid, "no_such_department", "没有这个部门：%s", "no such department: %s")
	ErrWrongUnit    = errs.New(errs.Invalid, "post_not_in_unit", "岗位“%s”不能设在“%s”", "the post %s can't be held in %s")
	ErrTwice        = errs.New(errs.Invalid, "post_twice", "岗位重复：%s", "the post is named twice: %s")
	ErrNoRole       = errs.New(errs.Invalid, "no_such_role", "没有这个岗位：%s", "no such post: %s")
)

// SideOf is the side that holding all of these roles puts a person on.
// Supervision and execution together are refused with ErrSeparation.
func SideOf(roles ...Role) (Side, error) {
	side := Neutral
	for _, r := range roles {
		p, ok := find(r)
		if !ok {
			return "", ErrNoRole.With(string(r))
		}
		if p.side == Neutral || p.side == side {
			continue
		}
		if side != Neutral {
			return "", ErrSeparation
		}
		side = p.side
	}
	return side, nil
}

// Store keeps departments and holders.
type Store interface {
	InTx(ctx context.Context, fn func(Store) error) error
	Department(ctx context.Context, code string) (Department, error) // ErrNoDepartment
	Departments(ctx context.Context) ([]Department, error)
	SaveDepartment(ctx context.Context, d Department) error // adds or changes
	Holders(ctx context.Context) ([]Holder, error)
	HeldBy(ctx context.Context, account int64) ([]Holder, error)
	// SetHolders replaces the posts of one account and bumps the policy version.
	SetHolders(ctx context.Context, account int64, side Side, holders []Holder) error
}

// Service changes the organisation.
type Service struct{ store Store }

// NewService returns the organisation kept in store.
func NewService(store Store) *Service { return &Service{store} }

// Departments lists every unit by code.
func (s *Service) Departments(ctx context.Context) ([]Department, error) {
	return s.store.Departments(ctx)
}

// Department returns one unit, ErrNoDepartment when there is none.
func (s *Service) Department(ctx context.Context, code string) (Department, error) {
	return s.store.Department(ctx, code)
}

// Holders lists who holds which post.
func (s *Service) Holders(ctx context.Context) ([]Holder, error) { return s.store.Holders(ctx) }

// HeldBy lists the posts of one account.
func (s *Service) HeldBy(ctx context.Context, account int64) ([]Holder, error) {
	return s.store.HeldBy(ctx, account)
}

// SaveDepartment adds a unit or changes it. A parent must exist already, and
// the kind can't become one that doesn't have the posts held in the unit.
func (s *Service) SaveDepartment(ctx context.Context, d Department) error {
	var faults []errs.Problem
	if d.Code == "" || len(d.Code) > 40 || strings.ContainsAny(d.Code, " \t\n/") {
		faults = append(faults, errs.Problem{Field: "code", Zh: "部门编码为空或含有空白、斜线", En: "the code is empty or holds white space or a slash"})
	}
	if strings.TrimSpace(d.Name) == "" {
		faults = append(faults, errs.Problem{Field: "name", Zh: "部门名称为空", En: "the name is empty"})
	}
	if d.Kind != SupervisionCentre && d.Kind != CommandCentre && !d.Kind.Handles() {
		faults = append(faults, errs.Problem{Field: "kind", Zh: "部门类型未知：" + string(d.Kind), En: "unknown kind: " + string(d.Kind)})
	}
	if d.Parent == d.Code && d.Code != "" {
		faults = append(faults, errs.Problem{Field: "parent", Zh: "部门不能是自己的上级", En: "a unit can't be its own parent"})
	}
	if err := errs.Problems(faults...); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(store Store) error {
		if d.Parent != "" {
			if _, err := store.Department(ctx, d.Parent); err != nil {
				return err
			}
		}
		held, err := store.Holders(ctx)
		if err != nil {
			return err
		}
		for _, h := range held {
			if h.Department != d.Code {
				continue
			}
			if err := fits(h.Role, d); err != nil {
				return err
			}
		}
		return store.SaveDepartment(ctx, d)
	})
}

// fits refuses a post in a unit that doesn't have it.
func fits(r Role, d Department) error {
	p, _ := find(r)
	if p.in == nil || slices.Contains(p.in, d.Kind) {
		return nil
	}
	return &errs.Error{
		Kind: ErrWrongUnit.Kind, Code: ErrWrongUnit.Code,
		Zh: "岗位“" + p.zh + "”不能设在“" + d.Name + "”", En: "the post " + p.en + " can't be held in " + d.Name,
	}
}

// SetPosts gives an account exactly these posts. Posts of both sides are
// refused, and so are a post in a unit that doesn't have it and one held twice.
func (s *Service) SetPosts(ctx context.Context, account int64, holders []Holder) error {
	roles := make([]Role, len(holders))
	for i := range holders {
		if slices.Contains(roles[:i], holders[i].Role) {
			return ErrTwice.With(string(holders[i].Role))
		}
		holders[i].Account = account
		roles[i] = holders[i].Role
	}
	side, err := SideOf(roles...)
	if err != nil {
		return err
	}
	return s.store.InTx(ctx, func(store Store) error {
		for _, h := range holders {
			d, err := store.Department(ctx, h.Department)
			if err != nil {
				return err
			}
			if err := fits(h.Role, d); err != nil {
				return err
			}
		}
		return store.SetHolders(ctx, account, side, holders)
	})
}
