package tenanthttp

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"wangge/internal/web/webtest"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

func TestGridsAreExportedRehearsedAndImported(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		admin := h.as(org.CityAdmin)
		file := admin.Get(h.at + "/grids").Want(200)
		if got := file.Header.Get("Content-Type"); got != "application/geo+json" {
			t.Errorf("exported as %s", got)
		}
		var report GridReport
		admin.Post(h.at+"/grids/import?rehearse=true", string(file.Body)).Want(200).Into(&report)
		if report.Unchanged != len(h.Grids) || report.Added+report.Changed+report.Retired != 0 || !report.Sound || report.Version != 1 || report.Zh == "" || report.En == "" {
			t.Errorf("its own export would change %+v", report)
		}
		broken := strings.Replace(string(file.Body), h.Grids[0].Code.String(), "1", 1)
		if p := admin.Post(h.at+"/grids/import", broken).Refused(422, "invalid"); len(p.Problems) == 0 || p.Problems[0].Row == 0 {
			t.Errorf("a broken code is refused with %+v", p.Problems)
		}
		h.as(org.Leader).Post(h.at+"/grids/import", string(file.Body)).Refused(403, "forbidden")
		var at Located
		admin.Get(fmt.Sprintf("%s/grids/at?lon=%v&lat=%v", h.at, h.Place.Lon, h.Place.Lat)).Want(200).Into(&at)
		if at != (Located{h.Grids[0].Code.String(), 1}) {
			t.Errorf("located in %+v, want %s", at, h.Grids[0].Code)
		}
		admin.Get(h.at + "/grids/at?lon=116").Names("lat")
		admin.Get(h.at+"/grids/at?lon=NaN&lat=100").Names("lon", "lat")
		admin.Post(h.at+"/grids/import?crs=EPSG:4547", string(file.Body)).Names("crs")
		for _, begin := range []string{"{", "PK"} {
			p := admin.Post(h.at+"/grids/import", begin+strings.Repeat(" ", maxGridFile)).Refused(422, "invalid")
			if len(p.Problems) != 1 || !strings.Contains(p.Problems[0].Zh, "64 MiB") {
				t.Errorf("a file that is too large is refused with %+v", p.Problems)
			}
		}
	})
}

func TestGridsGoOutAndComeBackAsAShapefile(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		admin := h.as(org.CityAdmin)
		out := admin.Get(h.at + "/grids.zip").Want(200)
		if got := out.Header.Get("Content-Type"); got != "application/zip" || !strings.Contains(out.Header.Get("Content-Disposition"), "grids-"+h.City.ID.String()+".zip") {
			t.Errorf("exported as %s, %s", got, out.Header.Get("Content-Disposition"))
		}
		var report GridReport
		admin.Post(h.at+"/grids/import?rehearse=true", string(out.Body)).Want(200).Into(&report)
		if report.Unchanged != len(h.Grids) || !report.Sound {
			t.Errorf("its own export would change %+v", report)
		}
		// A wrong code in the table, a gap, and a file that is cut off.
		wrong := repack(t, out.Body, func(name string, content []byte) []byte {
			if strings.HasSuffix(name, ".dbf") {
				return bytes.Replace(content, []byte(h.Grids[5].Code.String()), []byte("11010100100100X"), 1)
			}
			return content
		})
		p := admin.Post(h.at+"/grids/import", wrong).Refused(422, "invalid")
		if len(p.Problems) != 1 || p.Problems[0].Row != 6 || p.Problems[0].Field != "DYWGBSM" {
			t.Errorf("a wrong code is refused with %+v", p.Problems)
		}
		// The same table in GBK: without a .cpg it is read, with one that says UTF-8
		// every row is refused.
		for cpg, rows := range map[string]int{"": 0, "UTF-8": len(h.Grids)} {
			file := repack(t, out.Body, func(name string, content []byte) []byte {
				switch {
				case strings.HasSuffix(name, ".cpg"):
					return []byte(cpg)
				case strings.HasSuffix(name, ".dbf"):
					return bytes.ReplaceAll(content, []byte("号网格"), []byte("\xba\xc5\xcd\xf8\xb8\xf1   "))
				}
				return content
			})
			if rows == 0 {
				admin.Post(h.at+"/grids/import?rehearse=true", file).Want(200).Into(&report)
				if report.Unchanged != len(h.Grids) {
					t.Errorf("in GBK it would change %+v", report)
				}
				continue
			}
			p := admin.Post(h.at+"/grids/import", file).Refused(422, "invalid")
			if len(p.Problems) != rows || p.Problems[2].Row != 3 || p.Problems[2].Field != "DYWGMC" || !strings.HasSuffix(p.Problems[2].File, ".dbf") || !strings.Contains(p.Problems[2].Zh, "编码") {
				t.Errorf("GBK said to be UTF-8 is refused with %+v", p.Problems)
			}
		}
		p = admin.Post(h.at+"/grids/import", string(out.Body[:len(out.Body)/2])).Refused(422, "invalid")
		if len(p.Problems) != 1 || !strings.Contains(p.Problems[0].Zh, "zip") {
			t.Errorf("half a file is refused with %+v", p.Problems)
		}
	})
}

