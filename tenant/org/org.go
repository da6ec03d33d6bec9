// Package org is a city's organisation: its centres and departments as a tree
// over the city's divisions, the posts people hold and deputise for from day to
// day, who is on leave, the models cities choose, and the separation of
// supervision and execution (监管分离): whoever does the work never judges it.
//
// A day is written 2026-11-23 and means the day in the city's zone; spans have
// both ends in them, and "" is no bound. Who works where in which shift is for
// tenant/duty, who answers for which kind of problem for tenant/responsibility.
package org

import (
	"slices"
	"strings"
	"time"

	"wangge/internal/errs"
)

// DepartmentKind says what a unit is.
type DepartmentKind string

// The kinds of units. The two centres exist in every city; a city may have more
// of each, in its districts.
const (
	SupervisionCentre DepartmentKind = "supervision_centre" // 监督中心
	CommandCentre     DepartmentKind = "command_centre"     // 指挥中心
	Functional        DepartmentKind = "department"         // 专业部门
	Enterprise        DepartmentKind = "enterprise"         // 责任企业
	Contractor        DepartmentKind = "contractor"         // 作业单位
)

// DepartmentKinds lists the kinds.
func DepartmentKinds() []DepartmentKind {
	return []DepartmentKind{SupervisionCentre, CommandCentre, Functional, Enterprise, Contractor}
}

// Handles says whether cases may be dispatched to a unit of this kind.
func (k DepartmentKind) Handles() bool {
	return k == Functional || k == Enterprise || k == Contractor
}

func (k DepartmentKind) known() bool {
	return slices.Contains(DepartmentKinds(), k)
}

// Department is one unit.
type Department struct {
	Code    string
	Name    string
	Kind    DepartmentKind
	Parent  string // code, "" at the top
	Area    string // division of 6, 9 or 12 digits that it answers for, "" for the whole city
	Retired string // first day on which it takes no new cases, "" while it is active
}

// Active says whether the unit is not retired on a day.
func (d Department) Active(day string) bool { return d.Retired == "" || day < d.Retired }

// Takes says whether cases may be dispatched to the unit on a day.
func (d Department) Takes(day string) bool { return d.Kind.Handles() && d.Active(day) }

// Level is where in the city's divisions a unit or a centre stands.
type Level int

// The levels, by what a unit's area is.
const (
	City Level = iota
	District
	Street
	Community
)

// Level returns the level of the unit's area.
func (d Department) Level() Level {
	return map[int]Level{6: District, 9: Street, 12: Community}[len(d.Area)]
}

// IsArea says whether text is written like an area: 6, 9 or 12 digits, or "" for
// the whole city. Whether the city has that division is for others.
func IsArea(text string) bool {
	switch len(text) {
	case 0:
		return true
	case 6, 9, 12:
		return text[0] != '0' && strings.Trim(text, "0123456789") == ""
	}
	return false
}

// Inside says whether an area lies in another or is the same.
func Inside(area, outer string) bool { return strings.HasPrefix(area, outer) }

// IsDay says whether text is a day such as 2026-11-23.
func IsDay(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

// span names what is wrong with a stretch of days; "" in either is no bound.
func span(from, to, fromField, toField string) (faults []errs.Problem) {
	for _, d := range []struct{ field, day string }{{fromField, from}, {toField, to}} {
		if d.day != "" && !IsDay(d.day) {
			faults = append(faults, errs.Problem{Field: d.field, Zh: "日期应如 2026-11-01：" + d.day, En: "a day is written like 2026-11-01: " + d.day})
		}
	}
	if len(faults) == 0 && to != "" && to < from {
		faults = append(faults, errs.Problem{Field: toField, Zh: "结束日期早于开始日期", En: "the last day comes before the first"})
	}
	return faults
}

// within says whether a day lies in a span.
func within(day, from, to string) bool { return from <= day && (to == "" || day <= to) }
