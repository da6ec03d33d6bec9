package grid_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"wangge/tenant/grid"
	"wangge/tenant/grid/lattice"
)

// anywhere is a city to which every community belongs.
type anywhere struct{}

func (anywhere) HasCommunity(string) bool { return true }

// bigCity draws 20,000 grids of 17 points each.
func bigCity(tb testing.TB) []grid.Grid {
	var communities []string
	for i := range 25 {
		communities = append(communities, fmt.Sprintf("130102001%03d", i+1))
	}
	grids, err := lattice.Draw(lattice.Plan{
		Centre: grid.Point{Lon: 114.51, Lat: 38.04}, Cols: 200, Rows: 100, Angle: 7, Bends: 3, Communities: communities, Seed: 1,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return grids
}

func BenchmarkReadGeoJSON(b *testing.B) {
	var file bytes.Buffer
	if err := grid.WriteGeoJSON(&file, bigCity(b)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := grid.ReadGeoJSON("grids.geojson", bytes.NewReader(file.Bytes()), grid.NewRules(anywhere{})); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewIndex(b *testing.B) {
	grids := bigCity(b)
	for b.Loop() {
		grid.NewIndex(grids)
	}
}

func BenchmarkAt(b *testing.B) {
	index := grid.NewIndex(bigCity(b))
	random := rand.New(rand.NewPCG(2, 0))
	places := make([]grid.Point, 1<<16)
	for i := range places {
		places[i] = grid.Point{Lon: 114.51 + (random.Float64()-0.5)*0.2, Lat: 38.04 + (random.Float64()-0.5)*0.07}
	}
	b.ReportAllocs()
	inside, i := 0, 0
	for b.Loop() {
		if _, ok := index.At(places[i%len(places)]); ok {
			inside++
		}
		i++
	}
	b.ReportMetric(float64(inside)/float64(i), "inside/op")
}
