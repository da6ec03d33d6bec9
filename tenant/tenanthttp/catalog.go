package tenanthttp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"wangge/internal/errs"
	"wangge/internal/table"
	"wangge/internal/web"
	"wangge/tenant/access"
	"wangge/tenant/calendar"
	"wangge/tenant/catalog"
)

// maxConditionFile is the largest file of filing conditions or of days.
const maxConditionFile = 4 << 20

// Condition is a filing condition with its kind and handling limit.
type Condition struct {
	Code        string `json:"code" description:"of this wording; cases keep it"`
	KindVersion string `json:"kind_version"`
	Kind        string `json:"kind"`
	KindZh      string `json:"kind_zh"`
	KindEn      string `json:"kind_en"`
	Sort        string `json:"sort" enum:"part,event"`
	Filing      string `json:"filing"`
	LimitValue  int    `json:"limit_value"`
	LimitUnit   string `json:"limit_unit" enum:"urgent_hour,work_hour,work_day"`
	Source      string `json:"source"`
	Line        string `json:"line" description:"what this is a wording of"`
	Closing     string `json:"closing" description:"closing condition"`
	AreaClass   string `json:"area_class" enum:"all,A,B,C"`
	Origin      string `json:"origin" enum:"national,province,city"`
	Replaces    string `json:"replaces,omitempty" description:"code of the wording before it"`
	Since       string `json:"since,omitempty" description:"first day in force"`
	Until       string `json:"until,omitempty" description:"first day no longer in force"`
}

func conditionOf(c catalog.Condition) Condition {
	return Condition{
		c.Code, c.Kind.Version, c.Kind.Code, c.Kind.Name, c.Kind.NameEn, string(c.Kind.Sort), c.Filing,
		c.Limit.Value, string(c.Limit.Unit), c.Source, c.Line, c.Closing, c.AreaClass, string(c.Origin), c.Replaces, c.Since, c.Until,
	}
}

// CatalogueKind is a kind of problem.
type CatalogueKind struct {
	Version    string `json:"version"`
	Sort       string `json:"sort" enum:"part,event"`
	Code       string `json:"code"`
	Class      string `json:"class"`
	ClassName  string `json:"class_name"`
	Name       string `json:"name"`
	NameEn     string `json:"name_en"`
	Origin     string `json:"origin" enum:"national,province,city"`
	Confidence string `json:"confidence,omitempty" description:"how sure the platform is of it: verified, inferred or recalled"`
}

func kindOf(k catalog.Kind) CatalogueKind {
	return CatalogueKind{k.Version, string(k.Sort), k.Code, k.Class, k.ClassName, k.Name, k.NameEn, string(k.Origin), string(k.Confidence)}
}

func kindsOf(list []catalog.Kind) []CatalogueKind {
	out := make([]CatalogueKind, len(list))
	for i, k := range list {
		out[i] = kindOf(k)
	}
	return out
}

// CatalogueVersion is a version of the national catalogue.
type CatalogueVersion struct {
	Version        string `json:"version"`
	Year           string `json:"year"`
	Zh             string `json:"zh"`
	En             string `json:"en"`
	InForce        bool   `json:"in_force" description:"in this city today"`
	ClassDigits    int    `json:"class_digits"`
	SubDigits      int    `json:"sub_digits"`
	PartIDDigits   int    `json:"part_id_digits"`
	TypeCodeDigits int    `json:"type_code_digits"`
	Kinds          int    `json:"kinds"`
	Confidence     string `json:"confidence"`
	Provenance     string `json:"provenance"`
}

// CatalogueMove is a move from one version to the next.
type CatalogueMove struct {
	From       string    `json:"from"`
	To         string    `json:"to"`
	Day        string    `json:"day"`
	At         time.Time `json:"at"`
	By         int64     `json:"by" description:"account"`
	Conditions int       `json:"conditions"`
	Decided    int       `json:"decided"`
	Ended      int       `json:"ended"`
}

// CatalogueVersions are the versions there are and the city's moves.
type CatalogueVersions struct {
	Versions []CatalogueVersion `json:"versions"`
	Moves    []CatalogueMove    `json:"moves"`
}

