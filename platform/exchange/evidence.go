package exchange

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/evaluation"
)

// Evidence is what a city's own system says of the city at one moment: facts
// for acceptance, computed and not declared. A count is a ratio over 1.
type Evidence struct {
	City  string                      `json:"city"`
	Name  string                      `json:"name"`
	AsOf  time.Time                   `json:"as_of"`
	From  string                      `json:"from"` // first day of the period the rates are over
	To    string                      `json:"to"`   // last day, included
	Facts map[string]evaluation.Ratio `json:"facts"`
}

// Fact is one thing a city computes for acceptance.
type Fact struct {
	Key            string
	Zh, En         string
	UnitZh, UnitEn string // of a count; empty for a ratio
	MeaningZh      string
	MeaningEn      string
}

// Count says whether the fact is a number of things and not a ratio.
func (f Fact) Count() bool { return f.UnitZh != "" }

// The keys of the facts.
const (
	TrialMonths        = "trial_months"
	Grids              = "grids"
	GridArea           = "grid_area_m2"
	GridFaults         = "grid_faults"
	CommunitiesCovered = "communities_covered"
	KindsWithCondition = "kinds_with_condition"
	PostsFilled        = "posts_filled"
	SeparationBreaches = "separation_breaches"
	DepartmentsActive  = "departments_active"
	FilingInTime       = "filing_in_time"
	HandlingInTime     = "handling_in_time"
	Closing            = "closing"
	ClosingInTime      = "closing_in_time"
	Rework             = "rework"
)

// Facts lists every fact there is, in the order shown.
func Facts() []Fact {
	return []Fact{
		{TrialMonths, "连续试运行月数", "months of trial run", "个月", "months", "达到设定案卷量的最长连续整月数", "longest run of consecutive whole months with at least the configured volume"},
		{Grids, "单元网格数", "unit grids", "个", "grids", "已建单元网格总数", "unit grids in the register"},
		{GridArea, "网格面积", "area of the grids", "平方米", "m²", "全部单元网格面积之和", "sum over all unit grids"},
		{GridFaults, "网格缺陷数", "faults of the grids", "处", "faults", "编码、重叠、未闭合等检查不通过的处数", "places where codes, overlaps or open rings fail the check"},
		{CommunitiesCovered, "社区覆盖率", "communities covered", "", "", "有单元网格的社区数 ÷ 应覆盖社区数", "communities with unit grids ÷ communities to cover"},
		{KindsWithCondition, "类别立案条件齐备率", "kinds with a filing condition", "", "", "有立案条件和时限的类别数 ÷ 全部类别数", "kinds with condition and limit ÷ all kinds"},
		{PostsFilled, "岗位到位率", "posts filled", "", "", "已有人员的岗位数 ÷ 应设岗位数", "posts held by somebody ÷ posts required"},
		{SeparationBreaches, "监管分离违规数", "breaches of the separation", "处", "breaches", "现行权限与任职中监督与处置不分的处数", "places in the live policy and posts where supervision and execution meet"},
		{DepartmentsActive, "部门接入率", "departments at work", "", "", "期内承办过案卷的部门数 ÷ 全部专业部门数", "departments with cases in the period ÷ all departments"},
		{FilingInTime, "按时立案率", "in-time filing rate", "", "", "按时立案数 ÷ 立案数", "filed in time ÷ filed"},
		{HandlingInTime, "按期处置率", "on-time handling rate", "", "", "按期处置数 ÷ 应处置数", "handled in time ÷ due for handling"},
		{Closing, "结案率", "closing rate", "", "", "结案数 ÷ 应结案数", "closed ÷ due for closing"},
		{ClosingInTime, "按期结案率", "on-time closing rate", "", "", "按期结案数 ÷ 应结案数", "closed in time ÷ due for closing"},
		{Rework, "返工率", "rework rate", "", "", "返工数 ÷ 处置数", "reworks ÷ handled"},
	}
}

// FactOf finds a fact by its key.
func FactOf(key string) (Fact, bool) {
	all := Facts()
	i := slices.IndexFunc(all, func(f Fact) bool { return f.Key == key })
	if i < 0 {
		return Fact{}, false
	}
	return all[i], true
}

// Check refuses evidence that cannot be: days that are none, facts nobody knows,
// negative numbers, a count that is not over 1.
func (e Evidence) Check() error {
	var faults []errs.Problem
	fault := func(field, zh, en string) {
		faults = append(faults, errs.Problem{Field: field, Zh: zh, En: en})
	}
	if e.City == "" || e.Name == "" {
		fault("city", "缺少城市代码或名称", "the city's code or name is missing")
	}
	if e.AsOf.IsZero() {
		fault("as_of", "缺少取数时刻", "the moment of the evidence is missing")
	}
	from, errFrom := time.Parse(time.DateOnly, e.From)
	to, errTo := time.Parse(time.DateOnly, e.To)
	if errFrom != nil || errTo != nil || to.Before(from) {
		fault("from", fmt.Sprintf("期间 %q 至 %q 不成立", e.From, e.To), fmt.Sprintf("%q to %q is no period", e.From, e.To))
	}
	for _, key := range slices.Sorted(maps.Keys(e.Facts)) {
		r := e.Facts[key]
		fact, known := FactOf(key)
		switch {
		case !known:
			fault("facts."+key, "没有这项事实", "no such fact")
		case r.Numerator < 0 || r.Denominator < 0:
			fault("facts."+key, "不得为负", "must not be negative")
		case fact.Count() && r.Denominator != 1:
			fault("facts."+key, "数量的分母应为 1", "a count is over 1")
		}
	}
	return errs.Problems(faults...)
}
