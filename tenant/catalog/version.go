package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Version names a version of the national catalogue by its standard.
type Version string

// The versions. In 2026 codes are 2 + 3 digits, before 2 + 2; event classes 04
// and 05 changed places between 2007 and 2013.
const (
	Version2007 = "CJ/T 214-2007"
	Version2013 = "GB/T 30428.2-2013"
	Version2026 = "GB/T 47678.5-2026" // in force since 2026-07-01; classes 01-05 are the abnormal state of a part
)

// Versions lists the versions, oldest first.
func Versions() []Version { return []Version{Version2007, Version2013, Version2026} }

// ParseVersion finds a version by its standard or its year; ErrNoVersion when
// there is none.
func ParseVersion(s string) (Version, error) {
	for _, v := range Versions() {
		if s != "" && (s == string(v) || s == v.Year()) {
			return v, nil
		}
	}
	return "", ErrNoVersion.With(s)
}

// Year is the four digits at the end of the standard.
func (v Version) Year() string { return string(v[max(0, len(v)-4):]) }

// Title is the standard's title; empty for an unknown version.
func (v Version) Title() (zh, en string) {
	e := v.edition()
	return e.titleZh, e.titleEn
}

// Provenance says how the version's data is known.
func (v Version) Provenance() (Confidence, string) {
	e := v.edition()
	return e.confidence, e.provenance
}

// Layout is how codes of the version are written; the zero Layout for an
// unknown version.
func (v Version) Layout() Layout { return v.edition().layout }

// Kinds lists the national kinds of problems, by sort and code: parts first.
func (v Version) Kinds() []Kind { return slices.Clone(v.edition().kinds) }

// Kind is one national kind.
func (v Version) Kind(sort Sort, code string) (Kind, bool) {
	k, ok := v.edition().byKey[key{sort, code}]
	return k, ok
}

// PartKinds lists the kinds of parts as things, by code: 供水井盖, where the
// kind of problem of 2026 is 供水井盖异常. Before 2026 the two are the same.
func (v Version) PartKinds() []Kind { return slices.Clone(v.edition().parts) }

// Class is a class of kinds.
type Class struct {
	Sort       Sort
	Code, Name string
}

// Classes lists the classes of the version's kinds in order.
func (v Version) Classes() []Class { return slices.Clone(v.edition().classes) }

func (v Version) edition() edition {
	l, err := load()
	if err != nil { // the tests of this package read every row
		return edition{}
	}
	return l.editions[v]
}

// before says whether v is an older version than w.
func (v Version) before(w Version) bool {
	all := Versions()
	return slices.Index(all, v) < slices.Index(all, w)
}

// PartKind is the national name of a kind of part in a version; ok is false
// when the version does not know the code.
func PartKind(version, code string) (name string, ok bool) {
	k, ok := Version(version).edition().partByCode[code]
	return k.Name, ok
}

// Layout is how the codes of a version are written.
type Layout struct {
	ClassDigits, SubDigits int
	PartIDDigits           int // of a part's identifier
	TypeCodeDigits         int // of a kind with its county before it
	// Own kinds of a city lie in LocalClass ("" for any class of the standard)
	// at LocalFrom to LocalTo, counted down, and end in LocalSuffix.
	LocalClass         string
	LocalFrom, LocalTo int
	LocalSuffix        string
	prefix             string // of condition codes, which are unique over all versions
}

// countyDigits of a GB/T 2260 code begin every identifier.
const countyDigits = 6

// Code writes the code of a kind: 01-001.
func (l Layout) Code(class string, sub int) string {
	return fmt.Sprintf("%s-%0*d", class, l.SubDigits, sub)
}

// Split reads the code of a kind.
func (l Layout) Split(code string) (class string, sub int, ok bool) {
	class, text, _ := strings.Cut(code, "-")
	if len(class) != l.ClassDigits || len(text) != l.SubDigits || l.SubDigits == 0 || !digits(class) || !digits(text) {
		return "", 0, false
	}
	sub, err := strconv.Atoi(text)
	return class, sub, err == nil
}

// SerialDigits is the length of the serial number at the end of a part's
// identifier.
func (l Layout) SerialDigits() int {
	return l.PartIDDigits - countyDigits - l.ClassDigits - l.SubDigits
}

// PartID writes the identifier of a part: county, kind, serial number.
func (l Layout) PartID(county, code string, serial int) (id string, ok bool) {
	if _, _, ok := l.Split(code); !ok || len(county) != countyDigits || !digits(county) || serial < 1 {
		return "", false
	}
	id = county + strings.ReplaceAll(code, "-", "") + fmt.Sprintf("%0*d", l.SerialDigits(), serial)
	return id, len(id) == l.PartIDDigits
}

// ParsePartID reads the identifier of a part.
func (l Layout) ParsePartID(id string) (county, code string, serial int, ok bool) {
	if l.PartIDDigits == 0 || len(id) != l.PartIDDigits || !digits(id) {
		return "", "", 0, false
	}
	county, rest := id[:countyDigits], id[countyDigits:]
	class, rest := rest[:l.ClassDigits], rest[l.ClassDigits:]
	serial, err := strconv.Atoi(rest[l.SubDigits:])
	return county, class + "-" + rest[:l.SubDigits], serial, err == nil
}

// TypeCode writes a kind with its county before it, as other systems exchange
// it: 10 digits before 2026, 11 since.
func (l Layout) TypeCode(county, code string) (string, bool) {
	t := county + strings.ReplaceAll(code, "-", "")
	return t, l.TypeCodeDigits > 0 && len(t) == l.TypeCodeDigits && digits(t)
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
