package life_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/platform"
	"wangge/provisioning"
	"wangge/provisioning/archive"
	"wangge/provisioning/life"
	"wangge/provisioning/postgres"
	"wangge/provisioning/provisioningtest"
	"wangge/tenant"
	"wangge/tenant/casework"
	"wangge/tenant/org"
)

// fleet is a world with a second server, "second", and a city in it.
func fleet(t *testing.T) (w *world, home, second postgres.Schemas, city tenant.ID) {
	t.Helper()
	w = newWorld(t, gormx.Postgres)
	name := provisioningtest.Empty(t)
	_, provisioner := provisioningtest.Prepared(t, name)
	home, ok := w.Database.(postgres.Schemas)
	if !ok {
		t.Fatalf("cities are on %T", w.Database)
	}
	home.Elsewhere = func(_ context.Context, server string) (string, string, error) {
		if server != "second" {
			return "", "", postgres.ErrNoServer.With(server)
		}
		return strings.Replace(testdb.Server(t).DSN("x", "y", name), "x:y@", "", 1), provisioner, nil
	}
	w.Database, w.Builder.Database = home, home
	there, err := home.On(t.Context(), "second")
	if err != nil {
		t.Fatal(err)
	}
	second, ok = there.(postgres.Schemas)
	if !ok {
		t.Fatalf("the second server is %T", there)
	}
	return w, home, second, w.build(t)
}

