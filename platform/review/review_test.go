package review_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/platform/exchange"
	"wangge/platform/review"
	"wangge/platform/seal"
	"wangge/tenant/evaluation"
)

// own is a small rubric of another province: other sections, marks and weights.
const own = `code: own
version: "3"
name: {zh: 某省验收标准, en: rubric of some province}
total: 50
pass_mark: 40
fail_below: 20
item_minimum: 60%
experts_per_item: 2
preconditions:
  - {code: P1, name: {zh: 试运行, en: trial run}, fact: trial_months, at_least: 6, advice: {zh: 继续试运行, en: go on}}
  - {code: P2, name: {zh: 监管分离, en: separation}, fact: separation_breaches, at_most: 0, advice: {zh: 改正权限, en: mend the policy}}
sections:
  - code: A
    name: {zh: 运行, en: operation}
    items:
      - {code: A1, name: {zh: 按期结案率, en: on-time closing rate}, kind: computed, points: 20, fact: closing_in_time, full: 90%, zero: 1/2, evidence: {zh: 案卷, en: cases}, advice: {zh: 减少超期, en: close in time}}
      - {code: A2, name: {zh: 返工率, en: rework rate}, kind: computed, points: 7.5, minimum: 20%, fact: rework, full: 0, zero: 10%, evidence: {zh: 案卷, en: cases}, advice: {zh: 减少返工, en: less rework}}
  - code: B
    name: {zh: 机制, en: mechanism}
    items:
      - {code: B1, name: {zh: 规章, en: rules}, kind: judged, points: 12.5, evidence: {zh: 文件, en: papers}, advice: {zh: 补齐规章, en: complete the rules}}
      - {code: B2, name: {zh: 经费, en: funds}, kind: judged, points: 10, evidence: {zh: 预算, en: budget}, advice: {zh: 列入预算, en: put it into the budget}}
`

func rubric(t *testing.T, text string) review.Rubric {
	t.Helper()
	r, err := review.LoadRubric(strings.NewReader(text), "own.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func evidence(facts map[string]evaluation.Ratio) exchange.Evidence {
	return exchange.Evidence{
		City: "429006", Name: "天门市", AsOf: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC),
		From: "2026-01-01", To: "2026-03-31", Facts: facts,
	}
}

func count(n int64) evaluation.Ratio    { return evaluation.Ratio{Numerator: n, Denominator: 1} }
func rate(n, of int64) evaluation.Ratio { return evaluation.Ratio{Numerator: n, Denominator: of} }

func good() map[string]evaluation.Ratio {
	return map[string]evaluation.Ratio{
		exchange.TrialMonths: count(6), exchange.SeparationBreaches: count(0),
		exchange.ClosingInTime: rate(900, 1000), exchange.Rework: rate(10, 1000),
	}
}

// panel gives every judged item the marks of experts 1 and 2.
func panel(b1, b1too, b2, b2too evaluation.Points) []review.ExpertScore {
	return []review.ExpertScore{
		{Expert: 1, Item: "B1", Points: b1}, {Expert: 2, Item: "B1", Points: b1too},
		{Expert: 1, Item: "B2", Points: b2}, {Expert: 2, Item: "B2", Points: b2too},
	}
}

