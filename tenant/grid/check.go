package grid

import (
	"math"

	"github.com/peterstace/simplefeatures/geom"
)

// The bounds of China, islands included.
const (
	minLon, maxLon = 73.0, 136.0
	minLat, maxLat = 3.0, 54.0
)

// check makes a set of the features of a file, whatever its format was, and
// notes what is wrong with each and among them.
func (f *faults) check(features []feature, rules Rules) Set {
	var grids []Grid
	var rows []int // of grids
	first := map[Code]int{}
	for _, ft := range features {
		if ft.code != (Code{}) {
			f.place(ft, first, rules)
		}
		if ft.rings == nil || !f.outline(ft) {
			continue
		}
		g := New(ft.code, ft.name, ft.rings[0], ft.rings[1:])
		switch {
		case f.crossed(ft.row, g):
		case g.Area < rules.MinArea || g.Area > rules.MaxArea:
			f.add(ft.row, "geometry", "面积 %.1f m² 不在 %.0f–%.0f m² 之内", "the area of %.1f m² is not within %.0f to %.0f m²", g.Area, rules.MinArea, rules.MaxArea)
		default:
			grids, rows = append(grids, g), append(rows, ft.row)
		}
	}
	largest := f.overlaps(grids, rows, rules)
	return Set{f.file, grids, rows, true, largest}
}

// place notes a code that comes again or belongs to no community of the city.
func (f *faults) place(ft feature, first map[Code]int, rules Rules) {
	if row, again := first[ft.code]; again {
		f.add(ft.row, ft.codeField, "编码 %s 与第 %d 个要素重复", "code %s repeats that of feature %d", ft.code, row)
		return
	}
	first[ft.code] = ft.row
	if !rules.Divisions.HasCommunity(ft.code.Community()) {
		f.add(ft.row, ft.codeField, "编码 %s 的社区 %s 不属于本市", "community %[2]s of code %[1]s is not one of the city's", ft.code, ft.code.Community())
	}
}

// outline notes what is wrong with a feature's rings taken one by one: too few
// points, a place outside China, not closed. It reports whether nothing is.
func (f *faults) outline(ft feature) bool {
	good := true
	for i, ring := range ft.rings {
		good = f.ring(ft.row, ringField(i), ring) && good
	}
	return good
}

func (f *faults) ring(row int, field string, ring []Point) bool {
	if len(ring) < 4 {
		f.add(row, field, "环有 %d 个点，至少须有 4 个", "the ring has %d points and needs at least 4", len(ring))
		return false
	}
	for i, p := range ring {
		if p.Lon >= minLon && p.Lon <= maxLon && p.Lat >= minLat && p.Lat <= maxLat {
			continue
		}
		zh, en := hint(p)
		f.add(row, field, "第 %d 个点 (%v, %v) 不在中国范围内"+zh, "point %d (%v, %v) is not in China"+en, i+1, p.Lon, p.Lat)
		return false
	}
	if a, b := ring[0], ring[len(ring)-1]; a != b {
		f.add(row, field, "环未闭合：起点 (%v, %v)，终点 (%v, %v)", "the ring is not closed: it begins at (%v, %v) and ends at (%v, %v)", a.Lon, a.Lat, b.Lon, b.Lat)
		return false
	}
	return true
}

// hint guesses why a place is outside China.
func hint(p Point) (zh, en string) {
	switch {
	case p.Lat >= minLon && p.Lat <= maxLon && p.Lon >= minLat && p.Lon <= maxLat:
		return "，经纬度似乎颠倒了", "; longitude and latitude look swapped"
	case math.Abs(p.Lon) > 180 || math.Abs(p.Lat) > 90:
		return "，似乎是以米为单位的投影坐标", "; these look like projected metres"
	}
	return "", ""
}

// crossed notes a ring that crosses or touches itself and holes that don't lie
// properly inside; it reports whether there was one.
func (f *faults) crossed(row int, g Grid) bool {
	var lines []geom.LineString
	for i, ring := range g.rings() {
		if len(ring) < 4 {
			f.add(row, ringField(i), "环的不同点少于 3 个", "the ring has fewer than 3 different points")
			return true
		}
		if p, found := selfCrossing(ring); found {
			f.add(row, ringField(i), "环在 (%.7f, %.7f) 附近自相交", "the ring crosses or touches itself near (%.7f, %.7f)", p.Lon, p.Lat)
			return true
		}
		lines = append(lines, line(ring))
	}
	if len(g.Holes) == 0 {
		return false
	}
	err := geom.NewPolygon(lines).Validate()
	if err != nil {
		f.add(row, "geometry.coordinates", "内环未正确位于外环之内：%v", "the holes don't lie properly inside the outer ring: %v", err)
	}
	return err != nil
}

func line(ring []Point) geom.LineString {
	flat := make([]float64, 0, 2*len(ring))
	for _, p := range ring {
		flat = append(flat, p.Lon, p.Lat)
	}
	return geom.NewLineString(geom.NewSequence(flat, geom.DimXY))
}

// overlaps notes every two grids that share more than the tolerance, and returns
// the largest area that two share.
func (f *faults) overlaps(grids []Grid, rows []int, rules Rules) (largest float64) {
	if len(grids) == 0 {
		return 0
	}
	done := pairs(grids, func(i, j int, area float64) {
		largest = max(largest, area)
		if area > rules.Tolerance.Overlap {
			at := shared(grids[i], grids[j])
			f.add(rows[i], "geometry", "与第 %d 个要素（%s）重叠 %.1f m²，在 (%.7f, %.7f) 附近", "overlaps feature %d (%s) by %.1f m² near (%.7f, %.7f)",
				rows[j], grids[j].Code, area, at.Lon, at.Lat)
		}
	})
	if !done {
		f.add(0, "geometry", "相互交叠的图形过多，重叠检查未能完成", "too many shapes lie over each other; the check for overlaps was not finished")
	}
	return largest
}
