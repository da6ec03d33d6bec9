package life_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"wangge/internal/blob"
	"wangge/internal/gormx"
	"wangge/internal/identity"
	"wangge/internal/secrets"
	"wangge/migrations"
	"wangge/platform/platformdb"
	"wangge/provisioning"
	"wangge/provisioning/life"
	"wangge/provisioning/postgres"
	"wangge/provisioning/provisioningdb"
	"wangge/provisioning/provisioningtest"
	"wangge/provisioning/sqlite"
	"wangge/tenant"
	"wangge/tenant/casework"
	"wangge/tenant/division"
	"wangge/tenant/evidence"
	"wangge/tenant/org"
	"wangge/tenant/tenantdb"
)

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// world is a platform with its province, keys and files.
type world struct {
	*life.Life
	province *gormx.DB
	keeper   *secrets.KeyFile
	took     life.Taken // what the province says it has
	waived   int64
	now      time.Time
	dir      string
}

func each(t *testing.T, test func(t *testing.T, engine gormx.Engine)) {
	for _, engine := range []gormx.Engine{gormx.SQLite, gormx.Postgres} {
		t.Run(string(engine), func(t *testing.T) { test(t, engine) })
	}
}

func other(engine gormx.Engine) gormx.Engine {
	if engine == gormx.SQLite {
		return gormx.Postgres
	}
	return gormx.SQLite
}

func newWorld(t *testing.T, engine gormx.Engine) *world {
	t.Helper()
	w := &world{now: monday, dir: t.TempDir()}
	var err error
	if w.keeper, err = secrets.OpenKeyFile(filepath.Join(w.dir, "keys")); err != nil {
		t.Fatal(err)
	}
	var database life.Database
	if engine == gormx.SQLite {
		w.province, err = gormx.OpenSQLite(filepath.Join(w.dir, "province.db"), gormx.Normal)
		database = sqlite.Files{Files: tenantdb.Files{Dir: filepath.Join(w.dir, "cities")}}
	} else {
		platform, provisioner := provisioningtest.Database(t)
		w.province, err = gormx.OpenPostgres(platform, gormx.Pool{Max: 4, Idle: time.Minute})
		database = postgres.Schemas{Schemas: tenantdb.Schemas{Server: platform, Keeper: w.keeper}, Provisioner: provisioner}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.province.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := migrations.Up(t.Context(), w.province, migrations.Province); err != nil {
		t.Fatal(err)
	}
	w.Life = &life.Life{
		Registry: platformdb.Registry(w.province), Database: database, Keeper: w.keeper, Blobs: files(t), Province: w,
		Folder: w.dir, Now: func() time.Time { return w.now },
	}
	ledger := provisioningdb.New(w.province, "test", w.Now)
	w.Ledger, w.Seeder = ledger, tenantdb.Seeder{
		Options: tenantdb.Options{
			Identity: identity.Options{Hasher: identity.NewHasher(identity.Cost{MemoryKiB: 8, Passes: 1, Lanes: 1}, 1)},
			Zone:     time.FixedZone("Asia/Shanghai", 8*60*60), Blobs: w.Blobs,
		},
		Sealer: func(ctx context.Context, id tenant.ID) (casework.Sealer, error) {
			return w.keeper.Sealer(ctx, id.Scope())
		},
		Clock: func(tenant.ID) func() time.Time { return w.Now },
	}
	w.Builder = &provisioning.Provisioner{
		Atlas: atlas(t), Database: database, Ledger: ledger, Seeder: w.Seeder, Secrets: keys{w.keeper}, Now: w.Now,
	}
	return w
}

func files(t *testing.T) *blob.Store {
	t.Helper()
	address, err := blob.Folder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	store, err := blob.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func (w *world) Taken(context.Context, string) (life.Taken, error) { return w.took, nil }

func (w *world) Waive(_ context.Context, _ string, batch int64, _ time.Time) error {
	w.waived = batch
	return nil
}

func (w *world) TakeAll(context.Context, tenant.ID) error { return nil }

type keys struct{ keeper *secrets.KeyFile }

func (k keys) Ensure(ctx context.Context, scope string) error {
	_, err := k.keeper.Sealer(ctx, scope)
	return err
}

func (k keys) Destroy(ctx context.Context, scope string) error { return k.keeper.Destroy(ctx, scope) }

func atlas(t *testing.T) *division.Atlas {
	t.Helper()
	a, err := division.Load()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func id(t *testing.T, code string) tenant.ID {
	t.Helper()
	id, err := tenant.ParseID(code)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func quiet(provisioning.Step, int, int, time.Duration, string, error) {}

// build builds the city of the tests and gives it cases, reporters, a file.
func (w *world) build(t *testing.T) tenant.ID {
	t.Helper()
	s, err := provisioning.ReadSpec(provisioningtest.Write(t, provisioningtest.Spec(), provisioningtest.Square(t, 4, 1)), atlas(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Builder.Apply(t.Context(), s, quiet); err != nil {
		t.Fatal(err)
	}
	w.work(t, s.ID(), 5)
	return s.ID()
}

// use runs fn on the open city.
func (w *world) use(t *testing.T, id tenant.ID, fn func(*tenant.City, *gormx.DB)) {
	t.Helper()
	w.at(t, w.Database, id, fn)
}

// at runs fn on a city opened on a server.
func (w *world) at(t *testing.T, server provisioning.Database, id tenant.ID, fn func(*tenant.City, *gormx.DB)) {
	t.Helper()
	db, err := server.Open(t.Context(), id)
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

// work reports so many problems, the first with a recording, and files them.
func (w *world) work(t *testing.T, id tenant.ID, number int) {
	t.Helper()
	w.use(t, id, func(city *tenant.City, _ *gormx.DB) {
		accounts, _, err := city.Accounts.Accounts(t.Context(), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		by := casework.Actor{Account: accounts[0].ID, Role: string(org.IntakeClerk), Department: "JD"}
		grids, err := city.Grids.Grids(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		place := grids[0].Inside()
		for i := range number {
			c, err := city.Cases.Report(t.Context(), casework.ReportInput{
				By: by, Channel: casework.ChannelHotline, Condition: "01-001-2", Description: fmt.Sprintf("井盖破损，联系 13800001111，第%d处", i), Address: "路口",
				Place: place, Reporter: casework.Reporter{Name: "来电人", Phone: "000-0000"},
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := city.Cases.Do(t.Context(), casework.ActionFile, casework.Command{Number: c.Number, By: by}); err != nil {
				t.Fatal(err)
			}
			if i > 0 {
				continue
			}
			sound := append([]byte("#!AMR\n"), bytes.Repeat([]byte(c.Number), 300)...)
			if _, err := city.Evidence.Add(t.Context(), evidence.AddInput{
				Case: c.Number, Moment: evidence.Before, By: evidence.Actor{Account: by.Account, Role: by.Role}, Body: bytes.NewReader(sound),
			}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := city.Evaluation.Update(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
