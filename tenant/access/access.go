// Package access names what may be done in a city and which post may do it by
// default. The live policy is rows in the city's own database, so a city can
// change it; what it can't change is the separation of supervision and execution.
package access

import (
	"slices"
	"strings"

	"wangge/tenant/org"
)

// Permission is one thing that may be done.
type Permission string

// The permissions. A route names one of them.
const (
	CaseRead    Permission = "case:read"
	CaseContact Permission = "case:contact" // see the reporter's name and phone in full
	CaseReport  Permission = "case:report"

	CaseAskConfirm   Permission = "case:ask_confirm"
	CaseConfirm      Permission = "case:confirm"
	CaseMerge        Permission = "case:merge"
	CaseTransfer     Permission = "case:transfer"
	CaseArbitrate    Permission = "case:arbitrate"
	CaseDecideReturn Permission = "case:decide_return"
	CaseDecideTime   Permission = "case:decide_time" // extensions and suspensions
	CaseRedraw       Permission = "case:redraw"
	CaseVeto         Permission = "case:veto"
	CaseReopen       Permission = "case:reopen"
	CaseVoid         Permission = "case:void"
	CaseUrge         Permission = "case:urge"
	CaseExport       Permission = "case:export"

	CaseFile       Permission = "case:file"
	CaseDecline    Permission = "case:decline"
	CaseDispatch   Permission = "case:dispatch"
	CaseHandle     Permission = "case:handle"
	CaseVerify     Permission = "case:verify"
	CaseRework     Permission = "case:rework"
	CaseClose      Permission = "case:close"
	GridRead       Permission = "grid:read"
	GridImport     Permission = "grid:import"
	PartRead       Permission = "part:read"
	PartImport     Permission = "part:import" // and undo an import
	PartEdit       Permission = "part:edit"
	OrgRead        Permission = "org:read"
	OrgManage      Permission = "org:manage"
	DutyManage     Permission = "duty:manage" // who is on duty where
	CatalogRead    Permission = "catalog:read"
	CatalogEdit    Permission = "catalog:edit"
	CatalogOverlay Permission = "catalog:overlay" // receive and adopt the province's conditions
	CalendarEdit   Permission = "calendar:edit"
	EvidenceRead   Permission = "evidence:read"
	EvidenceAdd    Permission = "evidence:add"
	EvaluateRead   Permission = "evaluation:read"
	AccountRead    Permission = "account:read"
	PolicyRead     Permission = "policy:read"
	PolicyManage   Permission = "policy:manage"
)

// sides says on which side of the separation a permission stands; one that is
// not listed is neutral.
var sides = map[Permission]org.Side{
	CaseFile: org.Supervision, CaseDecline: org.Supervision, CaseVerify: org.Supervision,
	CaseRework: org.Supervision, CaseClose: org.Supervision,
	CaseAskConfirm: org.Supervision, CaseConfirm: org.Supervision, CaseMerge: org.Supervision, CaseTransfer: org.Supervision,
	CaseDecideTime: org.Supervision, CaseRedraw: org.Supervision, CaseVeto: org.Supervision, CaseReopen: org.Supervision,
	CaseVoid: org.Supervision, CaseDecideReturn: org.Execution,
	CaseDispatch: org.Execution, CaseHandle: org.Execution,
}

// Side is the side of the separation a permission stands on, Neutral for most.
func (p Permission) Side() org.Side {
	if side, bound := sides[p]; bound {
		return side
	}
	return org.Neutral
}

// Rule lets a role do something.
type Rule struct {
	Role       org.Role
	Permission Permission
}

// Defaults is the policy a new city starts with.
func Defaults() []Rule {
	table := map[org.Role][]Permission{
		org.Supervisor:        {CaseRead, EvidenceRead, EvidenceAdd, CaseReport, CaseConfirm, CaseVerify, CaseRework, GridRead, CatalogRead, PartRead},
		org.IntakeClerk:       {CaseRead, EvidenceRead, EvidenceAdd, CaseContact, CaseReport, CaseAskConfirm, CaseMerge, CaseVeto, CaseExport, GridRead, CatalogRead, OrgRead, PartRead},
		org.ShiftLeader:       {CaseRead, EvidenceRead, CaseContact, CaseFile, CaseDecline, CaseClose, CaseAskConfirm, CaseMerge, CaseTransfer, CaseDecideTime, CaseRedraw, CaseVeto, CaseReopen, CaseVoid, CaseUrge, CaseExport, GridRead, CatalogRead, DutyManage, OrgRead, EvaluateRead, PartRead},
		org.Evaluator:         {CaseRead, EvidenceRead, CaseExport, EvaluateRead, OrgRead, CatalogRead, GridRead, PartRead},
		org.Dispatcher:        {CaseRead, EvidenceRead, CaseDispatch, CaseDecideReturn, CaseExport, GridRead, CatalogRead, OrgRead, PartRead},
		org.DepartmentHandler: {CaseRead, EvidenceRead, EvidenceAdd, CaseHandle, CatalogRead, PartRead},
		org.CityAdmin:         {GridRead, GridImport, PartRead, PartImport, PartEdit, OrgRead, OrgManage, DutyManage, CatalogRead, CatalogEdit, CatalogOverlay, CalendarEdit, AccountRead, PolicyRead, PolicyManage},
		org.Leader:            {CaseRead, EvidenceRead, CaseArbitrate, CaseUrge, EvaluateRead, OrgRead, GridRead, PartRead},
		org.Auditor:           {CaseRead, EvidenceRead, OrgRead, AccountRead, PolicyRead, EvaluateRead},
	}
	var rules []Rule
	for _, role := range org.Roles() {
		for _, p := range table[role] {
			rules = append(rules, Rule{role, p})
		}
	}
	return rules
}

// Permissions lists every permission there is.
func Permissions() []Permission {
	return []Permission{
		CaseRead, CaseContact, CaseReport, CaseFile, CaseDecline, CaseDispatch, CaseHandle, CaseVerify, CaseRework, CaseClose,
		CaseAskConfirm, CaseConfirm, CaseMerge, CaseTransfer, CaseArbitrate, CaseDecideReturn, CaseDecideTime, CaseRedraw, CaseVeto, CaseReopen, CaseVoid, CaseUrge, CaseExport,
		GridRead, GridImport, PartRead, PartImport, PartEdit, OrgRead, OrgManage, DutyManage, CatalogRead, CatalogEdit, CatalogOverlay, CalendarEdit, EvidenceRead, EvidenceAdd, EvaluateRead, AccountRead, PolicyRead, PolicyManage,
	}
}

// Breaches lists the rules that break the separation: a role of one side, or a
// neutral one, holding a permission of the other, also by a wildcard such as
// case:*. An empty list is what acceptance asks for.
func Breaches(rules []Rule) []Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r Rule) bool { return !r.breaches() })
}

func (r Rule) breaches() bool {
	for p, side := range sides {
		if r.Permission.covers(p) && r.Role.Side() != side {
			return true
		}
	}
	return false
}

// covers says whether a rule of p grants q; the policy also knows case:* and *.
func (p Permission) covers(q Permission) bool {
	kind, _, _ := strings.Cut(string(q), ":")
	return p == q || p == "*" || string(p) == kind+":*"
}
