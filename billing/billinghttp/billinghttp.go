// Package billinghttp serves invoices on the province's plane. It decodes, calls
// billing and encodes; rules are the domain's.
package billinghttp

import (
	"context"
	"time"

	"wangge/billing"
	"wangge/internal/web"
	"wangge/platform"
)

// Issuer harvests the cities and bills a month; one that is billed stays.
type Issuer interface {
	IssueInvoices(ctx context.Context, month string) ([]billing.Invoice, error)
}

// Desk is what the routes need.
type Desk struct {
	Issuer   Issuer
	Invoices billing.Reader
}

// Invoice is what a city owes for a month. Amounts are whole fen (分), with the
// same in yuan beside them for people.
type Invoice struct {
	Number   string    `json:"number" description:"month and city: 2026-10-130100"`
	City     string    `json:"city"`
	CityName string    `json:"city_name"`
	Month    string    `json:"month"`
	Tariff   Tariff    `json:"tariff"`
	Lines    []Line    `json:"lines"`
	TotalFen int64     `json:"total_fen"`
	Total    string    `json:"total" description:"in yuan: 1234.50"`
	IssuedAt time.Time `json:"issued_at"`
}

// Tariff names the tariff an invoice was made with.
type Tariff struct {
	Code    string `json:"code"`
	Version string `json:"version"`
	NameZh  string `json:"name_zh"`
	NameEn  string `json:"name_en"`
	Example bool   `json:"example" description:"example prices, not the province's own; say so wherever the invoice is shown"`
	NoteZh  string `json:"note_zh"`
	NoteEn  string `json:"note_en"`
}

// Line is one line of an invoice.
type Line struct {
	Kind      string `json:"kind" enum:"base,usage,late"`
	Month     string `json:"month" description:"the month the line is for; of late usage an earlier one than the invoice's"`
	Metric    string `json:"metric,omitempty"`
	TextZh    string `json:"text_zh"`
	TextEn    string `json:"text_en"`
	Quantity  int64  `json:"quantity"`
	UnitFen   int64  `json:"unit_fen"`
	Unit      string `json:"unit" description:"in yuan"`
	AmountFen int64  `json:"amount_fen" description:"quantity times unit_fen"`
	Amount    string `json:"amount" description:"in yuan"`
}

// Invoices are the invoices of one month.
type Invoices struct {
	Invoices []Invoice `json:"invoices"`
}

// Page is a page of invoices, the newest month first, by city within a month.
type Page struct {
	Invoices []Invoice `json:"invoices"`
	Next     string    `json:"next,omitempty" description:"cursor of the next page, absent on the last"`
}

type query struct {
	Month string `query:"month" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" example:"2026-10" description:"all months when absent"`
	After string `query:"after" description:"cursor of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"200"`
}

type key struct {
	Number string `path:"number" json:"-" example:"2026-10-130100"`
}

type month struct {
	Month string `json:"month" required:"true" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" example:"2026-10" description:"a month that is over"`
}

// Routes is the route table.
func Routes(d Desk) []web.Route[*web.Caller] {
	return []web.Route[*web.Caller]{
		web.Handle(guarded("GET", "/invoices", platform.InvoiceRead, "账单列表", "list invoices"), d.list),
		web.Handle(guarded("GET", "/invoices/:number", platform.InvoiceRead, "账单详情", "one invoice"), d.one),
		web.Handle(guarded("POST", "/invoices", platform.InvoiceIssue,
			"开具某月账单；已开具的保持不变", "bill a month; invoices that exist stay as they are"), d.issue),
	}
}

func guarded(method, path string, p platform.Permission, zh, en string) web.Route[*web.Caller] {
	return web.Route[*web.Caller]{Method: method, Path: path, Permission: string(p), Tag: "invoices", Summary: web.Text{Zh: zh, En: en}}
}

func (d Desk) list(ctx context.Context, _ *web.Caller, in query) (Page, error) {
	if in.Limit <= 0 || in.Limit > billing.MaxPage {
		in.Limit = billing.MaxPage
	}
	found, err := d.Invoices.Invoices(ctx, billing.Filter{Month: in.Month, After: in.After, Limit: in.Limit})
	page := Page{Invoices: shown(found)}
	if len(found) == in.Limit {
		page.Next = found[in.Limit-1].Number
	}
	return page, err
}

func (d Desk) one(ctx context.Context, _ *web.Caller, in key) (Invoice, error) {
	i, err := d.Invoices.Invoice(ctx, in.Number)
	return show(i), err
}

func (d Desk) issue(ctx context.Context, _ *web.Caller, in month) (Invoices, error) {
	issued, err := d.Issuer.IssueInvoices(ctx, in.Month)
	return Invoices{shown(issued)}, err
}

func shown(invoices []billing.Invoice) []Invoice {
	out := make([]Invoice, len(invoices))
	for n, i := range invoices {
		out[n] = show(i)
	}
	return out
}

func show(i billing.Invoice) Invoice {
	out := Invoice{
		Number: i.Number, City: i.City, CityName: i.CityName, Month: i.Month, Tariff: Tariff(i.Tariff),
		Lines: make([]Line, len(i.Lines)), TotalFen: int64(i.Total), Total: i.Total.String(), IssuedAt: i.IssuedAt,
	}
	for n, l := range i.Lines {
		out.Lines[n] = Line{
			Kind: string(l.Kind), Month: l.Month, Metric: l.Metric, TextZh: l.Zh, TextEn: l.En, Quantity: l.Quantity,
			UnitFen: int64(l.Unit), Unit: l.Unit.String(), AmountFen: int64(l.Amount), Amount: l.Amount.String(),
		}
	}
	return out
}
