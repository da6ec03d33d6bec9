package org_test

import (
	"slices"
	"testing"

	"wangge/tenant/org"
)

func unit(code string, kind org.DepartmentKind, parent, area string) org.Department {
	return org.Department{Code: code, Name: code, Kind: kind, Parent: parent, Area: area}
}

// fitting are units that fit a model as they are.
var fitting = map[org.Model][]org.Department{
	org.CitySupervision: {unit("JD", org.SupervisionCentre, "", ""), unit("ZH", org.CommandCentre, "", ""), unit("Q", org.Functional, "", "150302")},
	org.FourLevels: {
		unit("JD", org.SupervisionCentre, "", ""), unit("ZH", org.CommandCentre, "", ""), unit("QZ", org.CommandCentre, "ZH", "150302"),
		unit("JD1", org.Functional, "QZ", "150302001"),
	},
	org.TwoLevels: {
		unit("JD", org.SupervisionCentre, "", ""), unit("ZH", org.CommandCentre, "", ""), unit("QJ", org.SupervisionCentre, "JD", "150302"),
		unit("QZ", org.CommandCentre, "ZH", "150302"), unit("SZ", org.Functional, "", ""),
	},
	org.Merged: {
		unit("JD", org.SupervisionCentre, "", ""), unit("ZH", org.CommandCentre, "", ""), unit("CG", org.Functional, "", ""),
		unit("ZF", org.Functional, "CG", ""), unit("HW", org.Enterprise, "ZF", ""),
	},
}

func TestEachModelIsFittedByItsOwnUnits(t *testing.T) {
	for _, r := range org.Models() {
		if got := org.CheckModel(r.Model, fitting[r.Model]); len(got) > 0 || len(fitting[r.Model]) == 0 {
			t.Errorf("%s: %v", r.Model, got)
		}
		if r.Zh == "" || r.En == "" || r.AboutZh == "" || r.AboutEn == "" || r.Model.Commands() != r.Commands || !r.Model.Known() {
			t.Errorf("%+v", r)
		}
	}
	if org.Model("none").Known() || org.Model("none").Commands() != 1 {
		t.Error("an unknown model is known")
	}
}

func TestWhatAModelLacksOrHasTooMuchOfIsNamed(t *testing.T) {
	for name, tt := range map[string]struct {
		model  org.Model
		change func([]org.Department) []org.Department
		fields []string
	}{
		"nobody at all": {org.Merged, func([]org.Department) []org.Department { return nil }, []string{"departments", "departments", "departments"}},
		"an unknown model asks for what every city has": {"none", func(l []org.Department) []org.Department { return l[:2] }, []string{"departments"}},
		"a retired centre does not count": {org.CitySupervision, func(l []org.Department) []org.Department {
			l[1].Retired = "2026-01-01"
			return l
		}, []string{"departments"}},
		"a second centre of the city": {org.CitySupervision, func(l []org.Department) []org.Department {
			return append(l, unit("J2", org.SupervisionCentre, "", ""))
		}, []string{"departments[3].area"}},
		"a district's centre where one level supervises": {org.CitySupervision, func(l []org.Department) []org.Department {
			return append(l, unit("J2", org.SupervisionCentre, "", "150302"))
		}, []string{"departments[3].area"}},
		"a district's command where one level commands": {org.Merged, func(l []org.Department) []org.Department {
			return append(l, unit("Z2", org.CommandCentre, "", "150302"))
		}, []string{"departments[5].area"}},
		"no centres of districts": {org.TwoLevels, func(l []org.Department) []org.Department { return slices.Delete(l, 2, 4) }, []string{"departments", "departments"}},
		"a district with one of the centres": {org.TwoLevels, func(l []org.Department) []org.Department {
			return append(l, unit("J2", org.SupervisionCentre, "", "150303"))
		}, []string{"departments"}},
		"a district with the other centre": {org.TwoLevels, func(l []org.Department) []org.Department {
			return append(l, unit("Z2", org.CommandCentre, "", "150303"))
		}, []string{"departments"}},
		"a district with two centres of a kind": {org.TwoLevels, func(l []org.Department) []org.Department {
			return append(l, unit("Z2", org.CommandCentre, "", "150302"))
		}, []string{"departments[5].area"}},
		"a centre of a street": {org.TwoLevels, func(l []org.Department) []org.Department {
			return append(l, unit("J2", org.SupervisionCentre, "", "150302001"))
		}, []string{"departments[5].area"}},
		"only centres of districts": {org.TwoLevels, func(l []org.Department) []org.Department {
			l[0].Area, l[1].Area = "150303", "150303"
			return l
		}, []string{"departments", "departments"}},
		"one command of the two": {org.FourLevels, func(l []org.Department) []org.Department {
			l[3].Parent = ""
			return slices.Delete(l, 2, 3)
		}, []string{"departments", "departments[2].parent"}},
		"no streets":                    {org.FourLevels, func(l []org.Department) []org.Department { l[3].Area = "150302"; return l }, []string{"departments"}},
		"a street under nobody":         {org.FourLevels, func(l []org.Department) []org.Department { l[3].Parent = ""; return l }, []string{"departments[3].parent"}},
		"two bureaus":                   {org.Merged, func(l []org.Department) []org.Department { l[4].Parent = ""; l[4].Kind = org.Functional; return l }, []string{"departments[4].parent"}},
		"an enterprise under no bureau": {org.Merged, func(l []org.Department) []org.Department { l[4].Parent = ""; return l }, []string{"departments[4].parent"}},
	} {
		t.Run(name, func(t *testing.T) {
			base := fitting[tt.model]
			if base == nil {
				base = fitting[org.CitySupervision]
			}
			var got []string
			for _, p := range org.CheckModel(tt.model, tt.change(slices.Clone(base))) {
				got = append(got, p.Field)
				if p.Zh == "" || p.En == "" {
					t.Errorf("%+v", p)
				}
			}
			if !slices.Equal(got, tt.fields) {
				t.Errorf("got %v, want %v", got, tt.fields)
			}
		})
	}
}
