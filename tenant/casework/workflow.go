package casework

import (
	"fmt"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/calendar"
)

// Workflow is how a city has set up its work. National values are unknown
// (see the field's notes), so they are the city's settings.
type Workflow struct {
	Commands        int  `json:"commands" yaml:"commands,omitempty"`                 // levels of command: 1 or 2
	ConfirmPublic   bool `json:"confirm_public" yaml:"confirm_public,omitempty"`     // public reports are confirmed on site before filing
	CheckFeedback   bool `json:"check_feedback" yaml:"check_feedback,omitempty"`     // the command centre checks results before they are fed back
	RequireEvidence bool `json:"require_evidence" yaml:"require_evidence,omitempty"` // no result without a picture, sound or film
	MaxReturns      int  `json:"max_returns" yaml:"max_returns,omitempty"`           // the return at which a leader arbitrates
	VetoDays        int  `json:"veto_days" yaml:"veto_days,omitempty"`               // days after closing in which a citizen may veto
	SuspendDays     int  `json:"suspend_days" yaml:"suspend_days,omitempty"`         // longest suspension

	Shares     Shares     `json:"shares" yaml:"shares,omitempty"`
	Duplicates Duplicates `json:"duplicates" yaml:"duplicates,omitempty"`
	Limits     Limits     `json:"limits" yaml:"limits,omitempty"`
	Ladder     []Rung     `json:"ladder" yaml:"ladder,omitempty"`
}

// Shares are the largest shares of a month's filed cases, in percent, that may
// be returned, extended, suspended or voided; 100 sets no limit. The first
// Floor of a month are always allowed.
type Shares struct {
	Return  int `json:"return" yaml:"return,omitempty"`
	Extend  int `json:"extend" yaml:"extend,omitempty"`
	Suspend int `json:"suspend" yaml:"suspend,omitempty"`
	Void    int `json:"void" yaml:"void,omitempty"`
	Floor   int `json:"floor" yaml:"floor,omitempty"`
}

// of is the share that limits an action; ok is false for one without a limit.
func (s Shares) of(a Action) (percent int, ok bool) {
	switch a {
	case ActionApproveReturn:
		return s.Return, s.Return < 100
	case ActionApproveExtension:
		return s.Extend, s.Extend < 100
	case ActionApproveSuspension:
		return s.Suspend, s.Suspend < 100
	case ActionVoid:
		return s.Void, s.Void < 100
	default:
		return 0, false
	}
}

// Duplicates says how near in place and time two reports of one kind are taken
// for the same problem.
type Duplicates struct {
	Metres int `json:"metres" yaml:"metres,omitempty"`
	Hours  int `json:"hours" yaml:"hours,omitempty"`
}

// Limits are the process limits that are not in a filing condition.
type Limits struct {
	File     calendar.Limit `json:"file" yaml:"file,omitempty"`         // from report to filing
	Confirm  calendar.Limit `json:"confirm" yaml:"confirm,omitempty"`   // for the check on site before filing
	Dispatch calendar.Limit `json:"dispatch" yaml:"dispatch,omitempty"` // from filing to dispatch
	Verify   calendar.Limit `json:"verify" yaml:"verify,omitempty"`     // for the check on site after handling
	Close    calendar.Limit `json:"close" yaml:"close,omitempty"`       // from the end of the handling limit to closing
}

// Rung is a step of the escalation ladder: when so much of a stage's time is
// used, the case's level rises, and the journal says so and whose attention the
// level asks for.
type Rung struct {
	Percent int    `json:"percent" yaml:"percent"` // of the time from the stage's beginning to its due time
	To      string `json:"to" yaml:"to"`           // the post that is warned
}

// DefaultWorkflow is what a new city starts with. The values are examples of
// practice (one hour to dispatch: Fuzhou 2013; 50 m and 24 h for a double
// report: Yuncheng), not the standard's, which names none. The levels of
// command are those of the city's model of organisation.
func DefaultWorkflow() Workflow {
	hours := func(n int) calendar.Limit { return calendar.Limit{Value: n, Unit: calendar.UrgentHour} }
	return Workflow{
		MaxReturns: 2, VetoDays: 15, SuspendDays: 180,
		Shares:     Shares{Return: 20, Extend: 15, Suspend: 10, Void: 5, Floor: 10},
		Duplicates: Duplicates{Metres: 50, Hours: 24},
		Limits:     Limits{File: hours(2), Confirm: hours(2), Dispatch: hours(1), Verify: hours(24), Close: hours(24)},
		Ladder:     []Rung{{80, "holder"}, {100, "shift_leader"}, {150, "leader"}},
	}
}

