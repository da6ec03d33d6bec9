package tenanthttp

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"iter"
	"strconv"
	"time"
	"unicode/utf8"

	"wangge/internal/errs"
	"wangge/internal/geodesy"
	"wangge/internal/shapefile"
	"wangge/internal/web"
	"wangge/tenant/access"
	"wangge/tenant/grid"
)

// maxGridFile is the largest grids file taken over HTTP.
const maxGridFile = 64 << 20

type gridFile struct {
	Rehearse bool   `query:"rehearse" description:"only say what would change"`
	CRS      string `query:"crs" maxLength:"60" description:"coordinate system of the file: CGCS2000, WGS-84, GCJ-02 or BD-09; what the file says, else CGCS2000, when absent"`
}

type place struct {
	Lon float64 `query:"lon" required:"true" minimum:"-180" maximum:"180"`
	Lat float64 `query:"lat" required:"true" minimum:"-90" maximum:"90"`
}

type gridsAt struct {
	AsOf int64 `query:"as_of" minimum:"0" description:"version of the set; that in force when absent or 0"`
}

// Located is the unit grid of a place.
type Located struct {
	Grid    string `json:"grid" description:"15-digit unit grid code"`
	Version int64  `json:"version" description:"of the set it was found in"`
}

// GridReport says what an import did, or a rehearsal would do.
type GridReport struct {
	Version   int64          `json:"version" description:"of the set in force after it"`
	Added     int            `json:"added"`
	Changed   int            `json:"changed"`
	Retired   int            `json:"retired"`
	Unchanged int            `json:"unchanged"`
	Changes   []GridChange   `json:"changes" description:"by code, the first 1000"`
	Splits    []GridDescent  `json:"splits" description:"old grids whose area new ones share"`
	Mergers   []GridDescent  `json:"mergers" description:"new grids made of old ones"`
	Area      float64        `json:"area_m2" description:"of the new set"`
	Outliers  []Outlier      `json:"outliers" description:"grids of unusual area; accepted"`
	Sound     bool           `json:"sound" description:"no overlaps, gaps or self-crossing rings beyond the tolerance"`
	Zh        string         `json:"zh" description:"what the proof came to"`
	En        string         `json:"en"`
	Warnings  []errs.Problem `json:"warnings" description:"accepted, to be looked at"`
}

// GridChange is what becomes of one grid.
type GridChange struct {
	Grid string `json:"grid"`
	Kind string `json:"kind" enum:"added,changed,retired"`
}

// GridDescent is a grid and those it was split into or merged from.
type GridDescent struct {
	Grid  string   `json:"grid"`
	Parts []string `json:"parts"`
}

// Outlier is a grid of unusual area.
type Outlier struct {
	Grid string  `json:"grid"`
	Area float64 `json:"area_m2"`
}

// GridEdition is one version of the set.
type GridEdition struct {
	Version int64     `json:"version"`
	At      time.Time `json:"at"`
	File    string    `json:"file"`
	Grids   int       `json:"grids"`
	Added   int       `json:"added"`
	Changed int       `json:"changed"`
	Retired int       `json:"retired"`
	Area    float64   `json:"area_m2"`
	Sound   bool      `json:"sound"`
}

// GridProof is how far a version of the set is a partition.
type GridProof struct {
	Version int64      `json:"version"`
	Zh      string     `json:"zh"`
	En      string     `json:"en"`
	Proof   grid.Proof `json:"proof"`
}

// ResponsibilityGrid is unit grids given to a supervisor together.
type ResponsibilityGrid struct {
	Code  string   `json:"code" required:"true" minLength:"1" maxLength:"30"`
	Name  string   `json:"name" required:"true" minLength:"1" maxLength:"100"`
	Grids []string `json:"grids" required:"true" maxItems:"50000" description:"15-digit unit grid codes"`
}

// ResponsibilityGrids are all of them, and the unit grids that are in none.
type ResponsibilityGrids struct {
	Responsibilities []ResponsibilityGrid `json:"responsibilities"`
	Without          []string             `json:"without"`
}

type responsibilityGrids struct {
	Responsibilities []ResponsibilityGrid `json:"responsibilities" required:"true" maxItems:"20000"`
}