func TestPointsOfAComputedItemGrowEvenlyBetweenItsThresholds(t *testing.T) {
	r := rubric(t, own)
	for _, c := range []struct {
		name, fact, item string
		value            evaluation.Ratio
		points           string
		missing          bool
	}{
		{"full at the full threshold", exchange.ClosingInTime, "A1", rate(90, 100), "20.00", false},
		{"full above it", exchange.ClosingInTime, "A1", rate(100, 100), "20.00", false},
		{"none at the zero threshold", exchange.ClosingInTime, "A1", rate(50, 100), "0.00", false},
		{"none below it", exchange.ClosingInTime, "A1", rate(0, 100), "0.00", false},
		{"half way brings half", exchange.ClosingInTime, "A1", rate(70, 100), "10.00", false},
		// Tianmen: (737/972 − 1/2) ÷ (9/10 − 1/2) × 20 = 12.9115…
		{"Tianmen's 737 of 972", exchange.ClosingInTime, "A1", rate(737, 972), "12.91", false},
		{"less rework is better", exchange.Rework, "A2", rate(4, 100), "4.50", false},
		{"no rework is best", exchange.Rework, "A2", rate(0, 100), "7.50", false},
		{"too much rework brings nothing", exchange.Rework, "A2", rate(30, 100), "0.00", false},
		{"nothing handled is no rate", exchange.Rework, "A2", rate(0, 0), "0.00", true},
	} {
		got := review.Assess(r, evidence(map[string]evaluation.Ratio{c.fact: c.value}))
		for _, m := range got.Items {
			if m.Code == c.item && (m.Points.String() != c.points || m.Missing != c.missing) {
				t.Errorf("%s: %s points, missing %v; want %s, %v", c.name, m.Points, m.Missing, c.points, c.missing)
			}
		}
	}
}

func TestAPreconditionWithoutEvidenceIsNotMet(t *testing.T) {
	r := rubric(t, own)
	for name, c := range map[string]struct {
		facts map[string]evaluation.Ratio
		met   []bool
	}{
		"both hold":            {good(), []bool{true, true}},
		"a month too few":      {map[string]evaluation.Ratio{exchange.TrialMonths: count(5), exchange.SeparationBreaches: count(0)}, []bool{false, true}},
		"one breach":           {map[string]evaluation.Ratio{exchange.TrialMonths: count(7), exchange.SeparationBreaches: count(1)}, []bool{true, false}},
		"nothing is known yet": {nil, []bool{false, false}},
	} {
		got := review.Assess(r, evidence(c.facts)).Preconditions
		if got[0].Met != c.met[0] || got[1].Met != c.met[1] {
			t.Errorf("%s: %+v, want %v", name, got, c.met)
		}
	}
}

func TestVerdicts(t *testing.T) {
	r := rubric(t, own)
	with := func(key string, value evaluation.Ratio) map[string]evaluation.Ratio {
		facts := good()
		facts[key] = value
		return facts
	}
	for _, c := range []struct {
		name    string
		facts   map[string]evaluation.Ratio
		scores  []review.ExpertScore
		outcome review.Outcome
		total   string
		short   []string
	}{
		{"everything in order passes", good(), panel(1200, 1100, 900, 1000), review.Passed, "47.75", nil},
		{"an unmet precondition sends a good city back", with(exchange.TrialMonths, count(5)), panel(1200, 1100, 900, 1000), review.Rectify, "47.75", []string{"precondition P1 0.00"}},
		{"an item below its own minimum sends a good city back", good(), panel(1250, 1250, 500, 600), review.Rectify, "44.75", []string{"item B2 4.50"}},
		{"no rate where nothing was handled is a shortcoming", with(exchange.Rework, rate(0, 0)), panel(1250, 1250, 1000, 1000), review.Rectify, "42.50", []string{"item A2 7.50"}},
		{"a total below the mark names what lost most", with(exchange.ClosingInTime, rate(75, 100)), panel(800, 800, 700, 700), review.Rectify, "34.25", []string{"total A1 7.50"}},
		{"as many as it takes to reach the mark", with(exchange.ClosingInTime, rate(74, 100)), panel(760, 760, 600, 600), review.Rectify, "32.35", []string{"total A1 8.00"}},
		{"far below the mark has failed", with(exchange.ClosingInTime, rate(1, 100)), panel(500, 500, 400, 400), review.Failed, "15.75", []string{"item A1 20.00", "item B1 7.50", "item B2 6.00"}},
	} {
		v, err := review.Conclude(r, review.Assess(r, evidence(c.facts)), c.scores)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var short []string
		for _, s := range v.Shortcomings {
			short = append(short, fmt.Sprintf("%s %s %s", s.Cause, s.Code, s.Lost))
			if s.Advice.Zh == "" || s.Advice.En == "" {
				t.Errorf("%s: %s has no advice", c.name, s.Code)
			}
		}
		if v.Outcome != c.outcome || v.Total.String() != c.total || !slices.Equal(short, c.short) {
			t.Errorf("%s: %s with %s, %q; want %s with %s, %q", c.name, v.Outcome, v.Total, short, c.outcome, c.total, c.short)
		}
	}
}

