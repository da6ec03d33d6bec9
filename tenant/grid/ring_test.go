package grid

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// place draws a point of a city, with every bit of its coordinates.
func place(t *rapid.T, label string) Point {
	return Point{
		rapid.Float64Range(114.4, 114.6).Draw(t, label+" lon"),
		rapid.Float64Range(37.9, 38.1).Draw(t, label+" lat"),
	}
}

func exactSide(a, b, p Point) int {
	r := func(f float64) *big.Rat { return new(big.Rat).SetFloat64(f) }
	minus := func(f, g float64) *big.Rat { return new(big.Rat).Sub(r(f), r(g)) }
	left := new(big.Rat).Mul(minus(b.Lon, a.Lon), minus(p.Lat, a.Lat))
	return left.Cmp(new(big.Rat).Mul(minus(b.Lat, a.Lat), minus(p.Lon, a.Lon)))
}

func TestTheSideOfALineIsExactToTheLastBit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := place(t, "a"), place(t, "b")
		s := rapid.Float64Range(-0.2, 1.2).Draw(t, "share of the way")
		p := Point{a.Lon + s*(b.Lon-a.Lon), a.Lat + s*(b.Lat-a.Lat)} // as near to the line as floats go
		for range rapid.IntRange(0, 2).Draw(t, "steps away") {
			p.Lon = math.Nextafter(p.Lon, 180)
		}
		if got, want := side(a, b, p), exactSide(a, b, p); got != want {
			t.Fatalf("side(%v, %v, %v) = %d, want %d", a, b, p, got, want)
		}
		if side(a, b, p) != -side(b, a, p) {
			t.Fatalf("the two directions of %v–%v disagree on %v", a, b, p)
		}
	})
}

func TestSelfCrossingRingsAreFoundAndOthersAreNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(3, 9).Draw(t, "points")
		var flat []metre
		var ring []Point
		for range n { // on a coarse raster, so that touching is common
			x, y := rapid.IntRange(0, 6).Draw(t, "x"), rapid.IntRange(0, 6).Draw(t, "y")
			flat = append(flat, metre{float64(x), float64(y)})
			ring = append(ring, Point{114.5 + float64(x)/1024, 38 + float64(y)/1024})
		}
		flat, ring = append(flat, flat[0]), append(ring, ring[0])
		clean := normal(ring, 1)
		if len(clean) < 4 {
			return // fewer than three places make no ring
		}
		_, got := selfCrossing(clean)
		if want := shape(flat).Validate() != nil; got != want {
			t.Fatalf("%v: got crossing %v, want %v", flat, got, want)
		}
	})
}
