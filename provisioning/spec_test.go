package provisioning_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wangge/internal/errs"
	"wangge/provisioning"
	"wangge/provisioning/provisioningtest"
	"wangge/tenant/grid"
)

// good is a spec without faults, by line.
const good = `code: "150300"
name: 乌海市
model: management_and_enforcement
shifts: ["08:00-12:00", "14:00-18:00"]
departments:
  - {code: JD, name: 监督中心, kind: supervision_centre}
  - {code: ZH, name: 指挥中心, kind: command_centre}
  - code: SZ
    name: 市政工程处
    kind: department
administrators:
  - {login: admin, name: 市级管理员01}
staff:
  - login: clerk01
    name: 受理员01
    department: JD
    roles: [intake_clerk]
  - {login: dispatcher01, name: 派遣员01, department: ZH, roles: [dispatcher]}
grids: grids.geojson
`

// folder writes a spec and the grids beside it and returns the spec's path.
func folder(t *testing.T, spec, grids string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"city.yaml": spec, "grids.geojson": grids} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "city.yaml")
}

func geojson(t *testing.T, grids []grid.Grid) string {
	t.Helper()
	var b bytes.Buffer
	if err := grid.WriteGeoJSON(&b, grids); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEveryFaultOfASpecIsAnsweredWithLineFieldAndReason(t *testing.T) {
	grids := geojson(t, provisioningtest.Square(t, 2, 1))
	if _, err := provisioning.ReadSpec(folder(t, good, grids), atlas(t)); err != nil {
		t.Fatalf("the spec without faults: %v", err)
	}
	if _, err := provisioning.ReadSpec(folder(t, "\ufeff"+strings.ReplaceAll(good, "\n", "\r\n"), grids), atlas(t)); err != nil {
		t.Fatalf("with a byte order mark and Windows lines: %v", err)
	}
	for name, c := range map[string]struct {
		old, new string // "" for old: the whole file is new
		row      int
		field    string
		zh, en   string // of the first fault; what follows from it comes after
	}{
		"an unknown field":                 {"model:", "sort_of:", 3, "sort_of", "没有这个字段", "no such field"},
		"an unknown field of a department": {"kind: department", "sort: department", 10, "departments[2].sort", "没有这个字段", "no such field"},
		"a number where a list belongs":    {`["08:00-12:00", "14:00-18:00"]`, "8", 4, "shifts", "应为列表", "must be a list"},
		"a list where a text belongs":      {"login: clerk01", "login: [a, b]", 14, "staff[0].login", "应为文本", "must be text"},
		"a text where an entry belongs":    {"{login: admin, name: 市级管理员01}", "admin", 12, "administrators[0]", "应为带字段的条目", "must be an entry"},
		"a list instead of a spec":         {"", "- a\n- b\n", 1, "", "应为带字段的条目", "must be an entry"},
		"no code":                          {"code: \"150300\"\n", "", 1, "code", "城市代码须为 6 位数字", "six digits"},
		"a code of no city":                {`"150300"`, `"159900"`, 1, "code", "没有可作为租户的城市 159900", "hold no city 159900"},
		"a county as the city":             {`"150300"`, `"150302"`, 1, "code", "没有可作为租户的城市", "hold no city"},
		"a path as the code":               {`"150300"`, `"../../"`, 1, "code", "城市代码须为 6 位数字", "six digits"},
		"another city's name":              {"name: 乌海市", "name: 包头市", 2, "name", "应为“乌海市”", "want 乌海市"},
		"an unknown model":                 {"management_and_enforcement", "three_levels", 3, "model", "组织模式未知", "unknown model"},
		"no model":                         {"model: management_and_enforcement\n", "", 1, "model", "组织模式未知", "unknown model"},
		"shifts that overlap":              {"14:00-18:00", "11:00-18:00", 4, "shifts", "工作时段", "shifts are"},
		"a catalogue that is none":         {"shifts:", "catalogue: \"1999\"\nshifts:", 4, "catalogue", "没有这个目录版本", "no such version"},
		"shifts that are no times":         {"14:00-18:00", "afternoon", 4, "shifts", "工作时段", "shifts are"},
		"another city's district":          {"shifts:", "districts: [\"150202\"]\nshifts:", 4, "districts[0]", "150202 不属于该市", "150202 is not of this city"},
		"a department's area elsewhere":    {"    kind: department", "    kind: department\n    area: \"110101\"", 11, "departments[2].area", "110101 不属于该市", "is not of this city"},
		"an area that is none":             {"    kind: department", "    kind: department\n    area: \"1503\"", 11, "departments[2].area", "6、9 或 12 位", "6, 9 or 12 digits"},
		"an area outside the parent's":     {"    kind: department\n", "    kind: department\n    area: \"150302\"\n  - {code: S2, name: 二所, kind: contractor, parent: SZ, area: \"150303\"}\n", 12, "departments[3].area", "不在上级", "does not lie in"},
		"no centres of districts":          {"management_and_enforcement", "two_level_centres", 6, "departments", "须有区级监督中心", "supervision centre of a district"},
		"a second centre of the city":      {"  - code: SZ", "  - {code: J2, name: 二中心, kind: supervision_centre}\n  - code: SZ", 8, "departments[2].area", "只能有一个", "there is one supervision centre"},
		"a department twice":               {"code: ZH", "code: JD", 7, "departments[1].code", "部门编码重复：JD", "duplicate code: JD"},
		"a department's code with a space": {"code: SZ", "code: S Z", 8, "departments[2].code", "部门编码为空或含有空白", "white space"},
		"a department without a name":      {"    name: 市政工程处\n", "", 8, "departments[2].name", "部门名称为空", "the name is empty"},
		"an unknown kind":                  {"kind: department", "kind: bureau", 10, "departments[2].kind", "部门类型未知：bureau", "unknown kind: bureau"},
		"a parent listed after its child":  {"kind: supervision_centre", "kind: supervision_centre, parent: ZH", 6, "departments[0].parent", "先于下级列出：ZH", "before its children: ZH"},
		"no supervision centre":            {"kind: supervision_centre", "kind: department", 6, "departments", "缺少监督中心", "no supervision centre"},
		"no command centre":                {"kind: command_centre", "kind: department", 6, "departments", "缺少指挥中心", "no command centre"},
		"nobody to handle cases":           {"kind: department", "kind: command_centre", 6, "departments", "缺少处置案卷", "no department that handles"},
		"no administrator":                 {"administrators:\n  - {login: admin, name: 市级管理员01}\n", "", 1, "administrators", "至少需要一名管理员", "at least one administrator"},
		"a person in no such department":   {"department: JD", "department: XX", 16, "staff[0].department", "没有这个部门：XX", "no such department: XX"},
		"a person in no department":        {"    department: JD\n", "", 14, "staff[0].department", "没有这个部门", "no such department"},
		"a post in the wrong unit":         {"department: JD", "department: SZ", 17, "staff[0].roles", "岗位“受理员”不能设在“市政工程处”", "the post intake clerk can't be held in"},
		"posts of both sides":              {"[intake_clerk]", "[intake_clerk, dispatcher]", 17, "staff[0].roles", "监", "post"},
		"an unknown post":                  {"[intake_clerk]", "[sheriff]", 17, "staff[0].roles", "没有这个岗位：sheriff", "no such post: sheriff"},
		"a post twice":                     {"[intake_clerk]", "[intake_clerk, intake_clerk]", 17, "staff[0].roles", "岗位重复：intake_clerk", "the post is named twice"},
		"no post":                          {"[intake_clerk]", "[]", 17, "staff[0].roles", "没有岗位", "no post"},
		"a login twice, in other letters":  {"login: clerk01", "login: Admin", 14, "staff[0].login", "登录名重复：Admin", "duplicate login"},
		"a login with a space":             {"login: clerk01", "login: the clerk", 14, "staff[0].login", "登录名", "a login is"},
		"a name too long for an account":   {"name: 受理员01", "name: " + strings.Repeat("长", 22), 15, "staff[0].name", "不超过 64 字节", "a name is"},
		"no grids":                         {"grids: grids.geojson\n", "", 1, "grids", "未指明单元网格文件", "grids file is missing"},
		"a number that YAML rewrites":      {"code: SZ", "code: 010", 8, "departments[2].code", "010 会被 YAML 读作 8，请加引号", "put it in quotes"},
		"a tab as indentation":             {"  - login: clerk01", "\t- login: clerk01", 14, "", "YAML 格式有误", "bad YAML"},
		"a quote left open":                {`code: "150300"`, `code: "150300`, 0, "", "YAML 格式有误", "bad YAML"},
		"a field twice":                    {"model:", "name: 乌海市\nmodel:", 3, "", "YAML 格式有误", "already defined"},
		"two documents":                    {"departments:", "---\ndepartments:", 1, "", "恰有一个 YAML 文档，得到 2", "one YAML document"},
		"an empty file":                    {"", "# nothing yet\n", 1, "", "内容为空", "something in it"},
		"GBK text":                         {"乌海市", "\xce\xda\xba\xa3\xca\xd0", 2, "", "GBK", "not in UTF-8"},
		"a flood of brackets":              {`["08:00-12:00", "14:00-18:00"]`, strings.Repeat("[", 100_000), 4, "", "嵌套过深", "too deep"},
		"a flood of dashes":                {"", "staff:\n" + strings.Repeat("- ", 100_000), 2, "", "嵌套过深", "too deep"},
		"a file too large":                 {"", strings.Repeat("# 网格\n", 150_000), 0, "", "文件超过 1 MiB", "larger than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			text := c.new
			if c.old != "" {
				if text = strings.Replace(good, c.old, c.new, 1); text == good {
					t.Fatalf("the spec has no %q", c.old)
				}
			}
			_, err := provisioning.ReadSpec(folder(t, text, grids), atlas(t))
			refused(t, err, errs.Problem{File: "city.yaml", Row: c.row, Field: c.field, Zh: c.zh, En: c.en})
		})
	}
}

