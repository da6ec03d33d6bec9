// Package grid owns a city's unit grids (单元网格): their codes, their outlines,
// the checks a file of them must pass, and the lookup from a place to the one
// grid it lies in.
//
// Coordinates are CGCS2000 longitude and latitude in degrees, and an edge is a
// straight line in them (RFC 7946). A grid is half-open: of a line that two
// grids share, every point, the corners included, belongs to exactly one of
// them; roughly, a grid owns its western and southern sides. Rows are kept by
// whoever implements Store; which divisions a city has is for Divisions.
package grid

import (
	"slices"
)

// Point is a place in CGCS2000 degrees.
type Point struct {
	Lon float64 `json:"lon"`
	Lat float64 `json:"lat"`
}

// Grid is one unit grid. Ring and Holes are closed (the last point repeats the
// first) and in the form New gives them.
type Grid struct {
	Code  Code
	Name  string
	Ring  []Point
	Holes [][]Point
	Area  float64 // m²
}

// New makes a grid of closed, simple rings. It brings them into one form, so
// that the same outline always compares equal: no point twice in a row, the
// outer ring counter-clockwise and holes clockwise (RFC 7946), each beginning
// at its southernmost point, the westernmost of those. The arguments are kept
// as they were.
func New(code Code, name string, ring []Point, holes [][]Point) Grid {
	g := Grid{Code: code, Name: name, Ring: normal(ring, 1), Area: RingArea(ring)}
	for _, hole := range holes {
		g.Holes = append(g.Holes, normal(hole, -1))
		g.Area -= RingArea(hole)
	}
	slices.SortFunc(g.Holes, func(a, b []Point) int { return southWest(a[0], b[0]) })
	return g
}

// Equal reports whether two grids have the same code, name and outline.
func (g Grid) Equal(o Grid) bool {
	return g.Code == o.Code && g.Name == o.Name && slices.Equal(g.Ring, o.Ring) &&
		slices.EqualFunc(g.Holes, o.Holes, slices.Equal[[]Point])
}

// Contains reports whether p belongs to the grid, half-open.
func (g Grid) Contains(p Point) bool {
	in := oddCrossings(g.Ring, p)
	for _, hole := range g.Holes {
		in = in != oddCrossings(hole, p)
	}
	return in
}

// rings returns the outer ring and the holes.
func (g Grid) rings() [][]Point { return append([][]Point{g.Ring}, g.Holes...) }

// box returns the south-western and north-eastern corner of the grid's bounds.
func (g Grid) box() (low, high [2]float64) {
	low = [2]float64{g.Ring[0].Lon, g.Ring[0].Lat}
	high = low
	for _, p := range g.Ring {
		low[0], low[1] = min(low[0], p.Lon), min(low[1], p.Lat)
		high[0], high[1] = max(high[0], p.Lon), max(high[1], p.Lat)
	}
	return low, high
}