type conditionsQuery struct {
	Version string `query:"version" maxLength:"40" description:"standard or year; the one in force on the day when absent"`
	Day     string `query:"day" format:"date" description:"today when absent"`
	Sort    string `query:"sort" enum:"part,event"`
	Kind    string `query:"kind" maxLength:"10"`
	All     bool   `query:"all" description:"also those not in force on the day"`
}

type kindsQuery struct {
	Version string `query:"version" maxLength:"40" description:"standard or year; the one in force when absent"`
}

type localKind struct {
	Sort   string `json:"sort" required:"true" enum:"part,event"`
	Class  string `json:"class" required:"true" pattern:"^[0-9]{2}$" example:"06"`
	Code   string `json:"code" maxLength:"10" description:"the highest that is free when absent"`
	Name   string `json:"name" required:"true" minLength:"1" maxLength:"30"`
	NameEn string `json:"name_en" maxLength:"100"`
}

type rehearsal struct {
	Rehearse bool `query:"rehearse" description:"only say what would change"`
}

// ConditionChange is what an import does with a condition.
type ConditionChange struct {
	Row   int    `json:"row"`
	Line  string `json:"line"`
	Code  string `json:"code"`
	What  string `json:"what" enum:"added,revised,ended"`
	Since string `json:"since" description:"day of it"`
}

// ConditionReport says what an import did, or a rehearsal would do.
type ConditionReport struct {
	Added     int               `json:"added"`
	Revised   int               `json:"revised"`
	Ended     int               `json:"ended"`
	Unchanged int               `json:"unchanged"`
	Changes   []ConditionChange `json:"changes"`
}

type exportConditionsQuery struct {
	Format  string `query:"format" enum:"csv,xlsx" description:"csv when absent"`
	Lang    string `query:"lang" enum:"zh,en" description:"of header and units; zh when absent"`
	Version string `query:"version" maxLength:"40"`
	Day     string `query:"day" format:"date"`
	All     bool   `query:"all"`
}

type moveQuery struct {
	To string `query:"to" required:"true" maxLength:"40" description:"standard or year"`
}

type moveOrder struct {
	To        string         `json:"to" required:"true" maxLength:"40" description:"standard or year"`
	Day       string         `json:"day" required:"true" format:"date" description:"first day of the newer version"`
	Decisions []MoveDecision `json:"decisions" maxItems:"5000"`
}

// MoveDecision says what becomes of a condition in a move.
type MoveDecision struct {
	Condition string `json:"condition" required:"true" minLength:"1"`
	Kind      string `json:"kind" description:"of the newer version; empty ends the condition"`
}

// MoveItem is one condition in the light of a move.
type MoveItem struct {
	Condition  string          `json:"condition"`
	Filing     string          `json:"filing"`
	Kind       CatalogueKind   `json:"kind"`
	Fate       string          `json:"fate" enum:"mapped,needs_decision,no_successor"`
	To         string          `json:"to,omitempty"`
	Confidence string          `json:"confidence,omitempty"`
	Note       string          `json:"note,omitempty"`
	Candidates []CatalogueKind `json:"candidates"`
	Decided    bool            `json:"decided"`
}

// KindCount is a number of open cases of a kind.
type KindCount struct {
	Kind  CatalogueKind `json:"kind"`
	Cases int           `json:"cases"`
}

// MoveReport says what a move does, or would do.
type MoveReport struct {
	From      string          `json:"from"`
	To        string          `json:"to"`
	Day       string          `json:"day"`
	Mapped    int             `json:"mapped"`
	Undecided int             `json:"needs_decision"`
	Dropped   int             `json:"no_successor"`
	Items     []MoveItem      `json:"items"`
	Open      []KindCount     `json:"open_cases" description:"stay on the older version until they end"`
	Without   []CatalogueKind `json:"without_condition" description:"kinds of the newer version that no condition goes to"`
}