// refused fails unless the first problem that err lists is at this place and
// has these words in it; row 0 stands for any.
func refused(t *testing.T, err error, want errs.Problem) {
	t.Helper()
	e, ok := errs.As(err)
	if !ok || e.Kind != errs.Invalid || len(e.Problems) == 0 {
		t.Fatalf("got %v, want it refused", err)
	}
	p := e.Problems[0]
	if p.File != want.File || want.Row > 0 && p.Row != want.Row || p.Field != want.Field || !strings.Contains(p.Zh, want.Zh) || !strings.Contains(p.En, want.En) {
		t.Errorf("got %v, want first %v", err, want)
	}
}

func TestAllFaultsOfASpecAreListedAtOnce(t *testing.T) {
	text := strings.NewReplacer("乌海市", "包头市", "management_and_enforcement", "none", "kind: department", "kind: bureau", "login: clerk01", "login: admin").Replace(good)
	_, err := provisioning.ReadSpec(folder(t, text, ""), atlas(t))
	e, _ := errs.As(err)
	var fields []string
	for _, p := range e.Problems {
		fields = append(fields, p.Field)
	}
	if got, want := strings.Join(fields, " "), "name model departments[2].kind departments staff[0].login"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAFileThatCanNotBeReadIsNamed(t *testing.T) {
	grids := geojson(t, provisioningtest.Square(t, 2, 1))
	path := folder(t, good, grids)
	dir := filepath.Dir(path)
	missing := folder(t, strings.Replace(good, "grids.geojson", "streets.geojson", 1), grids)
	aFolder := folder(t, strings.Replace(good, "grids.geojson", ".", 1), grids)
	for name, c := range map[string]struct {
		path string
		want errs.Problem
	}{
		"no spec":           {filepath.Join(dir, "town.yaml"), errs.Problem{File: "town.yaml", Zh: "文件不存在", En: "no such file"}},
		"a folder as spec":  {dir, errs.Problem{File: filepath.Base(dir), Zh: "文件夹", En: "this is a folder"}},
		"a device as spec":  {os.DevNull, errs.Problem{File: filepath.Base(os.DevNull), Zh: "无法读取", En: "can't be read"}},
		"no grids file":     {missing, errs.Problem{File: "streets.geojson", Zh: "文件不存在", En: "no such file"}},
		"a folder as grids": {aFolder, errs.Problem{File: filepath.Base(filepath.Dir(aFolder)), Zh: "文件夹", En: "this is a folder"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := provisioning.ReadSpec(c.path, atlas(t))
			refused(t, err, c.want)
		})
	}
}

func TestGridsThatCanNotBeTheCitysAreRefusedWithTheSpec(t *testing.T) {
	grids := geojson(t, provisioningtest.Square(t, 2, 1))
	first := between(grids, "[[[", "]]]")
	lines := strings.Split(strings.TrimSuffix(grids, "\n"), "\n")
	for name, c := range map[string]struct {
		spec, grids string
		row         int
		field       string
		zh, en      string
	}{
		"two grids over each other": {good, strings.Replace(grids, between(lines[2], "[[[", "]]]"), between(lines[1], "[[[", "]]]"), 1), 2, "geometry", "重叠", "overlaps feature 1"},
		"an open ring":              {good, strings.Replace(grids, first, first[:strings.LastIndex(first, "],[")], 1), 1, "geometry.coordinates[0]", "环未闭合", "not closed"},
		"another city's code":       {good, strings.Replace(grids, `"code":"150302`, `"code":"150202`, 1), 1, "properties.code", "不属于本市", "not one of the city's"},
		"a district left out":       {strings.Replace(good, "shifts:", "districts: [\"150303\", \"150304\"]\nshifts:", 1), grids, 1, "properties.code", "不属于本市", "not one of the city's"},
		"cut off":                   {good, grids[:len(grids)/2], 0, "", "文件不完整", "cut off"},
		"GBK":                       {good, strings.Replace(grids, "号网格", "\xba\xc5", 1), 0, "", "GBK", "not in UTF-8"},
		"no JSON":                   {good, "code,name\n", 1, "", "不是合法的 JSON", "no valid JSON"},
		"nothing":                   {good, `{"type":"FeatureCollection","features":[]}`, 0, "features", "没有任何网格", "no features"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := provisioning.ReadSpec(folder(t, c.spec, c.grids), atlas(t))
			refused(t, err, errs.Problem{File: "grids.geojson", Row: c.row, Field: c.field, Zh: c.zh, En: c.en})
		})
	}
}

// between cuts what stands from one mark to the next.
func between(text, from, to string) string {
	text = text[strings.Index(text, from):]
	return text[:strings.Index(text, to)]
}
