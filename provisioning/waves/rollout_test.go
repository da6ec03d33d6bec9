package waves_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/migrations"
	"wangge/provisioning"
	"wangge/provisioning/provisioningdb"
	"wangge/provisioning/waves"
)

const level = 10

var noon = time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)

// fleet is cities without a database: what matters here is who is raised when.
type fleet struct {
	mu        sync.Mutex
	at        map[string]int64
	sick      map[string]error
	raised    []string
	rehearsed []string
	now       int // being raised
	most      int
	pause     chan struct{} // what a raising waits for, when it is not nil
}

func (f *fleet) Level(_ context.Context, code string) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at[code], nil
}

func (f *fleet) Raise(_ context.Context, code string, rehearse bool) error {
	f.mu.Lock()
	f.now++
	f.most = max(f.most, f.now)
	f.mu.Unlock()
	if f.pause != nil {
		<-f.pause
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now--
	if err := f.sick[code]; err != nil {
		return err
	}
	f.at[code] = level
	f.raised = append(f.raised, code)
	if rehearse {
		f.rehearsed = append(f.rehearsed, code)
	}
	return nil
}

// province is a real record of rollouts and a fleet of n cities at the level before.
type province struct {
	*waves.Rollout
	t     *testing.T
	db    *gormx.DB
	fleet *fleet
	list  []waves.City
}

// provinces runs test on each engine.
func provinces(t *testing.T, n int, test func(t *testing.T, p *province)) {
	testdb.Engines(t, func(t *testing.T, db *gormx.DB) {
		if _, err := migrations.Up(t.Context(), db, migrations.Province); err != nil {
			t.Fatal(err)
		}
		clock := func() time.Time { return noon }
		ledger := provisioningdb.New(db, "test", clock)
		p := &province{t: t, db: db, fleet: &fleet{at: map[string]int64{}, sick: map[string]error{}}}
		for _, code := range cities(n) {
			if err := ledger.Reserve(t.Context(), provisioning.Reservation{Code: code, Name: code, Model: "two", Engine: db.Engine, At: noon}); err != nil {
				t.Fatal(err)
			}
			p.fleet.at[code] = level - 1
			p.list = append(p.list, waves.City{Code: code, Level: level - 1})
		}
		p.Rollout = &waves.Rollout{Cities: p.fleet, Record: ledger.Rollouts(), Level: level, Now: clock}
		test(t, p)
	})
}

// up runs the rollout, with the levels that the registry has by now, and returns
// which waves began.
func (p *province) up(o waves.Options) (out waves.Outcome, began []string, err error) {
	for i, c := range p.list {
		if slices.Contains(p.fleet.raised, c.Code) {
			p.list[i].Level = level
		}
	}
	out, err = p.Up(p.t.Context(), p.list, o, func(wave, of int, city string, _ time.Duration, _ error) {
		if city == "" {
			began = append(began, fmt.Sprintf("%d/%d", wave, of))
		}
	})
	return out, began, err
}

func (p *province) entries() (list []waves.Entry) {
	p.t.Helper()
	list, err := p.Record.Entries(p.t.Context(), level)
	if err != nil {
		p.t.Fatal(err)
	}
	return list
}

func TestCitiesAreRaisedWaveByWave(t *testing.T) {
	provinces(t, 12, func(t *testing.T, p *province) {
		out, began, err := p.up(waves.Options{Canary: "130105", Parallel: 3})
		if err != nil || out != (waves.Outcome{Level: level, Raised: 12}) {
			t.Fatalf("got %+v (%v), want twelve raised", out, err)
		}
		if !slices.Equal(began, []string{"1/3", "2/3", "3/3"}) {
			t.Errorf("waves began %v", began)
		}
		r := p.fleet.raised
		if r[0] != "130105" || !slices.Equal(slices.Sorted(slices.Values(r[1:3])), []string{"130100", "130101"}) {
			t.Errorf("raised in the order %v, want the canary, a tenth, the rest", r)
		}
		for _, e := range p.entries() {
			if e.State != waves.Done || !e.FinishedAt.Equal(noon) {
				t.Errorf("remembered is %+v, want it done", e)
			}
		}
		out, began, err = p.up(waves.Options{})
		if err != nil || out.AsWere != 12 || out.Raised != 0 || len(began) > 0 || len(p.fleet.raised) != 12 {
			t.Errorf("again: got %+v, %v, %v, want nothing done", out, began, err)
		}
	})
}

func TestTheCanaryAndSomeOfEveryWaveRehearse(t *testing.T) {
	provinces(t, 12, func(t *testing.T, p *province) {
		if _, _, err := p.up(waves.Options{Rehearse: 4}); err != nil {
			t.Fatal(err)
		}
		// the canary; the first of the second wave, 01 and 02; every fourth of 03 to 11
		if got := slices.Sorted(slices.Values(p.fleet.rehearsed)); !slices.Equal(got, []string{"130100", "130101", "130103", "130107", "130111"}) {
			t.Errorf("rehearsed were %v", got)
		}
	})
}

func TestNoMoreAreRaisedAtOnceThanAllowed(t *testing.T) {
	provinces(t, 9, func(t *testing.T, p *province) {
		p.fleet.pause = make(chan struct{})
		go func() {
			for range 9 {
				p.fleet.pause <- struct{}{}
			}
		}()
		if _, _, err := p.up(waves.Options{Sizes: []waves.Size{{Percent: 100}}, Parallel: 3}); err != nil {
			t.Fatal(err)
		}
		if p.fleet.most > 3 {
			t.Errorf("%d at once, want at most 3", p.fleet.most)
		}
	})
}

func TestARolloutHaltsAtTheFirstFailureAndGoesOnFromThere(t *testing.T) {
	provinces(t, 12, func(t *testing.T, p *province) {
		reason := errs.New(errs.Conflict, "column_exists", "列已存在", "the column exists")
		p.fleet.sick["130102"] = fmt.Errorf("with a name in it: %w", reason)
		out, began, err := p.up(waves.Options{Parallel: 1})
		if !errors.Is(err, waves.ErrHalted) || !errors.Is(err, reason) || !strings.Contains(err.Error(), "wave 2 was halted at city 130102") {
			t.Fatalf("got %v, want it halted with the city and the reason", err)
		}
		if out.Raised != 2 || out.Waiting != 10 || !slices.Equal(began, []string{"1/3", "2/3"}) {
			t.Errorf("got %+v, %v, want the canary and one more, and no third wave", out, began)
		}
		failed := p.entries()[2]
		if failed.City != "130102" || failed.State != waves.Failed || failed.Reason != "column_exists" {
			t.Errorf("remembered is %+v, want the city, and of the reason its code", failed)
		}
		delete(p.fleet.sick, "130102")
		out, began, err = p.up(waves.Options{Sizes: []waves.Size{{Percent: 100}}})
		if err != nil || out.Raised != 10 || out.AsWere != 2 || !slices.Equal(began, []string{"2/3", "3/3"}) {
			t.Errorf("afterwards: got %+v, %v, %v, want it to go on in the waves it had", out, began, err)
		}
		if n := len(slices.Compact(slices.Sorted(slices.Values(p.fleet.raised)))); n != 12 || len(p.fleet.raised) != 12 {
			t.Errorf("raised %v, want every city once", p.fleet.raised)
		}
	})
}

func TestAWaveMayBeTheLastForNow(t *testing.T) {
	provinces(t, 12, func(t *testing.T, p *province) {
		out, _, err := p.up(waves.Options{Last: 1})
		if err != nil || out.Raised != 1 || out.Waiting != 11 {
			t.Fatalf("got %+v, %v, want the canary alone raised", out, err)
		}
		if _, _, err := p.up(waves.Options{Canary: "130111"}); !errors.Is(err, waves.ErrOtherCanary) {
			t.Errorf("another canary afterwards: got %v, want it refused", err)
		}
		if out, _, err := p.up(waves.Options{}); err != nil || out.Raised != 11 || out.AsWere != 1 {
			t.Errorf("gone on: got %+v, %v", out, err)
		}
	})
}

func TestACityCutOffRestoredOrNewIsRaisedToo(t *testing.T) {
	provinces(t, 4, func(t *testing.T, p *province) {
		late := p.list[3]
		p.list = p.list[:3]
		if _, _, err := p.up(waves.Options{}); err != nil {
			t.Fatal(err)
		}
		cut := p.entries()[1]
		cut.State = waves.Started
		if err := p.Record.Set(t.Context(), level, cut); err != nil {
			t.Fatal(err)
		}
		restored := p.entries()[2].City
		p.fleet.at[restored] = level - 1
		p.list = append(p.list, late)
		out, _, err := p.up(waves.Options{})
		again := slices.Sorted(slices.Values(p.fleet.raised[3:]))
		if want := slices.Sorted(slices.Values([]string{cut.City, restored, late.Code})); err != nil || !slices.Equal(again, want) {
			t.Errorf("raised %v (%+v, %v), want %v", again, out, err, want)
		}
	})
}

func TestOfTwoRolloutsOneIsRefused(t *testing.T) {
	provinces(t, 2, func(t *testing.T, p *province) {
		_, unlock, err := provisioningdb.New(p.db, "another", func() time.Time { return noon }).Rollouts().Lock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := p.up(waves.Options{}); !errors.Is(err, provisioningdb.ErrRollingOut) || !strings.Contains(err.Error(), "under way by another") {
			t.Errorf("got %v, want it refused with who is at it", err)
		}
		if len(p.fleet.raised)+len(p.entries()) > 0 {
			t.Error("the one refused raised or planned a city")
		}
		unlock()
		if _, _, err := p.up(waves.Options{}); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestACityThatIsBeyondTheLevelIsLeftAlone(t *testing.T) {
	provinces(t, 2, func(t *testing.T, p *province) {
		p.fleet.at["130100"], p.list[0].Level = level+1, level+1
		out, _, err := p.up(waves.Options{})
		if err != nil || !slices.Equal(p.fleet.raised, []string{"130101"}) || out.AsWere != 1 {
			t.Errorf("raised %v (%+v, %v), want the one behind alone", p.fleet.raised, out, err)
		}
	})
}
