package part

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Key names a field of a record.
type Key int

// The fields of a record, in the order of GB/T 47678.5-2026; the place at the
// end is for files of rows.
const (
	ID Key = iota
	Name
	ResponsibleCode
	ResponsibleName
	OwnerCode
	OwnerName
	MaintainerCode
	MaintainerName
	Grid
	StateOf
	Initial
	Changed
	SourceOf
	Note
	StreetCode
	StreetName
	CommunityCode
	CommunityName
	Lon
	Lat
	keys // how many there are
)

// Field says what a field is called and held to.
type Field struct {
	Key    Key
	Code   string   // of the standard: GLBJBSM
	Names  []string // by which a file may call it, Chinese first; the last is ours
	IsCode bool     // a code, of which nothing may be lost on the way
	IsDate bool
	Length int // of characters at most; 0 for none

	mandatory       bool // by the standard of 2026
	mandatoryBefore bool
}

// Must says whether a record of a numbering must have the field.
func (f Field) Must(n Numbering) bool {
	if strings.HasPrefix(n.Name, "GB/T 47678.5") {
		return f.mandatory
	}
	return f.mandatoryBefore
}

// Fields lists the fields in the order of their keys.
func (s *Service) Fields() []Field { return slices.Clone(s.std.fields) }

func readFields() ([]Field, error) {
	rows, err := table("fields.csv")
	if err != nil {
		return nil, err
	}
	if len(rows) != int(keys) {
		return nil, fmt.Errorf("fields.csv has %d fields, want %d", len(rows), keys)
	}
	out := make([]Field, len(rows))
	for i, r := range rows {
		f := Field{
			Key: Key(i), Code: r["code"], Names: strings.Split(r["names"], "|"), IsDate: r["type"] == "D",
			IsCode:    r["field"] == "id" || r["field"] == "grid" || strings.HasSuffix(r["field"], "_code"),
			mandatory: r["obligation_2026"] == "M", mandatoryBefore: r["obligation_before"] == "M",
		}
		if r["type"] == "C" {
			if f.Length, err = strconv.Atoi(r["length"]); err != nil {
				return nil, fmt.Errorf("field %s: %w", r["field"], err)
			}
		}
		out[i] = f
	}
	return out, nil
}

// Record is a row of a file as it was read.
type Record struct {
	Row    int
	Value  [keys]string // days as 2026-01-31, the place as it was written
	Given  Given        // which of them the file has at all
	Place  Place        // of a map file
	Faults []Fault      // what the reading found, such as a code turned into a number
}

// Given is a set of keys.
type Given uint32

// Has says whether k is in the set.
func (g Given) Has(k Key) bool { return g&(1<<k) != 0 }

// With returns the set with k.
func (g Given) With(k Key) Given { return g | 1<<k }

// Place is where a record is; Known is false when it says nothing about it.
type Place struct {
	Lon, Lat float64
	Known    bool
}

// Fault is what is wrong with a field of a record.
type Fault struct {
	Key    Key
	Zh, En string
}
