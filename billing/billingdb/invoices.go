package billingdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"wangge/billing"
	"wangge/internal/gormx"
)

type invoiceRow struct {
	Number   string `gorm:"primaryKey"`
	City     string
	CityName string
	Month    string
	Tariff   string
	Lines    string
	TotalFen int64
	IssuedAt gormx.Instant
}

func (invoiceRow) TableName() string { return "invoices" }

// lineJSON is a line as it is kept; the names are for good.
type lineJSON struct {
	Kind     billing.Kind `json:"kind"`
	Month    string       `json:"month"`
	Metric   string       `json:"metric,omitempty"`
	Zh       string       `json:"zh"`
	En       string       `json:"en"`
	Quantity int64        `json:"quantity"`
	Unit     billing.Fen  `json:"unit_fen"`
	Amount   billing.Fen  `json:"amount_fen"`
}

func (s store) AddInvoice(ctx context.Context, i billing.Invoice) error {
	lines := make([]lineJSON, len(i.Lines))
	for n, l := range i.Lines {
		lines[n] = lineJSON(l)
	}
	tariff, err := json.Marshal(i.Tariff)
	if err != nil {
		return err
	}
	text, err := json.Marshal(lines)
	if err != nil {
		return err
	}
	row := invoiceRow{i.Number, i.City, i.CityName, i.Month, string(tariff), string(text), int64(i.Total), gormx.At(i.IssuedAt)}
	return s.write.WithContext(ctx).Create(&row).Error
}

func (r invoiceRow) domain() (billing.Invoice, error) {
	i := billing.Invoice{Number: r.Number, City: r.City, CityName: r.CityName, Month: r.Month, Total: billing.Fen(r.TotalFen), IssuedAt: r.IssuedAt.Time}
	var lines []lineJSON
	if err := errors.Join(json.Unmarshal([]byte(r.Tariff), &i.Tariff), json.Unmarshal([]byte(r.Lines), &lines)); err != nil {
		return billing.Invoice{}, fmt.Errorf("invoice %s: %w", r.Number, err)
	}
	for _, l := range lines {
		i.Lines = append(i.Lines, billing.Line(l))
	}
	return i, nil
}

func (s store) Invoice(ctx context.Context, number string) (billing.Invoice, error) {
	var row invoiceRow
	err := s.read.WithContext(ctx).Where("number = ?", number).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return billing.Invoice{}, billing.ErrNoInvoice
	}
	if err != nil {
		return billing.Invoice{}, fmt.Errorf("invoice %s: %w", number, err)
	}
	return row.domain()
}

func (s store) Invoices(ctx context.Context, f billing.Filter) ([]billing.Invoice, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	if f.Limit <= 0 || f.Limit > billing.MaxPage {
		f.Limit = billing.MaxPage
	}
	q := s.read.WithContext(ctx).Order("month DESC, city").Limit(f.Limit)
	if f.Month != "" {
		q = q.Where("month = ?", f.Month)
	}
	if f.After != "" {
		month, city := f.After[:7], f.After[8:]
		q = q.Where("month < ? OR (month = ? AND city > ?)", month, month, city)
	}
	var rows []invoiceRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("invoices: %w", err)
	}
	out := make([]billing.Invoice, len(rows))
	for n, r := range rows {
		i, err := r.domain()
		if err != nil {
			return nil, err
		}
		out[n] = i
	}
	return out, nil
}