func (w *world) sumAt(t *testing.T, server postgres.Schemas, id tenant.ID) (sum string) {
	t.Helper()
	w.at(t, server, id, func(_ *tenant.City, db *gormx.DB) {
		m, err := archive.Survey(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		sum = m.Content
	})
	return sum
}

// many is how many cases the moved city has beside those that are reported.
var many = flag.Int("cases", 0, "also move so many cases, to measure it")

// fill copies the cases that there are, each with three times its steps.
func fill(t *testing.T, db *gormx.DB, cases int) {
	t.Helper()
	columns := func(table string, but ...string) string {
		var names []string
		err := db.Read.Raw("SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ? AND column_name NOT IN ?",
			table, but).Scan(&names).Error
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(names, ", ")
	}
	ofCases, ofSteps := columns("cases", "id", "number"), columns("steps", "id", "case_id", "seq", "request_key", "xid")
	each := cases / 5
	err := db.Write.Connection(func(conn *gorm.DB) error {
		for _, statement := range []string{
			"SET statement_timeout = 0",
			fmt.Sprintf("INSERT INTO cases (number, %[1]s) SELECT m.number || '-' || g, %[1]s FROM cases m CROSS JOIN generate_series(1, %[2]d) g", ofCases, each),
			fmt.Sprintf(`INSERT INTO steps (case_id, seq, %[1]s) SELECT c.id, t.seq + 10 * k, %[2]s FROM cases c JOIN cases m ON m.number = left(c.number, 15) AND m.id <> c.id
				JOIN steps t ON t.case_id = m.id CROSS JOIN generate_series(0, 2) k`, ofSteps, "t."+strings.ReplaceAll(ofSteps, ", ", ", t.")),
			"INSERT INTO case_terms SELECT c.id, t.terms FROM cases c JOIN cases m ON m.number = left(c.number, 15) AND m.id <> c.id JOIN case_terms t ON t.case_id = m.id",
			"ANALYZE", "RESET statement_timeout",
		} {
			if err := conn.Session(&gorm.Session{NewDB: true}).Exec(statement).Error; err != nil {
				return fmt.Errorf("%.60s: %w", statement, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var size string
	if err := db.Read.Raw("SELECT count(*) || ' cases, ' || (SELECT count(*) FROM steps) || ' steps, ' || (SELECT pg_size_pretty(sum(pg_total_relation_size(c.oid))) FROM pg_class c WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r') FROM cases").Scan(&size).Error; err != nil {
		t.Fatal(err)
	}
	t.Log(size)
}

// clerk reports problems all the while, wherever the registry says the city is,
// and again when a write is refused. It notes the numbers that it was given.
type clerk struct {
	numbers []string
	refused time.Duration // the longest time without a report
	err     error
}

func (w *world) clerk(ctx context.Context, home, second postgres.Schemas, id tenant.ID, began func()) (c clerk) {
	at, last := "none", time.Now()
	var city *tenant.City
	var db *gormx.DB
	defer func() {
		if db != nil {
			c.err = errors.Join(c.err, db.Close())
		}
	}()
	for ctx.Err() == nil {
		entry, err := w.Registry.City(context.WithoutCancel(ctx), id.String())
		if err == nil && entry.Server != at {
			if db != nil {
				err = db.Close()
			}
			server := home
			if entry.Server != "" {
				server = second
			}
			if err == nil {
				db, err = server.Open(context.WithoutCancel(ctx), id)
			}
			if err == nil {
				city, err = w.Seeder.Open(context.WithoutCancel(ctx), id, db)
			}
			at = entry.Server
		}
		if err != nil {
			c.err = err
			return c
		}
		number, err := report(context.WithoutCancel(ctx), city, len(c.numbers))
		if gormx.IsReadOnly(err) {
			continue
		}
		if err != nil {
			c.err = err
			return c
		}
		c.numbers = append(c.numbers, number)
		c.refused, last = max(c.refused, time.Since(last)), time.Now()
		if len(c.numbers) == 20 {
			began()
		}
	}
	return c
}

func report(ctx context.Context, city *tenant.City, n int) (number string, err error) {
	accounts, _, err := city.Accounts.Accounts(ctx, 0, 1)
	if err != nil {
		return "", err
	}
	grids, err := city.Grids.Grids(ctx)
	if err != nil {
		return "", err
	}
	by := casework.Actor{Account: accounts[0].ID, Role: string(org.IntakeClerk), Department: "JD"}
	made, err := city.Cases.Report(ctx, casework.ReportInput{
		By: by, Channel: casework.ChannelHotline, Condition: "01-001-2", Description: fmt.Sprintf("井盖破损，第%d处", n), Address: "路口", Place: grids[0].Inside(),
	})
	if err != nil {
		return "", err
	}
	_, err = city.Cases.Do(ctx, casework.ActionFile, casework.Command{Number: made.Number, By: by})
	if gormx.IsReadOnly(err) {
		err = nil // it was reported, and is filed by whoever comes next
	}
	return made.Number, err
}

func TestACityMovesWhileItIsUsedAndLosesNothing(t *testing.T) {
	w, home, second, id := fleet(t)
	if *many > 0 {
		w.at(t, home, id, func(_ *tenant.City, db *gormx.DB) { fill(t, db, *many) })
	}
	before := w.sumAt(t, home, id)
	working, stop := context.WithCancel(t.Context())
	busy := make(chan struct{})
	var once sync.Once
	done := make(chan clerk, 1)
	go func() { done <- w.clerk(working, home, second, id, func() { once.Do(func() { close(busy) }) }) }()
	select {
	case <-busy:
	case c := <-done:
		t.Fatal(c.err)
	}
	m, err := w.Move(t.Context(), id, "second")
	stop()
	worked := <-done
	if err != nil || worked.err != nil {
		t.Fatal(errors.Join(err, worked.err))
	}
	t.Logf("%d tables, %d rows, %d late, copied in %v, no writes for %v; %d reports, %v at most without one",
		m.Tables, m.Rows, m.Late, m.Copy, m.Pause, len(worked.numbers), worked.refused)
	if m.Late == 0 {
		t.Error("nothing was written while the city was copied: the test shows nothing")
	}
	w.at(t, second, id, func(city *tenant.City, db *gormx.DB) {
		var there []string
		if err := db.Read.Raw("SELECT number FROM cases").Scan(&there).Error; err != nil {
			t.Fatal(err)
		}
		for _, number := range worked.numbers {
			if !slices.Contains(there, number) {
				t.Errorf("case %s was reported and is gone", number)
			}
		}
		if _, err := city.Evaluation.Update(t.Context()); err != nil {
			t.Errorf("figures on the new server: %v", err)
		}
		var counted, steps int64
		if err := db.Read.Raw("SELECT COUNT(*) FROM case_counts WHERE count = 'reported'").Scan(&counted).Error; err != nil {
			t.Fatal(err)
		}
		if err := db.Read.Raw("SELECT COUNT(DISTINCT case_id) FROM steps WHERE action = 'report'").Scan(&steps).Error; err != nil || counted != steps {
			t.Errorf("%d reports are counted of %d (%v)", counted, steps, err)
		}
	})
	entry, err := w.Registry.City(t.Context(), id.String())
	if err != nil || entry.Server != "second" || entry.KeptOn != "own" {
		t.Errorf("the registry says %+v, %v", entry, err)
	}
	w.at(t, home, id, func(city *tenant.City, _ *gormx.DB) {
		if _, err := report(t.Context(), city, 0); !gormx.IsReadOnly(err) {
			t.Errorf("what was left takes a report: %v", err)
		}
	})
	if _, err := w.Move(t.Context(), id, "own"); !errors.Is(err, life.ErrNotConfirmed) {
		t.Errorf("moving on: got %v, want ErrNotConfirmed", err)
	}
	if err := w.ConfirmMove(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if there, err := home.Exists(t.Context(), id); err != nil || there {
		t.Errorf("what was left is there still: %v, %v", there, err)
	}
	if err := w.ConfirmMove(t.Context(), id); !errors.Is(err, life.ErrNothingOfMove) {
		t.Errorf("confirming again: got %v", err)
	}
	after := w.sumAt(t, second, id)
	if before == after {
		t.Error("the sum of the content says nothing of what was reported")
	}
	if _, err := w.Move(t.Context(), id, "own"); err != nil {
		t.Fatal(err)
	}
	if back := w.sumAt(t, home, id); back != after {
		t.Errorf("moved back, the content is %s, want %s", back, after)
	}
}

func TestAMoveThatFailsLeavesTheCityAsItWas(t *testing.T) {
	w, home, second, id := fleet(t)
	sum := w.sumAt(t, home, id)
	wrong := errors.New("the registry is away")
	if _, err := home.Move(t.Context(), id, second, func(context.Context) error { return wrong }); !errors.Is(err, wrong) {
		t.Fatalf("got %v, want the cause", err)
	}
	if there, err := second.Exists(t.Context(), id); err != nil || there {
		t.Errorf("a copy is left: %v, %v", there, err)
	}
	if now := w.sumAt(t, home, id); now != sum {
		t.Errorf("the content is %s, want %s", now, sum)
	}
	w.work(t, id, 1)
}

// deaf is a registry that makes a change and whose answer is lost.
type deaf struct {
	life.Registry
	lost error
}

func (d *deaf) Change(ctx context.Context, code string, fn func(*platform.City) error) error {
	if err := d.Registry.Change(ctx, code, fn); err != nil {
		return err
	}
	return d.lost
}

func TestAMoveWhoseAnswerIsLostIsNotUndoneWhenItWasMade(t *testing.T) {
	w, _, second, id := fleet(t)
	registry := w.Registry
	w.Registry = &deaf{Registry: registry, lost: errors.New("connection reset")}
	if _, err := w.Move(t.Context(), id, "second"); err != nil {
		t.Fatalf("got %v; the registry says that it is there", err)
	}
	w.at(t, second, id, func(city *tenant.City, _ *gormx.DB) {
		if _, err := report(t.Context(), city, 0); err != nil {
			t.Error(err)
		}
	})
}

func TestAMoveOfWhichNothingIsKnownTouchesNeitherSideAndIsDoneAgain(t *testing.T) {
	w, home, second, id := fleet(t)
	sum := w.sumAt(t, home, id)
	if _, err := home.Move(t.Context(), id, second, func(context.Context) error { return provisioning.ErrSwitchUnknown.With(id.String()) }); !errors.Is(err, provisioning.ErrSwitchUnknown) {
		t.Fatalf("got %v", err)
	}
	for name, server := range map[string]postgres.Schemas{"here": home, "there": second} {
		if got := w.sumAt(t, server, id); got != sum {
			t.Errorf("%s: the content is %s, want %s", name, got, sum)
		}
	}
	w.at(t, home, id, func(city *tenant.City, _ *gormx.DB) {
		if _, err := report(t.Context(), city, 0); !gormx.IsReadOnly(err) {
			t.Errorf("here: got %v, want writes refused until it is known", err)
		}
	})
	if _, err := w.Move(t.Context(), id, "second"); err != nil {
		t.Fatal(err)
	}
}

func TestAMoveThatIsKilledIsDoneAgain(t *testing.T) {
	w, home, second, id := fleet(t)
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		_, _ = home.Move(t.Context(), id, second, func(context.Context) error {
			runtime.Goexit() // nothing after it is done
			return nil
		})
	}()
	<-killed
	w.at(t, home, id, func(city *tenant.City, _ *gormx.DB) {
		if _, err := report(t.Context(), city, 0); !gormx.IsReadOnly(err) {
			t.Errorf("between the freeze and the switch: got %v, want writes refused", err)
		}
	})
	if _, err := w.Move(t.Context(), id, "second"); err != nil {
		t.Fatal(err)
	}
	w.at(t, second, id, func(city *tenant.City, _ *gormx.DB) {
		if _, err := report(t.Context(), city, 0); err != nil {
			t.Error(err)
		}
	})
}

func TestAMoveRefusesWhatItCanNotDo(t *testing.T) {
	w, home, second, id := fleet(t)
	for server, want := range map[string]error{"own": life.ErrThere, "third": postgres.ErrNoServer} {
		if _, err := w.Move(t.Context(), id, server); !errors.Is(err, want) {
			t.Errorf("to %s: got %v, want %v", server, err, want)
		}
	}
	// A schema that no move has left is not touched.
	if err := second.Prepare(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	w.foreign(t, second, id)
	if _, err := w.Move(t.Context(), id, "second"); !errors.Is(err, postgres.ErrOccupied) {
		t.Errorf("onto another's schema: got %v, want ErrOccupied", err)
	}
	w.foreign(t, second, id)
	w.work(t, id, 1)
	_ = home

	lite := newWorld(t, gormx.SQLite)
	if _, err := lite.Move(t.Context(), lite.build(t), "second"); !errors.Is(err, life.ErrNotMovable) {
		t.Errorf("a city on SQLite: got %v, want ErrNotMovable", err)
	}
}

// foreign makes sure that a table is in a city's schema, making it the first time.
func (w *world) foreign(t *testing.T, server postgres.Schemas, id tenant.ID) {
	t.Helper()
	server.Logins = nil
	dsn, err := server.DSN(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	db, err := gormx.OpenPostgres(dsn, gormx.Pool{Max: 1, Idle: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Write.Exec("CREATE TABLE IF NOT EXISTS somebodys (n BIGINT)").Error; err != nil {
		t.Fatal(err)
	}
	var there bool
	if err := db.Read.Raw("SELECT to_regclass('somebodys') IS NOT NULL").Scan(&there).Error; err != nil || !there {
		t.Errorf("somebody's table is gone: %v", err)
	}
}
