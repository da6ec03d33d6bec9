package grid

import (
	"math"
	"slices"
)

// planar is the outlines of grids as one directed graph, in which points within
// snap of each other are one node. Every ring has its grid to the left, so where
// two grids meet, the line is gone through once in each direction and cancels;
// what remains are the edges of what they cover together, and the lines where
// they gape or overlap.
type planar struct {
	snap   float64 // m
	scale  metre   // m of a degree, at the first point
	origin Point

	places []Point // of nodes
	at     []metre // of nodes, on a plane where straight lines in degrees are straight
	exact  map[Point]int32
	near   map[cell]int32 // a node in the cell
	behind []int32        // by node: another of the same cell, or -1

	arcs  []arc
	first []int32 // by node: an arc that leaves it, -1 for none
	met   func(a, b int32)
	pairs int // looked at so far
}

// arc is a directed edge of a grid.
type arc struct {
	from, to int32
	grid     int32
	next     int32 // another arc that leaves the same node, or -1
	dead     bool  // cancelled by its opposite
}

type cell struct{ x, y int32 }

// newPlanar returns an empty graph around origin. met is told of every two grids
// that meet in a line.
func newPlanar(origin Point, points int, snap float64, met func(a, b int32)) *planar {
	perLat := semiMajor * math.Pi / 180
	return &planar{
		snap: snap, scale: metre{perLat * math.Cos(origin.Lat*math.Pi/180), perLat}, origin: origin,
		exact: make(map[Point]int32, points), near: make(map[cell]int32, points), met: met,
	}
}

func (g *planar) flat(p Point) metre {
	return metre{(p.Lon - g.origin.Lon) * g.scale.x, (p.Lat - g.origin.Lat) * g.scale.y}
}

// node returns the node of a place, a new one when none is near enough.
func (g *planar) node(p Point) int32 {
	if n, ok := g.exact[p]; ok {
		return n
	}
	m := g.flat(p)
	n := g.nearest(m)
	if n < 0 {
		n = int32(len(g.at))
		g.places, g.at, g.first = append(g.places, p), append(g.at, m), append(g.first, -1)
		c := g.cell(m)
		other, found := g.near[c]
		if !found {
			other = -1
		}
		g.near[c], g.behind = n, append(g.behind, other)
	}
	g.exact[p] = n
	return n
}

// cellSides is how many snaps a cell of near measures: so many that a point
// seldom has a neighbour across its border.
const cellSides = 8

func (g *planar) cell(m metre) cell {
	side := g.snap * cellSides
	return cell{int32(math.Floor(m.x / side)), int32(math.Floor(m.y / side))}
}

// nearest returns a node within snap of m, or -1.
func (g *planar) nearest(m metre) int32 {
	low, high := g.cell(metre{m.x - g.snap, m.y - g.snap}), g.cell(metre{m.x + g.snap, m.y + g.snap})
	for x := low.x; x <= high.x; x++ {
		for y := low.y; y <= high.y; y++ {
			n, found := g.near[cell{x, y}]
			for ; found && n >= 0; n = g.behind[n] {
				if math.Hypot(g.at[n].x-m.x, g.at[n].y-m.y) <= g.snap {
					return n
				}
			}
		}
	}
	return -1
}

// ring adds a closed ring of a grid.
func (g *planar) ring(points []Point, grid int32) {
	from := g.node(points[0])
	for _, p := range points[1:] {
		to := g.node(p)
		g.add(from, to, grid)
		from = to
	}
}

// add adds an arc, or cancels its opposite.
func (g *planar) add(from, to, grid int32) {
	if from == to {
		return
	}
	for a := g.first[to]; a >= 0; a = g.arcs[a].next {
		if opposite := &g.arcs[a]; opposite.to == from && !opposite.dead {
			opposite.dead = true
			g.met(grid, opposite.grid)
			return
		}
	}
	g.arcs = append(g.arcs, arc{from, to, grid, g.first[from], false})
	g.first[from] = int32(len(g.arcs) - 1)
}

// rounds bounds how often lines are cut: each cut moves them by less than snap,
// which may let others touch.
const rounds = 6

// settle cuts the arcs that remain where they touch or cross, so that in the
// end they meet in nodes only, and cancels anew. It reports whether it came to
// an end within its bounds.
func (g *planar) settle() bool {
	for range rounds {
		left := slices.DeleteFunc(g.arcs, func(a arc) bool { return a.dead })
		cuts, ok := g.cuts(left)
		if !ok {
			return false
		}
		g.arcs = make([]arc, 0, 2*len(left))
		for i := range g.first {
			g.first[i] = -1
		}
		touched := false
		for i, a := range left {
			from := a.from
			for _, n := range cuts[i] {
				touched = touched || n != a.from && n != a.to
				g.add(from, n, a.grid)
				from = n
			}
			g.add(from, a.to, a.grid)
		}
		if !touched {
			g.arcs = slices.DeleteFunc(g.arcs, func(a arc) bool { return a.dead })
			return true
		}
	}
	return false
}

