package responsibility

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"wangge/tenant/grid"
)

// Gap is a kind in an area for which nobody answers, or more than one. Where the
// same holds in every grid of a larger area, it is told of that.
type Gap struct {
	Kind     Kind
	Area     string // "" the whole city
	AreaName string
	Leads    []string // who all claim it; empty when nobody does
	Grids    int      // of the area
	Sample   []string // some of them, by code
}

// Review is what the checker found.
type Review struct {
	Kinds, Grids int
	Nobody       int // kinds × grids without a lead
	Contested    int // kinds × grids with more than one
	Gaps         []Gap
	More         int    // gaps beyond those listed
	Idle         []Rule // rules in force whose lead takes no cases, so that they count for nothing
}

const (
	maxGaps   = 1000
	maxSample = 3
)

// Check lists every kind × grid that nobody or more than one answers for,
// summarised by kind and area: by kind, the larger areas first. Rules reach down
// to communities, so the grids of one community share their answer.
func (m *Matrix) Check(kinds []Kind, grids []grid.Code) Review {
	c := newCity(grids)
	out := Review{Kinds: len(kinds), Grids: len(grids), Idle: m.idle}
	for _, k := range kinds {
		answers := make([]answer, len(c.communities))
		for i, community := range c.communities {
			answers[i] = m.answer(k, community.code)
			switch {
			case answers[i] == none:
				out.Nobody += len(community.grids)
			case answers[i].bad():
				out.Contested += len(community.grids)
			}
		}
		for _, a := range c.areas("", 0, len(c.communities), answers) {
			if len(out.Gaps) == maxGaps {
				out.More++
				continue
			}
			out.Gaps = append(out.Gaps, m.gap(c, k, a))
		}
	}
	return out
}

// answer is who leads: codes, each after a line feed; two and more are a fault,
// and so is none.
type answer string

const (
	none answer = "\n"
	good answer = ""
)

func (a answer) bad() bool { return a != good }

func (a answer) leads() []string {
	if a == none {
		return nil
	}
	return strings.Split(string(a[1:]), "\n")
}

// answer is good when exactly one leads.
func (m *Matrix) answer(k Kind, area string) answer {
	found := m.find(k.Version, k.Sort, k.Code, area)
	if len(found) == 0 {
		return none
	}
	leads := m.leads(found)
	if len(leads) == 1 {
		return good
	}
	slices.Sort(leads)
	return answer("\n" + strings.Join(leads, "\n"))
}

// city is the communities that have grids, by code.
type city struct{ communities []community }

type community struct {
	code  string
	grids []string // by code
}

func newCity(grids []grid.Code) city {
	by := map[string][]string{}
	for _, g := range grids {
		by[g.Community()] = append(by[g.Community()], g.String())
	}
	var c city
	for _, code := range slices.Sorted(maps.Keys(by)) {
		slices.Sort(by[code])
		c.communities = append(c.communities, community{code, by[code]})
	}
	return c
}

// area is a stretch of communities with one answer.
type area struct {
	code     string
	from, to int
	answer   answer
}

// areas lists the bad answers among the communities of an area, which are those
// from one to another: the whole area when it has but one, else those below it.
func (c city) areas(code string, from, to int, answers []answer) (out []area) {
	if from == to {
		return nil
	}
	if !slices.ContainsFunc(answers[from:to], func(a answer) bool { return a != answers[from] }) {
		if answers[from].bad() {
			return []area{{code, from, to, answers[from]}}
		}
		return nil
	}
	digits := map[int]int{0: 6, 6: 9, 9: 12}[len(code)]
	for i := from; i < to; {
		below := c.communities[i].code[:digits]
		end := i
		for end < to && c.communities[end].code[:digits] == below {
			end++
		}
		out = append(out, c.areas(below, i, end, answers)...)
		i = end
	}
	slices.SortStableFunc(out, func(a, b area) int { return cmp.Compare(len(a.code), len(b.code)) })
	return out
}

func (m *Matrix) gap(c city, k Kind, a area) Gap {
	g := Gap{Kind: k, Area: a.code, AreaName: m.names[a.code], Leads: a.answer.leads()}
	for _, community := range c.communities[a.from:a.to] {
		g.Grids += len(community.grids)
		for _, code := range community.grids {
			if len(g.Sample) < maxSample {
				g.Sample = append(g.Sample, code)
			}
		}
	}
	return g
}
