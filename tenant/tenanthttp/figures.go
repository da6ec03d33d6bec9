package tenanthttp

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"wangge/internal/web"
	"wangge/tenant/access"
	"wangge/tenant/evaluation"
)

type period struct {
	Dimension string `query:"dimension" enum:"city,district,department"`
	From      string `query:"from" required:"true" format:"date" description:"first day, 2026-11-01"`
	To        string `query:"to" required:"true" format:"date" description:"last day, included"`
}

// Figure is one indicator's value: the two counts and the percentage made of
// them; no percentage when nothing was due.
type Figure struct {
	Indicator   string `json:"indicator"`
	Numerator   int64  `json:"numerator"`
	Denominator int64  `json:"denominator"`
	Percent     string `json:"percent,omitempty" description:"two decimals, absent when nothing was due"`
}

// Figures are the indicators of one member of the dimension.
type Figures struct {
	Member     string           `json:"member"`
	Counts     map[string]int64 `json:"counts"`
	Indicators []Figure         `json:"indicators"`
}

type behind struct {
	Count     string `query:"count" required:"true"`
	Dimension string `query:"dimension" enum:"city,district,department"`
	Member    string `query:"member"`
	From      string `query:"from" required:"true" format:"date"`
	To        string `query:"to" required:"true" format:"date"`
	After     string `query:"after" description:"last case number of the page before"`
	Limit     int    `query:"limit" minimum:"1" maximum:"200"`
}

// Numbers are case numbers.
type Numbers struct {
	Cases []string `json:"cases"`
}

func figureRoutes() []Route {
	return []Route{
		web.Handle(guarded("GET", "/evaluation", access.EvaluateRead, "evaluation", "评价指标", "indicators of a period"), figures),
		web.Handle(guarded("GET", "/evaluation/cases", access.EvaluateRead, "evaluation", "指标所计案卷", "the cases a figure counts"), casesBehind),
		web.Handle(Route{
			Method: "GET", Path: "/indicators", Access: web.SignedIn, Tag: "evaluation",
			Summary: web.Text{Zh: "指标定义", En: "definitions of the indicators"},
		}, indicators),
	}
}

func indicators(context.Context, *Request, none) ([]evaluation.Indicator, error) {
	return evaluation.Indicators(), nil
}

func figures(ctx context.Context, r *Request, in period) ([]Figures, error) {
	sums, err := r.City.Evaluation.Figures(ctx, dimension(in.Dimension), in.From, in.To)
	if err != nil {
		return nil, err
	}
	out := make([]Figures, 0, len(sums))
	for _, member := range slices.Sorted(maps.Keys(sums)) {
		f := Figures{Member: member, Counts: map[string]int64{}}
		for count, n := range sums[member] {
			f.Counts[string(count)] = n
		}
		for _, i := range evaluation.Indicators() {
			ratio := i.Of(sums[member])
			figure := Figure{Indicator: i.Code, Numerator: ratio.Numerator, Denominator: ratio.Denominator}
			if !ratio.None() {
				figure.Percent = ratio.Percent().String()
			}
			f.Indicators = append(f.Indicators, figure)
		}
		out = append(out, f)
	}
	return out, nil
}

func casesBehind(ctx context.Context, r *Request, in behind) (Numbers, error) {
	numbers, err := r.City.Evaluation.CasesBehind(ctx, evaluation.Behind{
		Count: evaluation.Count(in.Count), From: in.From, To: in.To, Dimension: dimension(in.Dimension), Member: in.Member, After: in.After, Limit: in.Limit,
	})
	return Numbers{append([]string{}, numbers...)}, err
}

// dimension is the one asked for, the whole city when none was.
func dimension(name string) evaluation.Dimension {
	return evaluation.Dimension(cmp.Or(name, string(evaluation.City)))
}