// bucket is the side of the squares by which arcs near each other are found.
const bucket = 25.0 // m

// maxPairs bounds the pairs of arcs that are looked at, maxSquares the squares
// that arcs come through: seconds and some 100 MB. Real grids need a hundredth.
const (
	maxPairs   = 30_000_000
	maxSquares = 4_000_000
)

// cuts returns for each arc the nodes at which to cut it, in order: those of
// others that lie on it, and where others cross it.
func (g *planar) cuts(arcs []arc) (cuts [][]int32, ok bool) {
	squares := map[cell]int32{} // the last of visits
	type visit struct{ arc, before int32 }
	visits := make([]visit, 1, 4*len(arcs)+1) // the first is none
	cuts = make([][]int32, len(arcs))
	for i := range arcs {
		for c := range g.squares(arcs[i]) {
			if len(visits) == maxSquares || g.pairs > maxPairs {
				return nil, false
			}
			for v := squares[c]; v > 0; v = visits[v].before {
				g.cut(arcs, cuts, i, int(visits[v].arc))
				g.pairs++
			}
			visits = append(visits, visit{int32(i), squares[c]})
			squares[c] = int32(len(visits) - 1)
		}
	}
	for i, a := range arcs {
		g.order(a, cuts[i])
		cuts[i] = slices.Compact(cuts[i])
	}
	return cuts, true
}

// squares yields the squares that an arc comes within snap of.
func (g *planar) squares(a arc) func(yield func(cell) bool) {
	return func(yield func(cell) bool) {
		p, q := g.at[a.from], g.at[a.to]
		if p.x > q.x {
			p, q = q, p
		}
		square := func(v float64) int32 { return int32(math.Floor(v / bucket)) }
		for x := square(p.x - g.snap); x <= square(q.x+g.snap); x++ {
			low, high := p.y, q.y // of the part of the arc over this column
			if q.x > p.x {
				slope := (q.y - p.y) / (q.x - p.x)
				low = p.y + slope*(max(p.x, float64(x)*bucket-g.snap)-p.x)
				high = p.y + slope*(min(q.x, float64(x+1)*bucket+g.snap)-p.x)
			}
			for y := square(min(low, high) - g.snap); y <= square(max(low, high)+g.snap); y++ {
				if !yield(cell{x, y}) {
					return
				}
			}
		}
	}
}

// cut notes where two arcs have to be cut.
func (g *planar) cut(arcs []arc, cuts [][]int32, i, j int) {
	a, b := arcs[i], arcs[j]
	touch := false
	for _, n := range []int32{b.from, b.to} {
		if g.on(a, n) {
			cuts[i], touch = append(cuts[i], n), true
		}
	}
	for _, n := range []int32{a.from, a.to} {
		if g.on(b, n) {
			cuts[j], touch = append(cuts[j], n), true
		}
	}
	if touch || a.from == b.from || a.from == b.to || a.to == b.from || a.to == b.to {
		return
	}
	t, crossed := cross(g.at[a.from], g.at[a.to], g.at[b.from], g.at[b.to])
	if !crossed {
		return
	}
	p, q := g.places[a.from], g.places[a.to]
	n := g.node(Point{p.Lon + t*(q.Lon-p.Lon), p.Lat + t*(q.Lat-p.Lat)})
	cuts[i], cuts[j] = append(cuts[i], n), append(cuts[j], n)
}

// on tells whether a node that is no end of an arc lies on it, within snap.
func (g *planar) on(a arc, n int32) bool {
	if n == a.from || n == a.to {
		return false
	}
	p, q, m := g.at[a.from], g.at[a.to], g.at[n]
	dx, dy := q.x-p.x, q.y-p.y
	t := ((m.x-p.x)*dx + (m.y-p.y)*dy) / (dx*dx + dy*dy)
	ex, ey := m.x-p.x-t*dx, m.y-p.y-t*dy
	return t > 0 && t < 1 && ex*ex+ey*ey <= g.snap*g.snap
}

// order sorts nodes by how far along an arc they are.
func (g *planar) order(a arc, nodes []int32) {
	p, q := g.at[a.from], g.at[a.to]
	along := func(n int32) float64 { return (g.at[n].x-p.x)*(q.x-p.x) + (g.at[n].y-p.y)*(q.y-p.y) }
	slices.SortFunc(nodes, func(m, n int32) int {
		if d := along(m) - along(n); d != 0 {
			return int(math.Copysign(1, d))
		}
		return int(m - n)
	})
}

// cross tells how far along a→b it crosses c→d properly.
func cross(a, b, c, d metre) (t float64, ok bool) {
	turn := func(p, q, r metre) float64 { return (q.x-p.x)*(r.y-p.y) - (q.y-p.y)*(r.x-p.x) }
	c1, d1 := turn(a, b, c), turn(a, b, d)
	a1, b1 := turn(c, d, a), turn(c, d, b)
	if c1*d1 >= 0 || a1*b1 >= 0 {
		return 0, false
	}
	return a1 / (a1 - b1), true
}
