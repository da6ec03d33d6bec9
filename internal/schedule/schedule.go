// Package schedule runs jobs at their instants, once, however many processes
// share a database: cron decides when, a row in job_runs decides who. It also
// holds the leases by which one piece of work is done by one process at a time.
// What the jobs do belongs to whoever lists them.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"wangge/internal/gormx"
)

// Job is work that is due at the instants of a cron spec.
type Job struct {
	Name    string
	Spec    string        // minute hour day month weekday, in China's time
	CatchUp bool          // run the last of the instants missed during downtime, and try a failed run again; others are skipped
	Limit   time.Duration // the run's context ends after it; 0 means never
	Run     func(ctx context.Context, due time.Time) error
}

const (
	ttl         = time.Minute      // how long a silent holder keeps a run
	beatEvery   = 20 * time.Second // how often a running job renews its lease
	pollEvery   = 15 * time.Second // how often Run looks for runs whose holder died
	grace       = time.Minute      // how late an instant that isn't caught up may still run
	maxAttempts = 10               // a run that keeps failing or killing its holder is left alone after so many
	retryAfter  = 10 * time.Minute // when a failed run that is caught up is tried again
)

// Scheduler runs the jobs it was given on behalf of one process. It is safe for
// concurrent use.
type Scheduler struct {
	db      *gormx.DB
	jobs    []*job
	holder  string
	now     func() time.Time
	created time.Time
	beats   func() (beat <-chan time.Time, stop func())
}

type job struct {
	Job
	schedule cron.Schedule

	mu   sync.Mutex
	from time.Time // instants up to this one are dealt with; zero: not known yet
}

// New prepares jobs; a spec that can't be read or never comes is refused. The
// holder names this process and is shown to operators.
func New(db *gormx.DB, jobs []Job, holder string, now func() time.Time) (*Scheduler, error) {
	s := &Scheduler{db: db, holder: holder, now: now, created: now(), beats: func() (<-chan time.Time, func()) {
		t := time.NewTicker(beatEvery)
		return t.C, t.Stop
	}}
	names := map[string]bool{}
	for _, j := range jobs {
		if j.Name == "" || names[j.Name] || j.Run == nil {
			return nil, fmt.Errorf("job %q: a job has a name of its own and something to run", j.Name)
		}
		names[j.Name] = true
		schedule, err := parse(j.Spec)
		if err != nil {
			return nil, fmt.Errorf("job %s: %w", j.Name, err)
		}
		if schedule.Next(s.created).IsZero() {
			return nil, fmt.Errorf("job %s: %q never comes", j.Name, j.Spec)
		}
		s.jobs = append(s.jobs, &job{Job: j, schedule: schedule})
	}
	return s, nil
}

func parse(spec string) (cron.Schedule, error) {
	if strings.Contains(spec, "=") {
		return nil, fmt.Errorf("%q: a spec names no zone", spec)
	}
	schedule, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(spec)
	if fields, ok := schedule.(*cron.SpecSchedule); ok {
		fields.Location = shanghai
	}
	return schedule, err
}

// Run ticks whenever something is due and now and then between, until ctx ends;
// then it waits for the jobs under way, whose contexts end with it. A run that
// is cut short is left to whoever ticks next.
func (s *Scheduler) Run(ctx context.Context) error {
	var ticks sync.WaitGroup
	defer ticks.Wait()
	for {
		at := s.now()
		ticks.Go(func() {
			if err := s.Tick(ctx, at); err != nil && ctx.Err() == nil {
				slog.ErrorContext(ctx, "a job failed", "holder", s.holder, "err", err)
			}
		})
		wait := time.NewTimer(min(pollEvery, s.Next(at).Sub(at)))
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil
		case <-wait.C:
		}
	}
}

// Next returns the first instant after t at which a job is due.
func (s *Scheduler) Next(t time.Time) time.Time {
	next := t.AddDate(1, 0, 0)
	for _, j := range s.jobs {
		if due := j.schedule.Next(t); !due.IsZero() && due.Before(next) {
			next = due
		}
	}
	return next.UTC()
}

// Tick does what is due at this moment and returns when it is done: runs whose
// holder fell silent are taken over, then each job's newest instant up to at
// is run, unless another process has it or the job's last run is still under
// way. The error joins what went wrong; each run's outcome is recorded.
func (s *Scheduler) Tick(ctx context.Context, at time.Time) error {
	var running sync.WaitGroup
	failed := make([]error, len(s.jobs))
	for i, j := range s.jobs {
		running.Go(func() { failed[i] = s.tick(ctx, j, at) })
	}
	running.Wait()
	return errors.Join(failed...)
}

func (s *Scheduler) tick(ctx context.Context, j *job, at time.Time) error {
	var failed []error
	for _, claim := range []func(context.Context, *job, time.Time) (claim, error){s.takeOver, s.claim} {
		for ctx.Err() == nil {
			c, err := claim(ctx, j, at)
			if err != nil {
				return errors.Join(append(failed, fmt.Errorf("job %s: %w", j.Name, err))...)
			}
			if c.due.IsZero() {
				break
			}
			if err := s.perform(ctx, j, c); err != nil {
				failed = append(failed, fmt.Errorf("job %s due %s: %w", j.Name, c.due.Format(time.RFC3339), err))
			}
		}
	}
	return errors.Join(failed...)
}

// latest returns the newest instant after from and not after at, zero when
// there is none. It looks back in growing steps, so that a minute's job missed
// for a year costs no more than one missed for an hour.
func latest(schedule cron.Schedule, from, at time.Time) time.Time {
	for step := time.Minute; ; step *= 2 {
		start := at.Add(-step)
		if start.Before(from) {
			start = from
		}
		var due time.Time
		for next := schedule.Next(start); !next.IsZero() && !next.After(at); next = schedule.Next(next) {
			due = next
		}
		if !due.IsZero() || !start.After(from) {
			return due.UTC()
		}
	}
}
