package tenanthttp

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"wangge/internal/errs"
	"wangge/internal/table"
	"wangge/internal/web"
	"wangge/tenant/access"
	"wangge/tenant/grid"
	"wangge/tenant/part"
)

type partImport struct {
	Rehearse  bool   `query:"rehearse" description:"only say what would change and what is wrong"`
	File      string `query:"file" maxLength:"200" description:"name of the file, for messages and the record"`
	Numbering string `query:"numbering" maxLength:"40" description:"how identifiers are read: GB/T 47678.5-2026 (17 digits, when absent), GB/T 47678.5 draft, GB/T 30428.2-2013 or CJ/T 214-2007 (16 digits)"`
	CRS       string `query:"crs" maxLength:"60" description:"coordinate system of the file: CGCS2000, WGS-84, GCJ-02 or BD-09; what the file says, else CGCS2000, when absent"`
}

// PartReport says what an import did, or a rehearsal would do.
type PartReport struct {
	Import    int64          `json:"import" description:"number by which it can be undone; 0 for a rehearsal"`
	Added     int            `json:"added"`
	Changed   int            `json:"changed"`
	Unchanged int            `json:"unchanged"`
	Faults    []errs.Problem `json:"faults" description:"of a rehearsal: the first 200, the rest is counted"`
}

// PartImport is one import.
type PartImport struct {
	Import    int64     `json:"import"`
	At        time.Time `json:"at"`
	Account   int64     `json:"account"`
	File      string    `json:"file"`
	SHA256    string    `json:"sha256"`
	Numbering string    `json:"numbering"`
	Added     int       `json:"added"`
	Changed   int       `json:"changed"`
	Unchanged int       `json:"unchanged"`
	UndoneBy  int64     `json:"undone_by,omitempty" description:"number of the act that undid it"`
}

// PartImportPage is a page of imports, the newest first.
type PartImportPage struct {
	Imports []PartImport `json:"imports"`
	Next    int64        `json:"next,omitempty" description:"before of the next page"`
}

type partImports struct {
	Before int64 `query:"before" minimum:"0" description:"imports of a lower number"`
	Limit  int   `query:"limit" minimum:"0" maximum:"200"`
}

type partUndo struct {
	Import int64  `path:"import" minimum:"1"`
	Reason string `json:"reason" required:"true" minLength:"1" maxLength:"500"`
}

// PartUndone says what an undo did.
type PartUndone struct {
	Removed  int `json:"removed" description:"parts that left the register"`
	Restored int `json:"restored" description:"parts that are what they were before"`
}

type partList struct {
	Prefix string `query:"code" maxLength:"24" pattern:"^[0-9]*$" example:"15030201" description:"beginning of the identifier"`
	Kind   string `query:"kind" maxLength:"10" example:"01-001" description:"kind of parts"`
	State  string `query:"state" enum:"intact,damaged,lost,abandoned,removed"`
	Box    string `query:"box" maxLength:"100" pattern:"^(-?[0-9]+([.][0-9]+)?,){3}-?[0-9]+([.][0-9]+)?$" example:"106.79,39.62,106.83,39.66" description:"west,south,east,north"`
	After  string `query:"after" maxLength:"24" pattern:"^[0-9]*$" example:"15030201001000001" description:"identifiers behind it"`
	Limit  int    `query:"limit" minimum:"0" maximum:"500"`
}

type partExport struct {
	Prefix string `query:"code" maxLength:"24" pattern:"^[0-9]*$" example:"15030201" description:"beginning of the identifier"`
	Kind   string `query:"kind" maxLength:"10" example:"01-001" description:"kind of parts"`
	State  string `query:"state" enum:"intact,damaged,lost,abandoned,removed"`
	Format string `query:"format" enum:"csv,xlsx" description:"csv when absent; Excel keeps the identifiers whole only in xlsx"`
}

type partMap struct {
	Box   string `query:"box" required:"true" maxLength:"100" pattern:"^(-?[0-9]+([.][0-9]+)?,){3}-?[0-9]+([.][0-9]+)?$" example:"106.79,39.62,106.83,39.66" description:"west,south,east,north"`
	Kind  string `query:"kind" maxLength:"10" example:"01-001" description:"kind of parts"`
	State string `query:"state" enum:"intact,damaged,lost,abandoned,removed"`
	Limit int    `query:"limit" minimum:"0" maximum:"2000" description:"more parts than so many are clustered; 500 when absent"`
}

