// Package evaluation turns the journal of cases into figures: what each case
// adds to which day (counts), the ratios over them (indicators) and the scores
// over those. It owns the definitions; weights and bands are data, because the
// standard gives them as examples only (GB/T 30428.4-2016, CJ/T 292-2008 annexes
// A-D, informative).
package evaluation

import "math/big"

// Count is the code of a basic count (基本指标). A count belongs to the day of
// the instant named in its definition.
type Count string

// The counts. Source of the terms: GB/T 30428.4-2016 as used by working
// platforms; the instant that puts a case into a day is ours where noted.
const (
	Reported      Count = "reported"        // 上报数, at the report
	PublicReports Count = "public_reports"  // 公众举报数, at the report
	ReportedFiled Count = "reported_filed"  // 上报中已立案数: of those reported, filed
	Filed         Count = "filed"           // 立案数, at filing
	FiledInTime   Count = "filed_in_time"   // 按时立案数, at filing
	Declined      Count = "declined"        // 不予立案数, at the decision
	Dispatched    Count = "dispatched"      // 派遣数, at the first dispatch
	DueHandle     Count = "due_handle"      // 应处置数, on the day the limit ends
	Handled       Count = "handled"         // 处置数: of those due, handled
	HandledInTime Count = "handled_in_time" // 按期处置数: of those due, handled within the limit
	DueClose      Count = "due_close"       // 应结案数, on the day closing is due
	Closed        Count = "closed"          // 结案数: of those due, closed
	ClosedInTime  Count = "closed_in_time"  // 按期结案数: of those due, closed by then
	Reworked      Count = "reworked"        // 返工数, on the day the handling limit ends
	Returned      Count = "returned"        // 回退数, on the day of the last approval
	Extended      Count = "extended"        // 延期数, on the day of the last approval
	Suspended     Count = "suspended"       // 挂账数, on the day of the last approval
	Reopened      Count = "reopened"        // 公众否决后重新立案数, on its day
	Voided        Count = "voided"          // 作废数, on its day
)

// Counts is a sum of counts over cases and days.
type Counts map[Count]int64

// Add adds other to c.
func (c Counts) Add(other Counts) {
	for k, v := range other {
		c[k] += v
	}
}

// Direction says which way is better.
type Direction string

// The directions.
const (
	High Direction = "high"
	Low  Direction = "low"
)

// Indicator is a ratio of two counts (比率指标).
type Indicator struct {
	Code        string    `json:"code"`
	Zh          string    `json:"name_zh"`
	En          string    `json:"name_en"`
	Numerator   Count     `json:"numerator"`
	Denominator Count     `json:"denominator"`
	Better      Direction `json:"better"`
	FormulaZh   string    `json:"formula_zh"`
	FormulaEn   string    `json:"formula_en"`
	Source      string    `json:"source"`
}

const (
	standard = "GB/T 30428.4-2016（按公开平台转述）"
	local    = "本平台定义 / defined by this platform"
)

// Indicators lists every indicator this version computes, in the order shown.
func Indicators() []Indicator {
	return []Indicator{
		{"filing_rate", "立案率", "filing rate", ReportedFiled, Reported, High, "上报中已立案数 ÷ 上报数", "of those reported, filed ÷ reported", local},
		{"filing_in_time_rate", "按时立案率", "in-time filing rate", FiledInTime, Filed, High, "按时立案数 ÷ 立案数", "filed in time ÷ filed", standard},
		{"handling_rate", "处置率", "handling rate", Handled, DueHandle, High, "处置数 ÷ 应处置数", "handled ÷ due for handling", standard},
		{"handling_in_time_rate", "按期处置率", "on-time handling rate", HandledInTime, DueHandle, High, "按期处置数 ÷ 应处置数", "handled in time ÷ due for handling", standard},
		{"closing_rate", "结案率", "closing rate", Closed, DueClose, High, "结案数 ÷ 应结案数", "closed ÷ due for closing", standard},
		{"closing_in_time_rate", "按期结案率", "on-time closing rate", ClosedInTime, DueClose, High, "按期结案数 ÷ 应结案数", "closed in time ÷ due for closing", standard},
		{"rework_rate", "返工率", "rework rate", Reworked, Handled, Low, "返工数 ÷ 处置数", "reworks ÷ handled", standard},
		{"return_rate", "回退率", "return rate", Returned, Dispatched, Low, "回退数 ÷ 派遣数", "returns ÷ dispatched", local},
		{"extension_rate", "延期率", "extension rate", Extended, Dispatched, Low, "延期数 ÷ 派遣数", "extensions ÷ dispatched", local},
		{"suspension_rate", "挂账率", "suspension rate", Suspended, Dispatched, Low, "挂账数 ÷ 派遣数", "suspensions ÷ dispatched", local},
		{"void_rate", "作废率", "void rate", Voided, Filed, Low, "作废数 ÷ 立案数", "voided ÷ filed", local},
		{"public_report_rate", "公众举报占比", "share of public reports", PublicReports, Reported, Low, "公众举报数 ÷ 上报数", "public reports ÷ reported", local},
	}
}

// Ratio is an indicator's value: the two counts, never a rounded figure.
// With nothing due it has no value; that is neither 0 % nor 100 %.
type Ratio struct {
	Numerator   int64 `json:"numerator"`
	Denominator int64 `json:"denominator"`
}

// None says that nothing was due, so there is no rate.
func (r Ratio) None() bool { return r.Denominator == 0 }

// Of computes the indicator from counts.
func (i Indicator) Of(c Counts) Ratio { return Ratio{c[i.Numerator], c[i.Denominator]} }

// good returns the share that counts as good, from 0 to 1: the ratio itself, or
// 1 − ratio when low is better. A ratio above one (several reworks of one case)
// is taken as one.
func (i Indicator) good(r Ratio) *big.Rat {
	v := big.NewRat(r.Numerator, r.Denominator)
	if v.Cmp(one) > 0 {
		v.Set(one)
	}
	if i.Better == Low {
		v.Sub(one, v)
	}
	return v
}

var one = big.NewRat(1, 1)
