package grid

import (
	"cmp"
	"slices"
)

// ChangeKind says what becomes of a grid when one set replaces another.
type ChangeKind string

// The kinds of changes.
const (
	Added   ChangeKind = "added"
	Changed ChangeKind = "changed" // another name or outline under the same code
	Removed ChangeKind = "removed"
)

// Change is what becomes of one grid.
type Change struct {
	Code Code
	Kind ChangeKind
}

// Compare lists, by code, what replacing the old set by the new one changes.
func Compare(before, after []Grid) (changes []Change) {
	old := make(map[Code]Grid, len(before))
	for _, g := range before {
		old[g.Code] = g
	}
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
		changes = append(changes, Change{code, Removed})
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Code.digits, b.Code.digits) })
	return changes
}

// Report tells what an import did, or a rehearsal would do.
type Report struct {
	Added, Changed, Removed, Unchanged int

	Changes  []Change  // by code
	Area     float64   // m² of the new set
	Outliers []Outlier // of the new set
}

func newReport(before, after []Grid, rules Rules) Report {
	r := Report{Changes: Compare(before, after), Outliers: rules.Outliers(after)}
	for _, c := range r.Changes {
		switch c.Kind {
		case Added:
			r.Added++
		case Changed:
			r.Changed++
		case Removed:
			r.Removed++
		}
	}
	r.Unchanged = len(after) - r.Added - r.Changed
	for _, g := range after {
		r.Area += g.Area
	}
	return r
}
