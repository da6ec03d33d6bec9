package catalog_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"wangge/internal/errs"
	"wangge/tenant/calendar"
	"wangge/tenant/catalog"
)

const short = "code,kind,filing,limit_value,limit_unit,source\n"

func (o *office) take(file string) (catalog.ImportReport, error) {
	return o.ImportSheet(o.t.Context(), "f.csv", calendar.CSV(strings.NewReader(file)), false)
}

// must takes a file that has no faults.
func (o *office) must(file string) catalog.ImportReport {
	o.t.Helper()
	r, err := o.take(file)
	if err != nil {
		o.t.Fatal(err)
	}
	return r
}

func TestAChangeIsAnotherWordingFromTomorrowOn(t *testing.T) {
	o := open(t, catalog.Version2026)
	before, err := o.Condition(t.Context(), "01-001-2")
	if err != nil {
		t.Fatal(err)
	}
	r := o.must(short + "01-001-2,01-001,破损超过20c㎡,2,work_hour,\n")
	if r.Revised != 1 || r.Items[0] != (catalog.ImportItem{Row: 2, Line: "01-001-2", Code: "01-001-2@2", What: catalog.Revised, Since: "2026-11-27"}) {
		t.Errorf("report %+v", r)
	}
	today := o.inForce()
	if today["01-001-2"].Limit.Value != 4 || today["01-001-2@2"].Code != "" {
		t.Error("the change holds today already")
	}
	o.day("2026-11-27")
	now := o.inForce()
	next := now["01-001-2@2"]
	if _, old := now["01-001-2"]; old || next.Limit.Value != 2 || next.Line != "01-001-2" || next.Replaces != "01-001-2" || next.Origin != catalog.Own || next.Source != before.Source {
		t.Errorf("tomorrow %+v", next)
	}
	kept, err := o.Condition(t.Context(), "01-001-2")
	if err != nil || kept.Limit != before.Limit || kept.Filing != before.Filing || kept.Until != "2026-11-27" {
		t.Errorf("what a case was filed under reads %+v, %v", kept, err)
	}
	if r := o.must(short + "01-001-2,01-001,破损超过10c㎡,2,work_hour,\n"); r.Items[0].Code != "01-001-2@3" {
		t.Errorf("the third wording is %+v", r)
	}
}

func TestAConditionEndsOnItsDay(t *testing.T) {
	o := open(t, catalog.Version2026)
	held := o.inForce()["01-001-1"]
	file := fmt.Sprintf("编码,类别编码,立案条件,时限,时限单位,停用日期\n01-001-1,01-001,%s,2,紧急工作时,2026-12-01\n", held.Filing)
	if r := o.must(file); r.Ended != 1 || r.Added+r.Revised != 0 {
		t.Errorf("report %+v", r)
	}
	if _, ok := o.inForce()["01-001-1"]; !ok {
		t.Error("ended before its day")
	}
	o.day("2026-12-01")
	if _, ok := o.inForce()["01-001-1"]; ok {
		t.Error("still in force on the day of its end")
	}
	_, err := o.take(file)
	if e, ok := errs.As(err); !ok || e.Problems[0].Field != "code" {
		t.Errorf("an ended code was taken again: %v", err)
	}
}

