package part

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"wangge/tenant/grid"
)

// heap is a store that looks at every part.
type heap struct {
	Store
	parts []Part
	asked int
}

// nearest orders those that hold by distance.
func (h *heap) nearest(n Near, holds func(Part) bool) (out []Found) {
	m := MetricAt(n.Place)
	for _, p := range h.parts {
		if d := m.Squared(p.Place); p.Kind == n.Kind && d <= m.SquaredOf(n.Within) && holds(p) {
			out = append(out, Found{p, m.Metres(d)})
		}
	}
	slices.SortFunc(out, func(a, b Found) int {
		return cmp.Or(cmp.Compare(m.Squared(a.Place), m.Squared(b.Place)), cmp.Compare(a.ID, b.ID))
	})
	return out[:min(len(out), n.Count)]
}

func (h *heap) InSquare(_ context.Context, n Near, r int64) ([]Found, error) {
	h.asked++
	col, row := CellAt(n.Place)
	return h.nearest(n, func(p Part) bool {
		c, w := CellAt(p.Place)
		return c >= col-r && c <= col+r && w >= row-r && w <= row+r
	}), nil
}

func TestTheNearestAreThoseThatLookingAtAllFinds(t *testing.T) {
	coordinate := rapid.Custom(func(t *rapid.T) float64 {
		if rapid.Bool().Draw(t, "on an edge") {
			return float64(rapid.IntRange(0, 60).Draw(t, "cells")) / CellsADegree
		}
		return rapid.Float64Range(0, 0.06).Draw(t, "degrees")
	})
	rapid.Check(t, func(t *rapid.T) {
		point := func(label string) grid.Point {
			return grid.Point{Lon: 106.7 + coordinate.Draw(t, label+" lon"), Lat: 39.6 + coordinate.Draw(t, label+" lat")}
		}
		h := &heap{}
		for i := range rapid.IntRange(0, 40).Draw(t, "parts") {
			h.parts = append(h.parts, Part{ID: fmt.Sprintf("%02d", i), Kind: rapid.SampledFrom([]string{"01-001", "01-002"}).Draw(t, "kind"), Place: point("part")})
		}
		n := Near{Place: point("place"), Kind: "01-001", Count: rapid.IntRange(1, 8).Draw(t, "count"), Within: rapid.Float64Range(50, 9000).Draw(t, "within")}
		got, err := (&Service{store: h}).Nearest(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		if want := h.nearest(n, func(Part) bool { return true }); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestASearchEndsWhereItWasBounded(t *testing.T) {
	h := &heap{}
	if found, err := (&Service{store: h}).Nearest(t.Context(), Near{Place: grid.Point{Lon: 106.7, Lat: 39.6}, Kind: "x", Within: 1e9}); err != nil || len(found) != 0 || h.asked > 12 {
		t.Errorf("%v, %v after %d questions", found, err, h.asked)
	}
}

// haversine is the distance on the globe.
func haversine(a, b grid.Point) float64 {
	rad := math.Pi / 180
	s := func(x float64) float64 { return math.Pow(math.Sin(x*rad/2), 2) }
	h := s(b.Lat-a.Lat) + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*s(b.Lon-a.Lon)
	return 2 * 6371008.8 * math.Asin(math.Sqrt(h))
}

func TestDistancesAreThoseOnTheGlobeToAThousandth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := grid.Point{Lon: rapid.Float64Range(75, 135).Draw(t, "lon"), Lat: rapid.Float64Range(18, 53).Draw(t, "lat")}
		b := grid.Point{Lon: a.Lon + rapid.Float64Range(-0.04, 0.04).Draw(t, "east"), Lat: a.Lat + rapid.Float64Range(-0.04, 0.04).Draw(t, "north")}
		m := MetricAt(a)
		got, want := m.Metres(m.Squared(b)), haversine(a, b)
		if math.Abs(got-want) > want/1000+0.001 {
			t.Fatalf("%v to %v: %f m, want %f m", a, b, got, want)
		}
	})
}

func TestASquareReachesNoFurtherThanItsSides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := grid.Point{Lon: rapid.Float64Range(75, 135).Draw(t, "lon"), Lat: rapid.Float64Range(18, 53).Draw(t, "lat")}
		r := rapid.Int64Range(0, 50).Draw(t, "r")
		m := MetricAt(a)
		angle := rapid.Float64Range(0, 2*math.Pi).Draw(t, "angle")
		d := math.Sqrt(m.Reach(r)) * 0.999999
		b := grid.Point{Lon: a.Lon + d*math.Cos(angle)/math.Sqrt(m.Squeeze), Lat: a.Lat + d*math.Sin(angle)}
		ac, ar := CellAt(a)
		bc, br := CellAt(b)
		if max(bc-ac, ac-bc, br-ar, ar-br) > r {
			t.Fatalf("%v is nearer than the reach of %d cells about %v and lies beyond them", b, r, a)
		}
	})
}
