package billingdb_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wangge/billing"
	"wangge/tenant/usage"
)

// since is a city whose usage starts after a batch, so that many histories can
// use one database.
type since struct {
	usage.Source
	batch int64
}

func (s since) BatchesAfter(ctx context.Context, batch int64, limit int) ([]usage.Batch, error) {
	found, err := s.Source.BatchesAfter(ctx, batch+s.batch, limit)
	for i := range found {
		found[i].ID -= s.batch
	}
	return found, err
}

// history is what happened to a city, beside what ought to have.
type history struct {
	world
	city, other billing.City
	now         time.Time
	filed       map[string]int64           // by month
	seen        map[string]billing.Invoice // every invoice that was ever handed out
}

// TestWhateverHappensEveryCaseIsBilledOnce files cases, takes filings back,
// lets time pass, harvests and bills at any time, with the process dying
// anywhere; in the end each case is on one invoice, at its month's price.
func TestWhateverHappensEveryCaseIsBilledOnce(t *testing.T) {
	onBothEngines(t, func(t *testing.T, w world) {
		histories := 0
		rapid.Check(t, func(t *rapid.T) {
			histories += 2
			h := history{world: w, now: day(1, 10), filed: map[string]int64{}, seen: map[string]billing.Invoice{}}
			h.usage = since{w.usage, lastBatch(t, w)}
			h.city, h.other = w.add(t, fmt.Sprint(100000+histories), h.now), w.add(t, fmt.Sprint(100001+histories), h.now)
			for range rapid.IntRange(3, 20).Draw(t, "events") {
				h.happen(t)
			}
			h.settle(t)
		})
	})
}

// lastBatch is where the histories before have ended.
func lastBatch(t *rapid.T, w world) (last int64) {
	if _, err := w.usage.Seal(t.Context(), day(1, 1)); err != nil {
		t.Fatal(err)
	}
	if err := w.city.Read.Raw("SELECT COALESCE(MAX(id), 0) FROM usage_batches").Scan(&last).Error; err != nil {
		t.Fatal(err)
	}
	return last
}

// happen is one event.
func (h *history) happen(t *rapid.T) {
	switch rapid.SampledFrom([]string{"file", "file", "fail", "wait", "wait", "harvest", "issue", "issue"}).Draw(t, "event") {
	case "file":
		n := rapid.IntRange(1, 5).Draw(t, "cases")
		h.file(t, n, h.now, true)
		h.filed[monthOf(h.now)] += int64(n)
	case "fail":
		h.file(t, 1, h.now, false)
	case "wait":
		h.now = h.now.Add(rapid.SampledFrom([]time.Duration{time.Hour, 11 * 24 * time.Hour, 30 * 24 * time.Hour}).Draw(t, "wait"))
	case "harvest":
		at := dies(t)
		_, err := billing.Harvest(t.Context(), dyingStore{h.store, at}, h.city.Code, dyingSource{h.usage, at}, h.now)
		if err != nil && !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
	case "issue":
		month := monthOf(h.now.AddDate(0, -rapid.IntRange(0, 2).Draw(t, "months ago"), 1-h.now.Day()))
		h.bill(t, month, dies(t))
	}
}

// dies lets every other run die, at any of the calls it may make.
func dies(t *rapid.T) *crash {
	if rapid.Bool().Draw(t, "goes through") {
		return &crash{}
	}
	return &crash{rapid.SampledFrom(deaths).Draw(t, "dies at")}
}

var deaths = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 24}

func monthOf(t time.Time) string { return t.In(zone).Format("2006-01") }

// bill issues a month; what is handed out must be what was before.
func (h *history) bill(t *rapid.T, month string, at *crash) {
	got, err := billing.Issue(t.Context(), dyingStore{h.store, at}, month, []billing.City{h.city, h.other}, tariff, h.now)
	if err != nil && !errors.Is(err, errCrash) && !errors.Is(err, billing.ErrNotOver) {
		t.Fatal(err)
	}
	for _, i := range got {
		if before, ok := h.seen[i.Number]; ok && !reflect.DeepEqual(i, before) {
			t.Fatalf("got %+v, want the invoice there was: %+v", i, before)
		}
		h.seen[i.Number] = i
	}
}

// settle bills every month to the end and compares with what was filed.
func (h *history) settle(t *rapid.T) {
	last := monthOf(h.now)
	h.now = h.now.AddDate(0, 1, 1-h.now.Day())
	h.harvest(t, h.city, h.now)
	billed, money := map[string]int64{}, map[string]billing.Fen{}
	for month, m := "", day(1, 10); month != last; m = m.AddDate(0, 1, 0) {
		month = monthOf(m)
		h.bill(t, month, &crash{})
		i := h.seen[billing.Number(month, h.city.Code)]
		sum := billing.Fen(0)
		for _, l := range i.Lines {
			sum += l.Amount
			if l.Metric == usage.CaseFiled {
				billed[l.Month] += l.Quantity
				money[l.Month] += l.Amount
			}
		}
		if i.Total != sum || i.Lines[0].Kind != billing.Base {
			t.Fatalf("got %+v, want a base fee and a total of %s", i, sum)
		}
		if other := h.seen[billing.Number(month, h.other.Code)]; len(other.Lines) != 1 || other.Total != i.Lines[0].Amount {
			t.Fatalf("the other city got %+v, want the base fee alone", other)
		}
	}
	if !reflect.DeepEqual(billed, h.filed) {
		t.Fatalf("billed %v, filed %v", billed, h.filed)
	}
	for month, n := range h.filed {
		if want := billing.Fen(min(n, 3)*7 + max(n-3, 0)*5); money[month] != want {
			t.Fatalf("%d cases of %s cost %s, want %s", n, month, money[month], want)
		}
	}
}
