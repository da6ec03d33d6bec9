package ranking

import (
	"math"

	"wangge/tenant/evaluation"
)

// Wilson returns the 95 % score interval of a rate, in hundredths of a percent:
// how far chance alone could have moved it with so many cases. A ratio above
// one counts as one; with nothing due the interval is everything.
func Wilson(r evaluation.Ratio) (low, high evaluation.Points) {
	if r.None() {
		return 0, 10000
	}
	const z = 1.959963984540054
	n := float64(r.Denominator)
	p := min(1, float64(r.Numerator)/n)
	centre := p + z*z/(2*n)
	half := z * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	scale := 10000 / (1 + z*z/n)
	bound := func(v float64) evaluation.Points {
		return evaluation.Points(math.Round(min(10000, max(0, v*scale))))
	}
	return bound(centre - half), bound(centre + half)
}
