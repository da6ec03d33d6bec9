package table

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// The workbook is read here and not by a library, because a cell's type says
// whether a code was kept as it was written or turned into a number, and
// because the texts of a million rows must not fill the memory.

var errBroken = trouble{"不是完好的 XLSX 文件", "not a sound XLSX file"}

// directory is the most that may be read of a zip's list of what is in it.
const directory = 4 << 20

// counted bounds what is read of r while left is positive; -1 is unbounded.
type counted struct {
	r    io.ReaderAt
	left int64
}

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	if c.left >= 0 {
		if c.left -= int64(len(p)); c.left < 0 {
			return 0, errBroken
		}
	}
	return c.r.ReadAt(p, off)
}

type xlsxSource struct {
	sheet   *xml.Decoder
	allow   *allowance
	strings shared
	widest  int
	row     int // number of the last row
	since   epoch
	done    bool
}

func openXLSX(r io.ReaderAt, size int64, limits Limits) (*xlsxSource, error) {
	at := &counted{r, directory}
	archive, err := zip.NewReader(at, size)
	if err != nil {
		return nil, errBroken
	}
	at.left = -1
	w := workbook{archive, &budget{limits.Unpacked}, limits}
	sheet, since, err := w.first()
	if err != nil {
		return nil, err
	}
	s := &xlsxSource{widest: limits.Columns, since: since}
	if s.strings, err = w.shared(); err != nil {
		return nil, err
	}
	if s.sheet, s.allow, err = w.open(sheet); errors.Is(err, errAbsent) {
		return nil, errBroken
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// budget is what may still be unpacked.
type budget struct{ left int64 }

type bounded struct {
	io.Reader
	*budget
}

func (b bounded) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, trouble{"解压后过大", "too large when unpacked"}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = errBroken
	}
	return n, err
}

type workbook struct {
	*zip.Reader
	*budget
	limits Limits
}

// errAbsent is returned for a part that the workbook does not have.
var errAbsent = errors.New("no such part")

// open begins to read a part.
func (w workbook) open(name string) (*xml.Decoder, *allowance, error) {
	for _, f := range w.File {
		if f.Name != name {
			continue
		}
		part, err := f.Open()
		if err != nil {
			return nil, nil, errBroken
		}
		allow := &allowance{bounded{part, w.budget}, w.limits.Record, w.limits.Record}
		return xml.NewDecoder(bufio.NewReaderSize(allow, block)), allow, nil
	}
	return nil, nil, errAbsent
}

// each calls fn with every element of a part that begins.
func (w workbook) each(name string, fn func(xml.StartElement)) error {
	d, allow, err := w.open(name)
	if err != nil {
		return errBroken
	}
	for {
		allow.renew()
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unsound(err)
		}
		if e, ok := token.(xml.StartElement); ok {
			fn(e)
		}
	}
}

// first finds the first sheet that is not hidden, and the day that the
// workbook counts days from.
func (w workbook) first() (name string, since epoch, err error) {
	id := ""
	err = w.each("xl/workbook.xml", func(e xml.StartElement) {
		switch e.Name.Local {
		case "workbookPr":
			since = epoch(attr(e, "date1904") == "1" || attr(e, "date1904") == "true")
		case "sheet":
			if state := attr(e, "state"); id == "" && state != "hidden" && state != "veryHidden" {
				id = attrOf(e, "id", func(a xml.Name) bool { return a.Space != "" })
			}
		}
	})
	if err != nil {
		return "", since, err
	}
	err = w.each("xl/_rels/workbook.xml.rels", func(e xml.StartElement) {
		if e.Name.Local == "Relationship" && attr(e, "Id") == id && id != "" {
			if name = path.Join("xl", attr(e, "Target")); strings.HasPrefix(attr(e, "Target"), "/") {
				name = strings.TrimPrefix(attr(e, "Target"), "/")
			}
		}
	})
	if err == nil && name == "" {
		err = trouble{"工作簿中没有工作表", "there is no sheet in the workbook"}
	}
	return name, since, err
}

func attr(e xml.StartElement, name string) string {
	return attrOf(e, name, func(xml.Name) bool { return true })
}

func attrOf(e xml.StartElement, name string, of func(xml.Name) bool) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && of(a.Name) {
			return a.Value
		}
	}
	return ""
}

// unsound tells a file's fault from a failing disk.
func unsound(err error) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errBroken
	}
	return err
}

// shared are the texts that cells name by number, one behind the other.
type shared struct {
	text []byte
	ends []uint32
}

func (s shared) at(i int) (string, bool) {
	if i < 0 || i >= len(s.ends) {
		return "", false
	}
	from := uint32(0)
	if i > 0 {
		from = s.ends[i-1]
	}
	return string(s.text[from:s.ends[i]]), true
}

