package billing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Issue bills the cities for a month that is over and returns its invoices. An
// invoice that exists stays as it is and is returned; a city that was not yet
// in service gets none. A city that fails does not keep the others from
// theirs; the errors are joined.
func Issue(ctx context.Context, store Store, month string, cities []City, t Tariff, now time.Time) ([]Invoice, error) {
	p, err := parseMonth(month)
	if err != nil {
		return nil, err
	}
	if now.Before(p.end) {
		return nil, ErrNotOver
	}
	var issued []Invoice
	var failed []error
	for _, c := range cities {
		if !c.ActiveAt.Before(p.end) {
			continue
		}
		i, err := issue(ctx, store, p, c, t, now)
		if err != nil {
			failed = append(failed, fmt.Errorf("invoice %s: %w", Number(month, c.Code), err))
			continue
		}
		issued = append(issued, i)
	}
	return issued, errors.Join(failed...)
}

// issue makes one invoice, or returns the one there is.
func issue(ctx context.Context, store Store, month period, c City, t Tariff, now time.Time) (i Invoice, err error) {
	if c.Tariff != "" && c.Tariff != t.Code {
		return Invoice{}, ErrOtherTariff.With(c.Tariff, t.Code)
	}
	err = store.InTx(ctx, func(store Store) error {
		if err := store.HoldCity(ctx, c.Code); err != nil {
			return err
		}
		if i, err = store.Invoice(ctx, Number(month.name, c.Code)); !errors.Is(err, ErrNoInvoice) {
			return err
		}
		if i, err = draw(ctx, store, month, c, t); err != nil {
			return err
		}
		i.IssuedAt = now.UTC().Truncate(time.Microsecond)
		return store.AddInvoice(ctx, i)
	})
	if err != nil {
		return Invoice{}, err
	}
	return i, nil
}

// draw claims the usage an invoice is for and prices it.
func draw(ctx context.Context, store Store, month period, c City, t Tariff) (Invoice, error) {
	open, err := store.OpenMonths(ctx, c.Code)
	if err != nil {
		return Invoice{}, err
	}
	issued, err := store.IssuedMonths(ctx, c.Code)
	if err != nil {
		return Invoice{}, err
	}
	i := Invoice{Number: Number(month.name, c.Code), City: c.Code, CityName: c.Name, Month: month.name, Tariff: t.Label}
	took, err := store.Claim(ctx, c.Code, i.Number, due(month.name, monthOf(c.ActiveAt), open, issued))
	if err != nil {
		return Invoice{}, err
	}
	if i.Lines, err = t.lines(month, c.ActiveAt, took); err != nil {
		return Invoice{}, err
	}
	i.Total, err = total(i.Lines)
	return i, err
}

// due picks the open months that go on a month's invoice: its own, and those
// before it that have theirs already or, being before the city's first month,
// never get one. A month skipped keeps its usage for its own invoice.
func due(month, first string, open, issued []string) []string {
	var out []string
	for _, m := range open {
		if m == month || m < month && (m < first || slices.Contains(issued, m)) {
			out = append(out, m)
		}
	}
	return out
}
