package schedule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
	"pgregory.net/rapid"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/migrations"
)

func TestScheduleSQLite(t *testing.T)   { suite(t, testdb.SQLite) }
func TestSchedulePostgres(t *testing.T) { suite(t, testdb.Postgres) }

func suite(t *testing.T, open func(t testing.TB) *gormx.DB) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			_, err := migrations.Up(t.Context(), db, migrations.Province)
			must(t, err)
			test(&house{T: t, db: db, now: start})
		})
	}
}

// start is a Monday morning, 08:00 in Shanghai.
var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// house is a database and a clock that stands still until it is set.
type house struct {
	*testing.T
	db *gormx.DB

	mu   sync.Mutex
	now  time.Time
	runs []string // "holder 15:04" in the order they began
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) set(now time.Time) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = now
	return now
}

// scheduler makes a process named holder that runs the jobs; work is done in
// each run besides noting it.
func (h *house) scheduler(holder string, j Job, work func(context.Context) error) *Scheduler {
	h.Helper()
	j.Name = "publish"
	j.Run = func(ctx context.Context, due time.Time) error {
		h.mu.Lock()
		h.runs = append(h.runs, holder+" "+due.In(shanghai).Format("15:04"))
		h.mu.Unlock()
		if work == nil {
			return nil
		}
		return work(ctx)
	}
	s, err := New(h.db, []Job{j}, holder, h.clock)
	must(h, err)
	return s
}

func (h *house) ran(want ...string) {
	h.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Equal(h.runs, want) {
		h.Fatalf("ran %q, want %q", h.runs, want)
	}
}