func TestTheMeanOfThreeExpertsIsRoundedOnce(t *testing.T) {
	scores := append(panel(1000, 1000, 800, 900), review.ExpertScore{Expert: 3, Item: "B1", Points: 1001})
	v, err := review.Conclude(rubric(t, own), review.Computed{}, scores)
	if err != nil {
		t.Fatal(err)
	}
	b1, b2 := v.Items[2], v.Items[3]
	if b1.Points != 1000 || b1.Experts != 3 || b1.Lowest != 1000 || b1.Highest != 1001 { // 3001/3 = 1000.33…
		t.Errorf("B1: %+v", b1)
	}
	if b2.Points != 850 {
		t.Errorf("B2: %s, want 8.50", b2.Points)
	}
}

func TestTooFewExpertsNamesEveryItemThatLacksThem(t *testing.T) {
	_, err := review.Conclude(rubric(t, own), review.Computed{}, panel(1, 1, 1, 1)[:1])
	e, _ := errs.As(err)
	if !errors.Is(err, review.ErrTooFewExperts) || e.Kind != errs.Conflict || len(e.Problems) != 2 || e.Problems[0].Field != "B1" || e.Problems[1].Field != "B2" {
		t.Fatalf("got %v, want B1 and B2 named", err)
	}
	if !strings.Contains(e.Problems[0].Zh, "已有 1 位") {
		t.Errorf("the problem does not say how many there are: %s", e.Problems[0].Zh)
	}
}

func TestAScoreThatMayNotBeGivenIsRefused(t *testing.T) {
	r := rubric(t, own)
	for name, c := range map[string]struct {
		score review.ExpertScore
		want  error
	}{
		"the same item twice": {review.ExpertScore{Expert: 1, Item: "B1", Points: 1}, review.ErrScoredTwice},
		"a computed item":     {review.ExpertScore{Expert: 3, Item: "A1", Points: 1}, review.ErrNotJudged},
		"an unknown item":     {review.ExpertScore{Expert: 3, Item: "Z9", Points: 1}, review.ErrNotJudged},
		"more than there is":  {review.ExpertScore{Expert: 3, Item: "B1", Points: 1251}, review.ErrOutOfRange},
		"less than nothing":   {review.ExpertScore{Expert: 3, Item: "B1", Points: -1}, review.ErrOutOfRange},
	} {
		if _, err := review.Conclude(r, review.Computed{}, append(panel(1, 1, 1, 1), c.score)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		} else if strings.Contains(err.Error(), "%!") {
			t.Errorf("%s: the message is malformed: %v", name, err)
		}
	}
}

func TestTheTemplateIsMarkedAsConfigurationAndAddsUp(t *testing.T) {
	r, err := review.Template()
	if err != nil {
		t.Fatal(err)
	}
	if !r.Template || !strings.Contains(r.Note.Zh, "模板") || len(r.Preconditions) != 3 || r.PassMark.Points() != 8000 {
		t.Errorf("template: marked %v, %d preconditions, pass mark %s", r.Template, len(r.Preconditions), r.PassMark)
	}
}

