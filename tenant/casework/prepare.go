package casework

import (
	"context"
	"fmt"
	"slices"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/calendar"
	"wangge/tenant/org"
)

// The refusals of what a command asks for.
var (
	ErrNoEvidence   = errs.New(errs.Conflict, "no_evidence", "须先上传本次处置（核查）的照片、录音或录像", "a picture, sound or film of this work is needed first")
	ErrShare        = errs.New(errs.Conflict, "share_used_up", "本月“%s”已达 %d 件，超过立案 %d 件的 %d%%", "%s: %d this month, beyond its share of %d cases filed (%d %%)")
	ErrChildrenOpen = errs.New(errs.Conflict, "children_open", "还有 %d 件子案未结束，母案不能结案", "%d child cases are still open; their parent can't be closed")
	ErrNoCity       = errs.New(errs.Invalid, "no_such_city", "没有可移送的城市：%s", "no city to transfer to: %s")
)

// prepare gathers what the rules ask for from outside the case, and refuses
// arguments that are wrong whatever the case.
func (s *Service) prepare(ctx context.Context, a Action, c *Case, in Command, by Actor, now time.Time) (o Order, err error) {
	o = Order{Department: in.Department, Assistants: in.Assistants, Command: in.Command, Other: in.Other, City: in.City}
	if a.byCommand() {
		if o.CityLevel, err = s.cityLevel(ctx, by); err != nil {
			return o, err
		}
	}
	if err := c.mayBy(a, by, o); err != nil { // before who may not is told what else is missing
		return o, err
	}
	switch a {
	case ActionDispatch, ActionArbitrate:
		if err := s.handlers(ctx, in); err != nil {
			return o, err
		}
	case ActionForward:
		unit, err := s.p.Organisation.Department(ctx, in.Command)
		if err != nil {
			return o, err
		}
		if unit.Kind != org.CommandCentre || unit.Area == "" {
			return o, errs.Field("command", "只能下派给区县的指挥中心", "a case is forwarded to a district's command centre only")
		}
	case ActionExtend:
		if o.Asked.Extra, err = extra(in.Extra); err != nil {
			return o, err
		}
	case ActionSuspend:
		if o.Asked.Until, err = s.until(in.Until, now); err != nil {
			return o, err
		}
	case ActionHandle, ActionVerify:
		if err := s.evidence(ctx, c, a); err != nil {
			return o, err
		}
	case ActionClose:
		if c.Children == 0 {
			break
		}
		open, err := s.p.Store.OpenChildren(ctx, c.Number)
		if err != nil {
			return o, err
		}
		if open > 0 {
			return o, ErrChildrenOpen.With(open)
		}
	case ActionTransfer:
		if len(in.City) != 6 || in.City == s.p.City {
			return o, ErrNoCity.With(in.City)
		}
	}
	if a == ActionDispatch || a == ActionForward || a == ActionArbitrate {
		condition, err := s.p.Catalogue.Condition(ctx, c.Condition)
		if err != nil {
			return o, err
		}
		o.Limit = condition.Limit
	}
	if a == ActionAskConfirm || a == ActionHandle || a == ActionFeedBack || a == ActionRedraw {
		if o.OnDuty, err = s.p.Duty.OnDuty(ctx, c.Grid, now); err != nil {
			return o, err
		}
	}
	return o, s.share(ctx, a, now)
}

// cityLevel says whether an actor's unit answers for the whole city; with one
// level of command every unit does.
func (s *Service) cityLevel(ctx context.Context, by Actor) (bool, error) {
	if s.p.Workflow.Commands == 1 || by.Department == "" {
		return true, nil
	}
	unit, err := s.p.Organisation.Department(ctx, by.Department)
	return unit.Area == "", err
}

// handlers refuses units that can't be given a case.
func (s *Service) handlers(ctx context.Context, in Command) error {
	for i, code := range append([]string{in.Department}, in.Assistants...) {
		d, err := s.p.Organisation.Receiver(ctx, code)
		if err != nil {
			return err
		}
		if i > 0 && (code == in.Department || slices.Contains(in.Assistants[:i-1], code)) {
			return errs.Field("assistants", "部门重复："+d.Name, "the department is named twice: "+d.Name)
		}
	}
	return nil
}

// maxExtra is the longest extension in each unit.
var maxExtra = map[calendar.Unit]int{calendar.UrgentHour: 24 * 90, calendar.WorkHour: 8 * 90, calendar.WorkDay: 90}

func extra(l calendar.Limit) (calendar.Limit, error) {
	longest, known := maxExtra[l.Unit]
	if !known || l.Value < 1 || l.Value > longest {
		return l, errs.Field("extra", fmt.Sprintf("延期须为 1 到 %d 个时限单位", longest), fmt.Sprintf("an extension is 1 to %d of a known unit", longest))
	}
	return l, nil
}

func (s *Service) until(t, now time.Time) (time.Time, error) {
	t = t.UTC().Truncate(time.Microsecond)
	if !t.After(now) || t.After(now.AddDate(0, 0, s.p.Workflow.SuspendDays)) {
		return t, errs.Field("until", fmt.Sprintf("挂账期限须在 %d 天以内", s.p.Workflow.SuspendDays),
			fmt.Sprintf("a suspension ends within %d days", s.p.Workflow.SuspendDays))
	}
	return t, nil
}

// evidence asks that this round's work, or its check, be shown.
func (s *Service) evidence(ctx context.Context, c *Case, a Action) error {
	if !s.p.Workflow.RequireEvidence {
		return nil
	}
	since := c.DispatchedAt
	if a == ActionVerify {
		since = c.HandledAt
	}
	shown, err := s.p.Evidence.Has(ctx, c.Number, since)
	if err != nil || shown {
		return err
	}
	return ErrNoEvidence
}

// share refuses what would go beyond its share of the month's filed cases.
func (s *Service) share(ctx context.Context, a Action, now time.Time) error {
	percent, limited := s.p.Workflow.Shares.of(a)
	if !limited {
		return nil
	}
	y, m, _ := now.In(s.p.Calendar.Zone()).Date()
	done, filed, err := s.p.Store.Tally(ctx, a, time.Date(y, m, 1, 0, 0, 0, 0, s.p.Calendar.Zone()))
	if err != nil || done < s.p.Workflow.Shares.Floor || (done+1)*100 <= filed*percent {
		return err
	}
	name := a.Name()
	e := *ErrShare
	e.Zh = fmt.Sprintf(e.Zh, name.Zh, done, filed, percent)
	e.En = fmt.Sprintf(e.En, name.En, done, filed, percent)
	return &e
}
