package demo

import (
	"fmt"

	"wangge/provisioning"
	"wangge/provisioning/sample"
	"wangge/tenant/org"
)

// unit is a department of a demo city and the classes of GB/T 47678.5-2026
// whose cases it is given.
type unit struct {
	code, name string
	kind       org.DepartmentKind
	classes    []string
}

// units handle the cases of every demo city. The last one takes parts that
// enterprises own.
var units = []unit{
	{"SZ", "市政设施养护处", org.Functional, []string{"01"}},
	{"JT", "交通设施管理处", org.Functional, []string{"02"}},
	{"HW", "环境卫生管理处", org.Functional, []string{"03", "06"}},
	{"YL", "园林绿化管理处", org.Functional, []string{"04"}},
	{"ZF", "城市管理综合执法支队", org.Functional, []string{"07", "09"}},
	{"ZJ", "建筑工程管理处", org.Functional, []string{"08"}},
	{"ZL", "管线运维企业", org.Enterprise, []string{"05", "10"}},
}

// departments are the two centres and the units of a city named short.
func departments() []provisioning.Department {
	out := []provisioning.Department{
		{Code: sample.SupervisionCentre, Name: "城市管理监督中心", Kind: org.SupervisionCentre},
		{Code: sample.CommandCentre, Name: "城市管理指挥中心", Kind: org.CommandCentre},
	}
	for _, u := range units {
		out = append(out, provisioning.Department{Code: u.code, Name: u.name, Kind: u.kind})
	}
	return out
}

// role is how many hold a post in a demo city; people are called by it.
type role struct {
	role       org.Role
	login      string
	number     int
	department string
}

var cast = []role{
	{org.Supervisor, "supervisor", 6, sample.SupervisionCentre},
	{org.IntakeClerk, "clerk", 2, sample.SupervisionCentre},
	{org.ShiftLeader, "shiftleader", 2, sample.SupervisionCentre},
	{org.Evaluator, "evaluator", 1, sample.SupervisionCentre},
	{org.Dispatcher, "dispatcher", 2, sample.CommandCentre},
	{org.Leader, "leader", 1, sample.SupervisionCentre},
	{org.Auditor, "auditor", 1, sample.SupervisionCentre},
}

// staff are the people of a city; without names a post stays vacant.
func staff(vacant org.Role) []provisioning.Person {
	var out []provisioning.Person
	hire := func(r org.Role, login, department string, number int) {
		zh, _ := r.Names()
		out = append(out, provisioning.Person{
			Login: fmt.Sprintf("%s%02d", login, number), Name: fmt.Sprintf("%s%02d", zh, number),
			Department: department, Roles: []org.Role{r},
		})
	}
	for _, c := range cast {
		if c.role == vacant {
			continue
		}
		for n := range c.number {
			hire(c.role, c.login, c.department, n+1)
		}
	}
	for n, u := range units {
		hire(org.DepartmentHandler, "handler", u.code, n+1)
	}
	return out
}
