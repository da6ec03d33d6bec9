package grid

import (
	"cmp"
	"math"
	"slices"
)

// side says where p lies from the line a→b: 1 left, -1 right, 0 on it. It is
// exact for the points of a grid and its surroundings: the difference of two
// floats within a factor of two of each other is exact (Sterbenz), and where
// two products round to the same float, what the rounding cut off decides.
func side(a, b, p Point) int {
	dx, dy := b.Lon-a.Lon, b.Lat-a.Lat
	px, py := p.Lon-a.Lon, p.Lat-a.Lat
	l, r := float64(dx*py), float64(dy*px)
	if l != r {
		return cmp.Compare(l, r)
	}
	return cmp.Compare(math.FMA(dx, py, -l), math.FMA(dy, px, -r))
}

// oddCrossings reports whether the ray from p to the east crosses the closed
// ring an odd number of times. A point on an edge counts as east of it, one
// level with a corner as above it; both alike for the grids on either side,
// which is what makes the owner of every point of a shared line unique.
func oddCrossings(ring []Point, p Point) bool {
	odd := false
	for i := 1; i < len(ring); i++ {
		a, b := ring[i-1], ring[i]
		if (a.Lat > p.Lat) == (b.Lat > p.Lat) {
			continue
		}
		if b.Lat < a.Lat {
			a, b = b, a
		}
		if side(a, b, p) > 0 {
			odd = !odd
		}
	}
	return odd
}

// southWest orders points from south to north, then from west to east.
func southWest(a, b Point) int {
	return cmp.Or(cmp.Compare(a.Lat, b.Lat), cmp.Compare(a.Lon, b.Lon))
}

// normal returns a copy of a closed ring without repeated points, beginning at
// its first point in southWest order and turning left (turn 1) or right (-1).
func normal(ring []Point, turn int) []Point {
	open := slices.Compact(slices.Clone(ring[:len(ring)-1]))
	for len(open) > 1 && open[0] == open[len(open)-1] {
		open = open[:len(open)-1]
	}
	if (signedArea(ring) > 0) != (turn > 0) {
		slices.Reverse(open)
	}
	first := slices.Index(open, slices.MinFunc(open, southWest))
	out := append(slices.Grow(slices.Clone(open[first:]), first+1), open[:first]...)
	return append(out, out[0])
}

// selfCrossing finds a point where a normal ring crosses, touches or runs back
// along itself.
func selfCrossing(ring []Point) (at Point, found bool) {
	n := len(ring) - 1
	order := make([]int, n) // edges from west to east, so that only those side by side are compared
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(west(ring, i), west(ring, j)) })
	for k, i := range order {
		east := max(ring[i].Lon, ring[i+1].Lon)
		for _, j := range order[k+1:] {
			if west(ring, j) > east {
				break
			}
			if p, bad := meet(ring, min(i, j), max(i, j), n); bad {
				return p, true
			}
		}
	}
	return Point{}, false
}

func west(ring []Point, i int) float64 { return min(ring[i].Lon, ring[i+1].Lon) }

// meet tells where edges i < j of a ring of n edges meet though they must not.
// Neighbours share one point and may share no more.
func meet(ring []Point, i, j, n int) (Point, bool) {
	a, b, c, d := ring[i], ring[i+1], ring[j], ring[j+1]
	switch {
	case j == i+1:
		return b, foldsBack(a, b, d)
	case i == 0 && j == n-1:
		return a, foldsBack(c, a, b)
	case max(min(a.Lat, b.Lat), min(c.Lat, d.Lat)) > min(max(a.Lat, b.Lat), max(c.Lat, d.Lat)):
		return Point{}, false
	case side(a, b, c)*side(a, b, d) > 0 || side(c, d, a)*side(c, d, b) > 0:
		return Point{}, false
	}
	return crossing(a, b, c, d), true
}

// foldsBack reports whether the way a→b→c returns along the line it came by.
func foldsBack(a, b, c Point) bool {
	return side(a, b, c) == 0 && (b.Lon-a.Lon)*(c.Lon-b.Lon)+(b.Lat-a.Lat)*(c.Lat-b.Lat) < 0
}

// crossing returns about where two edges that meet do so.
func crossing(a, b, c, d Point) Point {
	den := (b.Lon-a.Lon)*(d.Lat-c.Lat) - (b.Lat-a.Lat)*(d.Lon-c.Lon)
	if den == 0 {
		return c
	}
	t := ((c.Lon-a.Lon)*(d.Lat-c.Lat) - (c.Lat-a.Lat)*(d.Lon-c.Lon)) / den
	return Point{a.Lon + t*(b.Lon-a.Lon), a.Lat + t*(b.Lat-a.Lat)}
}
