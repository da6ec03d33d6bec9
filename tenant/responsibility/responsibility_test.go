package responsibility

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"wangge/internal/errs"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

const v26, v13 = "GB/T 47678.5-2026", "GB/T 30428.2-2013"

var kinds = []Kind{
	{v26, "part", "01-001", "01", "供水井盖异常"}, {v26, "part", "01-002", "01", "污水井盖异常"}, {v26, "event", "06-001", "06", "暴露垃圾"},
	{v13, "part", "01-01", "01", "上水井盖"}, {v13, "event", "01-01", "01", "私搭乱建"},
}

var departments = []org.Department{
	{Code: "SZ", Name: "市政处", Kind: org.Functional}, {Code: "YL", Name: "园林处", Kind: org.Contractor}, {Code: "HW", Name: "环卫处", Kind: org.Enterprise},
	{Code: "Q1", Name: "区局", Kind: org.Functional, Area: "150302"}, {Code: "Q2", Name: "区局", Kind: org.Functional, Area: "150303"},
	{Code: "JD", Name: "监督中心", Kind: org.SupervisionCentre}, {Code: "OLD", Name: "旧所", Kind: org.Functional, Retired: "2026-06-01"},
}

var divisions = map[string]string{"150302": "海勃湾区", "150303": "海南区", "150302001": "新华街道", "150302001001": "一社区", "150302001002": "二社区"}

const today = "2026-11-23"

