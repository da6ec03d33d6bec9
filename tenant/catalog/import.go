package catalog

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"wangge/internal/errs"
	"wangge/tenant/calendar"
)

// Store keeps the live catalogue of one city.
type Store interface {
	Condition(ctx context.Context, code string) (Condition, error) // ErrNoCondition
	Conditions(ctx context.Context) ([]Condition, error)
	Kinds(ctx context.Context) ([]Kind, error)
	// AddConditions adds all of them or none; a code that is taken is ErrTaken.
	AddConditions(ctx context.Context, list []Condition) error
}

// ErrTaken refuses a second condition of one code: one that cases were filed
// under is never changed in place, a correction gets a code of its own.
var ErrTaken = errs.New(errs.Conflict, "condition_taken", "立案条件编码已被使用", "the code of a filing condition is taken")

// Service reads and extends the catalogue of one city.
type Service struct{ store Store }

// NewService returns the catalogue kept in store.
func NewService(store Store) *Service { return &Service{store} }

// Condition returns one filing condition, ErrNoCondition when there is none.
func (s *Service) Condition(ctx context.Context, code string) (Condition, error) {
	return s.store.Condition(ctx, code)
}

// Conditions lists the filing conditions by kind and code.
func (s *Service) Conditions(ctx context.Context) ([]Condition, error) {
	return s.store.Conditions(ctx)
}

// Kinds lists the kinds by version and code.
func (s *Service) Kinds(ctx context.Context) ([]Kind, error) { return s.store.Kinds(ctx) }

// Columns is the header of a file of filing conditions. The limit is a whole
// number of urgent_hour, work_hour or work_day; the source may be empty.
func Columns() []string {
	return []string{"code", "kind", "filing", "limit_value", "limit_unit", "source"}
}

const (
	maxConditions = 5000
	maxFiling     = 500 // characters
	maxCode       = 40  // bytes
)

// Import adds the filing conditions of a CSV file (UTF-8, header as Columns) to
// the kinds of the version in force and returns how many that were. It is all
// or nothing: every fault is named with its row, and with any nothing is added.
func (s *Service) Import(ctx context.Context, file string, r io.Reader) (added int, err error) {
	kinds, err := s.store.Kinds(ctx)
	if err != nil {
		return 0, err
	}
	held, err := s.store.Conditions(ctx)
	if err != nil {
		return 0, err
	}
	list, err := readConditions(file, r, kinds, held)
	if err != nil {
		return 0, err
	}
	if err := s.store.AddConditions(ctx, list); err != nil {
		return 0, fmt.Errorf("import conditions of %s: %w", file, err)
	}
	return len(list), nil
}

// conditionFile collects what a file holds and what is wrong with it.
type conditionFile struct {
	name   string
	kinds  map[string]Kind // of the version in force, by code
	taken  map[string]bool
	faults []errs.Problem
}

func (f *conditionFile) fault(row int, field, zh, en string) {
	f.faults = append(f.faults, errs.Problem{File: f.name, Row: row, Field: field, Zh: zh, En: en})
}

func readConditions(file string, r io.Reader, kinds []Kind, held []Condition) ([]Condition, error) {
	f := &conditionFile{name: file, kinds: map[string]Kind{}, taken: map[string]bool{}}
	for _, k := range kinds {
		if k.Version == Version2026 {
			f.kinds[k.Code] = k
		}
	}
	for _, c := range held {
		f.taken[c.Code] = true
	}
	list := f.read(csv.NewReader(r))
	if len(list) == 0 && len(f.faults) == 0 {
		f.fault(0, "", "没有任何立案条件", "there is no filing condition")
	}
	if err := errs.Problems(f.faults...); err != nil {
		return nil, err
	}
	return list, nil
}

func (f *conditionFile) read(r *csv.Reader) (list []Condition) {
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err == nil && len(header) > 0 {
		header[0] = strings.TrimPrefix(header[0], "\ufeff")
	}
	if err != nil || !slices.Equal(header, Columns()) {
		want := strings.Join(Columns(), ",")
		f.fault(1, "", "表头须为 "+want, "the header must be "+want)
		return nil
	}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return list
		}
		row, _ := r.FieldPos(0)
		if err != nil {
			var bad *csv.ParseError
			if errors.As(err, &bad) {
				row = bad.Line
			}
			f.fault(row, "", "不是合法的 CSV："+err.Error(), "no valid CSV: "+err.Error())
			return nil
		}
		if len(list) == maxConditions {
			f.fault(row, "", fmt.Sprintf("超过 %d 行", maxConditions), fmt.Sprintf("more than %d rows", maxConditions))
			return nil
		}
		list = append(list, f.condition(row, cells))
	}
}

// condition reads one row; what is wrong with it is noted.
func (f *conditionFile) condition(row int, cells []string) Condition {
	if len(cells) != len(Columns()) {
		f.fault(row, "", fmt.Sprintf("应有 %d 列，实有 %d 列", len(Columns()), len(cells)), fmt.Sprintf("%d columns are needed, there are %d", len(Columns()), len(cells)))
		return Condition{}
	}
	for i := range cells {
		if cells[i] = strings.TrimSpace(cells[i]); !utf8.ValidString(cells[i]) {
			f.fault(row, Columns()[i], "不是 UTF-8 编码（可能是 GBK），请转换后再导入", "not in UTF-8 (it may be GBK); convert it first")
			return Condition{}
		}
	}
	c := Condition{Code: cells[0], Filing: cells[2], Source: cells[5]}
	switch {
	case c.Code == "" || len(c.Code) > maxCode || strings.ContainsAny(c.Code, " /\t"):
		f.fault(row, "code", "编码为空、过长或含有空白、斜线", "the code is empty, too long, or holds white space or a slash")
	case f.taken[c.Code]:
		f.fault(row, "code", "编码已被使用："+c.Code, "the code is taken: "+c.Code)
	}
	f.taken[c.Code] = true
	var known bool
	if c.Kind, known = f.kinds[cells[1]]; !known {
		f.fault(row, "kind", Version2026+" 中没有类别 "+cells[1], "there is no kind "+cells[1]+" in "+Version2026)
	}
	if c.Filing == "" || utf8.RuneCountInString(c.Filing) > maxFiling {
		f.fault(row, "filing", fmt.Sprintf("立案条件为空或超过 %d 个字", maxFiling), fmt.Sprintf("the filing condition is empty or longer than %d characters", maxFiling))
	}
	c.Limit = f.limit(row, cells[3], cells[4])
	return c
}

func (f *conditionFile) limit(row int, value, unit string) calendar.Limit {
	l := calendar.Limit{Unit: calendar.Unit(unit)}
	var err error
	if l.Value, err = strconv.Atoi(value); err != nil || l.Value < 1 || l.Value > 9999 {
		f.fault(row, "limit_value", "时限须为 1–9999 的整数："+value, "the limit is a whole number from 1 to 9999: "+value)
	}
	switch l.Unit {
	case calendar.UrgentHour, calendar.WorkHour, calendar.WorkDay:
	default:
		f.fault(row, "limit_unit", "时限单位须为 urgent_hour、work_hour 或 work_day："+unit, "the unit is urgent_hour, work_hour or work_day: "+unit)
	}
	return l
}