// shared reads the texts that the cells share.
func (w workbook) shared() (s shared, err error) {
	d, allow, err := w.open("xl/sharedStrings.xml")
	if errors.Is(err, errAbsent) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return s, unsound(err)
		}
		if e, ok := token.(xml.StartElement); !ok || e.Name.Local != "si" {
			continue
		}
		allow.renew()
		text, err := richText(d, "si")
		if err != nil {
			return s, err
		}
		s.text = append(s.text, text...)
		s.ends = append(s.ends, uint32(len(s.text)))
		if int64(len(s.text)+4*len(s.ends)) > w.limits.Strings {
			return s, trouble{"工作簿中的文字过多，请改用 CSV 或分成几个文件", "there is too much text in the workbook; use CSV or several files"}
		}
	}
}

// richText reads the text of an element to its end, without the readings that
// stand beside it.
func richText(d *xml.Decoder, end string) (string, error) {
	text, inText, beside := "", false, false
	for {
		token, err := d.RawToken()
		if err != nil {
			return "", unsound(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			inText = inText || e.Name.Local == "t"
			beside = beside || e.Name.Local == "rPh"
		case xml.CharData:
			if inText && !beside {
				text += string(e)
			}
		case xml.EndElement:
			switch e.Name.Local {
			case "t":
				inText = false
			case "rPh":
				beside = false
			case end:
				return unescaped(text), nil
			}
		}
	}
}

// unescaped reads the characters that XML can't hold, which Excel writes as
// _x000D_.
func unescaped(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); {
		if rest := s[i:]; len(rest) >= 7 && rest[:2] == "_x" && rest[6] == '_' {
			if n, err := strconv.ParseUint(rest[2:6], 16, 16); err == nil {
				c := rune(n)
				if utf16.IsSurrogate(c) {
					c = utf8.RuneError
				}
				out.WriteRune(c)
				i += 7
				continue
			}
		}
		out.WriteByte(s[i])
		i++
	}
	return out.String()
}

func (s *xlsxSource) next() (Row, error) {
	if s.done {
		return Row{}, io.EOF
	}
	s.allow.renew()
	for {
		token, err := s.sheet.RawToken()
		if err != nil {
			return Row{}, unsound(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Local == "row" {
				return s.readRow(e)
			}
		case xml.EndElement:
			if e.Name.Local == "sheetData" {
				s.done = true
				return Row{}, io.EOF
			}
		}
	}
}

func (s *xlsxSource) readRow(start xml.StartElement) (Row, error) {
	s.row++
	if n, err := strconv.Atoi(attr(start, "r")); err == nil && n > 0 {
		s.row = n
	}
	row, column := Row{Number: s.row, since: s.since}, -1
	for {
		token, err := s.sheet.RawToken()
		if err != nil {
			return Row{}, unsound(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Local != "c" {
				continue
			}
			column++
			if n, ok := columnOf(attr(e, "r")); ok {
				column = n
			}
			text, number, err := s.cell(attr(e, "t"))
			if err != nil {
				return Row{}, err
			}
			if text == "" {
				continue
			}
			if column >= s.widest {
				return Row{}, errWide
			}
			for len(row.Cells) <= column {
				row.Cells, row.numbers = append(row.Cells, ""), append(row.numbers, false)
			}
			row.Cells[column], row.numbers[column] = text, number
		case xml.EndElement:
			if e.Name.Local == "row" {
				return row, nil
			}
		}
	}
}

// columnOf reads the letters of a cell's place, such as AB12, from 0.
func columnOf(place string) (int, bool) {
	n := 0
	for i := range len(place) {
		c := place[i]
		if c < 'A' || c > 'Z' {
			return n - 1, n > 0
		}
		if n = 26*n + int(c-'A') + 1; n > 1<<14 {
			return n, true
		}
	}
	return n - 1, n > 0
}

// cell reads a cell to its end; number says that it holds one.
func (s *xlsxSource) cell(kind string) (text string, number bool, err error) {
	value, in := "", false
	for {
		token, err := s.sheet.RawToken()
		if err != nil {
			return "", false, unsound(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "is":
				if value, err = richText(s.sheet, "is"); err != nil {
					return "", false, err
				}
			case "v":
				in = true
			}
		case xml.CharData:
			if in {
				value += string(e)
			}
		case xml.EndElement:
			switch e.Name.Local {
			case "v":
				in = false
			case "c":
				return s.valueOf(kind, value)
			}
		}
	}
}

func (s *xlsxSource) valueOf(kind, value string) (text string, number bool, err error) {
	switch kind {
	case "s":
		n, err := strconv.Atoi(strings.TrimSpace(value))
		text, ok := s.strings.at(n)
		if err != nil || !ok {
			return "", false, errBroken
		}
		return text, false, nil
	case "b":
		return map[bool]string{true: "TRUE", false: "FALSE"}[value == "1"], false, nil
	case "str":
		return unescaped(value), false, nil
	case "inlineStr", "d", "e":
		return value, false, nil
	default:
		return value, value != "", nil
	}
}

// epoch is the day a workbook counts days from: true for 1904, as on old Macs.
type epoch bool

// day is the date of a serial number.
func (e epoch) day(serial int) time.Time {
	if e {
		return time.Date(1904, 1, 1+serial, 0, 0, 0, 0, time.UTC)
	}
	if serial < 60 { // Excel believes that there was a 29 February in 1900
		serial++
	}
	return time.Date(1899, 12, 30+serial, 0, 0, 0, 0, time.UTC)
}