func unitGrid(t testing.TB, text string) grid.Code {
	t.Helper()
	c, err := grid.ParseCode(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func matrix(rules ...Rule) *Matrix {
	for i := range rules {
		rules[i].ID = int64(i + 1)
		if rules[i].Version == "" {
			rules[i].Version = v26
		}
	}
	return NewMatrix(rules, departments, divisions, today)
}

func TestTheMostSpecificAreaWinsThenTheMostSpecificKind(t *testing.T) {
	all := []Rule{
		{Lead: "SZ"}, {Kind: "01", Lead: "YL"}, {Kind: "01-001", Lead: "HW"},
		{Area: "150302", Lead: "Q1"}, {Area: "150302001", Kind: "01", Lead: "SZ"}, {Area: "150302001001", Kind: "01-001", Lead: "YL", Assisting: []string{"SZ", "OLD"}},
	}
	for _, tt := range []struct {
		kind, grid, want string
		rule             int64
	}{
		{"06-001", "150304001001001", "SZ", 1},
		{"01-002", "150304001001001", "YL", 2},
		{"01-001", "150304001001001", "HW", 3},
		{"01-001", "150302002001001", "Q1", 4}, // the area counts more than the kind
		{"01-001", "150302001002001", "SZ", 5},
		{"06-001", "150302001002001", "Q1", 4},
		{"01-001", "150302001001001", "YL", 6},
		{"01-002", "150302001001001", "SZ", 5},
	} {
		got := matrix(all...).Suggest(v26, "", tt.kind, unitGrid(t, tt.grid))
		if got.Lead != tt.want || got.Rule != tt.rule || got.Area != all[tt.rule-1].Area {
			t.Errorf("%s in %s: %+v, want %s by row %d", tt.kind, tt.grid, got, tt.want, tt.rule)
		}
	}
	if got := matrix(all...).Suggest(v26, "", "01-001", unitGrid(t, "150302001001001")); !slices.Equal(got.Assisting, []string{"SZ"}) {
		t.Errorf("assisting %v, want SZ without the retired", got.Assisting)
	}
}

func TestASuggestionSaysWhy(t *testing.T) {
	here := unitGrid(t, "150302001001001")
	for name, tt := range map[string]struct {
		rules  []Rule
		want   Suggestion
		zh, en string
	}{
		"one leads": {[]Rule{{Kind: "01-001", Area: "150302", Lead: "SZ"}}, Suggestion{Lead: "SZ", Area: "150302", Rule: 1},
			"权责清单第 1 行：海勃湾区（150302）的 01-001 事项由市政处（SZ）牵头", "row 1 of the matrix: 市政处（SZ） leads for the kind 01-001 in 海勃湾区 (150302)"},
		"for every kind of the city": {[]Rule{{Lead: "SZ"}}, Suggestion{Lead: "SZ", Rule: 1}, "全市的所有事项由市政处", "leads for every kind in the whole city"},
		"nobody":                     {[]Rule{{Kind: "06", Lead: "SZ"}}, Suggestion{}, "事项 01-001 在网格 150302001001001 无人负责", "names nobody for the kind 01-001"},
		"two": {[]Rule{{Kind: "01", Lead: "SZ"}, {Kind: "01", Lead: "YL"}}, Suggestion{Contested: []string{"SZ", "YL"}, Rule: 1},
			"多个牵头单位：市政处（SZ）、园林处（YL）", "more than one lead for the kind 01 in the whole city: 市政处（SZ）, 园林处（YL）"},
		"the same twice is one":           {[]Rule{{Kind: "01", Lead: "SZ", Since: "2026-01-01"}, {Kind: "01", Lead: "SZ"}}, Suggestion{Lead: "SZ", Rule: 1}, "市政处", "leads"},
		"a retired lead counts not":       {[]Rule{{Lead: "SZ"}, {Kind: "01", Lead: "OLD"}}, Suggestion{Lead: "SZ", Rule: 1}, "市政处", "leads"},
		"a coming rule counts not":        {[]Rule{{Kind: "01", Lead: "SZ", Since: "2026-11-24"}}, Suggestion{}, "无人负责", "nobody"},
		"from its first day":              {[]Rule{{Kind: "01", Lead: "SZ", Since: today}}, Suggestion{Lead: "SZ", Rule: 1}, "市政处", "leads"},
		"to its last day":                 {[]Rule{{Kind: "01", Lead: "SZ", Until: today}}, Suggestion{Lead: "SZ", Rule: 1}, "市政处", "leads"},
		"after its last day":              {[]Rule{{Kind: "01", Lead: "SZ", Until: "2026-11-22"}}, Suggestion{}, "无人负责", "nobody"},
		"another version":                 {[]Rule{{Version: v13, Kind: "01", Lead: "SZ"}}, Suggestion{}, "无人负责", "nobody"},
		"rules of the other sort":         {[]Rule{{Sort: "event", Kind: "01", Lead: "SZ"}}, Suggestion{}, "无人负责", "nobody"},
		"a rule of the sort before any's": {[]Rule{{Kind: "01", Lead: "SZ"}, {Sort: "part", Kind: "01", Lead: "YL"}}, Suggestion{Lead: "YL", Rule: 2}, "园林处", "leads"},
	} {
		t.Run(name, func(t *testing.T) {
			got := matrix(tt.rules...).Suggest(v26, "part", "01-001", here)
			if got.Lead != tt.want.Lead || got.Area != tt.want.Area || got.Rule != tt.want.Rule || !slices.Equal(got.Contested, tt.want.Contested) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if !strings.Contains(got.Why.Zh, tt.zh) || !strings.Contains(got.Why.En, tt.en) {
				t.Errorf("why: %s / %s", got.Why.Zh, got.Why.En)
			}
		})
	}
	if got := matrix(Rule{Kind: "01", Lead: "SZ"}).Suggest("", "", "01-001", here); got.Lead != "SZ" {
		t.Errorf("without a version: %+v", got)
	}
}

// draw draws rules over few kinds and areas, so that they meet.
func draw(r *rapid.T) (rules []Rule) {
	for range rapid.IntRange(0, 20).Draw(r, "rules") {
		rules = append(rules, Rule{
			Version: v26, Sort: rapid.SampledFrom([]string{"", "part"}).Draw(r, "sort"), Kind: rapid.SampledFrom([]string{"", "01", "01-001"}).Draw(r, "kind"),
			Area:  rapid.SampledFrom([]string{"", "150302", "150302001", "150302001001"}).Draw(r, "area"),
			Lead:  rapid.SampledFrom([]string{"SZ", "YL", "OLD"}).Draw(r, "lead"),
			Since: rapid.SampledFrom([]string{"", "2026-11-01", "2026-12-01"}).Draw(r, "since"),
		})
	}
	return rules
}

// plainly finds the leads as the package says it, looking at every rule.
func plainly(rules []Rule, k Kind, community string) (leads []string) {
	best := [3]int{-1, -1, -1}
	for _, r := range rules {
		if r.Version != k.Version || r.Sort != "" && r.Sort != k.Sort || !strings.HasPrefix(k.Code, r.Kind) || !strings.HasPrefix(community, r.Area) || !r.On(today) || r.Lead == "OLD" {
			continue
		}
		rank := [3]int{len(r.Area), len(r.Kind), len(r.Sort)}
		if c := slices.Compare(rank[:], best[:]); c > 0 {
			best, leads = rank, nil
		} else if c < 0 {
			continue
		}
		if !slices.Contains(leads, r.Lead) {
			leads = append(leads, r.Lead)
		}
	}
	slices.Sort(leads)
	return leads
}

var grids = []string{
	"150302001001001", "150302001001002", "150302001002001", "150302002001001", "150303001001001", "150303001001002", "150304001001001",
}

func TestTheCheckerAgreesWithLookingAtEveryRule(t *testing.T) {
	var codes []grid.Code
	for _, g := range grids {
		codes = append(codes, unitGrid(t, g))
	}
	rapid.Check(t, func(r *rapid.T) {
		rules := draw(r)
		m := matrix(rules...)
		review := m.Check(kinds[:3], codes)
		nobody, contested := 0, 0
		for _, k := range kinds[:3] {
			for i, g := range codes {
				want := plainly(rules, k, g.Community())
				s := m.Suggest(k.Version, k.Sort, k.Code, g)
				if len(want) == 1 && s.Lead != want[0] || len(want) != 1 && s.Lead != "" || len(want) > 1 != (len(s.Contested) > 1) {
					r.Fatalf("%s in %s: %+v, want %v of %v", k.Code, g, s, want, rules)
				}
				var told [][]string
				for _, gap := range review.Gaps {
					if gap.Kind == k && strings.HasPrefix(grids[i], gap.Area) {
						told = append(told, gap.Leads)
					}
				}
				if len(want) == 1 != (len(told) == 0) || len(told) > 1 || len(told) == 1 && !slices.Equal(told[0], want) {
					r.Fatalf("%s in %s: told %v, want %v", k.Code, g, told, want)
				}
				if len(want) == 0 {
					nobody++
				}
				if len(want) > 1 {
					contested++
				}
			}
		}
		if review.Nobody != nobody || review.Contested != contested || review.Grids != len(codes) || review.Kinds != 3 {
			r.Fatalf("counted %d and %d, want %d and %d", review.Nobody, review.Contested, nobody, contested)
		}
	})
}

func TestGapsAreToldOfTheLargestArea(t *testing.T) {
	var codes []grid.Code
	for _, g := range grids {
		codes = append(codes, unitGrid(t, g))
	}
	review := matrix(Rule{Kind: "01", Lead: "SZ"}, Rule{Kind: "06", Area: "150302001", Lead: "HW"}, Rule{Kind: "01-001", Area: "150303", Lead: "YL"}, Rule{Kind: "01-001", Area: "150303", Lead: "HW"}, Rule{Kind: "01", Lead: "OLD"}).Check(kinds[:3], codes)
	var got []string
	for _, g := range review.Gaps {
		got = append(got, fmt.Sprintf("%s %s%s %v %d %v", g.Kind.Code, g.Area, g.AreaName, g.Leads, g.Grids, g.Sample))
	}
	want := []string{
		"01-001 150303海南区 [HW YL] 2 [150303001001001 150303001001002]",
		"06-001 150303海南区 [] 2 [150303001001001 150303001001002]",
		"06-001 150304 [] 1 [150304001001001]",
		"06-001 150302002 [] 1 [150302002001001]",
	}
	if review.Contested != 2 || review.Nobody != 4 {
		t.Errorf("counted %d contested and %d of nobody, want 2 and 4", review.Contested, review.Nobody)
	}
	if !slices.Equal(got, want) || len(review.Idle) != 1 || review.Idle[0].Lead != "OLD" {
		t.Errorf("got\n%s\nwant\n%s\nidle %v", strings.Join(got, "\n"), strings.Join(want, "\n"), review.Idle)
	}
	if empty := matrix().Check(kinds[:3], codes); len(empty.Gaps) != 3 || empty.Gaps[0].Area != "" || empty.Gaps[0].Grids != len(codes) || len(empty.Gaps[0].Sample) != maxSample {
		t.Errorf("an empty matrix: %+v", empty)
	}
	if none := matrix().Check(kinds, nil); len(none.Gaps) != 0 {
		t.Errorf("without grids: %+v", none)
	}
}

// drafts are the rows of a file.
type drafts []Draft

func (d *drafts) Next() (Draft, error) {
	if len(*d) == 0 {
		return Draft{}, io.EOF
	}
	first := (*d)[0]
	*d = (*d)[1:]
	return first, nil
}

func read(list ...Draft) ([]Rule, error) {
	for i := range list {
		list[i].Row = i + 2
	}
	rows := drafts(list)
	return newFrame("权责.csv", kinds, departments, divisions).read(&rows)
}

func TestEveryFaultOfAMatrixIsToldByRowAndField(t *testing.T) {
	good := Draft{Kind: "01-001", Area: "150302", Lead: "SZ", Assisting: "YL；环卫处", Since: "2026-01-01", Until: "2026-12-31"}
	for name, tt := range map[string]struct {
		change func(*Draft)
		field  string
		zh     string
	}{
		"no kind":                 {func(d *Draft) { d.Kind = "" }, "kind", "事项编码为空"},
		"an unknown kind":         {func(d *Draft) { d.Kind = "99-001" }, "kind", "没有事项或大类 99-001"},
		"a kind of another":       {func(d *Draft) { d.Version = v13 }, "kind", v13 + " 中没有"},
		"a class of another sort": {func(d *Draft) { d.Kind, d.Sort = "06", "部件" }, "kind", "没有事项或大类 06"},
		"an unknown sort":         {func(d *Draft) { d.Sort = "thing" }, "sort", "类别"},
		"an area that is none":    {func(d *Draft) { d.Area = "1503" }, "area", "6、9 或 12 位"},
		"another city's area":     {func(d *Draft) { d.Area = "110101" }, "area", "不属于该市"},
		"no lead":                 {func(d *Draft) { d.Lead = "" }, "lead", "单位为空"},
		"an unknown lead":         {func(d *Draft) { d.Lead = "XX" }, "lead", "没有这个部门：XX"},
		"a centre as lead":        {func(d *Draft) { d.Lead = "监督中心" }, "lead", "是中心"},
		"a retired lead":          {func(d *Draft) { d.Lead = "OLD" }, "lead", "已停用"},
		"a name of two":           {func(d *Draft) { d.Lead = "区局" }, "lead", "有 2 个部门叫“区局”"},
		"an unknown assistant":    {func(d *Draft) { d.Assisting = "YL,XX" }, "assisting", "没有这个部门：XX"},
		"the lead as assistant":   {func(d *Draft) { d.Assisting = "市政处" }, "assisting", "单位重复"},
		"an end before the start": {func(d *Draft) { d.Until = "2025-12-31" }, "until", "早于"},
		"a fault of the reader":   {func(d *Draft) { d.Faults = []errs.Problem{{Row: 3, Field: "since", Zh: "不是日期", En: "no date"}} }, "since", "不是日期"},
		"the row before, again":   {func(d *Draft) { d.Kind, d.Until = "06", "" }, "kind", "与第 2 行重复"},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := good, good
			first.Kind = "06"
			tt.change(&second)
			rules, err := read(first, second)
			e, ok := errs.As(err)
			if !ok || rules != nil || e.Problems[0].Row != 3 || e.Problems[0].File != "权责.csv" || e.Problems[0].Field != tt.field || !strings.Contains(e.Problems[0].Zh, tt.zh) || e.Problems[0].En == "" {
				t.Errorf("got %v, %v", rules, err)
			}
		})
	}
	many := make([]Draft, 300)
	_, err := read(many...)
	if e, _ := errs.As(err); e == nil || len(e.Problems) != maxListed+1 || !strings.Contains(e.Problems[maxListed].Zh, "另有 ") {
		t.Errorf("a flood of faults: %d", len(e.Problems))
	}
	if _, err := read(); errs.KindOf(err) != errs.Invalid {
		t.Errorf("an empty file: %v", err)
	}
}

