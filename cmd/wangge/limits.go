package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"wangge/cmd/wangge/app"
	"wangge/tenant/limit"
)

type cityLimits struct {
	place
	Code     string `arg:"" help:"six-digit code of the city"`
	Requests *int64 `name:"requests-per-second" help:"requests a second; 0: the platform's limit again" placeholder:"N"`
	Queries  *int64 `name:"at-once" help:"requests served at once" placeholder:"N"`
	Storage  *int64 `help:"bytes of evidence" placeholder:"BYTES"`
	Users    *int64 `help:"accounts" placeholder:"N"`
	Import   *int64 `name:"import-size" help:"bytes of one file that is imported" placeholder:"BYTES"`
	JSON     bool   `name:"json" help:"print JSON"`
}

// limitRow is a limit of a city as the command line shows it.
type limitRow struct {
	Limit   limit.What `json:"limit"`
	Value   int64      `json:"value"`
	Default int64      `json:"default"`
	Own     bool       `json:"own"` // the city's own, not the platform's
}

// Run sets what is given, which every server heeds within two seconds, and
// prints the limits of the city.
func (c cityLimits) Run(ctx context.Context, s streams) error {
	own := limit.Limits{}
	for what, value := range map[limit.What]*int64{
		limit.Requests: c.Requests, limit.Queries: c.Queries, limit.Storage: c.Storage, limit.Users: c.Users, limit.Import: c.Import,
	} {
		if value != nil {
			own[what] = *value
		}
	}
	return open(ctx, c.place, func(a *app.App) error {
		if _, err := a.Registry.City(ctx, c.Code); err != nil {
			return err
		}
		if err := a.Registry.SetLimits(ctx, c.Code, own); err != nil {
			return err
		}
		all, err := a.Registry.Limits(ctx)
		if err != nil {
			return err
		}
		return c.print(s, a.Config.Limits, all[c.Code])
	})
}

func (c cityLimits) print(s streams, defaults, own limit.Limits) error {
	var rows []limitRow
	for _, k := range limit.Kinds() {
		_, set := own[k.What]
		rows = append(rows, limitRow{k.What, defaults.With(own)[k.What], defaults[k.What], set})
	}
	if c.JSON {
		return printJSON(s.out, rows)
	}
	w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "限额 limit\t数值 value\t默认 default\t来源 from")
	for i, k := range limit.Kinds() {
		from := "默认 default"
		if rows[i].Own {
			from = "本市 the city's own"
		}
		fmt.Fprintf(w, "%s %s\t%d\t%d\t%s\n", k.Zh, k.En, rows[i].Value, rows[i].Default, from)
	}
	return w.Flush()
}
