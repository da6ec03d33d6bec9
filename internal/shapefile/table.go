package shapefile

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
)

// maxFields is how many columns dBASE III allows.
const maxFields = 255

// table reads the attributes.
type table struct {
	*member
	encoding encoding
	fields   []Field
	rows     int // that its head states
	read     int
	row      []byte
}

// openTable reads the head of a .dbf.
func openTable(f *zip.File, limits Limits, cpg string) (*table, error) {
	m, err := open(f, limits.Bytes)
	if err != nil {
		return nil, err
	}
	head := make([]byte, 32)
	if err := m.fill(head, 0); err != nil {
		return nil, err
	}
	t := &table{member: m, encoding: declared(cpg, head[29]), rows: int(binary.LittleEndian.Uint32(head[4:]))}
	size, width := int(binary.LittleEndian.Uint16(head[8:])), int(binary.LittleEndian.Uint16(head[10:]))
	if size < 33 || (size-32)/32 > maxFields+8 || width < 1 {
		return nil, fault(m.file, 0, "", "属性表头有误", "the head of the table is faulty")
	}
	if t.rows > limits.Records {
		return nil, fault(m.file, 0, "", "记录有 %d 条，超过上限 %d", "there are %d records, more than %d", t.rows, limits.Records)
	}
	columns := make([]byte, size-32)
	if err := m.fill(columns, 0); err != nil {
		return nil, err
	}
	t.row = make([]byte, width)
	return t, t.columns(columns)
}

// columns reads the descriptions of the fields, up to their terminator.
func (t *table) columns(b []byte) error {
	width := 1 // the mark of a deleted row
	for ; len(b) >= 32 && b[0] != 0x0D; b = b[32:] {
		raw, _, _ := bytes.Cut(b[:11], []byte{0})
		e := t.encoding
		if e == unsaid || e == ascii {
			e = guess(whole(raw))
		}
		name, _ := decode(e, bytes.TrimSpace(raw), true)
		f := Field{Name: name, Kind: b[11], Width: int(b[16]), Decimals: int(b[17])}
		if f.Kind == 'C' { // whose width may need both bytes
			f.Width, f.Decimals = f.Width+f.Decimals<<8, 0
		}
		width += f.Width
		t.fields = append(t.fields, f)
	}
	if len(b) == 0 || b[0] != 0x0D || width != len(t.row) || len(t.fields) > maxFields {
		return fault(t.file, 0, "", "属性表头有误", "the head of the table is faulty")
	}
	return nil
}

// next reads the next row into t.row; live is false for a deleted one.
func (t *table) next() (live bool, err error) {
	t.read++
	if t.read > t.rows {
		return false, fault(t.file, t.read, "", "属性表只有 %d 行，少于图形", "the table has only %d rows, fewer than shapes", t.rows)
	}
	if err := t.fill(t.row, t.read); err != nil {
		return false, err
	}
	return t.row[0] != '*', nil
}

// each goes through the raw values of the row that was read.
func (t *table) each(visit func(i int, f Field, raw []byte, full bool)) {
	at := 1
	for i, f := range t.fields {
		raw := t.row[at : at+f.Width]
		at += f.Width
		trimmed := bytes.TrimRight(raw, " \x00")
		if f.Kind != 'C' {
			trimmed = bytes.TrimLeft(trimmed, " ")
		}
		visit(i, f, trimmed, len(trimmed) == len(raw))
	}
}

// values decodes the row that was read.
func (t *table) values() ([]string, error) {
	out := make([]string, len(t.fields))
	var bad error
	t.each(func(i int, f Field, raw []byte, full bool) {
		text, ok := decode(t.encoding, raw, full)
		if !ok && bad == nil {
			bad = fault(t.file, t.read, f.Name, "文字“%s”不是属性表所用的编码（%s）", "the text %q is not in the encoding of the table (%s)", cut(text), t.encoding)
		}
		if f.Kind != 'C' && len(bytes.Trim(raw, "*")) == 0 {
			text = "" // a number that did not fit is written as stars
		}
		out[i] = text
	})
	return out, bad
}

func (e encoding) String() string {
	return [...]string{"UTF-8", "UTF-8", "GBK", "ASCII"}[e]
}

// settle decides the encoding of a table that states none: UTF-8 when every
// text is, else GBK. It reads the file through once.
func settle(f *zip.File, limits Limits) (encoding, error) {
	t, err := openTable(f, limits, "")
	if err != nil {
		return 0, err
	}
	e := utf8s
	for t.read < t.rows && e == utf8s {
		if _, err := t.next(); err != nil {
			return 0, err
		}
		t.each(func(_ int, _ Field, raw []byte, full bool) {
			if full {
				raw = whole(raw)
			}
			e = max(e, guess(raw))
		})
	}
	return e, nil
}