// Check names what is wrong with the settings, each fault with its field.
func (w Workflow) Check() []errs.Problem {
	var faults []errs.Problem
	within := func(field string, v, from, to int) {
		if v < from || v > to {
			faults = append(faults, errs.Problem{Field: field,
				Zh: fmt.Sprintf("须在 %d 到 %d 之间，得到 %d", from, to, v), En: fmt.Sprintf("must be %d to %d, got %d", from, to, v)})
		}
	}
	within("commands", w.Commands, 1, 2)
	within("max_returns", w.MaxReturns, 1, 9)
	within("veto_days", w.VetoDays, 0, 365)
	within("suspend_days", w.SuspendDays, 1, 3650)
	within("shares.return", w.Shares.Return, 0, 100)
	within("shares.extend", w.Shares.Extend, 0, 100)
	within("shares.suspend", w.Shares.Suspend, 0, 100)
	within("shares.void", w.Shares.Void, 0, 100)
	within("shares.floor", w.Shares.Floor, 0, 100000)
	within("duplicates.metres", w.Duplicates.Metres, 1, 1000)
	within("duplicates.hours", w.Duplicates.Hours, 1, 720)
	limits := []struct {
		field string
		limit calendar.Limit
	}{
		{"limits.file", w.Limits.File}, {"limits.confirm", w.Limits.Confirm}, {"limits.dispatch", w.Limits.Dispatch},
		{"limits.verify", w.Limits.Verify}, {"limits.close", w.Limits.Close},
	}
	for _, l := range limits {
		within(l.field+".value", l.limit.Value, 1, 10000)
		if u := l.limit.Unit; u != calendar.UrgentHour && u != calendar.WorkHour && u != calendar.WorkDay {
			faults = append(faults, errs.Problem{Field: l.field + ".unit", Zh: "时限单位未知：" + string(u), En: "unknown unit: " + string(u)})
		}
	}
	last := 0
	for i, r := range w.Ladder {
		within(fmt.Sprintf("ladder[%d].percent", i), r.Percent, last+1, 1000)
		last = r.Percent
	}
	return faults
}

// Rules are what a move is held to besides the case itself.
type Rules struct {
	Workflow Workflow
	Calendar *calendar.Calendar
}

// stageDue is when the stage that c has just entered must end, zero when
// nothing is due.
func (r Rules) stageDue(c *Case, now time.Time) time.Time {
	l := r.Workflow.Limits
	switch c.Stage {
	case StageReported:
		return c.Filing.Due
	case StageConfirming:
		return r.Calendar.Deadline(now, l.Confirm)
	case StageFiled, StageArbitrating, StageTransferring, StageVetoed:
		return r.Calendar.Deadline(now, l.Dispatch)
	case StageSuspended:
		return c.Asked.Until
	case StageHandled, StageFeedback:
		return r.Calendar.Deadline(now, l.Verify)
	case StageVerified:
		return c.CloseDue
	}
	if c.Handling.Running() {
		return c.Handling.Due
	}
	return time.Time{}
}

// alarm is when the next rung of the ladder is due at c's stage, zero at the top.
func (r Rules) alarm(c *Case) time.Time {
	if c.StageDue.IsZero() || c.Level >= len(r.Workflow.Ladder) {
		return time.Time{}
	}
	percent := int64(r.Workflow.Ladder[c.Level].Percent)
	unit := calendar.UrgentHour
	if c.Handling.Running() {
		unit = c.Handling.Unit
	}
	whole := r.Calendar.Between(c.EnteredAt, c.StageDue, unit)
	if whole <= 0 { // it was late when it came here
		return c.StageDue
	}
	return r.Calendar.After(c.EnteredAt, time.Duration(int64(whole)*percent/100), unit).Truncate(time.Microsecond)
}
