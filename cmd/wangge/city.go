package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"wangge/cmd/wangge/app"
	"wangge/internal/errs"
	"wangge/platform"
	"wangge/provisioning"
	"wangge/tenant"
	"wangge/tenant/division"
)

type cityCommand struct {
	Plan    cityPlan    `cmd:"" help:"say what applying a spec would change; nothing is written / 预演"`
	Apply   cityApply   `cmd:"" help:"make reality match a spec; safe to run again / 执行"`
	Abandon cityAbandon `cmd:"" help:"undo what was built of a city that was never in service / 放弃建设"`
	Clone   cityClone   `cmd:"" help:"write a city's settings as a blueprint, with its consent / 经授权复制设置"`
	Drift   cityDrift   `cmd:"" help:"what was changed by hand since the last apply / 手工更改"`
	List    cityList    `cmd:"" help:"the registry of cities / 城市名录"`
	Rebuild cityRebuild `cmd:"" help:"make a city's figures anew from its journal / 由流转记录重建指标"`
	Limits  cityLimits  `cmd:"" help:"what a city may use of what it shares; set or show / 限额"`
	Show    cityShow    `cmd:"" help:"one city and its recorded steps / 单个城市及建设步骤"`

	lifeCommands `embed:""`
}

// open runs fn on the open platform.
func open(ctx context.Context, p place, fn func(*app.App) error) (err error) {
	cfg, err := p.config()
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := a.Close(); err == nil {
			err = closeErr
		}
	}()
	return fn(a)
}

// readSpec reads a spec before anything is opened: one that is refused leaves
// nothing behind, not even the data folder.
func readSpec(path string) (*provisioning.Spec, error) {
	atlas, err := division.Load()
	if err != nil {
		return nil, err
	}
	return provisioning.ReadSpec(path, atlas)
}

type cityPlan struct {
	place
	File string `short:"f" required:"" help:"spec of the city" type:"path"`
	JSON bool   `name:"json" help:"print JSON"`
	Out  string `short:"o" help:"also write the plan to this file, for apply --plan" type:"path" placeholder:"FILE"`
}

// Run prints the plan.
func (c cityPlan) Run(ctx context.Context, s streams) error {
	spec, err := readSpec(c.File)
	if err != nil {
		return err
	}
	return open(ctx, c.place, func(a *app.App) error {
		plan, err := a.Provision.Plan(ctx, spec)
		if err != nil {
			return err
		}
		if c.Out != "" {
			if err := writePlan(c.Out, plan); err != nil {
				return err
			}
		}
		if c.JSON {
			return printJSON(s.out, plan)
		}
		return printPlan(s.out, plan)
	})
}

func writePlan(path string, plan provisioning.Plan) error {
	text, err := json.MarshalIndent(plan, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o600)
	}
	if err != nil {
		return errs.Field("--out", "文件无法写入："+path, "the file can't be written: "+path)
	}
	return nil
}

// readPlan reads a plan that writePlan wrote.
func readPlan(r io.Reader, file string) (plan provisioning.Plan, err error) {
	return plan, errs.ReadJSON(r, file, &plan)
}

var opSigns = map[provisioning.Op]string{provisioning.OpAdd: "+", provisioning.OpChange: "~", provisioning.OpRemove: "-", provisioning.OpKeep: "="}

func printPlan(w io.Writer, p provisioning.Plan) error {
	if len(p.Changes) == 0 {
		_, err := fmt.Fprintf(w, "%s %s：与规格一致，无需更改 / as the spec says, nothing to change\n", p.City, p.Name)
		return err
	}
	fmt.Fprintf(w, "%s %s：\n", p.City, p.Name)
	printChanges(w, p.Changes)
	_, err := fmt.Fprintln(w, "（+ 新增 added　~ 更改 changed　- 停用 taken out of service　= 规格未列，保留 not in the spec, kept　! 不可撤销 can't be taken back）")
	return err
}

// shownItems is how many grids of a change are shown; a plan's file has all.
const shownItems = 6

