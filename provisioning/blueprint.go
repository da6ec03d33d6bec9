package provisioning

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"wangge/internal/errs"
	"wangge/tenant/access"
	"wangge/tenant/calendar"
	"wangge/tenant/casework"
	"wangge/tenant/org"
)

// FormatVersion is the version of the format of specs and blueprints; one that
// says nothing is of version 1.
const FormatVersion = 1

// Blueprint is what a province gives all its cities. A spec that names one
// inherits whatever it does not say itself: of the workflow each value, of the
// departments those of other codes.
type Blueprint struct {
	Version     int               `yaml:"version,omitempty" description:"of the format: 1"`
	Name        string            `yaml:"name" description:"蓝图名称 what the province calls it"`
	Model       Model             `yaml:"model,omitempty"`
	Shifts      []string          `yaml:"shifts,omitempty" description:"每日工作时段 working time, such as 08:00-12:00"`
	Catalogue   string            `yaml:"catalogue,omitempty" description:"目录版本 version of the catalogue a city begins on"`
	Workflow    casework.Workflow `yaml:"workflow,omitempty" description:"流程与时限 workflow and limits"`
	Departments []Department      `yaml:"departments,omitempty" description:"各市均有的部门 departments that every city has"`

	// What follows is the province's alone to say.
	Roles    []Grant  `yaml:"roles,omitempty" description:"岗位权限，替换默认 what posts may do in a new city, in the place of the defaults"`
	Holidays string   `yaml:"holidays,omitempty" description:"放假与调休日 CSV holidays and make-up days, relative to this file"`
	Seasons  []Season `yaml:"seasons,omitempty" description:"季节性作息 shifts of seasons"`
	Tariff   string   `yaml:"tariff,omitempty" description:"订阅的价目代码 code of the tariff that a city subscribes to"`
}

// Grant says what a post may do.
type Grant struct {
	Role        org.Role            `yaml:"role"`
	Permissions []access.Permission `yaml:"permissions"`
}

// Season is a stretch of every year with shifts of its own.
type Season struct {
	Name   string   `yaml:"name"`
	From   string   `yaml:"from" description:"首日 first day, such as 06-01"`
	To     string   `yaml:"to" description:"末日 last day"`
	Shifts []string `yaml:"shifts"`
}

// readBlueprint reads the blueprint that a spec of dir names, and returns what
// is in its files.
func readBlueprint(dir, name string) (b *Blueprint, content []byte, err error) {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	raw, err := readFile(path, maxSpec)
	if err != nil {
		return nil, nil, err
	}
	b, doc := &Blueprint{Workflow: casework.DefaultWorkflow()}, &document{file: filepath.Base(path)}
	if err := doc.decode(raw, b); err != nil {
		return nil, nil, err
	}
	c := &blueprintChecker{doc: doc}
	c.check(b)
	if err := errs.Problems(c.faults...); err != nil {
		return nil, nil, err
	}
	if err := doc.validate(blueprintSchema); err != nil {
		return nil, nil, err
	}
	content = append(raw, 0)
	if b.Holidays != "" {
		if !filepath.IsAbs(b.Holidays) {
			b.Holidays = filepath.Join(filepath.Dir(path), b.Holidays)
		}
		days, err := readFile(b.Holidays, maxSpec)
		if err != nil {
			return nil, nil, err
		}
		content = append(append(content, days...), 0)
	}
	return b, content, nil
}

// blueprintChecker collects the faults that a blueprint has by itself; what
// depends on the city is found when its spec is checked.
type blueprintChecker struct {
	doc    *document
	faults []errs.Problem
}

func (c *blueprintChecker) fault(path, zh, en string) {
	c.faults = append(c.faults, errs.Problem{File: c.doc.file, Row: c.doc.line(path), Field: fieldOf(path), Zh: zh, En: en})
}

