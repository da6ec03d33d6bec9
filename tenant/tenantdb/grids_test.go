package tenantdb_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"wangge/internal/errs"
	"wangge/internal/geodesy"
	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/tenant"
	"wangge/tenant/citytest"
	"wangge/tenant/division"
	"wangge/tenant/grid"
	"wangge/tenant/grid/lattice"
)

func geojson(t *testing.T, grids []grid.Grid) *bytes.Buffer {
	t.Helper()
	var file bytes.Buffer
	if err := grid.WriteGeoJSON(&file, grids); err != nil {
		t.Fatal(err)
	}
	return &file
}

func file(t *testing.T, name string, grids []grid.Grid) grid.File {
	t.Helper()
	return grid.File{Name: name, GeoJSON: geojson(t, grids)}
}

func wantSet(t *testing.T, city *tenant.City, want []grid.Grid) {
	t.Helper()
	got, err := city.Grids.Grids(t.Context())
	if err != nil || !slices.EqualFunc(got, want, grid.Grid.Equal) {
		t.Errorf("got %d grids, %v; want the %d imported, to the last bit", len(got), err, len(want))
	}
}

func TestStoredGridsFindAPlaceAsThePureIndexDoes(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		wantSet(t, h.City, h.Grids)
		index := grid.NewIndex(h.Grids)
		low, high := h.Grids[0].Ring[0], h.Grids[0].Ring[0]
		places := []grid.Point{}
		for _, g := range h.Grids {
			places = append(places, g.Ring...) // corners belong to one grid each
			for _, p := range g.Ring {
				low.Lon, low.Lat = min(low.Lon, p.Lon), min(low.Lat, p.Lat)
				high.Lon, high.Lat = max(high.Lon, p.Lon), max(high.Lat, p.Lat)
			}
		}
		random := rand.New(rand.NewPCG(1, 1))
		for range 500 {
			places = append(places, grid.Point{
				Lon: low.Lon + (random.Float64()*1.2-0.1)*(high.Lon-low.Lon), Lat: low.Lat + (random.Float64()*1.2-0.1)*(high.Lat-low.Lat),
			})
		}
		inside := 0
		for _, p := range places {
			want, ok := index.At(p)
			got, err := h.City.Grids.Locate(t.Context(), p)
			if got != want || errors.Is(err, grid.ErrNoGrid) == ok {
				t.Fatalf("%v: got %v, %v; want %v", p, got, err, want)
			}
			if ok {
				inside++
			}
		}
		if inside == 0 || inside == len(places) {
			t.Errorf("%d of %d places are inside", inside, len(places))
		}
	})
}

func TestAnImportIsSeenByEveryOpenServerAtOnce(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		other, err := h.Seeder.Open(t.Context(), h.City.ID, h.DB)
		if err != nil {
			t.Fatal(err)
		}
		last := h.Grids[len(h.Grids)-1]
		if code, err := other.Grids.Locate(t.Context(), last.Inside()); err != nil || code != last.Code {
			t.Errorf("got %v, %v; want %v", code, err, last.Code)
		}
		report, err := h.City.Grids.Import(t.Context(), file(t, "fewer.geojson", h.Grids[:len(h.Grids)-1]))
		if err != nil || report.Retired != 1 || report.Unchanged != len(h.Grids)-1 {
			t.Errorf("got %+v, %v; want one removed", report, err)
		}
		if _, err := other.Grids.Locate(t.Context(), last.Inside()); !errors.Is(err, grid.ErrNoGrid) {
			t.Errorf("the removed grid is still found: %v", err)
		}
	})
}

func TestAFileWithAFaultChangesNothing(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		good := geojson(t, h.Grids[:10]).String()
		for name, file := range map[string]string{
			"a community of another city": strings.Replace(good, h.Grids[9].Code.String(), "110101001001001", 1),
			"a code twice":                strings.Replace(good, h.Grids[9].Code.String(), h.Grids[8].Code.String(), 1),
			"cut off":                     good[:len(good)/2],
		} {
			if _, err := h.City.Grids.Import(t.Context(), grid.File{Name: "bad.geojson", GeoJSON: strings.NewReader(file)}); errs.KindOf(err) != errs.Invalid {
				t.Errorf("%s: got %v, want it refused", name, err)
			}
		}
		wantSet(t, h.City, h.Grids)
	})
}

