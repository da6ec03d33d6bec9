package responsibility

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"wangge/internal/errs"
	"wangge/tenant/org"
)

// Draft is a row of a file as it was written. Lead and Assisting name units by
// code or by name, several of them separated by ; , 、 or a space.
type Draft struct {
	Row                                                      int
	Version, Sort, Kind, Area, Lead, Assisting, Since, Until string
	Faults                                                   []errs.Problem // of reading it; their Row is set
}

// Rows reads a file row by row; io.EOF after the last.
type Rows interface{ Next() (Draft, error) }

// Columns lists the columns of a file by field, with the names each may have,
// the Chinese one first. All but kind and lead may be missing.
func Columns() (fields []string, aliases map[string][]string) {
	return []string{"version", "sort", "kind", "area", "lead", "assisting", "since", "until"}, map[string][]string{
		"version": {"目录版本", "版本"}, "sort": {"类别"}, "kind": {"事项编码", "编码"}, "area": {"区域", "区划代码"},
		"lead": {"牵头单位", "主管部门"}, "assisting": {"配合单位"}, "since": {"起始日期", "开始日期"}, "until": {"截止日期", "结束日期"},
	}
}

// Optional lists the columns that a file need not have.
func Optional() []string { return []string{"version", "sort", "area", "assisting", "since", "until"} }

const (
	maxRows   = 100_000
	maxListed = 200
)

// every is how a file names every kind.
const every = "*"

// frame is what the rows of a file are held to.
type frame struct {
	file      string
	version   string // where the file names none
	kinds     map[Kind]bool
	classes   map[Kind]bool
	codes     units
	byName    map[string][]string
	divisions map[string]string
	sorts     map[string]string

	faults []errs.Problem
	more   int
}

func newFrame(file string, kinds []Kind, departments []org.Department, divisions map[string]string) *frame {
	f := &frame{
		file: file, kinds: map[Kind]bool{}, classes: map[Kind]bool{}, codes: unitsOf(departments), byName: map[string][]string{}, divisions: divisions,
		sorts: map[string]string{"": "", "part": "part", "event": "event", "部件": "part", "事件": "event", "事项": "event"},
	}
	for _, k := range kinds {
		f.version = newest(f.version, k.Version)
		for _, sort := range []string{k.Sort, ""} {
			f.kinds[Kind{Version: k.Version, Sort: sort, Code: k.Code}] = true
			f.classes[Kind{Version: k.Version, Sort: sort, Class: k.Class}] = true
		}
	}
	for _, d := range departments {
		f.byName[d.Name] = append(f.byName[d.Name], d.Code)
	}
	return f
}

// newest is the version whose year, the end of its name, is the later one.
func newest(a, b string) string {
	if year(b) > year(a) {
		return b
	}
	return a
}

func year(version string) string { return version[max(0, len(version)-4):] }

func (f *frame) fault(row int, field, zh, en string) {
	if len(f.faults) == maxListed {
		f.more++
		return
	}
	f.faults = append(f.faults, errs.Problem{File: f.file, Row: row, Field: field, Zh: zh, En: en})
}

func (f *frame) err() error {
	if f.more > 0 {
		f.faults = append(f.faults, errs.Problem{
			File: f.file, Zh: fmt.Sprintf("另有 %d 处问题未列出", f.more), En: fmt.Sprintf("%d more faults are not listed", f.more),
		})
	}
	return errs.Problems(f.faults...)
}