func printChanges(w io.Writer, list []provisioning.Change) {
	for _, c := range list {
		line := opSigns[c.Op] + " " + c.What + " " + c.Name
		switch {
		case c.Before != "" && c.After != "":
			line += ": " + c.Before + " → " + c.After
		case c.Before+c.After != "":
			line += ": " + c.Before + c.After
		}
		if n := len(c.Items); n > 0 {
			line += " [" + strings.Join(c.Items[:min(n, shownItems)], " ")
			if n > shownItems {
				line += fmt.Sprintf(" … %d", n)
			}
			line += "]"
		}
		if c.Irreversible {
			line += " !"
		}
		fmt.Fprintln(w, "  "+line)
	}
}

type cityClone struct {
	place
	Code    string `arg:"" help:"six-digit code of the city that gave its consent"`
	For     string `required:"" help:"six-digit code of the city that copies" placeholder:"CODE"`
	Consent string `required:"" help:"the token that the city gave; it is used up" env:"WANGGE_CONSENT" placeholder:"TOKEN"`
	Out     string `short:"o" required:"" help:"file to write the blueprint to" type:"path"`
}

// Run writes the settings of another city as a blueprint.
func (c cityClone) Run(ctx context.Context, s streams) error {
	from, err := tenant.ParseID(c.Code)
	if err != nil {
		return err
	}
	to, err := tenant.ParseID(c.For)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(c.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // before the consent is used up
	if err != nil {
		return errs.Field("--out", "文件已存在或无法写入："+c.Out, "the file exists or can't be written: "+c.Out)
	}
	defer file.Close()
	return open(ctx, c.place, func(a *app.App) error {
		text, err := a.Provision.Clone(ctx, from, to, c.Consent)
		if err != nil {
			_ = os.Remove(c.Out)
			return err
		}
		if _, err := file.Write(text); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "已写入 written to %s；在规格中以 blueprint 引用 name it as the spec's blueprint\n", c.Out)
		return file.Sync()
	})
}

type cityDrift struct {
	place
	Code string `arg:"" help:"six-digit code of the city"`
	JSON bool   `name:"json" help:"print JSON"`
}

// Run prints what was changed by hand since the last apply.
func (c cityDrift) Run(ctx context.Context, s streams) error {
	id, err := tenant.ParseID(c.Code)
	if err != nil {
		return err
	}
	return open(ctx, c.place, func(a *app.App) error {
		drift, err := a.Provision.Drift(ctx, id)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s.out, drift)
		}
		if len(drift.Changes) == 0 {
			_, err := fmt.Fprintf(s.out, "%s %s：自 %s 执行以来没有手工更改 / nothing changed by hand since it was applied\n", drift.City, drift.Name, moment(drift.AppliedAt))
			return err
		}
		fmt.Fprintf(s.out, "%s %s：自 %s 执行以来的手工更改 / changed by hand since it was applied\n", drift.City, drift.Name, moment(drift.AppliedAt))
		printChanges(s.out, drift.Changes)
		return nil
	})
}

type cityApply struct {
	place
	File     []string `short:"f" required:"" sep:"none" help:"spec of the city; several for several cities" type:"path"`
	Parallel int      `help:"how many cities at once" default:"2"`
	JSON     bool     `name:"json" help:"print the result of each city as JSON"`

	Plan        string `required:"" xor:"approval" help:"do what this plan says, written by plan -o; a stale one is refused" type:"path" placeholder:"FILE"`
	AutoApprove bool   `required:"" xor:"approval" help:"do whatever the spec asks for, without a plan"`
}

