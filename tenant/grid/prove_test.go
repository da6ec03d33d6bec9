package grid_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"wangge/tenant/grid"
)

func mustRead(t interface{ Fatal(args ...any) }, features ...string) []grid.Grid {
	rules := grid.NewRules(anywhere{})
	rules.Tolerance.Overlap, rules.MaxArea = math.Inf(1), math.Inf(1) // what the proof is to find
	grids, err := grid.ReadGeoJSON("f", strings.NewReader(collection(features...)), rules)
	if err != nil {
		t.Fatal(err)
	}
	return grids
}

// box is a rectangle, in the units of ring.
func box(x, y, wide, high float64) string {
	return ring([2]float64{x, y}, [2]float64{x + wide, y}, [2]float64{x + wide, y + high}, [2]float64{x, y + high})
}

func code(n int) string { return fmt.Sprintf("130102001%03d%03d", n/900+1, n%900+1) }

func near(p grid.Point, x, y float64) bool {
	return math.Abs(p.Lon-114.5-x/1000) < 2e-6 && math.Abs(p.Lat-38-y/1000) < 2e-6
}

func prove(grids []grid.Grid) grid.Proof { return grid.Prove(grids, grid.DefaultTolerance()) }

func TestALatticeIsProvedToBeAPartition(t *testing.T) {
	grids := bigCity(t)
	p := prove(grids)
	if !p.Sound || !p.Complete || p.Grids != 20_000 || p.LargestGap != 0 || p.LargestOverlap > 1e-6 || len(p.Scattered) > 0 {
		t.Errorf("got %+v", p)
	}
	if math.Abs(p.Covered/p.Area-1) > 1e-6 {
		t.Errorf("the grids have %v m² and cover %v", p.Area, p.Covered)
	}
}

func TestAGapIsFoundWithItsPlaceItsAreaAndItsNeighbours(t *testing.T) {
	full := mustRead(t, feature(code(0), polygon(cell(0, 0))))[0].Area
	var block []string
	for i, at := range [][2]float64{{0, 0}, {1, 0}, {2, 0}, {0, 1}, {2, 1}, {0, 2}, {1, 2}, {2, 2}} {
		block = append(block, feature(code(i), polygon(cell(at[0], at[1]))))
	}
	p := prove(mustRead(t, block...))
	if p.Sound || len(p.Gaps) != 1 || math.Abs(p.Gaps[0].Area-full) > 1 || !near(p.Gaps[0].At, 1.5, 1.5) || p.GapTotal != p.LargestGap {
		t.Fatalf("got %+v", p)
	}
	var codes []string
	for _, c := range p.Gaps[0].Around {
		codes = append(codes, c.String())
	}
	if want := []string{code(1), code(3), code(4), code(6)}; !slices.Equal(codes, want) {
		t.Errorf("around it are %v, want %v", codes, want)
	}
	if math.Abs(p.Covered-p.Area) > 1e-3 || len(p.Overlaps) > 0 {
		t.Errorf("got %+v", p)
	}
	// With a grid standing free in the gap, the rest is the gap.
	p = prove(mustRead(t, append(block, feature(code(8), polygon(box(1.25, 1.25, .5, .5))))...))
	if len(p.Gaps) != 1 || math.Abs(p.Gaps[0].Area-full*.75) > 1 {
		t.Errorf("around an island: %+v", p.Gaps)
	}
	// A grid on the island's own lake is a gap's island's island, and counts.
	p = prove(mustRead(t, append(block, feature(code(8), polygon(box(1.1, 1.1, .8, .8), box(1.2, 1.2, .6, .6))), feature(code(9), polygon(box(1.4, 1.4, .2, .2))))...))
	if want := full * (1 - .64 + .36 - .04); len(p.Gaps) != 2 || math.Abs(p.GapTotal-want) > 1 {
		t.Errorf("want %v in two gaps, got %+v", want, p.Gaps)
	}
	// Without a corner cell two others still touch and close it; open to the
	// outside it is no gap.
	if p = prove(mustRead(t, block[1:]...)); p.Sound || len(p.Gaps) != 1 {
		t.Errorf("without a corner cell: %+v", p.Gaps)
	}
	if p = prove(mustRead(t, slices.Delete(block, 1, 2)...)); len(p.Gaps) != 0 || !p.Sound {
		t.Errorf("a bay: %+v", p.Gaps)
	}
}

