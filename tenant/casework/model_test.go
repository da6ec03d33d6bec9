package casework_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wangge/tenant/calendar"
	"wangge/tenant/casework"
)

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

func TestEveryStageIsReachedAndLeadsToAnEnd(t *testing.T) {
	none := func(casework.Move) bool { return false }
	fromStart := reach("", none)
	for _, s := range casework.Stages() {
		if !fromStart[s] {
			t.Errorf("%s is never reached", s)
		}
		if onward := reach(s, none); !slices.ContainsFunc(casework.Stages(), func(end casework.Stage) bool { return end.Rests() && onward[end] }) {
			t.Errorf("a case at %q never ends", s)
		}
	}
}

func TestNoStageWithoutAWayOut(t *testing.T) {
	for _, s := range casework.Stages() {
		out := slices.ContainsFunc(casework.Moves(), func(m casework.Move) bool { return m.From == s && m.To != s })
		if !out && !s.Rests() {
			t.Errorf("stage %q has no way out", s)
		}
	}
}

func TestNoCaseIsClosedThatWasNotFiledHandledAndVerified(t *testing.T) {
	for _, a := range [][]casework.Action{
		{casework.ActionFile}, {casework.ActionDispatch, casework.ActionArbitrate}, {casework.ActionHandle}, {casework.ActionVerify}, {casework.ActionClose},
	} {
		without := reach("", func(m casework.Move) bool { return slices.Contains(a, m.Action) })
		if without[casework.StageClosed] {
			t.Errorf("a case can be closed without %s", a)
		}
	}
}

// workflows are the ways in which the conditions of the moves differ.
func workflows(t testing.TB) []casework.Rules {
	var out []casework.Rules
	for _, commands := range []int{1, 2} {
		for _, checks := range []bool{false, true} {
			out = append(out, rules(t, func(w *casework.Workflow) {
				w.Commands, w.CheckFeedback, w.ConfirmPublic = commands, checks, checks
			}))
		}
	}
	return out
}

// The walk over the states of a case and its people, under every workflow,
// finds no way to close a case whose last work was judged by who did it, and
// finds from every state that is not an end a move that somebody may make.
func TestNoWayOfWorkingClosesACaseWithoutASecondPerson(t *testing.T) {
	for _, r := range workflows(t) {
		type state struct {
			stage              casework.Stage
			handled, verified  int64
			returns, vetoes    int
			confirmed          casework.Confirmation
			arbitrated         bool
			command            string
			lastWork, lastPass int64 // who really did it, kept by the test
		}
		seen := map[state]bool{}
		closed := 0
		queue := []state{{}}
		for len(queue) > 0 {
			s := queue[0]
			queue = queue[1:]
			if seen[s] {
				continue
			}
			seen[s] = true
			if s.stage == casework.StageClosed {
				closed++
				if s.lastPass == 0 || s.lastPass == s.lastWork {
					t.Errorf("closed, worked on by %d and passed by %d", s.lastWork, s.lastPass)
				}
			}
			onward := false
			for _, a := range casework.Actions() {
				for person := int64(1); person <= 3; person++ {
					c := casework.Case{
						Stage: s.stage, HandledBy: s.handled, VerifiedBy: s.verified, Returns: s.returns, Vetoes: s.vetoes, Confirmation: s.confirmed,
						Arbitrated: s.arbitrated, Command: s.command, Department: "SZ", Channel: casework.ChannelCitizen, ClosedAt: noon, EnteredAt: noon,
					}
					c.Handling = casework.Clock{Unit: fourHours.Unit, Due: noon.Add(time.Hour)}
					o := order()
					o.OnDuty = nil
					unit := "SZ"
					if a.Permission() == "case:dispatch" || a.Permission() == "case:decide_return" {
						unit = s.command
					}
					if _, err := c.Apply(a, casework.Actor{Account: person, Department: unit}, noon, r, o); err != nil {
						continue
					}
					onward = onward || c.Stage != s.stage
					next := state{c.Stage, c.HandledBy, c.VerifiedBy, min(c.Returns, 3), min(c.Vetoes, 2), c.Confirmation, c.Arbitrated, c.Command, s.lastWork, s.lastPass}
					switch a {
					case casework.ActionHandle:
						next.lastWork, next.lastPass = person, 0
					case casework.ActionVerify:
						next.lastPass = person
					}
					queue = append(queue, next)
				}
			}
			if !onward && !s.stage.Rests() {
				t.Errorf("nobody can bring %+v on", s)
			}
		}
		if closed == 0 {
			t.Error("no case was ever closed")
		}
	}
}

// Whatever is done to a case, at whatever times: a running clock's end is
// never put earlier, one that stands keeps what it had left, and what has
// passed while it ran is exactly what it lost.
func TestClocksNeverRunBackwards(t *testing.T) {
	cal := working(t)
	rapid.Check(t, func(t *rapid.T) {
		r := casework.Rules{Workflow: casework.DefaultWorkflow(), Calendar: cal}
		r.Workflow.Commands = rapid.IntRange(1, 2).Draw(t, "commands")
		r.Workflow.CheckFeedback = rapid.Bool().Draw(t, "check")
		now := noon.Add(time.Duration(rapid.Int64Range(0, int64(14*24*time.Hour/time.Second)).Draw(t, "start")) * time.Second)
		c := casework.Case{Channel: casework.ChannelCitizen}
		limit := rapid.SampledFrom([]casework.Order{{Limit: fourHours}, {Limit: hours(30)}, {Limit: days(3)}}).Draw(t, "limit")
		granted := time.Duration(0) // of the handling limit, since it was started
		ran := time.Duration(0)
		for range rapid.IntRange(1, 40).Draw(t, "moves") {
			before := c
			after := now.Add(time.Duration(rapid.Int64Range(0, int64(20*time.Hour/time.Second)).Draw(t, "wait")) * time.Second)
			o := order()
			o.Limit, o.Asked.Until = limit.Limit, after.AddDate(0, 0, 1)
			a := rapid.SampledFrom(casework.Actions()).Draw(t, "action")
			if a == casework.ActionAssist {
				continue
			}
			if _, err := c.Apply(a, by(c, a), after, r, o); err != nil {
				continue
			}
			unit := before.Handling.Unit
			if before.Handling.Running() {
				ran += cal.Between(now, after, unit)
			}
			switch {
			case !c.Handling.Started():
				granted, ran = 0, 0
			case !before.Handling.Started():
				granted, ran = cal.Between(after, c.Handling.Due, c.Handling.Unit), 0
			case a == casework.ActionApproveExtension:
				granted += cal.Between(before.Handling.Due, c.Handling.Due, unit)
			}
			if before.Handling.Started() && c.Handling.Started() && c.Handling.Due.Before(before.Handling.Due) {
				t.Fatalf("%s put the limit from %s back to %s", a, before.Handling.Due, c.Handling.Due)
			}
			if before.Filing.Started() && c.Filing.Due.Before(before.Filing.Due) {
				t.Fatalf("%s put the filing limit back", a)
			}
			if c.Handling.Started() && ran < granted {
				left := c.Handling.Left
				if c.Handling.Running() {
					left = cal.Between(after, c.Handling.Due, c.Handling.Unit)
				}
				if left != granted-ran {
					t.Fatalf("%s at %s: %s left of %s after %s", a, after, left, granted, ran)
				}
			}
			now = after
		}
	})
}

func hours(n int) calendar.Limit { return calendar.Limit{Value: n, Unit: calendar.UrgentHour} }

func days(n int) calendar.Limit { return calendar.Limit{Value: n, Unit: calendar.WorkDay} }
