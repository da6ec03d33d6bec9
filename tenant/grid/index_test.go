package grid_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"wangge/tenant/grid"
)

// unit is 2⁻²⁰ degrees: about 10 cm. Multiples of it and of half of it are
// exact floats, so that points really lie on an edge and integers can judge.
const unit = 1.0 / (1 << 20)

type whole struct{ x, y int }

func (w whole) point() grid.Point {
	return grid.Point{Lon: 114 + float64(w.x)*unit/2, Lat: 38 + float64(w.y)*unit/2}
}

// owns is an oracle in whole numbers, by another rule than the one under test:
// it moves the place a little to the east and far less to the north, off every
// edge, and asks whether the ring winds around it.
func owns(ring []whole, p whole) bool {
	const k = 1 << 20
	px, py, winding := int64(p.x)*k*k+k, int64(p.y)*k*k+1, 0
	for i := 1; i < len(ring); i++ {
		ax, ay := int64(ring[i-1].x), int64(ring[i-1].y)
		bx, by := int64(ring[i].x), int64(ring[i].y)
		left := (bx-ax)*(py-ay*k*k) - (by-ay)*(px-ax*k*k)
		switch {
		case ay*k*k < py && by*k*k > py && left > 0:
			winding++
		case ay*k*k > py && by*k*k < py && left < 0:
			winding--
		}
	}
	return winding != 0
}

// mesh is a jittered lattice: the grids share every edge and corner.
type mesh struct {
	cols, rows int
	corners    [][]whole
	grids      []grid.Grid
	rings      [][]whole // of grids
}

const step = 400 // half units between corners

func drawMesh(t *rapid.T) mesh {
	m := mesh{cols: rapid.IntRange(1, 6).Draw(t, "cols"), rows: rapid.IntRange(1, 6).Draw(t, "rows")}
	move := rapid.IntRange(-40, 40)
	for y := range m.rows + 1 {
		var row []whole
		for x := range m.cols + 1 {
			c := whole{x * step, y * step}
			if x > 0 && x < m.cols && y > 0 && y < m.rows {
				c = whole{c.x + 2*move.Draw(t, "dx"), c.y + 2*move.Draw(t, "dy")} // even, so that middles are whole
			}
			row = append(row, c)
		}
		m.corners = append(m.corners, row)
	}
	for y := range m.rows {
		for x := range m.cols {
			ring := []whole{m.corners[y][x], m.corners[y][x+1], m.corners[y+1][x+1], m.corners[y+1][x], m.corners[y][x]}
			points := make([]grid.Point, len(ring))
			for i, w := range ring {
				points[i] = w.point()
			}
			code, err := grid.ParseCode(fmt.Sprintf("130102001001%03d", y*m.cols+x+1))
			if err != nil {
				t.Fatal(err)
			}
			m.grids, m.rings = append(m.grids, grid.New(code, "", points, nil)), append(m.rings, ring)
		}
	}
	return m
}

// places are all corners, the middles and quarters of all edges, and others.
func (m mesh) places(t *rapid.T) (all []whole) {
	for _, ring := range m.rings {
		for i := 1; i < len(ring); i++ {
			a, b := ring[i-1], ring[i]
			all = append(all, a, whole{(a.x + b.x) / 2, (a.y + b.y) / 2}, whole{(3*a.x + b.x) / 4, (3*a.y + b.y) / 4})
		}
	}
	for range 20 {
		all = append(all, whole{rapid.IntRange(-50, m.cols*step+50).Draw(t, "x"), rapid.IntRange(-50, m.rows*step+50).Draw(t, "y")})
	}
	return all
}

func TestEveryPlaceHasExactlyOneOwnerCornersAndEdgesIncluded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMesh(t)
		index := grid.NewIndex(m.grids)
		for _, w := range m.places(t) {
			var owners []grid.Code
			for i, ring := range m.rings {
				if owns(ring, w) {
					owners = append(owners, m.grids[i].Code)
				}
			}
			covered := w.x >= 0 && w.x < m.cols*step && w.y >= 0 && w.y < m.rows*step
			if covered != (len(owners) == 1) {
				t.Fatalf("the oracle gives %v the owners %v", w, owners)
			}
			code, ok := index.At(w.point())
			if ok != covered || ok && code != owners[0] {
				t.Fatalf("%v: got %v, %v, want %v", w, code, ok, owners)
			}
		}
	})
}

func TestAHoleBelongsToTheGridThatFillsIt(t *testing.T) {
	grids, err := read(collection(
		feature(one, polygon(cell(0, 0), ring([2]float64{.2, .2}, [2]float64{.2, .8}, [2]float64{.8, .8}, [2]float64{.8, .2}))),
		feature(two, polygon(ring([2]float64{.2, .2}, [2]float64{.8, .2}, [2]float64{.8, .8}, [2]float64{.2, .8}))),
	))
	if err != nil {
		t.Fatal(err)
	}
	index := grid.NewIndex(grids)
	for _, c := range []struct {
		p    grid.Point
		want string
	}{
		{grid.Point{Lon: 114.5001, Lat: 38.0005}, one},
		{grid.Point{Lon: 114.5005, Lat: 38.0005}, two},
		{grid.Point{Lon: 114.5002, Lat: 38.0002}, two},
		{grid.Point{Lon: 114.5008, Lat: 38.0008}, one},
		{grid.Point{Lon: 114.4999, Lat: 38.0005}, ""},
	} {
		if code, ok := index.At(c.p); code.String() != c.want || ok != (c.want != "") {
			t.Errorf("%v: got %v, want %q", c.p, code, c.want)
		}
	}
}

func TestWhereGridsOverlapTheLowestCodeOwns(t *testing.T) {
	grids, err := read(collection(feature(two, polygon(cell(0, 0))), feature(one, polygon(cell(.9999, 0)))))
	if err != nil {
		t.Fatal(err)
	}
	if code, ok := grid.NewIndex(grids).At(grid.Point{Lon: 114.50099995, Lat: 38.0005}); !ok || code.String() != one {
		t.Errorf("got %v, %v", code, ok)
	}
}

func TestNoGridsMeansNoOwner(t *testing.T) {
	if code, ok := grid.NewIndex(nil).At(grid.Point{Lon: 114.5, Lat: 38}); ok || code != (grid.Code{}) {
		t.Errorf("got %v, %v", code, ok)
	}
}