func TestAnOverlapIsFoundWithItsPairItsPlaceAndItsArea(t *testing.T) {
	p := prove(mustRead(t, feature(one, polygon(cell(0, 0))), feature(two, polygon(cell(.5, .5)))))
	if p.Sound || len(p.Overlaps) != 1 {
		t.Fatalf("got %+v", p)
	}
	o := p.Overlaps[0]
	if o.A.String() != one || o.B.String() != two || math.Abs(o.Area-p.Area/8) > 1 || !near(o.At, .75, .75) {
		t.Errorf("got %+v", o)
	}
	if math.Abs(p.OverlapTotal-o.Area) > .1 || math.Abs(p.Area-p.Covered-o.Area) > .1 {
		t.Errorf("%v of %v is covered, %v twice", p.Covered, p.Area, p.OverlapTotal)
	}
	if p = prove(mustRead(t, feature(one, polygon(box(0, 0, 3, 3))), feature(two, polygon(cell(1, 1))))); len(p.Overlaps) != 1 || !near(p.Overlaps[0].At, 1.5, 1.5) || len(p.Gaps) != 0 {
		t.Errorf("one within another: %+v", p)
	}
}

func TestASelfCrossingRingIsFound(t *testing.T) {
	bow := []grid.Point{{Lon: 114.5, Lat: 38}, {Lon: 114.501, Lat: 38.001}, {Lon: 114.501, Lat: 38}, {Lon: 114.5, Lat: 38.001}, {Lon: 114.5, Lat: 38}}
	c, _ := grid.ParseCode(one)
	p := prove([]grid.Grid{grid.New(c, "", bow, nil)})
	if p.Sound || len(p.Crossings) != 1 || p.Crossings[0].Code != c || !near(p.Crossings[0].At, .5, .5) {
		t.Errorf("got %+v", p)
	}
}

func TestWhatIsWithinTheToleranceIsSummedUpAndNoFault(t *testing.T) {
	// Gaping by 4 cm along a side of 111 m and closed above and below: 4 m²; the
	// half of a degree's 7th decimal is nothing.
	for _, c := range []struct {
		name      string
		by        float64 // thousandths of a degree
		tolerance float64 // m²
		gaps      int
		total     float64
	}{
		{"within", .0005, 10, 0, 4.87},
		{"beyond", .0005, 1, 1, 4.87},
		{"rounding", .0001, 1, 0, 0},
	} {
		p := grid.Prove(mustRead(t,
			feature(code(0), polygon(cell(0, 0))), feature(code(1), polygon(box(1+c.by, 0, 1-c.by, 1))),
			feature(code(2), polygon(box(0, 1, 2, 1))), feature(code(3), polygon(box(0, -1, 2, 1)))), grid.Tolerance{Overlap: 1, Gap: c.tolerance, Snap: .02})
		if len(p.Gaps) != c.gaps || p.Sound != (c.gaps == 0) || math.Abs(p.GapTotal-c.total) > .05 || len(p.Scattered) != 0 {
			t.Errorf("%s: got %+v", c.name, p)
		}
	}
}

func TestALineThatNeighboursDivideIsOneLine(t *testing.T) {
	p := prove(mustRead(t, feature(code(0), polygon(box(0, 0, 3, 1))), feature(code(1), polygon(box(0, 1, 1, 1))),
		feature(code(2), polygon(box(1, 1, .5, 1))), feature(code(3), polygon(box(1.5, 1, 1.5, 1)))))
	if !p.Sound || p.GapTotal != 0 || p.OverlapTotal > 1e-9 || len(p.Scattered) != 0 {
		t.Errorf("got %+v", p)
	}
}

