package grid_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"wangge/internal/errs"
	"wangge/tenant/grid"
)

// changan is a city with the communities 130102001001 and 130102001002.
type changan struct{}

func (changan) HasCommunity(code string) bool {
	return code == "130102001001" || code == "130102001002"
}

func read(text string) ([]grid.Grid, error) {
	return grid.ReadGeoJSON("wangge.geojson", strings.NewReader(text), grid.NewRules(changan{}))
}

func collection(features ...string) string {
	return `{"type":"FeatureCollection","features":[` + strings.Join(features, ",\n") + `]}`
}

func feature(code, geometry string) string {
	return fmt.Sprintf(`{"type":"Feature","properties":{"code":%q},"geometry":%s}`, code, geometry)
}

func polygon(rings ...string) string {
	return `{"type":"Polygon","coordinates":[` + strings.Join(rings, ",") + `]}`
}

// ring draws a closed ring through places given in thousandths of a degree
// from 114.5° E, 38° N: a unit is some 88 m × 111 m.
func ring(places ...[2]float64) string {
	return line(append(places, places[0])...)
}

func line(places ...[2]float64) string {
	var points []string
	for _, p := range places {
		points = append(points, fmt.Sprintf("[%.7f,%.7f]", 114.5+p[0]/1000, 38+p[1]/1000))
	}
	return "[" + strings.Join(points, ",") + "]"
}

// cell is the square at column x, row y.
func cell(x, y float64) string {
	return ring([2]float64{x, y}, [2]float64{x + 1, y}, [2]float64{x + 1, y + 1}, [2]float64{x, y + 1})
}

const one, two = "130102001001001", "130102001001002"

