package ranking_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wangge/internal/errs"
	"wangge/platform/ranking"
	"wangge/platform/seal"
	"wangge/tenant/evaluation"
)

// half weighs closing and on-time closing alike.
func half() ranking.Protocol {
	return ranking.Protocol{
		Code: "test", Version: "1", NameZh: "检验用", NameEn: "for the test", Ties: ranking.Shared,
		Weights: []evaluation.Weight{{Indicator: "closing_rate", Weight: 1}, {Indicator: "closing_in_time_rate", Weight: 1}},
		Minimum: ranking.Minimum{Count: evaluation.DueClose, Quantity: 30},
	}
}

// city closes some of what was due, so many of them in time.
func city(code, name string, due, closed, inTime int64) ranking.CityFigures {
	return ranking.CityFigures{Code: code, Name: name, Days: 31, Revision: 31, Counts: evaluation.Counts{
		evaluation.DueClose: due, evaluation.Closed: closed, evaluation.ClosedInTime: inTime,
	}}
}

func compute(t *testing.T, p ranking.Protocol, cities ...ranking.CityFigures) ranking.Edition {
	t.Helper()
	e, err := ranking.Compute(p, "2016-12", cities)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Reports of the last day of a month are filed on the first of the next.
func TestAMonthMayFileMoreThanItsReports(t *testing.T) {
	p, err := ranking.Example()
	if err != nil {
		t.Fatal(err)
	}
	c := ranking.CityFigures{Code: "130100", Name: "石家庄市", Days: 30, Counts: evaluation.Counts{
		evaluation.Reported: 10, evaluation.ReportedFiled: 9, evaluation.Filed: 12, evaluation.FiledInTime: 12,
	}}
	if _, err := ranking.Compute(p, "2026-04", []ranking.CityFigures{c}); err != nil {
		t.Errorf("got %v, want it ranked", err)
	}
}

func TestTianmenDecember2016ComesOutToThePrintedDigit(t *testing.T) {
	place := compute(t, half(), city("429006", "天门市", 972, 911, 737)).Places[0]
	if got := place.Score.Items[0].Ratio.Percent().String(); got != "93.72" {
		t.Errorf("closing rate %s, the notice prints 93.72", got)
	}
	if got := place.Score.Items[1].Ratio.Percent().String(); got != "75.82" {
		t.Errorf("on-time closing rate %s, the notice prints 75.82", got)
	}
	// (911 + 737) / (2 × 972) = 0.847736…
	if place.Rank != 1 || place.Score.Points.String() != "84.77" {
		t.Errorf("rank %d with %s, want 1 with 84.77", place.Rank, place.Score.Points)
	}
}

func TestEqualScoresShareARankAndTheNextIsLeftOut(t *testing.T) {
	e := compute(t, half(),
		city("420300", "十堰市", 200, 100, 100), city("420200", "黄石市", 100, 90, 80),
		city("420100", "武汉市", 1000, 900, 800), city("420500", "宜昌市", 100, 86, 83))
	var got []string
	for _, p := range e.Places {
		got = append(got, fmt.Sprintf("%d %s %s", p.Rank, p.Name, p.Score.Points))
	}
	want := []string{"1 武汉市 85.00", "1 黄石市 85.00", "3 宜昌市 84.50", "4 十堰市 50.00"}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestACityWithoutEnoughCasesIsListedWithoutARankNeverWithZero(t *testing.T) {
	e := compute(t, half(),
		city("420100", "武汉市", 1000, 0, 0), city("420200", "黄石市", 3, 3, 3), city("420300", "十堰市", 0, 0, 0),
		ranking.CityFigures{Code: "420500", Name: "宜昌市"}, city("420600", "襄阳市", 30, 30, 30))
	var got []string
	for _, p := range e.Places {
		got = append(got, fmt.Sprintf("%d %s %s %v", p.Rank, p.Name, p.Reason, p.Score.None))
	}
	want := []string{"1 襄阳市  false", "2 武汉市  false", "0 黄石市 small_sample false", "0 十堰市 none_due true", "0 宜昌市 no_data true"}
	if !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestImpossibleFiguresAreRefused(t *testing.T) {
	for name, cities := range map[string][]ranking.CityFigures{
		"more closed than due": {city("420100", "武汉市", 10, 11, 0)},
		"negative":             {city("420100", "武汉市", 10, -1, 0)},
		"a city twice":         {city("420100", "武汉市", 10, 1, 0), city("420100", "武汉市", 10, 2, 0)},
		"a city without code":  {city("", "武汉市", 10, 1, 0)},
	} {
		if _, err := ranking.Compute(half(), "2016-12", cities); !errors.Is(err, ranking.ErrImpossible) {
			t.Errorf("%s: %v, want ErrImpossible", name, err)
		}
	}
	if _, err := ranking.Compute(half(), "2016-13", nil); !errors.Is(err, ranking.ErrImpossible) {
		t.Errorf("month 13: %v, want ErrImpossible", err)
	}
}

func TestTheOrderInWhichCitiesArriveDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var cities []ranking.CityFigures
		for i := range rapid.IntRange(0, 12).Draw(t, "cities") {
			due := rapid.Int64Range(0, 60).Draw(t, "due")
			closed := rapid.Int64Range(0, due).Draw(t, "closed")
			cities = append(cities, city(fmt.Sprint(420100+100*i), "市", due, closed, rapid.Int64Range(0, closed).Draw(t, "in time")))
		}
		seal := func(cities []ranking.CityFigures) string {
			e, err := ranking.Compute(half(), "2026-03", cities)
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range e.Places { // better cities before a place are exactly rank − 1
				better := 0
				for _, q := range e.Places[:i] {
					if q.Score.Points > p.Score.Points {
						better++
					}
				}
				if p.Reason == "" && p.Rank != better+1 {
					t.Fatalf("%s has rank %d behind %d better ones", p.Code, p.Rank, better)
				}
			}
			f, err := ranking.Freeze(e, time.Unix(0, 0))
			if err != nil {
				t.Fatal(err)
			}
			return f.Hash
		}
		if a, b := seal(cities), seal(rapid.Permutation(cities).Draw(t, "order")); a != b {
			t.Fatalf("hash %s, in another order %s", a, b)
		}
	})
}

