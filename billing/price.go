package billing

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// lines prices a month of a city: the base fee, then what the invoice took,
// the month's own usage first and late usage by its month.
func (t Tariff) lines(month period, activeAt time.Time, took []Claim) ([]Line, error) {
	base, err := t.base(month, activeAt)
	if err != nil {
		return nil, err
	}
	own, late := []Line{base}, []Line(nil)
	for _, c := range took {
		used, err := t.usage(month, c)
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", c.Metric, c.Month, err)
		}
		if c.Month == month.name {
			own = append(own, used...)
		} else {
			late = append(late, used...)
		}
	}
	return append(own, late...), nil
}

// base is the monthly fee. The month a city went into service is paid by its
// days in service, rounded half up once.
func (t Tariff) base(month period, activeAt time.Time) (Line, error) {
	l := Line{Kind: Base, Month: month.name, Quantity: 1, Unit: t.Base, Amount: t.Base,
		Zh: "基础服务费 " + month.name, En: "base fee " + month.name}
	days, of := month.daysFrom(activeAt)
	if days == of {
		return l, nil
	}
	share, err := t.Base.Share(days, of)
	l.Unit, l.Amount = share, share
	l.Zh += fmt.Sprintf("（%s 元 × %d/%d 天，四舍五入到分）", t.Base, days, of)
	l.En += fmt.Sprintf(" (%s yuan × %d/%d days, rounded half up to the fen)", t.Base, days, of)
	return l, err
}

// usage prices what was taken, one line per tier it falls in. Late usage goes
// on where its month's usage ended, so it costs what it would have in time.
func (t Tariff) usage(month period, c Claim) ([]Line, error) {
	i := slices.IndexFunc(t.Prices, func(p Price) bool { return p.Metric == c.Metric })
	if i < 0 {
		return nil, ErrNoPrice.With(c.Metric)
	}
	price, from, left := t.Prices[i], c.Before, c.Quantity
	var out []Line
	for _, tier := range price.Tiers {
		end := tier.UpTo
		if end == 0 {
			end = math.MaxInt64
		}
		n := min(left, end-from)
		if n <= 0 {
			continue
		}
		amount, err := tier.Fen.Times(n)
		if err != nil {
			return nil, err
		}
		l := Line{Kind: Used, Month: c.Month, Metric: c.Metric, Quantity: n, Unit: tier.Fen, Amount: amount,
			Zh: price.NameZh + " " + c.Month, En: price.NameEn + " " + c.Month}
		if c.Month != month.name {
			l.Kind, l.Zh, l.En = Late, "补计 "+c.Month+" "+price.NameZh, "late usage of "+c.Month+": "+price.NameEn
		}
		l.Zh += fmt.Sprintf("（当月第 %d–%d 件）", from+1, from+n)
		l.En += fmt.Sprintf(" (nos. %d–%d of the month)", from+1, from+n)
		out = append(out, l)
		from, left = from+n, left-n
	}
	if left > 0 {
		return nil, ErrTooLarge
	}
	return out, nil
}

// total adds up lines.
func total(lines []Line) (sum Fen, err error) {
	for _, l := range lines {
		if sum, err = sum.Plus(l.Amount); err != nil {
			return 0, err
		}
	}
	return sum, nil
}
