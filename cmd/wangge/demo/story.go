// Package demo tells the story of a sample province on an injected clock: its
// cities are provisioned from real administrative divisions as an operator
// would, live for some months through the same services that requests use, and
// end where the province wanted to be: one city accepted, one sent back with
// its shortcomings, the month's ranking. It owns nothing of the product.
package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"wangge/cmd/wangge/app"
	"wangge/internal/errs"
	"wangge/internal/schedule"
	"wangge/provisioning"
	"wangge/tenant"
	"wangge/tenant/division"
)

// Options choose the story. The same options tell the same figures.
type Options struct {
	Province string
	Cities   int // 0: all of the province
	Months   int
	Cases    int // reports a city-month, at least
	Seed     uint64
}

// lastMonth is the month of the ranking that the story ends with: the newest
// whose holidays and make-up days are known.
var lastMonth = time.Date(2026, 10, 1, 0, 0, 0, 0, app.Zone)

// maxMonths is as far back as the calendar's holidays go.
const maxMonths = 12

func (o Options) check(atlas *division.Atlas) (division.Division, error) {
	var faults []errs.Problem
	fault := func(field, zh, en string) {
		faults = append(faults, errs.Problem{Field: "--" + field, Zh: zh, En: en})
	}
	province, ok := atlas.Province(o.Province)
	if !ok {
		fault("province", "没有两位代码为 "+o.Province+" 的省份", "no province has the two-digit code "+o.Province)
	}
	if o.Cities < 0 || o.Cities > 0 && o.Cities < 4 {
		fault("cities", "至少 4 个城市（0 表示全部）", "at least 4 cities (0: all)")
	}
	if o.Months < 1 || o.Months > maxMonths {
		fault("months", fmt.Sprintf("月数为 1–%d", maxMonths), fmt.Sprintf("1 to %d months", maxMonths))
	}
	if o.Cases < 350 || o.Cases > 20000 {
		fault("cases", "每城每月案卷数为 350–20000", "350 to 20000 cases a city-month")
	}
	return province, errs.Problems(faults...)
}

// stage is the story under way.
type stage struct {
	Options
	province division.Division
	app      *app.App
	clock    *clock
	towns    []*town
	err      io.Writer // progress
	mu       sync.Mutex
	began    time.Time
	password string
}

// Tell tells the story in an empty data folder and returns what came of it with
// the platform open, its clock going on from the story's end. Progress goes to w.
func Tell(ctx context.Context, o Options, data string, w io.Writer) (story *Story, a *app.App, err error) {
	atlas, err := division.Load()
	if err != nil {
		return nil, nil, err
	}
	s := &stage{Options: o, err: w, began: time.Now(), password: "demo-" + strings.ToLower(rand.Text()[:8])}
	if s.province, err = o.check(atlas); err != nil {
		return nil, nil, err
	}
	if s.towns, err = choose(atlas, o); err != nil {
		return nil, nil, err
	}
	if len(s.towns) < 2 {
		return nil, nil, errNoCities.With(o.Province)
	}
	first := lastMonth.AddDate(0, 1-o.Months, 0)
	s.clock = newClock(first)
	rubric, err := o.rubric()
	if err != nil {
		return nil, nil, err
	}
	cfg := app.Config{Data: data, Now: s.clock.Now, OpenCities: len(s.towns), ClockOf: s.clockOf(), Rubric: &rubric,
		Issuer: s.province.Name + "（演示数据 demonstration）"}
	if s.app, err = app.Open(ctx, cfg); err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			_ = s.app.Close()
		}
	}()
	for _, part := range []func(context.Context) error{
		s.appoint, s.provision,
		func(ctx context.Context) error { return s.live(ctx, first) },
		s.accept,
	} {
		if err := part(ctx); err != nil {
			return nil, nil, err
		}
	}
	story, err = s.tell(ctx)
	s.clock.run()
	for _, t := range s.towns {
		t.clock.run()
	}
	return story, s.app, err
}

