package schedule

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
)

// Run is one run of a job as it is recorded.
type Run struct {
	Job       string
	Due       time.Time
	Holder    string // the process that ran it last
	Attempts  int    // more than one: it was taken over
	Started   time.Time
	Finished  time.Time // zero: under way, or its holder died
	Outcome   string    // "ok", or "failed: " and an error's code; the log has the details
	LeaseEnds time.Time // when an unfinished run may be taken over
}

// History returns the newest runs of a job, newest first.
func (s *Scheduler) History(ctx context.Context, job string, limit int) ([]Run, error) {
	rows, err := s.db.Read.WithContext(ctx).Raw(`SELECT job, due_at, holder, attempts, started_at, finished_at, outcome, lease_until
		FROM job_runs WHERE job = ? AND due_at > 0 ORDER BY due_at DESC LIMIT ?`, job, limit).Rows()
	if err != nil {
		return nil, fmt.Errorf("history of %s: %w", job, err)
	}
	defer rows.Close()
	var runs []Run
	for rows.Next() {
		var r Run
		var due, started, finished, lease gormx.Instant
		if err := rows.Scan(&r.Job, &due, &r.Holder, &r.Attempts, &started, &finished, &r.Outcome, &lease); err != nil {
			return nil, fmt.Errorf("history of %s: %w", job, err)
		}
		r.Due, r.Started, r.Finished, r.LeaseEnds = due.Time, started.Time, finished.Time, lease.Time
		runs = append(runs, r)
	}
	return runs, rows.Err()
}

// claim is a run that is ours. The attempt tells it from the same run in the
// hands of whoever takes it over.
type claim struct {
	due     time.Time // zero: there is nothing to do
	attempt int
	until   time.Time
}

// takeOver claims the oldest run whose holder fell silent.
func (s *Scheduler) takeOver(ctx context.Context, j *job, at time.Time) (claim, error) {
	var due, lease gormx.Instant
	var attempts int
	err := s.db.Read.WithContext(ctx).Raw(`SELECT due_at, lease_until, attempts FROM job_runs
		WHERE job = ? AND finished_at IS NULL AND lease_until <= ? AND attempts < ? ORDER BY due_at LIMIT 1`,
		j.Name, gormx.At(at), maxAttempts).Row().Scan(&due, &lease, &attempts)
	if errors.Is(err, sql.ErrNoRows) {
		return claim{}, nil
	}
	if err != nil {
		return claim{}, err
	}
	c := claim{due: due.Time, attempt: attempts + 1, until: at.Add(ttl)}
	res := s.db.Write.WithContext(ctx).Exec(`UPDATE job_runs SET holder = ?, lease_until = ?, attempts = ?, started_at = ?
		WHERE job = ? AND due_at = ? AND lease_until = ? AND finished_at IS NULL`,
		s.holder, gormx.At(c.until), c.attempt, gormx.At(at), j.Name, due, lease)
	if res.Error != nil || res.RowsAffected == 0 { // another was quicker
		return claim{}, res.Error
	}
	return c, nil
}

// claim takes the job's newest instant that nobody has dealt with.
func (s *Scheduler) claim(ctx context.Context, j *job, at time.Time) (claim, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := s.settle(ctx, j, at); err != nil {
		return claim{}, err
	}
	due := latest(j.schedule, j.from, at)
	if due.IsZero() {
		return claim{}, nil
	}
	c := claim{due: due, attempt: 1, until: at.Add(ttl)}
	res := s.db.Write.WithContext(ctx).Exec(`INSERT INTO job_runs (job, due_at, holder, lease_until, attempts, started_at)
		SELECT CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS BIGINT), 1, CAST(? AS BIGINT)
		WHERE NOT EXISTS (SELECT 1 FROM job_runs WHERE job = ? AND finished_at IS NULL AND lease_until > ?)
		ON CONFLICT (job, due_at) DO NOTHING`,
		j.Name, gormx.At(due), s.holder, gormx.At(c.until), gormx.At(at), j.Name, gormx.At(at))
	switch {
	case res.Error != nil:
		return claim{}, res.Error
	case res.RowsAffected == 1:
		j.from = due
		return c, nil
	case j.CatchUp: // another has it, or an earlier run is under way and this one waits
		j.from = time.Time{}
	default:
		j.from = due
	}
	return claim{}, nil
}

