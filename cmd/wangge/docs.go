package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"wangge/internal/errs"
	"wangge/platform"
	"wangge/provisioning"
	"wangge/tenant/access"
	"wangge/tenant/casework"
	"wangge/tenant/evaluation"
	"wangge/tenant/org"
)

type docsCommand struct {
	Dir   string `help:"folder of the documents" default:"docs" type:"path"`
	Check bool   `help:"write nothing; fail when a document is not what would be written"`
}

// documents are those made from tables of the code, which they can't differ from.
var documents = map[string]func(*bytes.Buffer){
	"workflow.md":    writeWorkflow,
	"permissions.md": writePermissions,
	"indicators.md":  writeIndicators,
	"steps.md":       writeSteps,
}

// schemas are published beside the documents.
var schemas = map[string]func() ([]byte, error){
	"city.schema.json":      provisioning.Schema,
	"blueprint.schema.json": provisioning.BlueprintSchema,
}

// errStale tells which documents are old.
var errStale = errs.New(errs.Conflict, "documents_stale", "文档与代码不符，请运行 make generate：%s", "documents differ from the code, run make generate: %s")

// Run writes the documents, or checks them.
func (c docsCommand) Run(streams) error {
	texts := map[string][]byte{}
	for name, write := range documents {
		var b bytes.Buffer
		b.WriteString("<!-- Made by `wangge docs` from the code's own tables; edit those. -->\n\n")
		write(&b)
		texts[name] = b.Bytes()
	}
	for name, schema := range schemas {
		text, err := schema()
		if err != nil {
			return err
		}
		texts[name] = text
	}
	var stale []string
	for name, text := range texts {
		path := filepath.Join(c.Dir, name)
		if !c.Check {
			if err := os.WriteFile(path, text, 0o644); err != nil {
				return err
			}
			continue
		}
		if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, text) {
			stale = append(stale, path)
		}
	}
	if len(stale) > 0 {
		slices.Sort(stale)
		return errStale.With(strings.Join(stale, ", "))
	}
	return nil
}

func writeWorkflow(b *bytes.Buffer) {
	b.WriteString("# 案卷流程 / The workflow of a case\n\nEvery move there is; any other is refused. Of two rows for one stage and action the first whose conditions hold is taken. Source of the stages: GB/T 30428.8 practice; 核实 is the check on site before filing, 核查 the one after handling.\n\n```mermaid\nstateDiagram-v2\n")
	name := func(s casework.Stage) string {
		if s == "" {
			return "[*]"
		}
		return string(s)
	}
	moves := casework.Moves()
	for _, m := range moves {
		if m.From != m.To {
			fmt.Fprintf(b, "    %s --> %s: %s %s\n", name(m.From), name(m.To), m.Action.Name().Zh, m.Action)
		}
	}
	for _, s := range casework.Stages() {
		if s.Rests() {
			fmt.Fprintf(b, "    %s --> [*]\n", s)
		}
	}
	b.WriteString("```\n\n| 阶段 stage | 动作 action | 到 to | 条件 when | 权限 permission | 侧 side |\n|---|---|---|---|---|---|\n")
	for _, m := range moves {
		if m.From == m.To {
			continue
		}
		from, action, to := m.From.Name(), m.Action.Name(), m.To.Name()
		fmt.Fprintf(b, "| %s %s | %s %s | %s %s | %s | %s |\n", from.Zh, from.En, action.Zh, action.En, to.Zh, to.En, conditionsOf(m), permissionOf(m.Action))
	}
	b.WriteString("\n## 不改变阶段的动作 / Actions that leave the stage as it is\n\n| 动作 action | 阶段 stages | 权限 permission | 侧 side |\n|---|---|---|---|\n")
	for _, a := range casework.Actions() {
		var at []string
		for _, m := range moves {
			if m.Action == a && m.From == m.To {
				at = append(at, m.From.Name().Zh)
			}
		}
		if len(at) > 0 {
			fmt.Fprintf(b, "| %s %s | %s | %s |\n", a.Name().Zh, a.Name().En, strings.Join(at, "、"), permissionOf(a))
		}
	}
}

func conditionsOf(m casework.Move) string {
	var names []string
	for _, c := range m.If {
		names = append(names, c.Name().Zh+" "+c.Name().En)
	}
	return strings.Join(names, "; ")
}

// permissionOf fills the last two columns of a row.
func permissionOf(a casework.Action) string {
	if a.Permission() == "" {
		return "系统 system | –"
	}
	return "`" + string(a.Permission()) + "` | " + string(a.Permission().Side())
}

func writePermissions(b *bytes.Buffer) {
	b.WriteString("# 岗位与权限 / Posts and permissions\n\nWhat a new city and a new province start with; both can be changed, but for the separation of supervision and execution (监管分离).\n\n")
	b.WriteString("## 市 city\n\n| 岗位 post | 侧 side | 权限 permissions |\n|---|---|---|\n")
	rules := access.Defaults()
	for _, role := range org.Roles() {
		zh, en := role.Names()
		var may []string
		for _, r := range rules {
			if r.Role == role {
				may = append(may, "`"+string(r.Permission)+"`")
			}
		}
		fmt.Fprintf(b, "| %s %s | %s | %s |\n", zh, en, role.Side(), strings.Join(may, " "))
	}
	b.WriteString("\n## 省 province\n\n| 岗位 post | 权限 permissions |\n|---|---|\n")
	for _, role := range platform.Roles() {
		zh, en := role.Names()
		var may []string
		for _, r := range platform.Defaults() {
			if r.Role == role {
				may = append(may, "`"+string(r.Permission)+"`")
			}
		}
		fmt.Fprintf(b, "| %s %s | %s |\n", zh, en, strings.Join(may, " "))
	}
}

func writeIndicators(b *bytes.Buffer) {
	b.WriteString("# 评价指标 / Indicators\n\nA ratio keeps its two counts; with nothing due it has no value, which is neither 0 % nor 100 %.\n\n| 代码 code | 名称 name | 公式 formula | 方向 better | 来源 source |\n|---|---|---|---|---|\n")
	for _, i := range evaluation.Indicators() {
		fmt.Fprintf(b, "| `%s` | %s %s | %s<br>%s<br>`%s / %s` | %s | %s |\n", i.Code, i.Zh, i.En, i.FormulaZh, i.FormulaEn, i.Numerator, i.Denominator, i.Better, i.Source)
	}
}

func writeSteps(b *bytes.Buffer) {
	b.WriteString("# 建城步骤 / Steps of building a city\n\nEach is recorded, can be run again, and goes on where an interrupted run stopped.\n\n")
	for i, s := range provisioning.Steps() {
		fmt.Fprintf(b, "%d. `%s` %s / %s\n", i+1, s.Code, s.Zh, s.En)
	}
}
