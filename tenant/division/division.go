// Package division knows the administrative divisions of China: which cities
// of a province can become tenants, and the counties, streets and communities
// whose codes their grids begin with. The data are embedded; where they come
// from is in data/PROVENANCE.md. What a city makes of its divisions, and where
// they lie, is for others.
//
// The tree is the one digital urban management works with. Codes follow
// GB/T 2260 and GB/T 10114: a city has six digits ("130100"), not the four of
// the statistical tables. The tables' groupings that nobody governs (市辖区 and
// 县 of the municipalities, 省直辖县级行政区划) are left out, so that the districts
// of a municipality and the counties directly under a province hang under the
// province itself. A city without districts has its streets right under it.
package division

import (
	"slices"
	"strings"

	"wangge/internal/errs"
)

// ErrUnknown is returned for a code that is no division's.
var ErrUnknown = errs.New(errs.NotFound, "division_unknown", "没有代码为 %s 的行政区划", "no administrative division has the code %s")

// Level is the rank of a division, 1 for provinces to 5 for communities.
type Level int

// The levels: 省, 地, 县, 乡 and 村级.
const (
	Province Level = iota + 1
	City
	County
	Street
	Community
)

// Division is one administrative division. Parent is the code of the division
// right above it, empty for a province.
type Division struct {
	Code, Name string
	Level      Level
	Parent     string
}

// Atlas answers questions on the divisions. It is safe for concurrent use;
// the streets and communities of a province are unpacked when first asked for.
type Atlas struct {
	index    []Division            // provinces, then cities, then counties, each by code
	byCode   map[string]Division   // of index
	children map[string][]Division // of index, by parent; provinces under ""
	sections map[string]func() section
}

// Provinces returns all provinces, by code.
func (a *Atlas) Provinces() []Division { return slices.Clone(a.children[""]) }

// Province returns the province of a two-digit code.
func (a *Atlas) Province(code string) (Division, bool) {
	d, ok := a.byCode[code]
	return d, ok && d.Level == Province
}

// Cities returns what can become a tenant in a province, by code: its cities,
// prefectures and leagues, and the counties and districts right under it.
func (a *Atlas) Cities(province string) []Division {
	if _, ok := a.Province(province); !ok {
		return nil
	}
	return slices.Clone(a.children[province])
}

// Counties returns the divisions a grid code of the city can begin with: its
// counties and districts, or the city itself when it has none. It is nil when
// code is not one of Cities.
func (a *Atlas) Counties(city string) []Division {
	d, ok := a.tenant(city)
	switch {
	case !ok:
		return nil
	case len(a.children[city]) == 0:
		return []Division{d}
	}
	return slices.Clone(a.children[city])
}

// tenant returns the city of a code that can become a tenant.
func (a *Atlas) tenant(code string) (Division, bool) {
	d, ok := a.byCode[code]
	return d, ok && len(d.Parent) == 2
}

// Lookup returns the division of a code, of any level.
func (a *Atlas) Lookup(code string) (Division, bool) {
	if len(code) <= 6 {
		d, ok := a.byCode[code]
		return d, ok
	}
	list := a.section(code).level(len(code))
	i, ok := slices.BinarySearchFunc(list, code, byCode)
	if !ok {
		return Division{}, false
	}
	return list[i], true
}

// Children returns the divisions right under a code, by code; none under a
// community. A code that is no division's is ErrUnknown.
func (a *Atlas) Children(code string) ([]Division, error) {
	d, ok := a.Lookup(code)
	if !ok {
		return nil, ErrUnknown.With(code)
	}
	if d.Level == Street {
		return slices.Clone(under(a.section(code).communities, code)), nil
	}
	if kids := a.children[code]; len(kids) > 0 {
		return slices.Clone(kids), nil
	}
	return slices.Clone(under(a.section(code).streets, code)), nil
}

// Search returns at most limit provinces, cities and counties whose name
// begins with prefix: the higher first, then by code.
func (a *Atlas) Search(prefix string, limit int) []Division {
	return named(a.index, prefix, limit)
}

// SearchIn returns at most limit divisions below parent, down to communities,
// whose name begins with prefix: the higher first, then by code.
func (a *Atlas) SearchIn(parent, prefix string, limit int) []Division {
	d, ok := a.Lookup(parent)
	if !ok {
		return nil
	}
	s := a.section(parent)
	below := slices.Concat(a.index, under(s.streets, stem(d)), under(s.communities, stem(d)))
	below = slices.DeleteFunc(below, func(b Division) bool {
		return b.Level <= d.Level || !strings.HasPrefix(b.Code, stem(d))
	})
	return named(below, prefix, limit)
}

// Belongs reports whether code is a county, street or community of the city: a
// division that exists and whose first six digits are among the city's Counties.
func (a *Atlas) Belongs(city, code string) bool {
	if len(code) < 6 || !slices.ContainsFunc(a.Counties(city), func(d Division) bool { return d.Code == code[:6] }) {
		return false
	}
	_, ok := a.Lookup(code)
	return ok
}

// stem returns what the codes of all divisions below d begin with.
func stem(d Division) string {
	if d.Level == City {
		return strings.TrimSuffix(d.Code, "00")
	}
	return d.Code
}

// under returns the part of list, which is sorted, whose codes begin with stem.
func under(list []Division, stem string) []Division {
	from, _ := slices.BinarySearchFunc(list, stem, byCode)
	to, _ := slices.BinarySearchFunc(list, stem+"~", byCode) // '~' sorts after every digit
	return list[from:to]
}

func byCode(d Division, code string) int { return strings.Compare(d.Code, code) }

// named returns the first of list whose name begins with prefix, at most limit.
func named(list []Division, prefix string, limit int) (found []Division) {
	for _, d := range list {
		if len(found) >= limit {
			break
		}
		if strings.HasPrefix(d.Name, prefix) {
			found = append(found, d)
		}
	}
	return found
}