type partNear struct {
	Lon    float64 `query:"lon" required:"true" minimum:"-180" maximum:"180"`
	Lat    float64 `query:"lat" required:"true" minimum:"-90" maximum:"90"`
	Kind   string  `query:"kind" required:"true" minLength:"1" maxLength:"10" example:"01-001"`
	Limit  int     `query:"limit" minimum:"0" maximum:"50" description:"10 when absent"`
	Within float64 `query:"within" minimum:"0" maximum:"50000" description:"metres; 2000 when absent"`
}

type partAt struct {
	Part string `path:"part" maxLength:"24"`
}

// PartUnit is a body that answers for a part.
type PartUnit struct {
	Code string `json:"code" maxLength:"18" description:"unified social credit code"`
	Name string `json:"name" maxLength:"100"`
}

type partEdit struct {
	Part        string    `path:"part" maxLength:"24"`
	Revision    int64     `json:"revision" minimum:"0" description:"of the part as it was seen; 0 to change it whatever it is"`
	State       string    `json:"state,omitempty" enum:"intact,damaged,lost,abandoned,removed"`
	Responsible *PartUnit `json:"responsible,omitempty"`
	Owner       *PartUnit `json:"owner,omitempty"`
	Maintainer  *PartUnit `json:"maintainer,omitempty"`
	Note        *string   `json:"note,omitempty"`
	Reason      string    `json:"reason" required:"true" minLength:"1" maxLength:"500"`
}

// Part is a managed part.
type Part struct {
	ID          string   `json:"id"`
	Numbering   string   `json:"numbering"`
	Version     string   `json:"version" description:"of the national catalogue"`
	Kind        string   `json:"kind"`
	Name        string   `json:"name"`
	Lon         float64  `json:"lon"`
	Lat         float64  `json:"lat"`
	Grid        string   `json:"grid"`
	Responsible PartUnit `json:"responsible"`
	Owner       PartUnit `json:"owner"`
	Maintainer  PartUnit `json:"maintainer"`
	State       string   `json:"state"`
	StateZh     string   `json:"state_zh"`
	Initial     string   `json:"initial" description:"day"`
	Changed     string   `json:"changed,omitempty" description:"day"`
	Source      string   `json:"source,omitempty"`
	Note        string   `json:"note,omitempty"`
	Revision    int64    `json:"revision"`
}

// PartPage is a page of parts.
type PartPage struct {
	Parts []Part `json:"parts"`
	Next  string `json:"next,omitempty" description:"after of the next page, absent on the last"`
}

// PartView is what a map shows: parts, or clusters when there are too many.
type PartView struct {
	Parts    []Part        `json:"parts"`
	Clusters []PartCluster `json:"clusters"`
}

// PartCluster counts the parts about a place.
type PartCluster struct {
	Lon   float64 `json:"lon"`
	Lat   float64 `json:"lat"`
	Count int     `json:"count"`
}

// PartFound is a part and how far it is.
type PartFound struct {
	Part   Part    `json:"part"`
	Metres float64 `json:"metres"`
}

// PartsFound are the nearest parts, the nearest first.
type PartsFound struct {
	Found []PartFound `json:"found"`
}

// PartHistory is a part and what was done to it.
type PartHistory struct {
	Part    *Part        `json:"part,omitempty" description:"absent when it was taken out of the register"`
	History []PartChange `json:"history" description:"the oldest first"`
}

// PartChange is one entry of a part's history.
type PartChange struct {
	Act     int64     `json:"act"`
	Kind    string    `json:"kind" enum:"import,edit,undo"`
	At      time.Time `json:"at"`
	Account int64     `json:"account"`
	Reason  string    `json:"reason,omitempty"`
	File    string    `json:"file,omitempty"`
	Old     *Part     `json:"old,omitempty"`
	New     *Part     `json:"new,omitempty"`
}

// importTime is what an import of a million parts over a slow line may take.
const importTime = 30 * time.Minute

