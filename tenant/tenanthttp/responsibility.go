package tenanthttp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"wangge/internal/errs"
	"wangge/internal/table"
	"wangge/internal/web"
	"wangge/tenant/access"
	"wangge/tenant/grid"
	"wangge/tenant/responsibility"
)

// maxMatrixFile is the largest file of a matrix taken over HTTP.
const maxMatrixFile = 16 << 20

// Responsibility is one row of the matrix of responsibility.
type Responsibility struct {
	Row       int64    `json:"row"`
	Version   string   `json:"version" description:"of the catalogue"`
	Sort      string   `json:"sort,omitempty" description:"part or event; absent for both"`
	Kind      string   `json:"kind" description:"a kind, a class, or * for every kind"`
	Area      string   `json:"area,omitempty" description:"division; absent for the whole city"`
	Lead      string   `json:"lead"`
	Assisting []string `json:"assisting"`
	Since     string   `json:"since,omitempty"`
	Until     string   `json:"until,omitempty"`
}

type matrixFile struct {
	Rehearse bool   `query:"rehearse" description:"only say what would change"`
	Name     string `query:"name" maxLength:"200" description:"what the file is called in messages"`
}

// MatrixReport says what an import of a matrix did, or a rehearsal would do.
type MatrixReport struct {
	Rows      int        `json:"rows"`
	Added     int        `json:"added"`
	Changed   int        `json:"changed"`
	Removed   int        `json:"removed"`
	Unchanged int        `json:"unchanged"`
	Contested []Conflict `json:"contested" description:"rows that claim the same with different leads; accepted"`
}

// Conflict is two rows that claim the same.
type Conflict struct {
	One   Responsibility `json:"one"`
	Other Responsibility `json:"other"`
}

type matrixExport struct {
	Format string `query:"format" enum:"csv,xlsx" description:"csv when absent"`
}

type matrixCheck struct {
	Version string `query:"version" description:"of the catalogue; those the matrix names when absent"`
}

// MatrixReview is which kinds in which grids nobody or more than one answers for.
type MatrixReview struct {
	Kinds     int              `json:"kinds"`
	Grids     int              `json:"grids"`
	Nobody    int              `json:"nobody" description:"kinds × grids without a lead"`
	Contested int              `json:"contested" description:"kinds × grids with more than one"`
	Gaps      []Gap            `json:"gaps"`
	More      int              `json:"more" description:"gaps beyond those listed"`
	Idle      []Responsibility `json:"idle" description:"rows that count for nothing, as their lead is retired"`
}

// Gap is a kind in an area that nobody or more than one answers for.
type Gap struct {
	Version  string   `json:"version"`
	Sort     string   `json:"sort"`
	Kind     string   `json:"kind"`
	KindZh   string   `json:"kind_zh"`
	Area     string   `json:"area,omitempty" description:"absent for the whole city"`
	AreaName string   `json:"area_name,omitempty"`
	Leads    []string `json:"leads" description:"who all claim it; empty when nobody does"`
	Grids    int      `json:"grids"`
	Sample   []string `json:"sample"`
}

type suggestQuery struct {
	Version string  `query:"version" description:"of the catalogue; the newest when absent"`
	Sort    string  `query:"sort" enum:"part,event"`
	Kind    string  `query:"kind" required:"true" minLength:"1"`
	Grid    string  `query:"grid" description:"15-digit unit grid code; or lon and lat"`
	Lon     float64 `query:"lon" minimum:"-180" maximum:"180"`
	Lat     float64 `query:"lat" minimum:"-90" maximum:"90"`
}

// Suggestion is who should handle a kind of problem at a place, and why.
type Suggestion struct {
	Grid      string   `json:"grid"`
	Lead      string   `json:"lead,omitempty" description:"absent when nobody answers for it, or more than one"`
	Assisting []string `json:"assisting"`
	Contested []string `json:"contested" description:"who all claim it"`
	WhyZh     string   `json:"why_zh"`
	WhyEn     string   `json:"why_en"`
	Area      string   `json:"area,omitempty"`
	Row       int64    `json:"row,omitempty" description:"of the matrix"`
}

