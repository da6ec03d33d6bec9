package bench

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"wangge/tenant/casework"
	"wangge/tenant/org"
)

var intake = benchmark{
	name: "intake", zh: "受理立案", en: "intake", first: "cases_per_second", unit: "cases",
	how: "Cases reported and filed over HTTP on loopback: 16 clients at once, each with sessions of a supervisor and a shift leader, two commands a case, " +
		"each with an Idempotency-Key. The clients run on the same cores. p50_ms and p95_ms are of one command. " +
		"http_only_per_second is the same two requests answered by a handler that does nothing.",
	floor: "The same rows by 16 workers with prepared SQL: case and step in one transaction, update, step and usage in another. " +
		"No HTTP, no session, no permission, no rule, no reading back, no gapless number.",
	do: measureIntake,
}

func measureIntake(ctx context.Context, r *run) error {
	s, err := r.scene(ctx, sampleCity)
	if err != nil {
		return err
	}
	return errors.Join(r.takeIn(ctx, s), s.Close())
}

func (r *run) takeIn(ctx context.Context, s *scene) error {
	raw, err := s.twin(ctx, r.clients)
	if err != nil {
		return err
	}
	idle, err := s.serve(ctx, http.HandlerFunc(nothing))
	if err != nil {
		return err
	}
	return r.rounds(ctx, func(ctx context.Context, d time.Duration) error {
		done, rate, all, err := crowd(ctx, r.clients, d, func(ctx context.Context, w int, l *laps) error { return s.clients[w].takeIn(ctx, s, s.base, l) })
		r.n += done
		r.figures.add("cases_per_second", rate)
		r.figures.add("p50_ms", percentile(all.commands, 50))
		r.figures.add("p95_ms", percentile(all.commands, 95))
		return err
	}, func(ctx context.Context, d time.Duration) error {
		_, rate, _, err := crowd(ctx, r.clients, d, func(ctx context.Context, w int, _ *laps) error { return raw.takeIn(ctx, s, s.clients[w]) })
		r.floor.add("cases_per_second", rate)
		return err
	}, func(ctx context.Context, d time.Duration) error {
		_, rate, _, err := crowd(ctx, r.clients, d, func(ctx context.Context, w int, l *laps) error { return s.clients[w].takeIn(ctx, s, idle, l) })
		r.figures.add("http_only_per_second", rate)
		return err
	})
}

// nothing answers as the platform would, without doing anything.
func nothing(w http.ResponseWriter, q *http.Request) {
	_, _ = io.Copy(io.Discard, q.Body) // the client's to mind
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"number":"20261123-000001","stage":"filed"}`) // likewise
}

func (c *client) takeIn(ctx context.Context, s *scene, base string, l *laps) error {
	var f found
	err := timed(&l.commands, func() (err error) {
		f, err = c.report(ctx, s, base)
		return err
	})
	if err != nil {
		return err
	}
	return timed(&l.commands, func() error {
		_, err := c.move(ctx, s, base, f.Number, "file", c.sessions[org.ShiftLeader], map[string]any{}, "filed")
		return err
	})
}

func (r *rawCases) takeIn(ctx context.Context, s *scene, c *client) error {
	f, err := r.report(ctx, s, c)
	if err != nil {
		return err
	}
	return r.move(ctx, f, casework.ActionFile, casework.StageFiled, "shift_leader")
}
