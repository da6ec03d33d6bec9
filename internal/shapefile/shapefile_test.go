package shapefile_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wangge/internal/errs"
	"wangge/internal/shapefile"
)

func open(file []byte, limits shapefile.Limits) (*shapefile.Reader, error) {
	return shapefile.Open(bytes.NewReader(file), int64(len(file)), limits)
}

// read reads a whole file, every error in its place.
func read(file []byte, limits shapefile.Limits) (records []shapefile.Record, faults []error) {
	r, err := open(file, limits)
	if err != nil {
		return nil, []error{err}
	}
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return records, faults
		}
		if err != nil {
			faults = append(faults, err)
			continue
		}
		records = append(records, record)
	}
}

func list(records []shapefile.Record) iter.Seq2[shapefile.Record, error] {
	return func(yield func(shapefile.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// change makes the zip anew with its parts changed; nil leaves one out.
func change(t testing.TB, file []byte, how func(name string, content []byte) (string, []byte)) []byte {
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
		name, content := how(f.Name, content)
		if content == nil {
			continue
		}
		part, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var (
	day    = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	values = rapid.StringOfN(rapid.RuneFrom([]rune("ab 0网格路·é")), 0, 8, 20)
	number = rapid.Float64Range(-180, 180)
)

func points(t *rapid.T, n int) []shapefile.Point {
	out := make([]shapefile.Point, n)
	for i := range out {
		out[i] = shapefile.Point{number.Draw(t, "x"), number.Draw(t, "y")}
	}
	return out
}

func TestWhatIsWrittenIsReadBackToTheLastBit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		layer := shapefile.Layer{
			Name: "layer", Type: rapid.SampledFrom([]shapefile.Type{shapefile.Points, shapefile.Polygon}).Draw(t, "type"), PRJ: "GEOGCS[]", Date: day,
			Fields: []shapefile.Field{{Name: "CODE", Kind: 'C', Width: 20}, {Name: "名称", Kind: 'C', Width: 20}, {Name: "AREA", Kind: 'N', Width: 12, Decimals: 1}},
		}
		var want []shapefile.Record
		for i := range rapid.IntRange(0, 6).Draw(t, "records") {
			r := shapefile.Record{Number: i + 1, Shape: shapefile.Shape{Type: layer.Type}, Values: []string{
				fmt.Sprintf("%015d", i), strings.TrimRight(values.Draw(t, "value"), " "), fmt.Sprintf("%.1f", number.Draw(t, "area")),
			}}
			switch {
			case rapid.IntRange(0, 9).Draw(t, "null") == 0:
				r.Shape = shapefile.Shape{}
			case layer.Type == shapefile.Points:
				r.Shape.Points = [][]shapefile.Point{points(t, 1)}
			default:
				r.Shape.Points = [][]shapefile.Point{}
				for range rapid.IntRange(0, 3).Draw(t, "rings") {
					r.Shape.Points = append(r.Shape.Points, points(t, rapid.IntRange(0, 6).Draw(t, "points")))
				}
			}
			want = append(want, r)
		}
		var file bytes.Buffer
		if err := shapefile.Write(&file, layer, list(want)); err != nil {
			t.Fatal(err)
		}
		r, err := open(file.Bytes(), shapefile.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if r.PRJ() != layer.PRJ || !slices.Equal(r.Fields(), layer.Fields) {
			t.Fatalf("got %q and %v", r.PRJ(), r.Fields())
		}
		if got, faults := read(file.Bytes(), shapefile.Limits{}); len(faults) > 0 || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, %v, want %v", got, faults, want)
		}
	})
}

// The fixtures were written by ogr2ogr 3.6.2 of Debian 12.
func TestFilesOfOgr2ogrAreRead(t *testing.T) {
	hole := [][]shapefile.Point{
		{{114.5, 38}, {114.5, 38.001}, {114.501, 38.001}, {114.501, 38}, {114.5, 38}},
		{{114.5004, 38.0004}, {114.5006, 38.0004}, {114.5006, 38.0006}, {114.5004, 38.0006}, {114.5004, 38.0004}},
	}
	for _, name := range []string{"polygons-utf8.zip", "polygons-gbk.zip"} {
		got, faults := read(fixture(t, name), shapefile.Limits{})
		if len(faults) > 0 || len(got) != 4 {
			t.Fatalf("%s: got %v, %v", name, got, faults)
		}
		if !reflect.DeepEqual(got[0].Shape, shapefile.Shape{Type: shapefile.Polygon, Points: hole}) {
			t.Errorf("%s: the first shape is %v", name, got[0].Shape)
		}
		if want := []string{"130102001001001", "建北路一号网格", "9876.500000000000000", "7"}; !slices.Equal(got[0].Values, want) {
			t.Errorf("%s: the first row is %q", name, got[0].Values)
		}
		if want := []string{"130102001001002", "路", "", "-3"}; !slices.Equal(got[1].Values, want) {
			t.Errorf("%s: the second row is %q", name, got[1].Values)
		}
		if got[2].Shape.Type != shapefile.Null || len(got[3].Shape.Points) != 2 {
			t.Errorf("%s: got %v", name, got[2:])
		}
		r, err := open(fixture(t, name), shapefile.Limits{})
		if err != nil || !strings.Contains(r.PRJ(), "GCS_China_Geodetic_Coordinate_System_2000") || r.File() != "grids.shp" {
			t.Fatalf("%s: %v, %q", name, err, r.PRJ())
		}
		var parts []int
		for range 4 {
			_, values, rings, err := r.NextPolygon()
			if err != nil || values["DYWGBSM"] == "" {
				t.Fatalf("%s: %v, %v", name, values, err)
			}
			parts = append(parts, len(rings))
		}
		if !slices.Equal(parts, []int{1, 1, 0, 2}) {
			t.Errorf("%s: the polygons have %v parts", name, parts)
		}
	}
	got, faults := read(fixture(t, "points-z.zip"), shapefile.Limits{})
	if len(faults) > 0 || len(got) != 2 || got[1].Shape.Points[0][0] != (shapefile.Point{114.6, 38.1}) || got[1].Values[1] != "路灯" {
		t.Errorf("points with heights: %v, %v", got, faults)
	}
}

// gbkTable is a .dbf byte by byte: one column NAME of four bytes, three rows, the
// second deleted. 中国 is D6 D0 B9 FA in GBK, and no UTF-8; 路 is C2 B7, which
// would be "·" in UTF-8.
var gbkTable = []byte{
	0x03, 126, 11, 1, 3, 0, 0, 0, 65, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	'N', 'A', 'M', 'E', 0, 0, 0, 0, 0, 0, 0, 'C', 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0x0D,
	' ', 0xD6, 0xD0, 0xB9, 0xFA, '*', 'g', 'o', 'n', 'e', ' ', 0xC2, 0xB7, ' ', ' ', 0x1A,
}

// layerOf is a file of three points with a table and what a .cpg says.
func layerOf(t testing.TB, dbf []byte, cpg string) []byte {
	t.Helper()
	var file bytes.Buffer
	point := shapefile.Shape{Type: shapefile.Points, Points: [][]shapefile.Point{{{114.5, 38}}}}
	layer := shapefile.Layer{Name: "p", Type: shapefile.Points, Date: day, Fields: []shapefile.Field{{Name: "NAME", Kind: 'C', Width: 4}}}
	three := []shapefile.Record{{Shape: point, Values: []string{""}}, {Shape: point, Values: []string{""}}, {Shape: point, Values: []string{""}}}
	if err := shapefile.Write(&file, layer, list(three)); err != nil {
		t.Fatal(err)
	}
	return change(t, file.Bytes(), func(name string, content []byte) (string, []byte) {
		switch {
		case name == "p.dbf":
			return name, dbf
		case name == "p.cpg" && cpg == "":
			return name, nil
		case name == "p.cpg":
			return name, []byte(cpg)
		}
		return name, content
	})
}

func names(records []shapefile.Record) (out []string) {
	for _, r := range records {
		out = append(out, fmt.Sprintf("%d %s", r.Number, r.Values[0]))
	}
	return out
}

func TestATableInGBKIsReadHoweverItSaysSo(t *testing.T) {
	language := slices.Clone(gbkTable)
	language[29] = 0x4D
	utf := slices.Clone(gbkTable)
	copy(utf[66:], "网\xe6") // cut off within the second character, as the field is full
	copy(utf[76:], "·  ")
	for name, c := range map[string]struct {
		dbf  []byte
		cpg  string
		want []string
	}{
		"by the texts":           {gbkTable, "", []string{"1 中国", "3 路"}},
		"by the language byte":   {language, "", []string{"1 中国", "3 路"}},
		"by the .cpg":            {gbkTable, "GBK", []string{"1 中国", "3 路"}},
		"by the .cpg of Windows": {gbkTable, "936\r\n", []string{"1 中国", "3 路"}},
		"UTF-8 by the texts":     {utf, "", []string{"1 网", "3 ·"}},
		"UTF-8 by the .cpg":      {utf, "utf-8", []string{"1 网", "3 ·"}},
	} {
		got, faults := read(layerOf(t, c.dbf, c.cpg), shapefile.Limits{})
		if len(faults) > 0 || !slices.Equal(names(got), c.want) {
			t.Errorf("%s: got %v, %v, want %v", name, names(got), faults, c.want)
		}
	}
}

func TestATextOfAnotherEncodingIsRefusedWithItsRowAndField(t *testing.T) {
	broken := slices.Clone(gbkTable)
	copy(broken[66:], "a\xffb ")
	for name, c := range map[string]struct {
		dbf  []byte
		cpg  string
		rows []int
	}{
		"GBK said to be UTF-8":    {gbkTable, "UTF-8", []int{1}},
		"an encoding not known":   {gbkTable, "ISO-8859-1", []int{1, 3}},
		"neither of the two":      {broken, "GBK", []int{1}},
		"neither, and none named": {broken, "", []int{1}},
	} {
		_, faults := read(layerOf(t, c.dbf, c.cpg), shapefile.Limits{})
		var rows []int
		for _, err := range faults {
			e, ok := errs.As(err)
			if !ok || e.Problems[0].Field != "NAME" || e.Problems[0].File != "p.dbf" || !strings.Contains(e.Problems[0].Zh, "编码") {
				t.Fatalf("%s: got %v", name, err)
			}
			rows = append(rows, e.Problems[0].Row)
		}
		if !slices.Equal(rows, c.rows) {
			t.Errorf("%s: faults in rows %v, want %v", name, rows, c.rows)
		}
	}
}

func zipped(t testing.TB, names ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range names {
		if _, err := w.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func many(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%d.txt", i))
	}
	return names
}

func TestWhatIsNoShapefileIsRefusedWithWhereAndWhy(t *testing.T) {
	good := fixture(t, "polygons-utf8.zip")
	part := func(suffix string, how func([]byte) []byte) []byte {
		return change(t, good, func(name string, content []byte) (string, []byte) {
			if strings.HasSuffix(name, suffix) {
				content = how(content)
			}
			return name, content
		})
	}
	set := func(at int, b ...byte) func([]byte) []byte {
		return func(content []byte) []byte { copy(content[at:], b); return content }
	}
	gone := func([]byte) []byte { return nil }
	half := func(content []byte) []byte { return content[:len(content)/2] }
	for name, c := range map[string]struct {
		file   []byte
		limits shapefile.Limits
		at     string // file:row
		zh, en string
	}{
		"no zip":                   {[]byte("PK"), shapefile.Limits{}, "", "不是完整的 zip", "no complete zip"},
		"half a zip":               {good[:len(good)/2], shapefile.Limits{}, "", "不是完整的 zip", "no complete zip"},
		"a path up":                {zipped(t, "../../etc/grids.shp"), shapefile.Limits{}, "", "不安全", "unsafe path"},
		"a path up of Windows":     {zipped(t, `a\..\grids.shp`), shapefile.Limits{}, "", "不安全", "unsafe path"},
		"a path from the top":      {zipped(t, "/grids.shp"), shapefile.Limits{}, "", "不安全", "unsafe path"},
		"a drive":                  {zipped(t, `C:\grids.shp`), shapefile.Limits{}, "", "不安全", "unsafe path"},
		"too many files":           {zipped(t, many(20_000)...), shapefile.Limits{}, "", "文件过多", "too many files"},
		"no layer":                 {zipped(t, "readme.txt"), shapefile.Limits{}, "", "没有 .shp", "no .shp"},
		"two layers":               {zipped(t, "a.shp", "b.shp"), shapefile.Limits{}, "", "多个 .shp", "more than one .shp"},
		"no table":                 {part(".dbf", gone), shapefile.Limits{}, "grids.shp", "没有与 .shp 同名的 .dbf", "no .dbf"},
		"an empty layer":           {zipped(t, "a.shp", "a.dbf"), shapefile.Limits{}, "a.dbf", "不完整", "cut off"},
		"lines":                    {part(".shp", set(32, 3)), shapefile.Limits{}, "grids.shp", "PolyLine", "PolyLine"},
		"not its magic":            {part(".shp", set(0, 1)), shapefile.Limits{}, "grids.shp", "不是 Shapefile", "no Shapefile"},
		"half its shapes":          {part(".shp", half), shapefile.Limits{}, "grids.shp:2", "不完整", "cut off"},
		"half its table":           {part(".dbf", half), shapefile.Limits{}, "grids.dbf:2", "不完整", "cut off"},
		"fewer rows":               {part(".dbf", set(4, 3)), shapefile.Limits{}, "grids.dbf:4", "少于图形", "fewer than shapes"},
		"more rows":                {part(".dbf", set(4, 5)), shapefile.Limits{}, "grids.dbf", "属性表有 5 行，图形有 4 个", "5 rows for 4 shapes"},
		"a faulty head of a table": {part(".dbf", set(10, 1, 0)), shapefile.Limits{}, "grids.dbf", "属性表头有误", "head of the table"},
		"a record of another":      {part(".shp", set(100, 0, 0, 0, 9)), shapefile.Limits{}, "grids.shp:1", "记录头有误", "head of the record"},
		"a line among polygons":    {part(".shp", set(108, 13)), shapefile.Limits{}, "grids.shp:1", "PolyLine", "PolyLine"},
		"points that are not sent": {part(".shp", set(148, 200)), shapefile.Limits{}, "grids.shp:1", "图形数据有误", "the shape is faulty"},
		"longer than it says":      {part(".shp", func(b []byte) []byte { return append(b, 0) }), shapefile.Limits{}, "grids.shp", "比文件头所述的长", "longer than its head"},
		"a huge record":            {part(".shp", set(24, 0x7f, 0xff, 0xff, 0xff)), shapefile.Limits{}, "grids.shp:5", "不完整", "cut off"},
		"too many records":         {good, shapefile.Limits{Records: 3}, "grids.dbf", "超过上限 3", "more than 3"},
		"too many points":          {good, shapefile.Limits{Points: 9}, "grids.shp:1", "有 10 个，超过上限 9", "10 points, more than 9"},
		"a bomb":                   {part(".dbf", func(b []byte) []byte { return append(b, make([]byte, 1<<20)...) }), shapefile.Limits{Bytes: 200}, "grids.shp:1", "超过大小上限", "larger than allowed"},
	} {
		_, faults := read(c.file, c.limits)
		if len(faults) == 0 {
			t.Errorf("%s: accepted", name)
			continue
		}
		e, ok := errs.As(faults[0])
		if !ok || e.Kind != errs.Invalid {
			t.Errorf("%s: got %v", name, faults[0])
			continue
		}
		p := e.Problems[0]
		at := p.File
		if p.Row > 0 {
			at = fmt.Sprintf("%s:%d", p.File, p.Row)
		}
		if at != c.at || !strings.Contains(p.Zh, c.zh) || !strings.Contains(p.En, c.en) || strings.Contains(p.Zh+p.En, "%!") {
			t.Errorf("%s: got %q, want it at %q with %q and %q", name, p, c.at, c.zh, c.en)
		}
	}
}

func TestAfterAFaultyRecordTheNextIsRead(t *testing.T) {
	file := change(t, fixture(t, "polygons-utf8.zip"), func(name string, content []byte) (string, []byte) {
		if strings.HasSuffix(name, ".shp") {
			content[108] = 13
		}
		return name, content
	})
	got, faults := read(file, shapefile.Limits{})
	if len(got) != 3 || len(faults) != 1 || got[0].Number != 2 {
		t.Errorf("got %d records and %v", len(got), faults)
	}
}

func TestAMacArchiveInAFolderIsRead(t *testing.T) {
	file := change(t, fixture(t, "polygons-gbk.zip"), func(name string, content []byte) (string, []byte) {
		return "\xcd\xf8\xb8\xf1/" + strings.ToUpper(name), content // 网格, as Windows packs it
	})
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range []string{"__MACOSX/._GRIDS.SHP", "._x.shp"} {
		if _, err := w.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		if err := w.Copy(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, faults := read(out.Bytes(), shapefile.Limits{}); len(got) != 4 || len(faults) > 0 {
		t.Errorf("got %d records, %v", len(got), faults)
	}
}

func TestADamagedFileIsRefusedAndNeverAPanic(t *testing.T) {
	var files [][]byte
	for _, name := range []string{"polygons-utf8.zip", "polygons-gbk.zip", "points-z.zip"} {
		files = append(files, fixture(t, name))
	}
	limits := shapefile.Limits{Bytes: 1 << 20, Records: 100, Points: 1000}
	rapid.Check(t, func(rt *rapid.T) {
		file := rapid.SampledFrom(files).Draw(rt, "file")
		inside := rapid.SampledFrom([]string{".shp", ".dbf", ".cpg", "the archive"}).Draw(rt, "where")
		hurt := func(b []byte) []byte {
			b = slices.Clone(b)
			for range rapid.IntRange(1, 4).Draw(rt, "hurts") {
				b[rapid.IntRange(0, len(b)-1).Draw(rt, "at")] = rapid.Byte().Draw(rt, "byte")
			}
			return b[:rapid.IntRange(len(b)/2, len(b)).Draw(rt, "length")]
		}
		if inside == "the archive" {
			file = hurt(file)
		} else {
			file = change(t, file, func(name string, content []byte) (string, []byte) {
				if strings.HasSuffix(name, inside) {
					content = hurt(content)
				}
				return name, content
			})
		}
		_, faults := read(file, limits)
		for _, err := range faults {
			if e, ok := errs.As(err); !ok || e.Kind != errs.Invalid || e.Problems[0].Zh == "" {
				rt.Fatalf("got %v, want a refusal in both languages", err)
			}
		}
	})
}

func TestWhatDoesNotFitIsNotWritten(t *testing.T) {
	point := shapefile.Shape{Type: shapefile.Points, Points: [][]shapefile.Point{{{1, 2}}}}
	field := []shapefile.Field{{Name: "NAME", Kind: 'C', Width: 5}}
	for name, c := range map[string]struct {
		fields []shapefile.Field
		record shapefile.Record
	}{
		"a text too long":     {field, shapefile.Record{Shape: point, Values: []string{"网格"}}},
		"no value":            {field, shapefile.Record{Shape: point}},
		"a polygon":           {field, shapefile.Record{Shape: shapefile.Shape{Type: shapefile.Polygon}, Values: []string{""}}},
		"a field with a long": {[]shapefile.Field{{Name: "NAME_OF_IT_", Kind: 'C', Width: 5}}, shapefile.Record{Shape: point, Values: []string{""}}},
	} {
		err := shapefile.Write(io.Discard, shapefile.Layer{Name: "x", Type: shapefile.Points, Fields: c.fields, Date: day}, list([]shapefile.Record{c.record}))
		if err == nil {
			t.Errorf("%s is written", name)
		}
	}
}

func TestRingsAreOrderedIntoParts(t *testing.T) {
	square := func(x, y, side float64, clockwise bool) []shapefile.Point {
		ring := []shapefile.Point{{x, y}, {x + side, y}, {x + side, y + side}, {x, y + side}, {x, y}}
		if clockwise {
			slices.Reverse(ring)
		}
		return ring
	}
	for name, c := range map[string]struct {
		rings [][]shapefile.Point
		want  []int // rings of each part
	}{
		"nothing":                 {nil, nil},
		"one ring, either way":    {[][]shapefile.Point{square(0, 0, 9, false)}, []int{1}},
		"a hole":                  {[][]shapefile.Point{square(1, 1, 2, false), square(0, 0, 9, true)}, []int{2}},
		"all the wrong way":       {[][]shapefile.Point{square(1, 1, 2, false), square(0, 0, 9, false)}, []int{2}},
		"two parts":               {[][]shapefile.Point{square(0, 0, 9, true), square(20, 0, 9, true)}, []int{1, 1}},
		"a hole of the second":    {[][]shapefile.Point{square(0, 0, 9, true), square(20, 0, 9, true), square(21, 1, 2, false)}, []int{1, 2}},
		"an empty ring among it":  {[][]shapefile.Point{{}, square(0, 0, 9, true)}, []int{2}},
		"nothing but empty rings": {[][]shapefile.Point{{}, {}}, []int{2}},
	} {
		var got []int
		for _, part := range shapefile.Parts(c.rings) {
			got = append(got, len(part))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