func responsibilityRoutes() []Route {
	const tag = "responsibility"
	imports := guarded("POST", "/responsibilities/import", access.OrgManage, tag,
		"导入权责清单（请求体为 CSV 或 XLSX），全部成功或全部不变", "import the matrix of responsibility (the body is CSV or XLSX), all or nothing")
	imports.MaxBody, imports.Body = maxMatrixFile, "application/octet-stream"
	return []Route{
		web.Handle(guarded("GET", "/responsibilities", access.OrgRead, tag, "权责清单", "the matrix of responsibility"), listMatrix),
		web.Handle(imports, importMatrix),
		web.Handle(guarded("GET", "/responsibilities/export", access.OrgRead, tag, "导出权责清单", "export the matrix of responsibility"), exportMatrix),
		web.Handle(guarded("GET", "/responsibilities/check", access.OrgRead, tag, "无人负责与多头负责的事项", "kinds that nobody or more than one answers for"), checkMatrix),
		web.Handle(guarded("GET", "/responsibilities/suggest", access.OrgRead, tag, "建议的处置部门与理由", "who should handle a kind at a place, and why"), suggest),
		web.Handle(guarded("GET", "/cases/:number/suggestion", access.CaseDispatch, tag, "该案卷建议的处置部门与理由", "who should handle this case, and why"), suggestFor),
	}
}

func shownRule(r responsibility.Rule) Responsibility {
	kind := r.Kind
	if kind == "" {
		kind = "*"
	}
	return Responsibility{r.ID, r.Version, r.Sort, kind, r.Area, r.Lead, append([]string{}, r.Assisting...), r.Since, r.Until}
}

func shownRules(rules []responsibility.Rule) []Responsibility {
	out := make([]Responsibility, len(rules))
	for i, r := range rules {
		out[i] = shownRule(r)
	}
	return out
}

func listMatrix(ctx context.Context, r *Request, _ none) ([]Responsibility, error) {
	rules, err := r.City.Matrix.Rules(ctx)
	return shownRules(rules), err
}

func importMatrix(ctx context.Context, r *Request, in matrixFile) (MatrixReport, error) {
	if in.Name == "" {
		in.Name = "body"
	}
	rows, err := openMatrix(in.Name, r.HTTP.Request.Body)
	if err != nil {
		return MatrixReport{}, err
	}
	report, err := r.City.Matrix.Import(ctx, in.Name, rows, in.Rehearse)
	out := MatrixReport{report.Rows, report.Added, report.Changed, report.Removed, report.Unchanged, []Conflict{}}
	for _, c := range report.Contested {
		out.Contested = append(out.Contested, Conflict{shownRule(c.One), shownRule(c.Other)})
	}
	return out, err
}

// errMatrixTooLarge refuses a file beyond maxMatrixFile.
var errMatrixTooLarge = errs.New(errs.Invalid, "body_too_large", "文件超过 16 MiB", "the file is larger than 16 MiB")

// matrixRows reads the rows of a file of people.
type matrixRows struct {
	file  string
	table *table.Reader
	at    map[string]int
}

func openMatrix(name string, body io.Reader) (*matrixRows, error) {
	content, err := io.ReadAll(body)
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, errMatrixTooLarge
	}
	if err != nil {
		return nil, errs.Field("body", "内容无法读取", "can't be read")
	}
	t, err := table.Open(name, bytes.NewReader(content), int64(len(content)), table.Limits{Bytes: maxMatrixFile, Unpacked: 256 << 20})
	if err != nil {
		return nil, err
	}
	_, aliases := responsibility.Columns()
	at, err := table.Columns(t.Header(), aliases, responsibility.Optional()...)
	if err != nil {
		return nil, err
	}
	return &matrixRows{name, t, at}, nil
}

