package tenantdb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"wangge/internal/gormx"
	"wangge/tenant"
	"wangge/tenant/tenantdb"
)

// files opens a file for each city and remembers what it opened.
type files struct {
	dir string

	mu     sync.Mutex
	opened map[string]int
	dbs    map[*tenant.City]*gormx.DB
	fail   error         // what opening answers, when set
	gate   chan struct{} // opening waits for it, when set
}

func newFiles(t *testing.T) *files {
	return &files{dir: t.TempDir(), opened: map[string]int{}, dbs: map[*tenant.City]*gormx.DB{}}
}

func (f *files) open(_ context.Context, id tenant.ID) (*tenant.City, *gormx.DB, error) {
	if f.gate != nil {
		<-f.gate
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened[id.String()]++
	if f.fail != nil {
		return nil, nil, f.fail
	}
	db, err := gormx.OpenSQLite(filepath.Join(f.dir, id.String()+".db"), gormx.Normal)
	if err != nil {
		return nil, nil, err
	}
	city := &tenant.City{ID: id}
	f.dbs[city] = db
	return city, db, nil
}

// ask runs a query in the city's database.
func (f *files) ask(t *testing.T, city *tenant.City) error {
	f.mu.Lock()
	db := f.dbs[city]
	f.mu.Unlock()
	return db.Ping(t.Context())
}

func (f *files) times(id tenant.ID) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opened[id.String()]
}

