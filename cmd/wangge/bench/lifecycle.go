package bench

import (
	"context"
	"errors"
	"net/url"
	"time"

	"wangge/tenant/casework"
	"wangge/tenant/org"
)

var lifecycle = benchmark{
	name: "lifecycle", zh: "案卷全流程", en: "lifecycle", first: "lifecycles_per_second", unit: "lifecycles",
	how: "Cases through the whole closed loop over HTTP on loopback: report, file, dispatch, handle, verify, close, and one search for words, the newest 20, " +
		"each by the post whose task it is; 16 clients at once, on the same cores. p95_ms is of one command of any kind, read_p95_ms of the search.",
	floor: "The same rows by 16 workers with prepared SQL, one transaction a command, and a page of 20 of the closed read; " +
		"no HTTP, no session, no permission, no rule, no reading back, no gapless number, no index of words.",
	do: measureLifecycle,
}

// move is a command on the straight way, and by whom it is given.
type move struct {
	action casework.Action
	to     casework.Stage
	by     org.Role
}

// loop is what is done to a case after it was reported.
var loop = []move{
	{casework.ActionFile, casework.StageFiled, org.ShiftLeader},
	{casework.ActionDispatch, casework.StageDispatched, org.Dispatcher},
	{casework.ActionHandle, casework.StageHandled, org.DepartmentHandler},
	{casework.ActionVerify, casework.StageVerified, org.Supervisor},
	{casework.ActionClose, casework.StageClosed, org.ShiftLeader},
}

func measureLifecycle(ctx context.Context, r *run) error {
	s, err := r.scene(ctx, sampleCity)
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

// live takes one case through the loop and searches for words.
func (c *client) live(ctx context.Context, s *scene, l *laps) error {
	var f found
	err := timed(&l.commands, func() (err error) {
		f, err = c.report(ctx, s, s.base)
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range loop {
		err := timed(&l.commands, func() (err error) {
			f, err = c.step(ctx, s, s.base, f, m)
			return err
		})
		if err != nil {
			return err
		}
	}
	return timed(&l.reads, func() error { return c.search(ctx, s) })
}

// step gives the next command on a case, the check on site by who was drawn.
func (c *client) step(ctx context.Context, s *scene, base string, f found, m move) (found, error) {
	body := map[string]any{}
	if m.action == casework.ActionDispatch {
		body["department"] = c.unit
	}
	cookie := c.sessions[m.by]
	if m.by == org.Supervisor && f.Checker != 0 {
		cookie = s.checkers[f.Checker]
	}
	return c.move(ctx, s, base, f.Number, string(m.action), cookie, body, string(m.to))
}

// search looks for the newest cases of some kind by its words.
func (c *client) search(ctx context.Context, s *scene) error {
	return c.searchFor(ctx, s, s.conditions[c.random.IntN(len(s.conditions))].Kind.Name)
}

func (c *client) searchFor(ctx context.Context, s *scene, words string) error {
	var page struct{ Cases []found }
	return c.call(ctx, c.sessions[org.Dispatcher], "GET", s.base+"/api/cities/"+s.id.String()+"/cases?limit=20&q="+url.QueryEscape(words), nil, &page)
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