// repack makes a zip file anew with its parts changed.
func repack(t *testing.T, file []byte, change func(name string, content []byte) []byte) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		part, err := w.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(change(f.Name, content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// drawn is grids as a file.
func drawn(t *testing.T, grids []grid.Grid) string {
	t.Helper()
	var body bytes.Buffer
	if err := grid.WriteGeoJSON(&body, grids); err != nil {
		t.Fatal(err)
	}
	return body.String()
}

func TestAnImportLeavesAVersionAProofAndWarnings(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		admin := h.as(org.CityAdmin)
		middle := enclosed(t, h.Grids)
		rest := slices.DeleteFunc(slices.Clone(h.Grids), func(g grid.Grid) bool { return g.Code == middle.Code })
		var report GridReport
		admin.Post(h.at+"/grids/import", drawn(t, rest)).Want(200).Into(&report)
		if report.Version != 2 || report.Retired != 1 || report.Sound || len(report.Changes) != 1 || report.Changes[0] != (GridChange{middle.Code.String(), "retired"}) {
			t.Errorf("got %+v", report)
		}
		if len(report.Warnings) == 0 || !strings.Contains(report.Warnings[0].Zh, "空隙") || !strings.Contains(report.Warnings[0].En, "gap of") || report.Warnings[0].Row == 0 {
			t.Errorf("warnings %+v", report.Warnings)
		}
		var proof GridProof
		admin.Get(h.at + "/grids/proof").Want(200).Into(&proof)
		if proof.Version != 2 || len(proof.Proof.Gaps) != 1 || !middle.Contains(proof.Proof.Gaps[0].At) || !strings.Contains(proof.Zh, "空隙 1 处") {
			t.Errorf("proof %+v", proof)
		}
		admin.Get(h.at + "/grids/proof?as_of=1").Want(200).Into(&proof)
		if proof.Version != 1 || !proof.Proof.Sound {
			t.Errorf("proof of version 1: %+v", proof)
		}
		admin.Get(h.at+"/grids/proof?as_of=9").Refused(404, "no_grid_set")
		admin.Get(h.at+"/grids?as_of=9").Refused(404, "no_grid_set")
		var list []GridEdition
		admin.Get(h.at + "/grids/versions").Want(200).Into(&list)
		if len(list) != 2 || list[0].Version != 2 || list[0].Retired != 1 || list[0].Sound || list[1].Added != len(h.Grids) || !list[1].Sound {
			t.Errorf("versions %+v", list)
		}
		if now, then := admin.Get(h.at+"/grids").Want(200), admin.Get(h.at+"/grids?as_of=1").Want(200); now.Has(middle.Code.String()) || !then.Has(middle.Code.String()) {
			t.Error("the grid that retired is in the wrong version")
		}
	})
}

// enclosed is a grid that touches no edge of the lattice.
func enclosed(t *testing.T, grids []grid.Grid) grid.Grid {
	t.Helper()
	for _, g := range grids {
		rest := slices.DeleteFunc(slices.Clone(grids), func(o grid.Grid) bool { return o.Code == g.Code })
		if len(grid.Prove(rest, grid.DefaultTolerance()).Gaps) == 1 {
			return g
		}
	}
	t.Fatal("every grid is on the edge")
	return grid.Grid{}
}

func TestResponsibilityGridsAreSetAndRead(t *testing.T) {
	pair(t, func(t *testing.T, one, other town) {
		admin, at := one.as(org.CityAdmin), one.at+"/grids/responsibilities"
		set := func(grids ...string) body {
			return body{"responsibilities": []body{{"code": "N-1", "name": "北片", "grids": grids}}}
		}
		var got ResponsibilityGrids
		admin.Do("PUT", at, set(one.Grids[0].Code.String(), one.Grids[1].Code.String())).Want(200).Into(&got)
		if len(got.Responsibilities) != 1 || len(got.Responsibilities[0].Grids) != 2 || len(got.Without) != len(one.Grids)-2 {
			t.Errorf("got %+v", got)
		}
		admin.Do("PUT", at, set("1")).Names("grids")
		admin.Do("PUT", at, set(one.Grids[0].Code.Community()+"999")).Names("grids")
		admin.Do("PUT", at, body{}).Names("responsibilities")
		admin.Do("PUT", at, body{"responsibilities": []body{{"code": "N-1", "name": ""}}}).Names("responsibilities[0].name", "responsibilities[0].grids")
		one.as(org.Leader).Do("PUT", at, set()).Refused(403, "forbidden")
		one.as(org.ShiftLeader).Get(at).Want(200).Into(&got)
		if len(got.Responsibilities) != 1 || got.Responsibilities[0].Name != "北片" {
			t.Errorf("got %+v", got)
		}
		other.as(org.CityAdmin).Get(other.at + "/grids/responsibilities").Want(200).Into(&got)
		if len(got.Responsibilities) != 0 {
			t.Errorf("the other city has %+v", got)
		}
		webtest.New(t, one.e).Get(at).Refused(401, "no_session")
	})
}