// DriftReport is where the city differs from the province.
type DriftReport struct {
	Edition     string       `json:"edition"`
	Version     string       `json:"version"`
	SHA256      string       `json:"sha256"`
	At          time.Time    `json:"at"`
	Same        int          `json:"same"`
	Differences []Difference `json:"differences"`
}

// Difference is one point of it.
type Difference struct {
	Line     string `json:"line"`
	Kind     string `json:"kind"`
	KindZh   string `json:"kind_zh"`
	What     string `json:"what" enum:"missing,added,limit_longer,limit_shorter,limit_unit,kind,filing,closing,area_class"`
	City     string `json:"city"`
	Province string `json:"province"`
}

type overlayQuery struct {
	Edition string `query:"edition" required:"true" minLength:"1" maxLength:"40"`
	Version string `query:"version" required:"true" maxLength:"40" description:"standard or year"`
	SHA256  string `query:"sha256" required:"true" pattern:"^[0-9a-fA-F]{64}$" example:"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" description:"of the body, as the province gave it"`
}

// OverlayReceived is the edition that was kept.
type OverlayReceived struct {
	Edition    string    `json:"edition"`
	SHA256     string    `json:"sha256"`
	At         time.Time `json:"at"`
	Conditions int       `json:"conditions"`
}

func catalogRoutes() []Route {
	const tag = "catalogue"
	imports := guarded("POST", "/catalogue/conditions/import", access.CatalogEdit, tag,
		"导入立案条件（请求体为 CSV 或 XLSX），全部成功或全部不变", "import filing conditions (the body is CSV or XLSX), all or nothing")
	imports.MaxBody, imports.Body = maxConditionFile, "text/csv"
	overlay := guarded("POST", "/catalogue/overlay", access.CatalogOverlay, tag,
		"接收省级立案条件（请求体为 CSV，附 SHA-256）", "receive the province's filing conditions (the body is CSV, with its SHA-256)")
	overlay.MaxBody, overlay.Body = maxConditionFile, "text/csv"
	own := guarded("POST", "/catalogue/kinds", access.CatalogEdit, tag, "新增本市自定类别", "add a kind of the city's own")
	own.Status = http.StatusCreated
	return []Route{
		web.Handle(guarded("GET", "/conditions", access.CatalogRead, tag, "当日立案条件与时限", "filing conditions and limits in force today"), conditions),
		web.Handle(guarded("GET", "/catalogue/versions", access.CatalogRead, tag, "目录版本与换版记录", "versions of the catalogue and the city's moves"), versions),
		web.Handle(guarded("GET", "/catalogue/kinds", access.CatalogRead, tag, "部件和事件类别", "kinds of parts and events"), kinds),
		web.Handle(own, addKind),
		web.Handle(guarded("GET", "/catalogue/conditions", access.CatalogRead, tag, "立案条件（可查历史）", "filing conditions, those of the past too"), findConditions),
		web.Handle(imports, importConditions),
		web.Handle(guarded("GET", "/catalogue/export", access.CatalogRead, tag, "导出立案条件", "export the filing conditions"), exportConditions),
		web.Handle(guarded("GET", "/catalogue/move", access.CatalogEdit, tag, "预演换版", "rehearse a move to another version"), rehearseMove),
		web.Handle(guarded("POST", "/catalogue/move", access.CatalogEdit, tag, "换版，全部成功或全部不变", "move to another version, all or nothing"), moveCatalogue),
		web.Handle(guarded("GET", "/catalogue/drift", access.CatalogRead, tag, "与省级立案条件的差异", "where the city differs from the province"), drift),
		web.Handle(overlay, receiveOverlay),
		web.Handle(guarded("POST", "/catalogue/overlay/adopt", access.CatalogOverlay, tag, "采用省级立案条件，次日生效", "adopt the province's conditions from tomorrow on"), adoptOverlay),
	}
}

// versionOf reads a version that may be absent.
func versionOf(s string) (catalog.Version, error) {
	if s == "" {
		return "", nil
	}
	return catalog.ParseVersion(s)
}

