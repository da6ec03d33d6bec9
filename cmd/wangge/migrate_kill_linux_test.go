package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"wangge/cmd/wangge/app"
	"wangge/internal/gormx"
	"wangge/internal/identity"
	"wangge/migrations"
	"wangge/provisioning"
	"wangge/provisioning/provisioningtest"
	"wangge/provisioning/sample"
	"wangge/provisioning/waves"
	"wangge/tenant"
)

// fleet is a province with some cities at an older level, raised by processes of
// their own.
type fleet struct {
	data, platform, admin string
	codes                 []string
}

// newFleet builds cities so many levels behind the newest.
func newFleet(t *testing.T, engine gormx.Engine, levels int64, codes ...string) *fleet {
	t.Helper()
	f := &fleet{data: filepath.Join(t.TempDir(), "data"), codes: codes}
	if engine == gormx.Postgres {
		f.platform, f.admin = provisioningtest.Database(t)
	}
	newest, err := app.NewestLevel()
	check(t, err)
	a := f.open(t)
	a.Provision.Seeder = waves.Older{Seeder: a.Provision.Seeder, Level: newest - levels}
	for _, code := range codes {
		d, _ := a.Atlas.Lookup(code)
		declared := sample.Spec(d)
		grids, err := sample.Grids(code, sample.Communities(a.Atlas, code, 1)[:1], 4, 1)
		check(t, err)
		path, err := sample.Write(t.TempDir(), declared, grids)
		check(t, err)
		spec, err := provisioning.ReadSpec(path, a.Atlas)
		check(t, err)
		_, err = a.Provision.Apply(t.Context(), spec, func(provisioning.Step, int, int, time.Duration, string, error) {})
		check(t, err)
	}
	check(t, a.Close())
	return f
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (f *fleet) open(t *testing.T) *app.App {
	t.Helper()
	a, err := app.Open(t.Context(), app.Config{
		Data: f.data, Postgres: f.platform, Provisioner: f.admin, Hasher: identity.NewHasher(identity.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 2),
	})
	check(t, err)
	return a
}

// up raises the cities in a process of its own that is killed after a while,
// when one is given. It returns the exit code and what was printed.
func (f *fleet) up(t *testing.T, kill time.Duration) (code int, text string) {
	t.Helper()
	program, err := os.Executable()
	check(t, err)
	child := exec.CommandContext(t.Context(), program, "migrate", "up", "--data", f.data, "--parallel", "2")
	child.Env = append(os.Environ(), childVariable+"=1", "WANGGE_POSTGRES="+f.platform)
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if kill > 0 {
		// The child is killed while it is read from, as by a power cut.
		out, err := child.StderrPipe()
		check(t, err)
		check(t, child.Start())
		timer := time.AfterFunc(kill, func() { _ = child.Process.Kill() })
		defer timer.Stop()
		all, _ := io.ReadAll(out)
		_ = child.Wait() // killed, or done before that
		return child.ProcessState.ExitCode(), string(all)
	}
	all, err := child.CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return child.ProcessState.ExitCode(), string(all)
}

// found is the whole schema and every row of every city.
func (f *fleet) found(t *testing.T) (lines []string) {
	t.Helper()
	a := f.open(t)
	defer func() { check(t, a.Close()) }()
	for _, code := range f.codes {
		id, err := tenant.ParseID(code)
		check(t, err)
		db, err := a.Fleet.Open(t.Context(), id)
		check(t, err)
		query := "SELECT type || ' ' || name || ' ' || COALESCE(sql, '') FROM sqlite_master"
		if db.Engine == gormx.Postgres {
			query = `SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || COALESCE(column_default, '') FROM information_schema.columns WHERE table_schema = current_schema()
				UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()
				UNION ALL SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
				UNION ALL SELECT 'trigger ' || tgrelid::regclass || ' ' || tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = current_schema()::regnamespace AND NOT tgisinternal`
		}
		var schema []string
		check(t, db.Read.Raw(query).Scan(&schema).Error)
		for _, line := range append(schema, provisioningtest.Dump(t, db)...) {
			lines = append(lines, code+" "+line)
		}
		check(t, db.Close())
	}
	return lines
}

func TestARolloutThatIsKilledGoesOnToTheSameTables(t *testing.T) {
	for _, engine := range []gormx.Engine{gormx.SQLite, gormx.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			codes := []string{"150300", "640200", "620200"}
			var want []string
			var took time.Duration
			t.Run("undisturbed", func(t *testing.T) {
				f := newFleet(t, engine, 2, codes...)
				began := time.Now()
				code, text := f.up(t, 0)
				took = time.Since(began)
				if code != 0 {
					t.Fatalf("exit code %d: %s", code, text)
				}
				says(t, text, "raised 3", "as they were 0")
				want = f.found(t)
			})
			random, kills := rand.New(rand.NewPCG(4, uint64(len(engine)))), 0
			for n := range 4 {
				t.Run(fmt.Sprintf("killed again and again, %d", n+1), func(t *testing.T) {
					f := newFleet(t, engine, 2, codes...)
					killed := 0
					for range 4 {
						if code, _ := f.up(t, time.Duration(random.Int64N(int64(took)))); code == 0 {
							break
						}
						killed++
						kills++
						half(t, f)
					}
					if code, text := f.up(t, 0); code != 0 {
						t.Fatalf("after %d kills: exit code %d: %s", killed, code, text)
					}
					if d := provisioningtest.Differences(f.found(t), want); len(d) > 0 || len(want) < 300 {
						t.Errorf("after %d kills the cities differ (of %d lines):\n%s", killed, len(want), strings.Join(d, "\n"))
					}
					says(t, must(t, "migrate", "status", "--data", f.data, "--postgres", f.platform), "乌海市", "done", "是 yes")
				})
			}
			if kills == 0 {
				t.Error("no rollout was killed: they end before their time")
			}
		})
	}
}

