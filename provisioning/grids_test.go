package provisioning_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/internal/geodesy"
	"wangge/internal/shapefile"
	"wangge/provisioning"
	"wangge/provisioning/provisioningtest"
	"wangge/tenant/grid"
)

// zipped writes grids as a Shapefile whose .prj says prj.
func zipped(t *testing.T, grids []grid.Grid, prj string) []byte {
	t.Helper()
	layer := shapefile.Layer{Name: "网格", Type: shapefile.Polygon, PRJ: prj, Date: time.Unix(0, 0), Fields: []shapefile.Field{{Name: "DYWGBSM", Kind: 'C', Width: 15}}}
	var out bytes.Buffer
	err := shapefile.Write(&out, layer, func(yield func(shapefile.Record, error) bool) {
		for _, g := range grids {
			ring := make([]shapefile.Point, len(g.Ring))
			for i, p := range g.Ring {
				ring[len(ring)-1-i] = shapefile.Point{p.Lon, p.Lat}
			}
			if !yield(shapefile.Record{Shape: shapefile.Shape{Type: shapefile.Polygon, Points: [][]shapefile.Point{ring}}, Values: []string{g.Code.String()}}, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestASpecMayNameAZippedShapefile(t *testing.T) {
	grids := provisioningtest.Square(t, 2, 1)
	spec := strings.Replace(good, "grids.geojson", "grids.zip", 1)
	read := func(content []byte) (*provisioning.Spec, error) {
		path := folder(t, spec, "")
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "grids.zip"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		return provisioning.ReadSpec(path, atlas(t))
	}
	if _, err := read(zipped(t, grids, geodesy.PRJ)); err != nil {
		t.Fatal(err)
	}
	_, err := read(zipped(t, grids, `PROJCS["CGCS2000_3_Degree_GK_CM_108E"]`))
	refused(t, err, errs.Problem{File: "grids.zip", Field: "crs", Zh: "CGCS2000_3_Degree_GK_CM_108E", En: "not supported"})
	_, err = read([]byte("no zip"))
	refused(t, err, errs.Problem{File: "grids.zip", Zh: "不是完整的 zip", En: "no complete zip"})
	_, err = read(zipped(t, append(grids, grids[0]), geodesy.PRJ))
	refused(t, err, errs.Problem{File: "grids.zip", Row: len(grids) + 1, Field: "DYWGBSM", Zh: "重复", En: "repeats"})
}