func versions(ctx context.Context, r *Request, _ none) (CatalogueVersions, error) {
	out := CatalogueVersions{Versions: []CatalogueVersion{}, Moves: []CatalogueMove{}}
	now, err := r.City.Catalogue.InForce(ctx)
	if err != nil {
		return out, err
	}
	for _, v := range catalog.Versions() {
		l := v.Layout()
		zh, en := v.Title()
		sure, from := v.Provenance()
		out.Versions = append(out.Versions, CatalogueVersion{
			string(v), v.Year(), zh, en, v == now, l.ClassDigits, l.SubDigits, l.PartIDDigits, l.TypeCodeDigits, len(v.Kinds()), string(sure), from,
		})
	}
	moves, err := r.City.Catalogue.History(ctx)
	for _, m := range moves {
		out.Moves = append(out.Moves, CatalogueMove{string(m.From), string(m.To), m.Day, m.At, m.By, m.Conditions, m.Decided, m.Ended})
	}
	return out, err
}

func kinds(ctx context.Context, r *Request, in kindsQuery) ([]CatalogueKind, error) {
	v, err := versionOf(in.Version)
	if err != nil {
		return nil, err
	}
	list, err := r.City.Catalogue.KindsOf(ctx, v)
	return kindsOf(list), err
}

func addKind(ctx context.Context, r *Request, in localKind) (CatalogueKind, error) {
	k, err := r.City.Catalogue.AddKind(ctx, catalog.LocalKind{Sort: catalog.Sort(in.Sort), Class: in.Class, Code: in.Code, Name: in.Name, NameEn: in.NameEn})
	return kindOf(k), err
}

func conditions(ctx context.Context, r *Request, _ none) ([]Condition, error) {
	return findConditions(ctx, r, conditionsQuery{})
}

func findConditions(ctx context.Context, r *Request, in conditionsQuery) ([]Condition, error) {
	v, err := versionOf(in.Version)
	if err != nil {
		return nil, err
	}
	list, err := r.City.Catalogue.Find(ctx, catalog.Query{Version: v, Day: in.Day, Sort: catalog.Sort(in.Sort), Kind: in.Kind, All: in.All})
	out := make([]Condition, len(list))
	for i, c := range list {
		out[i] = conditionOf(c)
	}
	return out, err
}

// bodyOf reads a body that is a file.
func bodyOf(r *Request) ([]byte, error) {
	body, err := io.ReadAll(r.HTTP.Request.Body)
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, errs.Field("body", fmt.Sprintf("文件过大，最多 %d MB", large.Limit>>20), fmt.Sprintf("the file is too large, at most %d MB", large.Limit>>20))
	}
	return body, err
}

// sheet is a body that is a table.
type sheet struct{ *table.Reader }

func openSheet(r *Request) (calendar.Sheet, error) {
	body, err := bodyOf(r)
	if err != nil {
		return nil, err
	}
	t, err := table.Open("body", bytes.NewReader(body), int64(len(body)), table.Limits{Rows: 20_000, Unpacked: 64 << 20, Strings: 16 << 20})
	return sheet{t}, err
}

func (s sheet) Next() (calendar.Row, error) {
	row, err := s.Reader.Next()
	return calendar.Row{Number: row.Number, Cells: row.Cells, Day: func(i int) (string, bool) {
		day, fault := row.Date(i)
		if fault != nil || day.IsZero() {
			return "", fault == nil
		}
		return day.Format(time.DateOnly), day.Year() >= calendar.FirstYear && day.Year() <= calendar.LastYear
	}}, err
}

func conditionReport(r catalog.ImportReport, err error) (ConditionReport, error) {
	out := ConditionReport{r.Added, r.Revised, r.Ended, r.Unchanged, []ConditionChange{}}
	for _, i := range r.Items {
		out.Changes = append(out.Changes, ConditionChange(i))
	}
	return out, err
}

func importConditions(ctx context.Context, r *Request, in rehearsal) (ConditionReport, error) {
	file, err := openSheet(r)
	if err != nil {
		return ConditionReport{}, err
	}
	return conditionReport(r.City.Catalogue.ImportSheet(ctx, "body", file, in.Rehearse))
}

