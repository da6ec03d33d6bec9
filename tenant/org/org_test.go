package org_test

import (
	"errors"
	"testing"

	"wangge/internal/errs"
	"wangge/tenant/org"
)

func TestWhichSideRolesPutAPersonOn(t *testing.T) {
	for _, tt := range []struct {
		name  string
		roles []org.Role
		want  org.Side
	}{
		{"nobody in particular", nil, org.Neutral},
		{"a leader who audits", []org.Role{org.Leader, org.Auditor}, org.Neutral},
		{"a supervisor", []org.Role{org.Supervisor}, org.Supervision},
		{"a clerk who leads the shift and administers", []org.Role{org.CityAdmin, org.IntakeClerk, org.ShiftLeader}, org.Supervision},
		{"a dispatcher who administers", []org.Role{org.Dispatcher, org.CityAdmin}, org.Execution},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := org.SideOf(tt.roles...); err != nil || got != tt.want {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func TestNoTwoRolesOfOppositeSidesGoTogether(t *testing.T) {
	for _, a := range org.Roles() {
		for _, b := range org.Roles() {
			opposite := a.Side() != b.Side() && a.Side() != org.Neutral && b.Side() != org.Neutral
			for _, roles := range [][]org.Role{{a, b}, {a, org.Leader, b}, {org.Leader, b, a}} {
				if _, err := org.SideOf(roles...); errors.Is(err, org.ErrSeparation) != opposite {
					t.Errorf("%v: got %v, want a refusal: %v", roles, err, opposite)
				}
			}
		}
	}
}

func TestAnUnknownRoleIsRefused(t *testing.T) {
	if _, err := org.SideOf("emperor"); !errors.Is(err, org.ErrNoRole) || errs.KindOf(err) != errs.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestEveryRoleHasNames(t *testing.T) {
	for _, r := range org.Roles() {
		if zh, en := r.Names(); zh == "" || en == "" {
			t.Errorf("%s is called %q, %q", r, zh, en)
		}
	}
}