func TestOfTwoImportsAtOnceOneIsTheSet(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		sets := [][]grid.Grid{h.Grids[:40], h.Grids[30:]}
		for range 5 {
			var wg sync.WaitGroup
			for _, set := range sets {
				half := file(t, "half.geojson", set)
				wg.Go(func() {
					if _, err := h.City.Grids.Import(t.Context(), half); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			got, err := h.City.Grids.Grids(t.Context())
			if err != nil || !slices.EqualFunc(got, sets[0], grid.Grid.Equal) && !slices.EqualFunc(got, sets[1], grid.Grid.Equal) {
				t.Fatalf("two imports of %d and %d left %d grids, %v", len(sets[0]), len(sets[1]), len(got), err)
			}
		}
	})
}

// cut makes two grids of one, along its middle from corner to corner.
func cut(t *testing.T, g grid.Grid, first, second string) []grid.Grid {
	t.Helper()
	a, err := grid.ParseCode(g.Code.Community() + first)
	if err != nil {
		t.Fatal(err)
	}
	b, err := grid.ParseCode(g.Code.Community() + second)
	if err != nil {
		t.Fatal(err)
	}
	n := (len(g.Ring) - 1) / 2
	return []grid.Grid{
		grid.New(a, "", append(slices.Clone(g.Ring[:n+1]), g.Ring[0]), nil),
		grid.New(b, "", append(slices.Clone(g.Ring[n:len(g.Ring)-1]), g.Ring[0], g.Ring[n]), nil),
	}
}

func TestEveryVersionOfTheSetIsKept(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		ctx, grids := t.Context(), h.City.Grids
		place := h.Grids[3].Inside()
		first, err := grids.Find(ctx, place)
		if err != nil || first != (grid.Found{Code: h.Grids[3].Code, Version: 1}) {
			t.Fatalf("found %+v, %v", first, err)
		}
		parts := cut(t, h.Grids[3], "901", "902")
		after := append(slices.Delete(slices.Clone(h.Grids), 3, 4), parts...)
		after[0].Name = "改名"
		split, err := grids.Import(ctx, file(t, "split.geojson", after))
		if err != nil || split.Version != 2 || split.Added != 2 || split.Retired != 1 || split.Changed != 1 || len(split.Splits) != 1 || split.Splits[0].Code != h.Grids[3].Code {
			t.Fatalf("got %+v, %v", split, err)
		}
		if again, err := grids.Import(ctx, file(t, "again.geojson", after)); err != nil || again.Version != 2 || len(again.Changes) != 0 {
			t.Errorf("the same set again: %+v, %v", again, err)
		}
		second, err := grids.Find(ctx, place)
		if err != nil || second.Version != 2 || second.Code != parts[0].Code && second.Code != parts[1].Code {
			t.Errorf("found %+v, %v", second, err)
		}
		slices.SortFunc(after, func(a, b grid.Grid) int { return strings.Compare(a.Code.String(), b.Code.String()) })
		for version, want := range map[int64][]grid.Grid{0: {}, 1: h.Grids, 2: after} {
			got, err := grids.GridsAt(ctx, version)
			if err != nil || !slices.EqualFunc(got, want, grid.Grid.Equal) {
				t.Errorf("version %d: got %d grids, %v, want %d", version, len(got), err, len(want))
			}
		}
		if _, err := grids.GridsAt(ctx, 3); !errors.Is(err, grid.ErrNoSet) {
			t.Errorf("version 3: %v", err)
		}
		list, err := grids.Editions(ctx)
		if err != nil || len(list) != 2 || list[0].Version != 2 || list[0].File != "split.geojson" || list[0].Grids != len(after) || !list[0].Sound ||
			list[0].Added != 2 || list[0].Retired != 1 || list[0].Changed != 1 || !list[0].At.Equal(h.Clock.Now()) || list[1].Added != len(h.Grids) {
			t.Errorf("got %+v, %v", list, err)
		}
		proof, version, err := grids.Proof(ctx, 0)
		if err != nil || version != 2 || proof.Grids != len(after) || !proof.Sound || proof.Tolerance != grid.DefaultTolerance() {
			t.Errorf("got version %d %+v, %v", version, proof, err)
		}
		if _, _, err := grids.Proof(ctx, 7); !errors.Is(err, grid.ErrNoSet) {
			t.Errorf("a proof of version 7: %v", err)
		}
	})
}

