package provisioning

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"wangge/internal/errs"
	"wangge/internal/identity"
	"wangge/tenant"
	"wangge/tenant/calendar"
	"wangge/tenant/catalog"
	"wangge/tenant/division"
	"wangge/tenant/org"
)

// checker collects the faults of a spec.
type checker struct {
	spec   *Spec
	doc    *document
	atlas  *division.Atlas
	faults []errs.Problem
}

// fault notes what is wrong at a YAML path such as $.departments[2].kind.
func (c *checker) fault(path, zh, en string) {
	c.faults = append(c.faults, errs.Problem{File: c.doc.file, Row: c.doc.line(path), Field: fieldOf(path), Zh: zh, En: en})
}

// refused notes an error of a rule of the field: each of its problems at its
// own field below path, or the whole at path.
func (c *checker) refused(path, field string, err error) {
	e, ok := errs.As(err)
	switch {
	case !ok:
	case len(e.Problems) == 0:
		c.fault(path+field, e.Zh, e.En)
	default:
		for _, p := range e.Problems {
			c.fault(path+"."+p.Field, p.Zh, p.En)
		}
	}
}

func (c *checker) check() {
	s := c.spec
	if s.Version > FormatVersion || s.Version < 0 {
		c.fault("$.version", fmt.Sprintf("本版本只认得格式 %d", FormatVersion), fmt.Sprintf("this version knows format %d", FormatVersion))
		return
	}
	id, err := tenant.ParseID(s.Code)
	if err != nil {
		c.fault("$.code", fmt.Sprintf("城市代码须为 6 位数字，得到“%s”", s.Code), fmt.Sprintf("a city code has six digits, got %q", s.Code))
		return
	}
	s.id = id
	city, ok := c.atlas.Lookup(s.Code)
	if !ok || len(c.atlas.Counties(s.Code)) == 0 {
		c.fault("$.code", "行政区划中没有可作为租户的城市 "+s.Code, "the divisions hold no city "+s.Code+" that can be a tenant")
		return
	}
	if s.Name != city.Name {
		c.fault("$.name", "名称与行政区划不符：应为“"+city.Name+"”", "the name differs from the divisions: want "+city.Name)
	}
	if !s.Model.Known() {
		c.fault("$.model", fmt.Sprintf("组织模式未知：%q，可选 %v", s.Model, Models()), fmt.Sprintf("unknown model %q, one of %v", s.Model, Models()))
	}
	if len(s.Shifts) == 0 {
		s.Shifts = []string{"08:00-12:00", "14:00-18:00"}
	}
	if _, err := calendar.New(zone, s.Shifts); err != nil {
		c.fault("$.shifts", "工作时段须为依次排列的 HH:MM-HH:MM", "shifts are HH:MM-HH:MM, in order and apart")
	}
	if s.Catalogue == "" {
		s.Catalogue = catalog.Version2026
	}
	if _, err := catalog.ParseVersion(s.Catalogue); err != nil {
		c.fault("$.catalogue", "没有这个目录版本："+s.Catalogue, "no such version of the catalogue: "+s.Catalogue)
	}
	if s.Workflow.Commands == 0 {
		s.Workflow.Commands = s.Model.Commands()
	}
	for _, p := range s.Workflow.Check() {
		c.fault("$.workflow."+p.Field, p.Zh, p.En)
	}
	if s.Grids == "" {
		c.fault("$.grids", "未指明单元网格文件", "the grids file is missing")
	}
	c.districts()
	c.people(c.departments())
}

func (c *checker) districts() {
	for i, code := range c.spec.Districts {
		c.district(fmt.Sprintf("$.districts[%d]", i), code)
	}
}

func (c *checker) district(path, code string) {
	if !slices.ContainsFunc(c.atlas.Counties(c.spec.Code), func(d division.Division) bool { return d.Code == code }) {
		c.fault(path, "区县 "+code+" 不属于该市", "the county "+code+" is not of this city")
	}
}

