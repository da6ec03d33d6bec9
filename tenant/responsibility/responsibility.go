// Package responsibility is a city's matrix of responsibility (权责清单): which
// department leads, and which assist, for a kind of problem in an area. It reads
// the matrix from people's files, finds the kinds and grids that nobody or more
// than one answers for, and suggests where a case belongs, saying why.
//
// Of the rules that cover a kind in a unit grid the one with the most specific
// area wins, then the one with the most specific kind. Kinds are the
// catalogue's, departments tenant/org's, grids tenant/grid's.
package responsibility

import (
	"wangge/tenant/org"
)

// Rule is one row of the matrix.
type Rule struct {
	ID        int64  // place in the matrix, from 1
	Version   string // of the catalogue, as GB/T 47678.5-2026
	Sort      string // part, event, or "" for both
	Kind      string // code of a kind, or what the codes of a class begin with; "" every kind
	Area      string // division of 6, 9 or 12 digits, "" the whole city
	Lead      string // department
	Assisting []string
	Since     string // first day, "" no bound
	Until     string // last day, "" no bound
}

// On says whether the rule is in force on a day.
func (r Rule) On(day string) bool { return r.Since <= day && (r.Until == "" || day <= r.Until) }

// covers is what a rule is about; two rules of one key claim the same.
type key struct{ version, sort, kind, area string }

func (r Rule) key() key { return key{r.Version, r.Sort, r.Kind, r.Area} }

// overlaps says whether two rules of one key are in force on a common day.
func (r Rule) overlaps(o Rule) bool {
	return (r.Until == "" || o.Since <= r.Until) && (o.Until == "" || r.Since <= o.Until)
}

// Kind is a kind of problem as the catalogue has it.
type Kind struct{ Version, Sort, Code, Class, Name string }

// Name is a text in both languages.
type Name struct{ Zh, En string }

// Suggestion says who should handle a kind of problem in a unit grid, and why.
type Suggestion struct {
	Lead      string // "" when nobody answers for it, or more than one
	Assisting []string
	Contested []string // who all claim to lead; empty or two and more
	Why       Name
	Area      string // of the rule
	Rule      int64  // place of the rule in the matrix, 0 for none
}

// units tells departments by code.
type units map[string]org.Department

func unitsOf(list []org.Department) units {
	out := units{}
	for _, d := range list {
		out[d.Code] = d
	}
	return out
}

// name is a unit as people read it: 市政工程处（SZ）.
func (u units) name(code string) string {
	if n := u[code].Name; n != "" {
		return n + "（" + code + "）"
	}
	return code
}