func TestFaultsOfAFileAreNamedAndNothingIsWritten(t *testing.T) {
	full := "code,sort,kind,filing,limit_value,limit_unit,closing,area_class,since,until\n"
	for _, tt := range []struct {
		name, file string
		want       []string // row field
	}{
		{"a kind that is none, no words, a limit that is none", short + "A,99-999,x,1,work_day,\nB,01-001,,0,fortnight,\n", []string{"2 kind", "3 filing", "3 limit_unit", "3 limit_value"}},
		{"a code twice, a code with a blank, none", short + "A,01-001,x,1,work_day,\nA,01-001,y,1,work_day,\nA B,01-001,y,1,work_day,\n,01-001,y,1,work_day,\nA@2,01-001,y,1,work_day,\n", []string{"3 code", "4 code", "5 code", "6 code"}},
		{"a missing column", "code,kind,limit_value,limit_unit\nA,01-001,1,work_day\n", []string{"1 filing"}},
		{"a column twice", "code,编码,kind,filing,limit_value,limit_unit\nA,A,01-001,x,1,work_day\n", []string{"1 code"}},
		{"no rows", short, []string{"0 "}},
		{"no file", "", []string{"1 code", "1 filing", "1 kind", "1 limit_unit", "1 limit_value"}},
		{"an area class that is none", full + "A,part,01-001,x,1,work_day,修复,D,,\n", []string{"2 area_class"}},
		{"yesterday", full + "A,part,01-001,x,1,work_day,修复,A,2026-11-25,\n", []string{"2 since"}},
		{"no day", full + "A,part,01-001,x,1,work_day,修复,A,2026-02-30,\n", []string{"2 since"}},
		{"an end before the beginning", full + "A,part,01-001,x,1,work_day,修复,A,2026-12-02,2026-12-02\n", []string{"2 until"}},
		{"an end today", full + "01-001-1,part,01-001,缺失、移位、开裂，存在安全隐患的,2,urgent_hour,,all,,2026-11-26\n", []string{"2 until"}},
		{"a change today", full + "01-001-1,part,01-001,缺失,2,urgent_hour,,all,2026-11-26,\n", []string{"2 since"}},
		{"another kind", short + "01-001-1,01-002,缺失,2,urgent_hour,\n", []string{"2 kind"}},
		{"the wrong sort", full + "A,event,01-001,x,1,work_day,,,,\n", []string{"2 kind"}},
		{"a quote that does not end", short + "A,01-001,\"x,1,work_day,\n", []string{"2 "}},
		{"GBK", short + "A,01-001,\xc6\xc6\xcb\xf0,1,work_day,\n", []string{"2 filing"}},
		{"too long", short + "A,01-001," + strings.Repeat("长", 501) + ",1,work_day,\n", []string{"2 filing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := open(t, catalog.Version2026)
			_, err := o.take(tt.file)
			e, ok := errs.As(err)
			if !ok || e.Kind != errs.Invalid {
				t.Fatalf("got %v", err)
			}
			var got []string
			for _, p := range e.Problems {
				got = append(got, fmt.Sprintf("%d %s", p.Row, p.Field))
				if p.Zh == "" || p.En == "" {
					t.Errorf("a fault without words: %+v", p)
				}
			}
			slices.Sort(got)
			if got = slices.Compact(got); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if o.store.state.Revision != 0 {
				t.Error("something was written")
			}
		})
	}
}

func TestFaultsAreBounded(t *testing.T) {
	o := open(t, catalog.Version2026)
	_, err := o.take(short + strings.Repeat("A,99-999,,0,x,\n", 300))
	if e, _ := errs.As(err); e == nil || len(e.Problems) != 201 || !strings.Contains(e.Problems[200].En, "more") {
		t.Errorf("got %v", err)
	}
}

func TestWhereASortSharesItsCodeItMustBeSaid(t *testing.T) {
	o := open(t, catalog.Version2013)
	_, err := o.take(short + "A,01-01,x,1,work_day,\n")
	if e, _ := errs.As(err); e == nil || e.Problems[0].Field != "sort" {
		t.Errorf("got %v", err)
	}
	o.must("编码,类型,类别编码,立案条件,时限,时限单位,区域类别\nA,事件,01-01,违建,1,工作日,B类\nB,部件,01-01,破损,1,工作日,全部\n")
	if now := o.inForce(); now["A"].Kind.Name != "私搭乱建" || now["A"].AreaClass != "B" || now["B"].Kind.Name != "上水井盖" || now["B"].AreaClass != catalog.AllAreas {
		t.Errorf("got %+v and %+v", now["A"], now["B"])
	}
}

func TestAChangeThatIsToComeIsWaitedFor(t *testing.T) {
	o := open(t, catalog.Version2026)
	file := "code,kind,filing,limit_value,limit_unit,since\n01-001-2,01-001,新的,4,work_hour,2026-12-10\n"
	o.must(file)
	if r := o.must(file); r.Unchanged != 1 {
		t.Errorf("the same file again: %+v", r)
	}
	if _, err := o.take("code,kind,filing,limit_value,limit_unit\n01-001-2,01-001,又一个,4,work_hour\n"); !errors.Is(err, errs.ErrInvalid) {
		t.Errorf("a second change before the first holds: %v", err)
	}
	if _, err := o.take("code,kind,filing,limit_value,limit_unit,since\n01-001-2,01-001,又一个,4,work_hour,2026-12-20\n"); !errors.Is(err, errs.ErrInvalid) {
		t.Errorf("a second change after the first: %v", err)
	}
	o.day("2026-12-10")
	o.must("code,kind,filing,limit_value,limit_unit\n01-001-2,01-001,又一个,4,work_hour\n")
	o.must("code,kind,filing,limit_value,limit_unit,until\n01-001-3,01-001,\"弹跳产生声响，翻盖明显影响安全\",2,work_day,2026-12-20\n")
	if _, err := o.take("code,kind,filing,limit_value,limit_unit,since\n01-001-3,01-001,改,2,work_day,2026-12-20\n"); !errors.Is(err, errs.ErrInvalid) {
		t.Errorf("a change on the day of the end: %v", err)
	}
}

