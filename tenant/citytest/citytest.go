// Package citytest opens a real, seeded city for tests: a small city's own
// divisions, the starting catalogue, a lattice of unit grids, units, and an
// account in every post. Only tests import it.
//
//	citytest.Each(t, func(t *testing.T, h *citytest.House) {
//		c, err := h.City.Cases.Report(t.Context(), h.Report())
//		…
//	})
package citytest

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"wangge/internal/gormx"
	"wangge/internal/identity"
	"wangge/internal/testdb"
	"wangge/tenant"
	"wangge/tenant/access"
	"wangge/tenant/casework"
	"wangge/tenant/catalog"
	"wangge/tenant/division"
	"wangge/tenant/division/seat"
	"wangge/tenant/grid"
	"wangge/tenant/grid/lattice"
	"wangge/tenant/org"
	"wangge/tenant/tenantdb"
)

// The units of every house.
const (
	SupervisionCentre = "JD"       // 监督中心
	CommandCentre     = "ZH"       // 指挥中心
	Works             = "SZ"       // 市政工程处, where cases of a test go
	Greening          = "YL"       // 园林绿化处, another department
	Condition         = "01-001-2" // 供水井盖破损: 4 working hours
)

// Zone is the zone of every house.
var Zone = time.FixedZone("Asia/Shanghai", 8*60*60)

// Opening is what the clock of a new house shows: a Monday, nine o'clock, with
// an ordinary week before it.
var Opening = time.Date(2026, 11, 23, 9, 0, 0, 0, Zone)

// House is an open city and what a test needs to work in it.
type House struct {
	City   *tenant.City
	DB     *gormx.DB
	Clock  *Clock
	Seeder tenantdb.Seeder // that opened the city: to open it again
	Grids  []grid.Grid     // by code, of two counties
	Place  grid.Point      // inside Grids[0]

	accounts map[string]int64
	seats    map[string]string // units of those in the districts
}

// Option changes how a house is built.
type Option func(*plan)

type plan struct {
	code       string
	cols, rows int
	model      org.Model
	working    []func(*casework.Workflow)
}

// Code builds the city of this code instead of 150300 (乌海市); it must be one
// of the atlas.
func Code(city string) Option { return func(p *plan) { p.code = city } }

// Lattice draws so many grids instead of 12 × 8.
func Lattice(cols, rows int) Option { return func(p *plan) { p.cols, p.rows = cols, rows } }

// Each runs test in a house of its own on each engine.
func Each(t *testing.T, test func(t *testing.T, h *House)) {
	testdb.Engines(t, func(t *testing.T, db *gormx.DB) { test(t, Build(t, db)) })
}

// Open is Build for a test that needs no more than the city.
func Open(t testing.TB, db *gormx.DB, options ...Option) *tenant.City {
	t.Helper()
	return Build(t, db, options...).City
}

// Build makes an empty database the home of a city and opens it. The test
// fails when any part of it does.
func Build(t testing.TB, db *gormx.DB, options ...Option) *House {
	t.Helper()
	p := plan{code: "150300", cols: 12, rows: 8}
	for _, o := range options {
		o(&p)
	}
	h := &House{DB: db, Clock: &Clock{now: Opening}, accounts: map[string]int64{}, seats: map[string]string{}}
	h.Seeder = tenantdb.Seeder{
		Options: tenantdb.Options{Identity: identity.Options{Hasher: cheap}, Zone: Zone, Blobs: blobs(t)},
		Sealer:  sealers(t),
		Clock:   func(tenant.ID) func() time.Time { return h.Clock.Now },
	}
	divisions := h.seed(t, p)
	h.units(t)
	h.people(t)
	h.spread(t, p, divisions)
	h.draw(t, p, divisions)
	if err := h.City.Access.SetRules(t.Context(), access.Defaults()); err != nil {
		t.Fatal(err)
	}
	return h
}

// Settings are the settings of every house but for the name.
func Settings(name string) tenant.Settings {
	return tenant.Settings{
		Name: name, Model: "two_level_centres", Shifts: []string{"08:00-12:00", "14:00-18:00"},
		Workflow: Workflow(),
	}
}

// Workflow is the default with one level of command.
func Workflow() casework.Workflow {
	w := casework.DefaultWorkflow()
	w.Commands = 1
	return w
}

// seed migrates, seeds and opens the city, and returns its divisions.
func (h *House) seed(t testing.TB, p plan) []division.Division {
	t.Helper()
	id, err := tenant.ParseID(p.code)
	if err != nil {
		t.Fatal(err)
	}
	name, divisions := Divisions(t, p.code)
	kinds, conditions, err := catalog.Starting()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Seeder.Migrate(t.Context(), h.DB); err != nil {
		t.Fatal(err)
	}
	if err := h.Seeder.Seed(t.Context(), h.DB, p.settings(name), divisions, kinds, conditions); err != nil {
		t.Fatal(err)
	}
	if h.City, err = h.Seeder.Open(t.Context(), id, h.DB); err != nil {
		t.Fatal(err)
	}
	return divisions
}

// Divisions returns a city's name and all its divisions, from the atlas.
func Divisions(t testing.TB, city string) (name string, list []division.Division) {
	t.Helper()
	atlas, err := division.Load()
	if err != nil {
		t.Fatal(err)
	}
	top, ok := atlas.Lookup(city)
	if !ok {
		t.Fatalf("no city %s in the atlas", city)
	}
	next := atlas.Counties(city)
	for len(next) > 0 {
		d := next[0]
		list = append(list, d)
		below, err := atlas.Children(d.Code)
		if err != nil {
			t.Fatal(err)
		}
		next = append(next[1:], below...)
	}
	return top.Name, list
}

func (h *House) units(t testing.TB) {
	t.Helper()
	for _, d := range []org.Department{
		{Code: SupervisionCentre, Name: "监督中心", Kind: org.SupervisionCentre},
		{Code: CommandCentre, Name: "指挥中心", Kind: org.CommandCentre},
		{Code: Works, Name: "市政工程处", Kind: org.Functional},
		{Code: Greening, Name: "园林绿化处", Kind: org.Contractor},
	} {
		if err := h.City.Org.SaveDepartment(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
}

// draw lays the lattice over communities of the first and the last county.
func (h *House) draw(t testing.TB, p plan, divisions []division.Division) {
	t.Helper()
	var communities []string
	for _, d := range divisions {
		if d.Level == division.Community {
			communities = append(communities, d.Code)
		}
	}
	slices.Sort(communities)
	if n := len(communities); n > 8 {
		communities = append(communities[:4:4], communities[n-4:]...)
	}
	lon, lat, ok := seat.Of(p.code)
	if !ok {
		t.Fatalf("no seat of %s", p.code)
	}
	var err error
	h.Grids, err = lattice.Draw(lattice.Plan{Centre: grid.Point{Lon: lon, Lat: lat}, Cols: p.cols, Rows: p.rows, Communities: communities})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := grid.WriteGeoJSON(&file, h.Grids); err != nil {
		t.Fatal(err)
	}
	if _, err := h.City.Grids.Import(t.Context(), grid.File{Name: "lattice.geojson", GeoJSON: &file}); err != nil {
		t.Fatal(err)
	}
	h.Place = h.Grids[0].Inside()
}

// Report is a supervisor's report of the house's condition at its place.
func (h *House) Report() casework.ReportInput {
	return casework.ReportInput{
		By: h.Actor(org.Supervisor), Channel: casework.ChannelSupervisor, Condition: Condition,
		Description: "井盖破损", Address: "路口东南角", Place: h.Place,
	}
}
