package platformhttp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"wangge/internal/web"
	"wangge/platform"
	"wangge/platform/ranking"
	"wangge/platform/report"
	"wangge/tenant/evaluation"
)

// Frozen is an edition of the ranking that can no longer change.
type Frozen struct {
	Month    string    `json:"month"`
	Edition  int       `json:"edition"`
	Protocol string    `json:"protocol"`
	Hash     string    `json:"hash" description:"SHA-256 over the bytes of the document"`
	Reason   string    `json:"reason,omitempty" description:"of the correction"`
	FrozenAt time.Time `json:"frozen_at"`
}

// Edition is a frozen edition with what is in its document.
type Edition struct {
	Frozen
	Ranking ranking.Edition `json:"ranking"`
}

type monthKey struct {
	Month string `path:"month" json:"-" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" example:"2026-10"`
}

type editionKey struct {
	Month  string `path:"month" json:"-" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" example:"2026-10"`
	Number int    `query:"edition" minimum:"1" description:"the newest when absent"`
}

type reportKey struct {
	Month  string `path:"month" json:"-" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" example:"2026-10"`
	Number int    `query:"edition" minimum:"1" description:"the newest when absent"`
	Lang   string `query:"lang" enum:"zh-CN,zh,en"`
}

type freeze struct {
	Month  string `path:"month" json:"-" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" example:"2026-10"`
	Reason string `json:"reason" maxLength:"1000" description:"needed when the month is frozen already: this edition corrects it"`
}

func (p *Plane) rankingRoutes() []Route {
	const tag = "rankings"
	return []Route{
		web.Handle(guarded("GET", "/rankings", platform.RankingRead, tag, "各期排名", "the frozen editions of all months"), p.editions),
		web.Handle(created(guarded("POST", "/rankings/:month", platform.RankingFreeze, tag, "冻结月度排名；更正须写明原因", "freeze a month; a correction says why")), p.freeze),
		web.Handle(guarded("GET", "/rankings/:month", platform.RankingRead, tag, "一期排名", "one edition, proved"), p.edition),
		web.Handle(guarded("GET", "/rankings/:month/standing", platform.RankingRead, tag, "按当前数据试算，不冻结", "how the month stands by now, not frozen"), p.standing),
		web.Handle(guarded("GET", "/rankings/:month/document", platform.RankingRead, tag, "冻结文件原文", "the sealed document, byte for byte"), p.document),
		web.Handle(guarded("GET", "/rankings/:month/workbook", platform.RankingRead, tag, "排名工作簿（XLSX）", "one edition as a workbook"), p.workbook),
		web.Handle(guarded("GET", "/rankings/:month/report", platform.RankingRead, tag, "排名报告（HTML）", "one edition as a page to keep"), p.rankingReport),
		web.Handle(signedIn("/indicators", tag, "指标定义", "definitions of the indicators"), indicators),
	}
}

func (p *Plane) editions(ctx context.Context, _ *web.Caller, _ none) ([]Frozen, error) {
	list, err := p.Rankings.Editions(ctx)
	out := make([]Frozen, len(list))
	for i, f := range list {
		out[i] = viewFrozen(f)
	}
	return out, err
}

func viewFrozen(f ranking.Frozen) Frozen {
	return Frozen{f.Month, f.Number, f.Protocol, f.Hash, f.Reason, f.FrozenAt}
}

func (p *Plane) freeze(ctx context.Context, _ *web.Caller, in freeze) (Frozen, error) {
	f, err := p.Rankings.Freeze(ctx, in.Month, in.Reason)
	return viewFrozen(f), err
}

func (p *Plane) edition(ctx context.Context, _ *web.Caller, in editionKey) (Edition, error) {
	e, f, err := p.Rankings.Edition(ctx, in.Month, in.Number)
	return Edition{viewFrozen(f), e}, err
}

func (p *Plane) standing(ctx context.Context, _ *web.Caller, in monthKey) (ranking.Edition, error) {
	return p.Rankings.Standing(ctx, in.Month)
}

func (p *Plane) document(ctx context.Context, _ *web.Caller, in editionKey) (web.File, error) {
	_, f, err := p.Rankings.Edition(ctx, in.Month, in.Number)
	return web.File{Type: "application/json", Name: fileOf(f, "json"), Body: f.Document}, err
}

func (p *Plane) workbook(ctx context.Context, r *web.Caller, in reportKey) (web.File, error) {
	const xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	return p.printed(ctx, r, in, report.Workbook, xlsx, "xlsx")
}

func (p *Plane) rankingReport(ctx context.Context, r *web.Caller, in reportKey) (web.File, error) {
	return p.printed(ctx, r, in, report.Ranking, "text/html; charset=utf-8", "html")
}

// printed is an edition as a file to keep.
func (p *Plane) printed(ctx context.Context, r *web.Caller, in reportKey, write func(io.Writer, report.Page, ranking.Edition, ranking.Frozen) error, media, ext string) (web.File, error) {
	e, f, err := p.Rankings.Edition(ctx, in.Month, in.Number)
	if err != nil {
		return web.File{}, err
	}
	var out bytes.Buffer
	err = write(&out, p.sheet(r), e, f)
	return web.File{Type: media, Name: fileOf(f, ext), Body: out.Bytes()}, err
}

func fileOf(f ranking.Frozen, ext string) string {
	return fmt.Sprintf("ranking-%s-%d.%s", f.Month, f.Number, ext)
}

// sheet is how reports are shown to the caller.
func (p *Plane) sheet(r *web.Caller) report.Page {
	return report.Page{Lang: report.Lang(web.Language(r.HTTP)), Issuer: p.Issuer, Zone: p.Zone}
}

func indicators(context.Context, *web.Caller, none) ([]evaluation.Indicator, error) {
	return evaluation.Indicators(), nil
}