func TestAFileOfGridsIsRead(t *testing.T) {
	grids, err := read("\ufeff" + `{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::4490"}},"features":[
		{"type":"Feature","properties":{"code":"130102001001001","name":" 建北 1 号 "},"geometry":` + polygon(cell(0, 0)) + `},
		{"type":"Feature","properties":{"DYWGBSM":130102001002001,"name":null},"geometry":` +
		polygon(cell(1, 0), ring([2]float64{1.4, .4}, [2]float64{1.6, .4}, [2]float64{1.6, .6}, [2]float64{1.4, .6})) + `}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if len(grids) != 2 || grids[0].Code.String() != one || grids[0].Name != "建北 1 号" || grids[1].Code.String() != "130102001002001" {
		t.Fatalf("got %+v", grids)
	}
	if got, want := grids[1].Area/grids[0].Area, 0.96; math.Abs(got-want) > 1e-6 {
		t.Errorf("the hole leaves %.6f of the area, want %.2f", got, want)
	}
}

func TestTheSameOutlineDrawnAnotherWayIsTheSameGrid(t *testing.T) {
	a, errA := read(collection(feature(one, polygon(line([2]float64{0, 0}, [2]float64{1, 0}, [2]float64{1, 1}, [2]float64{0, 1}, [2]float64{0, 0})))))
	b, errB := read(collection(feature(one, polygon(line([2]float64{1, 1}, [2]float64{1, 0}, [2]float64{1, 0}, [2]float64{0, 0}, [2]float64{0, 1}, [2]float64{1, 1})))))
	if errA != nil || errB != nil || !a[0].Equal(b[0]) {
		t.Errorf("got %+v (%v) and %+v (%v)", a, errA, b, errB)
	}
}

func TestWhatIsWrittenIsReadBackToTheLastBit(t *testing.T) {
	want, err := read(collection(feature(one, polygon(cell(0, 0))),
		feature(two, polygon(cell(1, 0), ring([2]float64{1.41, .4}, [2]float64{1.6, .4}, [2]float64{1.6, .6})))))
	if err != nil {
		t.Fatal(err)
	}
	want[0].Name = `建北"一"号\`
	want[0].Ring[1].Lon = math.Nextafter(want[0].Ring[1].Lon, 0) // a coordinate that needs all its digits
	want[0] = grid.New(want[0].Code, want[0].Name, want[0].Ring, nil)
	var file bytes.Buffer
	if err := grid.WriteGeoJSON(&file, want); err != nil {
		t.Fatal(err)
	}
	got, err := read(file.String())
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if !got[i].Equal(want[i]) || got[i].Area != want[i].Area {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
	rings, holes, err := grid.ParseGeometry(want[1].Geometry())
	if err != nil || !grid.New(want[1].Code, "", rings, holes).Equal(want[1]) {
		t.Errorf("the geometry alone: %v %v, %v", rings, holes, err)
	}
}

func TestAWrongFileIsRefusedWithWhereAndWhy(t *testing.T) {
	good := feature(two, polygon(cell(5, 5)))
	for name, c := range map[string]struct {
		file   string
		row    int
		field  string
		zh, en string
	}{
		"cut off":       {collection(good)[:150], 1, "", "文件不完整：在第 150 字节（第 1 行）中断", "cut off at byte 150"},
		"broken JSON":   {collection(good, "{oops}"), 2, "", "不是合法的 JSON", "(line 2): invalid character 'o'"},
		"more after it": {collection(good) + "\n\n{}", 3, "", "不是合法的 JSON", "after top-level value"},
		"a GBK file":    {collection(strings.Replace(good, two, "\xd6\xd0", 1)), 0, "", "不是 UTF-8", "not in UTF-8"},
		"a list":        {"[]", 0, "", "顶层应为 JSON 对象", "top level must be"},
		"an empty file": {"", 1, "", "文件不完整", "cut off at byte 0"},
		"one feature":   {good, 0, "type", "实为“Feature”", `not "Feature"`},
		"no features":   {`{"type":"FeatureCollection"}`, 0, "features", "缺少 features", "no array"},
		"an empty set":  {collection(), 0, "features", "没有任何网格", "no features"},
		"Gauss-Krüger":  {strings.Replace(collection(good), `"features"`, `"crs":{"properties":{"name":"EPSG:4547"}},"features"`, 1), 0, "crs", "“EPSG:4547”不受支持", "not supported"},
		"no system":     {strings.Replace(collection(good), `"features"`, `"crs":null,"features"`, 1), 0, "crs", "不受支持", "not supported"},
		"no feature":    {collection(good, "7"), 2, "type", "应为 Feature", "must be a Feature"},
		"no properties": {collection(`{"type":"Feature","properties":null,"geometry":` + polygon(cell(0, 0)) + `}`), 1, "properties", "缺少属性", "no properties"},
		"no geometry":   {collection(feature(one, "null")), 1, "geometry", "没有图形", "no geometry"},
		"no code":       {collection(strings.Replace(good, "code", "SZDYWGBSM", 1)), 1, "properties.code", "缺少网格编码", "no grid code"},
		"wrong code":    {collection(good, feature("13010200100100", polygon(cell(0, 0)))), 2, "properties.code", "“13010200100100”应为 15 位数字", "must have 15 digits"},
		"rounded code":  {collection(strings.Replace(good, `"`+two+`"`, "1.30102001001E14", 1)), 1, "properties.code", "“1.30102001001E14”", "must have 15 digits"},
		"long name":     {collection(strings.Replace(good, `"code"`, `"name":"`+strings.Repeat("网", 101)+`","code"`, 1)), 1, "properties.name", "不超过 100 字", "at most 100"},
		"foreign":       {collection(good, feature("130104001001001", polygon(cell(0, 0)))), 2, "properties.code", "社区 130104001001 不属于本市", "community 130104001001 of code 130104001001001 is not"},
		"twice":         {collection(good, feature(two, polygon(cell(0, 0)))), 2, "properties.code", "与第 1 个要素重复", "repeats that of feature 1"},
		"two parts":     {collection(feature(one, `{"type":"MultiPolygon","coordinates":[[`+cell(0, 0)+`],[`+cell(2, 0)+`]]}`)), 1, "geometry.type", "不能是多部分面", "not a MultiPolygon"},
		"a line":        {collection(feature(one, `{"type":"LineString","coordinates":`+cell(0, 0)+`}`)), 1, "geometry.type", "应为 Polygon", `not "LineString"`},
		"no rings":      {collection(feature(one, polygon())), 1, "geometry.coordinates", "环的数组", "array of rings"},
		"text for it":   {collection(feature(one, polygon(`"114.5,38"`))), 1, "geometry.coordinates", "环的数组", "array of rings"},
		"no latitude":   {collection(feature(one, polygon("[[114.5,38],[114.5]]"))), 1, "geometry.coordinates[0]", "第 2 个点不足", "point 2 has fewer"},
		"not closed":    {collection(feature(one, polygon(line([2]float64{0, 0}, [2]float64{1, 0}, [2]float64{1, 1}, [2]float64{0, 1})))), 1, "geometry.coordinates[0]", "环未闭合：起点 (114.5, 38)，终点 (114.5, 38.001)", "not closed"},
		"three points":  {collection(feature(one, polygon(ring([2]float64{0, 0}, [2]float64{1, 0})))), 1, "geometry.coordinates[0]", "环有 3 个点", "has 3 points"},
		"one place":     {collection(feature(one, polygon(ring([2]float64{0, 0}, [2]float64{0, 0}, [2]float64{0, 0})))), 1, "geometry.coordinates[0]", "少于 3 个", "fewer than 3 different"},
		"swapped":       {collection(feature(one, polygon("[[38,114.5],[38,114.501],[38.001,114.5],[38,114.5]]"))), 1, "geometry.coordinates[0]", "经纬度似乎颠倒", "look swapped"},
		"in metres":     {collection(feature(one, polygon("[[527000,4206000],[527100,4206000],[527000,4206100],[527000,4206000]]"))), 1, "geometry.coordinates[0]", "投影坐标", "projected metres"},
		"in the sea":    {collection(feature(one, polygon("[[0,0],[1,0],[1,1],[0,0]]"))), 1, "geometry.coordinates[0]", "不在中国范围内", "point 1 (0, 0) is not in China"},
		"a bow tie":     {collection(feature(one, polygon(ring([2]float64{0, 0}, [2]float64{1, 1}, [2]float64{1, 0}, [2]float64{0, 1})))), 1, "geometry.coordinates[0]", "在 (114.5005000, 38.0005000) 附近自相交", "crosses or touches itself near (114.5005"},
		"a spike":       {collection(feature(one, polygon(ring([2]float64{0, 0}, [2]float64{1, 0}, [2]float64{2, 0}, [2]float64{1, 0}, [2]float64{0, 1})))), 1, "geometry.coordinates[0]", "自相交", "near (114.50"},
		"a pinch":       {collection(feature(one, polygon(ring([2]float64{0, 0}, [2]float64{2, 0}, [2]float64{1, 1}, [2]float64{2, 2}, [2]float64{0, 2}, [2]float64{1, 1})))), 1, "geometry.coordinates[0]", "自相交", "near (114.5010000, 38.0010000)"},
		"hole outside":  {collection(feature(one, polygon(cell(0, 0), cell(3, 3)))), 1, "geometry.coordinates", "内环未正确位于外环之内", "don't lie properly inside"},
		"tiny":          {collection(feature(one, polygon(ring([2]float64{0, 0}, [2]float64{.1, 0}, [2]float64{0, .1})))), 1, "geometry", "不在 100–1000000 m² 之内", "not within 100 to 1000000"},
		"huge":          {collection(feature(one, polygon(ring([2]float64{0, 0}, [2]float64{20, 0}, [2]float64{20, 20}, [2]float64{0, 20})))), 1, "geometry", "不在 100–1000000 m² 之内", "not within"},
		"overlap":       {collection(feature(one, polygon(cell(0, 0))), feature(two, polygon(cell(.5, 0)))), 2, "geometry", "与第 1 个要素（130102001001001）重叠 487", "overlaps feature 1 (130102001001001) by 487"},
		"one in another": {collection(feature(one, polygon(cell(0, 0))), feature(two, polygon(ring([2]float64{.4, .4}, [2]float64{.6, .4}, [2]float64{.6, .6}, [2]float64{.4, .6})))),
			2, "geometry", "重叠 390.0 m²", "by 390.0 m²"},
	} {
		grids, err := read(c.file)
		e, ok := errs.As(err)
		if !ok || grids != nil || e.Kind != errs.Invalid || len(e.Problems) != 1 {
			t.Errorf("%s: got %d grids and %v, want one fault", name, len(grids), err)
			continue
		}
		p := e.Problems[0]
		if p.File != "wangge.geojson" || p.Row != c.row || p.Field != c.field || !strings.Contains(p.Zh, c.zh) || !strings.Contains(p.En, c.en) ||
			strings.Contains(p.Zh+p.En, "%!") {
			t.Errorf("%s: got %q, want row %d, field %q, %q and %q", name, p, c.row, c.field, c.zh, c.en)
		}
	}
}

func TestAllFaultsOfAFileAreFoundAtOnce(t *testing.T) {
	_, err := read(collection(
		feature("1", polygon(line([2]float64{0, 0}, [2]float64{1, 0}, [2]float64{1, 1}, [2]float64{0, 1}))),
		feature(one, polygon(cell(0, 0))),
		feature(one, polygon(cell(0, 0))),
	))
	e, _ := errs.As(err)
	var got []string
	for _, p := range e.Problems {
		got = append(got, fmt.Sprintf("%d %s", p.Row, p.Field))
	}
	want := "[1 properties.code 1 geometry.coordinates[0] 3 properties.code 3 geometry]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestOfVeryManyFaultsTheFirst200AreListed(t *testing.T) {
	features := make([]string, 230)
	for i := range features {
		features[i] = feature("x", polygon(cell(float64(i), 0)))
	}
	_, err := read(collection(features...))
	e, _ := errs.As(err)
	if len(e.Problems) != 201 || e.Problems[200].Zh != "另有 30 处问题未列出" || e.Problems[200].En != "30 more faults are not listed" {
		t.Errorf("got %d, the last %v", len(e.Problems), e.Problems[len(e.Problems)-1])
	}
}

func TestAFileBeyondTheLimitsIsRefused(t *testing.T) {
	file := collection(feature(one, polygon(cell(0, 0))), feature(two, polygon(cell(1, 0))))
	for en, limit := range map[string]func(*grid.Rules){
		"the file is larger than 0 MiB":       func(r *grid.Rules) { r.MaxBytes = 100 },
		"there are 2 features, more than 1":   func(r *grid.Rules) { r.MaxFeatures = 1 },
		"there are 5 points, more than 4":     func(r *grid.Rules) { r.MaxPoints = 4 },
		"is not within 100 to 5000 m²":        func(r *grid.Rules) { r.MaxArea = 5000 },
		"overlaps feature 1 (" + one + ") by": func(r *grid.Rules) { r.Tolerance.Overlap = -1 },
	} {
		rules := grid.NewRules(changan{})
		limit(&rules)
		_, err := grid.ReadGeoJSON("f", strings.NewReader(file), rules)
		if e, ok := errs.As(err); !ok || !strings.Contains(e.Problems[0].En, en) {
			t.Errorf("got %v, want %q", err, en)
		}
	}
}

func TestASliverWithinTheToleranceIsAccepted(t *testing.T) {
	if _, err := read(collection(feature(one, polygon(cell(0, 0))), feature(two, polygon(cell(.9999, 0))))); err != nil {
		t.Errorf("an overlap of 0.98 m² is refused: %v", err)
	}
}

func TestUnusualAreasAreOutliers(t *testing.T) {
	grids, err := read(collection(feature(one, polygon(cell(0, 0))), feature(two, polygon(ring([2]float64{2, 0}, [2]float64{2.3, 0}, [2]float64{2.3, .3})))))
	if err != nil {
		t.Fatal(err)
	}
	out := grid.NewRules(changan{}).Outliers(grids)
	if len(out) != 1 || out[0].Code.String() != two || math.Abs(out[0].Area-438.5) > 1 {
		t.Errorf("got %v", out)
	}
}

func TestPlainCoordinatesAreReadAsJSONIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rings := [][][]float64{}
		for range rapid.IntRange(1, 3).Draw(t, "rings") {
			ring := [][]float64{}
			for range rapid.IntRange(0, 5).Draw(t, "points") {
				ring = append(ring, rapid.SliceOfN(rapid.Float64Range(-1e9, 1e9), 0, 3).Draw(t, "position"))
			}
			rings = append(rings, ring)
		}
		text, err := json.Marshal(rings)
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "indented") {
			var b bytes.Buffer
			if err := json.Indent(&b, text, " ", "\t"); err != nil {
				t.Fatal(err)
			}
			text = b.Bytes()
		}
		got, ok := grid.PlainRings(text, 8)
		total, want := 0, true
		for _, ring := range rings {
			for _, position := range ring {
				total++
				want = want && len(position) >= 2
			}
		}
		if want = want && total <= 8; ok != want {
			t.Fatalf("%s: read %v, want %v", text, ok, want)
		}
		for i := range got {
			for k, p := range got[i] {
				if p != (grid.Point{Lon: rings[i][k][0], Lat: rings[i][k][1]}) {
					t.Fatalf("%s: got %v", text, got)
				}
			}
		}
	})
	for _, text := range []string{"", "[]", "1", `"x"`, "null", "[1]", "[[1,2]]", `[["a"]]`, "[[[1,null]]]", "[[[[1,2]]]]", "{}", "[[[1,2e400]]]"} {
		if got, ok := grid.PlainRings([]byte(text), 8); ok {
			t.Errorf("%s is read as %v", text, got)
		}
	}
}