// settle makes j.from the last instant that is dealt with.
func (s *Scheduler) settle(ctx context.Context, j *job, at time.Time) (err error) {
	if !j.CatchUp {
		for _, t := range []time.Time{s.created, at.Add(-grace)} {
			if t.After(j.from) {
				j.from = t
			}
		}
		return nil
	}
	if j.from.IsZero() {
		j.from, err = s.recorded(ctx, j)
	}
	return err
}

// recorded returns the newest instant of the job in the database. A job that
// never ran is registered at instant 0 first: what it missed is counted from
// then on, also by processes started later.
func (s *Scheduler) recorded(ctx context.Context, j *job) (time.Time, error) {
	var due, started gormx.Instant
	err := s.db.Write.WithContext(ctx).Raw(`SELECT due_at, started_at FROM job_runs WHERE job = ? ORDER BY due_at DESC LIMIT 1`,
		j.Name).Row().Scan(&due, &started)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		created := gormx.At(s.created)
		if err := s.db.Write.WithContext(ctx).Exec(`INSERT INTO job_runs
			(job, due_at, holder, lease_until, attempts, started_at, finished_at, outcome)
			VALUES (?, 0, ?, ?, 0, ?, ?, 'registered') ON CONFLICT DO NOTHING`,
			j.Name, s.holder, created, created, created).Error; err != nil {
			return time.Time{}, err
		}
		return s.recorded(ctx, j)
	case err != nil:
		return time.Time{}, err
	case due.UnixMicro() == 0:
		return started.Time, nil
	}
	return due.Time, nil
}

// perform runs the job under its claim and records the outcome.
func (s *Scheduler) perform(ctx context.Context, j *job, c claim) error {
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	kept := s.keep(ctx, j, c, cancel)
	err := call(running, j, c.due)
	kept()
	if lost := context.Cause(running); errors.Is(lost, ErrLost) {
		return lost
	}
	return errors.Join(err, s.finish(ctx, j, c, err))
}

// call runs the job within its limit and makes a panic an error.
func call(ctx context.Context, j *job, due time.Time) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it panicked: %v\n%s", p, debug.Stack())
		}
	}()
	if j.Limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, j.Limit)
		defer cancel()
	}
	return j.Run(ctx, due)
}

// keep renews the lease of c until stop is called. When it went to another, or
// could not be renewed until it lapsed, the run is cancelled with ErrLost.
func (s *Scheduler) keep(ctx context.Context, j *job, c claim, cancel context.CancelCauseFunc) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	beat, stopBeat := s.beats()
	go func() {
		defer close(ended)
		defer stopBeat()
		for {
			select {
			case <-done:
				return
			case <-beat:
			}
			until := s.now().Add(ttl)
			switch err := s.update(ctx, j, c, `lease_until = ?`, gormx.At(until)); {
			case err == nil:
				c.until = until
			case errors.Is(err, ErrLost), !s.now().Before(c.until):
				cancel(ErrLost.With(j.Name))
			}
		}
	}()
	return func() { close(done); <-ended }
}

// finish records how the run ended. One cut short because the process stops is
// left unfinished with its lease at an end, for another to take over at once;
// one that failed and is caught up is tried again after a while.
func (s *Scheduler) finish(ctx context.Context, j *job, c claim, err error) error {
	now := gormx.At(s.now())
	switch {
	case err != nil && ctx.Err() != nil:
		return s.update(ctx, j, c, `lease_until = ?`, now)
	case err != nil && j.CatchUp && c.attempt < maxAttempts:
		return s.update(ctx, j, c, `lease_until = ?, outcome = ?`, gormx.At(now.Add(retryAfter)), outcome(err))
	}
	return s.update(ctx, j, c, `finished_at = ?, outcome = ?`, now, outcome(err))
}

// outcome holds no message of err, because messages may name people.
func outcome(err error) string {
	e, ok := errs.As(err)
	switch {
	case err == nil:
		return "ok"
	case ok:
		return "failed: " + e.Code
	case errors.Is(err, context.DeadlineExceeded):
		return "failed: over_time"
	}
	return "failed: internal"
}

// update changes the run as long as it is ours, also when ctx has ended.
func (s *Scheduler) update(ctx context.Context, j *job, c claim, set string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), beatEvery)
	defer cancel()
	res := s.db.Write.WithContext(ctx).Exec(`UPDATE job_runs SET `+set+`
		WHERE job = ? AND due_at = ? AND holder = ? AND attempts = ? AND finished_at IS NULL`,
		append(args, j.Name, gormx.At(c.due), s.holder, c.attempt)...)
	if res.Error == nil && res.RowsAffected == 0 {
		return ErrLost.With(j.Name)
	}
	return res.Error
}