func partRoutes() []Route {
	const tag = "parts"
	imports := guarded("POST", "/parts/import", access.PartImport, tag,
		"导入部件（请求体为 CSV、XLSX、GeoJSON 或 zip 压缩的 Shapefile），全部成功或全部不变", "import parts (the body is CSV, XLSX, GeoJSON or a zipped Shapefile), all or nothing")
	imports.MaxBody, imports.Body = maxPartFile, "application/octet-stream"
	return []Route{
		web.Unhurried(web.Raw(web.Handle(imports, importParts)), importTime),
		web.Handle(guarded("GET", "/parts/imports", access.PartRead, tag, "部件的历次导入", "the imports of parts"), listPartImports),
		web.Unhurried(web.Handle(guarded("POST", "/parts/imports/:import/undo", access.PartImport, tag, "撤销一次部件导入", "undo an import of parts"), undoParts), importTime),
		web.Handle(guarded("GET", "/parts", access.PartRead, tag, "查询部件", "search parts"), listParts),
		web.Handle(guarded("GET", "/parts/map", access.PartRead, tag, "地图上的部件，过多时聚合计数", "the parts on a map, clustered when they are too many"), mapParts),
		web.Handle(guarded("GET", "/parts/nearest", access.PartRead, tag, "离某处最近的某类部件", "the parts of a kind that are nearest to a place"), nearestParts),
		web.Unhurried(web.Handle(guarded("GET", "/parts/export", access.PartRead, tag, "导出部件（CSV 或 XLSX）", "export parts as CSV or XLSX"), exportParts), importTime),
		web.Handle(guarded("GET", "/parts/:part", access.PartRead, tag, "部件及其变更历史", "a part and its history"), readPart),
		web.Handle(guarded("PUT", "/parts/:part", access.PartEdit, tag, "修改部件的状态和责任单位，须说明理由", "change a part's state and units, with a reason"), editPart),
	}
}

func importParts(ctx context.Context, r *Request, in partImport) (PartReport, error) {
	up, free, err := upload(r, in)
	if err != nil {
		return PartReport{}, err
	}
	defer free()
	do := r.City.Parts.Import
	if in.Rehearse {
		do = r.City.Parts.Rehearse
	}
	report, err := do(ctx, up)
	return PartReport{report.Import, report.Added, report.Changed, report.Unchanged, append([]errs.Problem{}, report.Faults...)}, err
}

func listPartImports(ctx context.Context, r *Request, in partImports) (PartImportPage, error) {
	if in.Limit == 0 {
		in.Limit = 50
	}
	acts, err := r.City.Parts.Imports(ctx, in.Before, in.Limit)
	page := PartImportPage{Imports: []PartImport{}}
	for _, a := range acts {
		page.Imports = append(page.Imports, PartImport{
			a.ID, a.At, a.Account, a.File, a.SHA256, a.Numbering, a.Counts.Added, a.Counts.Changed, a.Counts.Unchanged, a.UndoneBy,
		})
	}
	if len(acts) == in.Limit {
		page.Next = acts[len(acts)-1].ID
	}
	return page, err
}

func undoParts(ctx context.Context, r *Request, in partUndo) (PartUndone, error) {
	n, err := r.City.Parts.Undo(ctx, in.Import, r.Session.Account.ID, in.Reason)
	return PartUndone{Removed: n.Removed, Restored: n.Changed}, err
}

// boxOf reads west,south,east,north, whose form was checked; "" is no box.
func boxOf(text string) (*part.Box, error) {
	if text == "" {
		return nil, nil
	}
	var n [4]float64
	for i, side := range strings.SplitN(text, ",", 4) {
		v, err := strconv.ParseFloat(side, 64)
		if most := [2]float64{180, 90}[i%2]; err != nil || v < -most || v > most {
			return nil, errs.Field("box", "应为 西,南,东,北（度）", "must be west,south,east,north in degrees")
		}
		n[i] = v
	}
	return &part.Box{West: n[0], South: n[1], East: n[2], North: n[3]}, nil
}

