package shapefile

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"math"
	"time"
)

// Layer says what is written: the name of the files, the kind of their shapes,
// the columns, the text of the .prj ("" for none) and the date of the table.
type Layer struct {
	Name   string
	Type   Type // Points or Polygon
	Fields []Field
	PRJ    string
	Date   time.Time
}

// Write writes a zipped Shapefile with texts in UTF-8. It goes through records
// several times, so that nothing of them is held; they must be the same each
// time. Their numbers are given by their order, their rings written as they
// are: outer ones should run clockwise, holes counter-clockwise. A text that
// does not fit its field is an error.
func Write(w io.Writer, layer Layer, records iter.Seq2[Record, error]) error {
	total, err := layer.measure(records)
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for _, part := range []struct {
		ending string
		write  func(*sink) error
	}{
		{".shp", func(s *sink) error { return layer.shapes(s, total, records) }},
		{".shx", func(s *sink) error { return layer.index(s, total, records) }},
		{".dbf", func(s *sink) error { return layer.table(s, total, records) }},
		{".prj", func(s *sink) error { s.text(layer.PRJ); return nil }},
		{".cpg", func(s *sink) error { s.text("UTF-8"); return nil }},
	} {
		if part.ending == ".prj" && layer.PRJ == "" {
			continue
		}
		f, err := z.CreateHeader(&zip.FileHeader{Name: layer.Name + part.ending, Method: zip.Deflate, Modified: layer.Date})
		if err != nil {
			return fmt.Errorf("write %s%s: %w", layer.Name, part.ending, err)
		}
		s := &sink{w: bufio.NewWriter(f)}
		if err := part.write(s); err != nil {
			return err
		}
		if err := s.w.Flush(); err != nil { // the first error of any write
			return fmt.Errorf("write %s%s: %w", layer.Name, part.ending, err)
		}
	}
	return z.Close()
}

// total is what the heads of the files state.
type total struct {
	records int
	words   int // of 16 bits, that the records take with their heads
	bounds  box
}

func (l Layer) measure(records iter.Seq2[Record, error]) (total, error) {
	t := total{bounds: noBox()}
	width := 1
	for _, f := range l.Fields {
		width += f.Width
		if len(f.Name) > 10 || f.Width < 1 || f.Width > 254 {
			return t, fmt.Errorf("field %q of width %d: a name has at most 10 bytes, a width 254", f.Name, f.Width)
		}
	}
	if width > math.MaxUint16 || len(l.Fields) > maxFields {
		return t, fmt.Errorf("the fields of %s are too many or too wide", l.Name)
	}
	for r, err := range records {
		if err != nil {
			return t, err
		}
		if err := l.fits(t.records+1, r); err != nil {
			return t, err
		}
		t.records++
		t.words += 4 + words(r.Shape)
		t.bounds = t.bounds.with(r.Shape.Points)
	}
	if t.words > math.MaxInt32-50 {
		return t, fmt.Errorf("%s is too large for a Shapefile", l.Name)
	}
	if math.IsInf(t.bounds.minX, 1) {
		t.bounds = box{}
	}
	return t, nil
}

// fits refuses a record that the layer can't hold.
func (l Layer) fits(number int, r Record) error {
	if len(r.Values) != len(l.Fields) || r.Shape.Type != l.Type && r.Shape.Type != Null ||
		r.Shape.Type == Points && (len(r.Shape.Points) != 1 || len(r.Shape.Points[0]) != 1) {
		return fmt.Errorf("record %d of %s: not of its fields or kind of shape", number, l.Name)
	}
	for i, f := range l.Fields {
		if len(r.Values[i]) > f.Width {
			return fmt.Errorf("record %d of %s: %q does not fit into %d bytes of field %s", number, l.Name, cut(r.Values[i]), f.Width, f.Name)
		}
	}
	return nil
}

// words is how many 16-bit words a shape takes.
func words(s Shape) int {
	switch s.Type {
	case Points:
		return 10
	case Polygon:
		n := 0
		for _, ring := range s.Points {
			n += len(ring)
		}
		return 22 + 2*len(s.Points) + 8*n
	default:
		return 2
	}
}

