package grid

import "math"

// The CGCS2000 ellipsoid.
const (
	semiMajor  = 6378137.0
	flattening = 1 / 298.257222101
)

var (
	eccentricity2 = flattening * (2 - flattening)
	eccentricity  = math.Sqrt(eccentricity2)
)

// metre is a place on the equal-area plane, in metres.
type metre struct{ x, y float64 }

// plane maps p to Lambert's cylindrical equal-area plane of the CGCS2000
// ellipsoid: areas there are the true ones on the ellipsoid, at any place and
// without zones. Lengths and angles are not.
func plane(p Point) metre {
	s := math.Sin(p.Lat * math.Pi / 180)
	q := (1 - eccentricity2) * (s/(1-eccentricity2*s*s) + math.Atanh(eccentricity*s)/eccentricity)
	return metre{semiMajor * p.Lon * math.Pi / 180, semiMajor * q / 2}
}

// RingArea returns the area that a closed ring encloses, in m² on the CGCS2000
// ellipsoid. Against the area between geodesics (GeographicLib) it is within 1
// part in a million for outlines of 100 m and within 40 for 1 km: geodesics are
// not quite the straight lines in longitude and latitude that edges are.
func RingArea(ring []Point) float64 { return math.Abs(signedArea(ring)) }

// signedArea is positive for a ring that runs counter-clockwise. It measures
// from the ring's first point: far from the origin products would lose digits.
func signedArea(ring []Point) float64 {
	o := plane(ring[0])
	var twice float64
	var last metre
	for _, p := range ring[1:] {
		m := plane(p)
		m.x, m.y = m.x-o.x, m.y-o.y
		twice += last.x*m.y - m.x*last.y
		last = m
	}
	return twice / 2
}

// outline is the rings of a grid on the plane, relative to some origin; outer
// rings run counter-clockwise, holes clockwise.
type outline [][]metre

func newOutline(g Grid, origin metre) outline {
	var o outline
	for _, ring := range g.rings() {
		flat := make([]metre, len(ring))
		for i, p := range ring {
			m := plane(p)
			flat[i] = metre{m.x - origin.x, m.y - origin.y}
		}
		o = append(o, flat)
	}
	return o
}

// edges returns the number of edges.
func (o outline) edges() (n int) {
	for _, ring := range o {
		n += len(ring) - 1
	}
	return n
}

// common returns the area two outlines share, whatever their form. Each is the
// signed sum of what lies below its edges, so what they share is the signed sum,
// over all pairs of edges, of what lies below both.
func common(a, b outline) (area float64) {
	for _, ringA := range a {
		for i := 1; i < len(ringA); i++ {
			for _, ringB := range b {
				for j := 1; j < len(ringB); j++ {
					area += belowBoth(ringA[i-1], ringA[i], ringB[j-1], ringB[j])
				}
			}
		}
	}
	return area
}

// belowBoth integrates, over the x that edges a→b and c→d have in common, the
// lower of the two; negative when they run in opposite directions.
func belowBoth(a, b, c, d metre) float64 {
	sign := 1.0
	if a.x > b.x {
		a, b, sign = b, a, -sign
	}
	if c.x > d.x {
		c, d, sign = d, c, -sign
	}
	from, to := max(a.x, c.x), min(b.x, d.x)
	if from >= to {
		return 0
	}
	slope, other := (b.y-a.y)/(b.x-a.x), (d.y-c.y)/(d.x-c.x)
	a0, a1 := a.y+slope*(from-a.x), a.y+slope*(to-a.x)
	c0, c1 := c.y+other*(from-c.x), c.y+other*(to-c.x)
	return sign * (to - from) * (c0 + c1 + twiceNegative(a0-c0, a1-c1)) / 2
}

// twiceNegative is twice the integral of min(0, y) for y linear from d0 to d1
// over a unit length.
func twiceNegative(d0, d1 float64) float64 {
	switch {
	case d0 >= 0 && d1 >= 0:
		return 0
	case d0 <= 0 && d1 <= 0:
		return d0 + d1
	case d0 < 0:
		return d0 * d0 / (d0 - d1)
	}
	return d1 * d1 / (d1 - d0)
}
