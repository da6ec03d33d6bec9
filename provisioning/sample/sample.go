// Package sample makes up cities to build where nobody has declared one: for
// the demonstration, for benchmarks and for tests. The divisions are real, the
// grids are drawn, and what comes out are files as an operator would have them.
package sample

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"wangge/provisioning"
	"wangge/tenant/division"
	"wangge/tenant/division/seat"
	"wangge/tenant/grid"
	"wangge/tenant/grid/lattice"
	"wangge/tenant/org"
)

// most bounds the communities of a sample: a street beyond it is left out.
const most = 64

// Communities lists the communities of the first streets of the city's first
// county that has any, whole streets at a time until there are at least so many.
func Communities(atlas *division.Atlas, city string, least int) (codes []string) {
	for _, county := range atlas.Counties(city) {
		streets, err := atlas.Children(county.Code)
		if err != nil {
			return nil
		}
		for _, street := range streets {
			list, err := atlas.Children(street.Code)
			if err != nil || len(codes)+len(list) > max(most, least) {
				continue
			}
			for _, c := range list {
				codes = append(codes, c.Code)
			}
			if len(codes) >= least {
				return codes
			}
		}
		if len(codes) > 0 {
			return codes
		}
	}
	return nil
}

// Grids draws unit grids, at least so many for each community, around the
// city's seat. The same arguments draw the same grids.
func Grids(city string, communities []string, each int, seed uint64) ([]grid.Grid, error) {
	lon, lat, _ := seat.Of(city)
	side := int(math.Ceil(math.Sqrt(float64(each * len(communities)))))
	return lattice.Draw(lattice.Plan{
		Centre: grid.Point{Lon: lon, Lat: lat}, Cols: side, Rows: side, Angle: float64(seed%20) - 10, Bends: 1,
		Communities: communities, Seed: seed,
	})
}

// The units of Spec.
const (
	SupervisionCentre = "JDZX"
	CommandCentre     = "ZHZX"
	Works             = "SZ"
)

// Spec is a city as small as it can be: both centres, one department, one
// administrator, and one holder of each post, whose login is the post's name
// and 01.
func Spec(city division.Division) provisioning.Spec {
	s := provisioning.Spec{
		Code: city.Code, Name: city.Name, Model: provisioning.CitySupervision,
		Departments: []provisioning.Department{
			{Code: SupervisionCentre, Name: "城市管理监督中心", Kind: org.SupervisionCentre},
			{Code: CommandCentre, Name: "城市管理指挥中心", Kind: org.CommandCentre},
			{Code: Works, Name: "市政设施养护处", Kind: org.Functional},
		},
		Administrators: []provisioning.Person{{Login: "admin", Name: "市级管理员01"}},
	}
	for _, r := range org.Roles() {
		if r == org.CityAdmin {
			continue
		}
		zh, _ := r.Names()
		s.Staff = append(s.Staff, provisioning.Person{Login: string(r) + "01", Name: zh + "01", Department: seatOf(r), Roles: []org.Role{r}})
	}
	return s
}

func seatOf(r org.Role) string {
	switch r {
	case org.Dispatcher:
		return CommandCentre
	case org.DepartmentHandler:
		return Works
	default:
		return SupervisionCentre
	}
}

// Write puts the spec and its grids into dir and returns the spec's path. Units
// that the spec's model asks for and the spec does not name are added.
func Write(dir string, s provisioning.Spec, grids []grid.Grid) (path string, err error) {
	s.Grids = s.Code + ".geojson"
	if len(grids) > 0 {
		s.Departments = complete(s, grids[0].Code)
	}
	var body bytes.Buffer
	if err := grid.WriteGeoJSON(&body, grids); err != nil {
		return "", err
	}
	text, err := yaml.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("spec of %s: %w", s.Code, err)
	}
	path = filepath.Join(dir, s.Code+".yaml")
	if err := os.WriteFile(filepath.Join(dir, s.Grids), body.Bytes(), 0o600); err != nil {
		return "", fmt.Errorf("grids of %s: %w", s.Code, err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return "", fmt.Errorf("spec of %s: %w", s.Code, err)
	}
	return path, nil
}
