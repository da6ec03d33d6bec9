// Package bench measures the platform beside the rawest way of doing the same
// work, in turns within one run. It starts what it needs on loopback and leaves
// nothing behind. It owns nothing of the product.
package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/tenant/limit"
)

// Options say how long and how often is measured.
type Options struct {
	Seconds float64 // of measuring, for each benchmark
	Rounds  int
}

// Result is what one benchmark found on one engine. Keys carry their unit.
// Figures and floors are medians over the rounds.
type Result struct {
	Name    string             `json:"name"`
	Engine  gormx.Engine       `json:"engine"`
	Figures map[string]float64 `json:"figures"`
	Floor   map[string]float64 `json:"floor"`  // the same work by the rawest means, under the same keys
	Ratio   float64            `json:"ratio"`  // how many times the floor's time the first figure takes
	Ratios  map[string]float64 `json:"ratios"` // the same for every figure that has a floor
	N       int                `json:"n"`      // how many of the unit were measured, all rounds together
	Unit    string             `json:"unit"`
	Rounds  int                `json:"rounds"`
	// The distance of the highest round from the lowest, as a share of the median.
	Spread      map[string]float64 `json:"spread"`
	FloorSpread map[string]float64 `json:"floor_spread"`
	Took        float64            `json:"took_seconds"` // setting up included
}

// benchmark is one thing that is measured.
type benchmark struct {
	name, zh, en string
	first        string // the figure that Ratio is of
	unit         string // what N counts
	how, floor   string // in words
	do           func(context.Context, *run) error
}

var benchmarks = []benchmark{provision, bigcity, migrate, archive, registered, neighbour, intake, lifecycle, load, locate, authorize}

// Names lists the benchmarks.
func Names() []string {
	names := make([]string, len(benchmarks))
	for i, b := range benchmarks {
		names[i] = b.name
	}
	return names
}

// Engines lists the engines, the default first.
func Engines() []gormx.Engine { return []gormx.Engine{gormx.SQLite, gormx.Postgres} }

// size is how large the measured thing is. Only tests take a smaller one.
type size struct {
	cityGrids, grids, accounts, clients, cases, registered, changed int
	perSecond                                                       int64 // requests that a city may make
}

var full = size{cityGrids: 256, grids: 20_000, accounts: 500, clients: 16, cases: 1_000_000, registered: 340, changed: 100, perSecond: limit.Defaults()[limit.Requests]}

func (o Options) check() error {
	var faults []errs.Problem
	if o.Seconds <= 0 || o.Seconds > 600 {
		faults = append(faults, errs.Problem{Field: "--seconds", Zh: "测量时长应大于 0、不超过 600 秒", En: "seconds must be above 0 and at most 600"})
	}
	if o.Rounds < 1 || o.Rounds > 100 {
		faults = append(faults, errs.Problem{Field: "--rounds", Zh: "轮数应为 1–100", En: "rounds must be 1 to 100"})
	}
	return errs.Problems(faults...)
}

// run is one benchmark under way.
type run struct {
	Options
	size
	host           *Host
	engine         gormx.Engine
	figures, floor series
	n              int
}

// Run runs one benchmark on one engine. A name that is no benchmark's is refused.
func (h *Host) Run(ctx context.Context, name string, engine gormx.Engine, o Options) (Result, error) {
	return h.run(ctx, name, engine, o, full)
}

func (h *Host) run(ctx context.Context, name string, engine gormx.Engine, o Options, s size) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	b, err := find(name)
	if err != nil {
		return Result{}, err
	}
	began := time.Now()
	r := &run{Options: o, size: s, host: h, engine: engine}
	r.forget()
	if err := b.do(ctx, r); err != nil {
		return Result{}, fmt.Errorf("bench %s on %s: %w", name, engine, err)
	}
	return r.result(b, time.Since(began)), nil
}

func find(name string) (benchmark, error) {
	i := slices.IndexFunc(benchmarks, func(b benchmark) bool { return b.name == name })
	if i < 0 {
		list := strings.Join(Names(), ", ")
		return benchmark{}, errs.Field("name", "测量项目应为以下之一："+list, "the benchmarks are "+list)
	}
	return benchmarks[i], nil
}

// forget throws away what was measured so far: it was the warming up.
func (r *run) forget() { r.figures, r.floor, r.n = series{}, series{}, 0 }

// rounds gives every part its equal share of the time in every round, and lets
// another part begin each time, so that a machine that slows down slows all. A
// short round before the first warms up and is not counted.
func (r *run) rounds(ctx context.Context, parts ...func(context.Context, time.Duration) error) error {
	share := time.Duration(r.Seconds * float64(time.Second) / float64(r.Rounds*len(parts)))
	for _, part := range parts {
		if err := part(ctx, share/4); err != nil {
			return err
		}
	}
	r.forget()
	for round := range r.Rounds {
		for i := range parts {
			if err := parts[(round+i)%len(parts)](ctx, share); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (r *run) result(b benchmark, took time.Duration) Result {
	res := Result{
		Name: b.name, Engine: r.engine, Figures: r.figures.medians(), Floor: r.floor.medians(), Ratios: map[string]float64{},
		N: r.n, Unit: b.unit, Rounds: len(r.figures[b.first]), Spread: r.figures.spreads(), FloorSpread: r.floor.spreads(), Took: took.Seconds(),
	}
	for key, floor := range res.Floor {
		res.Ratios[key] = times(key, res.Figures[key], floor)
	}
	res.Ratio = res.Ratios[b.first]
	return res
}

// times is how many times the floor's time the figure takes.
func times(key string, figure, floor float64) float64 {
	if rate(key) {
		figure, floor = floor, figure
	}
	if floor == 0 {
		return 0
	}
	return figure / floor
}

// rate says whether more is better.
func rate(key string) bool { return strings.HasSuffix(key, "_per_second") }

// errCount says that a benchmark did not do what it says; its figure would lie.
var errCount = errors.New("the work was not done")
