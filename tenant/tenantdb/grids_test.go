package tenantdb_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"wangge/internal/errs"
	"wangge/tenant"
	"wangge/tenant/citytest"
	"wangge/tenant/grid"
)

func geojson(t *testing.T, grids []grid.Grid) *bytes.Buffer {
	t.Helper()
	var file bytes.Buffer
	if err := grid.WriteGeoJSON(&file, grids); err != nil {
		t.Fatal(err)
	}
	return &file
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
		report, err := h.City.Grids.Import(t.Context(), "fewer.geojson", geojson(t, h.Grids[:len(h.Grids)-1]))
		if err != nil || report.Removed != 1 || report.Unchanged != len(h.Grids)-1 {
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
			if _, err := h.City.Grids.Import(t.Context(), "bad.geojson", strings.NewReader(file)); errs.KindOf(err) != errs.Invalid {
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
				file := geojson(t, set)
				wg.Go(func() {
					if _, err := h.City.Grids.Import(t.Context(), "half.geojson", file); err != nil {
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
