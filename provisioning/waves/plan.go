// Package waves brings the tables of all cities to the newest level in waves: one
// city first, the canary, then more and more, and no further than a city that
// failed or is not well afterwards. It owns the plan, its order and its
// resuming; what a migration does is migrations', and where it is remembered
// provisioningdb's.
package waves

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"wangge/internal/errs"
)

// Size is how many cities a wave has: a number of them, or a share of all.
type Size struct {
	Cities  int
	Percent int // of all cities of the rollout, rounded up; 0: Cities counts
}

// DefaultSizes are those of the waves after the canary: a tenth of the cities,
// then the rest.
func DefaultSizes() []Size { return []Size{{Percent: 10}} }

// ParseSizes reads the sizes of the waves after the canary, such as "5,10%,50%".
// What they leave is a last wave.
func ParseSizes(text string) (sizes []Size, err error) {
	for _, one := range strings.Split(text, ",") {
		number, percent := strings.CutSuffix(strings.TrimSpace(one), "%")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || percent && n > 100 {
			return nil, errs.Field("--sizes", "应为逗号分隔的城市数或百分比，如 5,10%："+one, "must be numbers of cities or percentages with commas, such as 5,10%: "+one)
		}
		size := Size{Cities: n}
		if percent {
			size = Size{Percent: n}
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}

// ErrNoCanary refuses a canary that is no city of the rollout.
var ErrNoCanary = errs.New(errs.Invalid, "no_canary", "先行城市 %s 不在本次升级之列", "the canary %s is no city of this rollout")

// Plan puts the cities into waves: the canary alone, or the first of the cities
// when none is named, then as many as each size says in the order given, then
// the rest. No city is in two waves and no wave is empty.
func Plan(cities []string, canary string, sizes []Size) ([][]string, error) {
	if len(cities) == 0 {
		return nil, nil
	}
	if canary == "" {
		canary = cities[0]
	}
	if !slices.Contains(cities, canary) {
		return nil, ErrNoCanary.With(canary)
	}
	waves := [][]string{{canary}}
	rest := slices.DeleteFunc(slices.Clone(cities), func(code string) bool { return code == canary })
	for _, size := range append(slices.Clone(sizes), Size{Percent: 100}) {
		n := min(size.of(len(cities)), len(rest))
		if n > 0 {
			waves = append(waves, rest[:n])
			rest = rest[n:]
		}
	}
	return waves, nil
}

// of is how many of all cities the size is.
func (s Size) of(all int) int {
	if s.Percent > 0 {
		return (all*s.Percent + 99) / 100
	}
	return s.Cities
}

// String prints the size as ParseSizes reads it.
func (s Size) String() string {
	if s.Percent > 0 {
		return fmt.Sprintf("%d%%", s.Percent)
	}
	return strconv.Itoa(s.Cities)
}
