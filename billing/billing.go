// Package billing turns what the cities used into invoices: usage is harvested
// from each city exactly once, one tariff prices it, and each city gets one
// invoice a month, in integer fen. What a city used is the city's to record
// (tenant/usage); rows are billingdb's and routes billinghttp's.
package billing

import (
	"context"
	"regexp"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/usage"
)

// zone is where a month begins and ends.
var zone = time.FixedZone("Asia/Shanghai", 8*60*60)

// City is who is billed.
type City struct {
	Code, Name string
	ActiveAt   time.Time // when it went into service; billed from that day on
	Tariff     string    // code of the tariff it subscribed to; "" for whichever there is
}

// Kind says what a line of an invoice is for.
type Kind string

// The kinds of lines.
const (
	Base Kind = "base"  // the monthly fee
	Used Kind = "usage" // usage of the invoice's own month
	Late Kind = "late"  // usage of a month before, which arrived after its invoice
)

// Line is one line of an invoice. Amount is Quantity times Unit.
type Line struct {
	Kind     Kind
	Month    string // the month it is for
	Metric   string // of usage; "" for the monthly fee
	Zh, En   string
	Quantity int64
	Unit     Fen
	Amount   Fen
}

// Invoice is what one city owes for one month. Once issued it stays.
type Invoice struct {
	Number   string // 2026-10-130100
	City     string
	CityName string
	Month    string // 2026-10
	Tariff   Label
	Lines    []Line
	Total    Fen
	IssuedAt time.Time
}

// ErrOtherTariff refuses to bill a city by a tariff it did not subscribe to.
var ErrOtherTariff = errs.New(errs.Conflict, "other_tariff",
	"该城市订阅的价目为 %s，平台当前的价目为 %s", "the city subscribed to tariff %s and the platform has %s")

// Number is the number of a city's invoice for a month.
func Number(month, city string) string { return month + "-" + city }

var invoiceNumber = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{6}$`)

// Claim is usage of one month that an invoice took, and how much of that month
// was on invoices before it.
type Claim struct {
	Month, Metric    string
	Before, Quantity int64
}

// MaxPage is the longest page of invoices.
const MaxPage = 200

// Filter chooses invoices, the newest month first and by city within a month.
type Filter struct {
	Month string // "" for all
	After string // number of the last invoice of the page before; "" for the first page
	Limit int    // MaxPage when not between 1 and MaxPage
}

// Check refuses a filter that is no month or no cursor, naming the field.
func (f Filter) Check() error {
	if f.Month != "" {
		if _, err := parseMonth(f.Month); err != nil {
			return err
		}
	}
	if !invoiceNumber.MatchString(f.After) && f.After != "" {
		return errs.Field("after", "不是账单编号（应如 2026-10-130100）："+f.After, "not the number of an invoice (such as 2026-10-130100): "+f.After)
	}
	return nil
}

// What billing refuses.
var (
	ErrNoInvoice = errs.New(errs.NotFound, "no_such_invoice", "没有这张账单", "no such invoice")
	ErrNotOver   = errs.New(errs.Conflict, "month_not_over", "该月尚未结束，不能开具账单", "the month is not over yet; it can't be billed")
	ErrNoPrice   = errs.New(errs.Conflict, "no_price", "资费中没有 %s 的单价，未开具账单", "the tariff has no price for %s; no invoice was issued")
	ErrTooLarge  = errs.New(errs.Conflict, "amount_too_large", "金额超出可计算范围，未开具账单", "the amount is too large to calculate; no invoice was issued")
	ErrGap       = errs.New(errs.Unavailable, "usage_gap", "城市 %s 的用量批次不连续：已采集至第 %d 批，收到第 %d 批", "the usage of city %s has a gap: batch %d was taken, batch %d came next")
)

// Reader reads invoices.
type Reader interface {
	Invoice(ctx context.Context, number string) (Invoice, error) // ErrNoInvoice
	Invoices(ctx context.Context, f Filter) ([]Invoice, error)   // refuses what f.Check does
}

// Store keeps harvested usage and invoices.
type Store interface {
	Reader
	InTx(ctx context.Context, fn func(Store) error) error

	// LastBatch returns the last batch taken from a city, 0 with none.
	LastBatch(ctx context.Context, city string) (int64, error)
	// AddHarvest records that a batch is taken; false when it was before.
	AddHarvest(ctx context.Context, city string, batch int64, at time.Time) (bool, error)
	// AddUsage adds the usage of a batch just taken, on no invoice yet.
	AddUsage(ctx context.Context, city string, b usage.Batch) error

	// HoldCity keeps others from issuing to the city until the transaction ends.
	HoldCity(ctx context.Context, city string) error
	// OpenMonths lists the months with usage on no invoice; IssuedMonths those
	// with an invoice.
	OpenMonths(ctx context.Context, city string) ([]string, error)
	IssuedMonths(ctx context.Context, city string) ([]string, error)
	// Claim puts the open usage of months on the invoice of that number and
	// returns what it took, by month and metric.
	Claim(ctx context.Context, city, number string, months []string) ([]Claim, error)
	AddInvoice(ctx context.Context, i Invoice) error
}
