package provisioning_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wangge/internal/gormx"
	"wangge/internal/identity"
	"wangge/internal/secrets"
	"wangge/migrations"
	"wangge/provisioning"
	"wangge/provisioning/postgres"
	"wangge/provisioning/provisioningdb"
	"wangge/provisioning/provisioningtest"
	"wangge/provisioning/sqlite"
	"wangge/tenant"
	"wangge/tenant/casework"
	"wangge/tenant/division"
	"wangge/tenant/tenantdb"
)

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// world is an empty platform: a province without cities.
type world struct {
	*provisioning.Provisioner
	province *gormx.DB
	now      time.Time
}

// engines runs test in a world of its own on each engine.
func engines(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newWorld(t, gormx.SQLite)) })
	t.Run("postgres", func(t *testing.T) { test(t, newWorld(t, gormx.Postgres)) })
}

func newWorld(t testing.TB, engine gormx.Engine) *world {
	t.Helper()
	keeper, err := secrets.OpenKeyFile(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{now: monday}
	clock := func() time.Time { return w.now }
	var database provisioning.Database
	w.province, database = openProvince(t, engine, keeper)
	if _, err := migrations.Up(t.Context(), w.province, migrations.Province); err != nil {
		t.Fatal(err)
	}
	w.Provisioner = &provisioning.Provisioner{
		Atlas: atlas(t), Database: database, Ledger: provisioningdb.New(w.province, "test", clock), Secrets: keys{keeper}, Now: clock,
		Seeder: tenantdb.Seeder{
			Options: tenantdb.Options{Identity: identity.Options{Hasher: identity.NewHasher(identity.Cost{MemoryKiB: 8, Passes: 1, Lanes: 1}, 1)}, Zone: time.UTC},
			Sealer: func(ctx context.Context, id tenant.ID) (casework.Sealer, error) {
				return keeper.Sealer(ctx, id.Scope())
			},
			Clock: func(tenant.ID) func() time.Time { return clock },
		},
	}
	return w
}

func openProvince(t testing.TB, engine gormx.Engine, keeper *secrets.KeyFile) (province *gormx.DB, cities provisioning.Database) {
	t.Helper()
	var err error
	if engine == gormx.SQLite {
		dir := t.TempDir()
		province, err = gormx.OpenSQLite(filepath.Join(dir, "province.db"), gormx.Normal)
		cities = sqlite.Files{Files: tenantdb.Files{Dir: filepath.Join(dir, "cities")}}
	} else {
		platform, provisioner := provisioningtest.Database(t)
		province, err = gormx.OpenPostgres(platform, gormx.Pool{Max: 4, Idle: time.Minute})
		cities = postgres.Schemas{Schemas: tenantdb.Schemas{Server: platform, Keeper: keeper}, Provisioner: provisioner}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := province.Close(); err != nil {
			t.Error(err)
		}
	})
	return province, cities
}

type keys struct{ keeper *secrets.KeyFile }

func (k keys) Ensure(ctx context.Context, scope string) error {
	_, err := k.keeper.Sealer(ctx, scope)
	return err
}

func (k keys) Destroy(ctx context.Context, scope string) error { return k.keeper.Destroy(ctx, scope) }

// read is the spec of a file without faults.
func read(t testing.TB, path string) *provisioning.Spec {
	t.Helper()
	s, err := provisioning.ReadSpec(path, atlas(t))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func atlas(t testing.TB) *division.Atlas {
	t.Helper()
	a, err := division.Load()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// spec is a spec with a lattice of 36 grids.
func spec(t testing.TB, s provisioning.Spec) *provisioning.Spec {
	t.Helper()
	return read(t, provisioningtest.Write(t, s, provisioningtest.Square(t, 6, 1)))
}

func quiet(provisioning.Step, int, int, time.Duration, string, error) {}

// apply applies a spec, which must go well, and returns the logins invited.
func (w *world) apply(t testing.TB, s *provisioning.Spec) (invited []string) {
	t.Helper()
	result, err := w.Apply(t.Context(), s, quiet)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range result.Invitations {
		invited = append(invited, i.Login)
	}
	return invited
}

// changes is the plan of a spec, a line for each change.
func (w *world) changes(t testing.TB, s *provisioning.Spec) (lines []string) {
	t.Helper()
	plan, err := w.Plan(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range plan.Changes {
		lines = append(lines, fmt.Sprintf("%s %s %s: %s > %s", c.Op, c.What, c.Name, c.Before, c.After))
	}
	return lines
}

// use runs fn on the open city.
func (w *world) use(t testing.TB, fn func(*tenant.City, *gormx.DB)) {
	t.Helper()
	id := provisioningtestID(t)
	db, err := w.Database.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	city, err := w.Seeder.Open(t.Context(), id, db)
	if err == nil {
		fn(city, db)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func provisioningtestID(t testing.TB) tenant.ID {
	t.Helper()
	id, err := tenant.ParseID(provisioningtest.Code)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// dump is everything in the city's database and what the province says of it.
func (w *world) dump(t testing.TB) (lines []string) {
	t.Helper()
	w.use(t, func(_ *tenant.City, db *gormx.DB) { lines = provisioningtest.Dump(t, db) })
	var known []string
	if err := w.province.Read.Raw("SELECT code || name || model || state || engine || spec_hash FROM cities").Scan(&known).Error; err != nil {
		t.Fatal(err)
	}
	return append(lines, known...)
}

// forget makes the world as if the city had never been.
func (w *world) forget(t testing.TB) {
	t.Helper()
	if files, ok := w.Database.(sqlite.Files); ok {
		if err := os.RemoveAll(files.Dir); err != nil {
			t.Fatal(err)
		}
	} else {
		w.use(t, func(_ *tenant.City, db *gormx.DB) { // what it owns it may drop
			if err := db.Write.Exec("DROP SCHEMA city_" + provisioningtest.Code + " CASCADE").Error; err != nil {
				t.Fatal(err)
			}
		})
		provisioningtest.DropRoles(t)
	}
	for _, table := range []string{"provisioning_steps", "subscriptions", "cities"} {
		if err := w.province.Write.Exec("DELETE FROM " + table).Error; err != nil {
			t.Fatal(err)
		}
	}
}

// same fails when two dumps differ.
func same(t testing.TB, got, want []string) {
	t.Helper()
	if d := provisioningtest.Differences(got, want); len(d) > 0 || len(want) < 100 {
		t.Errorf("the city differs (of %d lines):\n%s", len(want), strings.Join(d, "\n"))
	}
}
