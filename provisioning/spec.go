// Package provisioning turns a city spec into a running tenant: it says what
// would change (plan), does it step by step (apply), records each step so that
// an interrupted run goes on where it stopped, and ends with a self-check.
package provisioning

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"slices"
	"strings"

	"wangge/internal/errs"
	"wangge/internal/geodesy"
	"wangge/internal/shapefile"
	"wangge/tenant"
	"wangge/tenant/casework"
	"wangge/tenant/division"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

// Model is how supervision, command and handling are spread over the levels.
type Model = org.Model

// The models in use in the field.
const (
	CitySupervision = org.CitySupervision
	FourLevels      = org.FourLevels
	TwoLevels       = org.TwoLevels
	Merged          = org.Merged
)

// Models lists the models.
func Models() (list []Model) {
	for _, r := range org.Models() {
		list = append(list, r.Model)
	}
	return list
}

// Spec declares a city.
type Spec struct {
	Version        int          `yaml:"version,omitempty" description:"格式版本 of the format: 1"`
	Blueprint      string       `yaml:"blueprint,omitempty" description:"省级蓝图文件 the province's blueprint, relative to this file"`
	Code           string       `yaml:"code" pattern:"^[0-9]{6}$" description:"GB/T 2260 六位代码 six-digit code of the city"`
	Name           string       `yaml:"name"`
	Model          Model        `yaml:"model"`
	Shifts         []string     `yaml:"shifts,omitempty"`
	Catalogue      string       `yaml:"catalogue,omitempty"` // version the city begins on, by standard or year; empty: 2026. Later it moves by itself
	Server         string       `yaml:"server,omitempty" description:"所在 PostgreSQL 服务器 server of the placement catalogue; empty: the platform's own"`
	Districts      []string     `yaml:"districts,omitempty"` // county codes; empty: all of the city's
	Departments    []Department `yaml:"departments"`
	Administrators []Person     `yaml:"administrators"`
	Staff          []Person     `yaml:"staff,omitempty"`
	Grids          string       `yaml:"grids"` // GeoJSON or zipped Shapefile, relative to the spec

	// Workflow holds the platform's defaults where the spec says nothing; the
	// levels of command are the model's unless it does.
	Workflow casework.Workflow `yaml:"workflow,omitempty"`

	id    tenant.ID
	hash  string
	grids grid.Set // of the file

	blueprint     *Blueprint // nil: none
	fromBlueprint int        // how many of the departments come first and are its
}

// Department is a unit of the city.
type Department struct {
	Code   string             `yaml:"code"`
	Name   string             `yaml:"name"`
	Kind   org.DepartmentKind `yaml:"kind"`
	Parent string             `yaml:"parent,omitempty"`
	Area   string             `yaml:"area,omitempty"` // division of 6, 9 or 12 digits; empty: the whole city
}

// Person is an account and the posts it holds. Administrators hold city_admin.
type Person struct {
	Login      string     `yaml:"login"`
	Name       string     `yaml:"name"`
	Department string     `yaml:"department,omitempty"`
	Roles      []org.Role `yaml:"roles,omitempty"`
}

// ID is the tenant the spec declares.
func (s *Spec) ID() tenant.ID { return s.id }

// Hash identifies the spec together with its grids file.
func (s *Spec) Hash() string { return s.hash }

const (
	maxSpec  = 1 << 20  // bytes
	maxGrids = 64 << 20 // bytes; what an import accepts
)

// ReadSpec reads and validates a spec file and the grids file it names. Every
// fault that can be found is listed with file, line or feature, field and
// reason; those of the grids once the spec itself has none.
func ReadSpec(path string, atlas *division.Atlas) (*Spec, error) {
	raw, err := readFile(path, maxSpec)
	if err != nil {
		return nil, err
	}
	s, doc := &Spec{Workflow: casework.DefaultWorkflow()}, &document{file: filepath.Base(path)}
	if err := doc.decode(raw, s); err != nil {
		return nil, err
	}
	var inherited []byte
	if s.Blueprint != "" {
		var b *Blueprint
		if b, inherited, err = readBlueprint(filepath.Dir(path), s.Blueprint); err != nil {
			return nil, err
		}
		s = &Spec{}
		s.inherit(b)
		if err := doc.decode(raw, s); err != nil {
			return nil, err
		}
		s.joinDepartments()
	}
	c := &checker{spec: s, doc: doc, atlas: atlas}
	c.check()
	if err := errs.Problems(c.faults...); err != nil {
		return nil, err
	}
	if err := doc.validate(specSchema); err != nil {
		return nil, err
	}
	grids, err := s.readGrids(filepath.Dir(path), atlas)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(slices.Concat(raw, []byte{0}, inherited, grids))
	s.hash = hex.EncodeToString(sum[:])
	return s, nil
}

