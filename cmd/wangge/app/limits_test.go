package app

import (
	"errors"
	"net/http"
	"testing"

	"wangge/internal/errs"
	"wangge/internal/web/webtest"
	"wangge/platform"
	"wangge/tenant/limit"
	"wangge/tenant/org"
)

func testLimits(t *testing.T, engine string) {
	w := newWorld(t, engine)
	ask := func(code string) int {
		return webtest.New(t, w.engine).Hold("wangge-"+code, w.city[code][org.ShiftLeader]).Get("/api/cities/" + code + "/session").Status
	}
	// refusals is how many of many requests at once are refused.
	refusals := func(code string) (n int) {
		for range 30 {
			if ask(code) == http.StatusTooManyRequests {
				n++
			}
		}
		return n
	}
	must(t, w.Bound(t.Context()))
	if n := refusals(two[0]); n > 0 {
		t.Fatalf("%d refused without a limit", n)
	}
	// Another process gives the city a limit of its own; this one looks.
	must(t, w.Registry.SetLimits(t.Context(), two[0], limit.Limits{limit.Requests: 1, limit.Users: 7}))
	_, err := w.reopen(t.Context(), nil)
	must(t, err)
	if n := refusals(two[0]); n < 10 {
		t.Errorf("%d of 30 refused, want most of them", n)
	}
	if n := refusals(two[1]); n > 0 {
		t.Errorf("the other city: %d refused", n)
	}
	must(t, w.Registry.SetLimits(t.Context(), two[0], limit.Limits{limit.Requests: 0}))
	_, err = w.reopen(t.Context(), nil)
	must(t, err)
	if n := refusals(two[0]); n > 0 {
		t.Errorf("%d refused after the limit was taken back", n)
	}
	own, err := w.Registry.Limits(t.Context())
	must(t, err)
	if len(own) != 2 || len(own[two[0]]) != 1 || own[two[0]][limit.Users] != 7 || len(own[two[1]]) != 0 {
		t.Errorf("kept are %v", own)
	}
	if err := w.Registry.SetLimits(t.Context(), "999999", limit.Limits{limit.Requests: 1}); !errors.Is(err, platform.ErrNoCity) {
		t.Errorf("limits of no city: got %v", err)
	}
	for _, bad := range []limit.Limits{{"colour": 1}, {limit.Requests: -1}} {
		if err := w.Registry.SetLimits(t.Context(), two[0], bad); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%v: got %v, want it refused", bad, err)
		}
	}
}

func TestALimitSetElsewhereHoldsHereSQLite(t *testing.T)   { testLimits(t, "sqlite") }
func TestALimitSetElsewhereHoldsHerePostgres(t *testing.T) { testLimits(t, "postgres") }
