package evaluation

import (
	"fmt"
	"math/big"
)

// Weight gives an indicator its share of a score; weights need not sum to 100,
// they are taken relative to those that have a value.
type Weight struct {
	Indicator string `json:"indicator"`
	Weight    int64  `json:"weight"`
}

// Item is one line of a score: what the indicator was and the points it brought.
type Item struct {
	Indicator string `json:"indicator"`
	Weight    int64  `json:"weight"`
	Ratio     Ratio  `json:"ratio"`
	Points    Points `json:"points"` // of 100, before weighting; meaningless when Ratio.None()
}

// Points is hundredths of a point: 9372 is 93.72.
type Points int64

// String prints points with two decimals.
func (p Points) String() string { return fmt.Sprintf("%d.%02d", p/100, p%100) }

// Score is a weighted sum of indicators out of 100. With no item that has a
// value there is no score (None).
type Score struct {
	Points Points `json:"points"`
	None   bool   `json:"none"`
	Items  []Item `json:"items"`
}

// ScoreOf computes Σ weight × item over the items that have a value, divided by
// their weights. Counts stay exact and are rounded once, half up, at the end.
// An unknown indicator is an error: a protocol must not silently lose an item.
func ScoreOf(weights []Weight, c Counts) (Score, error) {
	byCode := map[string]Indicator{}
	for _, i := range Indicators() {
		byCode[i.Code] = i
	}
	var out Score
	sum, total := new(big.Rat), new(big.Rat)
	for _, w := range weights {
		ind, ok := byCode[w.Indicator]
		if !ok || w.Weight <= 0 {
			return Score{}, fmt.Errorf("weight %q: no such indicator or not above zero", w.Indicator)
		}
		item := Item{Indicator: w.Indicator, Weight: w.Weight, Ratio: ind.Of(c)}
		if !item.Ratio.None() {
			good := ind.good(item.Ratio)
			item.Points = round(good)
			weight := big.NewRat(w.Weight, 1)
			sum.Add(sum, new(big.Rat).Mul(weight, good))
			total.Add(total, weight)
		}
		out.Items = append(out.Items, item)
	}
	if total.Sign() == 0 {
		out.None = true
		return out, nil
	}
	out.Points = round(sum.Quo(sum, total))
	return out, nil
}

// Percent returns the ratio in hundredths of a percent, half up; zero when none.
func (r Ratio) Percent() Points {
	if r.None() {
		return 0
	}
	return round(big.NewRat(r.Numerator, r.Denominator))
}

// round turns a share of one into hundredths of a point, half up.
func round(share *big.Rat) Points {
	scaled := new(big.Rat).Mul(share, big.NewRat(10000, 1))
	scaled.Add(scaled, big.NewRat(1, 2))
	return Points(new(big.Int).Quo(scaled.Num(), scaled.Denom()).Int64())
}
