package tenanthttp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"wangge/internal/errs"
	"wangge/internal/geodesy"
	"wangge/internal/shapefile"
	"wangge/internal/table"
	"wangge/internal/web/webtest"
	"wangge/tenant/org"
)

// partHeader names the columns as the standard does, and a few by their names.
var partHeader = []string{"GLBJBSM", "部件名称", "ZGBMDM", "主管部门名称", "YHDWMC", "SZDYWGBSM", "GLBJZT", "CSRQ", "BZ", "经度", "纬度"}

// partRows are covers in the first grids of a town.
func (h town) partRows(n int) (rows [][]string) {
	for i := range n {
		g := h.Grids[i%len(h.Grids)]
		p := g.Inside()
		rows = append(rows, []string{
			fmt.Sprintf("%s01001%06d", g.Code.County(), i+1), "供水井盖", "11150302MB0000000X", "城市管理局", "养护公司", g.Code.String(), "完好", "20200131", "=路口",
			fmt.Sprint(p.Lon), fmt.Sprint(p.Lat),
		})
	}
	return rows
}

// partCSV writes rows as CSV.
func partCSV(rows [][]string) string {
	lines := []string{strings.Join(partHeader, ",")}
	for _, r := range rows {
		lines = append(lines, strings.Join(r, ","))
	}
	return strings.Join(lines, "\r\n") + "\r\n"
}