func TestARetiredCodeIsNotUsedForAnotherArea(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		ctx, grids := t.Context(), h.City.Grids
		last, rest := h.Grids[len(h.Grids)-1], h.Grids[:len(h.Grids)-1]
		if _, err := grids.Import(ctx, file(t, "fewer.geojson", rest)); err != nil {
			t.Fatal(err)
		}
		moved := cut(t, last, last.Code.Serial(), "903")
		for name, do := range map[string]func(file grid.File) (grid.Report, error){
			"import":    func(f grid.File) (grid.Report, error) { return grids.Import(ctx, f) },
			"rehearsal": func(f grid.File) (grid.Report, error) { return grids.Rehearse(ctx, f) },
		} {
			_, err := do(file(t, "reused.geojson", append(slices.Clone(rest), moved...)))
			e, ok := errs.As(err)
			if !ok || len(e.Problems) != 1 || e.Problems[0].Row != len(rest)+1 || e.Problems[0].Field != "code" || !strings.Contains(e.Problems[0].Zh, "编码 "+last.Code.String()+" 已停用") {
				t.Errorf("%s: got %v", name, err)
			}
		}
		wantSet(t, h.City, rest)
		last.Name = "又回来了"
		report, err := grids.Import(ctx, file(t, "back.geojson", append(slices.Clone(rest), last)))
		if err != nil || report.Added != 1 || report.Version != 3 {
			t.Errorf("the same grid back: %+v, %v", report, err)
		}
	})
}

func TestResponsibilityGridsAreSetAsAWholeAndLoseWhatRetires(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		ctx, grids, g := t.Context(), h.City.Grids, h.Grids
		north := grid.Responsibility{Code: "N-1", Name: "北片", Members: []grid.Code{g[0].Code, g[1].Code}}
		south := grid.Responsibility{Code: "S-1", Name: "南片", Members: []grid.Code{g[2].Code, g[len(g)-1].Code}}
		a, err := grids.Assign(ctx, []grid.Responsibility{south, north})
		if err != nil || len(a.Without) != len(g)-4 || len(a.Responsibilities) != 2 || a.Responsibilities[0].Code != "N-1" || !slices.Equal(a.Responsibilities[1].Members, south.Members) {
			t.Fatalf("got %+v, %v", a.Responsibilities, err)
		}
		unknown, _ := grid.ParseCode(g[0].Code.Community() + "999")
		for name, c := range map[string]struct {
			list []grid.Responsibility
			at   []string // row field
		}{
			"a grid in two":       {[]grid.Responsibility{north, {Code: "S-2", Name: "x", Members: north.Members[:1]}}, []string{"2 grids"}},
			"an unknown grid":     {[]grid.Responsibility{{Code: "S-2", Name: "x", Members: []grid.Code{unknown}}}, []string{"1 grids"}},
			"a code twice":        {[]grid.Responsibility{north, {Code: "N-1", Name: "x"}}, []string{"2 code"}},
			"no code and no name": {[]grid.Responsibility{{Code: "北", Name: " "}}, []string{"1 code", "1 name"}},
		} {
			_, err := grids.Assign(ctx, c.list)
			var at []string
			if e, ok := errs.As(err); ok {
				for _, p := range e.Problems {
					at = append(at, fmt.Sprintf("%d %s", p.Row, p.Field))
				}
			}
			if !slices.Equal(at, c.at) {
				t.Errorf("%s: got faults at %v (%v), want %v", name, at, err, c.at)
			}
		}
		if _, err := grids.Import(ctx, file(t, "fewer.geojson", g[1:])); err != nil {
			t.Fatal(err)
		}
		a, err = grids.Assignment(ctx)
		if err != nil || len(a.Responsibilities) != 2 || !slices.Equal(a.Responsibilities[0].Members, north.Members[1:]) || len(a.Responsibilities[1].Members) != 2 || len(a.Without) != len(g)-4 {
			t.Errorf("after %s retired: %+v, %d without, %v", g[0].Code, a.Responsibilities, len(a.Without), err)
		}
		if a, err = grids.Assign(ctx, nil); err != nil || len(a.Responsibilities) != 0 || len(a.Without) != len(g)-1 {
			t.Errorf("none: %+v, %v", a, err)
		}
	})
}

