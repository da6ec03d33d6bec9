package calendar

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"wangge/internal/errs"
)

// Row is a row of a table below its header.
type Row struct {
	Number int // as a spreadsheet program shows it, from 1
	Cells  []string
	// Day reads the i-th cell as a day such as 2026-11-26, "" when it is empty;
	// nil for a table that has its days written so.
	Day func(i int) (day string, ok bool)
}

// Sheet is a table as somebody sends it, whatever file it comes from. Next
// returns io.EOF after the last row; another error ends the reading.
type Sheet interface {
	Header() []string
	Next() (Row, error)
}

// CSV reads a table from a CSV file in UTF-8, with or without its mark. What is
// wrong with the file is told by Next.
func CSV(r io.Reader) Sheet {
	s := &csvSheet{rows: csv.NewReader(r)}
	s.rows.FieldsPerRecord = -1
	s.header, s.err = s.rows.Read()
	return s
}

type csvSheet struct {
	header []string
	rows   *csv.Reader
	err    error // of the header
}

func (s *csvSheet) Header() []string { return s.header }

func (s *csvSheet) Next() (Row, error) {
	if s.err != nil {
		return Row{Number: 1}, s.err
	}
	cells, err := s.rows.Read()
	var bad *csv.ParseError
	switch {
	case errors.As(err, &bad):
		return Row{Number: bad.Line}, err
	case err != nil:
		return Row{}, err
	}
	line, _ := s.rows.FieldPos(0)
	return Row{Number: line, Cells: cells}, nil
}

// dayColumns are the columns of a table of days and the names they may have;
// the first two are needed.
var dayColumns = [][]string{
	{"date", "日期", "day"},
	{"kind", "类型", "mark", "性质"},
	{"name", "名称", "节日"},
	{"source", "依据", "来源"},
}

var markNames = map[string]Mark{
	"off": Off, "放假": Off, "休": Off, "休息": Off,
	"work": Work, "上班": Work, "班": Work, "调休上班": Work,
}

const (
	maxDays = 2000 // rows
	maxName = 200  // bytes
)

// dayFile collects what a table holds and what is wrong with it.
type dayFile struct {
	name   string
	index  [4]int // column of each field, -1 for none
	seen   map[string]int
	faults []errs.Problem
}

func (f *dayFile) fault(row int, field, zh, en string) {
	f.faults = append(f.faults, errs.Problem{File: f.name, Row: row, Field: field, Zh: zh, En: en})
}

// ReadDays reads holidays and make-up days: columns date and kind (off or work),
// and if wanted name and source. Every fault is named with its row.
func ReadDays(file string, s Sheet) ([]Day, error) {
	f := &dayFile{name: file, index: [4]int{-1, -1, -1, -1}, seen: map[string]int{}}
	days := f.read(s)
	return days, errs.Problems(f.faults...)
}

func (f *dayFile) read(s Sheet) (days []Day) {
	for field, names := range dayColumns {
		f.index[field] = slices.IndexFunc(s.Header(), func(h string) bool {
			return slices.Contains(names, strings.ToLower(strings.Trim(h, " \t*\ufeff")))
		})
	}
	if f.index[0] < 0 || f.index[1] < 0 {
		f.fault(1, "", "表头须有“日期”和“类型”两列", "the header needs the columns date and kind")
		return nil
	}
	for {
		row, err := s.Next()
		e, shown := errs.As(err)
		switch {
		case errors.Is(err, io.EOF):
			if len(days) == 0 && len(f.faults) == 0 {
				f.fault(0, "", "没有任何日期", "there is no day")
			}
			return days
		case shown && len(e.Problems) > 0:
			f.faults = append(f.faults, e.Problems...)
			return nil
		case err != nil:
			f.fault(row.Number, "", "文件无法读取："+err.Error(), "the file can't be read: "+err.Error())
			return nil
		case len(days) == maxDays:
			f.fault(row.Number, "", fmt.Sprintf("超过 %d 行", maxDays), fmt.Sprintf("more than %d rows", maxDays))
			return nil
		}
		days = append(days, f.day(row))
	}
}

func (f *dayFile) day(row Row) Day {
	text := func(field int) string {
		if i := f.index[field]; i >= 0 && i < len(row.Cells) {
			return strings.TrimSpace(row.Cells[i])
		}
		return ""
	}
	d := Day{Name: text(2), Source: text(3)}
	date, ok := text(0), true
	if row.Day != nil {
		date, ok = row.Day(f.index[0])
	}
	at, err := time.Parse(time.DateOnly, date)
	switch earlier := f.seen[date]; {
	case !ok || err != nil || at.Year() < FirstYear || at.Year() > LastYear:
		f.fault(row.Number, "date", "日期应如 2026-10-01："+text(0), "the date is written like 2026-10-01: "+text(0))
	case earlier > 0:
		f.fault(row.Number, "date", fmt.Sprintf("日期已在第 %d 行出现：%s", earlier, date), fmt.Sprintf("the date is already in row %d: %s", earlier, date))
	}
	f.seen[date] = row.Number
	d.Date = date
	var known bool
	if d.Mark, known = markNames[text(1)]; !known {
		f.fault(row.Number, "kind", "类型须为 放假（off）或 上班（work）："+text(1), "the kind is off or work: "+text(1))
	}
	for i, value := range []string{d.Name, d.Source} {
		if len(value) > maxName || !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			f.fault(row.Number, dayColumns[i+2][0], "过长或含有无效字符", "too long, or has characters that are none")
		}
	}
	return d
}

// yearOf is the year of a date that was read.
func yearOf(date string) int {
	y, _ := strconv.Atoi(date[:4])
	return y
}

// dateOf writes a day number as a date.
func dateOf(day int) string {
	return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly)
}