// half fails when a city is between two levels: the tables of a level are there
// exactly when its version table says so.
func half(t *testing.T, f *fleet) {
	t.Helper()
	a := f.open(t)
	defer func() { check(t, a.Close()) }()
	for _, code := range f.codes {
		id, err := tenant.ParseID(code)
		check(t, err)
		db, err := a.Fleet.Open(t.Context(), id)
		check(t, err)
		at, newest, err := migrations.Level(t.Context(), db, migrations.City)
		check(t, err)
		last, err := migrations.Newest(migrations.City, db.Engine)
		check(t, err)
		made := regexp.MustCompile(`CREATE TABLE (\w+)`).FindAllStringSubmatch(last.SQL, -1)
		for _, table := range made {
			if there := db.Write.Migrator().HasTable(table[1]); there != (at == newest) {
				t.Errorf("city %s is at level %d of %d, table %s is there: %v", code, at, newest, table[1], there)
			}
		}
		check(t, db.Close())
	}
}

func TestTheLevelsOfAllCitiesAreOneTable(t *testing.T) {
	f := newFleet(t, gormx.SQLite, 1, "150300", "640200")
	newest, err := app.NewestLevel()
	check(t, err)
	says(t, must(t, "migrate", "status", "--data", f.data), "150300", "乌海市", fmt.Sprintf("%d / %d", newest-1, newest))
	says(t, must(t, "migrate", "up", "--data", f.data, "--canary", "640200", "--wave", "1"), "raised 1", "waiting 1")
	rows := strings.Split(must(t, "migrate", "status", "--data", f.data), "\n")
	if i := slices.IndexFunc(rows, func(r string) bool { return strings.HasPrefix(r, "640200") }); i < 0 || !strings.Contains(rows[i], fmt.Sprintf("%d / %d", newest, newest)) || !strings.Contains(rows[i], "done") {
		t.Errorf("the canary is not seen to be raised:\n%s", strings.Join(rows, "\n"))
	}
	says(t, must(t, "migrate", "status", "--data", f.data, "--json"), `"rollout": "waiting"`, `"wave": 2`, `"served": true`)
	says(t, must(t, "migrate", "up", "--data", f.data, "--json"), `"raised": 1`, `"waiting": 0`)
	code, _, refusal := wangge(t, "migrate", "up", "--data", f.data, "--canary", "150300")
	if code != exitRefused {
		t.Errorf("another canary: exit code %d, want 2", code)
	}
	says(t, refusal, "640200")
	if code, _, _ := wangge(t, "migrate", "up", "--data", f.data, "--sizes", "many"); code != exitRefused {
		t.Errorf("sizes that say nothing: exit code %d, want 2", code)
	}
}