func TestASecondCitySeesNoGridOfTheFirst(t *testing.T) {
	testdb.Engines(t, func(t *testing.T, db *gormx.DB) {
		one := citytest.Build(t, db)
		open := map[gormx.Engine]func(testing.TB) *gormx.DB{gormx.SQLite: testdb.SQLite, gormx.Postgres: testdb.Postgres}[db.Engine]
		two := citytest.Build(t, open(t), citytest.Code("620200"), citytest.Lattice(4, 4))
		ctx := t.Context()
		if _, err := one.City.Grids.Assign(ctx, []grid.Responsibility{{Code: "N", Name: "北", Members: []grid.Code{one.Grids[0].Code}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := one.City.Grids.Import(ctx, file(t, "fewer.geojson", one.Grids[1:])); err != nil {
			t.Fatal(err)
		}
		wantSet(t, two.City, two.Grids)
		a, err := two.City.Grids.Assignment(ctx)
		if err != nil || len(a.Responsibilities) != 0 || len(a.Without) != len(two.Grids) {
			t.Errorf("got %+v, %v", a, err)
		}
		if list, err := two.City.Grids.Editions(ctx); err != nil || len(list) != 1 {
			t.Errorf("got %+v, %v", list, err)
		}
		if found, err := two.City.Grids.Find(ctx, one.Place); !errors.Is(err, grid.ErrNoGrid) || found.Code != (grid.Code{}) {
			t.Errorf("found %+v, %v", found, err)
		}
		if _, err := two.City.Grids.Import(ctx, file(t, "foreign.geojson", one.Grids)); errs.KindOf(err) != errs.Invalid {
			t.Errorf("the grids of another city: %v", err)
		}
	})
}

func TestThePlaceOfAnImportIsDeclaredInAnyKnownSystem(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		shifted := slices.Clone(h.Grids)
		for i, g := range shifted {
			ring := slices.Clone(g.Ring)
			for k, p := range ring {
				ring[k].Lon, ring[k].Lat = geodesy.GCJ02.FromCGCS2000(p.Lon, p.Lat)
			}
			shifted[i] = grid.New(g.Code, g.Name, ring, nil)
		}
		f := file(t, "gcj.geojson", shifted)
		f.CRS = "gcj02"
		report, err := h.City.Grids.Import(t.Context(), f)
		if err != nil || !report.Proof.Sound || report.Retired+report.Added > 0 {
			t.Fatalf("got %+v, %v", report, err)
		}
		if code, err := h.City.Grids.Locate(t.Context(), h.Place); err != nil || code != h.Grids[0].Code {
			t.Errorf("found %v, %v", code, err)
		}
	})
}

// BenchmarkImportGrids reads, checks, proves and writes 20,000 grids of 17
// points into an empty city.
func BenchmarkImportGrids(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *gormx.DB{"sqlite": testdb.SQLite, "postgres": testdb.Postgres} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				h := citytest.Build(b, open(b), citytest.Lattice(4, 4))
				grids, err := lattice.Draw(lattice.Plan{Centre: h.Grids[0].Ring[0], Cols: 200, Rows: 100, Angle: 7, Bends: 3, Communities: communities(b, 25), Seed: 1})
				if err != nil {
					b.Fatal(err)
				}
				var body bytes.Buffer
				if err := grid.WriteGeoJSON(&body, grids); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				report, err := h.City.Grids.Import(b.Context(), grid.File{Name: "big.geojson", GeoJSON: &body})
				if err != nil || report.Added+report.Changed != 20_000 || !report.Proof.Sound {
					b.Fatalf("%+v, %v", report, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/import")
		})
	}
}

// communities are the first so many of the house's city.
func communities(b *testing.B, n int) (codes []string) {
	b.Helper()
	_, list := citytest.Divisions(b, "150300")
	for _, d := range list {
		if d.Level == division.Community && len(codes) < n {
			codes = append(codes, d.Code)
		}
	}
	return codes
}
