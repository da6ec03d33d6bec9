// Package shapefile reads and writes zipped Shapefiles: points and polygons
// (.shp) with a table of attributes (.dbf), the encoding of its texts (.cpg) and
// the name of the coordinate system (.prj). It reads record by record in
// bounded memory, trusts no length that a file states, and unpacks nothing to
// disk. Heights and measures are read over; other kinds of shapes are refused.
//
// The format is that of ESRI's Shapefile Technical Description (July 1998).
package shapefile

import (
	"fmt"

	"wangge/internal/errs"
)

// Type is the kind of a shape.
type Type int

// The kinds that are read. A shape with heights or measures is of the plain kind.
const (
	Null    Type = 0
	Points  Type = 1
	Polygon Type = 5
)

// Point is x, y: longitude and latitude where the file is in degrees.
type Point = [2]float64

// Shape is the geometry of a record: of a point one part with one point, of a
// polygon its closed rings as they were drawn, of Null none.
type Shape struct {
	Type   Type
	Points [][]Point
}

// Record is a shape with its attributes.
type Record struct {
	Number int // 1-based
	Shape  Shape
	Values []string // in the order of the fields, without padding; "" for none
}

// Field is a column of the attribute table.
type Field struct {
	Name     string
	Kind     byte // C text, N and F number, D date (yyyymmdd), L logical
	Width    int  // bytes, of which in UTF-8 a Chinese character takes three
	Decimals int
}

// Limits bound what a file may make its reader do. 0 means a default.
type Limits struct {
	Bytes   int64 // of each of its parts when unpacked; 2 GiB
	Records int   // 2,000,000
	Points  int   // of one shape; 100,000
}

func (l Limits) orDefault() Limits {
	if l.Bytes == 0 {
		l.Bytes = 2 << 30
	}
	if l.Records == 0 {
		l.Records = 2_000_000
	}
	if l.Points == 0 {
		l.Points = 100_000
	}
	return l
}

// fault refuses a file, or a row and field of it. Both messages are formatted
// with args.
func fault(file string, row int, field, zh, en string, args ...any) error {
	return errs.Problems(errs.Problem{File: file, Row: row, Field: field, Zh: fmt.Sprintf(zh, args...), En: fmt.Sprintf(en, args...)})
}

// cut shortens a foreign text for a message.
func cut(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