func (c *blueprintChecker) check(b *Blueprint) {
	if b.Version > FormatVersion || b.Version < 0 {
		c.fault("$.version", fmt.Sprintf("本版本只认得格式 %d", FormatVersion), fmt.Sprintf("this version knows format %d", FormatVersion))
	}
	if b.Name == "" {
		c.fault("$.name", "蓝图没有名称", "the blueprint has no name")
	}
	for i, g := range b.Roles {
		at := fmt.Sprintf("$.roles[%d]", i)
		if !slices.Contains(org.Roles(), g.Role) {
			c.fault(at+".role", "没有这个岗位："+string(g.Role), "no such post: "+string(g.Role))
		}
		for n, p := range g.Permissions {
			if !slices.Contains(access.Permissions(), p) {
				c.fault(fmt.Sprintf("%s.permissions[%d]", at, n), "没有这项权限："+string(p), "no such permission: "+string(p))
			} else if len(access.Breaches([]access.Rule{{Role: g.Role, Permission: p}})) > 0 {
				c.fault(fmt.Sprintf("%s.permissions[%d]", at, n), "监管分离：该岗位不得有权限 "+string(p), "separation of duties: the post must not have "+string(p))
			}
		}
	}
}

// inherit fills s from the blueprint, before the spec itself is read over it.
func (s *Spec) inherit(b *Blueprint) {
	s.Model, s.Shifts, s.Catalogue, s.Workflow = b.Model, b.Shifts, b.Catalogue, b.Workflow
	s.blueprint = b
}

// joinDepartments puts the blueprint's departments that the spec does not have
// itself before the spec's own.
func (s *Spec) joinDepartments() {
	var before []Department
	for _, d := range s.blueprint.Departments {
		if !slices.ContainsFunc(s.Departments, func(own Department) bool { return own.Code == d.Code }) {
			before = append(before, d)
		}
	}
	s.fromBlueprint = len(before)
	s.Departments = append(before, s.Departments...)
}

// departmentPath is where the i-th department stands in the spec's file; those
// of the blueprint stand where it is named.
func (s *Spec) departmentPath(i int) string {
	if i < s.fromBlueprint {
		return "$.blueprint"
	}
	return fmt.Sprintf("$.departments[%d]", i-s.fromBlueprint)
}

// rules is the policy that a city of this spec starts with.
func (s *Spec) rules() []access.Rule {
	if s.blueprint == nil || len(s.blueprint.Roles) == 0 {
		return access.Defaults()
	}
	var rules []access.Rule
	for _, g := range s.blueprint.Roles {
		for _, p := range g.Permissions {
			rules = append(rules, access.Rule{Role: g.Role, Permission: p})
		}
	}
	return rules
}

// seasons are the blueprint's as the calendar keeps them.
func (b *Blueprint) seasons() []calendar.Season {
	out := make([]calendar.Season, len(b.Seasons))
	for i, season := range b.Seasons {
		out[i] = calendar.Season(season)
	}
	return out
}

// calendar compares the holidays and seasons of the blueprint with the city's,
// which keeps its own where the blueprint has none, and returns what to write.
func (d *differ) calendar(ctx context.Context) (days []byte, seasons bool, err error) {
	b := d.spec.blueprint
	if b == nil {
		return nil, false, nil
	}
	if b.Holidays != "" {
		if days, err = readFile(b.Holidays, maxSpec); err != nil {
			return nil, false, err
		}
		report, err := d.city.Holidays.Import(ctx, filepath.Base(b.Holidays), calendar.CSV(bytes.NewReader(days)), true)
		if err != nil {
			return nil, false, err
		}
		if len(report.Differences) == 0 {
			days = nil
		} else {
			d.add(OpChange, "calendar", filepath.Base(b.Holidays), "", fmt.Sprint(report.Years, " ", len(report.Differences)))
		}
	}
	if want := b.seasons(); len(want) > 0 {
		have := d.city.Calendar.Data().Seasons
		if before, after := fmt.Sprint(have), fmt.Sprint(want); before != after {
			d.add(OpChange, "calendar", "seasons", before, after)
			seasons = true
		}
	}
	return days, seasons, nil
}

// setCalendar brings holidays and seasons to what the blueprint says.
func (d *differ) setCalendar(ctx context.Context) error {
	b := d.spec.blueprint
	days, seasons, err := d.calendar(ctx)
	if err == nil && days != nil {
		_, err = d.city.Holidays.Import(ctx, filepath.Base(b.Holidays), calendar.CSV(bytes.NewReader(days)), false)
	}
	if err == nil && seasons {
		err = d.city.Holidays.SetSeasons(ctx, b.seasons())
	}
	return err
}
