package review

import (
	"math/big"

	"wangge/platform/exchange"
	"wangge/tenant/evaluation"
)

// Computed is what the evidence alone says: it can be made at any time, so a city
// sees in advance where it stands.
type Computed struct {
	Preconditions []Condition `json:"preconditions"`
	Items         []Mark      `json:"items"` // the computed ones, in the rubric's order
}

// Condition is a precondition against the evidence.
type Condition struct {
	Code    string           `json:"code"`
	Value   evaluation.Ratio `json:"value"`
	Missing bool             `json:"missing"` // the evidence says nothing of it, so it is not met
	Met     bool             `json:"met"`
}

// Mark is a computed item against the evidence.
type Mark struct {
	Code    string            `json:"code"`
	Value   evaluation.Ratio  `json:"value"`
	Missing bool              `json:"missing"` // nothing to compute from: no points, but no rate of zero either
	Points  evaluation.Points `json:"points"`
}

// Assess holds the evidence against the rubric. It depends on nothing else.
func Assess(r Rubric, e exchange.Evidence) Computed {
	var out Computed
	for _, p := range r.Preconditions {
		value, ok := fact(e, p.Fact)
		c := Condition{Code: p.Code, Value: e.Facts[p.Fact], Missing: !ok}
		c.Met = ok && p.holds(value)
		out.Preconditions = append(out.Preconditions, c)
	}
	for _, s := range r.Sections {
		for _, i := range s.Items {
			if i.Kind != ByFact {
				continue
			}
			m := Mark{Code: i.Code, Value: e.Facts[i.Fact]}
			if value, ok := fact(e, i.Fact); ok {
				m.Points = i.bring(value)
			} else {
				m.Missing = true
			}
			out.Items = append(out.Items, m)
		}
	}
	return out
}

// condition finds a precondition by code; one that was not computed is unmet.
func (c Computed) condition(code string) Condition {
	for _, p := range c.Preconditions {
		if p.Code == code {
			return p
		}
	}
	return Condition{Code: code, Missing: true}
}

// mark finds a computed item by code; one that was not computed is missing.
func (c Computed) mark(code string) Mark {
	for _, m := range c.Items {
		if m.Code == code {
			return m
		}
	}
	return Mark{Code: code, Missing: true}
}

func fact(e exchange.Evidence, key string) (value *big.Rat, ok bool) {
	r, ok := e.Facts[key]
	if !ok || r.None() {
		return nil, false
	}
	return big.NewRat(r.Numerator, r.Denominator), true
}

func (p Precondition) holds(value *big.Rat) bool {
	if p.AtLeast != "" {
		return value.Cmp(p.AtLeast.rat()) >= 0
	}
	return value.Cmp(p.AtMost.rat()) <= 0
}

// bring returns the item's points for a value: none at Zero, all at Full, evenly
// between, rounded once.
func (i Item) bring(value *big.Rat) evaluation.Points {
	full, zero := i.Full.rat(), i.Zero.rat()
	share := new(big.Rat).Sub(value, zero)
	share.Quo(share, full.Sub(full, zero))
	one := big.NewRat(1, 1)
	switch {
	case share.Sign() <= 0:
		return 0
	case share.Cmp(one) > 0:
		share = one
	}
	return toPoints(share.Mul(share, i.Points.rat()))
}
