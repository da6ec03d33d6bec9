package casework_test

import (
	"errors"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/access"
	"wangge/tenant/casework"
)

var (
	noon    = time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	handler = casework.Actor{Account: 7, Role: "department_handler", Department: "SZ"}
	checker = casework.Actor{Account: 8, Role: "supervisor", Department: "JD"}

	stages  = []casework.Stage{"", casework.StageReported, casework.StageFiled, casework.StageDeclined, casework.StageDispatched, casework.StageHandled, casework.StageVerified, casework.StageClosed}
	actions = []casework.Action{casework.ActionReport, casework.ActionFile, casework.ActionDecline, casework.ActionDispatch, casework.ActionHandle, casework.ActionVerify, casework.ActionRework, casework.ActionClose}
)

// at is a case of department SZ at a stage, handled by 7 where that is past.
func at(s casework.Stage) casework.Case {
	c := casework.Case{ID: 3, Number: "20261123-000003", Stage: s, Version: 5, Department: "SZ", HandledBy: handler.Account}
	if s == casework.StageReported || s == casework.StageFiled || s == casework.StageDispatched {
		c.HandledBy = 0
	}
	return c
}

// by is somebody who may give a.
func by(a casework.Action) casework.Actor {
	if a == casework.ActionHandle {
		return handler
	}
	return checker
}

func TestEveryMoveOfTheTableIsMadeAndAnyOtherIsRefused(t *testing.T) {
	allowed := map[casework.Stage]map[casework.Action]casework.Stage{}
	for _, m := range casework.Moves() {
		if allowed[m.From] == nil {
			allowed[m.From] = map[casework.Action]casework.Stage{}
		}
		allowed[m.From][m.Action] = m.To
	}
	for _, from := range stages {
		for _, a := range actions {
			c := at(from)
			before := c
			step, err := c.Apply(a, by(a), noon)
			to, ok := allowed[from][a]
			if !ok {
				if !errors.Is(err, casework.ErrMove) || errs.KindOf(err) != errs.Conflict || !same(c, before) {
					t.Errorf("%q %s: got %v and %+v, want a conflict and the case as it was", from, a, err, c)
				}
				continue
			}
			if err != nil || c.Stage != to || c.Version != 6 {
				t.Errorf("%q %s: got %v, stage %s, version %d; want %s at 6", from, a, err, c.Stage, c.Version, to)
			}
			want := casework.Step{Case: 3, Number: before.Number, Seq: 6, Action: a, From: from, To: to, At: noon, By: by(a)}
			if step != want {
				t.Errorf("%q %s: got step %+v, want %+v", from, a, step, want)
			}
		}
	}
}

// same compares what Apply may change; a Case holds a slice and has no ==.
func same(a, b casework.Case) bool {
	return a.Stage == b.Stage && a.Version == b.Version && a.HandledBy == b.HandledBy && a.VerifiedBy == b.VerifiedBy && a.Reworks == b.Reworks &&
		a.ReportedBy == b.ReportedBy && a.FiledAt.Equal(b.FiledAt) && a.DispatchedAt.Equal(b.DispatchedAt) && a.HandledAt.Equal(b.HandledAt) && a.ClosedAt.Equal(b.ClosedAt)
}

func TestARefusedMoveIsExplainedInBothLanguages(t *testing.T) {
	c := at(casework.StageFiled)
	_, err := c.Apply(casework.ActionClose, checker, noon)
	e, ok := errs.As(err)
	if !ok || e.Zh != "案卷处于“已立案”阶段，不能执行“结案”" || e.En != "a case at stage filed can't be given the command close" {
		t.Errorf("got %+v", e)
	}
}

func TestNobodyJudgesTheirOwnWork(t *testing.T) {
	for _, a := range []casework.Action{casework.ActionVerify, casework.ActionRework} {
		c := at(casework.StageHandled)
		before := c
		if _, err := c.Apply(a, casework.Actor{Account: handler.Account, Role: "supervisor"}, noon); !errors.Is(err, casework.ErrSamePerson) || !same(c, before) {
			t.Errorf("%s by the handler: got %v and %+v", a, err, c)
		}
	}
}

func TestOnlyTheDepartmentItWasDispatchedToAnswers(t *testing.T) {
	for _, department := range []string{"YL", "JD", ""} {
		c := at(casework.StageDispatched)
		before := c
		if _, err := c.Apply(casework.ActionHandle, casework.Actor{Account: 9, Department: department}, noon); !errors.Is(err, casework.ErrOtherDepartment) || !same(c, before) {
			t.Errorf("%q: got %v and %+v", department, err, c)
		}
	}
}

func TestReworkKeepsTheDepartmentAndForgetsTheFeedback(t *testing.T) {
	c := at(casework.StageHandled)
	c.HandledAt = noon
	if _, err := c.Apply(casework.ActionRework, checker, noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if c.Stage != casework.StageDispatched || c.Department != "SZ" || c.Reworks != 1 || !c.HandledAt.IsZero() || c.VerifiedBy != checker.Account {
		t.Errorf("got %+v", c)
	}
}

func TestEveryStageAndActionHasANameAndEveryActionAPermission(t *testing.T) {
	for _, s := range stages {
		if n := casework.StageNames[s]; n.Zh == "" || n.En == "" {
			t.Errorf("stage %q is called %+v", s, n)
		}
	}
	known := map[access.Permission]bool{}
	for _, p := range access.Permissions() {
		known[p] = true
	}
	for _, a := range actions {
		if n := casework.ActionNames[a]; n.Zh == "" || n.En == "" {
			t.Errorf("action %s is called %+v", a, n)
		}
		if !known[a.Permission()] {
			t.Errorf("nobody can be allowed to %s", a)
		}
	}
}
