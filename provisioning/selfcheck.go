package provisioning

import (
	"context"
	"fmt"

	"wangge/internal/errs"
	"wangge/tenant"
	"wangge/tenant/casework"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

// selfCheck files, dispatches, handles, verifies and closes a case in a
// transaction that is rolled back, notes what was applied, and then puts the city into service.
func (r *run) selfCheck(ctx context.Context) (string, error) {
	conditions, err := r.city.Catalogue.Conditions(ctx)
	if err != nil {
		return "", err
	}
	if len(conditions) == 0 {
		return "", errs.New(errs.Conflict, "city_empty", "没有立案条件，无法自检", "there is no filing condition: the self-check can't run")
	}
	var closed *casework.Case
	in := LoopInput{Place: r.spec.grids.Grids[0].Inside(), Condition: conditions[0].Code, Department: handling(r.spec.Departments)}
	err = r.Seeder.Trial(ctx, r.spec.id, r.db, func(city *tenant.City) error {
		closed, err = Loop(ctx, city, in)
		return err
	})
	if err != nil {
		return "", err
	}
	text, err := declare(ctx, r.spec, r.city)
	if err != nil {
		return "", err
	}
	if err := r.city.Applied.SaveApplied(ctx, tenant.AppliedSpec{Hash: r.spec.hash, Text: text, At: r.Now()}); err != nil {
		return "", err
	}
	return "closed " + closed.Number + ", rolled back", r.Ledger.Activate(ctx, r.spec.Code, r.spec.hash, r.Now())
}

// LoopInput says where and what the case of a self-check is.
type LoopInput struct {
	Place                 grid.Point
	Condition, Department string
}

// Loop takes one case through the whole closed loop by the services of the city.
func Loop(ctx context.Context, city *tenant.City, in LoopInput) (*casework.Case, error) {
	centre := casework.Actor{Account: -1, Role: string(org.ShiftLeader)}
	command := casework.Actor{Account: -2, Role: string(org.Dispatcher)}
	handler := casework.Actor{Account: -3, Role: string(org.DepartmentHandler), Department: in.Department}
	cases := city.Cases.WithoutEvidence()
	c, err := cases.Report(ctx, casework.ReportInput{
		By: centre, Channel: casework.ChannelSupervisor, Condition: in.Condition, Description: "自检 self-check", Place: in.Place,
	})
	if err != nil {
		return nil, err
	}
	for _, move := range []struct {
		action casework.Action
		by     casework.Actor
	}{
		{casework.ActionAskConfirm, centre}, {casework.ActionConfirm, centre}, {casework.ActionFile, centre},
		{casework.ActionDispatch, command}, {casework.ActionHandle, handler}, {casework.ActionFeedBack, command},
		{casework.ActionVerify, centre}, {casework.ActionClose, centre},
	} {
		if move.action == casework.ActionFeedBack && c.Stage != casework.StageFeedback {
			continue // results are fed back directly
		}
		do := casework.Command{Number: c.Number, By: move.by, Department: in.Department}
		if c.Checker != 0 {
			do.By.Account = c.Checker // whoever was drawn, in this trial
		}
		if c, err = cases.Do(ctx, move.action, do); err != nil {
			return nil, fmt.Errorf("%s: %w", move.action, err)
		}
	}
	if c.Stage != casework.StageClosed {
		return nil, fmt.Errorf("the self-check's case ended at %s", c.Stage)
	}
	return c, nil
}
