package evidence

import (
	"cmp"
	"math"
	"slices"
	"time"

	"wangge/tenant/grid"
)

// Pair puts an item from before the work beside one from after it. One of them
// is nil when the case has no partner for the other.
type Pair struct{ Before, After *Item }

// pairs matches what was taken before the work with what was taken after it,
// pictures with pictures and video with video: first those nearest to each
// other, then, where a place is not known, those nearest in time. Every such
// item comes back exactly once, pairs first; those left over follow in order of
// their arrival.
func pairs(items []Item) []Pair {
	type match struct {
		before, after *Item
		metres        float64 // +Inf when a place is not known
		apart         time.Duration
	}
	var before, after []*Item
	var matches []match
	for i := range items {
		switch it := &items[i]; {
		case kind(it.Type) == "audio":
		case it.Moment == Before:
			before = append(before, it)
		case it.Moment == After:
			after = append(after, it)
		}
	}
	for _, b := range before {
		for _, a := range after {
			if kind(a.Type) == kind(b.Type) {
				matches = append(matches, match{b, a, metres(b.Place, a.Place), a.when().Sub(b.when()).Abs()})
			}
		}
	}
	slices.SortStableFunc(matches, func(x, y match) int {
		return cmp.Or(cmp.Compare(x.metres, y.metres), cmp.Compare(x.apart, y.apart))
	})
	var out []Pair
	done := map[*Item]bool{}
	for _, m := range matches {
		if !done[m.before] && !done[m.after] {
			out = append(out, Pair{m.before, m.after})
			done[m.before], done[m.after] = true, true
		}
	}
	for _, b := range before {
		if !done[b] {
			out = append(out, Pair{Before: b})
		}
	}
	for _, a := range after {
		if !done[a] {
			out = append(out, Pair{After: a})
		}
	}
	return out
}

// when is when an item was taken, as far as anybody knows.
func (it *Item) when() time.Time {
	if it.TakenAt.IsZero() {
		return it.ReceivedAt
	}
	return it.TakenAt
}

// earthRadius is the mean radius of the earth in metres.
const earthRadius = 6_371_000

// metres is the distance of two places, good to a thousandth within a city.
func metres(a, b *grid.Point) float64 {
	if a == nil || b == nil {
		return math.Inf(1)
	}
	const degree = math.Pi / 180
	x := (b.Lon - a.Lon) * degree * math.Cos((a.Lat+b.Lat)/2*degree)
	return earthRadius * math.Hypot(x, (b.Lat-a.Lat)*degree)
}
