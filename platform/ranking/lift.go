package ranking

import (
	"math"

	"wangge/tenant/evaluation"
)

// Lift is what would raise a city's score most: the indicator whose level at the
// best of the ranked cities would bring it the most, and how many points of its
// score that is. ok is false for a city that is the best in everything, and for
// one without a rank.
func Lift(places []Place, code string) (indicator string, gain evaluation.Points, ok bool) {
	best := map[string]evaluation.Points{}
	var own *Place
	for i, p := range places {
		if p.Rank == 0 {
			continue
		}
		if p.Code == code {
			own = &places[i]
		}
		for _, item := range p.Score.Items {
			if !item.Ratio.None() {
				best[item.Indicator] = max(best[item.Indicator], item.Points)
			}
		}
	}
	if own == nil {
		return "", 0, false
	}
	var weights float64
	for _, item := range own.Score.Items {
		if !item.Ratio.None() {
			weights += float64(item.Weight)
		}
	}
	for _, item := range own.Score.Items {
		if item.Ratio.None() {
			continue
		}
		more := float64(item.Weight) * float64(best[item.Indicator]-item.Points) / weights
		if points := evaluation.Points(math.Round(more)); points > gain {
			indicator, gain, ok = item.Indicator, points, true
		}
	}
	return indicator, gain, ok
}