func exportConditions(ctx context.Context, r *Request, in exportConditionsQuery) (web.Download, error) {
	v, err := versionOf(in.Version)
	if err != nil {
		return web.Download{}, err
	}
	list, err := r.City.Catalogue.Find(ctx, catalog.Query{Version: v, Day: in.Day, All: in.All})
	if err != nil {
		return web.Download{}, err
	}
	format := table.CSV
	if in.Format == "xlsx" {
		format = table.XLSX
	}
	zh := in.Lang != "en"
	return web.Download{Type: format.MediaType(), Name: "立案条件-" + r.City.Settings.Name + "." + string(format), Write: func(w io.Writer) error {
		out := table.NewWriter(w, format, "立案条件")
		var header []any
		for _, name := range catalog.AllColumns(zh) {
			header = append(header, name)
		}
		if err := out.Write(header...); err != nil {
			return err
		}
		for _, c := range list {
			if err := out.Write(c.Cells(zh)...); err != nil {
				return err
			}
		}
		return out.Close()
	}}, nil
}

func moveReport(r catalog.MoveReport, err error) (MoveReport, error) {
	out := MoveReport{
		From: string(r.From), To: string(r.To), Day: r.Day, Items: []MoveItem{}, Open: []KindCount{}, Without: kindsOf(r.Without),
		Mapped: r.Count(catalog.Moves), Undecided: r.Count(catalog.Undecided), Dropped: r.Count(catalog.Dropped),
	}
	for _, i := range r.Items {
		out.Items = append(out.Items, MoveItem{
			i.Condition.Code, i.Condition.Filing, kindOf(i.Condition.Kind), string(i.Fate), i.To, string(i.Confidence), i.Note, kindsOf(i.Candidates), i.Decided,
		})
	}
	for _, o := range r.Open {
		out.Open = append(out.Open, KindCount{kindOf(o.Kind), o.Cases})
	}
	return out, err
}

func rehearseMove(ctx context.Context, r *Request, in moveQuery) (MoveReport, error) {
	v, err := catalog.ParseVersion(in.To)
	if err != nil {
		return MoveReport{}, err
	}
	return moveReport(r.City.Catalogue.RehearseMove(ctx, v))
}

func moveCatalogue(ctx context.Context, r *Request, in moveOrder) (MoveReport, error) {
	v, err := catalog.ParseVersion(in.To)
	if err != nil {
		return MoveReport{}, err
	}
	order := catalog.MoveInput{To: v, Day: in.Day, By: r.Session.Account.ID}
	for _, d := range in.Decisions {
		order.Decisions = append(order.Decisions, catalog.Decision(d))
	}
	return moveReport(r.City.Catalogue.Move(ctx, order))
}

func drift(ctx context.Context, r *Request, _ none) (DriftReport, error) {
	d, err := r.City.Catalogue.Drift(ctx)
	out := DriftReport{d.Edition, string(d.Version), d.SHA256, d.At, d.Same, []Difference{}}
	for _, x := range d.Differences {
		out.Differences = append(out.Differences, Difference{x.Line, x.Kind.Code, x.Kind.Name, x.What, x.City, x.Province})
	}
	return out, err
}

func receiveOverlay(ctx context.Context, r *Request, in overlayQuery) (OverlayReceived, error) {
	v, err := catalog.ParseVersion(in.Version)
	if err != nil {
		return OverlayReceived{}, err
	}
	body, err := bodyOf(r)
	if err != nil {
		return OverlayReceived{}, err
	}
	o, err := r.City.Catalogue.SetOverlay(ctx, catalog.OverlayInput{Edition: in.Edition, Version: v, SHA256: in.SHA256, Body: body, By: r.Session.Account.ID})
	return OverlayReceived{o.Edition, o.SHA256, o.At, len(o.Conditions)}, err
}

func adoptOverlay(ctx context.Context, r *Request, in rehearsal) (ConditionReport, error) {
	return conditionReport(r.City.Catalogue.AdoptOverlay(ctx, in.Rehearse))
}
