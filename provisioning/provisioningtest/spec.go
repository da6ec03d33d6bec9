// Package provisioningtest gives tests a small real city to build, an empty
// PostgreSQL database to build it in, and everything that is in it afterwards.
// Only tests import it.
package provisioningtest

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"

	"wangge/provisioning"
	"wangge/tenant/division"
	"wangge/tenant/division/seat"
	"wangge/tenant/grid"
	"wangge/tenant/grid/lattice"
	"wangge/tenant/org"
)

// Code is the city of these tests: 乌海市, a small one.
const Code = "150300"

// Spec is the spec of a small city; tests change it.
func Spec() provisioning.Spec {
	return provisioning.Spec{
		Code: Code, Name: "乌海市", Model: provisioning.TwoLevels, Grids: "grids.geojson",
		Departments: []provisioning.Department{
			{Code: "JD", Name: "监督中心", Kind: org.SupervisionCentre},
			{Code: "ZH", Name: "指挥中心", Kind: org.CommandCentre},
			{Code: "SZ", Name: "市政工程处", Kind: org.Functional, Area: "150302"},
			{Code: "SZ1", Name: "市政一所", Kind: org.Contractor, Parent: "SZ"},
			{Code: "QJD", Name: "海勃湾区监督中心", Kind: org.SupervisionCentre, Parent: "JD", Area: "150302"},
			{Code: "QZH", Name: "海勃湾区指挥中心", Kind: org.CommandCentre, Parent: "ZH", Area: "150302"},
		},
		Administrators: []provisioning.Person{{Login: "admin", Name: "市级管理员01"}},
		Staff: []provisioning.Person{
			{Login: "clerk01", Name: "受理员01", Department: "JD", Roles: []org.Role{org.IntakeClerk, org.ShiftLeader}},
			{Login: "Dispatcher01", Name: "派遣员01", Department: "ZH", Roles: []org.Role{org.Dispatcher}},
			{Login: "handler01", Name: "部门处置员01", Department: "SZ1", Roles: []org.Role{org.DepartmentHandler}},
		},
	}
}

// Square draws side × side grids over communities of the city.
func Square(t testing.TB, side int, seed uint64) []grid.Grid {
	t.Helper()
	atlas := load(t)
	lon, lat, _ := seat.Of(Code)
	var communities []string
	for _, county := range atlas.Counties(Code) {
		streets, err := atlas.Children(county.Code)
		if err != nil {
			t.Fatal(err)
		}
		below, err := atlas.Children(streets[0].Code)
		if err != nil {
			t.Fatal(err)
		}
		communities = append(communities, below[0].Code)
	}
	if side > 30 {
		for _, d := range atlas.SearchIn(Code, "", 5000) {
			if d.Level == division.Community && !slices.Contains(communities, d.Code) {
				communities = append(communities, d.Code)
			}
		}
	}
	grids, err := lattice.Draw(lattice.Plan{Centre: grid.Point{Lon: lon, Lat: lat}, Cols: side, Rows: side, Bends: 3, Communities: communities, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return grids
}

// Write puts a spec and its grids into a folder and returns the spec's path.
func Write(t testing.TB, s provisioning.Spec, grids []grid.Grid) string {
	t.Helper()
	var body bytes.Buffer
	if err := grid.WriteGeoJSON(&body, grids); err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{"city.yaml": text, "grids.geojson": body.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "city.yaml")
}

func load(t testing.TB) *division.Atlas {
	t.Helper()
	a, err := division.Load()
	if err != nil {
		t.Fatal(err)
	}
	return a
}
