package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"wangge/internal/schedule"
	"wangge/platform"
	"wangge/tenant"
)

// ServeOptions say how the platform is served.
type ServeOptions struct {
	Listen string
	TLS    bool // TLS ends before the server
	Jobs   bool // run what is due by the clock
}

// grace is how long requests under way may take after the server was told to
// end; the chart gives a pod a little more.
const grace = 30 * time.Second

// Serve answers requests and runs the jobs until ctx ends, then lets what is
// under way finish. Ready is called with the address once it listens.
func Serve(ctx context.Context, a *App, o ServeOptions, ready func(address string)) error {
	handler, err := a.Handler(o)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, WriteTimeout: 2 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 2)
	running, stop := context.WithCancel(ctx)
	defer stop()
	jobs, err := a.startJobs(running, o, failed)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	go a.watch(running)
	go func() { failed <- server.Serve(listener) }()
	ready(listener.Addr().String())
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	stop()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	shutdown := server.Shutdown(ending)
	<-jobs
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, shutdown)
}

// watchEvery is how soon a city that was applied anew is served as it is now.
const watchEvery = 2 * time.Second

// watch lets cities whose entry in the registry changed be opened anew: another
// process may have applied a spec with other shifts, or closed the city.
func (a *App) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var known map[string]platform.City
	for {
		fresh, err := a.reopen(ctx, known)
		if err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "the registry could not be read", "err", err)
		}
		known = fresh
		if err := a.Cities.Rest(time.Now().Add(-restAfter)); err != nil {
			slog.WarnContext(ctx, "a city that rests did not close cleanly", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// reopen forgets the open cities whose entry differs from the known one and
// returns the registry as it is; known as it was when it can't be read.
func (a *App) reopen(ctx context.Context, known map[string]platform.City) (map[string]platform.City, error) {
	if err := a.Bound(ctx); err != nil {
		return known, err
	}
	list, err := a.Registry.Cities(ctx)
	if err != nil {
		return known, err
	}
	fresh := make(map[string]platform.City, len(list))
	for _, c := range list {
		fresh[c.Code] = c
		before, ok := known[c.Code]
		id, err := tenant.ParseID(c.Code)
		if err == nil && ok && (before.SpecHash != c.SpecHash || before.State != c.State || before.Generation != c.Generation || before.Level != c.Level) {
			err = errors.Join(a.Cities.Forget(id), a.visits.Forget(ctx, c.Code))
		}
		if err != nil {
			return known, err
		}
	}
	return fresh, nil
}

// Bound holds every city to the limits that the registry gives it by now.
func (a *App) Bound(ctx context.Context) error {
	own, err := a.Registry.Limits(ctx)
	if err == nil {
		a.Limits.Set(own)
	}
	return err
}

// startJobs runs the scheduler; the channel is closed when it has ended.
func (a *App) startJobs(ctx context.Context, o ServeOptions, failed chan<- error) (<-chan struct{}, error) {
	done := make(chan struct{})
	if !o.Jobs {
		close(done)
		return done, nil
	}
	scheduler, err := schedule.New(a.Province, a.Jobs(), Holder(), a.Config.Now)
	if err != nil {
		return nil, err
	}
	go func() {
		defer close(done)
		if err := scheduler.Run(ctx); err != nil {
			failed <- err
		}
	}()
	return done, nil
}
