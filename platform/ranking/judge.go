package ranking

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"wangge/platform/ranking/chance"
	"wangge/tenant/evaluation"
)

// Chance says how sure a city's place is.
type Chance struct {
	Tier   int               `json:"tier"`      // from 1; cities of one tier can't be told apart by this month's cases
	Low    int               `json:"rank_low"`  // nine draws of ten have its rank between these
	High   int               `json:"rank_high"` //
	Steady evaluation.Points `json:"steady"`    // its score drawn towards the mean, the more the fewer its cases are
	First  int               `json:"first"`     // in how many of 1,000 draws it is the best
}

// judge gives every ranked city its chance.
//
// How far a score could be off by chance is the sum of what its indicators
// could: the standard error of a rate with so many cases at the rate of all
// ranked cities together, by weight. Indicators of the same cases go up and down
// together, so that errors add up rather than cancel; where they do not, cities
// are told apart less easily than they could be, never more.
func judge(places []Place, seed uint64) {
	var ranked []*Place
	for i := range places {
		if places[i].Rank > 0 {
			ranked = append(ranked, &places[i])
		}
	}
	together := map[string]evaluation.Ratio{}
	for _, p := range ranked {
		for _, item := range p.Score.Items {
			r := together[item.Indicator]
			r.Numerator += min(item.Ratio.Numerator, item.Ratio.Denominator)
			r.Denominator += item.Ratio.Denominator
			together[item.Indicator] = r
		}
	}
	byCode, measured := map[string]*Place{}, make([]chance.Measured, len(ranked))
	for i, p := range ranked {
		byCode[p.Code] = p
		measured[i] = chance.Measured{Code: p.Code, Score: float64(p.Score.Points), Error: errorOf(p.Score, together)}
	}
	for _, s := range chance.Compare(measured, seed) {
		byCode[s.Code].Chance = &Chance{Tier: s.Tier, Low: s.Low, High: s.High, Steady: evaluation.Points(math.Round(s.Steady)), First: s.First}
	}
}

// errorOf is the standard error of a score, in hundredths of a point. A rate that
// all cities have alike, such as 100 %, is taken as half a case off, so that no
// score is exact.
func errorOf(s evaluation.Score, together map[string]evaluation.Ratio) float64 {
	var sum, weights float64
	for _, item := range s.Items {
		if item.Ratio.None() {
			continue
		}
		all := together[item.Indicator]
		rate := (float64(all.Numerator) + 0.5) / (float64(all.Denominator) + 1)
		sum += float64(item.Weight) * math.Sqrt(rate*(1-rate)/float64(item.Ratio.Denominator))
		weights += float64(item.Weight)
	}
	return 10000 * sum / weights
}

// seedOf makes the draws of a month those of its protocol, for whoever repeats them.
func seedOf(p Protocol, month string) uint64 {
	sum := sha256.Sum256([]byte(p.Code + " " + p.Version + " " + month))
	return binary.BigEndian.Uint64(sum[:])
}
