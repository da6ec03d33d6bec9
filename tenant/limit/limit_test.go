package limit

import (
	"context"
	"errors"
	"testing"
	"time"

	"wangge/internal/errs"
)

// clock is a clock that stands still until it is set.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newClock() *clock { return &clock{time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)} }

// admitted is how many of n requests are let in.
func admitted(c *City, n int, report bool) (in int) {
	for range n {
		if c.Request(report) == nil {
			in++
		}
	}
	return in
}

func TestACityMayAskSoOftenAndIsToldWhenAgain(t *testing.T) {
	k := newClock()
	c := NewCity(Defaults().With(Limits{Requests: 20}), k.now)
	if in := admitted(c, 100, false); in != 20 {
		t.Errorf("at once: %d let in, want 20", in)
	}
	err := c.Request(false)
	shown, _ := errs.As(err)
	if !errors.Is(err, ErrRequests) || shown.Kind != errs.TooMany || shown.Retry != 50*time.Millisecond {
		t.Errorf("got %v, want it refused for 50 ms", err)
	}
	k.at = k.at.Add(50 * time.Millisecond)
	if err := c.Request(false); err != nil {
		t.Errorf("when it was told to: %v", err)
	}
	in := 0
	for range 100 { // ten seconds of ten times as much
		k.at = k.at.Add(100 * time.Millisecond)
		in += admitted(c, 20, false)
	}
	if in != 200 {
		t.Errorf("in ten seconds %d were let in, want 200", in)
	}
}

func TestAReportGetsInWhenTheDayIsBusy(t *testing.T) {
	k := newClock()
	c := NewCity(Defaults().With(Limits{Requests: 20, Queries: 20}), k.now)
	admitted(c, 100, false)
	if in := admitted(c, 10, true); in != 2 {
		t.Errorf("%d reports let in, want the tenth that is kept for them", in)
	}
	if in := admitted(c, 10, false); in != 0 {
		t.Errorf("%d others used what is kept for reports", in)
	}
	for range 20 {
		if _, err := c.Query(false); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Query(false); !errors.Is(err, ErrQueries) {
		t.Errorf("got %v, want no place for another", err)
	}
	done, err := c.Query(true)
	if err != nil {
		t.Fatalf("a report has no place: %v", err)
	}
	if _, err := c.Query(true); err != nil {
		t.Errorf("a second report has no place: %v", err)
	}
	if _, err := c.Query(true); !errors.Is(err, ErrQueries) {
		t.Errorf("got %v, want two places for reports", err)
	}
	done()
	done() // once more does no harm
	if _, err := c.Query(true); err != nil {
		t.Errorf("the place was not given back: %v", err)
	}
	if _, err := c.Query(true); !errors.Is(err, ErrQueries) {
		t.Errorf("got %v: the place was given back twice", err)
	}
}

func TestAPlaceIsGivenBack(t *testing.T) {
	c := NewCity(Defaults().With(Limits{Queries: 1}), newClock().now)
	done, err := c.Query(false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Query(false)
	if shown, _ := errs.As(err); !errors.Is(err, ErrQueries) || shown.Retry != time.Second {
		t.Errorf("got %v, want the second refused for a second", err)
	}
	done()
	if _, err := c.Query(false); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestStorageIsMeasuredNowAndThenAndAddedTo(t *testing.T) {
	k := newClock()
	c := NewCity(Defaults().With(Limits{Storage: 100}), k.now)
	held, asked := int64(60), 0
	room := func(n int64) error {
		return c.Room(context.Background(), n, func(context.Context) (int64, error) {
			asked++
			return held, nil
		})
	}
	if err := room(30); err != nil {
		t.Error(err)
	}
	if err := room(20); !errors.Is(err, ErrStorage) {
		t.Errorf("got %v, want 110 of 100 refused", err)
	}
	if err := room(10); err != nil || asked != 1 {
		t.Errorf("100 of 100: %v, measured %d times", err, asked)
	}
	k.at, held = k.at.Add(remeasure), 0 // somebody made room
	if err := room(100); err != nil || asked != 2 {
		t.Errorf("a minute later: %v, measured %d times", err, asked)
	}
	broken := errors.New("no answer")
	k.at = k.at.Add(remeasure)
	if err := c.Room(context.Background(), 1, func(context.Context) (int64, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v, want what went wrong", err)
	}
}

func TestUsersAndImportsAreCounted(t *testing.T) {
	c := NewCity(Defaults().With(Limits{Users: 3, Import: 2 << 20}), newClock().now)
	if err := c.User(2); err != nil {
		t.Errorf("the third: %v", err)
	}
	if err := c.User(3); !errors.Is(err, ErrUsers) {
		t.Errorf("the fourth: got %v", err)
	}
	if most, err := c.ImportSize(2 << 20); err != nil || most != 2<<20 {
		t.Errorf("a file of the largest size: %d, %v", most, err)
	}
	if most, err := c.ImportSize(-1); err != nil || most != 2<<20 {
		t.Errorf("a file of unknown size: %d, %v", most, err)
	}
	if _, err := c.ImportSize(2<<20 + 1); !errors.Is(err, ErrImport) {
		t.Errorf("a larger file: got %v", err)
	}
}

func TestACityHasTheDefaultsUntilItHasItsOwn(t *testing.T) {
	k := newClock()
	r := NewRegister(Defaults().With(Limits{Requests: 5}), k.now)
	if in := admitted(r.City("130100"), 20, false); in != 5 {
		t.Errorf("by default %d let in, want 5", in)
	}
	if in := admitted(r.City("130200"), 20, false); in != 5 {
		t.Errorf("another city: %d let in, want 5 of its own", in)
	}
	done, err := r.City("130100").Query(false)
	if err != nil {
		t.Fatal(err)
	}
	r.Set(map[string]Limits{"130100": {Requests: 8, Queries: 1}, "130200": {}})
	if in := admitted(r.City("130100"), 20, false); in != 8 {
		t.Errorf("by its own limit %d let in, want 8", in)
	}
	if in := admitted(r.City("130200"), 20, false); in != 0 {
		t.Errorf("where nothing changed %d more were let in", in)
	}
	if _, err := r.City("130100").Query(false); !errors.Is(err, ErrQueries) {
		t.Errorf("got %v: a place taken before was forgotten", err)
	}
	done()
	before := r.City("999999")
	r.Set(map[string]Limits{"130100": {}})
	if r.City("999999") == before {
		t.Error("a code without a city is kept for ever")
	}
}

func TestLimitsThatThereAreNotAreRefused(t *testing.T) {
	if err := (Limits{Requests: 1, Import: 1 << 30}).Check(); err != nil {
		t.Errorf("good limits: %v", err)
	}
	for _, l := range []Limits{{Requests: 0}, {Users: -1}, {"colour": 5}} {
		if errs.KindOf(l.Check()) != errs.Invalid {
			t.Errorf("%v: got %v, want it refused", l, l.Check())
		}
	}
	for what, value := range Defaults() {
		if value < 1 || Unlimited()[what] < value {
			t.Errorf("%s is %d by default, %d without limit", what, value, Unlimited()[what])
		}
	}
}
