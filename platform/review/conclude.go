package review

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/evaluation"
)

// ExpertScore is one expert's mark of one judged item.
type ExpertScore struct {
	Expert int64
	Item   string
	Points evaluation.Points
	Remark string
	At     time.Time
}

// Outcome is what became of a review.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"  // 通过
	Rectify Outcome = "rectify" // 整改后复验
	Failed  Outcome = "failed"  // 不通过
)

// Verdict is the end of a review.
type Verdict struct {
	Outcome       Outcome           `json:"outcome"`
	Total         evaluation.Points `json:"total"`
	Max           evaluation.Points `json:"max"`
	PassMark      evaluation.Points `json:"pass_mark"`
	Preconditions []Condition       `json:"preconditions"`
	Items         []Result          `json:"items"` // in the rubric's order
	Shortcomings  []Shortcoming     `json:"shortcomings"`
}

// Result is what one item brought.
type Result struct {
	Code    string            `json:"code"`
	Section string            `json:"section"`
	Kind    Kind              `json:"kind"`
	Max     evaluation.Points `json:"max"`
	Minimum evaluation.Points `json:"minimum"`
	Points  evaluation.Points `json:"points"`
	Below   bool              `json:"below"` // its own minimum
	// Of a computed item.
	Value   evaluation.Ratio `json:"value"`
	Missing bool             `json:"missing"`
	// Of a judged item: how many experts, and how far apart they were.
	Experts int               `json:"experts"`
	Lowest  evaluation.Points `json:"lowest"`
	Highest evaluation.Points `json:"highest"`
}

// Cause says why something is a shortcoming.
type Cause string

// The causes.
const (
	Unmet        Cause = "precondition" // a precondition does not hold
	BelowMinimum Cause = "item"         // an item is below its own minimum
	BelowPass    Cause = "total"        // the total is below the pass mark, and this item lost most towards it
)

// Shortcoming is one thing the city must mend, with the rubric's advice.
type Shortcoming struct {
	Cause  Cause             `json:"cause"`
	Code   string            `json:"code"`
	Name   Text              `json:"name"`
	Lost   evaluation.Points `json:"lost"`
	Advice Text              `json:"advice"`
}

// What scoring and concluding refuse.
var (
	ErrTooFewExperts = errs.New(errs.Conflict, "too_few_experts", "还不能作出结论：有评议项的打分专家不足", "no conclusion yet: judged items lack experts")
	ErrScoredTwice   = errs.New(errs.Conflict, "scored_twice", "该专家已为评分项 %s 打分，不得重复打分", "this expert has already scored item %s and may not score it twice")
	ErrNotJudged     = errs.New(errs.Invalid, "item_not_judged", "没有这个评议项：%s", "no such judged item: %s")
	ErrOutOfRange    = errs.New(errs.Invalid, "points_out_of_range", "评分项 %s 的得分应在 0 与 %s 之间", "item %s takes points from 0 to %s")
)

// accepts says whether a rubric takes a score beside those already given.
func (r Rubric) accepts(s ExpertScore, given []ExpertScore) error {
	i, _, found := r.Item(s.Item)
	if !found || i.Kind != ByExperts {
		return ErrNotJudged.With(s.Item)
	}
	if highest := i.Points.Points(); s.Points < 0 || s.Points > highest {
		return ErrOutOfRange.With(s.Item, highest)
	}
	if slices.ContainsFunc(given, func(g ExpertScore) bool { return g.Expert == s.Expert && g.Item == s.Item }) {
		return ErrScoredTwice.With(s.Item)
	}
	return nil
}

