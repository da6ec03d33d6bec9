package grid

import (
	"math"
	"testing"

	"github.com/peterstace/simplefeatures/geom"
	"pgregory.net/rapid"
)

// The wanted areas are GeographicLib's (PolygonArea on the CGCS2000 ellipsoid).
func TestAreasAgreeWithGeodesicOnes(t *testing.T) {
	for name, c := range map[string]struct {
		ring   []Point
		want   float64 // m²
		within float64 // share
	}{
		"a block in Haikou": {[]Point{{110.2, 19.5}, {110.2011, 19.5}, {110.2011, 19.5009}, {110.2, 19.5009}, {110.2, 19.5}}, 11504.136721163988, 1e-9},
		"a block in Shijiazhuang": {[]Point{{114.51, 38.04}, {114.5112, 38.0402}, {114.5109, 38.0411}, {114.5104, 38.0412}, {114.5098, 38.0408}, {114.51, 38.04}},
			11400.224448859692, 1e-6},
		"a block in Mohe":           {[]Point{{124.3, 52.9}, {124.3011, 52.9}, {124.3011, 52.9009}, {124.3, 52.9009}, {124.3, 52.9}}, 7413.613950967789, 1e-9},
		"1 km in Shijiazhuang":      {[]Point{{114.51, 38.04}, {114.521, 38.04}, {114.521, 38.049}, {114.51, 38.049}, {114.51, 38.04}}, 964584.0823431015, 1e-8},
		"a slanting 1 km in Mohe":   {[]Point{{124.3, 52.9}, {124.312, 52.904}, {124.297, 52.911}, {124.3, 52.9}}, 539129.5584430695, 4e-5},
		"the same, drawn clockwise": {[]Point{{124.3, 52.9}, {124.297, 52.911}, {124.312, 52.904}, {124.3, 52.9}}, 539129.5584430695, 4e-5},
	} {
		if got := RingArea(c.ring); math.Abs(got/c.want-1) > c.within {
			t.Errorf("%s: got %.6f m², want %.6f", name, got, c.want)
		}
	}
}

// stars are rings around a centre, their points at turning angles, often with
// coordinates that others have too; one that rounding makes touch itself is not
// among them.
var stars = rapid.Custom(star).Filter(func(ring []metre) bool { return shape(ring).Validate() == nil })

func star(t *rapid.T) []metre {
	n := rapid.IntRange(3, 12).Draw(t, "points")
	cx, cy := rapid.IntRange(-40, 40).Draw(t, "x"), rapid.IntRange(-40, 40).Draw(t, "y")
	var ring []metre
	for i := range n {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		r := float64(rapid.IntRange(10, 90).Draw(t, "radius"))
		ring = append(ring, metre{float64(cx) + math.Round(r*cos), float64(cy) + math.Round(r*sin)})
	}
	return append(ring, ring[0])
}

func shape(rings ...[]metre) geom.Geometry {
	var lines []geom.LineString
	for _, ring := range rings {
		var flat []float64
		for _, m := range ring {
			flat = append(flat, m.x, m.y)
		}
		lines = append(lines, geom.NewLineString(geom.NewSequence(flat, geom.DimXY)))
	}
	return geom.NewPolygon(lines).AsGeometry()
}

func TestTheAreaTwoOutlinesShareIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := stars.Draw(t, "a"), stars.Draw(t, "b")
		both, err := geom.Intersection(shape(a), shape(b))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := common(outline{a}, outline{b}), both.Area(); math.Abs(got-want) > 1e-6 {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestAHoleIsNoSharedArea(t *testing.T) {
	square := func(low, high float64) []metre {
		return []metre{{low, low}, {high, low}, {high, high}, {low, high}, {low, low}}
	}
	hole := []metre{{20, 20}, {20, 80}, {80, 80}, {80, 20}, {20, 20}}
	for name, c := range map[string]struct {
		inner []metre
		want  float64
	}{
		"a grid that fills the hole": {square(20, 80), 0},
		"a grid within the hole":     {square(30, 40), 0},
		"a grid larger than it":      {square(10, 90), 80*80 - 60*60},
	} {
		if got := common(outline{square(0, 100), hole}, outline{c.inner}); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s shares %v m², want %v", name, got, c.want)
		}
	}
}
