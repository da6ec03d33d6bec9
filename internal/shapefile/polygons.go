package shapefile

import (
	"cmp"
	"math"
	"slices"
)

// NextPolygon is Next for those who know no Shapefile: the values by the name of
// their field, and the rings in the manner of GeoJSON, by part, the outer ring
// of a part first and then its holes. A shape that is no polygon has no part.
// After an error row is still that of the record, 0 when there is none.
func (r *Reader) NextPolygon() (row int, values map[string]string, parts [][][][2]float64, err error) {
	record, err := r.Next()
	if err != nil {
		return r.row(), nil, nil, err
	}
	values = make(map[string]string, len(record.Values))
	for i, f := range r.table.fields {
		values[f.Name] = record.Values[i]
	}
	if record.Shape.Type != Polygon {
		return record.Number, values, nil, nil
	}
	return record.Number, values, Parts(record.Shape.Points), nil
}

func (r *Reader) row() int {
	if r.over {
		return 0
	}
	return r.number
}

// Parts orders the rings of a polygon into its parts, each an outer ring with
// its holes. Outer rings run clockwise, as the format has it; where that leaves
// none, the largest ring is the outer one of a single part.
func Parts(rings [][]Point) [][][]Point {
	var outer, holes [][]Point
	for _, ring := range rings {
		if len(rings) == 1 || area(ring) < 0 {
			outer = append(outer, ring)
		} else {
			holes = append(holes, ring)
		}
	}
	if len(outer) == 0 && len(holes) > 0 {
		largest := slices.MaxFunc(holes, func(a, b []Point) int { return cmp.Compare(area(a), area(b)) })
		i := slices.IndexFunc(holes, func(r []Point) bool { return len(r) == len(largest) && (len(r) == 0 || &r[0] == &largest[0]) })
		outer, holes = [][]Point{largest}, slices.Delete(holes, i, i+1)
	}
	parts := make([][][]Point, len(outer))
	for i, ring := range outer {
		parts[i] = [][]Point{ring}
	}
	for _, hole := range holes {
		i := max(0, slices.IndexFunc(outer, func(ring []Point) bool { return len(outer) == 1 || around(ring, hole) }))
		parts[i] = append(parts[i], hole)
	}
	return parts
}

// area is twice the area of a ring, negative when it runs clockwise.
func area(ring []Point) (twice float64) {
	for i := range ring {
		a, b := ring[i], ring[(i+1)%len(ring)]
		twice += (a[0]-ring[0][0])*(b[1]-ring[0][1]) - (b[0]-ring[0][0])*(a[1]-ring[0][1])
	}
	return twice
}

// around tells whether a ring goes around the first point of another.
func around(ring, other []Point) (odd bool) {
	if len(other) == 0 {
		return false
	}
	p := other[0]
	for i := range ring {
		a, b := ring[i], ring[(i+1)%len(ring)]
		if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < a[0]+(p[1]-a[1])/(b[1]-a[1])*(b[0]-a[0]) {
			odd = !odd
		}
	}
	return odd
}

// box is the bounds of points.
type box struct{ minX, minY, maxX, maxY float64 }

func noBox() box { return box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)} }

func (b box) with(rings [][]Point) box {
	for _, ring := range rings {
		for _, p := range ring {
			b = box{min(b.minX, p[0]), min(b.minY, p[1]), max(b.maxX, p[0]), max(b.maxY, p[1])}
		}
	}
	return b
}
