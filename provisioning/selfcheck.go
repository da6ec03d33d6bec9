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
// transaction that is rolled back, and then puts the city into service.
func (r *run) selfCheck(ctx context.Context) (string, error) {
	conditions, err := r.city.Catalogue.Conditions(ctx)
	if err != nil {
		return "", err
	}
	if len(conditions) == 0 {
		return "", errs.New(errs.Conflict, "city_empty", "没有立案条件，无法自检", "there is no filing condition: the self-check can't run")
	}
	var closed *casework.Case
	in := LoopInput{Place: r.spec.grids[0].Inside(), Condition: conditions[0].Code, Department: handling(r.spec.Departments)}
	err = r.Seeder.Trial(ctx, r.spec.id, r.db, func(city *tenant.City) error {
		closed, err = Loop(ctx, city, in)
		return err
	})
	if err != nil {
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
	c, err := city.Cases.Report(ctx, casework.ReportInput{
		By: centre, Channel: casework.ChannelSupervisor, Condition: in.Condition, Description: "自检 self-check", Place: in.Place,
	})
	if err != nil {
		return nil, err
	}
	number := c.Number
	for _, do := range []func() (*casework.Case, error){
		func() (*casework.Case, error) {
			return city.Cases.File(ctx, casework.Command{Number: number, By: centre})
		},
		func() (*casework.Case, error) {
			return city.Cases.Dispatch(ctx, casework.Command{Number: number, By: command}, in.Department)
		},
		func() (*casework.Case, error) {
			return city.Cases.Handle(ctx, casework.Command{Number: number, By: handler})
		},
		func() (*casework.Case, error) {
			return city.Cases.Verify(ctx, casework.Command{Number: number, By: centre})
		},
		func() (*casework.Case, error) {
			return city.Cases.Close(ctx, casework.Command{Number: number, By: centre})
		},
	} {
		if c, err = do(); err != nil {
			return nil, err
		}
	}
	if c.Stage != casework.StageClosed {
		return nil, fmt.Errorf("the self-check's case ended at %s", c.Stage)
	}
	return c, nil
}
