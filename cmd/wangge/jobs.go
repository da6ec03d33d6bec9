package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"wangge/cmd/wangge/app"
	"wangge/internal/schedule"
)

type jobsCommand struct {
	place
	Last int `help:"how many runs of each job" default:"3"`
}

// Run prints when each job is due and how its newest runs went.
func (c jobsCommand) Run(ctx context.Context, s streams) error {
	return open(ctx, c.place, func(a *app.App) error {
		jobs := a.Jobs()
		scheduler, err := schedule.New(a.Province, jobs, app.Holder(), a.Config.Now)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "任务 job\t计划 schedule\t到期 due\t结束 finished\t次数 attempts\t结果 outcome\t进程 holder")
		for _, j := range jobs {
			runs, err := scheduler.History(ctx, j.Name, c.Last)
			if err != nil {
				return err
			}
			if len(runs) == 0 {
				fmt.Fprintf(w, "%s\t%s\t-\t-\t-\t尚未运行 never ran\t-\n", j.Name, j.Spec)
			}
			for _, r := range runs {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", j.Name, j.Spec, moment(r.Due), moment(r.Finished), r.Attempts, r.Outcome, r.Holder)
			}
		}
		return w.Flush()
	})
}
