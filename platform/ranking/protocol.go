package ranking

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"slices"

	"wangge/internal/errs"
	"wangge/tenant/evaluation"
)

// Protocol is the rule a province ranks its cities by. It is data with a
// version; every edition carries the one it was made under.
type Protocol struct {
	Code    string              `json:"code"`
	Version string              `json:"version"`
	NameZh  string              `json:"name_zh"`
	NameEn  string              `json:"name_en"`
	Example bool                `json:"example"` // not a province's own rule, and shown as such
	NoteZh  string              `json:"note_zh"`
	NoteEn  string              `json:"note_en"`
	Weights []evaluation.Weight `json:"weights"`
	Minimum Minimum             `json:"minimum"`
	Ties    Ties                `json:"ties"`
}

// Minimum is the volume below which a city is listed but not ranked.
type Minimum struct {
	Count    evaluation.Count `json:"count"`
	Quantity int64            `json:"quantity"`
}

// Ties says what happens to equal scores.
type Ties string

// Shared gives equal scores the same rank and leaves out the ranks they take up: 1, 1, 3.
const Shared Ties = "shared"

//go:embed data/protocol-2026.json
var example []byte

// Example returns the protocol this platform starts with until the province
// puts its own in its place.
func Example() (Protocol, error) {
	return LoadProtocol(bytes.NewReader(example), "protocol-2026.json")
}

// LoadProtocol reads a protocol from JSON. Whatever is wrong with it is an
// Invalid error naming the file, the line or the field, and the reason.
func LoadProtocol(r io.Reader, file string) (Protocol, error) {
	var p Protocol
	if err := errs.ReadJSON(r, file, &p); err != nil {
		return Protocol{}, err
	}
	if err := errs.Problems(p.faults(file)...); err != nil {
		return Protocol{}, err
	}
	return p, nil
}

func (p Protocol) faults(file string) (faults []errs.Problem) {
	fault := func(field, zh, en string) {
		faults = append(faults, errs.Problem{File: file, Field: field, Zh: zh, En: en})
	}
	for _, f := range []struct{ field, value string }{{"code", p.Code}, {"version", p.Version}, {"name_zh", p.NameZh}, {"name_en", p.NameEn}} {
		if f.value == "" {
			fault(f.field, "不得为空", "must not be empty")
		}
	}
	if p.Ties != Shared {
		fault("ties", `只支持 "shared"（并列）`, `only "shared" is supported`)
	}
	if len(p.Weights) == 0 {
		fault("weights", "至少要有一项指标", "at least one indicator is needed")
	}
	var used []evaluation.Indicator
	for i, w := range p.Weights {
		field := fmt.Sprintf("weights[%d]", i)
		ind, known := indicator(w.Indicator)
		switch {
		case !known:
			fault(field+".indicator", "没有这个指标："+w.Indicator, "no such indicator: "+w.Indicator)
		case slices.Contains(used, ind):
			fault(field+".indicator", "指标重复："+w.Indicator, "the indicator is named twice: "+w.Indicator)
		}
		if w.Weight <= 0 || w.Weight > 1_000_000 {
			fault(field+".weight", "权重应大于 0", "a weight is above zero")
		}
		used = append(used, ind)
	}
	if p.Minimum.Quantity < 1 {
		fault("minimum.quantity", "最低案卷量至少为 1", "the minimum volume is at least 1")
	}
	if !slices.ContainsFunc(used, func(i evaluation.Indicator) bool { return i.Denominator == p.Minimum.Count }) {
		fault("minimum.count", "最低案卷量应取所用指标之一的分母", "the minimum volume is over the denominator of an indicator in use")
	}
	return faults
}

func indicator(code string) (evaluation.Indicator, bool) {
	all := evaluation.Indicators()
	i := slices.IndexFunc(all, func(i evaluation.Indicator) bool { return i.Code == code })
	if i < 0 {
		return evaluation.Indicator{}, false
	}
	return all[i], true
}
