package shapefile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"

	"wangge/internal/shapefile"
)

// BenchmarkReadMillionPoints reads 1,000,000 points with two texts each and
// reports the memory of the heap halfway.
func BenchmarkReadMillionPoints(b *testing.B) {
	const n = 1_000_000
	layer := shapefile.Layer{
		Name: "parts", Type: shapefile.Points, Date: day,
		Fields: []shapefile.Field{{Name: "GLBJBSM", Kind: 'C', Width: 17}, {Name: "GLBJMC", Kind: 'C', Width: 90}},
	}
	var file bytes.Buffer
	err := shapefile.Write(&file, layer, func(yield func(shapefile.Record, error) bool) {
		for i := range n {
			p := shapefile.Point{114 + float64(i)*1e-7, 38 - float64(i)*1e-7}
			r := shapefile.Record{Shape: shapefile.Shape{Type: shapefile.Points, Points: [][]shapefile.Point{{p}}}, Values: []string{fmt.Sprintf("13010201001%06d", i), "上水井盖"}}
			if !yield(r, nil) {
				return
			}
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for b.Loop() {
		r, err := open(file.Bytes(), shapefile.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		rows := 0
		for ; ; rows++ {
			if _, err := r.Next(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
			if rows == n/2 {
				runtime.ReadMemStats(&during)
			}
		}
		if rows != n {
			b.Fatalf("read %d", rows)
		}
	}
	b.ReportMetric(float64(int64(during.HeapAlloc)-int64(before.HeapAlloc))/(1<<20), "MiB-held")
}
