package org

import (
	"fmt"
	"maps"
	"slices"

	"wangge/internal/errs"
)

// Model is how supervision, command and handling are spread over the levels.
type Model string

// The models in use in the field.
const (
	CitySupervision Model = "city_supervision_district_handling"       // 市级监督、区县处置
	FourLevels      Model = "one_supervision_two_commands_four_levels" // 一级监督、二级指挥、三级管理、四级网络
	TwoLevels       Model = "two_level_centres"                        // 市、区两级中心
	Merged          Model = "management_and_enforcement"               // 管理与执法合一
)

// ModelRule is what a model asks of a city's units.
type ModelRule struct {
	Model          Model
	Zh, En         string
	AboutZh        string
	AboutEn        string
	Commands       int  // levels at which cases are dispatched: 1 or 2
	Supervision    int  // levels at which there are supervision centres
	OneBureau      bool // every unit that handles stands under one bureau
	StreetsAreUnit bool // streets are units, under a unit of their district
}

// Models lists the models with their rules.
func Models() []ModelRule {
	return []ModelRule{
		{
			Model: CitySupervision, Zh: "市级监督、区县处置", En: "city supervision, district handling", Commands: 1, Supervision: 1,
			AboutZh: "全市一个监督中心、一个指挥中心，案卷派给市属和区县的部门处置。", AboutEn: "One supervision and one command centre for the city; departments of city and districts handle.",
		},
		{
			Model: FourLevels, Zh: "一级监督、二级指挥、三级管理、四级网络", En: "one supervision, two commands, three managements, four networks", Commands: 2, Supervision: 1, StreetsAreUnit: true,
			AboutZh: "市设监督中心，市、区两级指挥中心，市、区、街道三级管理，网络到社区。", AboutEn: "Supervision at the city, command at city and district, management down to streets, the network down to communities.",
		},
		{
			Model: TwoLevels, Zh: "市、区两级中心", En: "centres at two levels", Commands: 2, Supervision: 2,
			AboutZh: "市、区各设监督中心和指挥中心。", AboutEn: "City and districts each have a supervision and a command centre.",
		},
		{
			Model: Merged, Zh: "管理与执法合一", En: "management and enforcement in one", Commands: 1, Supervision: 1, OneBureau: true,
			AboutZh: "城市管理局既管理又执法：一个指挥中心，执法队伍和作业企业都在一个局之下。", AboutEn: "One bureau manages and enforces: one command centre, its teams and enterprises under that bureau.",
		},
	}
}

// Known says whether there is such a model.
func (m Model) Known() bool {
	return slices.ContainsFunc(Models(), func(r ModelRule) bool { return r.Model == m })
}

// Commands is at how many levels cases are dispatched, 1 or 2; 1 for an unknown
// model.
func (m Model) Commands() int {
	rule, _ := m.rule()
	return max(rule.Commands, 1)
}

func (m Model) rule() (rule ModelRule, ok bool) {
	list := Models()
	i := slices.IndexFunc(list, func(r ModelRule) bool { return r.Model == m })
	if i < 0 {
		return ModelRule{}, false
	}
	return list[i], true
}

// CheckModel names what a city's units lack or have too much of under its
// model: in Field the place in departments, as in departments[2].area, and in
// Row the same counted from 1; departments and 0 for what is missing. Retired units do not count. An unknown model
// asks for what every city has.
func CheckModel(model Model, departments []Department) []errs.Problem {
	c := modelCheck{list: departments}
	c.everyCity()
	if rule, ok := model.rule(); ok && len(c.faults) == 0 {
		c.centres(rule, SupervisionCentre, "监督中心", "supervision centre", rule.Supervision)
		c.centres(rule, CommandCentre, "指挥中心", "command centre", rule.Commands)
		c.pairs(rule)
		c.bureau(rule)
		c.streets(rule)
	}
	return c.faults
}

type modelCheck struct {
	list   []Department
	faults []errs.Problem
}

func (c *modelCheck) missing(zh, en string) {
	c.faults = append(c.faults, errs.Problem{Field: "departments", Zh: zh, En: en})
}

func (c *modelCheck) at(i int, field, zh, en string) {
	c.faults = append(c.faults, errs.Problem{Row: i + 1, Field: fmt.Sprintf("departments[%d].%s", i, field), Zh: zh, En: en})
}

// find lists the places of the active units that match.
func (c *modelCheck) find(match func(Department) bool) (places []int) {
	for i, d := range c.list {
		if d.Retired == "" && match(d) {
			places = append(places, i)
		}
	}
	return places
}

