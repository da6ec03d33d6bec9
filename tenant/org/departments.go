package org

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"wangge/internal/errs"
)

// SaveDepartment adds a unit or changes it; whether it is retired stays as it
// was. A parent must exist and have the unit nowhere above itself, an area must
// be a division of the city inside that of the units above and around those of
// the units below, and the kind can't become one that doesn't have the posts
// held in the unit.
func (s *Service) SaveDepartment(ctx context.Context, d Department) error {
	if err := errs.Problems(d.check()...); err != nil {
		return err
	}
	return s.change(ctx, func(store Store, _ string) error {
		if err := placed(ctx, store, &d); err != nil {
			return err
		}
		held, err := store.Holders(ctx)
		if err != nil {
			return err
		}
		for _, h := range held {
			if h.Department != d.Code {
				continue
			}
			if err := fits(h.Role, d); err != nil {
				return err
			}
		}
		return store.SaveDepartment(ctx, d)
	})
}

// check names what is wrong with a unit by itself.
func (d Department) check() (faults []errs.Problem) {
	if d.Code == "" || len(d.Code) > 40 || strings.ContainsAny(d.Code, " \t\n/") {
		faults = append(faults, errs.Problem{Field: "code", Zh: "部门编码为空或含有空白、斜线", En: "the code is empty or holds white space or a slash"})
	}
	if strings.TrimSpace(d.Name) == "" {
		faults = append(faults, errs.Problem{Field: "name", Zh: "部门名称为空", En: "the name is empty"})
	}
	if !d.Kind.known() {
		faults = append(faults, errs.Problem{Field: "kind", Zh: "部门类型未知：" + string(d.Kind), En: "unknown kind: " + string(d.Kind)})
	}
	if d.Parent == d.Code && d.Code != "" {
		faults = append(faults, errs.Problem{Field: "parent", Zh: "部门不能是自己的上级", En: "a unit can't be its own parent"})
	}
	if !IsArea(d.Area) {
		faults = append(faults, errs.Problem{Field: "area", Zh: "区域应为 6、9 或 12 位行政区划代码：" + d.Area, En: "an area is the 6, 9 or 12 digits of a division: " + d.Area})
	}
	return faults
}

// placed refuses a unit whose place in the tree or on the map can't be, and
// gives it the day of retirement it has already.
func placed(ctx context.Context, store Store, d *Department) error {
	if d.Area != "" {
		if ok, err := store.HasDivision(ctx, d.Area); err != nil || !ok {
			return orFault(err, "area", "区划 "+d.Area+" 不属于该市", "the division "+d.Area+" is not of this city")
		}
	}
	list, err := store.Departments(ctx)
	if err != nil {
		return err
	}
	units := tree{}
	for _, u := range list {
		units[u.Code] = u
	}
	if d.Parent != "" && units[d.Parent].Code == "" {
		return ErrNoDepartment.With(d.Parent)
	}
	d.Retired = units[d.Code].Retired
	units[d.Code] = *d
	return errs.Problems(units.faults(*d)...)
}

func orFault(err error, field, zh, en string) error {
	if err != nil {
		return err
	}
	return errs.Field(field, zh, en)
}

// tree is all units by code.
type tree map[string]Department

// faults names what a changed unit breaks: a circle above it, or an area, its
// own or that of a unit below, that does not lie in the next one above.
func (t tree) faults(changed Department) (faults []errs.Problem) {
	if circle := t.circle(changed.Code); circle != "" {
		return []errs.Problem{{Field: "parent", Zh: "上级关系成环：" + circle, En: "the units above it form a circle: " + circle}}
	}
	for _, code := range slices.Sorted(maps.Keys(t)) {
		u := t[code]
		if u.Area == "" {
			continue
		}
		outer := t.around(u)
		if Inside(u.Area, outer.Area) || u.Code != changed.Code && outer.Code != changed.Code && !t.above(u, changed.Code) {
			continue
		}
		faults = append(faults, errs.Problem{
			Field: "area", Zh: fmt.Sprintf("“%s”的区域 %s 不在上级“%s”的区域 %s 内", u.Name, u.Area, outer.Name, outer.Area),
			En: fmt.Sprintf("the area %[2]s of %[1]s does not lie in the area %[4]s of %[3]s above it", u.Name, u.Area, outer.Name, outer.Area),
		})
	}
	return faults
}

// circle spells the way from a unit up to itself, "" when there is none.
func (t tree) circle(code string) string {
	way := []string{code}
	for at := t[code].Parent; at != "" && len(way) <= len(t); at = t[at].Parent {
		way = append(way, at)
		if at == code {
			return strings.Join(way, " < ")
		}
	}
	return ""
}

// around is the nearest unit above u that has an area; the zero one when none.
func (t tree) around(u Department) Department {
	for at, steps := u.Parent, 0; at != "" && steps <= len(t); at, steps = t[at].Parent, steps+1 {
		if t[at].Area != "" {
			return t[at]
		}
	}
	return Department{}
}

// above says whether code stands somewhere above u.
func (t tree) above(u Department, code string) bool {
	for at, steps := u.Parent, 0; at != "" && steps <= len(t); at, steps = t[at].Parent, steps+1 {
		if at == code {
			return true
		}
	}
	return false
}

// Retire lets a unit take no new cases from a day on; it and its cases stay
// readable, and its people go on with what they have. "" takes it back into
// service. A unit with active ones below it is ErrUnitsBelow, and one below a
// retired one can't come back before that (ErrUnitAbove).
func (s *Service) Retire(ctx context.Context, code, day string) error {
	if day != "" && !IsDay(day) {
		return errs.Problems(span(day, "", "day", "")...)
	}
	return s.change(ctx, func(store Store, _ string) error {
		d, err := store.Department(ctx, code)
		if err != nil {
			return err
		}
		list, err := store.Departments(ctx)
		if err != nil {
			return err
		}
		for _, u := range list {
			if day != "" && u.Parent == code && u.Active(day) {
				return ErrUnitsBelow.With(u.Name)
			}
			if u.Code == d.Parent && u.Retired != "" && (day == "" || u.Retired < day) {
				return ErrUnitAbove.With(u.Name)
			}
		}
		d.Retired = day
		return store.SaveDepartment(ctx, d)
	})
}