func TestAFrozenEditionProvesItselfAndNoticesTampering(t *testing.T) {
	e := compute(t, half(), city("429006", "天门市", 972, 911, 737), city("420100", "武汉市", 1000, 950, 900))
	f, err := ranking.Freeze(e, time.Date(2017, 1, 5, 1, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	back, err := ranking.Verify(f.Document, f.Hash)
	if err != nil || back.Places[0].Name != "武汉市" || back.Inputs[1].Counts[evaluation.Closed] != 911 {
		t.Fatalf("verified %+v, %v", back.Places, err)
	}
	prettier := strings.Replace(string(f.Document), `"closed":911`, `"closed":971`, 1)
	if _, err := ranking.Verify([]byte(prettier), f.Hash); !errors.Is(err, seal.ErrAltered) {
		t.Errorf("an input changed: %v, want ErrAltered", err)
	}
	if _, err := ranking.Verify([]byte(prettier), seal.Hash([]byte(prettier))); !errors.Is(err, ranking.ErrRecomputed) {
		t.Errorf("an input changed and hashed again: %v, want ErrRecomputed", err)
	}
}

func TestTheProtocolOfThisPlatformIsMarkedAsAnExample(t *testing.T) {
	p, err := ranking.Example()
	if err != nil {
		t.Fatal(err)
	}
	if !p.Example || !strings.Contains(p.NoteZh, "示例") {
		t.Errorf("the example protocol does not say that it is one: %+v", p)
	}
}

func TestAFaultyProtocolIsRefusedNamingTheField(t *testing.T) {
	const head = `{"code":"x","version":"1","name_zh":"甲","name_en":"a","note_zh":"","note_en":"","example":false,`
	for text, want := range map[string]string{
		head + `"weights":[{"indicator":"charm","weight":1}],"minimum":{"count":"due_close","quantity":1},"ties":"shared"}`:                                                "weights[0].indicator",
		head + `"weights":[{"indicator":"closing_rate","weight":0}],"minimum":{"count":"due_close","quantity":1},"ties":"shared"}`:                                         "weights[0].weight",
		head + `"weights":[{"indicator":"closing_rate","weight":1},{"indicator":"closing_rate","weight":1}],"minimum":{"count":"due_close","quantity":1},"ties":"shared"}`: "weights[1].indicator",
		head + `"weights":[{"indicator":"closing_rate","weight":1}],"minimum":{"count":"filed","quantity":1},"ties":"shared"}`:                                             "minimum.count",
		head + `"weights":[{"indicator":"closing_rate","weight":1}],"minimum":{"count":"due_close","quantity":0},"ties":"shared"}`:                                         "minimum.quantity",
		head + `"weights":[{"indicator":"closing_rate","weight":1}],"minimum":{"count":"due_close","quantity":1},"ties":"dense"}`:                                          "ties",
		head + `"weights":[{"indicator":"closing_rate","weight":"much"}],"minimum":{"count":"due_close","quantity":1},"ties":"shared"}`:                                    "weights.weight",
		"{\n\"code\": \"x\",\n\"weight\": 3}": "",
		"{\n\"code\": \"x\" \"y\"}":           "",
		"{}{}":                                "",
	} {
		_, err := ranking.LoadProtocol(strings.NewReader(text), "own.json")
		e, _ := errs.As(err)
		if e == nil || e.Kind != errs.Invalid || len(e.Problems) == 0 || e.Problems[0].File != "own.json" || !slices.ContainsFunc(e.Problems, func(p errs.Problem) bool { return p.Field == want }) {
			t.Errorf("%s\n gave %v, want %q named", text, err, want)
		}
	}
}

func TestTheIntervalOfARateNarrowsWithCases(t *testing.T) {
	// Checked against the formula in Python: 911/972 and 3/3.
	for r, want := range map[evaluation.Ratio]string{
		{Numerator: 911, Denominator: 972}: "92.02–95.08", {Numerator: 737, Denominator: 972}: "73.03–78.41",
		{Numerator: 3, Denominator: 3}: "43.85–100.00", {Numerator: 0, Denominator: 10}: "0.00–27.75", {}: "0.00–100.00",
	} {
		low, high := ranking.Wilson(r)
		if got := low.String() + "–" + high.String(); got != want {
			t.Errorf("%d/%d: %s, want %s", r.Numerator, r.Denominator, got, want)
		}
	}
}

// shelf is a Store in memory; the real one has its suite in platformdb.
type shelf struct {
	figures  []ranking.CityFigures
	editions []ranking.Frozen
}

func (s *shelf) InTx(_ context.Context, fn func(ranking.Store) error) error { return fn(s) }
func (s *shelf) Figures(context.Context, string) ([]ranking.CityFigures, error) {
	return s.figures, nil
}
func (s *shelf) Editions(context.Context, string) ([]ranking.Frozen, error) { return s.editions, nil }
func (s *shelf) AddEdition(_ context.Context, f ranking.Frozen) error {
	s.editions = append(s.editions, f)
	return nil
}

func TestACorrectionIsANewEditionWithAReason(t *testing.T) {
	store := &shelf{figures: []ranking.CityFigures{city("429006", "天门市", 972, 911, 737)}}
	now := time.Date(2016, 12, 31, 15, 59, 59, 0, time.UTC) // a second before the month ends in Shanghai
	service := ranking.NewService(store, half(), time.FixedZone("Asia/Shanghai", 8*3600), func() time.Time { return now })
	if _, err := service.Freeze(t.Context(), "2016-12", ""); !errors.Is(err, ranking.ErrNotOver) {
		t.Fatalf("a running month: %v, want ErrNotOver", err)
	}
	now = now.Add(time.Second)
	first, err := service.Freeze(t.Context(), "2016-12", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := service.Freeze(t.Context(), "2016-12", " "); !errors.Is(err, ranking.ErrNoReason) {
		t.Fatalf("a correction without a reason: %v, want ErrNoReason", err)
	}
	store.figures[0].Counts[evaluation.Closed] = 912
	if _, err := service.Freeze(t.Context(), "2016-12", "补报一件结案"); err != nil {
		t.Fatal(err)
	}
	old, _, err := service.Edition(t.Context(), "2016-12", 1)
	if err != nil || old.Inputs[0].Counts[evaluation.Closed] != 911 {
		t.Fatalf("the first edition changed: %+v, %v", old.Inputs, err)
	}
	newest, frozen, err := service.Edition(t.Context(), "2016-12", 0)
	if err != nil || newest.Number != 2 || newest.Corrects != first.Hash || frozen.Reason != "补报一件结案" {
		t.Fatalf("newest edition %d corrects %s (%q), %v", newest.Number, newest.Corrects, frozen.Reason, err)
	}
	if _, _, err := service.Edition(t.Context(), "2016-12", 9); !errors.Is(err, ranking.ErrNoEdition) {
		t.Fatalf("edition 9: %v, want ErrNoEdition", err)
	}
}

func TestCitiesThatChanceAloneSetsApartAreOneTierAndOthersAreNot(t *testing.T) {
	e := compute(t, half(),
		city("420100", "武汉市", 1000, 991, 985), city("420200", "黄石市", 1000, 900, 800), city("420300", "十堰市", 1000, 905, 790),
		city("420500", "宜昌市", 1000, 895, 805), city("420600", "襄阳市", 40, 38, 34), city("420700", "鄂州市", 3, 3, 3))
	got := map[string]ranking.Chance{}
	for _, p := range e.Places {
		if (p.Chance == nil) != (p.Rank == 0) {
			t.Fatalf("%s has rank %d and chance %v", p.Name, p.Rank, p.Chance)
		}
		if p.Chance != nil {
			got[p.Name] = *p.Chance
		}
	}
	if c := got["武汉市"]; c.Tier != 1 || c.Low != 1 || c.High != 1 || c.First < 950 {
		t.Errorf("the city that is far ahead: %+v", c)
	}
	for _, name := range []string{"黄石市", "十堰市", "宜昌市", "襄阳市"} {
		if c := got[name]; c.Tier != 2 || c.Low > 3 || c.High < 4 {
			t.Errorf("%s: %+v, want it in the second tier and its rank unsure", name, c)
		}
	}
}

// A province may publish without a minimum worth its name.
func TestACityWithThreeCasesDoesNotLeadItsTier(t *testing.T) {
	p := half()
	p.Minimum.Quantity = 1
	e := compute(t, p, city("420700", "鄂州市", 3, 3, 3), city("420100", "武汉市", 1000, 960, 940), city("420200", "黄石市", 1000, 900, 800))
	chance := map[string]ranking.Chance{}
	for _, p := range e.Places {
		chance[p.Name] = *p.Chance
	}
	few, many := chance["鄂州市"], chance["武汉市"]
	if few.Tier < many.Tier || few.Tier == many.Tier && few.Steady >= many.Steady || few.High < 3 {
		t.Errorf("three cases of three: %+v, beside %+v", few, many)
	}
}

func TestAnEditionOfTheFirstFormIsStillProved(t *testing.T) {
	e := compute(t, half(), city("429006", "天门市", 972, 911, 737), city("420100", "武汉市", 1000, 950, 900))
	e.Format = "wangge.ranking/1"
	for i := range e.Places {
		e.Places[i].Chance = nil
	}
	f, err := ranking.Freeze(e, time.Date(2017, 1, 5, 1, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(f.Document), "chance") {
		t.Fatalf("the first form says chance: %s", f.Document)
	}
	if back, err := ranking.Verify(f.Document, f.Hash); err != nil || back.Places[0].Chance != nil {
		t.Errorf("got %+v, %v; want it as it was", back.Places, err)
	}
	e.Format = "wangge.ranking/2" // which says more
	if f, err = ranking.Freeze(e, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := ranking.Verify(f.Document, f.Hash); !errors.Is(err, ranking.ErrRecomputed) {
		t.Errorf("a second form without its chance: got %v, want ErrRecomputed", err)
	}
}

func TestWhatWouldLiftACityMostIsHandWorked(t *testing.T) {
	// Rates of closing and of closing in time: 95.00 and 90.00; 90.00 and 60.00. Both weigh a half.
	e := compute(t, half(), city("420100", "武汉市", 1000, 950, 900), city("420200", "黄石市", 1000, 900, 600), city("420300", "十堰市", 3, 3, 3))
	if indicator, gain, ok := ranking.Lift(e.Places, "420200"); !ok || indicator != "closing_in_time_rate" || gain.String() != "15.00" {
		t.Errorf("got %s, %s, %v; want (90 − 60) / 2 by closing in time", indicator, gain, ok)
	}
	for _, code := range []string{"420100", "420300", "429006"} { // the best in everything, unranked, unknown
		if indicator, gain, ok := ranking.Lift(e.Places, code); ok {
			t.Errorf("%s: got %s, %s", code, indicator, gain)
		}
	}
}
