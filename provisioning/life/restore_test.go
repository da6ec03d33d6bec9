package life_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"wangge/internal/gormx"
	"wangge/provisioning/life"
	"wangge/tenant"
	"wangge/tenant/casework"
	"wangge/tenant/usage"
)

// cases is how many cases a city has, seen by somebody who has it open all along.
func cases(t *testing.T, city *tenant.City) int {
	t.Helper()
	page, err := city.Cases.Cases(t.Context(), casework.Filter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return len(page)
}

func TestACityIsSetBackInOneStepAndForthAgain(t *testing.T) {
	each(t, func(t *testing.T, engine gormx.Engine) {
		w := newWorld(t, engine)
		own := w.build(t)
		if _, _, err := w.Backup(t.Context(), own, 3); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(time.Hour)
		w.work(t, own, 3)
		later := w.content(t, own)
		w.use(t, own, func(city *tenant.City, _ *gormx.DB) { // who has it open sees it too
			if n := cases(t, city); n != 8 {
				t.Fatalf("%d cases before", n)
			}
			if _, err := w.Restore(t.Context(), own, ""); err != nil {
				t.Fatal(err)
			}
			if n := cases(t, city); n != 5 {
				t.Errorf("%d cases after restoring, want the 5 of the backup", n)
			}
		})
		if entry, err := w.Registry.City(t.Context(), own.String()); err != nil || entry.Generation != 1 {
			t.Errorf("generation %d (%v), want 1: servers must open it anew", entry.Generation, err)
		}
		if _, err := w.Restore(t.Context(), own, ""); !errors.Is(err, life.ErrUnconfirmed) {
			t.Errorf("restored once more: %v, want ErrUnconfirmed", err)
		}
		if err := w.Undo(t.Context(), own); err != nil {
			t.Fatal(err)
		}
		if got := w.content(t, own); got != later {
			t.Error("undoing did not bring back what there was")
		}
		if err := w.Confirm(t.Context(), own); !errors.Is(err, life.ErrNothingKept) {
			t.Errorf("confirmed nothing: %v", err)
		}
		if _, err := w.Restore(t.Context(), own, ""); err != nil {
			t.Fatal(err)
		}
		if err := w.Confirm(t.Context(), own); err != nil {
			t.Fatal(err)
		}
		if err := w.Undo(t.Context(), own); !errors.Is(err, life.ErrNothingKept) {
			t.Errorf("undone after confirming: %v", err)
		}
		w.use(t, own, func(city *tenant.City, _ *gormx.DB) {
			if n := cases(t, city); n != 5 {
				t.Errorf("%d cases at last, want 5", n)
			}
		})
		w.work(t, own, 1) // and it works on
		if _, err := w.Restore(t.Context(), own, "20200101T000000Z"); !errors.Is(err, life.ErrNoBackup) {
			t.Errorf("a backup that is not there: %v", err)
		}
	})
}

// handed is what a city would hand to the province that has taken so much.
func (w *world) handed(t *testing.T, id tenant.ID) (batches []usage.Batch, days []string) {
	t.Helper()
	w.use(t, id, func(city *tenant.City, _ *gormx.DB) {
		if _, err := city.Usage.Seal(t.Context(), w.now); err != nil {
			t.Fatal(err)
		}
		var err error
		if batches, err = city.Usage.BatchesAfter(t.Context(), w.took.Batch, 100); err != nil {
			t.Fatal(err)
		}
		if _, err := city.Evaluation.Update(t.Context()); err != nil {
			t.Fatal(err)
		}
		since, err := city.Evaluation.DaysSince(t.Context(), w.took.Revision, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range since {
			days = append(days, d.Day)
		}
	})
	return batches, days
}

// take lets the province take what the city hands to it.
func (w *world) take(t *testing.T, id tenant.ID) (quantity int64) {
	t.Helper()
	batches, days := w.handed(t, id)
	for _, b := range batches {
		if b.ID != w.took.Batch+1 {
			t.Fatalf("batch %d came after %d", b.ID, w.took.Batch)
		}
		w.took.Batch = b.ID
		for _, d := range b.Days {
			quantity += d.Quantity
		}
	}
	w.use(t, id, func(city *tenant.City, _ *gormx.DB) {
		since, err := city.Evaluation.DaysSince(t.Context(), w.took.Revision, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range since {
			w.took.Revision = max(w.took.Revision, d.Revision)
		}
	})
	w.took.Days = append(w.took.Days, days...)
	return quantity
}

func TestAfterRestoringNothingIsBilledTwiceAndEveryDayIsPublishedAnew(t *testing.T) {
	each(t, func(t *testing.T, engine gormx.Engine) {
		w := newWorld(t, engine)
		own := w.build(t) // 5 cases filed, in no batch yet
		if _, _, err := w.Backup(t.Context(), own, 3); err != nil {
			t.Fatal(err)
		}
		if n := w.take(t, own); n != 5 {
			t.Fatalf("the province took %d uses, want 5", n)
		}
		w.now = w.now.AddDate(0, 0, 1)
		w.work(t, own, 3)
		if n := w.take(t, own); n != 3 {
			t.Fatalf("the province took %d uses, want 3", n)
		}
		w.took.Days = []string{"2026-11-23", "2026-11-24"}
		before := w.took
		if _, err := w.Restore(t.Context(), own, ""); err != nil {
			t.Fatal(err)
		}
		batches, days := w.handed(t, own)
		if len(batches) != 0 {
			t.Errorf("handed once more: %+v", batches)
		}
		if strings.Join(days, " ") != "2026-11-23 2026-11-24" {
			t.Errorf("published anew: %v, want both days, the second emptied", days)
		}
		w.work(t, own, 2)
		batches, _ = w.handed(t, own)
		if len(batches) != 1 || batches[0].ID != before.Batch+1 || batches[0].Days[0].Quantity != 2 {
			t.Errorf("then it hands %+v, want 2 uses in batch %d", batches, before.Batch+1)
		}
	})
}

func TestABackupWhoseKeysAreGoneIsNotRestored(t *testing.T) {
	w := newWorld(t, gormx.SQLite)
	own := w.build(t)
	if _, _, err := w.Backup(t.Context(), own, 3); err != nil {
		t.Fatal(err)
	}
	if err := w.keeper.Rotate(t.Context(), own.Scope()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Restore(t.Context(), own, ""); err != nil {
		t.Errorf("after rotating: %v; the older key still opens", err)
	}
	if err := w.Confirm(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	if err := w.keeper.Destroy(t.Context(), own.Scope()); err != nil {
		t.Fatal(err)
	}
	before := w.content(t, own)
	if _, err := w.Restore(t.Context(), own, ""); !errors.Is(err, life.ErrKeysGone) {
		t.Errorf("after destroying: %v, want ErrKeysGone", err)
	}
	if w.content(t, own) != before {
		t.Error("the refused restore changed the city")
	}
}

func TestAnotherCityNoticesNothing(t *testing.T) {
	each(t, func(t *testing.T, engine gormx.Engine) {
		w := newWorld(t, engine)
		own := w.build(t)
		neighbour := id(t, "990001")
		if _, err := w.Sandbox(t.Context(), own, neighbour, quiet); err != nil {
			t.Fatal(err)
		}
		before := w.content(t, neighbour)
		keys, err := w.Keeper.Describe(t.Context(), neighbour.Scope())
		if err != nil {
			t.Fatal(err)
		}
		same := func(when string) {
			t.Helper()
			after, err := w.Keeper.Describe(t.Context(), neighbour.Scope())
			if w.content(t, neighbour) != before || err != nil || after[0] != keys[0] {
				t.Errorf("%s changed the neighbour (%v)", when, err)
			}
		}
		if _, _, err := w.Backup(t.Context(), own, 1); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Restore(t.Context(), own, ""); err != nil {
			t.Fatal(err)
		}
		same("restoring")
		if err := w.Delete(t.Context(), own, "合同到期"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.Purge(t.Context(), own, 0); err != nil {
			t.Fatal(err)
		}
		w.noTrace(t, own)
		same("purging")
		w.work(t, neighbour, 1)
	})
}