// departments rehearses the units by the rules of the organisation and of the
// model, and returns those that can be set up.
func (c *checker) departments() rehearsal {
	good := rehearsal{units: map[string]org.Department{}, has: func(code string) bool {
		return slices.ContainsFunc(countiesOf(c.atlas, c.spec), func(d division.Division) bool { return d.Code == code[:6] }) && c.atlas.Belongs(c.spec.Code, code)
	}}
	service := org.NewService(good, zone, time.Now)
	seen := map[string]bool{}
	for i, d := range c.spec.Departments {
		at := c.spec.departmentPath(i)
		if seen[d.Code] {
			c.fault(at+".code", "部门编码重复："+d.Code, "duplicate code: "+d.Code)
			continue
		}
		if d.Parent != "" && !seen[d.Parent] {
			c.fault(at+".parent", "上级部门须先于下级列出："+d.Parent, "a parent is listed before its children: "+d.Parent)
		}
		unit := d.domain()
		if _, known := good.units[unit.Parent]; !known {
			unit.Parent = "" // checked above, or has faults itself
		}
		c.refused(at, "", service.SaveDepartment(context.Background(), unit))
		seen[d.Code] = true
	}
	for _, p := range org.CheckModel(c.spec.Model, c.spec.units()) {
		c.fault("$."+p.Field, p.Zh, p.En)
	}
	return good
}

// people rehearses the accounts and their posts in the units of good.
func (c *checker) people(good rehearsal) {
	if len(c.spec.Administrators) == 0 {
		c.fault("$.administrators", "至少需要一名管理员", "at least one administrator is needed")
	}
	seen := map[string]bool{}
	for i, p := range c.spec.people() {
		at := fmt.Sprintf("$.administrators[%d]", i)
		if n := i - len(c.spec.Administrators); n >= 0 {
			at = fmt.Sprintf("$.staff[%d]", n)
		}
		login := strings.ToLower(p.Login)
		if seen[login] {
			c.fault(at+".login", "登录名重复："+p.Login, "duplicate login: "+p.Login)
		}
		seen[login] = true
		c.refused(at, "", identity.CheckNames(p.Login, p.Name))
		c.posts(at, p, good)
	}
}

func (c *checker) posts(at string, p Person, good rehearsal) {
	known := slices.ContainsFunc(c.spec.Departments, func(d Department) bool { return d.Code == p.Department })
	switch _, usable := good.units[p.Department]; {
	case len(p.Roles) == 0:
		c.fault(at+".roles", "没有岗位", "no post is named")
	case p.Department == "" && slices.Contains(p.Roles, org.CityAdmin): // the centre is missing, which is noted
	case !known:
		c.fault(at+".department", "没有这个部门："+p.Department, "no such department: "+p.Department)
	case usable:
		c.refused(at, ".roles", org.NewService(good, zone, time.Now).SetPosts(context.Background(), 0, p.holders(0)))
	}
}

// rehearsal keeps units in memory, so that a spec is held to the very rules
// that will be applied to the city. Nobody holds a post yet.
type rehearsal struct {
	org.Store
	units map[string]org.Department
	has   func(division string) bool
}

func (r rehearsal) InTx(_ context.Context, fn func(org.Store) error) error { return fn(r) }

func (r rehearsal) Begin(context.Context) error { return nil }

func (r rehearsal) SetDay(_ context.Context, day string) (string, error) { return day, nil }

func (r rehearsal) HasDivision(_ context.Context, code string) (bool, error) { return r.has(code), nil }

func (r rehearsal) Department(_ context.Context, code string) (org.Department, error) {
	d, ok := r.units[code]
	if !ok {
		return d, org.ErrNoDepartment.With(code)
	}
	return d, nil
}

func (r rehearsal) Departments(context.Context) ([]org.Department, error) {
	return slices.Collect(maps.Values(r.units)), nil
}

func (r rehearsal) SaveDepartment(_ context.Context, d org.Department) error {
	r.units[d.Code] = d
	return nil
}

func (r rehearsal) Holders(context.Context) ([]org.Holder, error) { return nil, nil }

func (r rehearsal) Deputies(context.Context) ([]org.Deputy, error) { return nil, nil }

func (r rehearsal) SetHolders(context.Context, int64, org.Side, []org.Holder, string) error {
	return nil
}