func cityID(t *testing.T, n int) tenant.ID {
	t.Helper()
	id, err := tenant.ParseID(fmt.Sprintf("13%02d00", n))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// use uses a city for a moment and returns it.
func use(t *testing.T, c *tenantdb.Cities, f *files, id tenant.ID) (city *tenant.City) {
	t.Helper()
	err := c.Use(t.Context(), id, func(open *tenant.City) error {
		city = open
		return f.ask(t, open)
	})
	if err != nil {
		t.Fatal(err)
	}
	return city
}

func TestOpenCitiesAreBoundedAndTheLongestIdleGoesFirst(t *testing.T) {
	f := newFiles(t)
	c := tenantdb.NewCities(f.open, 2)
	first := use(t, c, f, cityID(t, 1))
	use(t, c, f, cityID(t, 2))
	if again := use(t, c, f, cityID(t, 1)); again != first || f.times(cityID(t, 1)) != 1 {
		t.Error("a city held open was opened again")
	}
	use(t, c, f, cityID(t, 3)) // 2 is the longest idle
	if n := c.Open(); n != 2 {
		t.Errorf("%d cities are open, want 2", n)
	}
	use(t, c, f, cityID(t, 1))
	use(t, c, f, cityID(t, 2))
	for n, want := range map[int]int{1: 1, 2: 2, 3: 1} {
		if got := f.times(cityID(t, n)); got != want {
			t.Errorf("city %d was opened %d times, want %d", n, got, want)
		}
	}
	if err := c.Close(); err != nil || c.Open() != 0 {
		t.Errorf("closing: %v, %d left open", err, c.Open())
	}
}

func TestACityInUseIsNeverClosed(t *testing.T) {
	f := newFiles(t)
	c := tenantdb.NewCities(f.open, 2)
	var wg sync.WaitGroup
	for worker := range 6 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 1))
			for range 60 {
				id := cityID(t, 1+random.IntN(8))
				err := c.Use(t.Context(), id, func(city *tenant.City) error {
					if city.ID != id {
						return fmt.Errorf("got city %s for %s", city.ID, id)
					}
					return errors.Join(f.ask(t, city), f.ask(t, city))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := c.Open(); n > 2 {
		t.Errorf("%d idle cities are open, want 2 at most", n)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for city := range f.dbs {
		if f.ask(t, city) == nil {
			t.Fatalf("a database of %s is still open", city.ID)
		}
	}
}

func TestManyWhoAskAtOnceWaitForOneOpening(t *testing.T) {
	f := newFiles(t)
	f.gate = make(chan struct{})
	c := tenantdb.NewCities(f.open, 2)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { use(t, c, f, cityID(t, 1)) })
	}
	close(f.gate)
	wg.Wait()
	if n := f.times(cityID(t, 1)); n != 1 {
		t.Errorf("the city was opened %d times", n)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestAnOpeningThatFailedIsTriedAgain(t *testing.T) {
	f := newFiles(t)
	f.fail = errors.New("the disk is away")
	c := tenantdb.NewCities(f.open, 2)
	for range 2 {
		if err := c.Use(t.Context(), cityID(t, 1), func(*tenant.City) error { return nil }); !errors.Is(err, f.fail) {
			t.Errorf("got %v, want %v", err, f.fail)
		}
	}
	if n := c.Open(); n != 0 {
		t.Errorf("%d cities that failed are held", n)
	}
	f.fail = nil
	use(t, c, f, cityID(t, 1))
	if n := f.times(cityID(t, 1)); n != 3 {
		t.Errorf("opening was tried %d times, want 3", n)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhoGivesUpWaitingLeavesTheOpeningToOthers(t *testing.T) {
	f := newFiles(t)
	f.gate = make(chan struct{})
	c := tenantdb.NewCities(f.open, 2)
	opener := make(chan error)
	go func() {
		opener <- c.Use(t.Context(), cityID(t, 1), func(city *tenant.City) error { return f.ask(t, city) })
	}()
	for c.Open() == 0 { // until the first has begun
		if t.Context().Err() != nil {
			t.Fatal("nobody began to open")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Use(ctx, cityID(t, 1), func(*tenant.City) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it given up", err)
	}
	close(f.gate)
	if err := <-opener; err != nil {
		t.Error(err)
	}
	use(t, c, f, cityID(t, 1))
	if n := f.times(cityID(t, 1)); n != 1 {
		t.Errorf("the city was opened %d times", n)
	}
}

func TestACityForgottenWhileInUseIsOpenedAnewForTheNext(t *testing.T) {
	f := newFiles(t)
	c := tenantdb.NewCities(f.open, 2)
	city, release, err := c.Take(t.Context(), cityID(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Forget(cityID(t, 1)); err != nil {
		t.Fatal(err)
	}
	again := use(t, c, f, cityID(t, 1))
	if again == city || f.ask(t, city) != nil {
		t.Error("the next use must open the city anew, and the one under way go on")
	}
	release()
	if f.ask(t, city) == nil {
		t.Error("the city as it was opened first is still open after its last use")
	}
	if kept := use(t, c, f, cityID(t, 1)); kept != again || c.Open() != 1 {
		t.Errorf("%d cities are open, want the new one alone", c.Open())
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestAForgottenCityIsOpenedAnew(t *testing.T) {
	f := newFiles(t)
	c := tenantdb.NewCities(f.open, 2)
	city, release, err := c.Take(t.Context(), cityID(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	release()
	release() // the second does nothing
	if err := c.Forget(cityID(t, 1)); err != nil || c.Open() != 0 {
		t.Errorf("an idle city is held: %v", err)
	}
	if again := use(t, c, f, cityID(t, 1)); again == city {
		t.Error("the forgotten city came back")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestAfterCloseNothingOpensAndACityInUseIsClosedWhenItsUseEnds(t *testing.T) {
	f := newFiles(t)
	c := tenantdb.NewCities(f.open, 2)
	city, release, err := c.Take(t.Context(), cityID(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Use(t.Context(), cityID(t, 2), func(*tenant.City) error { return nil }); err == nil {
		t.Error("a city was opened after the end")
	}
	if err := f.ask(t, city); err != nil {
		t.Errorf("a city in use was closed: %v", err)
	}
	release()
	if err := f.ask(t, city); err == nil || c.Open() != 0 {
		t.Error("the city in use stayed open after its use")
	}
}

func TestACityThatNobodyCallsIsClosed(t *testing.T) {
	f := newFiles(t)
	c := tenantdb.NewCities(f.open, 10)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	old, fresh, used := cityID(t, 1), cityID(t, 2), cityID(t, 3)
	_, release, err := c.Take(t.Context(), used)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	use(t, c, f, old)
	since := time.Now()
	use(t, c, f, fresh)
	if err := c.Rest(since); err != nil {
		t.Fatal(err)
	}
	if n := c.Open(); n != 2 {
		t.Errorf("%d cities are open, want the one used and the one called since", n)
	}
	use(t, c, f, old)
	if n := f.times(old); n != 2 {
		t.Errorf("the one that rested was opened %d times, want twice", n)
	}
	if n := f.times(fresh) + f.times(used); n != 2 {
		t.Errorf("the others were opened %d times, want once each", n)
	}
}
