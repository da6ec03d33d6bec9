package evaluation_test

import (
	"testing"

	"wangge/tenant/evaluation"
)

// december is the notice of a city for December 2016: reported and accepted
// 1054, filed 996, due for closing 972, closed 911, of these 737 in time.
var december = evaluation.Counts{
	evaluation.Reported: 1054, evaluation.ReportedFiled: 996, evaluation.Filed: 996, evaluation.DueClose: 972, evaluation.Closed: 911, evaluation.ClosedInTime: 737,
}

func indicator(t *testing.T, code string) evaluation.Indicator {
	t.Helper()
	for _, i := range evaluation.Indicators() {
		if i.Code == code {
			return i
		}
	}
	t.Fatalf("no indicator %s", code)
	return evaluation.Indicator{}
}

func TestAPublicNoticeComesOutToTheLastDigit(t *testing.T) {
	for code, want := range map[string]string{"closing_rate": "93.72", "closing_in_time_rate": "75.82", "filing_rate": "94.50"} {
		if got := indicator(t, code).Of(december).Percent().String(); got != want {
			t.Errorf("%s is %s %%, want %s", code, got, want)
		}
	}
}

func TestEachIndicatorDividesTheCountsOfItsDefinition(t *testing.T) {
	counts := evaluation.Counts{
		evaluation.Reported: 200, evaluation.PublicReports: 50, evaluation.ReportedFiled: 160, evaluation.Filed: 160, evaluation.FiledInTime: 120, evaluation.Declined: 40,
		evaluation.Dispatched: 150, evaluation.DueHandle: 125, evaluation.Handled: 100, evaluation.HandledInTime: 75,
		evaluation.DueClose: 80, evaluation.Closed: 60, evaluation.ClosedInTime: 40, evaluation.Reworked: 7,
		evaluation.Returned: 15, evaluation.Extended: 30, evaluation.Suspended: 3, evaluation.Voided: 8,
	}
	want := map[string]string{
		"filing_rate": "80.00", "filing_in_time_rate": "75.00", "handling_rate": "80.00", "handling_in_time_rate": "60.00",
		"closing_rate": "75.00", "closing_in_time_rate": "50.00", "rework_rate": "7.00", "public_report_rate": "25.00",
		"return_rate": "10.00", "extension_rate": "20.00", "suspension_rate": "2.00", "void_rate": "5.00",
	}
	for _, i := range evaluation.Indicators() {
		if got := i.Of(counts).Percent().String(); got != want[i.Code] {
			t.Errorf("%s is %s %%, want %s", i.Code, got, want[i.Code])
		}
		if i.Zh == "" || i.En == "" || i.FormulaZh == "" || i.FormulaEn == "" || i.Source == "" {
			t.Errorf("%s is not fully described: %+v", i.Code, i)
		}
		delete(want, i.Code)
	}
	if len(want) > 0 {
		t.Errorf("not computed: %v", want)
	}
}

func TestNothingDueIsNoRate(t *testing.T) {
	none := evaluation.Counts{}
	for _, i := range evaluation.Indicators() {
		if r := i.Of(none); !r.None() || r.Percent() != 0 {
			t.Errorf("%s of nothing is %v", i.Code, r)
		}
	}
	score, err := evaluation.ScoreOf([]evaluation.Weight{{Indicator: "closing_rate", Weight: 30}}, none)
	if err != nil || !score.None || len(score.Items) != 1 {
		t.Errorf("got %+v, %v; want no score", score, err)
	}
}

func TestPercentagesRoundHalfUp(t *testing.T) {
	for _, tt := range []struct {
		r    evaluation.Ratio
		want string
	}{
		{evaluation.Ratio{Numerator: 1, Denominator: 3}, "33.33"}, {evaluation.Ratio{Numerator: 2, Denominator: 3}, "66.67"},
		{evaluation.Ratio{Numerator: 1, Denominator: 20000}, "0.01"}, {evaluation.Ratio{Numerator: 1, Denominator: 20001}, "0.00"},
		{evaluation.Ratio{Numerator: 1, Denominator: 16}, "6.25"}, {evaluation.Ratio{Numerator: 5, Denominator: 5}, "100.00"},
		{evaluation.Ratio{Numerator: 99999, Denominator: 100000}, "100.00"},
	} {
		if got := tt.r.Percent().String(); got != tt.want {
			t.Errorf("%+v is %s, want %s", tt.r, got, tt.want)
		}
	}
}

// Closing 911/972 of weight 30, closing in time 737/972 of 40, rework 3/60 (low
// is better, so 57/60) of 30: (30×911/972 + 40×737/972 + 30×57/60) ÷ 100 = 86.9465 %.
func TestAScoreIsTheWeightedSumOfItsItems(t *testing.T) {
	counts := evaluation.Counts{
		evaluation.DueClose: 972, evaluation.Closed: 911, evaluation.ClosedInTime: 737, evaluation.Handled: 60, evaluation.Reworked: 3,
	}
	weights := []evaluation.Weight{{Indicator: "closing_rate", Weight: 30}, {Indicator: "closing_in_time_rate", Weight: 40}, {Indicator: "rework_rate", Weight: 30}}
	score, err := evaluation.ScoreOf(weights, counts)
	if err != nil || score.None || score.Points.String() != "86.95" {
		t.Errorf("got %s, %v; want 86.95", score.Points, err)
	}
	for i, want := range []string{"93.72", "75.82", "95.00"} {
		if got := score.Items[i].Points.String(); got != want {
			t.Errorf("%s brings %s, want %s", score.Items[i].Indicator, got, want)
		}
	}
}

func TestAnItemWithoutValueLeavesTheScoreToTheOthers(t *testing.T) {
	weights := []evaluation.Weight{{Indicator: "closing_rate", Weight: 30}, {Indicator: "handling_rate", Weight: 70}}
	score, err := evaluation.ScoreOf(weights, december)
	if err != nil || score.Points.String() != "93.72" {
		t.Errorf("got %s, %v; want the closing rate alone", score.Points, err)
	}
}

func TestMoreReworksThanHandledCasesAreTheWorst(t *testing.T) {
	score, err := evaluation.ScoreOf([]evaluation.Weight{{Indicator: "rework_rate", Weight: 1}}, evaluation.Counts{evaluation.Handled: 2, evaluation.Reworked: 5})
	if err != nil || score.Points != 0 {
		t.Errorf("got %s, %v; want zero", score.Points, err)
	}
}

func TestAScoreOfUnknownOrWeightlessItemsIsRefused(t *testing.T) {
	for _, w := range []evaluation.Weight{{Indicator: "happiness", Weight: 10}, {Indicator: "closing_rate", Weight: 0}, {Indicator: "closing_rate", Weight: -1}} {
		if _, err := evaluation.ScoreOf([]evaluation.Weight{w}, december); err == nil {
			t.Errorf("%+v was accepted", w)
		}
	}
}
