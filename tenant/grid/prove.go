package grid

import (
	"cmp"
	"slices"

	"github.com/tidwall/rtree"
)

// Tolerance is what drawn lines may be off, as they never meet exactly. The
// standard names no values.
type Tolerance struct {
	Overlap float64 `json:"overlap_m2"` // that two grids may share
	Gap     float64 `json:"gap_m2"`     // that may lie open among grids
	Snap    float64 `json:"snap_m"`     // points and lines as near as this are the same
}

// DefaultTolerance is 1 m² and 2 cm, which is what rounding to 7 decimals takes.
func DefaultTolerance() Tolerance { return Tolerance{Overlap: 1, Gap: 1, Snap: 0.02} }

// Overlap is an area that two grids share.
type Overlap struct {
	A    Code    `json:"a"`
	B    Code    `json:"b"`
	Area float64 `json:"area_m2"`
	At   Point   `json:"at"`
}

// Gap is an area among grids that belongs to none.
type Gap struct {
	Area   float64 `json:"area_m2"`
	At     Point   `json:"at"`     // a point in it
	Around []Code  `json:"around"` // by code, the first maxAround
}

// Crossing is a ring that crosses or touches itself.
type Crossing struct {
	Code Code  `json:"code"`
	At   Point `json:"at"`
}

// Scattered is a community whose grids are not in one piece. Grids that only
// touch in a corner are two pieces.
type Scattered struct {
	Community string `json:"community"`
	Pieces    int    `json:"pieces"`
	First     []Code `json:"first"` // the lowest code of each piece, the first maxAround
}

// Proof says how far a set of grids is a partition: no two overlap, no gap lies
// among them, no ring crosses itself. What is within the tolerance is summed up,
// what is beyond it is listed, the largest first, up to maxListed of a kind;
// Unlisted counts the rest. Communities in pieces are listed and no fault.
type Proof struct {
	Grids     int       `json:"grids"`
	Tolerance Tolerance `json:"tolerance"`
	Sound     bool      `json:"sound"`    // nothing is beyond the tolerance, and all was looked at
	Complete  bool      `json:"complete"` // false when the lines were too tangled to look at all

	Area           float64 `json:"area_m2"`            // of all grids, one by one
	Covered        float64 `json:"covered_m2"`         // of what they cover together
	OverlapTotal   float64 `json:"overlap_total_m2"`   // those within the tolerance included
	GapTotal       float64 `json:"gap_total_m2"`       // those within the tolerance included
	LargestOverlap float64 `json:"largest_overlap_m2"` // of one pair
	LargestGap     float64 `json:"largest_gap_m2"`

	Overlaps  []Overlap   `json:"overlaps"`
	Gaps      []Gap       `json:"gaps"`
	Crossings []Crossing  `json:"self_crossings"`
	Scattered []Scattered `json:"scattered"`
	Unlisted  int         `json:"unlisted"`
}

// maxAround is how many codes a gap or a community names.
const maxAround = 20

// Prove looks whether grids are a partition of what they cover. It takes some
// tenths of a second for 20,000 grids; of grids that lie over each other by the
// thousand it gives up, and says so.
func Prove(grids []Grid, tolerance Tolerance) Proof {
	p := newProof(grids, tolerance)
	if len(grids) > 0 {
		p.crossings(grids)
		p.overlaps(grids)
		p.gaps(grids)
	}
	return p.finish()
}

// prove is Prove of a set, without looking again for what Read refuses.
func (s Set) prove(tolerance Tolerance) Proof {
	if !s.checked || len(s.Grids) == 0 {
		return Prove(s.Grids, tolerance)
	}
	p := newProof(s.Grids, tolerance)
	p.LargestOverlap = s.largest
	p.gaps(s.Grids)
	return p.finish()
}

func newProof(grids []Grid, tolerance Tolerance) *Proof {
	p := &Proof{Grids: len(grids), Tolerance: tolerance, Complete: true,
		Overlaps: []Overlap{}, Gaps: []Gap{}, Crossings: []Crossing{}, Scattered: []Scattered{}}
	for _, g := range grids {
		p.Area += g.Area
	}
	return p
}