func gridRoutes() []Route {
	const tag = "grids"
	imports := guarded("POST", "/grids/import", access.GridImport, tag,
		"导入单元网格（请求体为 GeoJSON 或 zip 压缩的 Shapefile），全部成功或全部不变", "import unit grids (the body is GeoJSON or a zipped Shapefile), all or nothing")
	imports.MaxBody, imports.Body = maxGridFile+(64<<10), "application/octet-stream" // more, so that the rules of grids refuse what is too large
	assign := guarded("PUT", "/grids/responsibilities", access.GridImport, tag,
		"设置全部责任网格，全部成功或全部不变", "set all responsibility grids, all or nothing")
	assign.MaxBody = 8 << 20
	return []Route{
		web.Handle(guarded("GET", "/grids", access.GridRead, tag, "导出单元网格（GeoJSON）", "export the unit grids as GeoJSON"), exportGrids),
		web.Handle(guarded("GET", "/grids.zip", access.GridRead, tag, "导出单元网格（zip 压缩的 Shapefile）", "export the unit grids as a zipped Shapefile"), exportShapefile),
		web.Handle(imports, importGrids),
		web.Handle(guarded("GET", "/grids/at", access.GridRead, tag, "坐标所在单元网格", "the unit grid of a place"), locate),
		web.Handle(guarded("GET", "/grids/proof", access.GridRead, tag, "网格划分的证明：重叠、空隙、自相交", "the proof of the partition: overlaps, gaps, self-crossing rings"), proveGrids),
		web.Handle(guarded("GET", "/grids/versions", access.GridRead, tag, "网格的历次版本", "the versions of the set of grids"), gridEditions),
		web.Handle(guarded("GET", "/grids/responsibilities", access.GridRead, tag, "责任网格及未划入的单元网格", "the responsibility grids, and the unit grids in none"), readAssignment),
		web.Handle(assign, assignGrids),
	}
}

func (in gridsAt) grids(ctx context.Context, r *Request) ([]grid.Grid, error) {
	if in.AsOf == 0 {
		return r.City.Grids.Grids(ctx)
	}
	return r.City.Grids.GridsAt(ctx, in.AsOf)
}

func exportGrids(ctx context.Context, r *Request, in gridsAt) (web.File, error) {
	grids, err := in.grids(ctx, r)
	if err != nil {
		return web.File{}, err
	}
	var body bytes.Buffer
	err = grid.WriteGeoJSON(&body, grids)
	return web.File{Type: "application/geo+json", Body: body.Bytes()}, err
}

func exportShapefile(ctx context.Context, r *Request, in gridsAt) (web.File, error) {
	grids, err := in.grids(ctx, r)
	if err != nil {
		return web.File{}, err
	}
	name := "grids-" + r.City.ID.String()
	layer := shapefile.Layer{Name: name, Type: shapefile.Polygon, PRJ: geodesy.PRJ, Date: time.Unix(0, 0).UTC(), Fields: []shapefile.Field{
		{Name: "DYWGBSM", Kind: 'C', Width: 15}, {Name: "DYWGMC", Kind: 'C', Width: 254}, {Name: "AREA", Kind: 'N', Width: 12, Decimals: 1},
	}}
	var body bytes.Buffer
	err = shapefile.Write(&body, layer, records(grids))
	return web.File{Type: "application/zip", Name: name + ".zip", Body: body.Bytes()}, err
}

// records are grids as rows of a Shapefile, whose outer rings run clockwise.
func records(grids []grid.Grid) iter.Seq2[shapefile.Record, error] {
	return func(yield func(shapefile.Record, error) bool) {
		for _, g := range grids {
			shape := shapefile.Shape{Type: shapefile.Polygon}
			for _, ring := range append([][]grid.Point{g.Ring}, g.Holes...) {
				points := make([]shapefile.Point, len(ring))
				for i, p := range ring {
					points[len(ring)-1-i] = shapefile.Point{p.Lon, p.Lat}
				}
				shape.Points = append(shape.Points, points)
			}
			if !yield(shapefile.Record{Shape: shape, Values: []string{g.Code.String(), fit(g.Name, 254), strconv.FormatFloat(g.Area, 'f', 1, 64)}}, nil) {
				return
			}
		}
	}
}

// fit cuts a text to so many bytes, between characters.
func fit(s string, most int) string {
	for len(s) > most {
		_, last := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-last]
	}
	return s
}

func importGrids(ctx context.Context, r *Request, in gridFile) (GridReport, error) {
	file, err := gridBody(r.HTTP.Request.Body, r.City.Grids.Rules(), in.CRS)
	if err != nil {
		return GridReport{}, err
	}
	do := r.City.Grids.Import
	if in.Rehearse {
		do = r.City.Grids.Rehearse
	}
	report, err := do(ctx, file)
	return gridReport(report), err
}

