package chance_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"wangge/platform/ranking/chance"
)

// month draws how many of so many cases each of the cities does well, at its
// true rate, and returns their rates with the error that all cases together give.
func month(random *rand.Rand, rates []float64, cases []int) []chance.Measured {
	good, all, counts := 0, 0, make([]int, len(rates))
	for i, rate := range rates {
		for range cases[i] {
			if random.Float64() < rate {
				counts[i]++
			}
		}
		good, all = good+counts[i], all+cases[i]
	}
	rate := (float64(good) + 0.5) / (float64(all) + 1)
	out := make([]chance.Measured, len(rates))
	for i := range rates {
		n := float64(cases[i])
		out[i] = chance.Measured{Code: fmt.Sprint(100 + i), Score: float64(counts[i]) / n, Error: math.Sqrt(rate * (1 - rate) / n)}
	}
	return out
}

func equal[T any](n int, v T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = v
	}
	return out
}

const months = 300

func TestSixteenEqualCitiesAreOneTierInAtLeast95OfAHundredMonths(t *testing.T) {
	t.Parallel()
	for name, cases := range map[string][]int{
		"1,000 cases each": equal(16, 1000),
		"60 to 6,000":      {60, 80, 100, 150, 200, 300, 400, 500, 700, 900, 1200, 1600, 2200, 3000, 4500, 6000},
	} {
		random, one := rand.New(rand.NewPCG(1, 1)), 0
		for n := range months {
			s := chance.Compare(month(random, equal(16, 0.9), cases), uint64(n))
			if s[len(s)-1].Tier == 1 {
				one++
			}
		}
		t.Logf("%s: %d of %d months", name, one, months)
		if one < months*95/100 {
			t.Errorf("%s: one tier in %d of %d months", name, one, months)
		}
	}
}

func TestACityFivePointsBetterLeavesTheTierOfTheOthersInAtLeast80OfAHundredMonths(t *testing.T) {
	t.Parallel()
	random, left := rand.New(rand.NewPCG(2, 1)), 0
	rates := append([]float64{0.95}, equal(15, 0.9)...)
	for n := range months {
		s := chance.Compare(month(random, rates, equal(16, 1000)), uint64(n))
		if s[0].Code == "100" && s[0].Tier == 1 && s[1].Tier > 1 {
			left++
		}
	}
	t.Logf("alone in the first tier in %d of %d months", left, months)
	if left < months*80/100 {
		t.Errorf("it is alone in the first tier in %d of %d months", left, months)
	}
}

func TestACityWithThreeCasesNeverLeads(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 1))
	rates, cases := []float64{1, 0.95, 0.93, 0.9, 0.9, 0.88, 0.85}, []int{3, 1000, 1000, 1000, 1000, 1000, 1000}
	for n := range months {
		m := month(random, rates, cases)
		s := chance.Compare(m, uint64(n))
		if s[0].Code == "100" {
			t.Fatalf("month %d: three cases of three, and it leads: %+v", n, s)
		}
		at := slices.IndexFunc(s, func(s chance.Standing) bool { return s.Code == "100" })
		if s[at].High-s[at].Low < 3 {
			t.Errorf("month %d: three cases put it between %d and %d", n, s[at].Low, s[at].High)
		}
	}
}

func TestCitiesFarApartAreTiersOfTheirOwnAndTheirRanksAreSure(t *testing.T) {
	cities := []chance.Measured{{"a", 0.95, 0.005}, {"b", 0.85, 0.005}, {"c", 0.75, 0.005}}
	for i, s := range chance.Compare(cities, 1) {
		if s.Tier != i+1 || s.Low != i+1 || s.High != i+1 || (s.First == 1000) != (i == 0) {
			t.Errorf("%d: got %+v", i+1, s)
		}
	}
}

func TestRanksOfEqualCitiesCouldBeAny(t *testing.T) {
	cities := []chance.Measured{{"a", 0.9, 0.01}, {"b", 0.9, 0.01}, {"c", 0.9, 0.01}, {"d", 0.9, 0.01}}
	for _, s := range chance.Compare(cities, 1) {
		if s.Tier != 1 || s.Low != 1 || s.High != 4 || s.First < 150 || s.First > 350 {
			t.Errorf("got %+v", s)
		}
	}
}

func TestTheSteadyScoreIsHandWorked(t *testing.T) {
	// Errors 1 and 1, scores 10 and 16: Q = 18, between = (18 − 1) / (2 − 2/2) = 17, share 17/18.
	s := chance.Compare([]chance.Measured{{"a", 10, 1}, {"b", 16, 1}}, 1)
	if math.Abs(s[0].Steady-(13+17.0/18*3)) > 1e-12 || math.Abs(s[1].Steady-(13-17.0/18*3)) > 1e-12 {
		t.Errorf("got %v and %v", s[0].Steady, s[1].Steady)
	}
}

func TestTheOrderOfTheCitiesDoesNotMatterAndTiersFollowTheSteadyScore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var cities []chance.Measured
		for i := range rapid.IntRange(1, 12).Draw(t, "cities") {
			cities = append(cities, chance.Measured{
				Code: fmt.Sprint(i), Score: rapid.Float64Range(0, 1).Draw(t, "score"), Error: rapid.Float64Range(0.001, 0.3).Draw(t, "error"),
			})
		}
		seed := rapid.Uint64().Draw(t, "seed")
		one, other := chance.Compare(cities, seed), chance.Compare(rapid.Permutation(cities).Draw(t, "order"), seed)
		if !slices.Equal(one, other) {
			t.Fatalf("got %v, in another order %v", one, other)
		}
		first := 0
		for i, s := range one {
			first += s.First
			if i > 0 && (s.Tier < one[i-1].Tier || s.Tier > one[i-1].Tier+1 || s.Steady > one[i-1].Steady) || s.Low > s.High || s.Low < 1 || s.High > len(one) {
				t.Fatalf("standing %d: %+v after %+v", i, s, one[max(0, i-1)])
			}
		}
		if one[0].Tier != 1 || first != 1000 {
			t.Fatalf("the first tier is %d, and %d draws of 1000 have a best", one[0].Tier, first)
		}
	})
}

func BenchmarkCompare(b *testing.B) {
	m := month(rand.New(rand.NewPCG(1, 1)), equal(21, 0.9), equal(21, 2000))
	for b.Loop() {
		chance.Compare(m, 1)
	}
}
