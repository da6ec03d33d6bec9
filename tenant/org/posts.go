package org

import (
	"slices"

	"wangge/internal/errs"
)

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

// Holder is one account in one post of one unit, from day to day.
type Holder struct {
	Account     int64
	Role        Role
	Department  string
	From, Until string // first and last day
	For         int64  // whose post the account deputises for; 0 when it is its own
}

// On says whether the post is in effect on a day.
func (h Holder) On(day string) bool { return within(day, h.From, h.Until) }

// Deputy is an account that acts for another's post (副岗、代理) from day to day. It
// has that post's rights while the post itself is in effect, no longer.
type Deputy struct {
	Principal  int64 // whose post it is
	Role       Role
	Department string
	Account    int64 // who acts
	From, To   string
}

// On says whether the acting is in effect on a day.
func (d Deputy) On(day string) bool { return within(day, d.From, d.To) }

// Leave is a stretch of days on which an account does not work.
type Leave struct {
	Account  int64
	From, To string
	Reason   string
}

// On says whether a day is one of the leave.
func (l Leave) On(day string) bool { return within(day, l.From, l.To) }

// The refusals of this package.
var (
	ErrSeparation   = errs.New(errs.Conflict, "separation_of_duties", "监管分离：同一人不得同时担任监督岗位和指挥、处置岗位", "separation of duties: nobody holds a supervision post and a command or department post at once")
	ErrNoDepartment = errs.New(errs.Invalid, "no_such_department", "没有这个部门：%s", "no such department: %s")
	ErrWrongUnit    = errs.New(errs.Invalid, "post_not_in_unit", "岗位“%s”不能设在“%s”", "the post %s can't be held in %s")
	ErrTwice        = errs.New(errs.Invalid, "post_twice", "岗位重复：%s", "the post is named twice: %s")
	ErrNoRole       = errs.New(errs.Invalid, "no_such_role", "没有这个岗位：%s", "no such post: %s")
	ErrRetired      = errs.New(errs.Conflict, "department_retired", "部门“%s”已停用，不再接收新案卷", "the department %s is retired and takes no new cases")
	ErrNotHandling  = errs.New(errs.Invalid, "department_does_not_handle", "案卷只能派遣给专业部门或责任单位，“%s”不是", "cases are dispatched to departments and responsible units only, %s is none")
	ErrUnitsBelow   = errs.New(errs.Conflict, "units_below", "下级部门“%s”尚未停用", "the unit %s below it is still active")
	ErrUnitAbove    = errs.New(errs.Conflict, "unit_above", "上级部门“%s”已停用", "the unit %s above it is retired")
)

// SideOf is the side that holding all of these roles puts a person on, whenever
// each is in effect. Supervision and execution together are refused with
// ErrSeparation.
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
