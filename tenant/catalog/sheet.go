package catalog

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"wangge/internal/errs"
	"wangge/tenant/calendar"
)

type (
	// Row is a row of a table of conditions, whatever file it comes from.
	Row = calendar.Row
	// Sheet is such a table.
	Sheet = calendar.Sheet
)

// column is a field of a table of conditions and the names its column may have.
type column struct {
	field   string
	names   []string
	needed  bool
	ignored bool // written by an export, not read
}

var columns = []column{
	{field: "code", names: []string{"编码", "立案条件编码", "condition_code"}, needed: true},
	{field: "sort", names: []string{"类型", "部件事件"}},
	{field: "kind", names: []string{"类别编码", "小类编码", "类别代码", "kind_code"}, needed: true},
	{field: "kind_name", names: []string{"类别名称", "小类名称"}, ignored: true},
	{field: "filing", names: []string{"立案条件"}, needed: true},
	{field: "limit_value", names: []string{"时限", "处置时限", "limit"}, needed: true},
	{field: "limit_unit", names: []string{"时限单位", "单位", "unit"}, needed: true},
	{field: "closing", names: []string{"结案条件"}},
	{field: "area_class", names: []string{"区域类别", "区域分类"}},
	{field: "source", names: []string{"来源", "依据"}},
	{field: "origin", names: []string{"制定层级"}, ignored: true},
	{field: "since", names: []string{"生效日期", "启用日期"}},
	{field: "until", names: []string{"停用日期", "失效日期"}},
}

// Columns is the shortest header of a file of filing conditions. The limit is a
// whole number of urgent_hour, work_hour or work_day; the source may be empty.
// AllColumns has those a file may have beside.
func Columns() []string {
	return []string{"code", "kind", "filing", "limit_value", "limit_unit", "source"}
}

// AllColumns is the header an export has, in Chinese or English.
func AllColumns(zh bool) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		if out[i] = c.field; zh {
			out[i] = c.names[0]
		}
	}
	return out
}

var (
	unitNames = map[calendar.Unit]string{calendar.UrgentHour: "紧急工作时", calendar.WorkHour: "工作时", calendar.WorkDay: "工作日"}
	sortNames = map[Sort]string{Part: "部件", Event: "事件"}
)

// Cells are a condition's cells under AllColumns. Reading them again changes
// nothing. The limit is an int, the rest are strings.
func (c Condition) Cells(zh bool) []any {
	unit, sort, area := string(c.Limit.Unit), string(c.Kind.Sort), c.AreaClass
	if zh {
		unit, sort = unitNames[c.Limit.Unit], sortNames[c.Kind.Sort]
		if area == AllAreas {
			area = "全部"
		}
	}
	return []any{
		c.Line, sort, c.Kind.Code, c.Kind.Name, c.Filing, c.Limit.Value, unit, c.Closing, area, c.Source,
		string(c.Origin), c.Since, c.Until,
	}
}

const (
	maxConditions = 5000
	maxFiling     = 500 // characters
	maxCode       = 40  // bytes
	maxFaults     = 200
)

// faults collects what is wrong with a file, the first of it.
type faults struct {
	file string
	list []errs.Problem
	more int
}

func (f *faults) add(row int, field, zh, en string) {
	if len(f.list) == maxFaults {
		f.more++
		return
	}
	f.list = append(f.list, errs.Problem{File: f.file, Row: row, Field: field, Zh: zh, En: en})
}

func (f *faults) err() error {
	if f.more > 0 {
		f.list = append(f.list, errs.Problem{File: f.file, Zh: fmt.Sprintf("另有 %d 处", f.more), En: fmt.Sprintf("and %d more", f.more)})
	}
	return errs.Problems(f.list...)
}

// draft is a condition as a row of a file says it; given holds the columns it
// has, because what is not given stays as it is.
type draft struct {
	row   int
	cond  Condition
	given map[string]bool
}

// reader reads a table of conditions against the kinds of one version.
type reader struct {
	*faults
	version Version
	kinds   map[key]Kind
	index   map[string]int
	seen    map[string]int // code → row
}

// readSheet reads all rows; what is wrong is noted in f.
func readSheet(f *faults, s Sheet, v Version, kinds []Kind) []draft {
	r := &reader{faults: f, version: v, kinds: map[key]Kind{}, seen: map[string]int{}}
	for _, k := range kinds {
		r.kinds[k.key()] = k
	}
	if !r.header(s.Header()) {
		return nil
	}
	var list []draft
	for {
		row, err := s.Next()
		switch e, shown := errs.As(err); {
		case errors.Is(err, io.EOF):
			if len(list) == 0 {
				r.add(0, "", "没有任何立案条件", "there is no filing condition")
			}
			return list
		case shown && len(e.Problems) > 0:
			r.list = append(r.list, e.Problems...)
			return nil
		case err != nil:
			r.add(row.Number, "", "文件无法读取："+err.Error(), "the file can't be read: "+err.Error())
			return nil
		case len(list) == maxConditions:
			r.add(row.Number, "", fmt.Sprintf("超过 %d 行", maxConditions), fmt.Sprintf("more than %d rows", maxConditions))
			return nil
		}
		list = append(list, r.read(row))
	}
}

// plain is a column's name without what people decorate it with.
func plain(s string) string {
	return strings.ToLower(strings.Trim(strings.TrimPrefix(s, "\ufeff"), " \t*＊"))
}

