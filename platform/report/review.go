package report

import (
	"fmt"
	"io"
	"strings"

	"wangge/platform/exchange"
	"wangge/platform/review"
	"wangge/platform/seal"
	"wangge/tenant/evaluation"
)

// Review writes a concluded review as one self-contained HTML page; a running
// one is ErrNotConcluded.
func Review(w io.Writer, p Page, o review.Opened) error {
	if o.State == review.UnderReview {
		return ErrNotConcluded
	}
	if err := pages.ExecuteTemplate(w, "review.html", newReviewView(p, o)); err != nil {
		return fmt.Errorf("report of review %d: %w", o.ID, err)
	}
	return nil
}

// reviewView is a review arranged for the page.
type reviewView struct {
	Page
	O        review.Opened
	Verdict  review.Verdict
	Seal     string // hash of the verdict
	Required []requirement
	Sections []section
	Facts    []finding
	Todo     []todo
}

type requirement struct {
	review.Condition
	Precondition review.Precondition
	Fact         exchange.Fact
}

type section struct {
	review.Section
	Points, Max evaluation.Points
	Items       []line
}

type line struct {
	review.Item
	Result review.Result
	Fact   exchange.Fact
}

type finding struct {
	exchange.Fact
	Value evaluation.Ratio
}

// todo is a shortcoming beside what was found, when that was computed.
type todo struct {
	review.Shortcoming
	Found *line
	Unmet *requirement
}

func newReviewView(p Page, o review.Opened) reviewView {
	v := reviewView{Page: p, O: o, Verdict: o.Decision, Seal: seal.Hash(o.Verdict)}
	lines, required := map[string]*line{}, map[string]*requirement{}
	for i, c := range o.Decision.Preconditions {
		r := &requirement{Precondition: o.Rules.Preconditions[i], Condition: c}
		r.Fact, _ = exchange.FactOf(r.Precondition.Fact)
		v.Required, required[c.Code] = append(v.Required, *r), r
	}
	results := o.Decision.Items
	for _, s := range o.Rules.Sections {
		out := section{Section: s}
		for _, i := range s.Items {
			l := &line{Item: i, Result: results[0]}
			l.Fact, _ = exchange.FactOf(i.Fact)
			out.Points, out.Max = out.Points+l.Result.Points, out.Max+l.Result.Max
			out.Items, lines[i.Code], results = append(out.Items, *l), l, results[1:]
		}
		v.Sections = append(v.Sections, out)
	}
	for _, f := range exchange.Facts() {
		if value, ok := o.Facts.Facts[f.Key]; ok {
			v.Facts = append(v.Facts, finding{f, value})
		}
	}
	for _, s := range o.Decision.Shortcomings {
		t := todo{Shortcoming: s, Unmet: required[s.Code]}
		if l := lines[s.Code]; l != nil && l.Item.Kind == review.ByFact {
			t.Found = l
		}
		v.Todo = append(v.Todo, t)
	}
	return v
}

// Say picks one of a rubric's texts by the language.
func (v reviewView) Say(t review.Text) string { return v.Is(t.Zh, t.En) }

// Bar is points as a share of their maximum, in percent.
func (v reviewView) Bar(points, most evaluation.Points) float64 { return bar(points, 0, most) }

// Value prints a fact: a count with its unit, a rate with the sign and its two counts.
func (v reviewView) Value(f exchange.Fact, r evaluation.Ratio, missing bool) (string, error) {
	switch {
	case missing:
		return v.T("none")
	case r.None():
		return v.T("none.due")
	case f.Count():
		return v.Num(r.Numerator) + " " + Text{f.UnitZh, f.UnitEn}.In(v.Lang), nil
	}
	form := Text{"%s%%（%s / %s）", "%s%% (%s / %s)"}.In(v.Lang)
	return fmt.Sprintf(form, v.Rate(r), v.Num(r.Numerator), v.Num(r.Denominator)), nil
}

// Bound prints what a precondition asks for.
func (v reviewView) Bound(r requirement) string {
	sign, n := "≥", r.Precondition.AtLeast
	if n == "" {
		sign, n = "≤", r.Precondition.AtMost
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", sign, n, Text{r.Fact.UnitZh, r.Fact.UnitEn}.In(v.Lang)))
}
