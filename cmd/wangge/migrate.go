package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"wangge/cmd/wangge/app"
	"wangge/internal/errs"
	"wangge/provisioning/waves"
)

type migrateCommand struct {
	Status migrateStatus `cmd:"" help:"at which level every city's tables are / 各城市的数据表级别"`
	Up     migrateUp     `cmd:"" help:"raise them wave by wave, a canary first; safe to run again / 升级"`
}

type migrateStatus struct {
	place
	JSON bool `name:"json" help:"print JSON"`
}

// levelRow is a city's level as the command line shows it.
type levelRow struct {
	Code     string `json:"code"`
	Name     string `json:"name"`
	State    string `json:"state"`
	Engine   string `json:"engine"`
	Level    int64  `json:"level"`
	Newest   int64  `json:"newest"`
	Recorded int64  `json:"recorded"` // in the registry; 0: never was
	Served   bool   `json:"served"`   // by this version
	Problem  string `json:"problem,omitempty"`
	Wave     int    `json:"wave,omitempty"` // in the rollout to the newest level
	Rollout  string `json:"rollout,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// Run prints every city's level as found in the city itself.
func (c migrateStatus) Run(ctx context.Context, s streams) error {
	return open(ctx, c.place, func(a *app.App) error {
		list, err := a.Levels(ctx)
		if err != nil {
			return err
		}
		newest, err := app.NewestLevel()
		if err != nil {
			return err
		}
		rows := make([]levelRow, len(list))
		for i, l := range list {
			rows[i] = levelRow{
				Code: l.Code, Name: l.Name, State: string(l.State), Engine: l.Engine, Level: l.At, Newest: newest, Recorded: l.Level,
				Served: l.Served == nil, Problem: problem(l.Served), Wave: l.Entry.Wave, Rollout: string(l.Entry.State), Reason: l.Entry.Reason,
			}
		}
		if c.JSON {
			return printJSON(s.out, rows)
		}
		w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "代码 code\t名称 name\t数据库 engine\t级别 level\t可服务 served\t波次 wave\t进展 rollout")
		for _, r := range rows {
			served := "是 yes"
			if !r.Served {
				served = "否 no"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%d / %d\t%s\t%s\t%s\n", r.Code, r.Name, r.Engine, r.Level, newest, served, waveOf(r.Wave), rolloutOf(r))
		}
		return w.Flush()
	})
}

// problem is what of an error may be shown.
func problem(err error) string {
	if err == nil {
		return ""
	}
	if shown, ok := errs.As(err); ok {
		return shown.En
	}
	return errs.KindOf(err).String()
}

func waveOf(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func rolloutOf(r levelRow) string {
	text := r.Rollout
	for _, more := range []string{r.Reason, r.Problem} {
		if more != "" {
			text += " " + more
		}
	}
	if text == "" {
		return "-"
	}
	return text
}

type migrateUp struct {
	place
	Canary   string `help:"code of the city that goes first; the first of those that are behind when empty" placeholder:"CODE"`
	Sizes    string `help:"sizes of the waves after the canary, in cities or per cent; the rest is a last wave" default:"10%"`
	Wave     int    `help:"stop after this wave, the canary's being the first; running it again goes on" placeholder:"N"`
	Parallel int    `help:"cities raised at once" default:"8"`
	Rehearse int    `help:"after the canary, every so many cities of a wave take a case through in a transaction that is rolled back; 1: all. The others are opened and read" default:"10"`
	JSON     bool   `name:"json" help:"print the outcome as JSON"`
}

// Run raises the cities until all are done, a wave was asked to be the last, or
// one failed.
func (c migrateUp) Run(ctx context.Context, s streams) error {
	sizes, err := waves.ParseSizes(c.Sizes)
	if err != nil {
		return err
	}
	if c.Wave < 0 || c.Rehearse < 1 || c.Parallel < 1 || c.Parallel > 64 {
		return errs.Problems(errs.Problem{Field: "--parallel", Zh: "应为 1–64，--rehearse 至少为 1，--wave 不得为负", En: "must be 1 to 64, --rehearse 1 at least, and --wave not negative"})
	}
	return open(ctx, c.place, func(a *app.App) error {
		began := time.Now()
		out, err := a.Raise(ctx, waves.Options{Canary: c.Canary, Sizes: sizes, Last: c.Wave, Parallel: c.Parallel, Rehearse: c.Rehearse}, func(wave, of int, city string, took time.Duration, err error) {
			switch {
			case city == "":
				fmt.Fprintf(s.err, "[%d/%d] 第 %[1]d 波 wave %[1]d\n", wave, of)
			case err != nil:
				fmt.Fprintf(s.err, "[%d/%d] %s 失败 failed\n", wave, of, city)
			default:
				fmt.Fprintf(s.err, "[%d/%d] %s %s\n", wave, of, city, took.Round(time.Millisecond))
			}
		})
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s.out, out)
		}
		_, err = fmt.Fprintf(s.out, "第 %d 级 level %[1]d：升级 raised %d，原已到位 as they were %d，待续 waiting %d（%s）\n",
			out.Level, out.Raised, out.AsWere, out.Waiting, time.Since(began).Round(time.Millisecond))
		return err
	})
}
