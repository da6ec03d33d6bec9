package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
)

func TestTheMiddleOfSomeValues(t *testing.T) {
	for _, c := range []struct {
		name                string
		values              []float64
		median, p95, spread float64
	}{
		{"nothing", nil, 0, 0, 0},
		{"one", []float64{3}, 3, 3, 0},
		{"an even number: between the two in the middle", []float64{4, 1, 3, 2}, 2.5, 4, 1.2},
		{"an odd number, in any order", []float64{9, 1, 5}, 5, 9, 1.6},
		{"one value far off moves the spread only", []float64{2, 2, 2, 2, 10}, 2, 10, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, p, s := median(c.values), percentile(c.values, 95), spread(c.values)
			if m != c.median || p != c.p95 || s != c.spread {
				t.Errorf("got median %v, p95 %v, spread %v; want %v, %v, %v", m, p, s, c.median, c.p95, c.spread)
			}
		})
	}
}

func TestAPercentileIsAValueThatWasMeasured(t *testing.T) {
	values := make([]float64, 200)
	for i := range values {
		values[i] = float64(200 - i) // 1 to 200, backwards
	}
	for p, want := range map[int]float64{1: 2, 50: 100, 95: 190, 99: 198, 100: 200} {
		if got := percentile(values, p); got != want {
			t.Errorf("p%d of 1 to 200: got %v, want %v", p, got, want)
		}
	}
	if values[0] != 200 {
		t.Error("the values were sorted in place")
	}
}

func TestARatioIsTheTimeBesideTheFloors(t *testing.T) {
	if got := times("cases_per_second", 500, 1000); got != 2 {
		t.Errorf("half the rate: got %v, want 2", got)
	}
	if got := times("seconds", 3, 1.5); got != 2 {
		t.Errorf("twice the seconds: got %v, want 2", got)
	}
}

// smallest is as small as the benchmarks still do all their work.
var smallest = size{cityGrids: 64, grids: 256, accounts: 21, clients: 2, cases: 500, registered: 4, changed: 1, perSecond: 2}

// keys are what each benchmark must tell; the first has a floor.
var keys = map[string][]string{
	"bigcity":    {"seconds"},
	"provision":  {"seconds", "p95_seconds", "cities_per_second"},
	"archive":    {"seconds", "verify_seconds", "import_seconds", "export_again_seconds", "megabytes"},
	"migrate":    {"change_seconds", "change_per_city_ms", "noop_seconds"},
	"registered": {"memory_mb", "connections", "open_cities"},
	"neighbour":  {"p99_ms", "p50_ms", "noisy_served_per_second", "noisy_refused_per_second"},
	"intake":     {"cases_per_second", "p50_ms", "p95_ms", "http_only_per_second"},
	"lifecycle":  {"lifecycles_per_second", "p95_ms", "read_p95_ms"},
	"load": {"full_lifecycles_per_second", "empty_lifecycles_per_second", "empty_half_rate_p95_ms", "full_half_rate_p95_ms",
		"empty_recovery_seconds", "full_recovery_seconds", "empty_rare_word_p95_ms", "full_rare_word_p95_ms", "empty_common_word_p95_ms", "full_common_word_p95_ms"},
	"locate":    {"lookups_per_second", "lookup_ns", "index_lookups_per_second", "index_lookup_ns"},
	"authorize": {"checks_per_second", "allowed_per_second", "denied_per_second", "fresh_per_second", "cold_ms"},
}

func TestEveryBenchmarkTellsItsFiguresBesideTheFloor(t *testing.T) {
	loud := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	t.Cleanup(func() { slog.SetDefault(loud) })
	h := NewHost()
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, name := range Names() {
		for _, engine := range Engines() {
			t.Run(name+"/"+string(engine), func(t *testing.T) {
				res, err := h.run(t.Context(), name, engine, Options{Seconds: 0.1, Rounds: 2}, smallest)
				if err != nil {
					t.Fatal(err)
				}
				text, err := json.Marshal(res)
				if err != nil {
					t.Fatal(err)
				}
				var got struct {
					Name, Engine   string
					Figures, Floor map[string]float64
					Ratio          float64
					N, Rounds      int
				}
				if err := json.Unmarshal(text, &got); err != nil {
					t.Fatal(err)
				}
				if got.Name != name || got.Engine != string(engine) || got.N < 1 || got.Rounds < 2 {
					t.Errorf("got %s", text)
				}
				if told := slices.Sorted(maps.Keys(got.Figures)); !slices.Equal(told, slices.Sorted(slices.Values(keys[name]))) {
					t.Errorf("got the figures %v, want %v", told, keys[name])
				}
				for key, v := range got.Figures {
					if v <= 0 {
						t.Errorf("%s is %v", key, v)
					}
				}
				if first := keys[name][0]; got.Floor[first] <= 0 || got.Ratio != times(first, got.Figures[first], got.Floor[first]) {
					t.Errorf("%s: got floor %v, ratio %v", first, got.Floor[first], got.Ratio)
				}
			})
		}
	}
}

func TestWhatCannotBeMeasuredIsRefused(t *testing.T) {
	h := NewHost()
	for _, c := range []struct {
		name    string
		o       Options
		problem string
	}{
		{"speed", Options{1, 1}, "name"},
		{"locate", Options{0, 1}, "--seconds"},
		{"locate", Options{1, 0}, "--rounds"},
	} {
		_, err := h.Run(t.Context(), c.name, gormx.SQLite, c.o)
		shown, ok := errs.As(err)
		if !ok || shown.Kind != errs.Invalid || shown.Problems[0].Field != c.problem {
			t.Errorf("%s, %v: got %v, want a problem of %s", c.name, c.o, err, c.problem)
		}
	}
}

func TestABenchmarkThatDoesNotDoItsWorkHasNoFigure(t *testing.T) {
	r := &run{Options: Options{Seconds: 0.01, Rounds: 1}}
	r.forget()
	err := r.rounds(t.Context(), r.mapped([]question{{1, "case:read", true}}), func(context.Context, time.Duration) error { return errCount })
	if !errors.Is(err, errCount) {
		t.Errorf("got %v, want it to fail", err)
	}
}

func TestThePageHasATableForEveryBenchmark(t *testing.T) {
	var results []Result
	for _, name := range Names() {
		for _, engine := range Engines() {
			b, err := find(name)
			if err != nil {
				t.Fatal(err)
			}
			r := run{engine: engine, figures: series{b.first: {4, 5, 6}, "p95_ms": {0.5}}, floor: series{b.first: {10, 10, 10}}, n: 7}
			results = append(results, r.result(b, time.Second))
		}
	}
	m := Machine{Cores: 2, Processor: "a processor", Go: "go1.26", Postgres: "15.1", At: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)}
	var page bytes.Buffer
	if err := Write(&page, m, Options{Seconds: 20, Rounds: 5}, results); err != nil {
		t.Fatal(err)
	}
	for _, b := range benchmarks {
		ratio := fmt.Sprintf("%.2f", times(b.first, 5, 10))
		for _, engine := range Engines() {
			row := fmt.Sprintf("| %s | `%s` | 5 | 40 %% | 10 (0 %%) | %s | 7 %s |", engine, b.first, ratio, b.unit)
			command := fmt.Sprintf("bin/wangge bench %s --engine %s --seconds 20 --rounds 5 --json", b.name, engine)
			for _, want := range []string{row, command, b.how, b.floor} {
				if !strings.Contains(page.String(), want) {
					t.Errorf("the page has no %q", want)
				}
			}
		}
	}
	for _, want := range []string{"2026-11-23", "a processor, 2 cores", "go1.26", "15.1"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}
