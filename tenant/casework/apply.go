package casework

import (
	"slices"
	"time"

	"wangge/tenant/calendar"
)

// Order is what a command says beyond its action; each action reads its own.
type Order struct {
	Department string         // who is to handle
	Assistants []string       // who is to help
	Command    string         // the district command centre it is forwarded to
	CityLevel  bool           // the actor's command centre answers for the whole city
	Limit      calendar.Limit // the handling limit of the case's condition
	Asked      Asked
	OnDuty     []int64 // the supervisors among whom a check on site is drawn
	Other      string  // the other case of a merge or a family
	City       string  // the other city of a transfer
}

// Apply moves c by a. When the workflow does not allow the move, c is left as
// it was and the error is a Conflict; when this person may not make it, Forbidden.
func (c *Case) Apply(a Action, by Actor, now time.Time, r Rules, o Order) (Step, error) {
	move, err := c.next(a, r, now)
	if err != nil {
		return Step{}, err
	}
	if err := c.mayBy(a, by, o); err != nil {
		return Step{}, err
	}
	before := *c
	step := Step{Case: c.ID, Number: c.Number, Seq: c.Version + 1, Action: a, From: c.Stage, To: move.To, At: now, By: by}
	c.Stage, c.Version = move.To, c.Version+1
	c.effect(a, by, now, r, o, &step)
	c.clocks(before, now, r, o, &step)
	if c.Stage != before.Stage {
		c.EnteredAt = now
		c.StageDue = r.stageDue(c, now)
	}
	if !c.StageDue.Equal(before.StageDue) {
		c.Level = 0
	}
	if c.Stage != before.Stage || c.Level != before.Level {
		c.NextAlarm = r.alarm(c)
	}
	return step, nil
}

// byCommand says whether an action is the command centre's that holds the case.
func (a Action) byCommand() bool {
	switch a {
	case ActionForward, ActionSendUp, ActionDispatch, ActionApproveReturn, ActionRefuseReturn, ActionFeedBack, ActionSendBack:
		return true
	default:
		return false
	}
}

// mayBy refuses the wrong person for an action the workflow allows.
func (c *Case) mayBy(a Action, by Actor, o Order) error {
	if a.byCommand() && (c.Command == "" && !o.CityLevel || c.Command != "" && by.Department != c.Command) {
		return ErrOtherCommand
	}
	switch a {
	case ActionAccept, ActionReturn, ActionExtend, ActionSuspend, ActionHandle:
		if by.Department != c.Department {
			return ErrOtherDepartment
		}
	case ActionResume:
		if by.Department != c.Department && by != System {
			return ErrOtherDepartment
		}
	case ActionAssist:
		if c.assistant(by.Department) < 0 {
			return ErrNotAssisting
		}
	case ActionConfirm, ActionDeny:
		if c.Checker != 0 && by.Account != c.Checker {
			return ErrNotDrawn
		}
	case ActionVerify, ActionRework:
		if c.worked(by.Account) {
			return ErrSamePerson
		}
		if c.Checker != 0 && by.Account != c.Checker {
			return ErrNotDrawn
		}
	case ActionUphold:
		if by.Account == c.ClosedBy {
			return ErrSameCloser
		}
	}
	return nil
}

// worked says whether an account has handled the case or helped.
func (c *Case) worked(account int64) bool {
	return account == c.HandledBy || slices.ContainsFunc(c.Assistants, func(a Assistant) bool { return a.By != 0 && a.By == account })
}

// assistant finds the open share of an assisting department, -1 for none.
func (c *Case) assistant(department string) int {
	return slices.IndexFunc(c.Assistants, func(a Assistant) bool { return a.Department == department && a.DoneAt.IsZero() })
}

