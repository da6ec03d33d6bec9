package grid

import (
	"fmt"

	"wangge/internal/errs"
)

// Report tells what an import did, or a rehearsal would do. Every grid of the
// new set is added, changed or unchanged, every one that is only in the old set
// retired; splits and mergers say where they come from beside that.
type Report struct {
	Version int64 // of the set; a rehearsal and an import that changes nothing tell that in force

	Added, Changed, Retired, Unchanged int

	Changes  []Change // by code
	Splits   []Split
	Mergers  []Merger
	Area     float64 // m² of the new set, one by one
	Outliers []Outlier
	Proof    Proof

	// Warnings are what is accepted and should be looked at, with the row of the
	// file and the place: gaps, grids of unusual area, communities in pieces.
	Warnings []errs.Problem
}

func newReport(version int64, before []Grid, set Set, proof Proof, rules Rules) Report {
	r := Report{Version: version, Changes: Compare(before, set.Grids), Outliers: rules.Outliers(set.Grids), Proof: proof, Area: proof.Area}
	for _, c := range r.Changes {
		switch c.Kind {
		case Added:
			r.Added++
		case Changed:
			r.Changed++
		case Retired:
			r.Retired++
		}
	}
	r.Unchanged = len(set.Grids) - r.Added - r.Changed
	r.Splits, r.Mergers = Descent(before, set.Grids, r.Changes)
	r.Warnings = r.warnings(set)
	return r
}

// warnings puts the findings of a report into words.
func (r Report) warnings(set Set) []errs.Problem {
	f := &faults{file: set.File}
	row := map[Code]int{}
	for i, g := range set.Grids {
		row[g.Code] = set.row(i)
	}
	for _, g := range r.Proof.Gaps {
		near := 0
		if len(g.Around) > 0 {
			near = row[g.Around[0]]
		}
		f.add(near, "geometry", "网格之间有 %.1f m² 的空隙，在 (%.7f, %.7f) 处，周围网格：%v", "a gap of %.1f m² lies among grids at (%.7f, %.7f), around it: %v",
			g.Area, g.At.Lon, g.At.Lat, g.Around)
	}
	for _, s := range r.Proof.Scattered {
		f.add(row[s.First[1]], "geometry", "社区 %s 的网格不相连，分为 %d 片，各片首个网格：%v", "the grids of community %s are not in one piece but in %d, which begin with %v",
			s.Community, s.Pieces, s.First)
	}
	for _, o := range r.Outliers {
		f.add(row[o.Code], "geometry", "网格 %s 面积 %.0f m²，与约 10,000 m² 相差较大", "grid %s measures %.0f m², far from about 10,000 m²", o.Code, o.Area)
	}
	return f.all()
}

// Words says in one sentence what a proof came to.
func (p Proof) Words() (zh, en string) {
	zh = fmt.Sprintf("%d 个网格共 %.0f m²，覆盖 %.0f m²", p.Grids, p.Area, p.Covered)
	en = fmt.Sprintf("%d grids of %.0f m² cover %.0f m²", p.Grids, p.Area, p.Covered)
	within := fmt.Sprintf("（重叠容差 %.2f m²，空隙容差 %.2f m²，捕捉距离 %.3f m）", p.Tolerance.Overlap, p.Tolerance.Gap, p.Tolerance.Snap)
	beyond := fmt.Sprintf(" (tolerance %.2f m² of overlap, %.2f m² of gap, lines within %.3f m are one)", p.Tolerance.Overlap, p.Tolerance.Gap, p.Tolerance.Snap)
	switch {
	case !p.Complete:
		return zh + "；线条过于交错，未能完成检查" + within, en + "; the lines are too tangled to look at all" + beyond
	case p.Sound:
		return zh + "；无重叠、无空隙、无自相交，构成划分" + within, en + "; no overlaps, no gaps, no self-crossing rings: a partition" + beyond
	}
	return zh + fmt.Sprintf("；超出容差的重叠 %d 处、空隙 %d 处、自相交 %d 处", len(p.Overlaps), len(p.Gaps), len(p.Crossings)) + within,
		en + fmt.Sprintf("; beyond the tolerance are %d overlaps, %d gaps, %d self-crossing rings", len(p.Overlaps), len(p.Gaps), len(p.Crossings)) + beyond
}
