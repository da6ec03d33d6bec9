package tenantdb_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/migrations"
	"wangge/tenant/citytest"
	"wangge/tenant/tenantdb"
	"wangge/tenant/usage"
)

// usageOf opens the usage of a city on an empty database with its schema.
func usageOf(t *testing.T, db *gormx.DB) *tenantdb.Usage {
	t.Helper()
	if _, err := migrations.Up(t.Context(), db, migrations.City); err != nil {
		t.Fatal(err)
	}
	return tenantdb.NewUsage(db)
}

// sealedAt is when the tests seal; what counts are the days of the entries.
var sealedAt = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func filedAt(ref string, at time.Time) usage.Entry {
	return usage.Entry{Metric: usage.CaseFiled, Quantity: 1, At: at, Ref: ref}
}

// record adds filings, each in a transaction of its own.
func record(t *testing.T, db *gormx.DB, entries ...usage.Entry) {
	t.Helper()
	for _, e := range entries {
		if err := db.InTx(t.Context(), func(tx *gorm.DB) error { return citytest.AddUsage(tx, e) }); err != nil {
			t.Fatal(err)
		}
	}
}

func seals(t *testing.T, u *tenantdb.Usage, want int64) {
	t.Helper()
	if n, err := u.Seal(t.Context(), sealedAt); err != nil || n != want {
		t.Fatalf("sealed %d, %v; want %d", n, err, want)
	}
}

func TestUsageIsSealedIntoBatchesByDayInShanghai(t *testing.T) {
	testdb.Engines(t, func(t *testing.T, db *gormx.DB) {
		u := usageOf(t, db)
		seals(t, u, 0)
		midnight := time.Date(2026, 9, 30, 16, 0, 0, 0, time.UTC) // of October 1 in Shanghai
		record(t, db, filedAt("1", midnight), filedAt("2", midnight.Add(-time.Microsecond)), filedAt("3", midnight.Add(24*time.Hour-time.Microsecond)))
		record(t, db, usage.Entry{Metric: "photo_stored", Quantity: 7, At: midnight, Ref: "1"})
		seals(t, u, 4)
		seals(t, u, 0)
		record(t, db, filedAt("4", midnight))
		seals(t, u, 1)

		total := func(metric, day string, n int64) usage.DayTotal {
			return usage.DayTotal{Metric: metric, Day: day, Quantity: n}
		}
		want := []usage.Batch{
			{ID: 1, Days: []usage.DayTotal{total(usage.CaseFiled, "2026-09-30", 1), total(usage.CaseFiled, "2026-10-01", 2), total("photo_stored", "2026-10-01", 7)}},
			{ID: 2, Days: []usage.DayTotal{total(usage.CaseFiled, "2026-10-01", 1)}},
		}
		for _, c := range []struct {
			after int64
			limit int
			want  []usage.Batch
		}{{0, 10, want}, {0, 1, want[:1]}, {1, 10, want[1:]}, {2, 10, nil}} {
			got, err := u.BatchesAfter(t.Context(), c.after, c.limit)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%d batches after %d: got %+v, %v; want %+v", c.limit, c.after, got, err, c.want)
			}
		}
	})
}

func TestUsageIsNeverCountedTwiceNorChanged(t *testing.T) {
	testdb.Engines(t, func(t *testing.T, db *gormx.DB) {
		u := usageOf(t, db)
		record(t, db, filedAt("1", sealedAt))
		err := db.InTx(t.Context(), func(tx *gorm.DB) error { return citytest.AddUsage(tx, filedAt("1", sealedAt)) })
		if !gormx.IsUnique(err) {
			t.Errorf("the same cause again: %v, want a violation of its uniqueness", err)
		}
		err = db.InTx(t.Context(), func(tx *gorm.DB) error {
			return citytest.AddUsage(tx, usage.Entry{Metric: usage.CaseFiled, Quantity: 0, At: sealedAt, Ref: "2"})
		})
		if err == nil {
			t.Error("usage of nothing was recorded")
		}
		seals(t, u, 1)
		for _, statement := range []string{"UPDATE usage_entries SET quantity = 2", "DELETE FROM usage_entries"} {
			if err := db.Write.Exec(statement).Error; err == nil {
				t.Errorf("%s: went through, want it refused", statement)
			}
		}
	})
}

func TestAFilingThatIsTakenBackLeavesNoUsage(t *testing.T) {
	testdb.Engines(t, func(t *testing.T, db *gormx.DB) {
		u := usageOf(t, db)
		failed := errors.New("the case could not be saved")
		err := db.InTx(t.Context(), func(tx *gorm.DB) error {
			return errors.Join(citytest.AddUsage(tx, filedAt("1", sealedAt)), failed)
		})
		if !errors.Is(err, failed) {
			t.Fatal(err)
		}
		seals(t, u, 0)
	})
}

