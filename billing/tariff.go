package billing

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"

	"wangge/internal/errs"
)

// Label is what an invoice says of the tariff it was made with.
type Label struct {
	Code    string `json:"code"`
	Version string `json:"version"`
	NameZh  string `json:"name_zh"`
	NameEn  string `json:"name_en"`
	Example bool   `json:"example"` // not a province's own prices, and shown as such
	NoteZh  string `json:"note_zh"`
	NoteEn  string `json:"note_en"`
}

// Tariff is what a province charges its cities. It is data with a version;
// every invoice names the one it was made with.
type Tariff struct {
	Label
	Base   Fen     `json:"monthly_base_fen"`
	Prices []Price `json:"prices"`
}

// Price is what units of a metric cost, counted anew each month.
type Price struct {
	Metric string `json:"metric"`
	NameZh string `json:"name_zh"`
	NameEn string `json:"name_en"`
	Tiers  []Tier `json:"tiers"`
}

// Tier prices the units of a month after the tier before it, up to and with UpTo.
type Tier struct {
	UpTo int64 `json:"up_to,omitempty"` // 0 in the last tier: all further units
	Fen  Fen   `json:"fen"`
}

//go:embed data/tariff-2026.json
var example []byte

// DefaultTariff returns the tariff this platform starts with until the province
// puts its own in its place.
func DefaultTariff() (Tariff, error) {
	return LoadTariff(bytes.NewReader(example), "tariff-2026.json")
}

// LoadTariff reads a tariff from JSON. Whatever is wrong with it is an Invalid
// error naming the file, the line or the field, and the reason.
func LoadTariff(r io.Reader, file string) (Tariff, error) {
	var t Tariff
	if err := errs.ReadJSON(r, file, &t); err != nil {
		return Tariff{}, err
	}
	if err := errs.Problems(t.faults(file)...); err != nil {
		return Tariff{}, err
	}
	return t, nil
}

func (t Tariff) faults(file string) (faults []errs.Problem) {
	fault := func(field, zh, en string) {
		faults = append(faults, errs.Problem{File: file, Field: field, Zh: zh, En: en})
	}
	for _, f := range []struct{ field, value string }{{"code", t.Code}, {"version", t.Version}, {"name_zh", t.NameZh}, {"name_en", t.NameEn}} {
		if f.value == "" {
			fault(f.field, "不得为空", "must not be empty")
		}
	}
	if t.Base < 0 {
		fault("monthly_base_fen", "不得为负", "must not be negative")
	}
	seen := map[string]bool{}
	for i, p := range t.Prices {
		field := fmt.Sprintf("prices[%d]", i)
		if p.Metric == "" || p.NameZh == "" || p.NameEn == "" {
			fault(field, "计量项与名称不得为空", "the metric and its names must not be empty")
		}
		if seen[p.Metric] {
			fault(field+".metric", "计量项重复："+p.Metric, "the metric is priced twice: "+p.Metric)
		}
		seen[p.Metric] = true
		p.faults(field, fault)
	}
	return faults
}

func (p Price) faults(field string, fault func(field, zh, en string)) {
	if len(p.Tiers) == 0 {
		fault(field+".tiers", "至少要有一档单价", "at least one tier is needed")
	}
	below := int64(0)
	for i, tier := range p.Tiers {
		field := fmt.Sprintf("%s.tiers[%d]", field, i)
		if tier.Fen < 0 {
			fault(field+".fen", "不得为负", "must not be negative")
		}
		switch last := i == len(p.Tiers)-1; {
		case last && tier.UpTo != 0:
			fault(field+".up_to", "最后一档不设上限", "the last tier has no upper end")
		case !last && tier.UpTo <= below:
			fault(field+".up_to", "各档上限须递增", "the upper ends must rise")
		}
		below = tier.UpTo
	}
}
