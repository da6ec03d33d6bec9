package chance

import (
	"cmp"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
)

// ranks draws what the scores may truly be, ranks them, and notes between which
// places nine draws of ten have a city (Goldstein and Spiegelhalter, JRSS A 159,
// 1996). When cities are not known to differ at all any rank is as likely.
func ranks(cities []Measured, p prior, seed uint64, out []Standing) {
	// A variance of nothing would leave the order to rounding.
	errorOf := make([]float64, len(cities))
	for i, c := range cities {
		errorOf[i] = c.Error
	}
	small := quantile(errorOf, 0.5) / 10
	p.variance = max(p.variance, small*small)
	streams := streamsOf(cities, seed)
	type drawn struct {
		city  int
		score float64
	}
	table, places := make([]drawn, len(cities)), make([][]float64, len(cities))
	for range draws {
		for i, c := range cities {
			table[i] = drawn{i, p.steady(c) + p.spread(c)*streams[i].normal()}
		}
		slices.SortFunc(table, func(a, b drawn) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.city, b.city)) })
		out[table[0].city].First++
		for place, d := range table {
			places[d.city] = append(places[d.city], float64(place+1))
		}
	}
	for i := range cities {
		out[i].Low, out[i].High = int(quantile(places[i], 0.05)), int(quantile(places[i], 0.95))
	}
}

// stream is a city's own row of random numbers, so that another city more or
// less does not change it.
type stream struct{ random *rand.PCG }

func streamsOf(cities []Measured, seed uint64) []stream {
	out := make([]stream, len(cities))
	for i, c := range cities {
		h := fnv.New64a()
		_, _ = h.Write([]byte(c.Code)) // never fails
		out[i] = stream{rand.NewPCG(seed, h.Sum64())}
	}
	return out
}

// normal is a standard normal number, by the inverse of its distribution.
func (s stream) normal() float64 {
	uniform := (float64(s.random.Uint64()>>11) + 0.5) / (1 << 53)
	return math.Sqrt2 * math.Erfinv(2*uniform-1)
}

// quantile is the value that a share of the values are not above. It sorts them.
func quantile(values []float64, share float64) float64 {
	slices.Sort(values)
	return values[min(len(values)-1, max(0, int(math.Ceil(share*float64(len(values))))-1))]
}
