package grid_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"wangge/internal/errs"
	"wangge/internal/geodesy"
	"wangge/tenant/grid"
)

// drawn is a file of shapes held in memory; a row may be an error.
type drawn struct {
	prj  string
	rows []any
	next int
}

type shape struct {
	values map[string]string
	parts  [][][][2]float64
}

func (d *drawn) PRJ() string { return d.prj }

func (d *drawn) NextPolygon() (int, map[string]string, [][][][2]float64, error) {
	if d.next == len(d.rows) {
		return 0, nil, nil, io.EOF
	}
	d.next++
	switch row := d.rows[d.next-1].(type) {
	case error:
		return d.next, nil, nil, row
	case shape:
		return d.next, row.values, row.parts, nil
	}
	return 0, nil, nil, io.EOF
}

// square is cell as a Shapefile has it, clockwise.
func square(x, y float64) [][2]float64 {
	p := func(x, y float64) [2]float64 { return [2]float64{114.5 + x/1000, 38 + y/1000} }
	return [][2]float64{p(x, y), p(x, y+1), p(x+1, y+1), p(x+1, y), p(x, y)}
}

func known(name string) (grid.Convert, error) {
	s, err := geodesy.Parse(name)
	return s.ToCGCS2000, err
}

func readShapes(rows ...any) ([]grid.Grid, error) {
	rules := grid.NewRules(changan{})
	rules.Systems = known
	set, err := grid.Read(grid.File{Name: "grids.zip", Shapes: &drawn{prj: geodesy.PRJ, rows: rows}}, rules)
	return set.Grids, err
}

