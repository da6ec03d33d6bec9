package provisioningdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/schedule"
	"wangge/internal/testdb"
	"wangge/migrations"
)

const city = "150300"

var start = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)

// ledgers runs test on an empty province of each engine.
func ledgers(t *testing.T, test func(t *testing.T, db *gormx.DB)) {
	testdb.Engines(t, func(t *testing.T, db *gormx.DB) {
		if _, err := migrations.Up(t.Context(), db, migrations.Province); err != nil {
			t.Fatal(err)
		}
		test(t, db)
	})
}

func at(now time.Time) func() time.Time { return func() time.Time { return now } }

// hold makes somebody the holder of the city's lock.
func hold(t *testing.T, db *gormx.DB, holder string) {
	t.Helper()
	if _, err := schedule.Acquire(t.Context(), db, "apply/"+city, holder, at(start), lockFor); err != nil {
		t.Fatal(err)
	}
}

// ended is the mark of a process of this machine that is no more.
func ended(t *testing.T) string {
	t.Helper()
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	mark := fmt.Sprintf(" %s/%d/%s", here(), child.Process.Pid, startOf(child.Process.Pid))
	if _, alive := unmark("child" + mark); !alive {
		t.Errorf("the process runs, but is taken for gone: %s", mark)
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	return mark
}

func TestTheLockOfAKilledProcessOfThisMachineIsTakenOverAtOnce(t *testing.T) {
	ledgers(t, func(t *testing.T, db *gormx.DB) {
		for name, mark := range map[string]string{
			"it has ended":                         ended(t),
			"its number went to another process":   fmt.Sprintf(" %s/%d/%s", here(), os.Getpid(), "1"),
			"its number is that of no process yet": fmt.Sprintf(" %s/%d/%s", here(), 1<<22+1, "1"),
		} {
			hold(t, db, "killed"+mark)
			_, unlock, err := New(db, "next", at(start)).Lock(t.Context(), city)
			if err != nil {
				t.Errorf("%s: got %v, want its lock", name, err)
				continue
			}
			unlock()
		}
	})
}

func TestALockWhoseHolderMayBeAliveIsLeftUntilItEnds(t *testing.T) {
	ledgers(t, func(t *testing.T, db *gormx.DB) {
		for name, mark := range map[string]string{
			"a process of another machine":   " 0000/1/2/3",
			"a process that left no mark":    "",
			"a process of another container": " " + here()[:strings.LastIndex(here(), "/")] + "/1/2/3",
			"this very process":              fmt.Sprintf(" %s/%d/%s", here(), os.Getpid(), startOf(os.Getpid())),
		} {
			hold(t, db, "holder"+mark)
			_, _, err := New(db, "next", at(start)).Lock(t.Context(), city)
			e, _ := errs.As(err)
			if !errors.Is(err, ErrApplying) || !strings.Contains(e.Zh, "正由 holder 建设（自 09:00:00 起）") || !strings.Contains(e.En, "ends by itself at 09:00:30") {
				t.Errorf("%s: got %v, want it refused", name, err)
			}
			_, unlock, err := New(db, "next", at(start.Add(lockFor))).Lock(t.Context(), city)
			if err != nil {
				t.Fatalf("%s: when it has ended: %v", name, err)
			}
			unlock()
		}
	})
}

func TestWhoLosesTheLockIsTold(t *testing.T) {
	ledgers(t, func(t *testing.T, db *gormx.DB) {
		l := New(db, "slow", at(start))
		l.beat = time.Millisecond
		held, unlock, err := l.Lock(t.Context(), city)
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		if err := db.Write.Exec("UPDATE leases SET holder = 'another'").Error; err != nil {
			t.Fatal(err)
		}
		<-held.Done()
		if cause := context.Cause(held); !errors.Is(cause, schedule.ErrLost) {
			t.Errorf("got %v, want that the lock is lost", cause)
		}
	})
}

func TestAnUnlockedCityIsFree(t *testing.T) {
	ledgers(t, func(t *testing.T, db *gormx.DB) {
		for range 2 {
			_, unlock, err := New(db, "one", at(start)).Lock(t.Context(), city)
			if err != nil {
				t.Fatal(err)
			}
			unlock()
		}
	})
}