func TestAFaultyRubricIsRefusedNamingLineItemAndReason(t *testing.T) {
	for name, c := range map[string]struct {
		old, new string
		row      int
		field    string
		reason   string
	}{
		"a fact nobody computes":     {"fact: closing_in_time", "fact: charm", 16, "A1.fact", "charm"},
		"a fact missing":             {"fact: closing_in_time, ", "", 16, "A1.fact", "没有这项事实"},
		"a threshold in words":       {"full: 90%", "full: most", 16, "A1.full", "most"},
		"equal thresholds":           {"zero: 1/2", "zero: 9/10", 16, "A1.full", "相同"},
		"an unknown kind":            {"kind: judged, points: 12.5", "kind: guessed, points: 12.5", 21, "B1.kind", "computed"},
		"a judged item with a fact":  {"kind: judged, points: 12.5", "kind: judged, points: 12.5, fact: rework", 21, "B1", "评议项"},
		"points that do not add up":  {"points: 12.5", "points: 12", 4, "total", "49.5"},
		"points of three decimals":   {"points: 12.5", "points: 12.505", 21, "B1.points", "两位小数"},
		"no points":                  {"points: 12.5", "points: 0", 21, "B1.points", "大于 0"},
		"a code twice":               {"code: B2", "code: A1", 22, "A1.code", "重复"},
		"no advice":                  {", advice: {zh: 补齐规章, en: complete the rules}", "", 21, "B1.advice.zh", "不得为空"},
		"no English":                 {"{zh: 规章, en: rules}", "{zh: 规章}", 21, "B1.name.en", "不得为空"},
		"one expert only":            {"experts_per_item: 2", "experts_per_item: 1", 8, "experts_per_item", "两位"},
		"a pass mark above all":      {"pass_mark: 40", "pass_mark: 51", 5, "pass_mark", "高于"},
		"a fail mark above the pass": {"fail_below: 20", "fail_below: 41", 6, "fail_below", "高于"},
		"a minimum above all":        {"item_minimum: 60%", "item_minimum: 160%", 7, "item_minimum", "100%"},
		"no minimum":                 {"item_minimum: 60%\n", "", 1, "item_minimum", "不是数"},
		"both bounds":                {"at_least: 6", "at_least: 6, at_most: 9", 10, "P1", "须且只须"},
		"an unknown field":           {"code: own", "code: own\ncolour: red", 2, "", "colour"},
		"not YAML at all":            {"code: own", "code: [own", 2, "", ""},
		"a list for a text":          {"code: own", "code: [own]", 1, "", ""},
		"the same field twice":       {"code: own", "code: own\ncode: own", 2, "", "code"},
	} {
		text := strings.Replace(own, c.old, c.new, 1)
		if text == own {
			t.Fatalf("%s: the test changes nothing", name)
		}
		_, err := review.LoadRubric(strings.NewReader(text), "own.yaml")
		e, _ := errs.As(err)
		if e == nil || !slices.ContainsFunc(e.Problems, func(p errs.Problem) bool {
			return p.File == "own.yaml" && p.Row == c.row && p.Field == c.field && strings.Contains(p.Zh, c.reason)
		}) {
			t.Errorf("%s: got %v, want own.yaml:%d %s … %s", name, err, c.row, c.field, c.reason)
		}
	}
	for _, text := range []string{"", "[]", "3", "\x00", "a: *b", "&a [*a]"} {
		if _, err := review.LoadRubric(strings.NewReader(text), "own.yaml"); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%q: %v, want Invalid", text, err)
		}
	}
}

// desk is a Store in memory; the real one has its suite in platformdb.
type desk struct {
	reviews []review.Review
	scores  []review.ExpertScore
}

func (d *desk) InTx(_ context.Context, fn func(review.Store) error) error { return fn(d) }
func (d *desk) AddReview(_ context.Context, r *review.Review) error {
	r.ID = int64(len(d.reviews) + 1)
	d.reviews = append(d.reviews, *r)
	return nil
}
func (d *desk) Review(_ context.Context, id int64) (review.Review, error) {
	return d.reviews[id-1], nil
}
func (d *desk) Reviews(context.Context) ([]review.Review, error) { return d.reviews, nil }
func (d *desk) SaveConclusion(_ context.Context, r review.Review) error {
	d.reviews[r.ID-1] = r
	return nil
}
func (d *desk) AddScore(_ context.Context, _ int64, s review.ExpertScore) error {
	d.scores = append(d.scores, s)
	return nil
}
func (d *desk) Scores(context.Context, int64) ([]review.ExpertScore, error) {
	return slices.Clone(d.scores), nil
}