// readGrids reads and checks the grids file, which is named from dir, and
// returns what is in it.
func (s *Spec) readGrids(dir string, atlas *division.Atlas) (content []byte, err error) {
	path := s.Grids
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if content, err = readFile(path, maxGrids); err != nil {
		return nil, err
	}
	divisions, err := divisionsOf(atlas, s)
	if err != nil {
		return nil, err
	}
	known := communities{}
	for _, d := range divisions {
		known[d.Code] = d.Level == division.Community
	}
	s.grids, err = readGridFile(filepath.Base(path), content, known)
	return content, err
}

// readGridFile reads and checks grids: of a name that ends in .zip a zipped
// Shapefile, else GeoJSON, in any of the coordinate systems that are known.
func readGridFile(name string, content []byte, known communities) (grid.Set, error) {
	rules := grid.NewRules(known)
	rules.Systems = func(name string) (grid.Convert, error) {
		system, err := geodesy.Parse(name)
		return system.ToCGCS2000, err
	}
	file := grid.File{Name: name, GeoJSON: bytes.NewReader(content)}
	if strings.EqualFold(filepath.Ext(name), ".zip") {
		shapes, err := shapefile.Open(bytes.NewReader(content), int64(len(content)), shapefile.Limits{Points: rules.MaxPoints})
		if err != nil {
			return grid.Set{}, in(name, err)
		}
		file.Shapes = shapes
	}
	return grid.Read(file, rules)
}

// in names the file in the faults that name none.
func in(file string, err error) error {
	e, ok := errs.As(err)
	if !ok {
		return err
	}
	faults := slices.Clone(e.Problems)
	for i := range faults {
		faults[i].File = cmp.Or(faults[i].File, file)
	}
	return errs.Problems(faults...)
}

// communities are those the city will have, before it has any.
type communities map[string]bool

func (c communities) HasCommunity(code string) bool { return c[code] }

// handling is a department that handles cases, "" when there is none.
func handling(list []Department) string {
	for _, d := range list {
		if d.Kind.Handles() {
			return d.Code
		}
	}
	return ""
}

// domain is the unit as the organisation keeps it; whether it is retired is the
// city's to say, not the spec's.
func (d Department) domain() org.Department {
	return org.Department{Code: d.Code, Name: d.Name, Kind: d.Kind, Parent: d.Parent, Area: d.Area}
}

// declared is a unit of the city as a spec would have it.
func declared(d org.Department) Department {
	return Department{Code: d.Code, Name: d.Name, Kind: d.Kind, Parent: d.Parent, Area: d.Area}
}

// units are the spec's as the organisation keeps them.
func (s *Spec) units() []org.Department {
	out := make([]org.Department, len(s.Departments))
	for i, d := range s.Departments {
		out[i] = d.domain()
	}
	return out
}

// people lists administrators and staff as they are set up: an administrator
// holds city_admin, in the supervision centre unless the spec says where.
func (s *Spec) people() []Person {
	centre := ""
	for _, d := range s.Departments {
		if d.Kind == org.SupervisionCentre {
			centre = d.Code
			break
		}
	}
	out := make([]Person, 0, len(s.Administrators)+len(s.Staff))
	for _, p := range s.Administrators {
		if p.Department == "" {
			p.Department = centre
		}
		if !slices.Contains(p.Roles, org.CityAdmin) {
			p.Roles = append([]org.Role{org.CityAdmin}, p.Roles...)
		}
		out = append(out, p)
	}
	out = append(out, s.Staff...)
	for i := range out {
		out[i].Name = strings.TrimSpace(out[i].Name) // as an account keeps it
	}
	return out
}

// names says whether the spec has an account of this login.
func (s *Spec) names(login string) bool {
	return slices.ContainsFunc(s.people(), func(p Person) bool { return strings.EqualFold(p.Login, login) })
}

// holders are the posts of a person as the organisation keeps them.
func (p Person) holders(account int64) []org.Holder {
	out := make([]org.Holder, len(p.Roles))
	for i, role := range p.Roles {
		out[i] = org.Holder{Account: account, Role: role, Department: p.Department}
	}
	return out
}