func TestShapesAreReadAsGeoJSONIs(t *testing.T) {
	got, err := readShapes(
		shape{map[string]string{"DYWGBSM": one, "DYWGMC": " 建北 1 号 "}, [][][][2]float64{{square(0, 0)}}},
		shape{map[string]string{"CODE": two + ".000", "Name": "二号"}, [][][][2]float64{{square(1, 0)}}},
	)
	if err != nil || len(got) != 2 {
		t.Fatalf("got %v, %v", got, err)
	}
	want := mustRead(t, feature(one, polygon(cell(0, 0))), feature(two, polygon(cell(1, 0))))
	want[0].Name, want[1].Name = "建北 1 号", "二号"
	for i := range want {
		if got[i].Code != want[i].Code || got[i].Name != want[i].Name || math.Abs(got[i].Area-want[i].Area) > 1e-3 {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
}

func TestAWrongFileOfShapesIsRefusedWithRowAndFieldAndReason(t *testing.T) {
	code := map[string]string{"DYWGBSM": one}
	good := shape{map[string]string{"DYWGBSM": two}, [][][][2]float64{{square(5, 5)}}}
	row := func(values map[string]string, parts ...[][][2]float64) shape { return shape{values, parts} }
	for name, c := range map[string]struct {
		rows   []any
		row    int
		field  string
		zh, en string
	}{
		"nothing":            {nil, 0, "", "没有任何网格", "no grids"},
		"a wrong code":       {[]any{good, row(map[string]string{"DYWGBSM": "1301020010010"}, [][][2]float64{square(0, 0)})}, 2, "DYWGBSM", "“1301020010010”应为 15 位", "must have 15 digits"},
		"a rounded code":     {[]any{row(map[string]string{"CODE": "130102001001001.5"}, [][][2]float64{square(0, 0)})}, 1, "CODE", "应为 15 位", "must have 15 digits"},
		"no code":            {[]any{row(map[string]string{"SZDYWGBSM": one}, [][][2]float64{square(0, 0)})}, 1, "DYWGBSM", "缺少网格编码", "no grid code"},
		"a foreign code":     {[]any{row(map[string]string{"CODE": "110101001001001"}, [][][2]float64{square(0, 0)})}, 1, "CODE", "不属于本市", "not one of the city's"},
		"a long name":        {[]any{row(map[string]string{"CODE": one, "NAME": strings.Repeat("网", 101)}, [][][2]float64{square(0, 0)})}, 1, "NAME", "不超过 100 字", "at most 100"},
		"no shape":           {[]any{row(code)}, 1, "geometry", "没有面图形", "no polygon"},
		"two parts":          {[]any{row(code, [][][2]float64{square(0, 0)}, [][][2]float64{square(2, 0)})}, 1, "geometry", "不能由 2 个部分", "not 2 parts"},
		"a hole outside":     {[]any{row(code, [][][2]float64{square(0, 0), square(3, 3)})}, 1, "geometry.coordinates", "内环未正确位于外环之内", "don't lie properly"},
		"an overlap":         {[]any{row(code, [][][2]float64{square(4.5, 5)}), good}, 2, "geometry", "与第 1 个要素（130102001001001）重叠 487", "near (114.50525"},
		"a row not to read":  {[]any{errs.Problems(errs.Problem{File: "grids.dbf", Row: 1, Field: "NAME", Zh: "编码", En: "encoding"}), good}, 1, "NAME", "编码", "encoding"},
		"a row of no reason": {[]any{errs.New(errs.Invalid, "x", "坏", "bad"), good}, 1, "", "坏", "bad"},
	} {
		grids, err := readShapes(c.rows...)
		e, ok := errs.As(err)
		if !ok || grids != nil || len(e.Problems) != 1 {
			t.Errorf("%s: got %v, %v", name, grids, err)
			continue
		}
		if p := e.Problems[0]; p.Row != c.row || p.Field != c.field || !strings.Contains(p.Zh, c.zh) || !strings.Contains(p.En, c.en) {
			t.Errorf("%s: got %q", name, p)
		}
	}
	broken := errors.New("the disk is gone")
	if _, err := readShapes(good, broken); !errors.Is(err, broken) || errs.KindOf(err) != errs.Internal {
		t.Errorf("got %v", err)
	}
	rules := grid.NewRules(changan{})
	rules.MaxFeatures = 1
	_, err := grid.Read(grid.File{Name: "f", Shapes: &drawn{rows: []any{good, good}}}, rules)
	if e, ok := errs.As(err); !ok || !strings.Contains(e.Problems[0].En, "more than 1 features") {
		t.Errorf("got %v", err)
	}
	rules.MaxFeatures, rules.MaxPoints = 9, 4
	_, err = grid.Read(grid.File{Name: "f", Shapes: &drawn{rows: []any{good}}}, rules)
	if e, ok := errs.As(err); !ok || e.Problems[0].Zh != "点有 5 个，超过上限 4" {
		t.Errorf("got %v", err)
	}
}

func TestTheDeclaredSystemGoesBeforeTheFilesOwn(t *testing.T) {
	rules := grid.NewRules(changan{})
	rules.Systems = known
	want := mustRead(t, feature(one, polygon(cell(0, 0))))[0]
	for _, system := range []geodesy.System{geodesy.GCJ02, geodesy.BD09, geodesy.WGS84} {
		shifted := strings.Builder{}
		shifted.WriteString("[")
		for i, p := range want.Ring {
			lon, lat := system.FromCGCS2000(p.Lon, p.Lat)
			fmt.Fprintf(&shifted, "%s[%.12f,%.12f]", strings.Repeat(",", min(i, 1)), lon, lat)
		}
		shifted.WriteString("]")
		file := collection(feature(one, polygon(shifted.String())))
		named := strings.Replace(file, `"features"`, `"crs":{"properties":{"name":"`+string(system)+`"}},"features"`, 1)
		for name, f := range map[string]grid.File{
			"declared":        {GeoJSON: strings.NewReader(file), CRS: string(system)},
			"as the file has": {GeoJSON: strings.NewReader(named)},
			"against it":      {GeoJSON: strings.NewReader(strings.Replace(named, string(system), "EPSG:4547", 1)), CRS: string(system)},
		} {
			set, err := grid.Read(f, rules)
			if err != nil {
				t.Fatalf("%s, %s: %v", system, name, err)
			}
			for _, p := range want.Ring { // which may begin at another corner, as they are as far south to 1e-12 degrees
				if !slices.ContainsFunc(set.Grids[0].Ring, func(q grid.Point) bool { return math.Abs(p.Lon-q.Lon) < 1e-9 && math.Abs(p.Lat-q.Lat) < 1e-9 }) {
					t.Errorf("%s, %s: got %v, want %v", system, name, set.Grids[0].Ring, want.Ring)
				}
			}
		}
	}
	for crs, said := range map[string]string{"EPSG:4547": "“EPSG:4547”不受支持", `PROJCS["CGCS2000_3_Degree_GK_CM_114E"]`: "“CGCS2000_3_Degree_GK_CM_114E”不受支持"} {
		_, err := grid.Read(grid.File{GeoJSON: strings.NewReader(collection(feature(one, polygon(cell(0, 0))))), CRS: crs}, rules)
		if e, ok := errs.As(err); !ok || e.Problems[0].Field != "crs" || !strings.Contains(e.Problems[0].Zh, said) {
			t.Errorf("%s: got %v", crs, err)
		}
	}
}

func TestSplitsAndMergersAreToldFromOtherChanges(t *testing.T) {
	type drawing map[string]string // serial → outline
	read := func(d drawing) []grid.Grid {
		var features []string
		for serial, outline := range d {
			features = append(features, feature("130102001001"+serial, polygon(outline)))
		}
		slices.Sort(features)
		return mustRead(t, features...)
	}
	for name, c := range map[string]struct {
		before, after drawing
		want          string
	}{
		"nothing": {drawing{"001": cell(0, 0)}, drawing{"001": cell(0, 0)}, ""},
		"a split into new codes": {drawing{"001": box(0, 0, 2, 1)}, drawing{"002": cell(0, 0), "003": cell(1, 0)},
			"001 retired, 002 added, 003 added; 001 → 002 003"},
		"a split that keeps the code for a part": {drawing{"001": box(0, 0, 2, 1)}, drawing{"001": cell(0, 0), "003": cell(1, 0)},
			"001 changed, 003 added; 001 → 001 003"},
		"a merger": {drawing{"001": cell(0, 0), "002": cell(1, 0)}, drawing{"003": box(0, 0, 2, 1)},
			"001 retired, 002 retired, 003 added; 003 ← 001 002"},
		"a merger into one of them": {drawing{"001": cell(0, 0), "002": cell(1, 0)}, drawing{"001": box(0, 0, 2, 1)},
			"001 changed, 002 retired; 001 ← 001 002"},
		"a new code for the same area": {drawing{"001": cell(0, 0)}, drawing{"002": cell(0, 0)}, "001 retired, 002 added"},
		"a line that moved": {drawing{"001": cell(0, 0), "002": cell(1, 0)}, drawing{"001": box(0, 0, 1.1, 1), "002": box(1.1, 0, .9, 1)},
			"001 changed, 002 changed"},
		"a part cut off and dropped": {drawing{"001": box(0, 0, 2, 1)}, drawing{"002": cell(0, 0)}, "001 retired, 002 added"},
		"one beside an old one":      {drawing{"001": cell(0, 0)}, drawing{"001": cell(0, 0), "002": cell(1, 0)}, "002 added"},
		"from two to three": {drawing{"001": box(0, 0, 3, 1), "002": box(3, 0, 3, 1)}, drawing{"003": box(0, 0, 2, 1), "004": box(2, 0, 1.9, 1), "005": box(3.9, 0, 2.1, 1)},
			"001 retired, 002 retired, 003 added, 004 added, 005 added; 001 → 003 004"},
	} {
		before, after := read(c.before), read(c.after)
		changes := grid.Compare(before, after)
		splits, mergers := grid.Descent(before, after, changes)
		var kinds, lines []string
		for _, change := range changes {
			kinds = append(kinds, change.Code.Serial()+" "+string(change.Kind))
		}
		serials := func(codes []grid.Code) (text string) {
			for _, c := range codes {
				text += " " + c.Serial()
			}
			return text
		}
		if len(kinds) > 0 {
			lines = append(lines, strings.Join(kinds, ", "))
		}
		for _, s := range splits {
			lines = append(lines, s.Code.Serial()+" →"+serials(s.Into))
		}
		for _, m := range mergers {
			lines = append(lines, m.Code.Serial()+" ←"+serials(m.From))
		}
		if got := strings.Join(lines, "; "); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestAProofIsSaidInBothLanguages(t *testing.T) {
	gaping := mustRead(t, feature(code(0), polygon(box(0, 0, 3, 1))), feature(code(1), polygon(box(0, 2, 3, 1))),
		feature(code(2), polygon(cell(0, 1))), feature(code(3), polygon(box(2.5, 1, .5, 1))), feature(code(4), polygon(box(0, .5, 3, .4))))
	for name, c := range map[string]struct {
		proof  grid.Proof
		zh, en string
	}{
		"sound":    {prove(mustRead(t, feature(one, polygon(cell(0, 0))))), "1 个网格共 9749 m²，覆盖 9749 m²；无重叠、无空隙、无自相交，构成划分（重叠容差 1.00 m²，", "a partition (tolerance 1.00 m²"},
		"faulty":   {prove(gaping), "超出容差的重叠 1 处、空隙 1 处、自相交 0 处", "1 overlaps, 1 gaps, 0 self-crossing"},
		"unending": {grid.Proof{}, "未能完成检查", "too tangled"},
	} {
		if zh, en := c.proof.Words(); !strings.Contains(zh, c.zh) || !strings.Contains(en, c.en) {
			t.Errorf("%s: got %q and %q", name, zh, en)
		}
	}
}
