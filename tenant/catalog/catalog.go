// Package catalog holds the kinds of problems a city manages and the filing
// conditions under which each is filed. The handling limit belongs to the
// condition, not to the kind. Kinds follow a version of the national catalogue;
// a case records the version its kind came from.
package catalog

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"wangge/internal/errs"
	"wangge/tenant/calendar"
)

// Version2026 is GB/T 47678.5-2026, in force since 2026-07-01. Codes are
// 2 + 3 digits; classes 01-05 are the abnormal state of a part, 06-10 the rest.
const Version2026 = "GB/T 47678.5-2026"

// Sort says whether a kind concerns a part (部件) or is an event (事件).
type Sort string

// The sorts.
const (
	Part  Sort = "part"
	Event Sort = "event"
)

// Kind is one kind of problem.
type Kind struct {
	Version, Code, Class string
	Sort                 Sort
	Name, NameEn         string
}

// Condition is one filing condition of a kind and the limit that goes with it.
type Condition struct {
	Code   string
	Kind   Kind
	Filing string // 立案条件
	Limit  calendar.Limit
	Source string
}

// ErrNoCondition is returned for a condition code the city does not have.
var ErrNoCondition = errs.New(errs.Invalid, "no_such_condition", "没有这个立案条件：%s", "no such filing condition: %s")

//go:embed data/kinds-2026.csv
var kindsCSV string

//go:embed data/conditions-2026.csv
var conditionsCSV string

const conditionSource = "运城市部件事件立案、处置和结案标准（起步数据，可由省、市修改）"

// Starting is the set a new city starts with: every kind of GB/T 47678.5-2026,
// and the conditions and limits of the Yuncheng list, moved to the 2026 codes.
func Starting() ([]Kind, []Condition, error) {
	rows, err := csv.NewReader(strings.NewReader(kindsCSV)).ReadAll()
	if err != nil {
		return nil, nil, fmt.Errorf("kinds: %w", err)
	}
	var kinds []Kind
	byCode := map[string]Kind{}
	for _, r := range rows[1:] {
		k := Kind{Version: Version2026, Code: r[0], Class: r[1], Sort: Event, Name: r[3], NameEn: r[4]}
		if r[1] <= "05" {
			k.Sort = Part
		}
		kinds = append(kinds, k)
		byCode[k.Code] = k
	}
	if rows, err = csv.NewReader(strings.NewReader(conditionsCSV)).ReadAll(); err != nil {
		return nil, nil, fmt.Errorf("conditions: %w", err)
	}
	var conditions []Condition
	for _, r := range rows[1:] {
		value, err := strconv.Atoi(r[3])
		if err != nil {
			return nil, nil, fmt.Errorf("condition %s: %w", r[0], err)
		}
		kind, ok := byCode[r[1]]
		if !ok {
			return nil, nil, fmt.Errorf("condition %s: kind %s is not in the catalogue", r[0], r[1])
		}
		conditions = append(conditions, Condition{
			Code: r[0], Kind: kind, Filing: r[2], Source: conditionSource,
			Limit: calendar.Limit{Value: value, Unit: calendar.Unit(r[4])},
		})
	}
	return kinds, conditions, nil
}