func (p *Proof) finish() Proof {
	p.Sound = p.Complete && len(p.Overlaps)+len(p.Gaps)+len(p.Crossings) == 0
	slices.SortStableFunc(p.Overlaps, func(a, b Overlap) int { return cmp.Compare(b.Area, a.Area) })
	slices.SortStableFunc(p.Gaps, func(a, b Gap) int { return cmp.Compare(b.Area, a.Area) })
	p.Overlaps, p.Gaps = shorten(p, p.Overlaps), shorten(p, p.Gaps)
	p.Crossings, p.Scattered = shorten(p, p.Crossings), shorten(p, p.Scattered)
	return *p
}

func shorten[T any](p *Proof, list []T) []T {
	if len(list) <= maxListed {
		return list
	}
	p.Unlisted += len(list) - maxListed
	return list[:maxListed]
}

func (p *Proof) crossings(grids []Grid) {
	for _, g := range grids {
		for _, ring := range g.rings() {
			if at, found := selfCrossing(ring); found {
				p.Crossings = append(p.Crossings, Crossing{g.Code, at})
			}
		}
	}
}

// maxWork bounds the pairs of edges that are compared for overlaps: some
// seconds. Real grids need a hundredth of it.
const maxWork = 4e9

func (p *Proof) overlaps(grids []Grid) {
	p.Complete = pairs(grids, func(i, j int, area float64) {
		p.LargestOverlap = max(p.LargestOverlap, area)
		if area > p.Tolerance.Overlap {
			p.Overlaps = append(p.Overlaps, Overlap{grids[j].Code, grids[i].Code, area, shared(grids[i], grids[j])})
		}
	})
}

// pairs visits every two grids j < i whose bounds meet, with the area they
// share. It gives up after maxWork, and reports whether it did not.
func pairs(grids []Grid, visit func(i, j int, area float64)) bool {
	var work float64
	origin := plane(grids[0].Ring[0])
	outlines := make([]outline, len(grids))
	var tree rtree.RTreeG[int]
	for i, g := range grids {
		outlines[i] = newOutline(g, origin)
		low, high := g.box()
		tree.Search(low, high, func(_, _ [2]float64, j int) bool {
			work += float64(outlines[i].edges() * outlines[j].edges())
			visit(i, j, common(outlines[i], outlines[j]))
			return work < maxWork
		})
		if work >= maxWork {
			return false
		}
		tree.Insert(low, high, i)
	}
	return true
}

// shared returns about the middle of what two grids share: the mean of the
// corners of that area.
func shared(a, b Grid) Point {
	var sum Point
	n := 0.0
	take := func(p Point) { sum.Lon, sum.Lat, n = sum.Lon+p.Lon, sum.Lat+p.Lat, n+1 }
	for _, pair := range [][2]Grid{{a, b}, {b, a}} {
		for _, p := range pair[0].Ring[1:] {
			if pair[1].Contains(p) {
				take(p)
			}
		}
	}
	for i := 1; i < len(a.Ring); i++ {
		for j := 1; j < len(b.Ring); j++ {
			p, q, r, s := a.Ring[i-1], a.Ring[i], b.Ring[j-1], b.Ring[j]
			if side(p, q, r)*side(p, q, s) < 0 && side(r, s, p)*side(r, s, q) < 0 {
				take(crossing(p, q, r, s))
			}
		}
	}
	if n == 0 {
		return b.Ring[0]
	}
	return Point{sum.Lon / n, sum.Lat / n}
}

// gaps finds what lies open among grids, what they cover together, and which
// communities are in pieces.
func (p *Proof) gaps(grids []Grid) {
	pieces := newPieces(grids)
	points := 0
	for _, g := range grids {
		points += len(g.Ring)
	}
	graph := newPlanar(grids[0].Ring[0], points/2, p.Tolerance.Snap, pieces.join)
	for i, g := range grids {
		for _, ring := range g.rings() {
			graph.ring(ring, int32(i))
		}
	}
	if !graph.settle() {
		p.Complete = false
		return
	}
	for _, f := range graph.faces() {
		p.face(grids, f, pieces)
	}
	p.Scattered = append(p.Scattered, pieces.scattered(grids)...)
}

