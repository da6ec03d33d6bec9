package casework_test

import (
	"slices"
	"testing"

	"wangge/tenant/casework"
)

// ends are the stages a case may rest at.
var ends = []casework.Stage{casework.StageClosed, casework.StageDeclined}

// reach lists the stages that can be reached from one by the moves left after
// those refused.
func reach(from casework.Stage, refused func(casework.Move) bool) map[casework.Stage]bool {
	seen := map[casework.Stage]bool{from: true}
	for grown := true; grown; {
		grown = false
		for _, m := range casework.Moves() {
			if seen[m.From] && !seen[m.To] && !refused(m) {
				seen[m.To], grown = true, true
			}
		}
	}
	return seen
}

func none(casework.Move) bool { return false }

func TestEveryStageIsReachedAndLeadsToAnEnd(t *testing.T) {
	fromStart := reach("", none)
	for _, s := range stages {
		if !fromStart[s] {
			t.Errorf("%s is never reached", s)
		}
		onward := reach(s, none)
		if !onward[casework.StageClosed] && !onward[casework.StageDeclined] {
			t.Errorf("a case at %q never ends", s)
		}
	}
}

func TestAnEndedCaseStaysEndedAndNoOtherStageIsADeadEnd(t *testing.T) {
	for _, s := range stages {
		out := slices.ContainsFunc(casework.Moves(), func(m casework.Move) bool { return m.From == s })
		if out == slices.Contains(ends, s) {
			t.Errorf("stage %q has a way out: %v", s, out)
		}
	}
}

func TestNoCaseIsClosedThatWasNotFiledHandledAndVerified(t *testing.T) {
	for _, a := range []casework.Action{casework.ActionFile, casework.ActionDispatch, casework.ActionHandle, casework.ActionVerify} {
		without := reach("", func(m casework.Move) bool { return m.Action == a })
		if without[casework.StageClosed] {
			t.Errorf("a case can be closed without %s", a)
		}
	}
}

// The walk over states of a case and three people finds no way to close a case
// whose last work was judged by the one who did it.
func TestNoWayOfWorkingClosesACaseWithoutASecondPerson(t *testing.T) {
	type state struct {
		stage              casework.Stage
		handled, verified  int64
		lastWork, lastPass int64 // who really did it, kept by the test
	}
	seen := map[state]bool{}
	closed := 0
	var walk func(state)
	walk = func(s state) {
		if seen[s] {
			return
		}
		seen[s] = true
		if s.stage == casework.StageClosed {
			closed++
			if s.lastPass == 0 || s.lastPass == s.lastWork {
				t.Errorf("closed, worked on by %d and passed by %d", s.lastWork, s.lastPass)
			}
		}
		for _, a := range actions {
			for person := int64(1); person <= 3; person++ {
				c := casework.Case{Stage: s.stage, HandledBy: s.handled, VerifiedBy: s.verified, Department: "SZ"}
				if _, err := c.Apply(a, casework.Actor{Account: person, Department: "SZ"}, noon); err != nil {
					continue
				}
				next := state{c.Stage, c.HandledBy, c.VerifiedBy, s.lastWork, s.lastPass}
				switch a {
				case casework.ActionHandle:
					next.lastWork = person
				case casework.ActionVerify:
					next.lastPass = person
				}
				walk(next)
			}
		}
	}
	walk(state{})
	if closed == 0 {
		t.Error("no case was ever closed")
	}
}