func TestACommunityInPiecesIsListed(t *testing.T) {
	p := prove(mustRead(t, feature("130102001001001", polygon(cell(0, 0))), feature("130102001001002", polygon(cell(1, 1))),
		feature("130102001001003", polygon(cell(2, 1))), feature("130102001002001", polygon(cell(1, 0)))))
	if !p.Sound || len(p.Scattered) != 1 {
		t.Fatalf("got %+v", p)
	}
	s := p.Scattered[0]
	if s.Community != "130102001001" || s.Pieces != 2 || fmt.Sprint(s.First) != "[130102001001001 130102001001002]" {
		t.Errorf("got %+v", s)
	}
}

func TestAProofOfNothingIsSoundAndAProofIsADocument(t *testing.T) {
	p := prove(nil)
	text, err := json.Marshal(p)
	if err != nil || !p.Sound || !strings.Contains(string(text), `"overlaps":[],"gaps":[],"self_crossings":[]`) {
		t.Errorf("%s, %v", text, err)
	}
	p = prove(mustRead(t, feature(one, polygon(cell(0, 0))), feature(two, polygon(cell(.5, .5)))))
	text, err = json.Marshal(p)
	var back grid.Proof
	if err != nil || json.Unmarshal(text, &back) != nil || back.Overlaps[0] != p.Overlaps[0] || !strings.Contains(string(text), `"at":{"lon":114.5`) {
		t.Errorf("%s, %v", text, err)
	}
}

// TestGapsAreThoseOfALatticeWithHoles compares with a flood of the lattice from
// outside: cells are taken out, others joined to rectangles so that lines of one
// are divided by others, and corners moved by less than is the same.
func TestGapsAreThoseOfALatticeWithHoles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cols, rows := rapid.IntRange(1, 7).Draw(t, "cols"), rapid.IntRange(1, 7).Draw(t, "rows")
		taken := make([][]bool, rows+2) // with a border
		for y := range taken {
			taken[y] = make([]bool, cols+2)
		}
		off := rapid.IntRange(-40, 40) // 7th decimals, within 5 mm
		var features []string
		for y := 1; y <= rows; y++ {
			for x := 1; x <= cols; x++ {
				if taken[y][x] || rapid.IntRange(0, 3).Draw(t, "hole") == 0 {
					continue
				}
				wide := 1
				for x+wide <= cols && !taken[y][x+wide] && rapid.Bool().Draw(t, "wider") {
					wide++
				}
				for i := range wide {
					taken[y][x+i] = true
				}
				at := func(x, y int) [2]float64 {
					return [2]float64{float64(x) + float64(off.Draw(t, "off"))*1e-6, float64(y) + float64(off.Draw(t, "off"))*1e-6}
				}
				features = append(features, feature(code(len(features)), polygon(ring(at(x, y), at(x+wide, y), at(x+wide, y+1), at(x, y+1)))))
			}
		}
		if len(features) == 0 {
			return
		}
		want := holes(taken)
		p := prove(mustRead(t, features...))
		if len(p.Gaps) != want.regions || math.Abs(p.GapTotal-float64(want.cells)*9743) > float64(10*cols*rows) || !p.Complete || len(p.Overlaps) > 0 {
			t.Fatalf("want %+v of some 9743 m², got %+v", want, p)
		}
	})
}

type flooded struct{ regions, cells int }

