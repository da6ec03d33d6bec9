// Package chance says how sure a comparison is: which differences between
// cities are larger than what chance makes of equal ones, and between which
// places a city's rank may lie. It knows scores and how far each could be off by
// chance, and nothing of what they are scores of.
package chance

import (
	"cmp"
	"math"
	"slices"
)

// Measured is a score and its standard error, in the same unit: how far the
// score would scatter from month to month if nothing about the city changed.
type Measured struct {
	Code  string
	Score float64
	Error float64 // above 0
}

// Standing is where a city stands among the others.
type Standing struct {
	Code string
	// Steady is the score drawn towards the mean of all, the more the less the city
	// has been measured: what is expected of it next month.
	Steady    float64
	Tier      int // from 1, the best; cities of one tier can't be told apart
	Low, High int // its rank lies between these, in nine draws of ten
	First     int // in how many of 1,000 draws it is the best
}

// draws is how often ranks are drawn, and the tables of equal cities that a
// tier's boundary must beat.
const draws = 1000

// level is how often equal cities may be taken for different ones. It is below the
// five of a hundred that are promised, since rates of few cases scatter less
// evenly than the tables that are drawn. Near 1 they do so much less evenly that
// this is not enough: see decision 10.
const level = 0.03

// Compare compares cities. The seed makes it repeatable: the same seed and
// cities, in whatever order, give the same standings, by tier, steady score and
// code.
func Compare(cities []Measured, seed uint64) []Standing {
	if len(cities) == 0 {
		return nil
	}
	cities = slices.Clone(cities)
	slices.SortFunc(cities, func(a, b Measured) int { return cmp.Compare(a.Code, b.Code) })
	prior := priorOf(cities)
	out := make([]Standing, len(cities))
	for i, c := range cities {
		out[i] = Standing{Code: c.Code, Steady: prior.steady(c)}
	}
	order := byScore(cities, prior)
	split(order, seed, func(tier int, members []Measured) {
		for _, m := range members {
			out[indexOf(cities, m.Code)].Tier = tier
		}
	})
	ranks(cities, prior, seed, out)
	slices.SortFunc(out, func(a, b Standing) int {
		return cmp.Or(cmp.Compare(a.Tier, b.Tier), cmp.Compare(b.Steady, a.Steady), cmp.Compare(a.Code, b.Code))
	})
	return out
}

func indexOf(cities []Measured, code string) int {
	i, _ := slices.BinarySearchFunc(cities, code, func(m Measured, code string) int { return cmp.Compare(m.Code, code) })
	return i
}

// prior is how cities differ in truth: normally, around a mean, with a variance.
type prior struct{ mean, variance float64 }

// priorOf estimates the prior by the method of moments (DerSimonian and Laird,
// Controlled Clinical Trials 7, 1986): the variance between cities is what their
// scatter has beyond what their errors explain.
func priorOf(cities []Measured) prior {
	var sum, sumSquares, weighted float64
	for _, c := range cities {
		w := 1 / (c.Error * c.Error)
		sum, sumSquares, weighted = sum+w, sumSquares+w*w, weighted+w*c.Score
	}
	mean, q := weighted/sum, 0.0
	for _, c := range cities {
		q += (c.Score - mean) * (c.Score - mean) / (c.Error * c.Error)
	}
	p := prior{mean: mean}
	if free := sum - sumSquares/sum; free > 0 {
		p.variance = max(0, (q-float64(len(cities)-1))/free)
	}
	if p.variance > 0 { // the mean of cities that differ is not the mean of their cases
		sum, weighted = 0, 0
		for _, c := range cities {
			w := 1 / (c.Error*c.Error + p.variance)
			sum, weighted = sum+w, weighted+w*c.Score
		}
		p.mean = weighted / sum
	}
	return p
}

// steady is the mean of what a city's score may truly be (Morris, JASA 78, 1983).
func (p prior) steady(c Measured) float64 {
	share := p.variance / (p.variance + c.Error*c.Error)
	return p.mean + share*(c.Score-p.mean)
}

// spread is the standard deviation of what a city's score may truly be.
func (p prior) spread(c Measured) float64 {
	return math.Sqrt(p.variance * c.Error * c.Error / (p.variance + c.Error*c.Error))
}

// byScore orders cities from the best to the worst steady score.
func byScore(cities []Measured, p prior) []Measured {
	out := slices.Clone(cities)
	slices.SortFunc(out, func(a, b Measured) int {
		return cmp.Or(cmp.Compare(p.steady(b), p.steady(a)), cmp.Compare(a.Code, b.Code))
	})
	return out
}