func (h *house) history(s *Scheduler, want ...string) {
	h.Helper()
	runs, err := s.History(h.Context(), "publish", 10)
	must(h, err)
	var got []string
	for _, r := range runs {
		got = append(got, fmt.Sprintf("%s %s %d %v %s", r.Due.In(shanghai).Format("15:04"), r.Holder, r.Attempts, !r.Finished.IsZero(), r.Outcome))
	}
	if !slices.Equal(got, want) {
		h.Fatalf("history %q, want %q", got, want)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t testing.TB, err, sentinel error) {
	t.Helper()
	if !errors.Is(err, sentinel) {
		t.Fatalf("got %v, want %v", err, sentinel)
	}
}

// stuck is work that begins, and ends when it is told to.
type stuck struct{ begun, end chan struct{} }

func newStuck() stuck { return stuck{make(chan struct{}), make(chan struct{})} }

func (s stuck) work(context.Context) error {
	close(s.begun)
	<-s.end
	return nil
}

var (
	hourly = Job{Spec: "0 * * * *"}
	daily  = Job{Spec: "30 8 * * *", CatchUp: true}
)

var tests = map[string]func(*house){
	"eight processes run every instant once": func(h *house) {
		var processes []*Scheduler
		for i := range 8 {
			processes = append(processes, h.scheduler(fmt.Sprint("p", i), Job{Spec: "*/10 * * * *", CatchUp: i%2 == 0}, nil))
		}
		for range 12 {
			at := h.set(h.clock().Add(10 * time.Minute))
			var all sync.WaitGroup
			for _, p := range processes {
				all.Go(func() {
					if err := p.Tick(context.Background(), at); err != nil {
						h.Error(err)
					}
				})
			}
			all.Wait()
		}
		seen := map[string]int{}
		for _, run := range h.runs {
			_, due, _ := strings.Cut(run, " ")
			seen[due]++
		}
		if len(seen) != 12 || len(h.runs) != 12 {
			h.Fatalf("%d runs of %d instants: %v; want 12 of 12", len(h.runs), len(seen), h.runs)
		}
	},
	"instants follow the clock of Shanghai": func(h *house) {
		p := h.scheduler("a", Job{Spec: "30 8 * * 1"}, nil)
		must(h, p.Tick(h.Context(), h.set(start.Add(29*time.Minute))))
		h.ran()
		if next := p.Next(start); !next.Equal(start.Add(30 * time.Minute)) {
			h.Fatalf("next at %s", next)
		}
		must(h, p.Tick(h.Context(), h.set(start.Add(30*time.Minute))))
		must(h, p.Tick(h.Context(), h.set(start.Add(31*time.Minute))))
		h.ran("a 08:30")
		h.history(p, "08:30 a 1 true ok")
	},
	"what was missed is caught up once, by one process, when asked for": func(h *house) {
		must(h, h.scheduler("old", daily, nil).Tick(h.Context(), start)) // registered, then everything was down for days
		h.set(start.Add(100 * time.Hour))
		a, b := h.scheduler("a", daily, nil), h.scheduler("b", daily, nil)
		for _, p := range []*Scheduler{a, b, a} {
			must(h, p.Tick(h.Context(), h.clock()))
		}
		h.ran("a 08:30")
		runs, err := a.History(h.Context(), "publish", 10)
		must(h, err)
		if want := time.Date(2026, 3, 6, 0, 30, 0, 0, time.UTC); len(runs) != 1 || !runs[0].Due.Equal(want) {
			h.Fatalf("got %v, want the newest missed instant, %s", runs, want)
		}
	},
	"what was missed is skipped when nobody asked to catch up": func(h *house) {
		must(h, h.scheduler("old", hourly, nil).Tick(h.Context(), start))
		p := h.scheduler("a", hourly, nil)
		must(h, p.Tick(h.Context(), h.set(start.Add(90*time.Minute))))
		h.ran()
		must(h, p.Tick(h.Context(), h.set(start.Add(2*time.Hour))))
		h.ran("a 10:00")
	},
	"a new job owes nothing for the time before it was known": func(h *house) {
		p := h.scheduler("a", Job{Spec: "0 3 1 * *", CatchUp: true}, nil)
		must(h, p.Tick(h.Context(), h.clock()))
		h.ran()
		h.history(p)
	},
	"a dead holder's run is taken over after its lease and not before": func(h *house) {
		dead := newStuck()
		a, b := h.scheduler("a", hourly, dead.work), h.scheduler("b", hourly, nil)
		due := h.set(start.Add(time.Hour))
		silent := make(chan error, 1)
		go func() { silent <- a.Tick(context.Background(), due) }()
		<-dead.begun
		must(h, b.Tick(h.Context(), h.set(due.Add(ttl-time.Second))))
		h.ran("a 09:00")
		must(h, b.Tick(h.Context(), h.set(due.Add(ttl))))
		h.ran("a 09:00", "b 09:00")
		close(dead.end) // it was not dead after all: it must not touch what b recorded
		want(h, <-silent, ErrLost)
		h.history(b, "09:00 b 2 true ok")
	},
	"a run whose holder still beats is not taken over": func(h *house) {
		long := newStuck()
		a, b := h.scheduler("a", hourly, long.work), h.scheduler("b", hourly, nil)
		beat := make(chan time.Time)
		a.beats = func() (<-chan time.Time, func()) { return beat, func() {} }
		due := h.set(start.Add(time.Hour))
		done := make(chan error, 1)
		go func() { done <- a.Tick(context.Background(), due) }()
		<-long.begun
		h.set(due.Add(ttl / 2))
		beat <- h.clock()
		beat <- h.clock() // taken when the first has been dealt with
		must(h, b.Tick(h.Context(), h.set(due.Add(ttl+time.Second))))
		close(long.end)
		must(h, <-done)
		h.ran("a 09:00")
		h.history(b, "09:00 a 1 true ok")
	},
	"a holder that learns it lost its run is stopped": func(h *house) {
		begun := make(chan struct{})
		a := h.scheduler("a", hourly, func(ctx context.Context) error {
			close(begun)
			<-ctx.Done()
			return ctx.Err()
		})
		beat := make(chan time.Time)
		a.beats = func() (<-chan time.Time, func()) { return beat, func() {} }
		due := h.set(start.Add(time.Hour))
		done := make(chan error, 1)
		go func() { done <- a.Tick(context.Background(), due) }()
		<-begun
		b := h.scheduler("b", hourly, nil)
		must(h, b.Tick(h.Context(), h.set(due.Add(ttl))))
		beat <- h.clock()
		want(h, <-done, ErrLost)
		h.history(b, "09:00 b 2 true ok")
	},
	"a run that kills every holder is left alone at last": func(h *house) {
		p := h.scheduler("a", hourly, nil)
		must(h, h.db.Write.WithContext(h.Context()).Exec(`INSERT INTO job_runs (job, due_at, holder, lease_until, attempts, started_at)
			VALUES ('publish', ?, 'dead', ?, ?, 0)`, gormx.At(start), gormx.At(start), maxAttempts).Error)
		must(h, p.Tick(h.Context(), h.set(start.Add(30*time.Minute))))
		h.ran()
		must(h, p.Tick(h.Context(), h.set(start.Add(time.Hour))))
		h.ran("a 09:00")
	},
	"a run that outlasts its period is not joined by the next": func(h *house) {
		for _, catchUp := range []bool{true, false} {
			long := newStuck()
			j := Job{Spec: "* * * * *", CatchUp: catchUp}
			first := true
			p := h.scheduler("a", j, func(ctx context.Context) error {
				if !first {
					return nil
				}
				first = false
				return long.work(ctx)
			})
			h.runs = nil
			due := h.set(h.clock().Add(time.Minute))
			done := make(chan error, 1)
			go func() { done <- p.Tick(context.Background(), due) }()
			<-long.begun
			next := h.set(due.Add(time.Minute - time.Second)).Add(time.Second)
			must(h, p.renewAll(h, due))
			must(h, p.Tick(h.Context(), h.set(next)))
			if len(h.runs) != 1 {
				h.Fatalf("catching up %v: ran %q while the first was under way", catchUp, h.runs)
			}
			close(long.end)
			must(h, <-done)
			must(h, p.Tick(h.Context(), next))
			if got, want := len(h.runs), map[bool]int{true: 2, false: 1}[catchUp]; got != want {
				h.Fatalf("catching up %v: ran %q, want %d runs", catchUp, h.runs, want)
			}
		}
	},
	"a failure is recorded by its code and never by its words": func(h *house) {
		refused := errs.New(errs.Invalid, "no_figures", "王五", "Wang Wu has none")
		for i, c := range []struct {
			err  error
			want string
		}{
			{fmt.Errorf("city: %w", refused), "failed: no_figures"},
			{errors.New("Wang Wu was here"), "failed: internal"},
			{fmt.Errorf("query: %w", context.DeadlineExceeded), "failed: over_time"},
		} {
			p := h.scheduler("a", hourly, func(context.Context) error { return c.err })
			at := h.set(start.Add(time.Duration(i+1) * time.Hour))
			want(h, p.Tick(h.Context(), at), c.err)
			runs, err := p.History(h.Context(), "publish", 1)
			must(h, err)
			if runs[0].Outcome != c.want || runs[0].Finished.IsZero() {
				h.Fatalf("got %+v, want %s", runs[0], c.want)
			}
		}
	},
	"a failed run that is caught up is tried again after a while": func(h *house) {
		caughtUp, fails := hourly, errors.New("the disk was full")
		caughtUp.CatchUp = true
		p := h.scheduler("a", caughtUp, func(context.Context) error { return fails })
		due := h.set(start.Add(time.Hour))
		want(h, p.Tick(h.Context(), due), fails)
		must(h, p.Tick(h.Context(), h.set(due.Add(retryAfter-time.Minute))))
		h.history(p, "09:00 a 1 false failed: internal")
		fails = nil
		must(h, p.Tick(h.Context(), h.set(due.Add(retryAfter))))
		h.history(p, "09:00 a 2 true ok")
	},
	"a job that panics fails and the others go on": func(h *house) {
		ran := false
		s, err := New(h.db, []Job{
			{Name: "publish", Spec: "0 * * * *", Run: func(context.Context, time.Time) error { panic("oops") }},
			{Name: "other", Spec: "0 * * * *", Run: func(context.Context, time.Time) error { ran = true; return nil }},
		}, "a", h.clock)
		must(h, err)
		if err := s.Tick(h.Context(), h.set(start.Add(time.Hour))); err == nil || !strings.Contains(err.Error(), "oops") || !ran {
			h.Fatalf("got %v, the other ran: %v", err, ran)
		}
		h.history(s, "09:00 a 1 true failed: internal")
	},
	"a job over its limit is told to stop": func(h *house) {
		limited := hourly
		limited.Limit = time.Nanosecond
		p := h.scheduler("a", limited, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		want(h, p.Tick(h.Context(), h.set(start.Add(time.Hour))), context.DeadlineExceeded)
		h.history(p, "09:00 a 1 true failed: over_time")
	},
	"a run cut short by a stop is taken over at once": func(h *house) {
		ctx, stop := context.WithCancel(h.Context())
		a := h.scheduler("a", hourly, func(ctx context.Context) error { stop(); <-ctx.Done(); return ctx.Err() })
		at := h.set(start.Add(time.Hour))
		want(h, a.Tick(ctx, at), context.Canceled)
		b := h.scheduler("b", hourly, nil)
		must(h, b.Tick(h.Context(), at))
		h.ran("a 09:00", "b 09:00")
		h.history(b, "09:00 b 2 true ok")
	},
	"running stops with its context and waits for the job under way": func(h *house) {
		must(h, h.scheduler("old", daily, nil).Tick(h.Context(), start))
		h.set(start.Add(24 * time.Hour))
		ctx, stop := context.WithCancel(h.Context())
		ended := false
		p := h.scheduler("a", daily, func(ctx context.Context) error {
			stop()
			<-ctx.Done()
			ended = true
			return nil
		})
		must(h, p.Run(ctx))
		if !ended {
			h.Fatal("it did not wait")
		}
		h.history(p, "08:30 a 1 true ok")
	},
	"of two who apply at once one is refused and told since when": func(h *house) {
		lease, err := Acquire(h.Context(), h.db, "apply 130100", "a", h.clock, time.Minute)
		must(h, err)
		h.set(start.Add(30 * time.Second))
		for _, holder := range []string{"a", "b"} {
			_, err = Acquire(h.Context(), h.db, "apply 130100", holder, h.clock, time.Minute)
			want(h, err, ErrHeld)
			e, _ := errs.As(err)
			if e.Kind != errs.Conflict || !strings.Contains(e.Zh, "2026-03-02T08:00:00+08:00") || !strings.Contains(e.En, "apply 130100") {
				h.Fatalf("the refusal says %q", e.Zh)
			}
		}
		_, err = Acquire(h.Context(), h.db, "apply 130200", "b", h.clock, time.Minute)
		must(h, err)
		must(h, lease.Release(h.Context()))
		_, err = Acquire(h.Context(), h.db, "apply 130100", "b", h.clock, time.Minute)
		must(h, err)
	},
	"a lease renewed stays, one that lapsed goes to another for good": func(h *house) {
		lease, err := Acquire(h.Context(), h.db, "apply", "a", h.clock, time.Minute)
		must(h, err)
		h.set(start.Add(50 * time.Second))
		must(h, lease.Renew(h.Context()))
		h.set(start.Add(100 * time.Second))
		_, err = Acquire(h.Context(), h.db, "apply", "b", h.clock, time.Minute)
		want(h, err, ErrHeld)
		h.set(start.Add(110 * time.Second))
		second, err := Acquire(h.Context(), h.db, "apply", "a", h.clock, time.Minute) // even of the same name
		must(h, err)
		want(h, lease.Renew(h.Context()), ErrLost)
		want(h, lease.Release(h.Context()), ErrLost)
		must(h, second.Renew(h.Context()))
	},
	"of twenty who reach for a lease one gets it": func(h *house) {
		var all sync.WaitGroup
		answers := make([]error, 20)
		for i := range answers {
			all.Go(func() {
				_, answers[i] = Acquire(context.Background(), h.db, "apply", fmt.Sprint("p", i), h.clock, time.Minute)
			})
		}
		all.Wait()
		got := 0
		for _, err := range answers {
			if err == nil {
				got++
			} else {
				want(h, err, ErrHeld)
			}
		}
		if got != 1 {
			h.Fatalf("%d got it", got)
		}
	},
}

// renewAll beats once for the run due then.
func (s *Scheduler) renewAll(h *house, due time.Time) error {
	return s.update(h.Context(), s.jobs[0], claim{due: due, attempt: 1}, `lease_until = ?`, gormx.At(h.clock().Add(ttl)))
}

func TestASpecThatCantBeReadOrNeverComesIsRefused(t *testing.T) {
	run := func(context.Context, time.Time) error { return nil }
	for _, spec := range []string{"", "* * * *", "0 0 0 * * *", "61 * * * *", "@daily", "@every 5m", "TZ=UTC", "CRON_TZ=UTC 0 * * * *", "0 0 30 2 *"} {
		if _, err := New(nil, []Job{{Name: "a", Spec: spec, Run: run}}, "p", time.Now); err == nil {
			t.Errorf("%q was taken", spec)
		}
	}
	for _, jobs := range [][]Job{{{Spec: "* * * * *", Run: run}}, {{Name: "a", Spec: "* * * * *"}}, {{Name: "a", Spec: "* * * * *", Run: run}, {Name: "a", Spec: "* * * * *", Run: run}}} {
		if _, err := New(nil, jobs, "p", time.Now); err == nil {
			t.Errorf("%v was taken", jobs)
		}
	}
}

func TestTheNewestInstantIsTheLastOneThatCountingForwardMeets(t *testing.T) {
	specs := []string{"* * * * *", "*/7 3-5 * * *", "30 8 * * 1", "0 3 1 * *", "0 0 29 2 *"}
	rapid.Check(t, func(r *rapid.T) {
		schedule, err := parse(rapid.SampledFrom(specs).Draw(r, "spec"))
		must(t, err)
		from := start.Add(time.Duration(rapid.Int64Range(0, int64(400*24*time.Hour)).Draw(r, "from")))
		at := from.Add(time.Duration(rapid.Int64Range(0, int64(3*24*time.Hour)).Draw(r, "later")))
		if got, want := latest(schedule, from, at), naive(schedule, from, at); !got.Equal(want) {
			r.Fatalf("from %s to %s: %s, want %s", from, at, got, want)
		}
	})
}

func naive(schedule cron.Schedule, from, at time.Time) (due time.Time) {
	for next := schedule.Next(from); !next.IsZero() && !next.After(at); next = schedule.Next(next) {
		due = next
	}
	return due
}