// asXLSX, asGeoJSON and asShapefile hold the same rows.
func asXLSX(t *testing.T, rows [][]string) string {
	var out bytes.Buffer
	w := table.NewWriter(&out, table.XLSX, "部件")
	for _, r := range append([][]string{partHeader}, rows...) {
		cells := make([]any, len(r))
		for i, c := range r {
			cells[i] = c
		}
		if err := w.Write(cells...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func asGeoJSON(t *testing.T, rows [][]string, crs string) string {
	var features []body
	for _, r := range rows {
		properties := body{}
		for i, name := range partHeader[:9] {
			properties[name] = r[i]
		}
		features = append(features, body{
			"type": "Feature", "properties": properties,
			"geometry": body{"type": "Point", "coordinates": []any{json.Number(r[9]), json.Number(r[10])}},
		})
	}
	text, err := json.Marshal(body{"type": "FeatureCollection", "crs": body{"type": "name", "properties": body{"name": crs}}, "features": features})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func asShapefile(t *testing.T, rows [][]string) string {
	layer := shapefile.Layer{Name: "parts", Type: shapefile.Points, PRJ: geodesy.PRJ}
	for _, name := range []string{"GLBJBSM", "GLBJMC", "ZGBMDM", "ZGBMMC", "YHDWMC", "SZDYWGBSM", "GLBJZT", "CSRQ", "BZ"} {
		layer.Fields = append(layer.Fields, shapefile.Field{Name: name, Kind: 'C', Width: 60})
	}
	var records iter.Seq2[shapefile.Record, error] = func(yield func(shapefile.Record, error) bool) {
		for _, r := range rows {
			var p shapefile.Point
			if _, err := fmt.Sscan(r[9]+" "+r[10], &p[0], &p[1]); err != nil {
				t.Error(err)
			}
			if !yield(shapefile.Record{Shape: shapefile.Shape{Type: shapefile.Points, Points: [][]shapefile.Point{{p}}}, Values: r[:9]}, nil) {
				return
			}
		}
	}
	var out bytes.Buffer
	if err := shapefile.Write(&out, layer, records); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// send imports a file and returns the report.
func send(p *webtest.Person, h town, file, query string) (report PartReport) {
	p.Post(h.at+"/parts/import?"+query, file).Want(200).Into(&report)
	return report
}

// nothingLeft fails the test when a body that was kept is still there.
func nothingLeft(t *testing.T) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "wangge-parts-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("uploads are left behind: %v, %v", left, err)
	}
}

func TestPartsComeInWhateverFileTheyAreKeptIn(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	each(t, func(t *testing.T, h town) {
		admin, rows := h.as(org.CityAdmin), h.partRows(20)
		gbk, err := simplifiedchinese.GBK.NewEncoder().String(partCSV(rows))
		if err != nil {
			t.Fatal(err)
		}
		if got := send(admin, h, partCSV(rows), "rehearse=true"); got.Added != 20 || got.Import != 0 || len(got.Faults) > 0 {
			t.Fatalf("rehearsed %+v", got)
		}
		if got := send(admin, h, partCSV(rows), "file="+url.QueryEscape("部件.csv")); got.Added != 20 || got.Import != 1 {
			t.Fatalf("imported %+v", got)
		}
		for name, file := range map[string]string{
			"GBK": gbk, "a workbook": asXLSX(t, rows), "GeoJSON": asGeoJSON(t, rows, "urn:ogc:def:crs:EPSG::4490"), "a Shapefile": asShapefile(t, rows),
		} {
			if got := send(admin, h, file, "rehearse=true"); got.Unchanged != 20 || got.Added+got.Changed != 0 || len(got.Faults) > 0 {
				t.Errorf("%s of the same parts: %+v", name, got)
			}
		}
		shifted := slices.Clone(rows)
		for i, r := range shifted {
			shifted[i] = slices.Clone(r)
			var lon, lat float64
			_, _ = fmt.Sscan(r[9]+" "+r[10], &lon, &lat)
			lon, lat = geodesy.GCJ02.FromCGCS2000(lon, lat)
			shifted[i][9], shifted[i][10] = fmt.Sprint(lon), fmt.Sprint(lat)
		}
		if got := send(admin, h, partCSV(shifted), "rehearse=true&crs=GCJ-02"); len(got.Faults) > 0 {
			t.Errorf("places of a web map are refused: %+v", got.Faults[0])
		}
		if got := send(admin, h, asGeoJSON(t, shifted, "GCJ-02"), "rehearse=true"); len(got.Faults) > 0 {
			t.Errorf("a file that says so is refused: %+v", got.Faults[0])
		}
		admin.Post(h.at+"/parts/import?crs=Beijing54", partCSV(rows)).Refused(422, "unknown_coordinate_system")
		admin.Post(h.at+"/parts/import?numbering=x", partCSV(rows)).Refused(422, "no_such_numbering")
		nothingLeft(t)
	})
}

func TestFaultsOfAFileOfPartsNameRowFieldAndReason(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	each(t, func(t *testing.T, h town) {
		admin, rows := h.as(org.CityAdmin), h.partRows(8)
		rows[0][0] = "1.50302010010E+16"
		rows[1][5] = h.Grids[7].Code.String()
		rows[2][6] = "好"
		rows[3][0] = rows[4][0]
		rows[5][7] = "昨天"
		rows[6][9] = "一百"
		rows[7][0] = "150302010010000001"
		for name, file := range map[string]string{"CSV": partCSV(rows), "GeoJSON": strings.Replace(asGeoJSON(t, rows[:6], "WGS-84"), `"Point"`, `"LineString"`, 1)} {
			e := admin.Post(h.at+"/parts/import", file).Refused(422, "invalid")
			var got []string
			for _, p := range e.Problems {
				if p.Zh == "" || p.En == "" || p.File != "body" {
					t.Errorf("%s: %+v", name, p)
				}
				got = append(got, fmt.Sprint(p.Row, p.Field))
			}
			want := "2GLBJBSM 3SZDYWGBSM 4GLBJZT 6GLBJBSM 7CSRQ 8lon 9GLBJBSM"
			if name == "GeoJSON" {
				want = "1GLBJBSM 1lon 2SZDYWGBSM 3GLBJZT 5GLBJBSM 6CSRQ"
			}
			if s := strings.Join(got, " "); s != want {
				t.Errorf("%s: faults at %s, want %s", name, s, want)
			}
			var report PartReport
			admin.Post(h.at+"/parts/import?rehearse=true", file).Want(200).Into(&report)
			if !slices.Equal(report.Faults, e.Problems) {
				t.Errorf("%s: a rehearsal says %+v", name, report.Faults)
			}
		}
		for name, c := range map[string]struct{ file, zh string }{
			"nothing":                 {" ", "没有任何内容"},
			"only a header":           {partCSV(nil), "没有部件"},
			"without a column":        {strings.Replace(partCSV(rows), "GLBJZT", "x", 1), "缺少一列"},
			"no FeatureCollection":    {`{"type": "Feature"}`, "GeoJSON"},
			"features that are none":  {`{"features": 3}`, "GeoJSON"},
			"GeoJSON broken off":      {`{"features": [{"type"`, "GeoJSON"},
			"one feature without end": {`{"features": [{"properties": {"BZ": "` + strings.Repeat("x", 2<<20) + `"}}]}`, "GeoJSON"},
			"a zip of nothing":        {"PK\x03\x04", ""},
		} {
			e := admin.Post(h.at+"/parts/import", c.file).Refused(422, "invalid")
			if len(e.Problems) == 0 || !strings.Contains(e.Problems[0].Zh, c.zh) {
				t.Errorf("%s: %+v", name, e)
			}
		}
		var page PartPage
		admin.Get(h.at + "/parts").Want(200).Into(&page)
		if nothingLeft(t); len(page.Parts) != 0 {
			t.Errorf("%d parts are left behind", len(page.Parts))
		}
	})
}

func TestPartsAreReadEditedAndTakenBack(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		admin, reader := h.as(org.CityAdmin), h.as(org.Supervisor)
		rows := h.partRows(30)
		send(admin, h, partCSV(rows), "file=a.csv")
		reader.Post(h.at+"/parts/import", partCSV(rows)).Refused(403, "forbidden")
		reader.Do("PUT", h.at+"/parts/"+rows[0][0], body{"revision": 0, "state": "lost", "reason": "x"}).Refused(403, "forbidden")
		var page PartPage
		reader.Get(h.at + "/parts?limit=20&kind=01-001&state=intact&code=" + rows[0][0][:6]).Want(200).Into(&page)
		if len(page.Parts) == 0 || page.Parts[0].StateZh != "完好" || page.Parts[0].Note != "=路口" || page.Parts[0].Maintainer.Name != "养护公司" {
			t.Fatalf("listed %+v", page)
		}
		var rest PartPage
		reader.Get(h.at + "/parts?limit=20").Want(200).Into(&page)
		reader.Get(h.at + "/parts?limit=20&after=" + page.Next).Want(200).Into(&rest)
		if len(page.Parts) != 20 || len(rest.Parts) != 10 || rest.Next != "" || rest.Parts[0].ID <= page.Parts[19].ID {
			t.Errorf("pages of %d and %d", len(page.Parts), len(rest.Parts))
		}
		var found PartsFound
		reader.Get(fmt.Sprintf("%s/parts/nearest?lon=%s&lat=%s&kind=01-001&limit=3&within=500", h.at, rows[4][9], rows[4][10])).Want(200).Into(&found)
		if len(found.Found) != 3 || found.Found[0].Metres != 0 || found.Found[0].Part.Grid != rows[4][5] || found.Found[2].Metres < found.Found[1].Metres {
			t.Errorf("nearest %+v", found)
		}
		p := h.Place
		square := fmt.Sprintf("%f,%f,%f,%f", p.Lon-0.5, p.Lat-0.5, p.Lon+0.5, p.Lat+0.5)
		var view PartView
		reader.Get(h.at + "/parts/map?box=" + square).Want(200).Into(&view)
		if len(view.Parts) != 30 || len(view.Clusters) != 0 {
			t.Errorf("on the map %d parts, %d clusters", len(view.Parts), len(view.Clusters))
		}
		reader.Get(h.at + "/parts/map?limit=5&box=" + square).Want(200).Into(&view)
		if len(view.Parts) != 0 || len(view.Clusters) == 0 {
			t.Errorf("too many on the map are %d parts, %d clusters", len(view.Parts), len(view.Clusters))
		}
		reader.Get(h.at + "/parts/map").Names("box")
		reader.Get(h.at+"/parts?box=1,2,3&state=new&code=x&limit=501").Names("code", "state", "box", "limit")
		reader.Get(h.at + "/parts?box=181,2,3,4").Names("box")
		reader.Get(h.at+"/parts/nearest?lon=1").Names("lat", "kind")

		var part Part
		at := h.at + "/parts/" + rows[0][0]
		admin.Do("PUT", at, body{"revision": 1, "state": "lost", "owner": body{"code": "", "name": "水务公司"}, "note": "", "reason": "现场核实"}).Want(200).Into(&part)
		if part.State != "lost" || part.Owner.Name != "水务公司" || part.Note != "" || part.Changed != "2026-11-23" || part.Maintainer.Name != "养护公司" {
			t.Errorf("edited to %+v", part)
		}
		admin.Do("PUT", at, body{"revision": 1, "state": "intact", "reason": "x"}).Refused(409, "part_stale")
		admin.Do("PUT", at, body{"revision": 1, "state": "gone"}).Names("state", "reason")
		admin.Do("PUT", h.at+"/parts/15030201001999999", body{"revision": 0, "state": "lost", "reason": "x"}).Refused(404, "no_such_part")
		var history PartHistory
		reader.Get(at).Want(200).Into(&history)
		if history.Part == nil || *history.Part != part || len(history.History) != 2 || history.History[0].File != "a.csv" || history.History[1].Old.State != "intact" || history.History[1].Account != h.Account(org.CityAdmin) {
			t.Errorf("history %+v", history)
		}
		reader.Get(h.at+"/parts/1").Refused(404, "no_such_part")

		e := admin.Post(h.at+"/parts/imports/1/undo", body{"reason": "导错"}).Refused(409, "parts_changed_since")
		if len(e.Problems) != 1 || e.Problems[0].Field != rows[0][0] {
			t.Errorf("an undo is refused with %+v", e.Problems)
		}
		rows[1][6] = "破损"
		send(admin, h, partCSV(append(rows[1:], h.partRows(31)[30])), "")
		var undone PartUndone
		admin.Post(h.at+"/parts/imports/3/undo", body{"reason": "导错"}).Want(200).Into(&undone)
		if undone != (PartUndone{Removed: 1, Restored: 1}) {
			t.Errorf("undone %+v", undone)
		}
		admin.Post(h.at+"/parts/imports/3/undo", body{"reason": "导错"}).Refused(409, "import_undone")
		admin.Post(h.at+"/parts/imports/9/undo", body{"reason": "导错"}).Refused(404, "no_such_import")
		admin.Post(h.at+"/parts/imports/3/undo", body{}).Names("reason")
		var imports PartImportPage
		reader.Get(h.at + "/parts/imports?limit=1").Want(200).Into(&imports)
		if len(imports.Imports) != 1 || imports.Imports[0].Import != 3 || imports.Imports[0].UndoneBy != 4 || imports.Next != 3 || len(imports.Imports[0].SHA256) != 64 {
			t.Errorf("imports %+v", imports)
		}
	})
}

func TestAnExportOfPartsIsReadAgainAsItIs(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		admin := h.as(org.CityAdmin)
		send(admin, h, partCSV(h.partRows(25)), "")
		for _, format := range []string{"csv", "xlsx"} {
			file := admin.Get(h.at + "/parts/export?format=" + format).Want(200)
			if !strings.Contains(file.Header.Get("Content-Disposition"), "."+format) {
				t.Errorf("offered as %s", file.Header.Get("Content-Disposition"))
			}
			if got := send(admin, h, string(file.Body), "rehearse=true"); got.Unchanged != 25 || got.Changed+got.Added > 0 || len(got.Faults) > 0 {
				t.Errorf("its own %s would change %+v", format, got)
			}
		}
		file := admin.Get(h.at + "/parts/export?state=lost").Want(200)
		if lines := strings.Count(string(file.Body), "\n"); lines != 1 || !strings.HasPrefix(string(file.Body), "\ufeff管理部件标识码,") {
			t.Errorf("no lost parts are exported as %s", file.Body)
		}
		if all := admin.Get(h.at + "/parts/export").Want(200); !all.Has("'=路口") || all.Has(",=路口") {
			t.Error("a note that begins like a formula is exported as one")
		}
	})
}

