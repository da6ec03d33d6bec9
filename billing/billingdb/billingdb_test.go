package billingdb_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"wangge/billing"
	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/platform"
	"wangge/tenant/usage"
)

func TestAHarvestThatDiesAnywhereTakesEveryEntryOnce(t *testing.T) {
	onBothEngines(t, func(t *testing.T, w world) {
		city, filed := w.add(t, "130100", day(1, 1)), 0
		died := true
		for n := 1; died; n++ {
			w.file(t, 2, day(10, 5), true)
			filed += 2
			for range 2 { // what one run leaves, another finds
				at := &crash{n}
				_, err := billing.Harvest(t.Context(), dyingStore{w.store, at}, city.Code, dyingSource{w.usage, at}, day(10, 6))
				if died = errors.Is(err, errCrash); err != nil && !died {
					t.Fatal(err)
				}
			}
		}
		w.harvest(t, city, day(10, 6))
		if n := w.harvest(t, city, day(10, 6)); n != 0 {
			t.Errorf("a harvest with nothing new took %d batches", n)
		}
		got := w.issue(t, "2026-10", day(11, 1), city)
		if want := map[string]int64{"2026-10": int64(filed)}; !reflect.DeepEqual(quantities(got[0]), want) {
			t.Errorf("billed %v, want %v", quantities(got[0]), want)
		}
	})
}

func TestAnIssueThatDiesAnywhereBillsTheMonthOnce(t *testing.T) {
	onBothEngines(t, func(t *testing.T, w world) {
		city := w.add(t, "130100", day(1, 1))
		w.file(t, 4, day(10, 5), true)
		w.harvest(t, city, day(10, 6))
		died, deaths := true, 0
		for n := 1; died; n++ {
			_, err := billing.Issue(t.Context(), dyingStore{w.store, &crash{n}}, "2026-10", []billing.City{city}, tariff, day(11, 1))
			if died = errors.Is(err, errCrash); err != nil && !died {
				t.Fatal(err)
			}
			deaths++
		}
		all, err := w.store.Invoices(t.Context(), billing.Filter{})
		if err != nil || len(all) != 1 || all[0].Total != 3100+3*7+5 || deaths < 8 {
			t.Errorf("after %d deaths got %+v, %v; want one invoice of 31.26 yuan", deaths, all, err)
		}
	})
}

