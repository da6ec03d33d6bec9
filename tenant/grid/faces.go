package grid

import (
	"cmp"
	"math"
	"slices"
)

// face is a connected area that the lines of a settled planar graph enclose.
type face struct {
	cover int     // by how many grids
	area  float64 // m², without what others enclose within it
	ring  []Point // closed, counter-clockwise: its outer line
	grids []int32 // that have an edge on its outer line
}

// half is one side of an edge: what lies to the left on the way from → to.
type half struct {
	from, to int32
	angle    float64
	rise     int   // by how much more the left is covered than the right
	grid     int32 // that has the edge
	after    int32 // the next half-edge around the same area
	loop     int32
}

// loop is a closed walk along half-edges: around an area, or around a whole
// component from outside.
type loop struct {
	first  int32   // half-edge
	area   float64 // m², negative for an outer one
	cover  int
	outer  bool
	within int32 // of an outer loop: the loop whose area it lies in, -1 for the open
	known  bool
}

// arrangement is a settled planar graph with its faces.
type arrangement struct {
	g     *planar
	half  []half // 2k and 2k+1 are the sides of one edge
	out   [][]int32
	loops []loop
}

// faces returns the areas that what remains of a settled graph encloses.
func (g *planar) faces() []face {
	a := &arrangement{g: g}
	a.edges()
	a.walk()
	a.nest()
	return a.collect()
}

// edges makes the half-edges; of arcs that remain, all between two nodes run in
// one direction.
func (a *arrangement) edges() {
	index := map[[2]int32]int32{}
	for _, one := range a.g.arcs {
		key := [2]int32{one.from, one.to}
		if h, again := index[key]; again {
			a.half[h].rise++
			a.half[h^1].rise--
			continue
		}
		index[key] = int32(len(a.half))
		p, q := a.g.at[one.from], a.g.at[one.to]
		a.half = append(a.half,
			half{from: one.from, to: one.to, angle: math.Atan2(q.y-p.y, q.x-p.x), rise: 1, grid: one.grid, loop: -1},
			half{from: one.to, to: one.from, angle: math.Atan2(p.y-q.y, p.x-q.x), rise: -1, grid: one.grid, loop: -1})
	}
	a.out = make([][]int32, len(a.g.at))
	for h := range a.half {
		a.out[a.half[h].from] = append(a.out[a.half[h].from], int32(h))
	}
	for _, hs := range a.out {
		slices.SortFunc(hs, func(i, j int32) int { return cmp.Or(cmp.Compare(a.half[i].angle, a.half[j].angle), cmp.Compare(i, j)) })
		for k, h := range hs { // who comes in against h goes on by the next one clockwise
			a.half[h^1].after = hs[(k+len(hs)-1)%len(hs)]
		}
	}
}

// walk finds the loops and which of them go around a component from outside.
func (a *arrangement) walk() {
	for h := range a.half {
		if a.half[h].loop >= 0 {
			continue
		}
		l := int32(len(a.loops))
		a.loops = append(a.loops, loop{first: int32(h), within: -1})
		for i := int32(h); a.half[i].loop < 0; i = a.half[i].after {
			a.half[i].loop = l
		}
		a.loops[l].area = signedArea(a.ring(l))
	}
}

// ring is the closed line of a loop.
func (a *arrangement) ring(l int32) []Point {
	first := a.loops[l].first
	ring := []Point{a.g.places[a.half[first].from]}
	for h := first; ; {
		ring = append(ring, a.g.places[a.half[h].to])
		if h = a.half[h].after; h == first {
			return ring
		}
	}
}

// nest spreads the cover from the open over each component, from west to east:
// a component lies in the area of the edge that is the next to the west of its
// westernmost node, and that edge is of a component begun before.
func (a *arrangement) nest() {
	var nodes []int32
	for n, hs := range a.out {
		if len(hs) > 0 {
			nodes = append(nodes, int32(n))
		}
	}
	at := a.g.at
	slices.SortFunc(nodes, func(m, n int32) int { return cmp.Or(cmp.Compare(at[m].x, at[n].x), cmp.Compare(at[m].y, at[n].y)) })
	rows := a.rows()
	for _, n := range nodes {
		hs := a.out[n]
		outer := a.half[hs[len(hs)-1]].loop // at its westernmost node, what lies left of the steepest edge
		if a.loops[outer].known {
			continue
		}
		l := &a.loops[outer]
		l.outer, l.within = true, a.west(n, rows)
		if l.within >= 0 {
			l.cover = a.loops[l.within].cover
		}
		a.spread(outer)
	}
}

// spread gives every loop of a component its cover.
func (a *arrangement) spread(from int32) {
	a.loops[from].known = true
	for todo := []int32{from}; len(todo) > 0; {
		l := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		first := a.loops[l].first
		for h := first; ; {
			other := a.half[h^1].loop
			if !a.loops[other].known {
				a.loops[other].known, a.loops[other].cover = true, a.loops[l].cover-a.half[h].rise
				todo = append(todo, other)
			}
			if h = a.half[h].after; h == first {
				break
			}
		}
	}
}

// strip is the height of the strips by which edges at a height are found.
const strip = 50.0 // m

// rows lists, by strip, the rising half-edges.
func (a *arrangement) rows() map[int32][]int32 {
	rows := map[int32][]int32{}
	for h, e := range a.half {
		low, high := a.g.at[e.from].y, a.g.at[e.to].y
		if low >= high {
			continue
		}
		for r := math.Floor(low / strip); r <= math.Floor(high/strip); r++ {
			rows[int32(r)] = append(rows[int32(r)], int32(h))
		}
	}
	return rows
}

// west returns the loop whose area a component lies in, given its westernmost
// node; -1 for the open.
func (a *arrangement) west(n int32, rows map[int32][]int32) int32 {
	p := a.g.at[n]
	best, bestX, bestSlope := int32(-1), math.Inf(-1), 0.0
	for _, h := range rows[int32(math.Floor(p.y/strip))] {
		from, to := a.g.at[a.half[h].from], a.g.at[a.half[h].to]
		if a.half[h].from == n || a.half[h].to == n || from.y > p.y || to.y <= p.y {
			continue
		}
		slope := (to.x - from.x) / (to.y - from.y)
		x := from.x + slope*(p.y-from.y)
		if x < p.x && (x > bestX || x == bestX && slope > bestSlope) {
			best, bestX, bestSlope = h, x, slope
		}
	}
	if best < 0 {
		return -1
	}
	l := a.half[best^1].loop // the east of a rising edge is left of the falling one
	if a.loops[l].outer {
		return a.loops[l].within
	}
	return l
}

// collect makes the faces, without the open.
func (a *arrangement) collect() []face {
	inner := make([]int32, len(a.loops)) // loop → face
	var faces []face
	for l := range a.loops {
		if a.loops[l].outer {
			continue
		}
		inner[l] = int32(len(faces))
		faces = append(faces, face{a.loops[l].cover, a.loops[l].area, a.ring(int32(l)), a.owners(int32(l))})
	}
	for _, l := range a.loops {
		if l.outer && l.within >= 0 {
			faces[inner[l.within]].area += l.area
		}
	}
	return faces
}

// owners lists the grids along a loop, each once.
func (a *arrangement) owners(l int32) (grids []int32) {
	first := a.loops[l].first
	for h := first; ; {
		grids = append(grids, a.half[h].grid)
		if h = a.half[h].after; h == first {
			slices.Sort(grids)
			return slices.Compact(grids)
		}
	}
}