// gridBody tells a zip from GeoJSON by its first bytes.
func gridBody(body io.Reader, rules grid.Rules, crs string) (grid.File, error) {
	b := bufio.NewReader(body)
	if magic, _ := b.Peek(2); string(magic) != "PK" {
		return grid.File{Name: "body", GeoJSON: b, CRS: crs}, nil
	}
	content, err := io.ReadAll(io.LimitReader(b, maxGridFile+1))
	if err != nil {
		return grid.File{}, err
	}
	if len(content) > maxGridFile {
		return grid.File{}, errs.Field("body", "文件超过 64 MiB", "the file is larger than 64 MiB")
	}
	shapes, err := shapefile.Open(bytes.NewReader(content), int64(len(content)), shapefile.Limits{Records: rules.MaxFeatures, Points: rules.MaxPoints})
	return grid.File{Name: "body", Shapes: shapes, CRS: crs}, err
}

// maxChanges is how many changes a report lists.
const maxChanges = 1000

func gridReport(report grid.Report) GridReport {
	zh, en := report.Proof.Words()
	out := GridReport{
		Version: report.Version, Added: report.Added, Changed: report.Changed, Retired: report.Retired, Unchanged: report.Unchanged,
		Changes: []GridChange{}, Splits: []GridDescent{}, Mergers: []GridDescent{}, Area: report.Area, Outliers: []Outlier{},
		Sound: report.Proof.Sound, Zh: zh, En: en, Warnings: append([]errs.Problem{}, report.Warnings...),
	}
	for _, c := range report.Changes[:min(len(report.Changes), maxChanges)] {
		out.Changes = append(out.Changes, GridChange{c.Code.String(), string(c.Kind)})
	}
	for _, s := range report.Splits {
		out.Splits = append(out.Splits, GridDescent{s.Code.String(), texts(s.Into)})
	}
	for _, m := range report.Mergers {
		out.Mergers = append(out.Mergers, GridDescent{m.Code.String(), texts(m.From)})
	}
	for _, o := range report.Outliers {
		out.Outliers = append(out.Outliers, Outlier{o.Code.String(), o.Area})
	}
	return out
}

func texts(codes []grid.Code) []string {
	out := make([]string, len(codes))
	for i, c := range codes {
		out[i] = c.String()
	}
	return out
}

func locate(ctx context.Context, r *Request, in place) (Located, error) {
	found, err := r.City.Grids.Find(ctx, grid.Point{Lon: in.Lon, Lat: in.Lat})
	return Located{found.Code.String(), found.Version}, err
}

func proveGrids(ctx context.Context, r *Request, in gridsAt) (GridProof, error) {
	proof, version, err := r.City.Grids.Proof(ctx, in.AsOf)
	zh, en := proof.Words()
	return GridProof{version, zh, en, proof}, err
}

func gridEditions(ctx context.Context, r *Request, _ none) ([]GridEdition, error) {
	list, err := r.City.Grids.Editions(ctx)
	out := make([]GridEdition, len(list))
	for i, e := range list {
		out[i] = GridEdition{e.Version, e.At, e.File, e.Grids, e.Added, e.Changed, e.Retired, e.Area, e.Sound}
	}
	return out, err
}

func readAssignment(ctx context.Context, r *Request, _ none) (ResponsibilityGrids, error) {
	a, err := r.City.Grids.Assignment(ctx)
	return assignment(a), err
}

func assignGrids(ctx context.Context, r *Request, in responsibilityGrids) (ResponsibilityGrids, error) {
	var faults []errs.Problem
	list := make([]grid.Responsibility, len(in.Responsibilities))
	for i, one := range in.Responsibilities {
		list[i] = grid.Responsibility{Code: one.Code, Name: one.Name}
		for _, text := range one.Grids {
			code, err := grid.ParseCode(text)
			if e, bad := errs.As(err); bad && len(faults) < 200 {
				faults = append(faults, errs.Problem{Row: i + 1, Field: "grids", Zh: e.Zh, En: e.En})
			}
			list[i].Members = append(list[i].Members, code)
		}
	}
	if err := errs.Problems(faults...); err != nil {
		return ResponsibilityGrids{}, err
	}
	a, err := r.City.Grids.Assign(ctx, list)
	return assignment(a), err
}

func assignment(a grid.Assignment) ResponsibilityGrids {
	out := ResponsibilityGrids{[]ResponsibilityGrid{}, texts(a.Without)}
	for _, r := range a.Responsibilities {
		out.Responsibilities = append(out.Responsibilities, ResponsibilityGrid{r.Code, r.Name, texts(r.Members)})
	}
	return out
}