func TestAFilingThatCommitsLateGoesIntoALaterBatch(t *testing.T) {
	db := testdb.Postgres(t) // on SQLite nobody can seal while a filing is being written
	u := usageOf(t, db)
	late := db.Write.WithContext(t.Context()).Begin()
	if err := citytest.AddUsage(late, filedAt("late", sealedAt)); err != nil {
		t.Fatal(err)
	}
	record(t, db, filedAt("in time", sealedAt))
	seals(t, u, 1)
	if err := late.Commit().Error; err != nil {
		t.Fatal(err)
	}
	seals(t, u, 1)
	if got := batchesOf(t, db); got["in time"] != 1 || got["late"] != 2 {
		t.Errorf("got %v, want the late one in batch 2", got)
	}
}

func batchesOf(t *testing.T, db *gormx.DB) map[string]int64 {
	t.Helper()
	var rows []struct {
		Ref   string
		Batch int64
	}
	if err := db.Read.Raw("SELECT ref, COALESCE(batch, 0) AS batch FROM usage_entries").Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	out := map[string]int64{}
	for _, r := range rows {
		out[r.Ref] = r.Batch
	}
	return out
}

func TestASealerWaitsForTheOneBefore(t *testing.T) {
	db := testdb.Postgres(t)
	u := usageOf(t, db)
	record(t, db, filedAt("1", sealedAt))
	before := db.Write.WithContext(t.Context()).Begin() // has taken number 1 and not committed
	for _, statement := range []string{"UPDATE usage_seal SET last = last + 1", "INSERT INTO usage_batches (id, sealed_at) VALUES (1, 0)", "UPDATE usage_entries SET batch = 1"} {
		if err := before.Exec(statement).Error; err != nil {
			t.Fatal(err)
		}
	}
	record(t, db, filedAt("2", sealedAt))
	sealed := make(chan error, 1)
	go func() {
		_, err := u.Seal(t.Context(), sealedAt)
		sealed <- err
	}()
	untilBlocked(t, db)
	if got, err := u.BatchesAfter(t.Context(), 0, 10); err != nil || len(got) != 0 {
		t.Fatalf("got %+v, %v; want batch 2 not before batch 1", got, err)
	}
	if err := before.Commit().Error; err != nil {
		t.Fatal(err)
	}
	if err := <-sealed; err != nil {
		t.Fatal(err)
	}
	if got := batchesOf(t, db); got["1"] != 1 || got["2"] != 2 {
		t.Errorf("got %v, want an entry in each batch", got)
	}
}

// untilBlocked returns once a connection of this login waits for a lock.
func untilBlocked(t *testing.T, db *gormx.DB) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	for waiting := 0; waiting == 0; {
		err := db.Read.WithContext(ctx).Raw("SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND wait_event_type = 'Lock'").Scan(&waiting).Error
		if err != nil {
			t.Fatal("nobody waits: ", err)
		}
	}
}

// TestManySealersAndWritersAtOnce lets cases be filed, sealed and read at the
// same time; the reader goes by "after the last batch I saw", as a harvest does.
func TestManySealersAndWritersAtOnce(t *testing.T) {
	const writers, filings, sealers = 4, 60, 3
	testdb.Engines(t, func(t *testing.T, db *gormx.DB) {
		u := usageOf(t, db)
		var writing, sealing sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				for i := range filings {
					e := filedAt(fmt.Sprintf("%d-%d", w, i), sealedAt)
					if err := db.InTx(t.Context(), func(tx *gorm.DB) error { return citytest.AddUsage(tx, e) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		written := make(chan struct{})
		for range sealers {
			sealing.Go(func() { sealUntil(t, u, written) })
		}
		sealedAll := make(chan struct{})
		var counted int64
		var reading sync.WaitGroup
		reading.Go(func() { counted = readUntil(t, u, sealedAll) })
		writing.Wait()
		close(written)
		sealing.Wait()
		close(sealedAll)
		reading.Wait()
		if counted != writers*filings {
			t.Errorf("the reader counted %d, want %d", counted, writers*filings)
		}
	})
}

// sealUntil seals over and over, and once more after done.
func sealUntil(t *testing.T, u *tenantdb.Usage, done <-chan struct{}) {
	for last := false; !last; {
		select {
		case <-done:
			last = true
		default:
		}
		if _, err := u.Seal(t.Context(), sealedAt); err != nil {
			t.Error(err)
		}
	}
}

// readUntil reads batches over and over, and to the end after done.
func readUntil(t *testing.T, u *tenantdb.Usage, done <-chan struct{}) (counted int64) {
	after := int64(0)
	for last := false; ; {
		got, err := u.BatchesAfter(t.Context(), after, 5)
		if err != nil {
			t.Error(err)
			return counted
		}
		for _, b := range got {
			if b.ID != after+1 {
				t.Errorf("batch %d came after %d", b.ID, after)
			}
			after = b.ID
			for _, d := range b.Days {
				counted += d.Quantity
			}
		}
		if last && len(got) == 0 {
			return counted
		}
		select {
		case <-done:
			last = true
		default:
		}
	}
}
