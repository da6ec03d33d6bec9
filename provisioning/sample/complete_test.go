package sample_test

import (
	"testing"

	"wangge/provisioning"
	"wangge/provisioning/sample"
	"wangge/tenant/division"
	"wangge/tenant/org"
)

func TestASampleOfEachModelIsAValidSpec(t *testing.T) {
	atlas, err := division.Load()
	if err != nil {
		t.Fatal(err)
	}
	city, ok := atlas.Lookup("150300")
	if !ok {
		t.Fatal("no city")
	}
	grids, err := sample.Grids(city.Code, sample.Communities(atlas, city.Code, 1)[:1], 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range provisioning.Models() {
		declared := sample.Spec(city)
		declared.Model = m
		declared.Departments = append(declared.Departments, provisioning.Department{Code: "HW", Name: "环卫企业", Kind: org.Enterprise})
		units := len(declared.Departments)
		path, err := sample.Write(t.TempDir(), declared, grids)
		if err != nil {
			t.Fatal(err)
		}
		spec, err := provisioning.ReadSpec(path, atlas)
		if err != nil {
			t.Errorf("%s: %v", m, err)
			continue
		}
		want := map[provisioning.Model]int{provisioning.CitySupervision: 0, provisioning.FourLevels: 2, provisioning.TwoLevels: 2, provisioning.Merged: 1}[m]
		if added := len(spec.Departments) - units; added != want || len(declared.Departments) != units {
			t.Errorf("%s: %d units were added, want %d", m, added, want)
		}
		again, err := sample.Write(t.TempDir(), *spec, grids)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := provisioning.ReadSpec(again, atlas); err != nil || len(same.Departments) != len(spec.Departments) {
			t.Errorf("%s: what fits was changed: %v", m, err)
		}
	}
}