func listParts(ctx context.Context, r *Request, in partList) (PartPage, error) {
	within, err := boxOf(in.Box)
	if err != nil {
		return PartPage{}, err
	}
	if in.Limit == 0 {
		in.Limit = 50
	}
	list, err := r.City.Parts.List(ctx, part.Filter{
		Prefix: in.Prefix, Kind: in.Kind, State: part.State(in.State), Box: within, After: in.After, Limit: in.Limit,
	})
	page := PartPage{Parts: partsOf(r, list)}
	if len(list) == in.Limit {
		page.Next = list[len(list)-1].ID
	}
	return page, err
}

func mapParts(ctx context.Context, r *Request, in partMap) (PartView, error) {
	within, err := boxOf(in.Box)
	if err != nil {
		return PartView{}, err
	}
	view, err := r.City.Parts.Map(ctx, part.Filter{Kind: in.Kind, State: part.State(in.State), Box: within, Limit: in.Limit})
	out := PartView{Parts: partsOf(r, view.Parts), Clusters: []PartCluster{}}
	for _, c := range view.Clusters {
		out.Clusters = append(out.Clusters, PartCluster{c.Place.Lon, c.Place.Lat, c.Count})
	}
	return out, err
}

func nearestParts(ctx context.Context, r *Request, in partNear) (PartsFound, error) {
	found, err := r.City.Parts.Nearest(ctx, part.Near{Place: grid.Point{Lon: in.Lon, Lat: in.Lat}, Kind: in.Kind, Count: in.Limit, Within: in.Within})
	out := PartsFound{Found: []PartFound{}}
	for _, f := range found {
		out.Found = append(out.Found, PartFound{partOf(r, f.Part), f.Metres})
	}
	return out, err
}

func exportParts(ctx context.Context, r *Request, in partExport) (web.Download, error) {
	format := table.CSV
	if in.Format == string(table.XLSX) {
		format = table.XLSX
	}
	filter := part.Filter{Prefix: in.Prefix, Kind: in.Kind, State: part.State(in.State)}
	return web.Download{Type: format.MediaType(), Name: "部件-" + r.City.Settings.Name + "." + string(format), Write: func(w io.Writer) error {
		return writeParts(ctx, r.City.Parts, filter, w, format)
	}}, nil
}

func readPart(ctx context.Context, r *Request, in partAt) (PartHistory, error) {
	history, err := r.City.Parts.History(ctx, in.Part)
	if err != nil {
		return PartHistory{}, err
	}
	out := PartHistory{History: []PartChange{}}
	for _, c := range history {
		out.History = append(out.History, PartChange{
			c.Act.ID, string(c.Act.Kind), c.Act.At, c.Act.Account, c.Act.Reason, c.Act.File, maybePart(r, c.Old), maybePart(r, c.New),
		})
	}
	if len(history) > 0 {
		out.Part = maybePart(r, history[len(history)-1].New)
	}
	return out, nil
}

func editPart(ctx context.Context, r *Request, in partEdit) (Part, error) {
	e := part.Edit{ID: in.Part, Revision: in.Revision, Note: in.Note, Reason: in.Reason, By: r.Session.Account.ID}
	if in.State != "" {
		state := part.State(in.State)
		e.State = &state
	}
	for _, u := range []struct {
		from *PartUnit
		to   **part.Unit
	}{{in.Responsible, &e.Responsible}, {in.Owner, &e.Owner}, {in.Maintainer, &e.Maintainer}} {
		if u.from != nil {
			*u.to = &part.Unit{Code: u.from.Code, Name: u.from.Name}
		}
	}
	p, err := r.City.Parts.Edit(ctx, e)
	return partOf(r, p), err
}

func partsOf(r *Request, list []part.Part) []Part {
	out := make([]Part, len(list))
	for i, p := range list {
		out[i] = partOf(r, p)
	}
	return out
}

func maybePart(r *Request, p *part.Part) *Part {
	if p == nil {
		return nil
	}
	out := partOf(r, *p)
	return &out
}

func partOf(r *Request, p part.Part) Part {
	unit := func(u part.Unit) PartUnit { return PartUnit{u.Code, u.Name} }
	return Part{
		p.ID, p.Numbering, p.Version, p.Kind, p.Name, p.Place.Lon, p.Place.Lat, p.Grid.String(), unit(p.Responsible), unit(p.Owner), unit(p.Maintainer),
		string(p.State), r.City.Parts.StateZh(p.State), p.Initial, p.Changed, p.Source, p.Note, p.Revision,
	}
}