func TestAFileOfPartsThatIsTooLargeIsRefused(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for name, c := range map[string]struct {
		body io.Reader
		kind errs.Kind
	}{
		"a broken line": {failing{}, errs.Internal},
		"too large":     {http.MaxBytesReader(nil, io.NopCloser(strings.NewReader("1234")), 3), errs.Invalid},
	} {
		if _, _, _, _, err := spool(c.body); errs.KindOf(err) != c.kind {
			t.Errorf("%s is %v", name, err)
		}
	}
	nothingLeft(t)
}

// failing is a body that breaks off.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, fmt.Errorf("broken off") }

func TestASecondCityHasNoneOfTheFirstsParts(t *testing.T) {
	pair(t, func(t *testing.T, one, other town) {
		rows := one.partRows(3)
		send(one.as(org.CityAdmin), one, partCSV(rows), "")
		there := other.as(org.CityAdmin)
		there.Get(one.at+"/parts").Refused(404, "not_found")
		there.Get(other.at+"/parts/"+rows[0][0]).Refused(404, "no_such_part")
		for _, path := range []string{"/parts", "/parts/nearest?kind=01-001&lon=" + rows[0][9] + "&lat=" + rows[0][10], "/parts/imports", "/parts/export"} {
			if there.Get(other.at + path).Want(200).Has(rows[0][0]) {
				t.Errorf("%s tells of another city's parts", path)
			}
		}
		there.Post(other.at+"/parts/imports/1/undo", body{"reason": "x"}).Refused(404, "no_such_import")
	})
}