func TestARowIsReadAsItIsMeant(t *testing.T) {
	got, err := read(
		Draft{Kind: "*", Lead: "市政处"}, Draft{Kind: "01", Sort: "Part", Area: "150302001", Lead: "YL", Assisting: "SZ、环卫处 Q1"},
		Draft{Version: v13, Sort: "事件", Kind: "01-01", Lead: "HW", Since: "2026-01-01"},
	)
	want := []Rule{
		{ID: 1, Version: v26, Lead: "SZ"}, {ID: 2, Version: v26, Sort: "part", Kind: "01", Area: "150302001", Lead: "YL", Assisting: []string{"SZ", "HW", "Q1"}},
		{ID: 3, Version: v13, Sort: "event", Kind: "01-01", Lead: "HW", Since: "2026-01-01"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || err != nil {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestWhatAnImportChanges(t *testing.T) {
	before := []Rule{{Kind: "01", Lead: "SZ"}, {Kind: "06", Lead: "HW"}, {Kind: "02", Lead: "YL"}, {Kind: "03", Lead: "YL", Until: "2026-12-31"}}
	after := []Rule{
		{Kind: "01", Lead: "SZ"}, {Kind: "02", Lead: "YL", Assisting: []string{"SZ"}}, {Kind: "03", Lead: "YL", Until: "2026-06-30"},
		{Kind: "03", Lead: "SZ", Since: "2026-07-01"}, {Kind: "01", Lead: "YL"}, {Kind: "01", Area: "150302", Lead: "YL"},
	}
	got := compare(before, after)
	if got.Rows != 6 || got.Added != 3 || got.Changed != 2 || got.Unchanged != 1 || got.Removed != 1 {
		t.Errorf("got %+v", got)
	}
	if len(got.Contested) != 1 || got.Contested[0].One.Lead != "SZ" || got.Contested[0].Other.Lead != "YL" {
		t.Errorf("contested: %+v", got.Contested)
	}
}

// large is a matrix of 250 kinds over 20,000 grids of 400 communities.
func large(b testing.TB) (*Matrix, []Kind, []grid.Code) {
	b.Helper()
	var list []Kind
	for n := range 250 {
		list = append(list, Kind{v26, "part", fmt.Sprintf("%02d-%03d", n/25+1, n%25+1), fmt.Sprintf("%02d", n/25+1), "事项"})
	}
	var codes []grid.Code
	for n := range 20_000 {
		codes = append(codes, unitGrid(b, fmt.Sprintf("15030%d%03d%03d%03d", n/4000+2, n/400%10+1, n/50%8+1, n%50+1)))
	}
	var rules []Rule
	for i, k := range list {
		for area := range 40 {
			if (i+area)%7 > 0 {
				rules = append(rules, Rule{Version: v26, Kind: k.Code, Area: codes[area*500].Street(), Lead: "SZ", ID: int64(len(rules) + 1)})
			}
		}
	}
	return NewMatrix(rules, departments, divisions, today), list, codes
}

func BenchmarkCheck(b *testing.B) {
	m, list, codes := large(b)
	for b.Loop() {
		if r := m.Check(list, codes); r.Nobody == 0 {
			b.Fatal("no gaps")
		}
	}
}

func BenchmarkSuggest(b *testing.B) {
	m, list, codes := large(b)
	i := 0
	for b.Loop() {
		k := list[i%len(list)]
		if s := m.Suggest(v26, "part", k.Code, codes[i%len(codes)]); s.Why.Zh == "" {
			b.Fatal("no reason")
		}
		i++
	}
}