// holes counts the regions that a flood from the border does not reach, by
// sides, not corners.
func holes(taken [][]bool) (h flooded) {
	seen := make([][]bool, len(taken))
	for y := range taken {
		seen[y] = slices.Clone(taken[y])
	}
	var flood func(x, y int) int
	flood = func(x, y int) int {
		if y < 0 || y >= len(seen) || x < 0 || x >= len(seen[y]) || seen[y][x] {
			return 0
		}
		seen[y][x] = true
		return 1 + flood(x+1, y) + flood(x-1, y) + flood(x, y+1) + flood(x, y-1)
	}
	flood(0, 0)
	for y := range seen {
		for x := range seen[y] {
			if n := flood(x, y); n > 0 {
				h.regions++
				h.cells += n
			}
		}
	}
	return h
}

// TestTheCoverOfAnyRectanglesIsCountedRight lets rectangles lie anywhere on a
// raster and counts squares.
func TestTheCoverOfAnyRectanglesIsCountedRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const side = 8
		var cover [side][side]int
		var features []string
		for range rapid.IntRange(1, 6).Draw(t, "rectangles") {
			x, y := rapid.IntRange(0, side-1).Draw(t, "x"), rapid.IntRange(0, side-1).Draw(t, "y")
			wide, high := rapid.IntRange(1, side-x).Draw(t, "wide"), rapid.IntRange(1, side-y).Draw(t, "high")
			for i := x; i < x+wide; i++ {
				for j := y; j < y+high; j++ {
					cover[j][i]++
				}
			}
			features = append(features, feature(code(len(features)), polygon(box(float64(x), float64(y), float64(wide), float64(high)))))
		}
		covered, extra := 0.0, 0.0
		for _, row := range cover {
			for _, n := range row {
				covered += float64(min(n, 1))
				extra += float64(max(n-1, 0))
			}
		}
		p := prove(mustRead(t, features...))
		if math.Abs(p.Covered/9743-covered) > .05 || math.Abs(p.OverlapTotal/9743-extra) > .05 {
			t.Fatalf("covers %.3f squares and %.3f more, want %v and %v", p.Covered/9743, p.OverlapTotal/9743, covered, extra)
		}
	})
}

func BenchmarkProve(b *testing.B) {
	grids := bigCity(b)
	b.ReportAllocs()
	for b.Loop() {
		if p := prove(grids); !p.Sound {
			b.Fatal(p)
		}
	}
}

// TestAProofOfATangleEndsAndSaysSo lays very long slivers over each other, which
// come through more squares than there is room for.
func TestAProofOfATangleEndsAndSaysSo(t *testing.T) {
	var grids []grid.Grid
	c, _ := grid.ParseCode(one)
	for i := range 100 {
		x, y := float64(i)*1e-3, float64(i)*1e-3
		grids = append(grids,
			grid.New(c, "", []grid.Point{{Lon: 100, Lat: 30 + y}, {Lon: 110, Lat: 30 + y}, {Lon: 110, Lat: 30.000002 + y}, {Lon: 100, Lat: 30 + y}}, nil),
			grid.New(c, "", []grid.Point{{Lon: 105 + x, Lat: 25}, {Lon: 105.000002 + x, Lat: 35}, {Lon: 105 + x, Lat: 35}, {Lon: 105 + x, Lat: 25}}, nil))
	}
	if p := prove(grids); p.Complete || p.Sound {
		t.Errorf("got %+v", p)
	}
}

func TestTheProofOfAFileIsThatOfItsGrids(t *testing.T) {
	var file strings.Builder
	if err := grid.WriteGeoJSON(&file, append(mustRead(t, feature(code(500), polygon(box(-300, 0, 1.000001, 1))), feature(code(501), polygon(cell(-299, 0)))), bigCity(t)[:200]...)); err != nil {
		t.Fatal(err)
	}
	set, err := grid.Read(grid.File{GeoJSON: strings.NewReader(file.String())}, grid.NewRules(anywhere{}))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(grid.ProofOf(set))
	want, wrong := json.Marshal(prove(set.Grids))
	if err != nil || wrong != nil || string(got) != string(want) {
		t.Errorf("got %s, want %s", got, want)
	}
}
