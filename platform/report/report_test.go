package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"wangge/platform/exchange"
	"wangge/platform/ranking"
	"wangge/platform/report"
	"wangge/platform/review"
	"wangge/platform/seal"
	"wangge/tenant/evaluation"
)

var noon = time.Date(2026, 11, 12, 4, 0, 0, 0, time.UTC)

func page(l report.Lang) report.Page {
	return report.Page{Lang: l, Issuer: "某省住房和城乡建设厅", Zone: time.FixedZone("Asia/Shanghai", 8*3600)}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// frozen is a month of two cities that tie, one with too few cases and one that
// published nothing.
func frozen(t *testing.T) (ranking.Edition, ranking.Frozen) {
	t.Helper()
	protocol, err := ranking.Example()
	must(t, err)
	counts := func(k int64) evaluation.Counts {
		return evaluation.Counts{
			evaluation.DueClose: 972 * k, evaluation.Closed: 911 * k, evaluation.ClosedInTime: 737 * k,
			evaluation.DueHandle: 980 * k, evaluation.Handled: 970 * k, evaluation.HandledInTime: 930 * k, evaluation.Reworked: 20 * k,
		}
	}
	few := evaluation.Counts{evaluation.DueClose: 3, evaluation.Closed: 3, evaluation.ClosedInTime: 3}
	e, err := ranking.Compute(protocol, "2026-10", []ranking.CityFigures{
		{Code: "429006", Name: "天门市", Days: 31, Revision: 7, Counts: counts(1)}, {Code: "420100", Name: "武汉市", Days: 31, Revision: 9, Counts: counts(2)},
		{Code: "420500", Name: "<宜昌市>", Days: 2, Revision: 1, Counts: few}, {Code: "420600", Name: "襄阳市", Counts: evaluation.Counts{}},
	})
	must(t, err)
	e.Number, e.Reason, e.Corrects = 2, "补传数据", strings.Repeat("ab", 32)
	f, err := ranking.Freeze(e, noon)
	must(t, err)
	e, err = ranking.Verify(f.Document, f.Hash)
	must(t, err)
	return e, f
}

// has fails the test for what a text lacks.
func has(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// whole fails the test when a page is not well formed or shows a hole.
func whole(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
	}
	for _, hole := range []string{"%!", "<no value>", "ZgotmplZ", "http://", "https://", "<script", " style="} {
		if strings.Contains(text, hole) {
			t.Errorf("the page has %q", hole)
		}
	}
}

func TestARankingIsAPageInBothLanguages(t *testing.T) {
	e, f := frozen(t)
	for lang, words := range map[report.Lang][]string{
		report.Zh: {"城市管理月度排名", "2026年10月", "第 2 期", "并列", "样本不足", "无数据", "2026-11-12 12:00", "武汉市", "补传数据"},
		report.En: {"Monthly ranking of cities", "October 2026", "edition 2", "tied", "too few cases", "no data", "2026-11-12 12:00"},
	} {
		var out bytes.Buffer
		must(t, report.Ranking(&out, page(lang), e, f))
		text := out.String()
		whole(t, text)
		has(t, text, words...)
		has(t, text, "75.82", "73.03–78.41", f.Hash[:8], "&lt;宜昌市&gt;", "1,944") // 737 of 972, its interval, the tie's volume
		if strings.Contains(text, "<宜昌市>") || strings.Contains(text, "nonce") || strings.Contains(text, "<nav>") {
			t.Error("a page to keep has what belongs to the site, or a name was not escaped")
		}
	}
}

func TestOnTheSiteAPageHasItsNonceAndTheWaysOn(t *testing.T) {
	e, f := frozen(t)
	p := page(report.Zh)
	p.Nonce, p.Links = "N0NCE", []report.Link{{Href: "/", Text: "← 首页"}, {Href: "/x?lang=en", Text: "English", Away: true}}
	var out bytes.Buffer
	must(t, report.Ranking(&out, p, e, f))
	has(t, out.String(), `<style nonce="N0NCE">`, `<a href="/">← 首页</a>`, `class="away"`)
}

func TestAWorkbookHasNumbersToComputeOnFrom(t *testing.T) {
	e, f := frozen(t)
	for lang, sheets := range map[report.Lang]string{report.Zh: "排名 原始数据 指标与规程", report.En: "Ranking Figures Definitions"} {
		var out bytes.Buffer
		must(t, report.Workbook(&out, page(lang), e, f))
		file, err := excelize.OpenReader(&out)
		must(t, err)
		defer file.Close()
		list := file.GetSheetList()
		if strings.Join(list, " ") != sheets {
			t.Errorf("sheets %q, want %q", list, sheets)
		}
		for at, want := range map[string]string{"0 A4": "1", "0 A5": "1", "0 E4": "75.82", "0 F5": "73.03", "0 H4": "1944", "0 A6": "—", "0 B6": "420500", "1 A2": "420100", "1 C2": "1944"} {
			sheet, cell := list[at[0]-'0'], at[2:]
			if got, err := file.GetCellValue(sheet, cell); err != nil || got != want {
				t.Errorf("%s %s is %q, %v; want %q", sheet, cell, got, err, want)
			}
		}
		if kind, err := file.GetCellType(list[0], "E4"); err != nil || kind == excelize.CellTypeSharedString || kind == excelize.CellTypeInlineString {
			t.Errorf("a rate is a text: %v, %v", kind, err)
		}
		rows, err := file.GetRows(list[2])
		must(t, err)
		has(t, fmt.Sprint(rows), f.Hash, "40")
	}
}

// reviewed is a concluded review of a city whose closing rate is known, or not.
func reviewed(t *testing.T, facts map[string]evaluation.Ratio) review.Opened {
	t.Helper()
	rules, err := review.LoadRubric(strings.NewReader(rubric), "own.yaml")
	must(t, err)
	o := review.Opened{Rules: rules}
	o.ID, o.City, o.AppliedAt, o.ConcludedAt = 7, "429006", noon, noon.Add(time.Hour)
	o.Facts = exchange.Evidence{City: "429006", Name: "天门市", AsOf: noon, From: "2026-05-01", To: "2026-10-31", Facts: facts}
	o.Review.Rubric, o.RubricHash, err = seal.Document(rules)
	must(t, err)
	o.Decision, err = review.Conclude(rules, review.Assess(rules, o.Facts), []review.ExpertScore{
		{Expert: 1, Item: "A2", Points: 800}, {Expert: 2, Item: "A2", Points: 901},
	})
	must(t, err)
	o.State = review.State(o.Decision.Outcome)
	o.Review.Verdict, _, err = seal.Document(o.Decision)
	must(t, err)
	return o
}

const rubric = `{code: own, version: "1", name: {zh: 某省验收标准, en: rubric of a province}, total: 20, pass_mark: 15, fail_below: 5, item_minimum: 60%, experts_per_item: 2,
preconditions: [{code: P1, name: {zh: 监管分离, en: separation}, fact: separation_breaches, at_most: 0, advice: {zh: 改正权限, en: mend the policy}}],
sections: [
  {code: A, name: {zh: 运行, en: operation}, items: [
    {code: A1, name: {zh: 结案率, en: closing rate}, kind: computed, points: 10, fact: closing, full: 100%, zero: 0, evidence: {zh: 案卷, en: cases}, advice: {zh: 及时结案, en: close in time}},
    {code: A2, name: {zh: 规章, en: rules}, kind: judged, points: 10, evidence: {zh: 文件, en: papers}, advice: {zh: 补齐, en: complete}}]}]}`

func TestAReviewSaysWhatMustBeMendedAndWhy(t *testing.T) {
	o := reviewed(t, map[string]evaluation.Ratio{
		exchange.Closing: {Numerator: 911, Denominator: 972}, exchange.SeparationBreaches: {Numerator: 2, Denominator: 1},
	})
	for lang, words := range map[report.Lang][]string{
		report.Zh: {"整改后复验", "监管分离", "≤ 0 处", "2 处", "改正权限", "93.72%（911 / 972）", "2 位专家，8.00–9.01 分", "前置条件未满足"},
		report.En: {"To rectify", "Separation", "≤ 0 breaches", "2 breaches", "Mend the policy", "93.72% (911 / 972)", "2 experts, 8.00 to 9.01 points", "precondition not met"},
	} {
		var out bytes.Buffer
		must(t, report.Review(&out, page(lang), o))
		whole(t, out.String())
		has(t, out.String(), words...)
		has(t, out.String(), "天门市", "17.88", o.RubricHash[:8], seal.Hash(o.Verdict)[:8])
	}
}

func TestAFactThatIsMissingIsNotAZero(t *testing.T) {
	var out bytes.Buffer
	must(t, report.Review(&out, page(report.Zh), reviewed(t, map[string]evaluation.Ratio{exchange.SeparationBreaches: {Numerator: 0, Denominator: 1}})))
	has(t, out.String(), "无数据", "低于单项最低", "及时结案")
	if strings.Contains(out.String(), "0.00%（0") {
		t.Error("a missing rate is shown as 0 %")
	}
}

func TestARunningReviewHasNoReport(t *testing.T) {
	o := reviewed(t, nil)
	o.State = review.UnderReview
	if err := report.Review(io.Discard, page(report.Zh), o); !errors.Is(err, report.ErrNotConcluded) {
		t.Errorf("got %v", err)
	}
}
