// Package review is the acceptance (验收) of a city's system: a rubric as
// versioned data, items computed from the city's own facts, items judged by
// experts who don't see each other's marks, and a verdict that can be proved
// afterwards. The national weights and pass mark are not publicly known, so every
// number here is a province's configuration.
package review

import (
	"math/big"
	"regexp"
	"strings"

	"wangge/tenant/evaluation"
)

// Text is the same words in Chinese and English.
type Text struct {
	Zh string `json:"zh"`
	En string `json:"en"`
}

// Number is an exact number as written in a rubric: 3, 2.5, 9/10 or 90%.
type Number string

var numeral = regexp.MustCompile(`^(\d{1,9}(\.\d{1,6})?%?|\d{1,9}/[1-9]\d{0,8})$`)

// rat returns the number's value, nil when it is none.
func (n Number) rat() *big.Rat {
	if !numeral.MatchString(string(n)) {
		return nil
	}
	plain, percent := strings.CutSuffix(string(n), "%")
	r, ok := new(big.Rat).SetString(plain)
	if !ok {
		return nil
	}
	if percent {
		r.Quo(r, big.NewRat(100, 1))
	}
	return r
}

// Points returns the number as points; a malformed one is none.
func (n Number) Points() evaluation.Points {
	if r := n.rat(); r != nil {
		return toPoints(r)
	}
	return 0
}

// toPoints rounds to hundredths of a point, half up. r is not negative.
func toPoints(r *big.Rat) evaluation.Points {
	x := new(big.Rat).Mul(r, big.NewRat(100, 1))
	x.Add(x, big.NewRat(1, 2))
	return evaluation.Points(new(big.Int).Quo(x.Num(), x.Denom()).Int64())
}

// Kind says where the points of an item come from.
type Kind string

// The kinds.
const (
	ByFact    Kind = "computed" // from a fact of the city's evidence
	ByExperts Kind = "judged"   // the mean of the experts' marks
)

// Rubric is one version of the rules of acceptance.
type Rubric struct {
	Code           string         `json:"code"`
	Version        string         `json:"version"`
	Name           Text           `json:"name"`
	Template       bool           `json:"template"` // this platform's configuration, not a province's own
	Note           Text           `json:"note"`
	Total          Number         `json:"total"`        // what the items' points add up to
	PassMark       Number         `json:"pass_mark"`    // below it the city must rectify
	FailBelow      Number         `json:"fail_below"`   // below it the city has failed
	ItemMinimum    Number         `json:"item_minimum"` // share of its maximum that an item must reach
	ExpertsPerItem int            `json:"experts_per_item"`
	Preconditions  []Precondition `json:"preconditions"`
	Sections       []Section      `json:"sections"`
}

// Precondition is what must hold whatever the score is. Exactly one of AtLeast
// and AtMost is set.
type Precondition struct {
	Code    string `json:"code"`
	Name    Text   `json:"name"`
	Fact    string `json:"fact"`
	AtLeast Number `json:"at_least,omitempty"`
	AtMost  Number `json:"at_most,omitempty"`
	Advice  Text   `json:"advice"`
}

// Section is one area of the review.
type Section struct {
	Code  string `json:"code"`
	Name  Text   `json:"name"`
	Items []Item `json:"items"`
}

// Item is one thing that brings points.
type Item struct {
	Code     string `json:"code"`
	Name     Text   `json:"name"`
	Kind     Kind   `json:"kind"`
	Points   Number `json:"points"` // the most it brings
	Evidence Text   `json:"evidence"`
	Advice   Text   `json:"advice"`
	Minimum  Number `json:"minimum,omitempty"` // share of Points; the rubric's ItemMinimum when empty
	// Of a computed item: from Zero, which brings nothing, points grow evenly to
	// Full, which brings all. Zero above Full means that less is better.
	Fact string `json:"fact,omitempty"`
	Full Number `json:"full,omitempty"`
	Zero Number `json:"zero,omitempty"`
}

// Item finds an item and its section.
func (r Rubric) Item(code string) (Item, Section, bool) {
	for _, s := range r.Sections {
		for _, i := range s.Items {
			if i.Code == code {
				return i, s, true
			}
		}
	}
	return Item{}, Section{}, false
}

// minimum is the fewest points an item must bring.
func (r Rubric) minimum(i Item) evaluation.Points {
	share := i.Minimum
	if share == "" {
		share = r.ItemMinimum
	}
	return toPoints(new(big.Rat).Mul(share.rat(), i.Points.rat()))
}
