package tenanthttp

import (
	"bytes"
	"context"

	"wangge/internal/web"
	"wangge/tenant/access"
	"wangge/tenant/grid"
)

// maxGridFile is the largest grids file taken over HTTP.
const maxGridFile = 64 << 20

type gridFile struct {
	Rehearse bool `query:"rehearse" description:"only say what would change"`
}

type place struct {
	Lon float64 `query:"lon" required:"true" minimum:"-180" maximum:"180"`
	Lat float64 `query:"lat" required:"true" minimum:"-90" maximum:"90"`
}

// Located is the unit grid of a place.
type Located struct {
	Grid string `json:"grid" description:"15-digit unit grid code"`
}

// GridReport says what an import did, or a rehearsal would do.
type GridReport struct {
	Added     int       `json:"added"`
	Changed   int       `json:"changed"`
	Removed   int       `json:"removed"`
	Unchanged int       `json:"unchanged"`
	Area      float64   `json:"area_m2" description:"of the new set"`
	Outliers  []Outlier `json:"outliers" description:"grids of unusual area; accepted"`
}

// Outlier is a grid of unusual area.
type Outlier struct {
	Grid string  `json:"grid"`
	Area float64 `json:"area_m2"`
}

func gridRoutes() []Route {
	const tag = "grids"
	imports := guarded("POST", "/grids/import", access.GridImport, tag,
		"导入单元网格（请求体为 GeoJSON），全部成功或全部不变", "import unit grids (the body is GeoJSON), all or nothing")
	imports.MaxBody, imports.Body = maxGridFile, "application/geo+json"
	return []Route{
		web.Handle(guarded("GET", "/grids", access.GridRead, tag, "导出单元网格（GeoJSON）", "export the unit grids as GeoJSON"), exportGrids),
		web.Handle(imports, importGrids),
		web.Handle(guarded("GET", "/grids/at", access.GridRead, tag, "坐标所在单元网格", "the unit grid of a place"), locate),
	}
}

func exportGrids(ctx context.Context, r *Request, _ none) (web.File, error) {
	grids, err := r.City.Grids.Grids(ctx)
	if err != nil {
		return web.File{}, err
	}
	var body bytes.Buffer
	err = grid.WriteGeoJSON(&body, grids)
	return web.File{Type: "application/geo+json", Body: body.Bytes()}, err
}

func importGrids(ctx context.Context, r *Request, in gridFile) (GridReport, error) {
	do := r.City.Grids.Import
	if in.Rehearse {
		do = r.City.Grids.Rehearse
	}
	report, err := do(ctx, "body", r.HTTP.Request.Body)
	out := GridReport{report.Added, report.Changed, report.Removed, report.Unchanged, report.Area, []Outlier{}}
	for _, o := range report.Outliers {
		out.Outliers = append(out.Outliers, Outlier{o.Code.String(), o.Area})
	}
	return out, err
}

func locate(ctx context.Context, r *Request, in place) (Located, error) {
	code, err := r.City.Grids.Locate(ctx, grid.Point{Lon: in.Lon, Lat: in.Lat})
	return Located{code.String()}, err
}
