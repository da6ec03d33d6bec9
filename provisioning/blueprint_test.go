package provisioning_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/provisioning"
	"wangge/provisioning/provisioningtest"
	"wangge/tenant"
	"wangge/tenant/access"
	"wangge/tenant/calendar"
	"wangge/tenant/org"
)

// blueprint is one without faults, by line.
const blueprint = `version: 1
name: 标准蓝图
model: management_and_enforcement
shifts: ["09:00-12:00", "13:00-17:00"]
workflow: {veto_days: 7, shares: {return: 30}}
departments:
  - {code: JD, name: 监督中心, kind: supervision_centre}
  - {code: ZH, name: 指挥中心, kind: command_centre}
roles:
  - {role: supervisor, permissions: ["case:read", "case:verify"]}
  - {role: leader, permissions: ["case:read"]}
holidays: days.csv
seasons:
  - {name: 夏令, from: 06-01, to: 08-31, shifts: ["08:00-12:00"]}
tariff: T2026
`

const short = `blueprint: blueprint.yaml
code: "150300"
name: 乌海市
workflow: {shares: {extend: 9}}
departments:
  - {code: ZH, name: 市指挥中心, kind: command_centre}
  - {code: SZ, name: 市政工程处, kind: department}
administrators:
  - {login: admin, name: 市级管理员01}
grids: grids.geojson
`

const holidays = "date,kind,name,source\n2027-03-03,off,某节,通知\n"

// inheriting writes a spec with a blueprint and its files beside it.
func inheriting(t *testing.T, spec, blueprint string) (path string) {
	t.Helper()
	path = folder(t, spec, geojson(t, provisioningtest.Square(t, 4, 1)))
	for name, content := range map[string]string{"blueprint.yaml": blueprint, "days.csv": holidays} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestACityInheritsWhatItsSpecDoesNotSay(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		s := read(t, inheriting(t, short, blueprint))
		w.apply(t, s)
		if left := w.changes(t, s); len(left) > 0 {
			t.Errorf("left over: %v", left)
		}
		w.use(t, func(city *tenant.City, _ *gormx.DB) {
			set := city.Settings
			if set.Model != "management_and_enforcement" || strings.Join(set.Shifts, " ") != "09:00-12:00 13:00-17:00" {
				t.Errorf("settings %+v", set)
			}
			if shares := set.Workflow.Shares; set.Workflow.VetoDays != 7 || shares.Return != 30 || shares.Extend != 9 || shares.Suspend != 10 {
				t.Errorf("the workflow %+v: want the blueprint's values, the spec's over them and the defaults below", set.Workflow)
			}
			units, err := city.Org.Departments(t.Context())
			var names []string
			for _, u := range units {
				names = append(names, u.Code+" "+u.Name)
			}
			slices.Sort(names)
			if want := []string{"JD 监督中心", "SZ 市政工程处", "ZH 市指挥中心"}; err != nil || !slices.Equal(names, want) {
				t.Errorf("departments %v (%v), want %v", names, err, want)
			}
			rules, err := city.Access.Rules(t.Context())
			want := []access.Rule{{Role: org.Leader, Permission: access.CaseRead}, {Role: org.Supervisor, Permission: access.CaseRead}, {Role: org.Supervisor, Permission: access.CaseVerify}}
			if err != nil || len(rules) != 3 || !slices.ContainsFunc(rules, func(r access.Rule) bool { return r == want[2] }) {
				t.Errorf("policy %v (%v), want %v", rules, err, want)
			}
			if got := city.Calendar.Data().Seasons; len(got) != 1 || got[0].Name != "夏令" {
				t.Errorf("seasons %v", got)
			}
			days, own, err := city.Calendar.Days(2027)
			if err != nil || !own || !slices.ContainsFunc(days, func(d calendar.Day) bool { return d.Date == "2027-03-03" && d.Mark == calendar.Off }) {
				t.Errorf("days of 2027: %v, %v, %v", days, own, err)
			}
		})
		var tariff string
		if err := w.province.Read.Raw("SELECT tariff FROM subscriptions").Scan(&tariff).Error; err != nil || tariff != "T2026" {
			t.Errorf("subscribed to %q (%v)", tariff, err)
		}
		changed := read(t, inheriting(t, short, strings.Replace(strings.Replace(blueprint, "夏令", "夏季", 1), "return: 30", "return: 25", 1)))
		if got := w.changes(t, changed); len(got) != 2 || !strings.HasPrefix(got[0], "change settings workflow.shares.return: 30 > 25") || !strings.HasPrefix(got[1], "change calendar seasons") {
			t.Errorf("another blueprint: %v", got)
		}
	})
}

func TestAFaultOfABlueprintIsNamedWhereItStands(t *testing.T) {
	for name, c := range map[string]struct{ old, new, file, field, en string }{
		"an unknown field":              {"shifts:", "shift:", "blueprint.yaml", "shift", "no such field"},
		"a format of the future":        {"version: 1", "version: 2", "blueprint.yaml", "version", "knows format 1"},
		"no name":                       {"name: 标准蓝图\n", "", "blueprint.yaml", "name", "no name"},
		"a post that is none":           {"role: leader", "role: sheriff", "blueprint.yaml", "roles[1].role", "no such post"},
		"a permission that is none":     {"\"case:read\"]}\nhol", "\"case:eat\"]}\nhol", "blueprint.yaml", "roles[1].permissions[0]", "no such permission"},
		"supervision and execution":     {"case:verify", "case:dispatch", "blueprint.yaml", "roles[0].permissions[1]", "separation of duties"},
		"a model that is none":          {"management_and_enforcement", "other", "blueprint.yaml", "model", "must be one of"},
		"a department's unknown kind":   {"kind: supervision_centre", "kind: bureau", "blueprint.yaml", "departments[0].kind", "must be one of"},
		"a file of days that is not":    {"days.csv", "none.csv", "none.csv", "", "no such file"},
		"a number where a list belongs": {`["08:00-12:00"]`, "8", "blueprint.yaml", "seasons[0].shifts", "must be a list"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(blueprint, c.old) {
				t.Fatalf("%q is not in the blueprint", c.old)
			}
			_, err := provisioning.ReadSpec(inheriting(t, short, strings.Replace(blueprint, c.old, c.new, 1)), atlas(t))
			e, ok := errs.As(err)
			if !ok || len(e.Problems) == 0 {
				t.Fatalf("got %v, want a fault", err)
			}
			if p := e.Problems[0]; p.File != c.file || p.Field != c.field || !strings.Contains(p.En, c.en) {
				t.Errorf("got %+v, want %s %s: %s", p, c.file, c.field, c.en)
			}
		})
	}
}

func TestTheSchemaHoldsWhatTheRulesLetThrough(t *testing.T) {
	path := folder(t, strings.Replace(good, "shifts: [\"08:00-12:00\", \"14:00-18:00\"]", "workflow: {limits: {file: {value: 2, unit: urgent_hour}}, ladder: [{percent: 80, to: [a]}]}", 1), geojson(t, provisioningtest.Square(t, 2, 1)))
	if _, err := provisioning.ReadSpec(path, atlas(t)); err == nil {
		t.Error("a list as a text was let through")
	}
	for name, make := range map[string]func() ([]byte, error){"spec": provisioning.Schema, "blueprint": provisioning.BlueprintSchema} {
		text, err := make()
		var value map[string]any
		if err == nil {
			err = yaml.Unmarshal(text, &value)
		}
		if err != nil || value["additionalProperties"] != false || value["$schema"] == nil {
			t.Errorf("schema of the %s: %v, %v", name, err, value["additionalProperties"])
		}
	}
}