func (r *reader) header(cells []string) bool {
	r.index = map[string]int{}
	ok := true
	for _, c := range columns {
		for i, name := range cells {
			if plain(name) != c.field && !slices.Contains(c.names, plain(name)) {
				continue
			}
			if _, twice := r.index[c.field]; twice {
				r.add(1, c.field, "同一列出现两次："+name, "the column is there twice: "+name)
				ok = false
			}
			r.index[c.field] = i
		}
		if _, has := r.index[c.field]; c.needed && !has {
			r.add(1, c.field, "缺少一列："+c.names[0], "a column is missing: "+c.field)
			ok = false
		}
	}
	return ok
}

// text is a row's cell of a field, "" where there is none.
func (r *reader) text(row Row, field string) string {
	i, has := r.index[field]
	if !has || i >= len(row.Cells) {
		return ""
	}
	return strings.TrimSpace(row.Cells[i])
}

// read reads one row; what is wrong with it is noted.
func (r *reader) read(row Row) draft {
	d := draft{row: row.Number, given: map[string]bool{}}
	for _, c := range columns {
		_, d.given[c.field] = r.index[c.field]
		if text := r.text(row, c.field); !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			r.add(row.Number, c.field, "不是 UTF-8 编码（可能是 GBK），请转换后再导入", "not in UTF-8 (it may be GBK); convert it first")
			return d
		}
	}
	code := r.text(row, "code")
	switch earlier, twice := r.seen[code]; {
	case code == "" || len(code) > maxCode || strings.ContainsAny(code, " /\t@"):
		r.add(row.Number, "code", "编码为空、过长或含有空白、斜线、@", "the code is empty, too long, or holds white space, a slash or @")
	case twice:
		r.add(row.Number, "code", fmt.Sprintf("编码已在第 %d 行出现：%s", earlier, code), fmt.Sprintf("the code is already in row %d: %s", earlier, code))
	}
	r.seen[code] = row.Number
	d.cond = Condition{Code: code, Line: code, Filing: r.text(row, "filing"), Closing: r.text(row, "closing"), Source: r.text(row, "source")}
	d.cond.Kind = r.kind(row)
	if d.cond.Filing == "" || utf8.RuneCountInString(d.cond.Filing) > maxFiling {
		r.add(row.Number, "filing", fmt.Sprintf("立案条件为空或超过 %d 个字", maxFiling), fmt.Sprintf("the filing condition is empty or longer than %d characters", maxFiling))
	}
	for field, text := range map[string]string{"closing": d.cond.Closing, "source": d.cond.Source} {
		if utf8.RuneCountInString(text) > maxFiling {
			r.add(row.Number, field, fmt.Sprintf("超过 %d 个字", maxFiling), fmt.Sprintf("longer than %d characters", maxFiling))
		}
	}
	d.cond.Limit = r.limit(row)
	d.cond.AreaClass = r.area(row)
	d.cond.Since, d.cond.Until = r.day(row, "since"), r.day(row, "until")
	if d.cond.Since != "" && d.cond.Until != "" && d.cond.Until <= d.cond.Since {
		r.add(row.Number, "until", "停用日期须晚于生效日期", "the day of the end must be after the day of the beginning")
	}
	return d
}

// kind finds the row's kind; its sort may be left out where the code is of one
// sort only.
func (r *reader) kind(row Row) Kind {
	code, text := r.text(row, "kind"), r.text(row, "sort")
	var found []Kind
	for _, sort := range []Sort{Part, Event} {
		if text != "" && text != string(sort) && text != sortNames[sort] {
			continue
		}
		if k, ok := r.kinds[key{sort, code}]; ok {
			found = append(found, k)
		}
	}
	switch {
	case len(found) == 1:
		return found[0]
	case len(found) > 1:
		r.add(row.Number, "sort", "类别 "+code+" 既是部件也是事件，须注明类型", "the kind "+code+" is of a part and of an event; say which")
	default:
		r.add(row.Number, "kind", string(r.version)+" 中没有类别 "+code, "there is no kind "+code+" in "+string(r.version))
	}
	return Kind{}
}

func (r *reader) limit(row Row) calendar.Limit {
	value, unit := r.text(row, "limit_value"), r.text(row, "limit_unit")
	var l calendar.Limit
	var err error
	if l.Value, err = strconv.Atoi(value); err != nil || l.Value < 1 || l.Value > 9999 {
		r.add(row.Number, "limit_value", "时限须为 1–9999 的整数："+value, "the limit is a whole number from 1 to 9999: "+value)
	}
	for u, name := range unitNames {
		if unit == string(u) || unit == name {
			l.Unit = u
		}
	}
	if l.Unit == "" {
		r.add(row.Number, "limit_unit", "时限单位须为紧急工作时、工作时或工作日："+unit, "the unit is urgent_hour, work_hour or work_day: "+unit)
	}
	return l
}

func (r *reader) area(row Row) string {
	text := r.text(row, "area_class")
	for _, class := range AreaClasses() {
		if text == class || text == class+"类" {
			return class
		}
	}
	if text != "" && text != "全部" {
		r.add(row.Number, "area_class", "区域类别须为 全部、A、B 或 C："+text, "the area class is all, A, B or C: "+text)
	}
	return AllAreas
}

func (r *reader) day(row Row, field string) string {
	i, has := r.index[field]
	text := r.text(row, field)
	if !has || text == "" {
		return ""
	}
	if row.Day != nil {
		day, ok := row.Day(i)
		if ok {
			return day
		}
	} else if day, err := time.Parse(time.DateOnly, text); err == nil && day.Year() >= 2000 && day.Year() <= 2099 {
		return text
	}
	r.add(row.Number, field, "日期应如 2026-01-31："+text, "the day is written like 2026-01-31: "+text)
	return ""
}
