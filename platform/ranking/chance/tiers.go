package chance

import "math"

// split divides ordered cities into tiers and calls tier with each, from the
// best. A tier is divided where its two sides differ most beyond what the sides
// of equal cities with the same errors do there, if they do by more than in all
// but level of the tables of equal cities that are drawn, each ordered and
// divided in the same way (a simulated test against one tier; Scott and Knott,
// Biometrics 30, 1974, divide means so). So equal cities are one tier in 95
// months of 100 at least, however many cases each has, as long as scores scatter
// normally: rates near 1 of few cases do not.
func split(ordered []Measured, seed uint64, tier func(number int, members []Measured)) {
	number := 0
	var divide func(members []Measured)
	divide = func(members []Measured) {
		if at := boundary(members, seed); at > 0 {
			divide(members[:at])
			divide(members[at:])
			return
		}
		number++
		tier(number, members)
	}
	divide(ordered)
}

// gaps are the differences between the means of the two sides of each boundary
// between ordered cities, in standard errors.
func gaps(ordered []Measured) []float64 {
	var weight, sum float64
	for _, c := range ordered {
		w := 1 / (c.Error * c.Error)
		weight, sum = weight+w, sum+w*c.Score
	}
	out := make([]float64, len(ordered)-1)
	var above, sumAbove float64
	for i, c := range ordered[:len(out)] {
		w := 1 / (c.Error * c.Error)
		above, sumAbove = above+w, sumAbove+w*c.Score
		below := weight - above
		out[i] = (sumAbove/above - (sum-sumAbove)/below) / math.Sqrt(1/above+1/below)
	}
	return out
}

// boundary is the number of cities before the boundary of two tiers; 0 when
// these cities are one.
func boundary(ordered []Measured, seed uint64) int {
	if len(ordered) < 2 {
		return 0
	}
	tables := equals(ordered, seed)
	means, spreads := make([]float64, len(ordered)-1), make([]float64, len(ordered)-1)
	for i := range means {
		var sum, squares float64
		for _, t := range tables {
			sum, squares = sum+t[i], squares+t[i]*t[i]
		}
		means[i] = sum / draws
		spreads[i] = math.Sqrt(max(squares/draws-means[i]*means[i], math.SmallestNonzeroFloat64))
	}
	widest := func(gaps []float64) (at int, beyond float64) {
		beyond = math.Inf(-1)
		for i, g := range gaps {
			if b := (g - means[i]) / spreads[i]; b > beyond {
				at, beyond = i+1, b
			}
		}
		return at, beyond
	}
	bounds := make([]float64, len(tables))
	for n, t := range tables {
		_, bounds[n] = widest(t)
	}
	if at, beyond := widest(gaps(ordered)); beyond > quantile(bounds, 1-level) {
		return at
	}
	return 0
}

// equals are the gaps in tables of cities that differ by chance alone, with the
// errors that these have.
func equals(members []Measured, seed uint64) [][]float64 {
	out := make([][]float64, draws)
	streams := streamsOf(members, seed)
	table := make([]Measured, len(members))
	for n := range out {
		for i, m := range members {
			table[i] = Measured{Code: m.Code, Score: m.Error * streams[i].normal(), Error: m.Error}
		}
		out[n] = gaps(byScore(table, priorOf(table)))
	}
	return out
}
