// Package ranking compares the cities of a province by a protocol: scores,
// places, and editions that are frozen with their inputs and can be proved and
// recomputed years later. It owns no figure: those come through the exchange.
package ranking

import (
	"cmp"
	"context"
	"slices"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/evaluation"
)

// CityFigures is what a city brings to a month.
type CityFigures struct {
	Code     string            `json:"code"`
	Name     string            `json:"name"`
	Days     int64             `json:"days"`     // days of the month the city published figures for
	Revision int64             `json:"revision"` // the highest revision among them
	Counts   evaluation.Counts `json:"counts"`
}

// Reason says why a city has no rank.
type Reason string

// The reasons. None of them is a score of zero.
const (
	NoData      Reason = "no_data"      // 无数据: nothing published for the month
	NoneDue     Reason = "none_due"     // 无应结案: nothing fell due
	SmallSample Reason = "small_sample" // 样本不足: fewer than the protocol's minimum
)

// Place is one city's line.
type Place struct {
	Code   string           `json:"code"`
	Name   string           `json:"name"`
	Rank   int              `json:"rank"` // 0 when unranked
	Reason Reason           `json:"reason,omitempty"`
	Score  evaluation.Score `json:"score"`
	Chance *Chance          `json:"chance,omitempty"` // nil when unranked, and in editions of the first form
}

// Edition is one ranking of a month: the rule, the inputs and what came of them.
type Edition struct {
	Format     string                 `json:"format"`
	Month      string                 `json:"month"`    // 2026-03
	Number     int                    `json:"edition"`  // 1, then one more with every correction
	Reason     string                 `json:"reason"`   // of the correction
	Corrects   string                 `json:"corrects"` // hash of the edition before
	AsOf       time.Time              `json:"as_of"`
	Protocol   Protocol               `json:"protocol"`
	Indicators []evaluation.Indicator `json:"indicators"` // definitions of those the protocol uses
	Inputs     []CityFigures          `json:"inputs"`     // by code
	Places     []Place                `json:"places"`     // by rank, then code; the unranked last
}

// The forms of an edition. The first did not say how sure it is.
const (
	firstFormat = "wangge.ranking/1"
	format      = "wangge.ranking/2"
)

// ErrImpossible is returned for figures no city can have.
var ErrImpossible = errs.New(errs.Invalid, "impossible_figures", "城市数据不成立，未计算排名", "the cities' figures cannot be; nothing was ranked")

// Compute scores and ranks the cities of a month. It depends on nothing but its
// arguments; the order of cities does not matter.
func Compute(p Protocol, month string, cities []CityFigures) (Edition, error) {
	if faults := p.faults(""); len(faults) > 0 {
		return Edition{}, errs.Problems(faults...)
	}
	e := Edition{Format: format, Month: month, Number: 1, Protocol: p, Inputs: slices.Clone(cities)}
	slices.SortFunc(e.Inputs, func(a, b CityFigures) int { return cmp.Compare(a.Code, b.Code) })
	if err := check(month, e.Inputs); err != nil {
		return Edition{}, err
	}
	for _, w := range p.Weights {
		ind, _ := indicator(w.Indicator)
		e.Indicators = append(e.Indicators, ind)
	}
	for _, c := range e.Inputs {
		score, err := evaluation.ScoreOf(p.Weights, c.Counts)
		if err != nil {
			return Edition{}, err
		}
		e.Places = append(e.Places, Place{Code: c.Code, Name: c.Name, Reason: p.excludes(c, score), Score: score})
	}
	rank(e.Places)
	judge(e.Places, seedOf(p, month))
	return e, nil
}

// excludes says why a city is not ranked, "" when it is.
func (p Protocol) excludes(c CityFigures, s evaluation.Score) Reason {
	volume := c.Counts[p.Minimum.Count]
	switch {
	case c.Days == 0:
		return NoData
	case s.None || volume == 0:
		return NoneDue
	case volume < p.Minimum.Quantity:
		return SmallSample
	}
	return ""
}

// rank orders the places and numbers those without a reason against it.
func rank(places []Place) {
	unranked := func(p Place) int {
		if p.Reason != "" {
			return 1
		}
		return 0
	}
	slices.SortFunc(places, func(a, b Place) int {
		if c := cmp.Compare(unranked(a), unranked(b)); c != 0 {
			return c
		}
		if unranked(a) == 0 && a.Score.Points != b.Score.Points {
			return cmp.Compare(b.Score.Points, a.Score.Points)
		}
		return cmp.Compare(a.Code, b.Code)
	})
	for i := range places {
		switch {
		case places[i].Reason != "":
		case i > 0 && places[i-1].Score.Points == places[i].Score.Points:
			places[i].Rank = places[i-1].Rank
		default:
			places[i].Rank = i + 1
		}
	}
}

// check refuses a month that is none, a city twice, negative counts, and more
// good cases than cases. Reworks may outnumber what was handled.
func check(month string, cities []CityFigures) error {
	var faults []errs.Problem
	if _, err := time.Parse("2006-01", month); err != nil {
		faults = append(faults, errs.Problem{Field: "month", Zh: "不是月份：" + month, En: "not a month: " + month})
	}
	for i, c := range cities {
		fault := func(field, zh, en string) {
			faults = append(faults, errs.Problem{Field: c.Code + "." + field, Zh: zh, En: en})
		}
		if c.Code == "" || i > 0 && cities[i-1].Code == c.Code {
			fault("code", "城市代码为空或重复", "the city's code is empty or comes twice")
		}
		for count, n := range c.Counts {
			if n < 0 {
				fault(string(count), "计数不得为负", "a count must not be negative")
			}
		}
		for _, ind := range evaluation.Indicators() {
			if r := ind.Of(c.Counts); ind.Better == evaluation.High && r.Numerator > r.Denominator {
				fault(ind.Code, "分子大于分母", "the numerator exceeds the denominator")
			}
		}
	}
	if len(faults) == 0 {
		return nil
	}
	bad := *ErrImpossible
	bad.Problems = faults
	return &bad
}

// Store keeps the editions and gives the figures they are made from.
type Store interface {
	InTx(ctx context.Context, fn func(Store) error) error
	// Figures returns every city that ever went into service with the sum of
	// what it published of a month.
	Figures(ctx context.Context, month string) ([]CityFigures, error)
	// Editions returns those of a month by number; for "" those of all months,
	// newest first and without their documents.
	Editions(ctx context.Context, month string) ([]Frozen, error)
	AddEdition(ctx context.Context, f Frozen) error // ErrTaken when the number is
}