func TestHarvestersAndIssuersAtOnceBillEveryCaseOnce(t *testing.T) {
	onBothEngines(t, func(t *testing.T, w world) {
		city := w.add(t, "130100", day(1, 1))
		var filing, working sync.WaitGroup
		filing.Go(func() {
			for range 40 {
				w.file(t, 1, day(10, 5), true)
			}
		})
		filed := make(chan struct{})
		for range 2 {
			working.Go(func() { // a process that harvests while cases are being filed
				for more := true; more; {
					select {
					case <-filed:
						more = false
					default:
					}
					if _, err := billing.Harvest(t.Context(), w.store, city.Code, w.usage, day(11, 1)); err != nil {
						t.Error(err)
					}
				}
			})
			working.Go(func() { // and one that bills month after month
				for month := range 6 {
					name := fmt.Sprintf("2026-%02d", 6+month)
					if _, err := billing.Issue(t.Context(), w.store, name, []billing.City{city}, tariff, day(12, 1)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		filing.Wait()
		close(filed)
		working.Wait()
		w.issue(t, "2026-12", day(13, 1), city)

		all, err := w.store.Invoices(t.Context(), billing.Filter{})
		if err != nil || len(all) != 7 {
			t.Fatalf("got %d invoices, %v; want one a month from June to December", len(all), err)
		}
		sum, money := int64(0), billing.Fen(0)
		for _, i := range all {
			for month, n := range quantities(i) {
				if month != "2026-10" {
					t.Errorf("%d cases are billed as of %s", n, month)
				}
				sum += n
			}
			money += i.Total - 3100
		}
		if sum != 40 || money != 3*7+37*5 {
			t.Errorf("billed %d cases for %s yuan, want 40 for 2.06", sum, money)
		}
	})
}

func TestAnIssuerWaitsForTheOneBefore(t *testing.T) {
	w := newWorld(t, testdb.Postgres(t), testdb.Postgres(t)) // on SQLite there is one writer anyway
	city := w.add(t, "130100", day(1, 1))
	w.file(t, 1, day(10, 5), true)
	w.harvest(t, city, day(10, 6))
	issue := func(store billing.Store) (billing.Invoice, error) {
		got, err := billing.Issue(t.Context(), store, "2026-10", []billing.City{city}, tariff, day(11, 1))
		return append(got, billing.Invoice{})[0], err
	}
	type answer struct {
		invoice billing.Invoice
		err     error
	}
	second := make(chan answer, 1)
	var first billing.Invoice
	err := w.store.InTx(t.Context(), func(store billing.Store) (err error) {
		if err := store.HoldCity(t.Context(), city.Code); err != nil {
			return err
		}
		go func() {
			i, err := issue(w.store)
			second <- answer{i, err}
		}()
		untilBlocked(t, w.province)
		first, err = issue(store)
		return err
	})
	if got := <-second; err != nil || got.err != nil || first.Total != 3107 || !reflect.DeepEqual(got.invoice, first) {
		t.Errorf("got %+v, %v and %+v, %v; want the same invoice twice", first, err, got.invoice, got.err)
	}
}

// untilBlocked returns once a connection of this login waits for a row that
// somebody holds.
func untilBlocked(t *testing.T, db *gormx.DB) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	for waiting := 0; waiting == 0; {
		query := "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND wait_event_type = 'Lock' AND query LIKE '%NO KEY UPDATE%'"
		if err := db.Read.WithContext(ctx).Raw(query).Scan(&waiting).Error; err != nil {
			t.Fatal("nobody waits: ", err)
		}
	}
}

func TestAMonthIsBilledWhenItIsOverAndThenStays(t *testing.T) {
	onBothEngines(t, func(t *testing.T, w world) {
		city, young := w.add(t, "130100", day(1, 1)), w.add(t, "130200", day(10, 22))
		w.file(t, 2, day(10, 5), true)
		w.harvest(t, city, day(10, 6))
		lastMoment := time.Date(2026, 11, 1, 0, 0, 0, 0, zone).Add(-time.Microsecond)
		if _, err := billing.Issue(t.Context(), w.store, "2026-10", []billing.City{city}, tariff, lastMoment); !errors.Is(err, billing.ErrNotOver) {
			t.Errorf("a month that runs: %v, want ErrNotOver", err)
		}
		if _, err := billing.Issue(t.Context(), w.store, "2026-1", nil, tariff, lastMoment); !errors.Is(err, errs.ErrInvalid) {
			t.Errorf("no month: %v, want it refused", err)
		}
		if got := w.issue(t, "2026-09", day(11, 1), young); len(got) != 0 {
			t.Errorf("a city not yet in service got %+v", got)
		}
		first := w.issue(t, "2026-10", lastMoment.Add(time.Microsecond), city, young)
		if len(first) != 2 || first[0].Number != "2026-10-130100" || first[0].Total != 3114 || first[1].Total != 1000 {
			t.Fatalf("got %+v, want 31.14 yuan and, for ten days, 10.00", first)
		}
		w.file(t, 1, day(10, 7), true)
		w.harvest(t, city, day(11, 2))
		if again := w.issue(t, "2026-10", day(11, 2), city, young); !reflect.DeepEqual(again, first) {
			t.Errorf("issued again: got %+v, want %+v", again, first)
		}
		other := young
		other.Tariff = "another"
		if _, err := billing.Issue(t.Context(), w.store, "2026-11", []billing.City{other}, tariff, day(12, 2)); !errors.Is(err, billing.ErrOtherTariff) {
			t.Errorf("by a tariff it did not subscribe to: got %v, want ErrOtherTariff", err)
		}
		one, err := w.store.Invoice(t.Context(), "2026-10-130100")
		if err != nil || !reflect.DeepEqual(one, first[0]) {
			t.Errorf("got %+v, %v; want %+v", one, err, first[0])
		}
		if _, err := w.store.Invoice(t.Context(), "2026-09-130200"); !errors.Is(err, billing.ErrNoInvoice) {
			t.Errorf("an invoice that is not: %v, want ErrNoInvoice", err)
		}
	})
}

func TestLateUsageIsALineOfTheNextInvoiceOnce(t *testing.T) {
	onBothEngines(t, func(t *testing.T, w world) {
		city, other := w.add(t, "130100", day(1, 1)), w.add(t, "130200", day(1, 1))
		w.file(t, 2, day(10, 5), true)
		w.harvest(t, city, day(10, 6))
		w.issue(t, "2026-10", day(11, 1), city, other)
		w.file(t, 2, day(10, 31), true) // in October, harvested after its invoice
		w.file(t, 1, day(11, 3), true)
		w.file(t, 1, day(12, 1), true) // of a month that still runs
		w.harvest(t, city, day(12, 1))
		november := w.issue(t, "2026-11", day(12, 1), city, other)

		var kinds []billing.Kind
		var amounts []billing.Fen
		for _, l := range november[0].Lines {
			kinds, amounts = append(kinds, l.Kind), append(amounts, l.Amount)
		}
		if !slices.Equal(kinds, []billing.Kind{billing.Base, billing.Used, billing.Late, billing.Late}) || !slices.Equal(amounts, []billing.Fen{3100, 7, 7, 5}) {
			t.Errorf("got %v of %v fen, want the base fee, one case, and October's third and fourth", kinds, amounts)
		}
		if len(november[1].Lines) != 1 || november[1].Total != 3100 {
			t.Errorf("the other city got %+v, want its base fee alone", november[1])
		}
		december := w.issue(t, "2026-12", day(13, 1), city, other)
		if want := map[string]int64{"2026-12": 1}; !reflect.DeepEqual(quantities(december[0]), want) {
			t.Errorf("December has %v, want %v", quantities(december[0]), want)
		}
	})
}

func TestOneCityThatCannotBeBilledDoesNotKeepTheOthers(t *testing.T) {
	onBothEngines(t, func(t *testing.T, w world) {
		city, other := w.add(t, "130100", day(1, 1)), w.add(t, "130200", day(1, 1))
		w.file(t, 1, day(10, 5), true)
		w.harvest(t, city, day(10, 6))
		unpriced := tariff
		unpriced.Prices = nil
		unknown := billing.City{Code: "999999", Name: "无此城市", ActiveAt: day(1, 1)}
		got, err := billing.Issue(t.Context(), w.store, "2026-10", []billing.City{city, unknown, other}, unpriced, day(11, 1))
		if !errors.Is(err, billing.ErrNoPrice) || !errors.Is(err, platform.ErrNoCity) || len(got) != 1 || got[0].City != "130200" {
			t.Errorf("got %+v, %v; want the other city's invoice and both errors", got, err)
		}
		if again := w.issue(t, "2026-10", day(11, 1), city); quantities(again[0])["2026-10"] != 1 {
			t.Errorf("with a price got %+v, want the case billed", again)
		}
	})
}

func TestInvoicesAreListedPageByPageNewestMonthFirst(t *testing.T) {
	onBothEngines(t, func(t *testing.T, w world) {
		cities := []billing.City{w.add(t, "130100", day(1, 1)), w.add(t, "130200", day(1, 1)), w.add(t, "130300", day(1, 1))}
		for _, month := range []string{"2026-09", "2026-08", "2026-10"} {
			w.issue(t, month, day(11, 1), cities...)
		}
		want := []string{
			"2026-10-130100", "2026-10-130200", "2026-10-130300", "2026-09-130100", "2026-09-130200",
			"2026-09-130300", "2026-08-130100", "2026-08-130200", "2026-08-130300",
		}
		if got := numbers(t, w, billing.Filter{Limit: 2}); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if got := numbers(t, w, billing.Filter{Limit: 2, Month: "2026-09"}); !slices.Equal(got, want[3:6]) {
			t.Errorf("September: got %v, want %v", got, want[3:6])
		}
		for _, f := range []billing.Filter{{Month: "2026-9"}, {After: "x"}, {After: "2026-10"}} {
			if _, err := w.store.Invoices(t.Context(), f); !errors.Is(err, errs.ErrInvalid) {
				t.Errorf("%+v: got %v, want it refused", f, err)
			}
		}
	})
}

// numbers reads all pages of a list.
func numbers(t *testing.T, w world, f billing.Filter) (out []string) {
	t.Helper()
	for {
		page, err := w.store.Invoices(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page {
			out = append(out, i.Number)
		}
		if len(page) < f.Limit {
			return out
		}
		f.After = page[len(page)-1].Number
	}
}

// shelf is a city that hands over what it is told to.
type shelf []usage.Batch

func (shelf) Seal(context.Context, time.Time) (int64, error) { return 0, nil }

func (s shelf) BatchesAfter(_ context.Context, batch int64, _ int) ([]usage.Batch, error) {
	i := slices.IndexFunc(s, func(b usage.Batch) bool { return b.ID > batch })
	if i < 0 {
		return nil, nil
	}
	return s[i:], nil
}

func TestAHarvestStopsAtAGap(t *testing.T) {
	onBothEngines(t, func(t *testing.T, w world) {
		city := w.add(t, "130100", day(1, 1))
		batch := func(id int64) usage.Batch {
			return usage.Batch{ID: id, Days: []usage.DayTotal{{Metric: usage.CaseFiled, Day: "2026-10-05", Quantity: 1}}}
		}
		n, err := billing.Harvest(t.Context(), w.store, city.Code, shelf{batch(1), batch(3)}, day(11, 1))
		if n != 1 || !errors.Is(err, billing.ErrGap) {
			t.Errorf("took %d, %v; want the first batch and ErrGap", n, err)
		}
		n, err = billing.Harvest(t.Context(), w.store, city.Code, shelf{batch(1), batch(2), batch(3)}, day(11, 1))
		if n != 2 || err != nil {
			t.Errorf("took %d, %v; want the other two", n, err)
		}
	})
}