func (p *Proof) face(grids []Grid, f face, pieces *pieces) {
	switch {
	case f.cover > 0:
		p.Covered += f.area
		p.OverlapTotal += float64(f.cover-1) * f.area
	case f.area > 0:
		p.GapTotal += f.area
		p.LargestGap = max(p.LargestGap, f.area)
		if f.area > p.Tolerance.Gap {
			p.Gaps = append(p.Gaps, Gap{f.area, within(f.ring), around(grids, f.grids)})
		}
	}
	if f.cover != 1 && f.area <= max(p.Tolerance.Gap, p.Tolerance.Overlap) { // a sliver: the grids meet there
		for _, g := range f.grids[1:] {
			pieces.join(f.grids[0], g)
		}
	}
}

func around(grids []Grid, list []int32) []Code {
	codes := make([]Code, len(list))
	for i, g := range list {
		codes[i] = grids[g].Code
	}
	slices.SortFunc(codes, func(a, b Code) int { return cmp.Compare(a.digits, b.digits) })
	return codes[:min(len(codes), maxAround)]
}

// within returns a point inside a closed ring: the middle of the widest stretch
// halfway up it.
func within(ring []Point) Point {
	low, high := ring[0].Lat, ring[0].Lat
	for _, p := range ring {
		low, high = min(low, p.Lat), max(high, p.Lat)
	}
	lat := (low + high) / 2
	var lons []float64
	for i := 1; i < len(ring); i++ {
		a, b := ring[i-1], ring[i]
		if (a.Lat > lat) != (b.Lat > lat) {
			lons = append(lons, a.Lon+(lat-a.Lat)/(b.Lat-a.Lat)*(b.Lon-a.Lon))
		}
	}
	slices.Sort(lons)
	best := ring[0]
	for i, widest := 1, 0.0; i < len(lons); i += 2 {
		if wide := lons[i] - lons[i-1]; wide > widest {
			best, widest = Point{(lons[i] + lons[i-1]) / 2, lat}, wide
		}
	}
	return best
}

// pieces tells which grids of a community hang together.
type pieces struct {
	community []string // of each grid
	parent    []int32
}

func newPieces(grids []Grid) *pieces {
	p := &pieces{make([]string, len(grids)), make([]int32, len(grids))}
	for i, g := range grids {
		p.community[i], p.parent[i] = g.Code.Community(), int32(i)
	}
	return p
}

// join notes that two grids meet in a line.
func (p *pieces) join(a, b int32) {
	if p.community[a] == p.community[b] {
		p.parent[p.root(a)] = p.root(b)
	}
}

func (p *pieces) root(i int32) int32 {
	for p.parent[i] != i {
		p.parent[i] = p.parent[p.parent[i]]
		i = p.parent[i]
	}
	return i
}

// scattered lists, by code, the communities of more than one piece.
func (p *pieces) scattered(grids []Grid) (out []Scattered) {
	first := map[string]map[int32]Code{} // community → piece → its lowest code
	for i, g := range grids {
		of, root := first[p.community[i]], p.root(int32(i))
		if of == nil {
			of = map[int32]Code{}
			first[p.community[i]] = of
		}
		if c, seen := of[root]; !seen || g.Code.digits < c.digits {
			of[root] = g.Code
		}
	}
	for community, of := range first {
		if len(of) < 2 {
			continue
		}
		codes := make([]Code, 0, len(of))
		for _, c := range of {
			codes = append(codes, c)
		}
		slices.SortFunc(codes, func(a, b Code) int { return cmp.Compare(a.digits, b.digits) })
		out = append(out, Scattered{community, len(of), codes[:min(len(codes), maxAround)]})
	}
	slices.SortFunc(out, func(a, b Scattered) int { return cmp.Compare(a.Community, b.Community) })
	return out
}
