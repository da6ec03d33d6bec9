package bench

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"wangge/internal/gormx"
)

// Machine is where was measured.
type Machine struct {
	Cores                   int
	Processor, Go, Postgres string
	At                      time.Time
}

// Machine describes this one.
func (h *Host) Machine(ctx context.Context) (Machine, error) {
	version, err := h.Version(ctx)
	return Machine{runtime.NumCPU(), processor(), runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH, version, time.Now()}, err
}

// processor is the model's name, where the system tells it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// Print writes one result for a person.
func (res Result) Print(w io.Writer) error {
	b, err := find(res.Name)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s %s · %s · %d 轮 rounds, n = %d %s, %.0f s\n", b.zh, b.en, res.Engine, res.Rounds, res.N, res.Unit, res.Took)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "  项目 figure\t实测 measured\t离散 spread\t下限 floor\t倍数 ratio")
	for _, row := range res.rows() {
		fmt.Fprintln(t, "  "+strings.Join(row, "\t"))
	}
	return t.Flush()
}

// rows are the figures as text: the first one first, the others by name.
func (res Result) rows() (rows [][]string) {
	b, _ := find(res.Name) // a result has a benchmark
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(res.Figures)), func(key string) bool { return key == b.first })
	for _, key := range append([]string{b.first}, keys...) {
		row := []string{key, number(res.Figures[key]), share(res.Spread, key), "", ""}
		if floor, ok := res.Floor[key]; ok {
			row[3], row[4] = number(floor)+" ("+share(res.FloorSpread, key)+")", fmt.Sprintf("%.2f", res.Ratios[key])
		}
		rows = append(rows, row)
	}
	return rows
}

// number prints three digits that count.
func number(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// share prints a spread, nothing when there is none.
func share(spreads map[string]float64, key string) string {
	v, ok := spreads[key]
	if !ok {
		return ""
	}
	return fmt.Sprintf("%.0f %%", 100*v)
}

// Write writes the page of all results.
func Write(w io.Writer, m Machine, o Options, results []Result) error {
	p := &page{w: w}
	p.line("<!-- Made by `wangge bench --all --write`; run `make bench` to make it anew. -->\n")
	p.line("# 性能测量 / Benchmarks\n")
	p.line("Each figure stands beside a floor: the same work by the rawest means, measured in turns with it in the same run. "+
		"*Ratio* is how many times the floor's time ours takes; 1.00 would be as fast as can be. *Spread* is the distance of the highest round from the lowest, "+
		"as a share of the median; in the floor's column it is in brackets. Figures and floors are medians over %d rounds (provision: over the cities built), about %g s of measuring for each table; "+
		"the first, short round warms up and is not counted.\n", o.Rounds, o.Seconds)
	p.line("| | |\n|---|---|")
	p.line("| 日期 date | %s |", m.At.Format(time.DateOnly))
	p.line("| 处理器 processor | %s, %d cores |", m.Processor, m.Cores)
	p.line("| Go | %s |", m.Go)
	p.line("| PostgreSQL | %s, on the same machine, fsync on |", m.Postgres)
	p.line("| SQLite | a file on disk, WAL; synchronous FULL while provisioning, NORMAL in service, the floors alike |")
	p.line("\nAll of this page: `bin/wangge bench --all --seconds %g --rounds %d --write docs/benchmarks.md`, by default `make bench`.", o.Seconds, o.Rounds)
	for _, b := range benchmarks {
		p.benchmark(b, o, results)
	}
	return p.err
}

// page keeps the first error of writing it.
type page struct {
	w   io.Writer
	err error
}

func (p *page) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *page) benchmark(b benchmark, o Options, results []Result) {
	p.line("\n## %s / %s\n", b.zh, b.name)
	p.line("%s\n", b.how)
	p.line("**Floor.** %s\n", b.floor)
	p.line("```\nbin/wangge bench %s --engine sqlite --seconds %g --rounds %d --json\nbin/wangge bench %[1]s --engine postgres --seconds %[2]g --rounds %[3]d --json\n```\n", b.name, o.Seconds, o.Rounds)
	p.line("| engine | figure | measured | spread | floor (spread) | ratio | n |\n|---|---|---:|---:|---:|---:|---:|")
	for _, engine := range []gormx.Engine{gormx.SQLite, gormx.Postgres} {
		for _, res := range results {
			if res.Name != b.name || res.Engine != engine {
				continue
			}
			for i, row := range res.rows() {
				n := ""
				if i == 0 {
					n = fmt.Sprintf("%d %s", res.N, res.Unit)
				}
				p.line("| %s | `%s` | %s | %s | %s | %s | %s |", engine, row[0], row[1], row[2], row[3], row[4], n)
			}
		}
	}
}
