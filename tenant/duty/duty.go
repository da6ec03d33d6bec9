// Package duty is the duty of supervisors: who works in which responsibility
// grid (责任网格), from day to day and in which shift, and so who is on duty for a
// unit grid at a moment. Posts, deputies and leave are tenant/org's; which unit
// grids make up a responsibility grid is tenant/grid's.
package duty

import (
	"fmt"
	"strings"

	"wangge/internal/errs"
	"wangge/tenant/org"
)

// Duty lets a supervisor work in a responsibility grid.
type Duty struct {
	Account        int64
	Responsibility string // code of the responsibility grid
	From, To       string // first and last day, "" no bound
	Shift          string // 08:00-16:00, 22:00-06:00 into the next day; "" the whole day
}

// hours are the minutes of a day in which a duty is done; To is greater than a
// day's when it ends on the next.
type hours struct{ from, to int }

const day = 24 * 60

// parseShift reads a shift; ok is false when it is none.
func parseShift(text string) (h hours, ok bool) {
	if text == "" {
		return hours{0, day}, true
	}
	from, to, _ := strings.Cut(text, "-")
	a, okA := minutes(from)
	b, okB := minutes(to)
	if !okA || !okB || a == b || a == day {
		return hours{}, false
	}
	if b < a {
		b += day
	}
	return hours{a, b}, true
}

// minutes reads 08:00, also 24:00.
func minutes(text string) (int, bool) {
	if len(text) != 5 || text[2] != ':' || strings.Trim(text[:2]+text[3:], "0123456789") != "" {
		return 0, false
	}
	h, m := int(text[0]-'0')*10+int(text[1]-'0'), int(text[3]-'0')*10+int(text[4]-'0')
	return h*60 + m, m < 60 && (h < 24 || h == 24 && m == 0)
}

const maxListed = 200

// check names what is wrong with a list of duties; known says which
// responsibility grids and which supervisors there are.
func check(list []Duty, grids map[string]bool, supervisors map[int64]bool) error {
	var faults []errs.Problem
	more := 0
	seen := map[Duty]bool{}
	for i, d := range list {
		found := d.faults(grids, supervisors)
		key := d
		key.To = ""
		if seen[key] {
			found = append(found, errs.Problem{Field: "account", Zh: "与前面的排班重复", En: "the duty is listed before"})
		}
		seen[key] = true
		for _, p := range found {
			if len(faults) == maxListed {
				more++
				continue
			}
			p.Field = fmt.Sprintf("duties[%d].%s", i, p.Field)
			faults = append(faults, p)
		}
	}
	if more > 0 {
		faults = append(faults, errs.Problem{Zh: fmt.Sprintf("另有 %d 处问题未列出", more), En: fmt.Sprintf("%d more faults are not listed", more)})
	}
	return errs.Problems(faults...)
}

func (d Duty) faults(grids map[string]bool, supervisors map[int64]bool) (faults []errs.Problem) {
	if !supervisors[d.Account] {
		faults = append(faults, errs.Problem{Field: "account", Zh: fmt.Sprintf("账号 %d 没有监督员岗位", d.Account), En: fmt.Sprintf("the account %d holds no post of a supervisor", d.Account)})
	}
	if !grids[d.Responsibility] {
		faults = append(faults, errs.Problem{Field: "responsibility", Zh: "没有这个责任网格：" + d.Responsibility, En: "no such responsibility grid: " + d.Responsibility})
	}
	for _, e := range []struct{ field, day string }{{"from", d.From}, {"to", d.To}} {
		if e.day != "" && !org.IsDay(e.day) {
			faults = append(faults, errs.Problem{Field: e.field, Zh: "日期应如 2026-11-01：" + e.day, En: "a day is written like 2026-11-01: " + e.day})
		}
	}
	if d.To != "" && d.To < d.From {
		faults = append(faults, errs.Problem{Field: "to", Zh: "结束日期早于开始日期", En: "the last day comes before the first"})
	}
	if _, ok := parseShift(d.Shift); !ok {
		faults = append(faults, errs.Problem{Field: "shift", Zh: "班次应如 08:00-16:00 或 22:00-06:00：" + d.Shift, En: "a shift is written like 08:00-16:00 or 22:00-06:00: " + d.Shift})
	}
	return faults
}