// export writes what is in force as the export does.
func (o *office) export(zh bool) string {
	o.t.Helper()
	list, err := o.Conditions(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.Write(catalog.AllColumns(zh)) //nolint:errcheck // told by Error
	for _, c := range list {
		cells := make([]string, 0, 13)
		for _, cell := range c.Cells(zh) {
			cells = append(cells, fmt.Sprint(cell))
		}
		w.Write(cells) //nolint:errcheck // told by Error
	}
	w.Flush()
	if err := w.Error(); err != nil {
		o.t.Fatal(err)
	}
	return out.String()
}

func TestAnExportReadAgainChangesNothing(t *testing.T) {
	for _, v := range catalog.Versions() {
		for _, zh := range []bool{true, false} {
			o := open(t, v)
			kind := map[catalog.Version]string{catalog.Version2007: "event,01-01", catalog.Version2013: "part,01-01", catalog.Version2026: "part,01-001"}[v]
			o.must("code,sort,kind,filing,limit_value,limit_unit,closing,area_class,since,until\nX-1," + kind + ",\"有,逗号\",3,work_hour,修复,C,2026-11-26,2027-01-01\n")
			first := o.store.state.Conditions[0]
			sort := string(first.Kind.Sort)
			o.must("code,sort,kind,filing,limit_value,limit_unit,since\n" + first.Line + "," + sort + "," + first.Kind.Code + ",改了,9,work_day,2026-12-20\n")
			r := o.must(o.export(zh))
			if r.Unchanged != len(o.inForce()) || len(r.Items) != 0 {
				t.Errorf("%s: %+v of %d", v, r, len(o.inForce()))
			}
		}
	}
}

func TestARehearsalSaysWhatTheImportDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := open(t, catalog.Version2026)
		held := o.store.state.Conditions
		var file strings.Builder
		file.WriteString("code,kind,filing,limit_value,limit_unit,until\n")
		used := map[string]bool{}
		for range rapid.IntRange(1, 20).Draw(rt, "rows") {
			c := held[rapid.IntRange(0, len(held)-1).Draw(rt, "held")]
			if used[c.Code] {
				continue
			}
			used[c.Code] = true
			filing, until := c.Filing, ""
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				filing += "！"
			case 1:
				until = "2027-01-01"
			case 2:
				c.Code = "N-" + c.Code
			}
			fmt.Fprintf(&file, "%s,%s,%q,%d,%s,%s\n", c.Code, c.Kind.Code, filing, c.Limit.Value, c.Limit.Unit, until)
		}
		said, err := o.ImportSheet(t.Context(), "f.csv", calendar.CSV(strings.NewReader(file.String())), true)
		if err != nil || o.store.state.Revision != 0 {
			rt.Fatalf("rehearsal: %v, revision %d", err, o.store.state.Revision)
		}
		done, err := o.take(file.String())
		if err != nil || fmt.Sprint(said) != fmt.Sprint(done) {
			rt.Fatalf("said %+v, did %+v, %v", said, done, err)
		}
		// Whatever the file, each line has exactly one wording on every day it
		// is in force, and no day between two of its wordings is left out.
		for _, day := range []string{"2026-11-26", "2026-11-27", "2026-12-31", "2027-01-01"} {
			seen := map[string]bool{}
			list, err := o.Find(t.Context(), catalog.Query{Day: day})
			if err != nil {
				rt.Fatal(err)
			}
			for _, c := range list {
				if seen[c.Line] {
					rt.Fatalf("two wordings of %s on %s", c.Line, day)
				}
				seen[c.Line] = true
			}
		}
		if again, err := o.take(file.String()); err != nil || len(again.Items) != 0 {
			rt.Fatalf("the same file again: %+v, %v", again, err)
		}
	})
}
