package table

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"wangge/internal/errs"
)

// Row is one row of a table.
type Row struct {
	Number int      // as a spreadsheet program shows it, from 1
	Cells  []string // trimmed; empty ones at the end may be missing

	numbers []bool // which cells the workbook holds as numbers; nil for CSV
	since   epoch
}

// Fault says what is wrong with a cell.
type Fault struct{ Zh, En string }

// At is the fault as a problem of a field in a row of a file.
func (f *Fault) At(file string, row int, field string) errs.Problem {
	return errs.Problem{File: file, Row: row, Field: field, Zh: f.Zh, En: f.En}
}

// Text returns the i-th cell, "" where there is none.
func (r Row) Text(i int) string {
	if i < 0 || i >= len(r.Cells) {
		return ""
	}
	return r.Cells[i]
}

func (r Row) isNumber(i int) bool { return i >= 0 && i < len(r.numbers) && r.numbers[i] }

var (
	exponent = regexp.MustCompile(`^[+-]?\d+(\.\d*)?[eE][+-]?\d+$`)
	fraction = regexp.MustCompile(`^\d+\.\d*$`)
	serial   = regexp.MustCompile(`^\d{1,5}(\.\d+)?$`)
	dated    = regexp.MustCompile(`^(\d{4})(?:-|/|\.|年)(\d{1,2})(?:-|/|\.|月)(\d{1,2})日?(?:[ T].*)?$`)
	compact  = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})$`)
)

// kept is how many digits a spreadsheet program keeps of a number.
const kept = 15

// Code returns the i-th cell as a code: digits, or whatever the caller then
// checks. A code that was turned into a number on its way, and so perhaps is no
// longer what it was, is a Fault: 1.3E+16, 15.0, or more than 15 digits in a
// number cell of a workbook.
func (r Row) Code(i int) (string, *Fault) {
	s := r.Text(i)
	switch {
	case exponent.MatchString(s):
		return "", &Fault{"编码“" + s + "”已被变成科学计数法的数字，请把该列设为文本格式后重新填写", "the code " + s + " was turned into a number in scientific notation; make the column text and enter it again"}
	case fraction.MatchString(s):
		return "", &Fault{"编码“" + s + "”已被变成带小数点的数字，请把该列设为文本格式后重新填写", "the code " + s + " was turned into a number with a decimal point; make the column text and enter it again"}
	case r.isNumber(i) && len(s) > kept:
		return "", &Fault{"编码“" + s + "”是数字格式，Excel 只保留 15 位，末尾可能已变成 0；请把该列设为文本格式后重新填写", "the code " + s + " is kept as a number, of which Excel keeps 15 digits; make the column text and enter it again"}
	}
	return s, nil
}

// Date returns the i-th cell as a day at 0:00 UTC, the zero time when it is
// empty. It reads 20260131, 2026-01-31, 2026/1/31, 2026.1.31, 2026年1月31日, each
// but the first also with a time of day, which is dropped, and the serial
// numbers of spreadsheet programs.
func (r Row) Date(i int) (time.Time, *Fault) {
	s := r.Text(i)
	if s == "" {
		return time.Time{}, nil
	}
	if serial.MatchString(s) {
		n, err := strconv.ParseFloat(s, 64)
		if day := int(n); err == nil && day > 0 {
			return r.since.day(day), nil
		}
	}
	parts := compact.FindStringSubmatch(s)
	if parts == nil {
		parts = dated.FindStringSubmatch(s)
	}
	if parts != nil {
		n := [3]int{}
		for i := range n {
			n[i], _ = strconv.Atoi(parts[i+1]) // a few digits
		}
		day := time.Date(n[0], time.Month(n[1]), n[2], 0, 0, 0, 0, time.UTC)
		if n[0] > 0 && int(day.Month()) == n[1] && day.Day() == n[2] {
			return day, nil
		}
	}
	return time.Time{}, &Fault{"“" + cut(s) + "”不是日期，应如 20260131 或 2026-01-31", strconv.Quote(cut(s)) + " is no date; write 20260131 or 2026-01-31"}
}

// Number64 returns the i-th cell as a finite decimal number; an empty one is a
// Fault too.
func (r Row) Number64(i int) (float64, *Fault) {
	s := r.Text(i)
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) || strings.ContainsAny(s, "xXpP_") {
		return 0, &Fault{"“" + cut(s) + "”不是数字", strconv.Quote(cut(s)) + " is no number"}
	}
	return n, nil
}

// cut shortens a foreign text for a message.
func cut(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// Columns finds the columns of the fields. aliases holds for each field the
// names its column may have, the one to show first; letter case, spaces and
// marks such as * do not matter. A field that is not optional and has no column
// is a problem, and so is one with two; columns that nobody asks for are left
// alone. The index of an optional field without a column is missing.
func Columns(header []string, aliases map[string][]string, optional ...string) (index map[string]int, err error) {
	var problems []errs.Problem
	index = map[string]int{}
	for _, field := range slices.Sorted(maps.Keys(aliases)) {
		var at []int
		for i, name := range header {
			if slices.ContainsFunc(append([]string{field}, aliases[field]...), func(a string) bool { return plain(a) == plain(name) }) {
				at = append(at, i)
			}
		}
		shown := strings.Join(aliases[field], "、")
		switch {
		case len(at) == 1:
			index[field] = at[0]
		case len(at) > 1:
			problems = append(problems, errs.Problem{
				Row: 1, Field: field,
				Zh: fmt.Sprintf("“%s”和“%s”两列是同一内容", header[at[0]], header[at[1]]), En: fmt.Sprintf("the columns %q and %q are the same field", header[at[0]], header[at[1]]),
			})
		case !slices.Contains(optional, field):
			problems = append(problems, errs.Problem{
				Row: 1, Field: field,
				Zh: "缺少一列，列名可为：" + shown, En: "a column is missing; it may be called: " + strings.Join(aliases[field], ", "),
			})
		}
	}
	return index, errs.Problems(problems...)
}

// plain is a column's name without what people decorate it with.
func plain(name string) string {
	return strings.ToLower(strings.Map(func(c rune) rune {
		if strings.ContainsRune(" \t\r\n\u3000*＊_：:\ufeff", c) {
			return -1
		}
		return c
	}, name))
}