// Run builds the cities, or mends them to match their specs. A city that fails
// does not keep the others from theirs.
func (c cityApply) Run(ctx context.Context, s streams) error {
	if len(c.File) > 1 && c.Plan != "" {
		return errs.Field("--plan", "一个计划只用于一个城市", "a plan is for one city")
	}
	if c.Parallel < 1 || c.Parallel > 16 {
		return errs.Field("--parallel", "须在 1 到 16 之间", "must be 1 to 16")
	}
	specs := make([]*provisioning.Spec, len(c.File))
	var err error
	for i, path := range c.File { // a fault in one keeps all from being begun
		if specs[i], err = readSpec(path); err != nil {
			return err
		}
		if slices.ContainsFunc(specs[:i], func(other *provisioning.Spec) bool { return other.Code == specs[i].Code }) {
			return errs.Field("--file", "两份规格是同一城市："+specs[i].Code, "two specs are of one city: "+specs[i].Code)
		}
	}
	plan, err := read(c.Plan, readPlan)
	if err != nil {
		return err
	}
	s = s.together()
	return open(ctx, c.place, func(a *app.App) error {
		failed := make([]error, len(specs))
		var group errgroup.Group
		group.SetLimit(c.Parallel)
		for i, spec := range specs {
			group.Go(func() error {
				if failed[i] = c.apply(ctx, s, a, spec, plan); failed[i] != nil && len(specs) > 1 {
					failed[i] = fmt.Errorf("city %s: %w", spec.Code, failed[i])
				}
				return nil
			})
		}
		_ = group.Wait() // what failed is in failed
		return errors.Join(failed...)
	})
}

func (c cityApply) apply(ctx context.Context, s streams, a *app.App, spec *provisioning.Spec, plan *provisioning.Plan) error {
	handOver := printInvitations(s.out)
	if c.JSON {
		handOver = func(r provisioning.Result) error { return printJSON(s.out, r) }
	}
	progress := progressTo(s.err, "")
	if len(c.File) > 1 {
		progress = progressTo(s.err, spec.Code+" "+spec.Name+" ")
	}
	var err error
	if plan != nil {
		err = a.Provision.ApplyPlan(ctx, spec, *plan, progress, handOver)
	} else {
		err = a.Provision.ApplyTo(ctx, spec, progress, handOver)
	}
	if err != nil || c.JSON {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s %s 已启用 / in service\n", spec.Code, spec.Name)
	return err
}

type cityAbandon struct {
	place
	Code string `arg:"" help:"six-digit code of the city"`
}

// Run undoes what was built of a city that was never in service.
func (c cityAbandon) Run(ctx context.Context, s streams) error {
	id, err := tenant.ParseID(c.Code)
	if err != nil {
		return err
	}
	return open(ctx, c.place, func(a *app.App) error {
		l, err := a.Life()
		if err != nil {
			return err
		}
		if err := l.Abandon(ctx, id, progressTo(s.err, "")); err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "%s 已放弃建设，未留下任何内容 / abandoned, nothing of it is left\n", c.Code)
		return err
	})
}

// printInvitations prints the one-time links. A printer that fails did not
// hand them over: the next apply makes new ones.
func printInvitations(w io.Writer) func(provisioning.Result) error {
	return func(r provisioning.Result) error {
		if len(r.Invitations) == 0 {
			return nil
		}
		var text strings.Builder
		text.WriteString(r.City + " 一次性链接，七天内有效，仅显示这一次 / one-time links, good for seven days, shown this once:\n")
		for _, i := range r.Invitations {
			who := i.Login
			if i.Administrator {
				who += "（管理员 administrator）"
			}
			fmt.Fprintf(&text, "  %s %s  /invitation/%s\n", who, i.Name, i.Token)
		}
		_, err := io.WriteString(w, text.String())
		return err
	}
}

// progressTo prints a line for each step as it ends, after what names its city.
func progressTo(w io.Writer, name string) provisioning.Progress {
	return func(st provisioning.Step, position, of int, took time.Duration, detail string, err error) {
		switch {
		case took < 0:
			return
		case err != nil:
			detail = "失败 failed"
		}
		fmt.Fprintf(w, "%s[%2d/%d] %s %s %s %s\n", name, position, of, st.Zh, st.En, strings.TrimSpace(detail), took.Round(time.Millisecond))
	}
}

type cityList struct {
	place
	JSON bool `name:"json" help:"print JSON"`
}

