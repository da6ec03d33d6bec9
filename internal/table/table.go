// Package table reads and writes the tables that people keep in files: CSV in
// the encodings and with the separators that spreadsheet programs write, and
// the first sheet of an XLSX workbook. A file of any length is read and written
// row by row in bounded memory. What the columns mean is the caller's.
package table

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"wangge/internal/errs"
)

// Format is a kind of file.
type Format string

// The formats.
const (
	CSV  Format = "csv"
	XLSX Format = "xlsx"
)

// MediaType is what the format is called over HTTP.
func (f Format) MediaType() string {
	if f == XLSX {
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	return "text/csv; charset=utf-8"
}

// Limits bound what a file may ask for; 0 stands for the default.
type Limits struct {
	Bytes    int64 // of the file: 512 MiB
	Unpacked int64 // of the parts of a workbook together: 8 GiB
	Strings  int64 // of the texts that a workbook's cells share, held in memory: 160 MiB
	Rows     int   // beside the header: 2,000,000
	Columns  int   // 256
	Record   int64 // of one row as it is written in the file: 1 MiB
}

func (l Limits) orDefault() Limits {
	return Limits{
		cmp.Or(l.Bytes, 512<<20), cmp.Or(l.Unpacked, 8<<30), cmp.Or(l.Strings, 160<<20),
		cmp.Or(l.Rows, 2_000_000), cmp.Or(l.Columns, 256), cmp.Or(l.Record, 1<<20),
	}
}

// source yields the rows of one format, blank ones included; io.EOF at the end.
// An error that is a trouble is the file's fault.
type source interface{ next() (Row, error) }

// Reader reads the rows of a table below its header. It is not for concurrent use.
type Reader struct {
	file   string
	limits Limits
	rows   source
	header []string
	count  int
	last   int // number of the last row
}

// The beginnings of files.
var (
	zipMagic = []byte("PK\x03\x04")
	oleMagic = []byte("\xd0\xcf\x11\xe0")
)

// Open begins to read the table of size bytes in r; name is what the file is
// called in messages. CSV may be UTF-8, UTF-16 with its mark, or GBK (GB 18030),
// separated by comma, semicolon or tab; of a workbook the first sheet that is
// not hidden is read. An Invalid error says why a file can't be read.
func Open(name string, r io.ReaderAt, size int64, limits Limits) (*Reader, error) {
	t := &Reader{file: name, limits: limits.orDefault()}
	if size > t.limits.Bytes {
		return nil, t.fail(trouble{fmt.Sprintf("文件过大，最多 %d MB", t.limits.Bytes>>20), fmt.Sprintf("the file is too large, at most %d MB", t.limits.Bytes>>20)})
	}
	magic := make([]byte, 4)
	if n, err := r.ReadAt(magic, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", name, err)
	} else if magic = magic[:n]; bytes.Equal(magic, oleMagic) {
		return nil, t.fail(trouble{"这是旧版 Excel（.xls）或加密的文件，请另存为 .xlsx 或 CSV", "this is an old (.xls) or an encrypted Excel file; save it as .xlsx or CSV"})
	}
	var err error
	if bytes.Equal(magic, zipMagic) {
		t.rows, err = openXLSX(r, size, t.limits)
	} else {
		t.rows, err = openCSV(r, size, t.limits)
	}
	if err != nil {
		return nil, t.fail(err)
	}
	header, err := t.read()
	if errors.Is(err, io.EOF) {
		t.last = 0
		return nil, t.fail(trouble{"文件中没有任何内容", "there is nothing in the file"})
	}
	if err != nil {
		return nil, err
	}
	t.header = header.Cells
	return t, nil
}

// Header returns the names of the columns, trimmed.
func (t *Reader) Header() []string { return slices.Clone(t.header) }

// Next returns the next row that is not blank; io.EOF after the last. Any other
// error ends the reading; it is Invalid when the file is at fault and then
// names the row.
func (t *Reader) Next() (Row, error) {
	row, err := t.read()
	if err != nil {
		return Row{}, err
	}
	if t.count++; t.count > t.limits.Rows {
		return Row{}, t.fail(trouble{fmt.Sprintf("最多 %d 行", t.limits.Rows), fmt.Sprintf("at most %d rows", t.limits.Rows)})
	}
	return row, nil
}

// read returns the next row with something in it, its cells trimmed.
func (t *Reader) read() (Row, error) {
	for {
		row, err := t.rows.next()
		if errors.Is(err, io.EOF) {
			return Row{}, io.EOF
		}
		if err != nil {
			return Row{}, t.fail(err)
		}
		t.last = row.Number
		blank := true
		for i, c := range row.Cells {
			row.Cells[i] = strings.TrimSpace(c)
			blank = blank && row.Cells[i] == ""
		}
		if !blank {
			return row, nil
		}
	}
}

// trouble is what is wrong with a file as a whole, or with the row it is read at.
type trouble struct{ zh, en string }

func (t trouble) Error() string { return t.en }

var (
	errLong = trouble{"这一行过长，可能缺少一个引号", "the row is too long; perhaps a quote is missing"}
	errWide = trouble{"列数过多", "there are too many columns"}
)

// fail tells the file's faults, with the row after the last one read, from ours.
func (t *Reader) fail(err error) error {
	var said trouble
	if !errors.As(err, &said) {
		return fmt.Errorf("read %s: %w", t.file, err)
	}
	p := errs.Problem{File: t.file, Zh: said.zh, En: said.en}
	if t.last > 0 {
		p.Row = t.last + 1
	}
	return errs.Problems(p)
}

// allowance bounds what is read between two rows, so that a row without an end
// can't fill the memory.
type allowance struct {
	io.Reader
	most, left int64
}

func (a *allowance) renew() { a.left = a.most }

func (a *allowance) Read(p []byte) (int, error) {
	if a.left <= 0 {
		return 0, errLong
	}
	n, err := a.Reader.Read(p)
	a.left -= int64(n)
	return n, err
}
