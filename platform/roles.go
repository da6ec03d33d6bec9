package platform

import (
	"slices"

	"wangge/internal/errs"
)

// Role is a post in the province's own plane.
type Role string

// The posts.
const (
	ProvinceAdmin Role = "province_admin" // 省级管理员
	Analyst       Role = "analyst"        // 分析员
	Reviewer      Role = "reviewer"       // 验收组织者
	Expert        Role = "expert"         // 评审专家
	Finance       Role = "finance"        // 财务
	Auditor       Role = "auditor"        // 审计员
)

// Permission is one thing that may be done in the province's plane.
type Permission string

// The permissions. A route names one of them.
const (
	CityRead       Permission = "city:read"
	RankingRead    Permission = "ranking:read"
	RankingFreeze  Permission = "ranking:freeze"
	ReviewRead     Permission = "review:read"
	ReviewApply    Permission = "review:apply"
	ReviewScore    Permission = "review:score"
	ReviewConclude Permission = "review:conclude"
	InvoiceRead    Permission = "invoice:read"
	InvoiceIssue   Permission = "invoice:issue"
	AccountManage  Permission = "account:manage"
)

// Rule lets a role do something.
type Rule struct {
	Role       Role
	Permission Permission
}

// post is a role with its names and what it may do by default. Whoever scores a
// review does not conclude it, and whoever manages accounts does neither.
type post struct {
	role   Role
	zh, en string
	may    []Permission
}

var posts = []post{
	{ProvinceAdmin, "省级管理员", "province administrator", []Permission{CityRead, RankingRead, ReviewRead, InvoiceRead, AccountManage}},
	{Analyst, "分析员", "analyst", []Permission{CityRead, RankingRead, RankingFreeze, ReviewRead}},
	{Reviewer, "验收组织者", "review organiser", []Permission{CityRead, RankingRead, ReviewRead, ReviewApply, ReviewConclude}},
	{Expert, "评审专家", "expert", []Permission{ReviewRead, ReviewScore}},
	{Finance, "财务", "finance", []Permission{CityRead, InvoiceRead, InvoiceIssue}},
	{Auditor, "审计员", "auditor", []Permission{CityRead, RankingRead, ReviewRead, InvoiceRead}},
}

// Roles lists every post in a fixed order.
func Roles() []Role {
	roles := make([]Role, len(posts))
	for i, p := range posts {
		roles[i] = p.role
	}
	return roles
}

// Names returns a role's Chinese and English name; empty for an unknown role.
func (r Role) Names() (zh, en string) {
	for _, p := range posts {
		if p.role == r {
			return p.zh, p.en
		}
	}
	return "", ""
}

// Permissions lists every permission there is.
func Permissions() []Permission {
	return []Permission{
		CityRead, RankingRead, RankingFreeze, ReviewRead, ReviewApply, ReviewScore,
		ReviewConclude, InvoiceRead, InvoiceIssue, AccountManage,
	}
}

// Defaults is the policy a new province starts with.
func Defaults() []Rule {
	var rules []Rule
	for _, p := range posts {
		for _, may := range p.may {
			rules = append(rules, Rule{p.role, may})
		}
	}
	return rules
}

// apart are posts that one person does not hold together: whoever scores a
// review does not conclude it, and whoever manages accounts does neither.
var apart = []Role{ProvinceAdmin, Reviewer, Expert}

// Together refuses posts that one person must not hold at once.
func Together(roles []Role) error {
	held := slices.DeleteFunc(slices.Clone(apart), func(r Role) bool { return !slices.Contains(roles, r) })
	if len(held) < 2 {
		return nil
	}
	zh, en := held[0].Names()
	zh2, en2 := held[1].Names()
	return errs.Field("roles", "“"+zh+"”与“"+zh2+"”不得由一人兼任", "one person can't be "+en+" and "+en2)
}
