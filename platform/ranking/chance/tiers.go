package chance

import "math"

// divide divides what is ordered into tiers, from the best: where boundary says,
// and then each side in the same way, until it says 0.
func divide[T any](ordered []T, boundary func(members []T) int) [][]T {
	if at := boundary(ordered); at > 0 {
		return append(divide(ordered[:at], boundary), divide(ordered[at:], boundary)...)
	}
	return [][]T{ordered}
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

// widest finds the boundary whose gap is furthest beyond what the gaps of tables of
// equal cities are there, ordered and divided in the same way (a simulated test
// against one tier; Scott and Knott, Biometrics 30, 1974, divide means so): how
// many cities are before it, and how many of the tables have a boundary as far out.
func widest(seen []float64, tables [][]float64) (at, asFar int) {
	means, spreads := make([]float64, len(seen)), make([]float64, len(seen))
	for i := range seen {
		var sum, squares float64
		for _, t := range tables {
			sum, squares = sum+t[i], squares+t[i]*t[i]
		}
		n := float64(len(tables))
		means[i] = sum / n
		spreads[i] = math.Sqrt(max(squares/n-means[i]*means[i], math.SmallestNonzeroFloat64))
	}
	furthest := func(gaps []float64) (at int, beyond float64) {
		beyond = math.Inf(-1)
		for i, g := range gaps {
			if b := (g - means[i]) / spreads[i]; b > beyond {
				at, beyond = i+1, b
			}
		}
		return at, beyond
	}
	at, beyond := furthest(seen)
	for _, t := range tables {
		if _, far := furthest(t); far >= beyond {
			asFar++
		}
	}
	return at, asFar
}
