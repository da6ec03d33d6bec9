package exchange_test

import (
	"context"
	"errors"
	"testing"

	"wangge/internal/errs"
	"wangge/internal/testdb"
	"wangge/platform/exchange"
	"wangge/tenant/casework"
	"wangge/tenant/citytest"
	"wangge/tenant/org"
)

var errNowhere = errs.New(errs.NotFound, "no_such_city", "没有这个城市", "no such city")

// roads leads to the cities of a test.
func roads[T any](t *testing.T, houses ...*citytest.House) exchange.Door[T] {
	return func(_ context.Context, city string, fn func(T) error) error {
		for _, h := range houses {
			if h.City.ID.String() != city {
				continue
			}
			part, ok := any(h.City.Cases).(T)
			if !ok {
				t.Fatal("the casework has another shape")
			}
			return fn(part)
		}
		return errNowhere
	}
}

func TestATransferIsHandedOnOnceAndAnsweredFor(t *testing.T) {
	one := citytest.Build(t, testdb.SQLite(t), citytest.Lattice(4, 4))
	two := citytest.Build(t, testdb.SQLite(t), citytest.Code("620200"), citytest.Lattice(4, 4))
	relay := func() int {
		t.Helper()
		n, err := exchange.Relay(t.Context(), "150300", roads[exchange.Sender](t, one, two), roads[exchange.Receiver](t, one, two))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	send := func(city string) *casework.Case {
		t.Helper()
		c, err := one.City.Cases.Report(t.Context(), one.Report())
		if err == nil {
			c, err = one.City.Cases.Do(t.Context(), casework.ActionTransfer, casework.Command{Number: c.Number, By: one.Actor(org.ShiftLeader), Note: "跨市道路", City: city})
		}
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	stage := func(c *casework.Case) casework.Stage {
		t.Helper()
		now, err := one.City.Cases.Case(t.Context(), c.Number)
		if err != nil {
			t.Fatal(err)
		}
		return now.Stage
	}
	outside := send("620200") // the place lies in none of its grids
	if n := relay(); n != 1 || stage(outside) != casework.StageReported {
		t.Errorf("settled %d, at %s", n, stage(outside))
	}
	nowhere := send("999900")
	if n := relay(); n != 1 || stage(nowhere) != casework.StageReported {
		t.Errorf("to a city that is not there: settled %d, at %s", n, stage(nowhere))
	}
	if n := relay(); n != 0 {
		t.Errorf("with nothing on its way %d are settled", n)
	}
}

func TestACityThatCannotBeReachedLeavesItsTransferWaiting(t *testing.T) {
	one := citytest.Build(t, testdb.SQLite(t), citytest.Lattice(4, 4))
	c, err := one.City.Cases.Report(t.Context(), one.Report())
	if err == nil {
		_, err = one.City.Cases.Do(t.Context(), casework.ActionTransfer, casework.Command{Number: c.Number, By: one.Actor(org.ShiftLeader), Note: "跨市道路", City: "620200"})
	}
	if err != nil {
		t.Fatal(err)
	}
	down := errors.New("connection refused")
	n, err := exchange.Relay(t.Context(), "150300", roads[exchange.Sender](t, one), func(context.Context, string, func(exchange.Receiver) error) error { return down })
	if n != 0 || !errors.Is(err, down) {
		t.Errorf("settled %d, %v", n, err)
	}
	if now, err := one.City.Cases.Case(t.Context(), c.Number); err != nil || now.Stage != casework.StageTransferring {
		t.Errorf("at %v, %v", now, err)
	}
}
