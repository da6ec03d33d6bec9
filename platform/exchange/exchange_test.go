package exchange_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/platform/exchange"
	"wangge/tenant/evaluation"
)

// held is a Store in memory; the real one has the same suite in platformdb.
type held map[string]exchange.Day

func (h held) InTx(_ context.Context, fn func(exchange.Store) error) error { return fn(h) }

func (h held) Revision(context.Context, string) (highest int64, err error) {
	for d := range maps.Values(h) {
		highest = max(highest, d.Revision)
	}
	return highest, nil
}

func (h held) SaveDays(_ context.Context, _ string, days []exchange.Day, _ time.Time) (taken int, err error) {
	for _, d := range days {
		if h[d.Day].Revision < d.Revision {
			h[d.Day] = d
			taken++
		}
	}
	return taken, nil
}

// city is a Source over a list of changes in the order they happened.
type city []exchange.Day

func (c city) DaysSince(_ context.Context, revision int64, limit int) ([]exchange.Day, error) {
	i := slices.IndexFunc(c, func(d exchange.Day) bool { return d.Revision > revision })
	if i < 0 {
		return nil, nil
	}
	return c[i:min(len(c), i+limit)], nil
}

func noon() time.Time { return time.Date(2026, 4, 1, 4, 0, 0, 0, time.UTC) }

func TestThreeYearsOfDaysComeInPageByPageAndOnlyOnce(t *testing.T) {
	var c city
	first := time.Date(2023, 4, 1, 0, 0, 0, 0, time.UTC)
	for i := range 1096 {
		c = append(c, exchange.Day{Day: first.AddDate(0, 0, i).Format(time.DateOnly), Counts: evaluation.Counts{evaluation.Filed: int64(i)}, Revision: int64(i + 1)})
	}
	store := held{}
	for _, want := range []int{1096, 0} {
		if got, err := exchange.Collect(t.Context(), store, "429006", c, noon); err != nil || got != want {
			t.Fatalf("collected %d, %v; want %d", got, err, want)
		}
	}
	c = append(c, exchange.Day{Day: "2023-04-01", Counts: evaluation.Counts{evaluation.Filed: 7}, Revision: 5000})
	if got, err := exchange.Collect(t.Context(), store, "429006", c, noon); err != nil || got != 1 {
		t.Fatalf("a day corrected later: collected %d, %v; want 1", got, err)
	}
	if n := store["2023-04-01"].Counts[evaluation.Filed]; n != 7 || len(store) != 1096 {
		t.Fatalf("%d days held, the corrected one has %d filed; want 1096 and 7", len(store), n)
	}
}

func TestAPageThatBreaksTheExchangeIsRefusedWhole(t *testing.T) {
	good := exchange.Day{Day: "2026-03-01", Counts: evaluation.Counts{evaluation.Filed: 1}, Revision: 1}
	for name, c := range map[string]struct {
		field string
		bad   exchange.Day
	}{
		"a revision that does not rise": {"revision", exchange.Day{Day: "2026-03-02", Revision: 1}},
		"30 February":                   {"day", exchange.Day{Day: "2026-02-30", Revision: 2}},
		"the same day twice":            {"day", exchange.Day{Day: "2026-03-01", Revision: 2}},
		"fewer than no cases":           {"counts.filed", exchange.Day{Day: "2026-03-02", Counts: evaluation.Counts{evaluation.Filed: -1}, Revision: 2}},
	} {
		store := held{}
		_, err := exchange.Collect(t.Context(), store, "429006", pageOnly{good, c.bad}, noon)
		e, _ := errs.As(err)
		if !errors.Is(err, exchange.ErrBroken) || len(e.Problems) != 1 || e.Problems[0].Row != 2 || e.Problems[0].Field != c.field {
			t.Errorf("%s: got %v, want row 2 refused", name, err)
		}
		if len(store) != 0 {
			t.Errorf("%s: %d days were written", name, len(store))
		}
	}
}

type pageOnly []exchange.Day

func (p pageOnly) DaysSince(context.Context, int64, int) ([]exchange.Day, error) { return p, nil }

func TestEvidenceThatCannotBeIsRefused(t *testing.T) {
	good := func() exchange.Evidence {
		return exchange.Evidence{
			City: "429006", Name: "天门市", AsOf: noon(), From: "2026-01-01", To: "2026-03-31",
			Facts: map[string]evaluation.Ratio{exchange.TrialMonths: {Numerator: 3, Denominator: 1}, exchange.Closing: {Numerator: 911, Denominator: 972}},
		}
	}
	if err := good().Check(); err != nil {
		t.Fatalf("good evidence: %v", err)
	}
	for name, spoil := range map[string]func(*exchange.Evidence){
		"city":  func(e *exchange.Evidence) { e.City = "" },
		"as_of": func(e *exchange.Evidence) { e.AsOf = time.Time{} },
		"from":  func(e *exchange.Evidence) { e.From = "2026-04-01" },
		"facts.trial_months": func(e *exchange.Evidence) {
			e.Facts[exchange.TrialMonths] = evaluation.Ratio{Numerator: 3, Denominator: 2}
		},
		"facts.closing": func(e *exchange.Evidence) {
			e.Facts[exchange.Closing] = evaluation.Ratio{Numerator: -1, Denominator: 2}
		},
		"facts.charm": func(e *exchange.Evidence) { e.Facts["charm"] = evaluation.Ratio{Numerator: 1, Denominator: 1} },
	} {
		e := good()
		spoil(&e)
		got, _ := errs.As(e.Check())
		if got == nil || len(got.Problems) != 1 || got.Problems[0].Field != name {
			t.Errorf("%s spoiled: %v", name, e.Check())
		}
	}
}