// Next implements responsibility.Rows.
func (m *matrixRows) Next() (responsibility.Draft, error) {
	row, err := m.table.Next()
	if err != nil {
		return responsibility.Draft{}, err
	}
	d := responsibility.Draft{Row: row.Number}
	fault := func(field string, f *table.Fault) {
		if f != nil {
			d.Faults = append(d.Faults, f.At(m.file, row.Number, field))
		}
	}
	column := func(field string) int {
		if i, ok := m.at[field]; ok {
			return i
		}
		return -1
	}
	for field, into := range map[string]*string{"version": &d.Version, "sort": &d.Sort, "lead": &d.Lead, "assisting": &d.Assisting} {
		*into = row.Text(column(field))
	}
	for _, code := range []struct {
		field string
		into  *string
	}{{"kind", &d.Kind}, {"area", &d.Area}} {
		var f *table.Fault
		*code.into, f = row.Code(column(code.field))
		fault(code.field, f)
	}
	for _, day := range []struct {
		field string
		into  *string
	}{{"since", &d.Since}, {"until", &d.Until}} {
		when, f := row.Date(column(day.field))
		if fault(day.field, f); !when.IsZero() {
			*day.into = when.Format(time.DateOnly)
		}
	}
	return d, nil
}

func exportMatrix(ctx context.Context, r *Request, in matrixExport) (web.File, error) {
	rules, err := r.City.Matrix.Rules(ctx)
	if err != nil {
		return web.File{}, err
	}
	format := table.CSV
	if in.Format == string(table.XLSX) {
		format = table.XLSX
	}
	fields, aliases := responsibility.Columns()
	header := make([]any, len(fields))
	for i, f := range fields {
		header[i] = aliases[f][0]
	}
	var file bytes.Buffer
	w := table.NewWriter(&file, format, "权责清单")
	err = w.Write(header...)
	for _, rule := range shownRules(rules) {
		err = errors.Join(err, w.Write(rule.Version, rule.Sort, rule.Kind, rule.Area, rule.Lead, strings.Join(rule.Assisting, ";"), rule.Since, rule.Until))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return web.File{}, err
	}
	return web.File{Type: format.MediaType(), Name: "responsibilities." + string(format), Body: file.Bytes()}, nil
}

func checkMatrix(ctx context.Context, r *Request, in matrixCheck) (MatrixReview, error) {
	found, err := r.City.Matrix.Check(ctx, in.Version)
	out := MatrixReview{found.Kinds, found.Grids, found.Nobody, found.Contested, make([]Gap, len(found.Gaps)), found.More, shownRules(found.Idle)}
	for i, g := range found.Gaps {
		out.Gaps[i] = Gap{
			g.Kind.Version, g.Kind.Sort, g.Kind.Code, g.Kind.Name, g.Area, g.AreaName, append([]string{}, g.Leads...), g.Grids, append([]string{}, g.Sample...),
		}
	}
	return out, err
}

func suggest(ctx context.Context, r *Request, in suggestQuery) (Suggestion, error) {
	unit, err := unitOf(ctx, r, in.Grid, grid.Point{Lon: in.Lon, Lat: in.Lat})
	if err != nil {
		return Suggestion{}, err
	}
	return r.suggestion(ctx, in.Version, in.Sort, in.Kind, unit)
}

// suggestFor is suggest for the kind and the place of a case.
func suggestFor(ctx context.Context, r *Request, in caseKey) (Suggestion, error) {
	c, err := seen(ctx, r, in.Number)
	if err != nil {
		return Suggestion{}, err
	}
	return r.suggestion(ctx, c.KindVersion, string(c.Sort), c.Kind, c.Grid)
}

func (r *Request) suggestion(ctx context.Context, version, sort, kind string, unit grid.Code) (Suggestion, error) {
	s, err := r.City.Matrix.Suggest(ctx, version, sort, kind, unit)
	return Suggestion{
		unit.String(), s.Lead, append([]string{}, s.Assisting...), append([]string{}, s.Contested...), s.Why.Zh, s.Why.En, s.Area, s.Rule,
	}, err
}

// unitOf is the unit grid of a code, or of a place; 0, 0 is no place in China.
func unitOf(ctx context.Context, r *Request, code string, place grid.Point) (grid.Code, error) {
	switch {
	case code != "":
		unit, err := grid.ParseCode(code)
		if e, ok := errs.As(err); ok {
			return unit, errs.Field("grid", e.Zh, e.En)
		}
		return unit, err
	case place == grid.Point{}:
		return grid.Code{}, errs.Field("grid", "须给出网格编码，或经度和纬度", "name a grid, or a longitude and a latitude")
	}
	return r.City.Grids.Locate(ctx, place)
}
