package lattice

import (
	"math"
	"math/rand/v2"

	"wangge/tenant/grid"
)

// jitter is how far, as a share of the distance between neighbours, an inner
// point is moved along each axis. Below a quarter no two lines can cross.
const jitter = 0.2

// steps is into how many pieces the bends divide a cell's side.
func (p Plan) steps() int { return p.Bends + 1 }

// points returns the points of the whole rectangle, bends included, row by row
// from the north-west. The outer border stays straight.
func (p Plan) points() []grid.Point {
	random := rand.New(rand.NewPCG(p.Seed, 0)) //nolint:gosec // a drawing, not a secret
	cols, rows, gap := p.Cols*p.steps(), p.Rows*p.steps(), p.Side/float64(p.steps())
	points := make([]grid.Point, 0, (cols+1)*(rows+1))
	for row := range rows + 1 {
		for col := range cols + 1 {
			x, y := float64(col)-float64(cols)/2, float64(rows)/2-float64(row)
			dx, dy := random.Float64()*2-1, random.Float64()*2-1
			if col > 0 && col < cols && row > 0 && row < rows {
				x, y = x+dx*jitter, y+dy*jitter
			}
			points = append(points, p.place(x*gap, y*gap))
		}
	}
	return points
}

// place turns metres east and north of the centre, before the rows are turned,
// into degrees. The lengths of a degree are the ellipsoid's at the centre.
func (p Plan) place(x, y float64) grid.Point {
	sin, cos := math.Sincos(p.Angle * math.Pi / 180)
	east, north := x*cos-y*sin, x*sin+y*cos
	lat := p.Centre.Lat * math.Pi / 180
	perLat := 111132.954 - 559.822*math.Cos(2*lat) + 1.175*math.Cos(4*lat)
	perLon := 111412.877*math.Cos(lat) - 93.504*math.Cos(3*lat) + 0.118*math.Cos(5*lat)
	return grid.Point{Lon: round7(p.Centre.Lon + east/perLon), Lat: round7(p.Centre.Lat + north/perLat)}
}

func round7(degrees float64) float64 { return math.Round(degrees*1e7) / 1e7 }

// ring walks around one cell.
func (p Plan) ring(points []grid.Point, col, row int) (ring []grid.Point) {
	n := p.steps()
	at := func(c, r int) grid.Point { return points[(row*n+r)*(p.Cols*n+1)+col*n+c] }
	for i := range n {
		ring = append(ring, at(0, i))
	}
	for i := range n {
		ring = append(ring, at(i, n))
	}
	for i := range n {
		ring = append(ring, at(n, n-i))
	}
	for i := range n {
		ring = append(ring, at(n-i, 0))
	}
	return append(ring, at(0, 0))
}
