package table

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"wangge/internal/errs"
)

// What a sheet can hold.
const (
	sheetRows = excelize.TotalRows
	cellChars = excelize.TotalCellChars
)

// ErrSheetFull is returned for a row that a workbook's sheet has no place for.
var ErrSheetFull = errs.New(errs.Invalid, "sheet_full", "数据超过一张 Excel 工作表的容量，请导出 CSV 或缩小范围", "there are more data than a sheet of a workbook holds; export CSV or less of them")

// Writer writes a table row by row. It is not for concurrent use.
type Writer struct {
	to    io.Writer
	rows  int
	err   error // the first one
	csv   *csv.Writer
	book  *excelize.File
	sheet *excelize.StreamWriter
}

// NewWriter begins a table; sheet is what the sheet of a workbook is called.
// What fails here is told by the first Write. CSV is UTF-8 with the mark by
// which Excel knows it, each row ended by CRLF. A workbook comes out at Close.
func NewWriter(w io.Writer, format Format, sheet string) *Writer {
	t := &Writer{to: w}
	if format == CSV {
		_, t.err = io.WriteString(w, "\ufeff")
		t.csv = csv.NewWriter(w)
		t.csv.UseCRLF = true
		return t
	}
	t.book = excelize.NewFile()
	if t.err = t.book.SetSheetName("Sheet1", sheet); t.err == nil {
		t.sheet, t.err = t.book.NewStreamWriter(sheet)
	}
	return t
}

// Write writes one row of strings, integers, floats, bools, days (time.Time,
// written as 2026-01-31), fmt.Stringers and nil for an empty cell. Only numbers
// and bools become such in a workbook; a text stays text, whatever it begins
// with. In CSV a text that a program would take for a formula is preceded by
// an apostrophe, which Reader takes away again.
func (t *Writer) Write(cells ...any) error {
	if t.err == nil {
		t.rows++
		t.err = t.write(cells)
	}
	return t.err
}

func (t *Writer) write(cells []any) error {
	if t.csv != nil {
		row := make([]string, len(cells))
		for i, c := range cells {
			text, isText := textOf(c)
			if row[i] = text; isText {
				row[i] = guarded(text)
			}
		}
		return t.csv.Write(row)
	}
	if t.rows > sheetRows {
		return ErrSheetFull
	}
	row := make([]any, len(cells))
	for i, c := range cells {
		text, isText := textOf(c)
		if utf8.RuneCountInString(text) > cellChars {
			return ErrSheetFull
		}
		switch {
		case !isText:
			row[i] = c
		case text != "":
			row[i] = text
		}
	}
	return t.sheet.SetRow("A"+strconv.Itoa(t.rows), row)
}

// textOf returns a cell as CSV has it; isText is false for numbers and bools.
func textOf(cell any) (text string, isText bool) {
	switch v := cell.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case time.Time:
		if v.IsZero() {
			return "", true
		}
		return v.Format(time.DateOnly), true
	case fmt.Stringer:
		return v.String(), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), false
	case int, int64, bool:
		return fmt.Sprint(v), false
	default:
		return fmt.Sprint(v), true
	}
}

// Close ends the table; nothing may be written afterwards.
func (t *Writer) Close() error {
	if t.csv != nil {
		t.csv.Flush()
		if t.err == nil {
			t.err = t.csv.Error()
		}
		return t.err
	}
	if t.err == nil {
		t.err = t.sheet.Flush()
	}
	if t.err == nil {
		_, t.err = t.book.WriteTo(t.to)
	}
	if err := t.book.Close(); t.err == nil {
		t.err = err
	}
	return t.err
}
