package tenanthttp

import (
	"context"
	"io"
	"time"

	"wangge/internal/table"
	"wangge/internal/web"
	"wangge/tenant/casework"
)

// exportQuery is caseQuery without its page: the whole selection.
type exportQuery struct {
	Format     string `query:"format" enum:"csv,xlsx" description:"csv when absent"`
	Stage      string `query:"stage" description:"one or more stages, with commas between"`
	Department string `query:"department" description:"handles the case or helps"`
	Area       string `query:"area" maxLength:"15" description:"beginning of the grid code: county, street, community or grid"`
	Kind       string `query:"kind"`
	Channel    string `query:"channel" enum:"supervisor,citizen,hotline,transfer"`
	Overdue    bool   `query:"overdue" description:"only those past the time of their stage"`
	Text       string `query:"q" maxLength:"100" description:"words of description or address"`
	From       string `query:"from" description:"first day of the report: 2026-11-23"`
	To         string `query:"to" description:"last day of the report: 2026-11-23"`
}

// exportColumns head the file. Nothing in it tells who reported.
var exportColumns = []any{
	"案卷号 number", "阶段 stage", "来源 channel", "目录版本 catalogue", "事项编码 kind", "事项 kind name", "立案条件 condition", "部件 part",
	"问题描述 description", "地址 address", "经度 lon", "纬度 lat", "单元网格 grid", "处置部门 department",
	"返工 reworks", "回退 returns", "延期 extensions", "挂账 suspensions", "上报 reported", "立案 filed", "派遣 dispatched",
	"处置时限 due", "处置 handled", "结案 closed",
}

func exportCases(ctx context.Context, r *Request, in exportQuery) (web.Download, error) {
	f, err := caseQuery{
		Stage: in.Stage, Department: in.Department, Area: in.Area, Kind: in.Kind, Channel: in.Channel, Overdue: in.Overdue,
		Text: in.Text, From: in.From, To: in.To,
	}.filter(ctx, r)
	if err != nil {
		return web.Download{}, err
	}
	format := table.CSV
	if in.Format == "xlsx" {
		format = table.XLSX
	}
	name := "案卷-" + r.City.Settings.Name + "-" + time.Now().In(r.City.Calendar.Zone()).Format(time.DateOnly) + "." + string(format)
	return web.Download{Type: format.MediaType(), Name: name, Write: func(w io.Writer) error {
		out := table.NewWriter(w, format, "案卷")
		if err := out.Write(exportColumns...); err != nil {
			return err
		}
		err := r.City.Cases.Each(ctx, f, func(c casework.Case) error { return r.exportRow(ctx, out, &c) })
		if err != nil {
			return err
		}
		return out.Close()
	}}, nil
}

func (r *Request) exportRow(ctx context.Context, out *table.Writer, c *casework.Case) error {
	condition, err := r.City.Catalogue.Condition(ctx, c.Condition)
	if err != nil {
		return err
	}
	zone := r.City.Calendar.Zone()
	at := func(t time.Time) any {
		if t.IsZero() {
			return nil
		}
		return t.In(zone).Format(time.DateTime)
	}
	return out.Write(
		c.Number, c.Stage.Name().Zh, string(c.Channel), c.KindVersion, c.Kind, condition.Kind.Name, c.Condition, c.Part,
		c.Description, c.Address, c.Place.Lon, c.Place.Lat, c.Grid.String(), c.Department,
		c.Reworks, c.Returns, c.Extensions, c.Suspensions, at(c.ReportedAt), at(c.FiledAt), at(c.DispatchedAt),
		at(c.Handling.Due), at(c.HandledAt), at(c.ClosedAt),
	)
}