// read reads all rows; with any fault the error lists them and there are no rules.
func (f *frame) read(rows Rows) (rules []Rule, err error) {
	first := map[string]int{}
	for {
		d, err := rows.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(rules) == maxRows {
			f.fault(d.Row, "", fmt.Sprintf("最多 %d 行", maxRows), fmt.Sprintf("at most %d rows", maxRows))
			break
		}
		r := f.rule(d)
		r.ID = int64(len(rules) + 1)
		rules = append(rules, r)
		same := fmt.Sprint(r.key(), r.Lead, r.Since)
		if row := first[same]; row > 0 {
			f.fault(d.Row, "kind", fmt.Sprintf("与第 %d 行重复", row), fmt.Sprintf("repeats row %d", row))
		}
		first[same] = d.Row
	}
	if len(rules) == 0 {
		f.fault(0, "", "文件中没有任何一行权责", "there is no row of responsibility in the file")
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	return rules, nil
}

// rule reads one row and notes its faults.
func (f *frame) rule(d Draft) Rule {
	for _, p := range d.Faults {
		f.fault(p.Row, p.Field, p.Zh, p.En)
	}
	r := Rule{Version: d.Version, Kind: d.Kind, Area: d.Area, Since: d.Since, Until: d.Until}
	if r.Version == "" {
		r.Version = f.version
	}
	var ok bool
	if r.Sort, ok = f.sorts[strings.ToLower(d.Sort)]; !ok {
		f.fault(d.Row, "sort", "类别应为“部件”“事件”或留空："+d.Sort, "the sort is part, event or nothing: "+d.Sort)
	}
	switch {
	case d.Kind == every:
		r.Kind = ""
	case d.Kind == "":
		f.fault(d.Row, "kind", "事项编码为空；所有事项请写 *", "the kind is empty; write * for every kind")
	case !f.kinds[Kind{Version: r.Version, Sort: r.Sort, Code: d.Kind}] && !f.classes[Kind{Version: r.Version, Sort: r.Sort, Class: d.Kind}]:
		f.fault(d.Row, "kind", r.Version+" 中没有事项或大类 "+d.Kind, r.Version+" has no kind or class "+d.Kind)
	}
	switch _, known := f.divisions[d.Area]; {
	case !org.IsArea(d.Area):
		f.fault(d.Row, "area", "区域应为 6、9 或 12 位行政区划代码，全市留空："+d.Area, "an area is the 6, 9 or 12 digits of a division, empty for the whole city: "+d.Area)
	case d.Area != "" && !known:
		f.fault(d.Row, "area", "区划 "+d.Area+" 不属于该市", "the division "+d.Area+" is not of this city")
	}
	if d.Until != "" && d.Until < d.Since {
		f.fault(d.Row, "until", "截止日期早于起始日期", "the last day comes before the first")
	}
	r.Lead = f.unit(d.Row, "lead", d.Lead)
	for _, name := range strings.FieldsFunc(d.Assisting, func(c rune) bool { return strings.ContainsRune(";；,，、 ", c) }) {
		switch code := f.unit(d.Row, "assisting", name); {
		case code == "":
		case code == r.Lead || slices.Contains(r.Assisting, code):
			f.fault(d.Row, "assisting", "单位重复："+name, "the unit is named twice: "+name)
		default:
			r.Assisting = append(r.Assisting, code)
		}
	}
	return r
}

// unit finds a unit that handles cases, by code or by its only name.
func (f *frame) unit(row int, field, text string) (code string) {
	if text == "" {
		f.fault(row, field, "单位为空", "the unit is empty")
		return ""
	}
	found := []string{text}
	if f.codes[text].Code == "" {
		found = f.byName[text]
	}
	switch {
	case len(found) == 0:
		f.fault(row, field, "没有这个部门："+text, "no such department: "+text)
	case len(found) > 1:
		f.fault(row, field, "有 "+fmt.Sprint(len(found))+" 个部门叫“"+text+"”，请写编码", fmt.Sprint(len(found))+" departments are called "+text+"; write the code")
	case !f.codes[found[0]].Kind.Handles():
		f.fault(row, field, "“"+text+"”是中心，不处置案卷", text+" is a centre and handles no cases")
	case f.codes[found[0]].Retired != "":
		f.fault(row, field, "“"+text+"”已停用", text+" is retired")
	default:
		return found[0]
	}
	return ""
}

// Report says what an import did, or a rehearsal would do.
type Report struct {
	Rows                               int
	Added, Changed, Removed, Unchanged int
	Contested                          []Conflict // at most 200; accepted, and told by the checker too
}

// Conflict is two rows that claim the same with different leads on a common day.
type Conflict struct{ One, Other Rule }

// compare tells what a new matrix changes: a rule is changed when one of its
// key, lead and first day was there with other assisting units or another end.
func compare(before, after []Rule) (r Report) {
	type id struct {
		key
		lead, since string
	}
	had := map[id]Rule{}
	for _, old := range before {
		had[id{old.key(), old.Lead, old.Since}] = old
	}
	r.Rows = len(after)
	by := map[key][]Rule{}
	for _, n := range after {
		old, known := had[id{n.key(), n.Lead, n.Since}]
		switch {
		case !known:
			r.Added++
		case old.Until == n.Until && slices.Equal(old.Assisting, n.Assisting):
			r.Unchanged++
		default:
			r.Changed++
		}
		for _, o := range by[n.key()] {
			if o.Lead != n.Lead && o.overlaps(n) && len(r.Contested) < maxListed {
				r.Contested = append(r.Contested, Conflict{o, n})
			}
		}
		by[n.key()] = append(by[n.key()], n)
	}
	r.Removed = len(before) - r.Changed - r.Unchanged
	return r
}
