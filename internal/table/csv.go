package table

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

const block = 64 << 10

type csvSource struct {
	csv    *csv.Reader
	allow  *allowance
	widest int
	inside int // line breaks inside the cells of the rows before
}

// openCSV finds out the encoding by looking at all of the file, and the
// separator by looking at its first line.
func openCSV(r io.ReaderAt, size int64, limits Limits) (*csvSource, error) {
	text, err := decoded(r, size)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReaderSize(text, block)
	first, err := buffered.Peek(block)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	s := &csvSource{allow: &allowance{buffered, limits.Record, limits.Record}, widest: limits.Columns}
	s.csv = csv.NewReader(s.allow)
	s.csv.Comma, s.csv.FieldsPerRecord = separator(first), -1
	return s, nil
}

// decoded returns the file's text in UTF-8 without a mark.
func decoded(r io.ReaderAt, size int64) (io.Reader, error) {
	section := func(from int64) io.Reader { return io.NewSectionReader(r, from, size-from) }
	mark := make([]byte, 3)
	n, err := io.ReadFull(section(0), mark)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	switch mark = mark[:n]; {
	case bytes.Equal(mark, []byte("\ufeff")):
		return section(3), nil
	case bytes.HasPrefix(mark, []byte("\xff\xfe")), bytes.HasPrefix(mark, []byte("\xfe\xff")):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(section(0)), nil
	}
	ok, err := isUTF8(section(0))
	if err != nil || ok {
		return section(0), err
	}
	return simplifiedchinese.GB18030.NewDecoder().Reader(section(0)), nil
}

// isUTF8 reads to the end whether all of it is UTF-8.
func isUTF8(r io.Reader) (bool, error) {
	buf, held := make([]byte, block), 0
	for {
		n, err := r.Read(buf[held:])
		text := buf[:held+n]
		for len(text) > 0 {
			if text[0] < utf8.RuneSelf {
				text = text[1:]
				continue
			}
			if c, width := utf8.DecodeRune(text); c != utf8.RuneError || width > 1 {
				text = text[width:]
				continue
			}
			if utf8.FullRune(text) || errors.Is(err, io.EOF) {
				return false, nil
			}
			break // the rest of the character comes with the next read
		}
		held = copy(buf, text)
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// separator is the one that comes most often in the first line with anything in
// it, outside quotes.
func separator(text []byte) rune {
	counts := map[rune]int{}
	quoted, seen := false, false
	for _, c := range string(text) {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\n' && seen:
			text = nil
		case c == ',' || c == ';' || c == '\t':
			counts[c]++
		}
		if text == nil {
			break
		}
		seen = seen || c > ' '
	}
	best := ','
	for _, c := range ";\t" {
		if counts[c] > counts[best] {
			best = c
		}
	}
	return best
}

func (s *csvSource) next() (Row, error) {
	s.allow.renew()
	cells, err := s.csv.Read()
	var faulty *csv.ParseError
	if errors.As(err, &faulty) {
		return Row{}, trouble{"引号使用有误", "quotes are not used as in CSV"}
	}
	if err != nil {
		return Row{}, err
	}
	if len(cells) > s.widest {
		return Row{}, errWide
	}
	line, _ := s.csv.FieldPos(0)
	row := Row{Number: line - s.inside, Cells: cells}
	for i, c := range cells {
		s.inside += strings.Count(c, "\n")
		if strings.ContainsRune(c, utf8.RuneError) || !utf8.ValidString(c) {
			return Row{}, trouble{"含有无法识别的字符，请以 UTF-8 或 GBK 编码保存", "has characters that are none; save the file as UTF-8 or GBK"}
		}
		cells[i] = bare(c)
	}
	return row, nil
}

// risky are the first characters by which a spreadsheet program takes a text
// for a formula.
const risky = "=+-@\t\r"

// isRisky says whether a text is taken for a formula, or would be without the
// apostrophes before it.
func isRisky(s string) bool {
	s = strings.TrimLeft(s, "'")
	return s != "" && strings.IndexByte(risky, s[0]) >= 0
}

// guarded puts an apostrophe before a text that a program would compute; bare
// takes it away again.
func guarded(s string) string {
	if isRisky(s) {
		return "'" + s
	}
	return s
}

func bare(s string) string {
	if strings.HasPrefix(s, "'") && isRisky(s) {
		return s[1:]
	}
	return s
}
