package grid

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"github.com/tidwall/rtree"
)

// ChangeKind says what becomes of a grid when one set replaces another.
type ChangeKind string

// The kinds of changes.
const (
	Added   ChangeKind = "added"
	Changed ChangeKind = "changed" // another name or outline under the same code
	Retired ChangeKind = "retired" // no longer in the set; its code is kept and not used for another area
)

// Change is what becomes of one grid.
type Change struct {
	Code Code
	Kind ChangeKind
}

// Compare lists, by code, what replacing the old set by the new one changes.
func Compare(before, after []Grid) (changes []Change) {
	old := byCode(before)
	for _, g := range after {
		was, known := old[g.Code]
		delete(old, g.Code)
		switch {
		case !known:
			changes = append(changes, Change{g.Code, Added})
		case !was.Equal(g):
			changes = append(changes, Change{g.Code, Changed})
		}
	}
	for code := range old {
		changes = append(changes, Change{code, Retired})
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Code.digits, b.Code.digits) })
	return changes
}

func byCode(grids []Grid) map[Code]Grid {
	out := make(map[Code]Grid, len(grids))
	for _, g := range grids {
		out[g.Code] = g
	}
	return out
}

// Split is an old grid whose area new ones share out among them.
type Split struct {
	Code Code   // of the old grid
	Into []Code // by code, at least two
}

// Merger is a new grid made of the areas of old ones.
type Merger struct {
	Code Code   // of the new grid
	From []Code // by code, at least two
}

// A grid is a part of another when at least partShare of its area lies in that,
// and parts make up a grid when they fill at least wholeShare of it.
const (
	partShare  = 0.5
	wholeShare = 0.9
)

// meeting is the area that an old and a new grid have in common.
type meeting struct {
	old, now Grid
	area     float64
}

// Descent tells which old grids were split and which new ones are merged, among
// those that changes lists: a split has at least one added grid among its
// parts, a merger at least one retired.
func Descent(before, after []Grid, changes []Change) (splits []Split, mergers []Merger) {
	kind := make(map[Code]ChangeKind, len(changes))
	for _, c := range changes {
		kind[c.Code] = c.Kind
	}
	touched := func(grids []Grid) []Grid {
		return slices.DeleteFunc(slices.Clone(grids), func(g Grid) bool { return kind[g.Code] == "" })
	}
	parts, sources := map[Code][]meeting{}, map[Code][]meeting{}
	for _, m := range meetings(touched(before), touched(after)) {
		if m.area >= partShare*m.now.Area {
			parts[m.old.Code] = append(parts[m.old.Code], m)
		}
		if m.area >= partShare*m.old.Area {
			sources[m.now.Code] = append(sources[m.now.Code], m)
		}
	}
	for _, code := range sorted(maps.Keys(parts)) {
		into := parts[code]
		if fills(into, into[0].old.Area) && slices.ContainsFunc(into, func(m meeting) bool { return kind[m.now.Code] == Added }) {
			splits = append(splits, Split{code, codesOf(into, func(m meeting) Code { return m.now.Code })})
		}
	}
	for _, code := range sorted(maps.Keys(sources)) {
		from := sources[code]
		if fills(from, from[0].now.Area) && slices.ContainsFunc(from, func(m meeting) bool { return kind[m.old.Code] == Retired }) {
			mergers = append(mergers, Merger{code, codesOf(from, func(m meeting) Code { return m.old.Code })})
		}
	}
	return splits, mergers
}

// fills tells whether two or more parts make up an area.
func fills(parts []meeting, area float64) bool {
	var sum float64
	for _, m := range parts {
		sum += m.area
	}
	return len(parts) >= 2 && sum >= wholeShare*area
}

func codesOf(parts []meeting, code func(meeting) Code) []Code {
	codes := make([]Code, len(parts))
	for i, m := range parts {
		codes[i] = code(m)
	}
	return sorted(slices.Values(codes))
}

func sorted(codes iter.Seq[Code]) []Code {
	return slices.SortedFunc(codes, func(a, b Code) int { return cmp.Compare(a.digits, b.digits) })
}

// meetings lists every old and new grid that have an area in common.
func meetings(before, after []Grid) (out []meeting) {
	if len(before) == 0 || len(after) == 0 {
		return nil
	}
	origin := plane(before[0].Ring[0])
	var tree rtree.RTreeG[int]
	outlines := make([]outline, len(after))
	for i, g := range after {
		low, high := g.box()
		tree.Insert(low, high, i)
		outlines[i] = newOutline(g, origin)
	}
	for _, old := range before {
		o := newOutline(old, origin)
		low, high := old.box()
		tree.Search(low, high, func(_, _ [2]float64, i int) bool {
			if area := common(o, outlines[i]); area > 0 {
				out = append(out, meeting{old, after[i], area})
			}
			return true
		})
	}
	return out
}
