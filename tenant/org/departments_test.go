package org_test

import (
	"errors"
	"strings"
	"testing"

	"wangge/internal/errs"
	"wangge/tenant/org"
)

func save(t testing.TB, s *org.Service, list ...org.Department) {
	t.Helper()
	for _, d := range list {
		if err := s.SaveDepartment(t.Context(), d); err != nil {
			t.Fatalf("%s: %v", d.Code, err)
		}
	}
}

// wants fails unless err names exactly these fields, or none when it is nil.
func wants(t testing.TB, err error, fields ...string) {
	t.Helper()
	var got []string
	if e, ok := errs.As(err); ok {
		for _, p := range e.Problems {
			got = append(got, p.Field)
		}
	} else if err != nil {
		t.Errorf("got %v", err)
	}
	if strings.Join(got, " ") != strings.Join(fields, " ") {
		t.Errorf("got %v (%v), want %v", got, err, fields)
	}
}

func TestAUnitStandsInTheTreeAndOnTheMap(t *testing.T) {
	for name, tt := range map[string]struct {
		unit   org.Department
		fields []string
	}{
		"in a district":                         {org.Department{Code: "N", Kind: org.Functional, Area: "150302"}, nil},
		"in a street of its parent's district":  {org.Department{Code: "N", Kind: org.Functional, Parent: "Q", Area: "150302001"}, nil},
		"for the district under its office":     {org.Department{Code: "N", Kind: org.Functional, Parent: "Q", Area: "150302"}, nil},
		"under an office without an area":       {org.Department{Code: "N", Kind: org.Functional, Parent: "SZ", Area: "150303"}, nil},
		"of no area below one that has":         {org.Department{Code: "N", Kind: org.Functional, Parent: "Q"}, nil},
		"in a district its parent is not of":    {org.Department{Code: "N", Kind: org.Functional, Parent: "Q", Area: "150303"}, []string{"area"}},
		"two below, outside":                    {org.Department{Code: "N", Kind: org.Functional, Parent: "Q1", Area: "150303"}, []string{"area"}},
		"another city's district":               {org.Department{Code: "N", Kind: org.Functional, Area: "110101"}, []string{"area"}},
		"an area of seven digits":               {org.Department{Code: "N", Kind: org.Functional, Area: "1503020"}, []string{"area"}},
		"an area of letters":                    {org.Department{Code: "N", Kind: org.Functional, Area: "15030a"}, []string{"area"}},
		"moved so that those below are outside": {org.Department{Code: "Q", Kind: org.Functional, Area: "150303"}, []string{"area"}},
		"under its own child":                   {org.Department{Code: "Q", Kind: org.Functional, Parent: "Q1", Area: "150302"}, []string{"parent"}},
		"under its own grandchild":              {org.Department{Code: "Q", Kind: org.Functional, Parent: "Q2", Area: "150302"}, []string{"parent"}},
		"under itself":                          {org.Department{Code: "Q", Kind: org.Functional, Parent: "Q"}, []string{"parent"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, _ := house(t)
			save(t, s,
				org.Department{Code: "Q", Name: "区局", Kind: org.Functional, Area: "150302"},
				org.Department{Code: "Q1", Name: "区队", Kind: org.Functional, Parent: "Q"},
				org.Department{Code: "Q2", Name: "街道", Kind: org.Functional, Parent: "Q1", Area: "150302001"})
			tt.unit.Name = "新"
			wants(t, s.SaveDepartment(t.Context(), tt.unit), tt.fields...)
			if got, err := s.Department(t.Context(), tt.unit.Code); err == nil && len(tt.fields) > 0 && got == tt.unit {
				t.Error("it was saved all the same")
			}
		})
	}
}

func TestACircleIsSpeltOut(t *testing.T) {
	s, _, _ := house(t)
	save(t, s, org.Department{Code: "A", Name: "甲", Kind: org.Functional}, org.Department{Code: "B", Name: "乙", Kind: org.Functional, Parent: "A"})
	err := s.SaveDepartment(t.Context(), org.Department{Code: "A", Name: "甲", Kind: org.Functional, Parent: "B"})
	if e, ok := errs.As(err); !ok || !strings.Contains(e.Problems[0].Zh, "A < B < A") {
		t.Errorf("got %v", err)
	}
}

func TestARetiredUnitTakesNoNewCases(t *testing.T) {
	s, _, c := house(t)
	save(t, s, org.Department{Code: "SZ1", Name: "一所", Kind: org.Contractor, Parent: "SZ"})
	if err := s.Retire(t.Context(), "SZ", "2026-12-01"); !errors.Is(err, org.ErrUnitsBelow) {
		t.Errorf("above an active unit: %v", err)
	}
	for _, code := range []string{"SZ1", "SZ"} {
		if err := s.Retire(t.Context(), code, "2026-12-01"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Receiver(t.Context(), "SZ"); err != nil {
		t.Errorf("before the day: %v", err)
	}
	c.day = "2026-12-01"
	if _, err := s.Receiver(t.Context(), "SZ"); !errors.Is(err, org.ErrRetired) || errs.KindOf(err) != errs.Conflict {
		t.Errorf("on the day: %v", err)
	}
	if d, err := s.Department(t.Context(), "SZ"); err != nil || d.Retired != "2026-12-01" || d.Takes(c.day) || !d.Takes("2026-11-30") {
		t.Errorf("it is not readable: %+v, %v", d, err)
	}
	save(t, s, org.Department{Code: "SZ", Name: "市政管理处", Kind: org.Functional})
	if d, _ := s.Department(t.Context(), "SZ"); d.Retired != "2026-12-01" {
		t.Errorf("a change of name brought it back: %+v", d)
	}
	if err := s.Retire(t.Context(), "SZ1", ""); !errors.Is(err, org.ErrUnitAbove) {
		t.Errorf("back below a retired one: %v", err)
	}
	for _, code := range []string{"SZ", "SZ1"} {
		if err := s.Retire(t.Context(), code, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Receiver(t.Context(), "SZ"); err != nil {
		t.Errorf("back in service: %v", err)
	}
	wants(t, s.Retire(t.Context(), "SZ", "tomorrow"), "day")
	if err := s.Retire(t.Context(), "XX", "2026-12-01"); !errors.Is(err, org.ErrNoDepartment) {
		t.Errorf("a unit that is none: %v", err)
	}
	if _, err := s.Receiver(t.Context(), "ZH"); !errors.Is(err, org.ErrNotHandling) {
		t.Errorf("a centre: %v", err)
	}
}