// effect is what an action changes besides stage and clocks.
func (c *Case) effect(a Action, by Actor, now time.Time, r Rules, o Order, step *Step) {
	d := &step.Detail
	switch a {
	case ActionReport:
		c.ReportedBy, c.ReportedAt = by.Account, now
	case ActionAskConfirm:
		c.drawChecker(o, step)
	case ActionConfirm:
		c.Confirmation, c.Checker, d.Confirmed = FoundOnSite, 0, FoundOnSite
	case ActionDeny:
		c.Confirmation, c.Checker, d.Confirmed = NothingFound, 0, NothingFound
	case ActionFile:
		c.FiledAt = now
	case ActionForward:
		c.Command, d.Command = o.Command, o.Command
	case ActionSendUp:
		c.Command = ""
	case ActionDispatch, ActionArbitrate:
		c.dispatch(now, o, d)
		c.Arbitrated = c.Arbitrated || a == ActionArbitrate
	case ActionApproveReturn:
		c.Returns++
		c.Department, c.Assistants = "", nil
	case ActionExtend, ActionSuspend:
		c.Asked = o.Asked
		d.Asked = &o.Asked
	case ActionApproveExtension:
		c.Extensions++
		c.Handling = c.Handling.extend(r.Calendar, c.Asked.Extra)
		c.Asked = Asked{}
	case ActionApproveSuspension:
		c.Suspensions++
	case ActionRefuseExtension, ActionRefuseSuspension, ActionResume:
		c.Asked = Asked{}
	case ActionAssist:
		c.Assistants = slices.Clone(c.Assistants)
		at := &c.Assistants[c.assistant(by.Department)]
		at.DoneAt, at.By = now, by.Account
		d.Department = by.Department
	case ActionHandle:
		c.HandledBy, c.HandledAt, c.Asked = by.Account, now, Asked{}
		if c.Stage == StageHandled {
			c.drawChecker(o, step)
		}
	case ActionFeedBack:
		c.drawChecker(o, step)
	case ActionSendBack:
		c.HandledAt = time.Time{}
	case ActionVerify:
		c.VerifiedBy, c.Checker = by.Account, 0
	case ActionRework:
		c.VerifiedBy, c.Checker, c.HandledAt = by.Account, 0, time.Time{}
		c.Reworks++
	case ActionRedraw:
		c.drawChecker(o, step)
	case ActionClose:
		c.ClosedBy, c.ClosedAt = by.Account, now
	case ActionVeto:
		c.Vetoes++
	case ActionReopen:
		c.reopen()
	case ActionMerge, ActionGather, ActionAbsorb:
		d.Other = o.Other
		switch a {
		case ActionMerge:
			c.Into = o.Other
		case ActionGather:
			c.Children++
		}
	case ActionUnmerge:
		d.Other, c.Into = c.Into, ""
	case ActionAttach:
		c.Parent, d.Other = o.Other, o.Other
	case ActionDetach:
		d.Other, c.Parent = c.Parent, ""
	case ActionTransfer, ActionTransferAccepted:
		c.Elsewhere, d.City, d.Other = o.City, o.City, o.Other
		if o.Other != "" {
			c.Elsewhere += "/" + o.Other
		}
	case ActionTransferRefused:
		d.City, c.Elsewhere = c.Elsewhere, ""
	case ActionEscalate:
		if c.Level < len(r.Workflow.Ladder) {
			d.To = r.Workflow.Ladder[c.Level].To
		}
		c.Level++
		d.Level = c.Level
	}
}

func (c *Case) dispatch(now time.Time, o Order, d *Detail) {
	c.Department, c.DispatchedAt = o.Department, now
	c.Assistants = nil
	for _, code := range o.Assistants {
		c.Assistants = append(c.Assistants, Assistant{Department: code})
	}
	d.Department, d.Assistants = o.Department, o.Assistants
}

// reopen forgets the work of the first round; the journal keeps it.
func (c *Case) reopen() {
	c.ClosedAt, c.ClosedBy, c.HandledAt, c.HandledBy, c.VerifiedBy = time.Time{}, 0, time.Time{}, 0, 0
	c.Department, c.Assistants, c.Arbitrated, c.Command = "", nil, false, ""
}

// drawChecker draws who checks on site; with nobody on duty anyone may. Whoever
// worked on the case, and who was drawn before, is left out.
func (c *Case) drawChecker(o Order, step *Step) {
	not := []int64{c.Checker, c.HandledBy}
	for _, a := range c.Assistants {
		not = append(not, a.By)
	}
	c.Checker = 0
	if d := draw(step.Number, step.Seq, step.At, o.OnDuty, not...); d != nil {
		c.Checker, step.Detail.Draw = d.Chosen, d
	}
}

// clocks lets the clocks run, stand or start anew, as the table of stages says.
func (c *Case) clocks(before Case, now time.Time, r Rules, o Order, step *Step) {
	from, to := before.Stage.facts().clock, c.Stage.facts().clock
	if from != to {
		switch {
		case to == filingClock && !c.Filing.Started():
			c.Filing = start(r.Calendar, now, r.Workflow.Limits.File)
		case to == filingClock:
			c.Filing = c.Filing.resume(r.Calendar, now)
		case from == filingClock:
			c.Filing = c.Filing.pause(r.Calendar, now)
		}
		switch {
		case to == handlingClock && !c.Handling.Started():
			c.Handling = start(r.Calendar, now, o.Limit)
		case to == handlingClock:
			c.Handling = c.Handling.resume(r.Calendar, now)
		case from == handlingClock:
			c.Handling = c.Handling.pause(r.Calendar, now)
		}
	}
	if c.Stage == StageFiled || c.Stage == StageArbitrating { // whoever it goes to next has the whole limit
		c.Handling, c.CloseDue = Clock{}, time.Time{}
	}
	d := &step.Detail
	if !c.Filing.Due.Equal(before.Filing.Due) {
		due := c.Filing.Due
		d.FileDue = &due
	}
	if c.Handling.Started() && !c.Handling.Due.Equal(before.Handling.Due) {
		c.CloseDue = r.Calendar.Deadline(c.Handling.Due, r.Workflow.Limits.Close)
		due, closeDue := c.Handling.Due, c.CloseDue
		d.Due, d.CloseDue = &due, &closeDue
	}
	if c.Handling.Paused && !before.Handling.Paused {
		left := c.Handling.Left.Seconds()
		d.LeftSeconds = &left
	}
}
