// Package provisioning turns a city spec into a running tenant: it says what
// would change (plan), does it step by step (apply), records each step so that
// an interrupted run goes on where it stopped, and ends with a self-check.
package provisioning

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"slices"
	"strings"

	"wangge/internal/errs"
	"wangge/tenant"
	"wangge/tenant/division"
	"wangge/tenant/grid"
	"wangge/tenant/org"
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

// Models lists the models.
func Models() []Model { return []Model{CitySupervision, FourLevels, TwoLevels, Merged} }

// Spec declares a city.
type Spec struct {
	Code           string       `yaml:"code"`
	Name           string       `yaml:"name"`
	Model          Model        `yaml:"model"`
	Shifts         []string     `yaml:"shifts,omitempty"`
	Districts      []string     `yaml:"districts,omitempty"` // county codes; empty: all of the city's
	Departments    []Department `yaml:"departments"`
	Administrators []Person     `yaml:"administrators"`
	Staff          []Person     `yaml:"staff,omitempty"`
	Grids          string       `yaml:"grids"` // GeoJSON file, relative to the spec

	id    tenant.ID
	hash  string
	grids []grid.Grid // of the file
}

// Department is a unit of the city.
type Department struct {
	Code     string             `yaml:"code"`
	Name     string             `yaml:"name"`
	Kind     org.DepartmentKind `yaml:"kind"`
	Parent   string             `yaml:"parent,omitempty"`
	District string             `yaml:"district,omitempty"`
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
	s, doc := &Spec{}, &document{file: filepath.Base(path)}
	if err := doc.decode(raw, s); err != nil {
		return nil, err
	}
	c := &checker{spec: s, doc: doc, atlas: atlas}
	c.check()
	if err := errs.Problems(c.faults...); err != nil {
		return nil, err
	}
	grids, err := s.readGrids(filepath.Dir(path), atlas)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append(append(raw, 0), grids...))
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
	s.grids, err = grid.ReadGeoJSON(filepath.Base(path), bytes.NewReader(content), grid.NewRules(known))
	return content, err
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

func (d Department) domain() org.Department { return org.Department(d) }

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

// holders are the posts of a person as the organisation keeps them.
func (p Person) holders(account int64) []org.Holder {
	out := make([]org.Holder, len(p.Roles))
	for i, role := range p.Roles {
		out[i] = org.Holder{Account: account, Role: role, Department: p.Department}
	}
	return out
}