func TestAReviewKeepsTheRubricAndEvidenceItBeganWith(t *testing.T) {
	store, ctx := &desk{}, t.Context()
	now := func() time.Time { return time.Date(2026, 4, 2, 0, 0, 0, 0, time.UTC) }
	first := review.NewService(store, rubric(t, own), now)
	applied, err := first.Apply(ctx, evidence(good()))
	if err != nil {
		t.Fatal(err)
	}
	stricter := review.NewService(store, rubric(t, strings.Replace(own, "pass_mark: 40", "pass_mark: 50", 1)), now)
	for _, s := range panel(1200, 1100, 900, 1000) {
		if err := stricter.Score(ctx, applied.ID, s); err != nil {
			t.Fatal(err)
		}
	}
	mine, err := stricter.Scores(ctx, applied.ID, 2)
	if err != nil || len(mine) != 2 || mine[0].Expert != 2 || mine[1].Expert != 2 {
		t.Fatalf("expert 2 reads %+v, %v before the conclusion; want the own two marks", mine, err)
	}
	opened, err := stricter.Conclude(ctx, applied.ID)
	if err != nil || opened.Decision.Outcome != review.Passed || opened.Decision.PassMark != 4000 {
		t.Fatalf("%s under a pass mark of %s, %v; the review began with 40", opened.Decision.Outcome, opened.Decision.PassMark, err)
	}
	if all, err := stricter.Scores(ctx, applied.ID, 2); err != nil || len(all) != 4 {
		t.Fatalf("%d marks to be read after the conclusion, %v; want 4", len(all), err)
	}
	if err := stricter.Score(ctx, applied.ID, review.ExpertScore{Expert: 3, Item: "B1"}); !errors.Is(err, review.ErrConcluded) {
		t.Errorf("a mark after the conclusion: %v, want ErrConcluded", err)
	}
	if _, err := stricter.Conclude(ctx, applied.ID); !errors.Is(err, review.ErrConcluded) {
		t.Errorf("concluding twice: %v, want ErrConcluded", err)
	}
}

func TestChangingAnythingAfterSealingIsNoticed(t *testing.T) {
	ctx := t.Context()
	for name, change := range map[string]func(*desk){
		"an input": func(d *desk) {
			d.reviews[0].Evidence = []byte(strings.Replace(string(d.reviews[0].Evidence), `"numerator":900`, `"numerator":999`, 1))
		},
		"the pass mark": func(d *desk) {
			d.reviews[0].Rubric = []byte(strings.Replace(string(d.reviews[0].Rubric), `"pass_mark":"40"`, `"pass_mark":"10"`, 1))
		},
		"the verdict": func(d *desk) {
			d.reviews[0].Verdict = []byte(strings.Replace(string(d.reviews[0].Verdict), `"total":4775`, `"total":4975`, 1))
		},
		"a mark":    func(d *desk) { d.scores[0].Points++ },
		"the state": func(d *desk) { d.reviews[0].State = review.State(review.Failed) },
	} {
		store := &desk{}
		service := review.NewService(store, rubric(t, own), time.Now)
		r, err := service.Apply(ctx, evidence(good()))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range panel(1200, 1100, 900, 1000) {
			if err := service.Score(ctx, r.ID, s); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := service.Conclude(ctx, r.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := service.Review(ctx, r.ID); err != nil {
			t.Fatalf("untouched: %v", err)
		}
		change(store)
		if _, err := service.Review(ctx, r.ID); !errors.Is(err, seal.ErrAltered) {
			t.Errorf("%s changed: %v, want ErrAltered", name, err)
		}
	}
}
