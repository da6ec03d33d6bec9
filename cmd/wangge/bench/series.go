package bench

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// series holds a value for each round of every figure.
type series map[string][]float64

func (s series) add(key string, value float64) { s[key] = append(s[key], value) }

func (s series) medians() map[string]float64 {
	out := make(map[string]float64, len(s))
	for key, values := range s {
		out[key] = median(values)
	}
	return out
}

// spreads leaves out what has one value only.
func (s series) spreads() map[string]float64 {
	out := make(map[string]float64, len(s))
	for key, values := range s {
		if len(values) > 1 {
			out[key] = spread(values)
		}
	}
	return out
}

// median is the middle value, the mean of the two middle ones, 0 of none.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// spread is the distance of the highest value from the lowest as a share of
// the median.
func spread(values []float64) float64 {
	middle := median(values)
	if middle == 0 {
		return 0
	}
	return (slices.Max(values) - slices.Min(values)) / middle
}

// percentile is the smallest value that p of a hundred do not exceed (nearest
// rank), 0 of none.
func percentile(values []float64, p int) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	rank := (p*len(sorted) + 99) / 100
	return sorted[max(rank, 1)-1]
}

// laps are the times, in milliseconds, that a worker's requests took.
type laps struct{ commands, reads []float64 }

func since(began time.Time) (ms float64) { return time.Since(began).Seconds() * 1000 }

// crowd lets workers repeat work until d is over. The rate counts until the
// last of them has finished what it had begun.
func crowd(ctx context.Context, workers int, d time.Duration, work func(ctx context.Context, worker int, l *laps) error) (done int, perSecond float64, all laps, err error) {
	counts, each := make([]int, workers), make([]laps, workers)
	group, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for w := range workers {
		group.Go(func() error {
			for time.Since(began) < d || counts[w] == 0 {
				if err := work(ctx, w, &each[w]); err != nil {
					return err
				}
				counts[w]++
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, 0, laps{}, err
	}
	took := time.Since(began)
	for w := range workers {
		done += counts[w]
		all.commands, all.reads = append(all.commands, each[w].commands...), append(all.reads, each[w].reads...)
	}
	return done, float64(done) / took.Seconds(), all, nil
}

// repeat calls one, with how often it was called before, until d is over. It
// looks at the clock after every batch only, so that the clock is not measured.
func repeat(d time.Duration, batch int, one func(i int) error) (done int, perSecond float64, err error) {
	began := time.Now()
	for {
		for range batch {
			if err := one(done); err != nil {
				return done, 0, err
			}
			done++
		}
		if took := time.Since(began); took >= d {
			return done, float64(done) / took.Seconds(), nil
		}
	}
}
