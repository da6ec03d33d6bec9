package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wangge/tenant/casework"
	"wangge/tenant/org"
)

var lifecycle = benchmark{
	name: "lifecycle", zh: "案卷全流程", en: "lifecycle", first: "lifecycles_per_second", unit: "lifecycles",
	how: "Cases through the whole closed loop over HTTP on loopback: report, file, dispatch, handle, verify, close, and one page of 20 of a work list, " +
		"each by the post whose task it is; 16 clients at once, on the same cores. p95_ms is of one command of any kind, read_p95_ms of the list.",
	floor: "The same rows by 16 workers with prepared SQL, one transaction a command, and the same page read; " +
		"no HTTP, no session, no permission, no rule, no reading back, no gapless number.",
	do: measureLifecycle,
}

// loop is what is done to a case after it was reported, and by whom.
var loop = []struct {
	action casework.Action
	to     casework.Stage
	by     org.Role
}{
	{casework.ActionFile, casework.StageFiled, org.ShiftLeader},
	{casework.ActionDispatch, casework.StageDispatched, org.Dispatcher},
	{casework.ActionHandle, casework.StageHandled, org.DepartmentHandler},
	{casework.ActionVerify, casework.StageVerified, org.Supervisor},
	{casework.ActionClose, casework.StageClosed, org.ShiftLeader},
}

func measureLifecycle(ctx context.Context, r *run) error {
	s, err := r.scene(ctx)
	if err != nil {
		return err
	}
	return errors.Join(r.live(ctx, s), s.Close())
}

func (r *run) live(ctx context.Context, s *scene) error {
	raw, err := s.twin(ctx, r.clients)
	if err != nil {
		return err
	}
	return r.rounds(ctx, func(ctx context.Context, d time.Duration) error {
		done, rate, all, err := crowd(ctx, r.clients, d, func(ctx context.Context, w int, l *laps) error { return s.clients[w].live(ctx, s, l) })
		r.n += done
		r.figures.add("lifecycles_per_second", rate)
		r.figures.add("p95_ms", percentile(all.commands, 95))
		r.figures.add("read_p95_ms", percentile(all.reads, 95))
		return err
	}, func(ctx context.Context, d time.Duration) error {
		_, rate, all, err := crowd(ctx, r.clients, d, func(ctx context.Context, w int, l *laps) error { return raw.live(ctx, s, s.clients[w], l) })
		r.floor.add("lifecycles_per_second", rate)
		r.floor.add("p95_ms", percentile(all.commands, 95))
		r.floor.add("read_p95_ms", percentile(all.reads, 95))
		return err
	})
}

// live takes one case through the loop and reads a page of the work list.
func (c *client) live(ctx context.Context, s *scene, l *laps) error {
	var number string
	err := timed(&l.commands, func() (err error) {
		number, err = c.report(ctx, s, s.base)
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range loop {
		body := map[string]any{}
		if m.action == casework.ActionDispatch {
			body["department"] = c.unit
		}
		err := timed(&l.commands, func() error {
			return c.move(ctx, s, s.base, number, string(m.action), m.by, body, string(m.to))
		})
		if err != nil {
			return err
		}
	}
	return timed(&l.reads, func() error {
		var page struct{ Cases []found }
		err := c.call(ctx, org.Dispatcher, "GET", s.base+"/api/cities/"+s.id.String()+"/cases?stage=closed&limit=20", nil, &page)
		if err == nil && len(page.Cases) == 0 {
			err = fmt.Errorf("%w: the list is empty", errCount)
		}
		return err
	})
}

func (r *rawCases) live(ctx context.Context, s *scene, c *client, l *laps) error {
	var f *rawCase
	err := timed(&l.commands, func() (err error) {
		f, err = r.report(ctx, s, c)
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range loop {
		if err := timed(&l.commands, func() error { return r.move(ctx, f, m.action, m.to, string(m.by)) }); err != nil {
			return err
		}
	}
	return timed(&l.reads, func() error { return r.list(ctx, casework.StageClosed) })
}