// Run prints the registry.
func (c cityList) Run(ctx context.Context, s streams) error {
	return open(ctx, c.place, func(a *app.App) error {
		list, err := a.Registry.Cities(ctx)
		if err != nil {
			return err
		}
		rows := make([]cityRow, len(list))
		for i, city := range list {
			rows[i] = newCityRow(city)
		}
		if c.JSON {
			return printJSON(s.out, rows)
		}
		w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, "代码 code\t名称 name\t状态 state\t数据库 engine\t组织模式 model\t启用 active since")
		for _, r := range rows {
			fmt.Fprintln(w, strings.Join([]string{r.Code, r.Name, r.State, r.Engine, r.Model, r.ActiveAt}, "\t"))
		}
		return w.Flush()
	})
}

// cityRow is a city of the registry as the command line shows it.
type cityRow struct {
	Code     string `json:"code"`
	Name     string `json:"name"`
	State    string `json:"state"`
	Engine   string `json:"engine"`
	Model    string `json:"model"`
	ActiveAt string `json:"active_at"`
}

func newCityRow(c platform.City) cityRow {
	return cityRow{c.Code, c.Name, string(c.State), c.Engine, c.Model, moment(c.ActiveAt)}
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(app.Zone).Format("2006-01-02 15:04")
}

type cityRebuild struct {
	place
	Code string `arg:"" help:"six-digit code of the city"`
}

// Run throws the figures of a city away and reads its whole journal again;
// whoever looks meanwhile sees the old ones. The province gets what changed.
func (c cityRebuild) Run(ctx context.Context, s streams) error {
	return open(ctx, c.place, func(a *app.App) error {
		if err := a.RebuildFigures(ctx, c.Code); err != nil {
			return err
		}
		_, err := fmt.Fprintf(s.out, "%s 指标已重建 / figures rebuilt\n", c.Code)
		return err
	})
}

type cityShow struct {
	place
	Code string `arg:"" help:"six-digit code of the city"`
	JSON bool   `name:"json" help:"print JSON"`
}

// Run prints one city with the recorded steps of its building.
func (c cityShow) Run(ctx context.Context, s streams) error {
	return open(ctx, c.place, func(a *app.App) error {
		city, err := a.Registry.City(ctx, c.Code)
		if err != nil {
			return err
		}
		steps, err := a.Ledger.Steps(ctx, c.Code)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(s.out, struct {
				cityRow
				Steps []provisioning.StepRecord `json:"steps"`
			}{newCityRow(city), steps})
		}
		row := newCityRow(city)
		fmt.Fprintf(s.out, "%s %s  %s  %s  %s  %s\n", row.Code, row.Name, row.State, row.Engine, row.Model, row.ActiveAt)
		w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
		for i, st := range steps {
			fmt.Fprintf(w, "%d\t%s\t%s\t×%d\t%s\t%s\n", i+1, st.Step, st.State, st.Attempts, moment(st.FinishedAt), st.Detail)
		}
		return w.Flush()
	})
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

type divisionCommand struct {
	Name   string `arg:"" help:"a code of 2, 6, 9 or 12 digits, or the beginning of a name"`
	Within string `help:"look below the division of this code only"`
	Limit  int    `help:"how many at the most" default:"20"`
}

// Run prints a division with what is right below it, or those a name begins.
func (c divisionCommand) Run(_ context.Context, s streams) error {
	atlas, err := division.Load()
	if err != nil {
		return err
	}
	d, exact := atlas.Lookup(c.Name)
	var found []division.Division
	switch {
	case exact:
		fmt.Fprintln(s.out, d.Code, d.Name)
		if found, err = atlas.Children(d.Code); err != nil {
			return err
		}
	case c.Within != "":
		found = atlas.SearchIn(c.Within, c.Name, c.Limit)
	default:
		found = atlas.Search(c.Name, c.Limit)
	}
	if !exact && len(found) == 0 {
		return errs.Field("name", "没有找到："+c.Name, "nothing found: "+c.Name)
	}
	for _, d := range found {
		fmt.Fprintln(s.out, " ", d.Code, d.Name)
	}
	return nil
}
