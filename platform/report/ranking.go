package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"wangge/platform/ranking"
	"wangge/tenant/evaluation"
)

// Ranking writes a frozen edition as one self-contained HTML page.
func Ranking(w io.Writer, p Page, e ranking.Edition, f ranking.Frozen) error {
	if err := pages.ExecuteTemplate(w, "ranking.html", newRankingView(p, e, f)); err != nil {
		return fmt.Errorf("ranking report %s: %w", e.Month, err)
	}
	return nil
}

// rankingView is an edition arranged for the page.
type rankingView struct {
	Page
	E        ranking.Edition
	F        ranking.Frozen
	Columns  []column
	Ranked   []rankedRow
	Judged   bool // the edition says how sure it is
	Unranked []ranking.Place
	Counts   []evaluation.Count // those the indicators are made of, in their order
}

// column is one indicator with its scale and what stands for all cities.
type column struct {
	evaluation.Indicator
	Weight    int64
	Overall   evaluation.Ratio
	Low, High evaluation.Points // of the scale its strips are drawn on
	median    evaluation.Points
}

type rankedRow struct {
	ranking.Place
	Tied  bool
	Opens bool // it is the first of its tier
	Lift  *lift
	Cells []strip
}

// lift is what would raise a city most.
type lift struct {
	Name Text
	Gain evaluation.Points
}

// lift finds what would raise a city most; nil when it is the best in everything.
func (v rankingView) lift(code string) *lift {
	indicator, gain, ok := ranking.Lift(v.E.Places, code)
	if !ok {
		return nil
	}
	i := slices.IndexFunc(v.Columns, func(c column) bool { return c.Code == indicator })
	return &lift{Text{v.Columns[i].Zh, v.Columns[i].En}, gain}
}

// strip is a rate with its interval, placed on the column's scale in percent.
type strip struct {
	Name                 Text
	Ratio                evaluation.Ratio
	At, From, To, Median float64
}

func newRankingView(p Page, e ranking.Edition, f ranking.Frozen) rankingView {
	v := rankingView{Page: p, E: e, F: f}
	var ranked []ranking.Place
	for _, place := range e.Places {
		if place.Rank > 0 {
			ranked = append(ranked, place)
		} else {
			v.Unranked = append(v.Unranked, place)
		}
	}
	v.columns(ranked)
	v.Judged = len(ranked) > 0 && ranked[0].Chance != nil
	if v.Judged {
		slices.SortStableFunc(ranked, func(a, b ranking.Place) int {
			return cmp.Or(cmp.Compare(a.Chance.Tier, b.Chance.Tier), cmp.Compare(b.Chance.Steady, a.Chance.Steady))
		})
	}
	for i, place := range ranked {
		row := rankedRow{Place: place}
		row.Opens = v.Judged && (i == 0 || ranked[i-1].Chance.Tier != place.Chance.Tier)
		row.Tied = slices.ContainsFunc(ranked, func(p ranking.Place) bool { return p.Rank == place.Rank && p.Code != place.Code })
		row.Lift = v.lift(place.Code)
		for n, item := range place.Score.Items {
			row.Cells = append(row.Cells, v.Columns[n].strip(item.Ratio))
		}
		v.Ranked = append(v.Ranked, row)
	}
	return v
}

// columns makes the columns. Indicators of which more is better share one scale,
// so that their strips compare.
func (v *rankingView) columns(ranked []ranking.Place) {
	total := evaluation.Counts{}
	for _, c := range v.E.Inputs {
		total.Add(c.Counts)
	}
	lowest := evaluation.Points(9000)
	for i, ind := range v.E.Indicators {
		c := column{Indicator: ind, Weight: v.E.Protocol.Weights[i].Weight, Overall: ind.Of(total), High: 10000}
		var rates []evaluation.Points
		highest := evaluation.Points(100)
		for _, place := range ranked {
			if r := place.Score.Items[i].Ratio; !r.None() {
				low, high := ranking.Wilson(r)
				rates = append(rates, r.Percent())
				highest = max(highest, high)
				if ind.Better == evaluation.High {
					lowest = min(lowest, low)
				}
			}
		}
		if ind.Better == evaluation.Low {
			c.High = min(10000, (highest+499)/500*500)
		}
		c.median = median(rates)
		v.Columns = append(v.Columns, c)
		for _, count := range []evaluation.Count{ind.Denominator, ind.Numerator} {
			if !slices.Contains(v.Counts, count) {
				v.Counts = append(v.Counts, count)
			}
		}
	}
	for i := range v.Columns {
		if v.Columns[i].Better == evaluation.High {
			v.Columns[i].Low = lowest / 1000 * 1000
		}
	}
}

func (c column) strip(r evaluation.Ratio) strip {
	low, high := ranking.Wilson(r)
	on := func(v evaluation.Points) float64 { return bar(v, c.Low, c.High) }
	return strip{Name: Text{c.Zh, c.En}, Ratio: r, At: on(r.Percent()), From: on(low), To: on(high), Median: on(c.median)}
}

// median of the rates, the mean of the middle two when they are even in number.
func median(rates []evaluation.Points) evaluation.Points {
	if len(rates) == 0 {
		return 0
	}
	slices.Sort(rates)
	n := len(rates)
	return (rates[(n-1)/2] + rates[n/2]) / 2
}

// Whole prints a scale's end without decimals.
func (c column) Whole(p evaluation.Points) string { return fmt.Sprint(int64(p) / 100) }

// Width is the strip's interval on the scale.
func (s strip) Width() float64 { return s.To - s.From }

// Span is a city's range of ranks on the scale of all ranked, in percent.
func (v rankingView) Span(c *ranking.Chance) (from float64) {
	return 100 * float64(c.Low-1) / float64(len(v.Ranked))
}

// Breadth is the width of that range.
func (v rankingView) Breadth(c *ranking.Chance) float64 {
	return 100 * float64(c.High-c.Low+1) / float64(len(v.Ranked))
}

// Tier is how many cities a tier has.
func (v rankingView) Tier(number int) (n int) {
	for _, r := range v.Ranked {
		if r.Chance.Tier == number {
			n++
		}
	}
	return n
}

// Across is how many columns the table of places has.
func (v rankingView) Across() int { return 3 + len(v.Columns) }

// Volume is the count that the protocol's minimum is over.
func (v rankingView) Volume(code string) int64 {
	for _, c := range v.E.Inputs {
		if c.Code == code {
			return c.Counts[v.E.Protocol.Minimum.Count]
		}
	}
	return 0
}

// Bar is the length of a score's bar.
func (v rankingView) Bar(p evaluation.Points) float64 { return bar(p, 0, 10000) }

// MedianScore is the median score of the ranked cities, as a bar's length.
func (v rankingView) MedianScore() float64 {
	var scores []evaluation.Points
	for _, r := range v.Ranked {
		scores = append(scores, r.Score.Points)
	}
	return v.Bar(median(scores))
}
