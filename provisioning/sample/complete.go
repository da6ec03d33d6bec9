package sample

import (
	"slices"

	"wangge/provisioning"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

// The units that complete adds.
const (
	DistrictSupervision = "QJD" // 区监督中心
	DistrictCommand     = "QZH" // 区指挥中心
	StreetOffice        = "JD1" // 街道办事处
	Bureau              = "CGJ" // 城市管理局, under which all others handle
)

// complete returns the units of a spec with those its model asks for beside
// them: centres of the district where a grid lies, its street, or the bureau
// above all who handle. A spec that fits its model is left as it is.
func complete(s provisioning.Spec, unit grid.Code) []provisioning.Department {
	list := slices.Clone(s.Departments)
	if len(org.CheckModel(s.Model, domain(list))) == 0 {
		return list
	}
	above := func(kind org.DepartmentKind) string {
		for _, d := range list {
			if d.Kind == kind && d.Area == "" {
				return d.Code
			}
		}
		return ""
	}
	supervision := provisioning.Department{Code: DistrictSupervision, Name: "区城市管理监督中心", Kind: org.SupervisionCentre, Parent: above(org.SupervisionCentre), Area: unit.County()}
	command := provisioning.Department{Code: DistrictCommand, Name: "区城市管理指挥中心", Kind: org.CommandCentre, Parent: above(org.CommandCentre), Area: unit.County()}
	switch s.Model {
	case org.TwoLevels:
		list = append(list, supervision, command)
	case org.FourLevels:
		list = append(list, command, provisioning.Department{Code: StreetOffice, Name: "街道办事处", Kind: org.Functional, Parent: DistrictCommand, Area: unit.Street()})
	case org.Merged:
		list = under(list)
	}
	return list
}

// under puts every unit that handles and has none above it under a bureau.
func under(list []provisioning.Department) []provisioning.Department {
	out := []provisioning.Department{{Code: Bureau, Name: "城市管理局", Kind: org.Functional}}
	for _, d := range list {
		if d.Kind.Handles() && d.Parent == "" {
			d.Parent = Bureau
		}
		out = append(out, d)
	}
	return out
}

func domain(list []provisioning.Department) []org.Department {
	out := make([]org.Department, len(list))
	for i, d := range list {
		out[i] = org.Department{Code: d.Code, Name: d.Name, Kind: d.Kind, Parent: d.Parent, Area: d.Area}
	}
	return out
}