// clockOf gives every city a clock of its own, so that cities can live their
// months beside each other.
func (s *stage) clockOf() func(tenant.ID) func() time.Time {
	clocks := map[tenant.ID]*clock{}
	for _, t := range s.towns {
		t.clock = newClock(s.clock.Now())
		clocks[t.id] = t.clock
	}
	return func(id tenant.ID) func() time.Time {
		if c := clocks[id]; c != nil {
			return c.Now
		}
		return s.clock.Now
	}
}

// say prints a line of progress.
func (s *stage) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.err, "%6.1fs  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// each lets all towns do something, twice as many at once as there are
// processors, since a commit now and then waits for the disk.
func (s *stage) each(ctx context.Context, do func(ctx context.Context, t *town) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * runtime.GOMAXPROCS(0))
	for _, t := range s.towns {
		group.Go(func() error { return do(ctx, t) })
	}
	return group.Wait()
}

// provision builds every city from a spec file, as `wangge city apply` does.
func (s *stage) provision(ctx context.Context) error {
	dir := filepath.Join(s.app.Config.Data, "specs")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	models := provisioning.Models()
	place := map[*town]int{}
	for i, t := range s.towns {
		place[t] = i
	}
	return s.each(ctx, func(ctx context.Context, t *town) error {
		path, err := t.write(s.app.Atlas, dir, models[place[t]%len(models)])
		if err != nil {
			return err
		}
		spec, err := provisioning.ReadSpec(path, s.app.Atlas)
		if err != nil {
			return err
		}
		began := time.Now()
		result, err := s.app.Provision.Apply(ctx, spec, func(provisioning.Step, int, int, time.Duration, string, error) {})
		if err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		s.say("建成 built %s %s：%d 个单元网格 unit grids，%.1f s", t.Code, t.Name, t.grids, time.Since(began).Seconds())
		return s.app.Cities.Use(ctx, t.id, func(city *tenant.City) (err error) {
			if err := s.settle(ctx, t, city, result.Invitations); err != nil {
				return err
			}
			t.life, err = begin(ctx, t, city)
			return err
		})
	})
}

// settle lets the first holder of each post accept the invitation, and the
// administrator of the strong city complete the catalogue.
func (s *stage) settle(ctx context.Context, t *town, city *tenant.City, invited []provisioning.Invitation) error {
	for _, i := range invited {
		if i.Login != "admin" && !strings.HasSuffix(i.Login, "01") {
			continue
		}
		if err := city.Accounts.Accept(ctx, i.Token, s.password); err != nil {
			return err
		}
	}
	if t.strong {
		return complete(ctx, city)
	}
	return nil
}

// live lets the months pass. The province's jobs run at their instants by the
// platform's own scheduler; between two of them the cities live beside each other.
func (s *stage) live(ctx context.Context, first time.Time) (err error) {
	var jobs *schedule.Scheduler
	end := lastMonth.AddDate(0, 1, 9).Add(9 * time.Hour)
	for n := range s.Months + 1 {
		month := first.AddDate(0, n, 0)
		for _, t := range s.towns {
			t.life.month(month, end)
		}
		if n == 0 { // nothing lies behind the first month
			continue
		}
		if err := s.until(ctx, month); err != nil {
			return err
		}
		if jobs == nil {
			if jobs, err = schedule.New(s.app.Province, s.app.Jobs(), app.Holder(), s.clock.Now); err != nil {
				return err
			}
		}
		for _, at := range []time.Time{month.Add(3 * time.Hour), month.AddDate(0, 0, 9).Add(6 * time.Hour)} {
			if err := s.until(ctx, at); err != nil {
				return err
			}
			if err := jobs.Tick(ctx, at); err != nil {
				return err
			}
		}
		s.say("%s 已出账、已排名 billed and ranked；共 %d 件案卷 cases so far", first.AddDate(0, n-1, 0).Format("2006-01"), s.cases())
	}
	return s.until(ctx, end)
}

// until lets every city live to an instant, then the province's clock follows.
func (s *stage) until(ctx context.Context, at time.Time) error {
	err := s.each(ctx, func(ctx context.Context, t *town) error {
		return s.app.Cities.Use(ctx, t.id, func(city *tenant.City) error { return t.life.run(ctx, city, at) })
	})
	s.clock.set(at)
	return err
}

func (s *stage) cases() (n int) {
	for _, t := range s.towns {
		n += t.life.cases
	}
	return n
}