// Conclude makes the verdict from what was computed and what the experts gave.
// A judged item with fewer experts than the rubric asks for is a Conflict naming
// every such item. It depends on nothing but its arguments.
func Conclude(r Rubric, c Computed, scores []ExpertScore) (Verdict, error) {
	for n, s := range scores {
		if err := r.accepts(s, scores[:n]); err != nil {
			return Verdict{}, err
		}
	}
	v := Verdict{Max: r.Total.Points(), PassMark: r.PassMark.Points()}
	for _, p := range r.Preconditions {
		v.Preconditions = append(v.Preconditions, c.condition(p.Code))
	}
	var lacking []errs.Problem
	for _, s := range r.Sections {
		for _, i := range s.Items {
			result := r.result(i, s, c, scores)
			if i.Kind == ByExperts && result.Experts < r.ExpertsPerItem {
				lacking = append(lacking, errs.Problem{
					Field: i.Code,
					Zh:    fmt.Sprintf("%s：已有 %d 位专家打分，至少需要 %d 位", i.Name.Zh, result.Experts, r.ExpertsPerItem),
					En:    fmt.Sprintf("%s: scored by %d, at least %d are needed", i.Name.En, result.Experts, r.ExpertsPerItem),
				})
			}
			v.Items = append(v.Items, result)
			v.Total += result.Points
		}
	}
	if len(lacking) > 0 {
		few := *ErrTooFewExperts
		few.Problems = lacking
		return Verdict{}, &few
	}
	v.Shortcomings = r.shortcomings(v)
	v.Outcome = r.outcome(v)
	return v, nil
}

func (r Rubric) result(i Item, s Section, c Computed, scores []ExpertScore) Result {
	out := Result{Code: i.Code, Section: s.Code, Kind: i.Kind, Max: i.Points.Points(), Minimum: r.minimum(i)}
	if i.Kind == ByFact {
		m := c.mark(i.Code)
		out.Value, out.Missing, out.Points = m.Value, m.Missing, m.Points
	} else {
		out.judge(scores)
	}
	out.Below = out.Missing || out.Points < out.Minimum
	return out
}

// judge takes the mean of an item's scores, exactly, rounded once.
func (out *Result) judge(scores []ExpertScore) {
	var sum evaluation.Points
	for _, s := range scores {
		if s.Item != out.Code {
			continue
		}
		if out.Experts == 0 {
			out.Lowest = s.Points
		}
		out.Lowest, out.Highest = min(out.Lowest, s.Points), max(out.Highest, s.Points)
		out.Experts++
		sum += s.Points
	}
	if out.Experts > 0 {
		out.Points = toPoints(big.NewRat(int64(sum), 100*int64(out.Experts)))
	}
}

// shortcomings lists unmet preconditions, then items below their own minimum by
// points lost, then, when the total misses the pass mark and mending those would
// not reach it, as many of the other items as it takes.
func (r Rubric) shortcomings(v Verdict) []Shortcoming {
	list := []Shortcoming{}
	for i, p := range r.Preconditions {
		if !v.Preconditions[i].Met {
			list = append(list, Shortcoming{Cause: Unmet, Code: p.Code, Name: p.Name, Advice: p.Advice})
		}
	}
	ordered := slices.Clone(v.Items)
	slices.SortStableFunc(ordered, func(a, b Result) int {
		switch {
		case a.Below && !b.Below:
			return -1
		case b.Below && !a.Below:
			return 1
		}
		return cmp.Compare(b.Max-b.Points, a.Max-a.Points)
	})
	gap := v.PassMark - v.Total
	for _, result := range ordered {
		lost := result.Max - result.Points
		if !result.Below && (gap <= 0 || lost == 0) {
			break
		}
		cause := BelowPass
		if result.Below {
			cause = BelowMinimum
		}
		gap -= lost
		i, _, _ := r.Item(result.Code)
		list = append(list, Shortcoming{Cause: cause, Code: i.Code, Name: i.Name, Lost: lost, Advice: i.Advice})
	}
	return list
}

func (r Rubric) outcome(v Verdict) Outcome {
	switch {
	case v.Total < r.FailBelow.Points():
		return Failed
	case v.Total < v.PassMark || len(v.Shortcomings) > 0:
		return Rectify
	}
	return Passed
}