func (l Layer) head(s *sink, words int, bounds box) {
	s.big(9994, 0, 0, 0, 0, 0, 50+words)
	s.little(1000, int(l.Type))
	s.floats(bounds.minX, bounds.minY, bounds.maxX, bounds.maxY, 0, 0, 0, 0)
}

func (l Layer) shapes(s *sink, t total, records iter.Seq2[Record, error]) error {
	l.head(s, t.words, t.bounds)
	number := 0
	for r, err := range records {
		if err != nil {
			return err
		}
		number++
		s.big(number, words(r.Shape))
		s.little(int(r.Shape.Type))
		switch r.Shape.Type {
		case Points:
			p := r.Shape.Points[0][0]
			s.floats(p[0], p[1])
		case Polygon:
			s.polygon(r.Shape.Points)
		}
	}
	return nil
}

func (l Layer) index(s *sink, t total, records iter.Seq2[Record, error]) error {
	l.head(s, 4*t.records, t.bounds)
	at := 50
	for r, err := range records {
		if err != nil {
			return err
		}
		n := words(r.Shape)
		s.big(at, n)
		at += 4 + n
	}
	return nil
}

func (l Layer) table(s *sink, t total, records iter.Seq2[Record, error]) error {
	width := 1
	for _, f := range l.Fields {
		width += f.Width
	}
	head := make([]byte, 32)
	head[0], head[1], head[2], head[3] = 3, byte(l.Date.Year()-1900), byte(l.Date.Month()), byte(l.Date.Day())
	binary.LittleEndian.PutUint32(head[4:], uint32(t.records))
	binary.LittleEndian.PutUint16(head[8:], uint16(33+32*len(l.Fields)))
	binary.LittleEndian.PutUint16(head[10:], uint16(width))
	s.bytes(head)
	for _, f := range l.Fields {
		column := make([]byte, 32)
		copy(column, f.Name)
		column[11], column[16], column[17] = f.Kind, byte(f.Width), byte(f.Decimals)
		s.bytes(column)
	}
	s.bytes([]byte{0x0D})
	for r, err := range records {
		if err != nil {
			return err
		}
		s.text(" ")
		for i, f := range l.Fields {
			s.value(f, r.Values[i])
		}
	}
	s.bytes([]byte{0x1A})
	return nil
}

// sink writes numbers in both orders of bytes. The first error is that of the
// last Flush.
type sink struct {
	w   *bufio.Writer
	buf [8]byte
}

func (s *sink) bytes(b []byte)   { _, _ = s.w.Write(b) }
func (s *sink) text(text string) { _, _ = s.w.WriteString(text) }

func (s *sink) big(numbers ...int) {
	for _, n := range numbers {
		binary.BigEndian.PutUint32(s.buf[:4], uint32(n))
		s.bytes(s.buf[:4])
	}
}

func (s *sink) little(numbers ...int) {
	for _, n := range numbers {
		binary.LittleEndian.PutUint32(s.buf[:4], uint32(n))
		s.bytes(s.buf[:4])
	}
}

func (s *sink) floats(numbers ...float64) {
	for _, f := range numbers {
		binary.LittleEndian.PutUint64(s.buf[:], math.Float64bits(f))
		s.bytes(s.buf[:])
	}
}

func (s *sink) polygon(rings [][]Point) {
	bounds, n := noBox().with(rings), 0
	for _, ring := range rings {
		n += len(ring)
	}
	if n == 0 {
		bounds = box{}
	}
	s.floats(bounds.minX, bounds.minY, bounds.maxX, bounds.maxY)
	s.little(len(rings), n)
	n = 0
	for _, ring := range rings {
		s.little(n)
		n += len(ring)
	}
	for _, ring := range rings {
		for _, p := range ring {
			s.floats(p[0], p[1])
		}
	}
}

// value pads a value to its field: texts on the right, numbers on the left.
func (s *sink) value(f Field, v string) {
	if f.Kind == 'C' || f.Kind == 'D' {
		s.text(v)
	}
	for range f.Width - len(v) {
		_ = s.w.WriteByte(' ')
	}
	if f.Kind != 'C' && f.Kind != 'D' {
		s.text(v)
	}
}