func (c *modelCheck) everyCity() {
	kind := func(k DepartmentKind) []int { return c.find(func(d Department) bool { return d.Kind == k }) }
	if len(kind(SupervisionCentre)) == 0 {
		c.missing("缺少监督中心", "there is no supervision centre")
	}
	if len(kind(CommandCentre)) == 0 {
		c.missing("缺少指挥中心", "there is no command centre")
	}
	if len(c.find(func(d Department) bool { return d.Kind.Handles() })) == 0 {
		c.missing("缺少处置案卷的专业部门或责任单位", "there is no department that handles cases")
	}
}

// centres holds the centres of a kind to their levels: exactly one at the city,
// and in the districts none, or at least one with at most one in each.
func (c *modelCheck) centres(rule ModelRule, kind DepartmentKind, zh, en string, levels int) {
	city := c.find(func(d Department) bool { return d.Kind == kind && d.Area == "" })
	if len(city) == 0 {
		c.missing("“"+rule.Zh+"”须有市级"+zh, rule.En+" needs a "+en+" of the city")
	}
	for _, i := range city[min(1, len(city)):] {
		c.at(i, "area", "市级"+zh+"只能有一个；区级的须写明区域", "there is one "+en+" of the city; a district's names its area")
	}
	below := c.find(func(d Department) bool { return d.Kind == kind && d.Area != "" })
	if levels == 2 && !slices.ContainsFunc(below, func(i int) bool { return c.list[i].Level() == District }) {
		c.missing("“"+rule.Zh+"”须有区级"+zh, rule.En+" needs a "+en+" of a district")
	}
	taken := map[string]bool{}
	for _, i := range below {
		switch d := c.list[i]; {
		case levels == 1:
			c.at(i, "area", "“"+rule.Zh+"”只在市级设"+zh, rule.En+" has a "+en+" at the city only")
		case d.Level() != District:
			c.at(i, "area", zh+"只设在市、区两级", "a "+en+" stands at the city or a district")
		case taken[d.Area]:
			c.at(i, "area", "区县 "+d.Area+" 已有"+zh, "the district "+d.Area+" has a "+en+" already")
		default:
			taken[d.Area] = true
		}
	}
}

// pairs asks, where both centres stand at two levels, that a district with one
// of them has the other.
func (c *modelCheck) pairs(rule ModelRule) {
	if rule.Supervision < 2 || rule.Commands < 2 {
		return
	}
	has := map[DepartmentKind]map[string]bool{SupervisionCentre: {}, CommandCentre: {}}
	for _, i := range c.find(func(d Department) bool { return !d.Kind.Handles() && d.Level() == District }) {
		has[c.list[i].Kind][c.list[i].Area] = true
	}
	for _, area := range slices.Sorted(maps.Keys(has[SupervisionCentre])) {
		if !has[CommandCentre][area] {
			c.missing("区县 "+area+" 有监督中心而无指挥中心", "the district "+area+" has a supervision centre and no command centre")
		}
	}
	for _, area := range slices.Sorted(maps.Keys(has[CommandCentre])) {
		if !has[SupervisionCentre][area] {
			c.missing("区县 "+area+" 有指挥中心而无监督中心", "the district "+area+" has a command centre and no supervision centre")
		}
	}
}

// bureau asks that everybody who handles stands under one department.
func (c *modelCheck) bureau(rule ModelRule) {
	if !rule.OneBureau {
		return
	}
	units := tree{}
	for _, d := range c.list {
		units[d.Code] = d
	}
	top := "" // the bureau: where the first unit that handles leads to
	for _, i := range c.find(func(d Department) bool { return d.Kind.Handles() }) {
		root := units.root(c.list[i])
		switch {
		case root.Kind != Functional:
			c.at(i, "parent", "“"+rule.Zh+"”中处置单位须在城市管理局之下", "under "+rule.En+" who handles stands under the bureau")
		case top == "":
			top = root.Code
		case root.Code != top:
			c.at(i, "parent", "“"+rule.Zh+"”只有一个局：应在“"+units[top].Name+"”之下", "under "+rule.En+" there is one bureau: this belongs under "+units[top].Name)
		}
	}
}

// root is the highest unit above d that handles cases, or d.
func (t tree) root(d Department) Department {
	for steps := 0; d.Parent != "" && t[d.Parent].Kind.Handles() && steps <= len(t); steps++ {
		d = t[d.Parent]
	}
	return d
}

// streets asks for streets as units below their district.
func (c *modelCheck) streets(rule ModelRule) {
	if !rule.StreetsAreUnit {
		return
	}
	units := tree{}
	for _, d := range c.list {
		units[d.Code] = d
	}
	streets := c.find(func(d Department) bool { return d.Kind.Handles() && d.Level() == Street })
	if len(streets) == 0 {
		c.missing("“"+rule.Zh+"”须有街道（乡镇）单位", rule.En+" needs units of streets")
	}
	for _, i := range streets {
		if units.around(c.list[i]).Level() != District {
			c.at(i, "parent", "街道单位须在其区县的单位之下", "a street's unit stands below one of its district")
		}
	}
}
