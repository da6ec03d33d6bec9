// Package catalog holds the kinds of problems a city manages and the filing
// conditions under which each is filed. The handling limit belongs to the
// condition, not to the kind. Kinds follow a version of the national catalogue;
// a case records the version its kind came from.
//
// A condition is never changed in place: a change ends it on a day and begins
// another on the same day, so a case keeps the one it was filed under.
package catalog

import (
	"slices"

	"wangge/internal/errs"
	"wangge/tenant/calendar"
)

// Sort says whether a kind concerns a part (部件) or is an event (事件).
type Sort string

// The sorts.
const (
	Part  Sort = "part"
	Event Sort = "event"
)

// Origin says who made a kind or a condition.
type Origin string

// The origins.
const (
	National   Origin = "national"
	Provincial Origin = "province"
	Own        Origin = "city"
)

// Confidence says how sure a fact of the catalogue is: a public page showed it,
// it follows from others, or it is general knowledge that nothing seen confirms.
type Confidence string

// The confidences, surest first.
const (
	Verified Confidence = "verified"
	Inferred Confidence = "inferred"
	Recalled Confidence = "recalled"
)

// weaker is the less sure of two.
func weaker(a, b Confidence) Confidence {
	order := []Confidence{Verified, Inferred, Recalled}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// Kind is one kind of problem. Its key is version, sort and code together: in
// 2007 and 2013 a part and an event may carry the same code.
type Kind struct {
	Version, Code, Class string
	Sort                 Sort
	Name, NameEn         string
	ClassName            string
	Origin               Origin
	Confidence           Confidence // "" for a city's own
}

// key is what names a kind within its version.
type key struct {
	sort Sort
	code string
}

func (k Kind) key() key { return key{k.Sort, k.Code} }

// AllAreas is the area class of a condition that holds everywhere; the others
// are A, B and C.
const AllAreas = "all"

// AreaClasses lists the area classes.
func AreaClasses() []string { return []string{AllAreas, "A", "B", "C"} }

// Condition is one filing condition of a kind and the limit that goes with it.
type Condition struct {
	Code      string // names this wording; a case keeps it
	Line      string // names what it is a wording of: the first one's Code
	Kind      Kind
	Filing    string // 立案条件
	Limit     calendar.Limit
	Closing   string // 结案条件, such as 修复; "" where the source gives none
	AreaClass string // "all", "A", "B" or "C"
	Origin    Origin
	Source    string
	Replaces  string // Code of the wording or of the older version's condition before it
	Since     string // first day in force, 2026-11-26; "" since ever
	Until     string // first day no longer in force; "" for none
}

// InForce says whether cases may be filed under the condition on a day.
func (c Condition) InForce(day string) bool {
	return c.Since <= day && (c.Until == "" || day < c.Until)
}

// Errors of the catalogue.
var (
	// ErrNoCondition is returned for a condition code the city does not have.
	ErrNoCondition = errs.New(errs.Invalid, "no_such_condition", "没有这个立案条件：%s", "no such filing condition: %s")
	// ErrNotInForce refuses to file under a condition outside its days.
	ErrNotInForce = errs.New(errs.Invalid, "condition_not_in_force", "立案条件 %s 当日未生效或已停用", "the filing condition %s is not in force on this day")
	// ErrNoVersion is returned for a version that is none of Versions.
	ErrNoVersion = errs.New(errs.Invalid, "no_such_version", "没有这个目录版本：%s", "no such version of the catalogue: %s")
)

// Starting is the set a new city starts with: every kind of GB/T 47678.5-2026,
// and the conditions and limits of the Yuncheng list, moved to the 2026 codes.
func Starting() ([]Kind, []Condition, error) { return StartingIn(Version2026) }

// StartingIn is the set a city starts with on a version. That of 2007 has the
// few limits that were found, all of events.
func StartingIn(v Version) ([]Kind, []Condition, error) {
	l, err := load()
	if err != nil {
		return nil, nil, err
	}
	e, ok := l.editions[v]
	if !ok {
		return nil, nil, ErrNoVersion.With(string(v))
	}
	return slices.Clone(e.kinds), slices.Clone(e.conditions), nil
}
