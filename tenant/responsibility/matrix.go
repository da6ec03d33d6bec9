package responsibility

import (
	"slices"
	"strconv"
	"strings"

	"wangge/tenant/grid"
	"wangge/tenant/org"
)

// Matrix answers by the rules in force on one day. It never changes, so it is
// safe for concurrent use.
type Matrix struct {
	rules []Rule
	at    map[key][]int // rules by what they are about
	kinds []int         // lengths of rules' kinds, longest first
	areas []int         // lengths of rules' areas, longest first
	sorts []string      // that rules name
	last  string        // newest version that rules name
	idle  []Rule        // in force, but their lead takes no cases
	units units
	names map[string]string // of divisions
}

// NewMatrix makes the matrix of a day. A rule whose lead takes no cases that
// day, being retired, counts for nothing, and such a unit assists nobody.
func NewMatrix(rules []Rule, departments []org.Department, divisions map[string]string, day string) *Matrix {
	m := &Matrix{at: map[key][]int{}, units: unitsOf(departments), names: divisions}
	kinds, areas, sorts := map[int]bool{}, map[int]bool{}, map[string]bool{}
	for _, r := range rules {
		if !r.On(day) {
			continue
		}
		if !m.units[r.Lead].Takes(day) {
			m.idle = append(m.idle, r)
			continue
		}
		r.Assisting = slices.DeleteFunc(slices.Clone(r.Assisting), func(code string) bool { return !m.units[code].Takes(day) })
		m.at[r.key()] = append(m.at[r.key()], len(m.rules))
		m.rules = append(m.rules, r)
		m.last = newest(m.last, r.Version)
		kinds[len(r.Kind)], areas[len(r.Area)], sorts[r.Sort] = true, true, true
	}
	m.kinds, m.areas = falling(kinds), falling(areas)
	for s := range sorts {
		m.sorts = append(m.sorts, s)
	}
	slices.Sort(m.sorts)
	slices.Reverse(m.sorts) // a named sort is more specific than none
	return m
}

func falling(set map[int]bool) (list []int) {
	for n := range set {
		list = append(list, n)
	}
	slices.Sort(list)
	slices.Reverse(list)
	return list
}

// find returns the rules that win for a kind in an area of any level, two and
// more when they claim the same with different leads; none when nobody answers.
// Of a kind whose sort is "" the rules of either sort count.
func (m *Matrix) find(version, sort, kind, area string) []int {
	for _, a := range m.areas {
		if a > len(area) {
			continue
		}
		for _, k := range m.kinds {
			if k > len(kind) {
				continue
			}
			for _, s := range m.sorts {
				if s != sort && s != "" && sort != "" {
					continue
				}
				if found := m.at[key{version, s, kind[:k], area[:a]}]; len(found) > 0 {
					return found
				}
			}
		}
	}
	return nil
}

// leads lists who leads by these rules, each once.
func (m *Matrix) leads(found []int) (list []string) {
	for _, i := range found {
		if lead := m.rules[i].Lead; !slices.Contains(list, lead) {
			list = append(list, lead)
		}
	}
	return list
}

// Suggest says who should handle a kind of problem in a unit grid; version ""
// is the newest that the matrix names. That nobody answers for it, or more than
// one, is an answer; its Why tells which.
func (m *Matrix) Suggest(version, sort, kind string, unit grid.Code) Suggestion {
	if version == "" {
		version = m.last
	}
	found := m.find(version, sort, kind, unit.Community())
	if len(found) == 0 {
		return Suggestion{Why: Name{
			Zh: "权责清单中，事项 " + kind + " 在网格 " + unit.String() + " 无人负责",
			En: "the matrix names nobody for the kind " + kind + " in the grid " + unit.String(),
		}}
	}
	r := m.rules[found[0]]
	zh, en := m.reason(r)
	leads := m.leads(found)
	if len(leads) == 1 {
		return Suggestion{
			Lead: r.Lead, Assisting: slices.Clone(r.Assisting), Area: r.Area, Rule: r.ID,
			Why: Name{Zh: "权责清单第 " + strconv.FormatInt(r.ID, 10) + " 行：" + zh + "由" + m.units.name(r.Lead) + "牵头", En: "row " + strconv.FormatInt(r.ID, 10) + " of the matrix: " + m.units.name(r.Lead) + " leads for " + en},
		}
	}
	names := make([]string, len(leads))
	for i, code := range leads {
		names[i] = m.units.name(code)
	}
	return Suggestion{
		Contested: leads, Area: r.Area, Rule: r.ID,
		Why: Name{Zh: "权责清单中，" + zh + "有多个牵头单位：" + strings.Join(names, "、"), En: "the matrix has more than one lead for " + en + ": " + strings.Join(names, ", ")},
	}
}

// reason spells what a rule is about.
func (m *Matrix) reason(r Rule) (zh, en string) {
	switch {
	case r.Area == "":
		zh, en = "全市", "in the whole city"
	default:
		zh, en = m.names[r.Area]+"（"+r.Area+"）", "in "+m.names[r.Area]+" ("+r.Area+")"
	}
	if r.Kind == "" {
		return zh + "的所有事项", "every kind " + en
	}
	return zh + "的 " + r.Kind + " 事项", "the kind " + r.Kind + " " + en
}
