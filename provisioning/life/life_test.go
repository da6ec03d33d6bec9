package life_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wangge/internal/gormx"
	"wangge/platform"
	"wangge/platform/seal"
	"wangge/provisioning/archive"
	"wangge/provisioning/life"
	"wangge/provisioning/provisioningtest"
	"wangge/tenant"
	"wangge/tenant/casework"
)

// export writes the archive of a city of w for another world.
func (w *world) export(t *testing.T, id tenant.ID, to *world) (m archive.Manifest, path string) {
	t.Helper()
	recipient, err := to.Keeper.Recipient(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "city.wga")
	m, _, err = w.Export(t.Context(), id, path, recipient)
	if err != nil {
		t.Fatal(err)
	}
	return m, path
}

// content is the checksum of what a city holds.
func (w *world) content(t *testing.T, id tenant.ID) string {
	t.Helper()
	db, err := w.Database.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	m, err := archive.Survey(t.Context(), db)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return m.Content
}

// nothing makes sure that there is nothing of a city.
func (w *world) nothing(t *testing.T, id tenant.ID) {
	t.Helper()
	if _, err := w.Registry.City(t.Context(), id.String()); !errors.Is(err, platform.ErrNoCity) {
		t.Errorf("the registry knows it: %v", err)
	}
	w.noTrace(t, id)
}

// noTrace makes sure that nothing of a city is left but what the registry says.
func (w *world) noTrace(t *testing.T, id tenant.ID) {
	t.Helper()
	there, err := w.Database.Exists(t.Context(), id)
	if err != nil || there {
		t.Errorf("its database is there (%v)", err)
	}
	keys, err := w.Keeper.Describe(t.Context(), id.Scope())
	if err != nil || len(keys) > 0 {
		t.Errorf("its keys are there: %v (%v)", keys, err)
	}
	n, _, err := w.Blobs.Vault(id.String(), nil).Size(t.Context())
	if err != nil || n > 0 {
		t.Errorf("%d of its files are there (%v)", n, err)
	}
}

func TestACityMovesToAnEmptyPlatformOnTheOtherEngineAndBack(t *testing.T) {
	each(t, func(t *testing.T, engine gormx.Engine) {
		from, to, home := newWorld(t, engine), newWorld(t, other(engine)), newWorld(t, engine)
		id := from.build(t)
		first, path := from.export(t, id, to)
		from.remove(t, id) // roles of PostgreSQL are the whole server's
		if _, err := to.Import(t.Context(), id, path, quiet); err != nil {
			t.Fatal(err)
		}
		to.use(t, id, func(city *tenant.City, _ *gormx.DB) {
			page, err := city.Cases.Cases(t.Context(), casework.Filter{Limit: 100})
			if err != nil || len(page) != 5 {
				t.Fatalf("%d cases (%v), want 5", len(page), err)
			}
			for _, c := range page {
				if who, err := city.Cases.Contact(t.Context(), c.Number); err != nil || who.Name != "来电人" {
					t.Errorf("the reporter of %s is %+v (%v)", c.Number, who, err)
				}
			}
			items, err := city.Evidence.List(t.Context(), "20261123-000001")
			if err != nil || len(items) != 1 {
				t.Fatalf("evidence %v (%v)", items, err)
			}
			_, r, err := city.Evidence.Open(t.Context(), items[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			var sound bytes.Buffer
			if _, err := sound.ReadFrom(r); errors.Join(err, r.Close()) != nil || !strings.HasPrefix(sound.String(), "#!AMR\n20261123") {
				t.Errorf("the recording holds %.20q (%v)", sound.String(), err)
			}
		})
		entry, err := to.Registry.City(t.Context(), id.String())
		if err != nil || entry.State != platform.Active || entry.Engine != string(other(engine)) || entry.Model != string(provisioningtest.Spec().Model) || entry.SpecHash == "" {
			t.Errorf("registered as %+v (%v)", entry, err)
		}
		second, path := to.export(t, id, home)
		if second.Content != first.Content || first.Files.Number != 1 {
			t.Errorf("on %s: content %s of %d files, want %s", other(engine), second.Content, second.Files.Number, first.Content)
		}
		to.remove(t, id)
		if _, err := home.Import(t.Context(), id, path, quiet); err != nil {
			t.Fatal(err)
		}
		third, _ := home.export(t, id, from)
		if third.Content != first.Content {
			t.Errorf("back on %s: content %s, want %s", engine, third.Content, first.Content)
		}
	})
}

// remove takes a city away that moved, so that another world of the same
// PostgreSQL server may have its role.
func (w *world) remove(t *testing.T, id tenant.ID) {
	t.Helper()
	if err := errors.Join(w.Database.Clear(t.Context(), id), w.Database.Drop(t.Context(), id)); err != nil {
		t.Fatal(err)
	}
}

func TestAnImportIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	each(t, func(t *testing.T, engine gormx.Engine) {
		from, to, third := newWorld(t, gormx.SQLite), newWorld(t, engine), newWorld(t, gormx.SQLite)
		own := from.build(t)
		_, path := from.export(t, own, to)
		_, foreign := from.export(t, own, third)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		cut := filepath.Join(t.TempDir(), "cut")
		if err := os.WriteFile(cut, whole[:len(whole)-1], 0o600); err != nil {
			t.Fatal(err)
		}
		backup, _, err := from.Backup(t.Context(), own, 3)
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			id   tenant.ID
			path string
			want error
		}{
			"of another city":      {id(t, "620200"), path, life.ErrOtherCity},
			"cut off":              {own, cut, archive.ErrDamaged},
			"for another platform": {own, foreign, life.ErrNotForUs},
			"a backup":             {own, filepath.Join(from.dir, "backups", own.String(), backup.Name), life.ErrNoKeys},
		} {
			if _, err := to.Import(t.Context(), c.id, c.path, quiet); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
			to.nothing(t, c.id)
		}
		if _, err := to.Import(t.Context(), own, path, quiet); err != nil {
			t.Fatal(err)
		}
		before := to.content(t, own)
		if _, err := to.Import(t.Context(), own, path, quiet); !errors.Is(err, life.ErrExists) {
			t.Errorf("a second time: %v, want ErrExists", err)
		}
		if after := to.content(t, own); after != before {
			t.Error("the refused import changed the city")
		}
	})
}

func TestAnImportThatFailsAtAnyStepLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, engine gormx.Engine) {
		from, to := newWorld(t, gormx.SQLite), newWorld(t, engine)
		own := from.build(t)
		_, path := from.export(t, own, to)
		ledger := to.Ledger
		for _, step := range []string{"import_reserve", "import_keys", "import_tables", "import_files", "import_ready"} {
			to.Ledger = failing{ledger, step}
			if _, err := to.Import(t.Context(), own, path, quiet); !errors.Is(err, errBroken) {
				t.Fatalf("at %s: %v", step, err)
			}
			to.nothing(t, own)
		}
		to.Ledger = ledger
		if _, err := to.Import(t.Context(), own, path, quiet); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWhatWasBilledElsewhereIsNotBilledAgain(t *testing.T) {
	from, to := newWorld(t, gormx.SQLite), newWorld(t, gormx.SQLite)
	own := from.build(t)
	from.use(t, own, func(city *tenant.City, _ *gormx.DB) {
		if n, err := city.Usage.Seal(t.Context(), monday); n == 0 || err != nil {
			t.Fatal(n, err)
		}
	})
	_, path := from.export(t, own, to)
	if _, err := to.Import(t.Context(), own, path, quiet); err != nil {
		t.Fatal(err)
	}
	if to.waived != 1 {
		t.Errorf("batches up to %d are waived, want 1", to.waived)
	}
}

func TestADeletedCityIsKeptThenPurgedWithProof(t *testing.T) {
	each(t, func(t *testing.T, engine gormx.Engine) {
		w := newWorld(t, engine)
		own := w.build(t)
		copied, _, err := w.Backup(t.Context(), own, 2)
		if err != nil {
			t.Fatal(err)
		}
		saved, err := os.ReadFile(filepath.Join(w.dir, "backups", own.String(), copied.Name))
		if err != nil {
			t.Fatal(err)
		}
		content := w.content(t, own)
		if _, _, err := w.Purge(t.Context(), own, 0); !errors.Is(err, life.ErrNotLeft) {
			t.Errorf("purged though in service: %v", err)
		}
		if err := w.Delete(t.Context(), own, ""); err == nil {
			t.Error("deleted without a reason")
		}
		if err := w.Delete(t.Context(), own, "合同到期"); err != nil {
			t.Fatal(err)
		}
		if err := w.Delete(t.Context(), own, "合同到期"); !errors.Is(err, life.ErrLeft) {
			t.Errorf("deleted twice: %v", err)
		}
		if err := w.Suspend(t.Context(), own, platform.ReadOnly, "x"); !errors.Is(err, life.ErrLeft) {
			t.Errorf("suspended though it left: %v", err)
		}
		w.now = w.now.Add(life.Retention - time.Minute)
		if _, _, err := w.Purge(t.Context(), own, life.Retention); !errors.Is(err, life.ErrRetained) {
			t.Errorf("purged too soon: %v", err)
		}
		if err := w.Resume(t.Context(), own); err != nil {
			t.Fatal(err)
		}
		if w.content(t, own) != content {
			t.Error("deleting and resuming changed the city")
		}
		if err := w.Delete(t.Context(), own, "合同到期"); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(life.Retention)
		proof, sealed, err := w.Purge(t.Context(), own, life.Retention)
		if err != nil {
			t.Fatal(err)
		}
		w.noTrace(t, own)
		if proof.Tables["cases"] != 5 || proof.Files != 1 || proof.Content != content || len(proof.Keys) == 0 || len(proof.Backups) != 1 || proof.Reason != "合同到期" {
			t.Errorf("the certificate says %+v", proof)
		}
		again, _, err := w.Proof(t.Context(), own)
		if err != nil || again.Content != content {
			t.Errorf("read back %+v (%v)", again, err)
		}
		if err := w.Resume(t.Context(), own); !errors.Is(err, life.ErrPurged) {
			t.Errorf("resumed though purged: %v", err)
		}
		if bytes.Contains(saved, []byte("来电人")) {
			t.Error("a backup that got away tells the reporter")
		}
		path := filepath.Join(w.dir, "certificates", own.String()+".json")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, bytes.Replace(text, []byte("合同到期"), []byte("合同有效"), 1), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.Proof(t.Context(), own); !errors.Is(err, seal.ErrAltered) {
			t.Errorf("an altered certificate (%s): %v, want ErrAltered", sealed.Hash, err)
		}
	})
}

func TestOnlyTheNewestBackupsAreKept(t *testing.T) {
	w := newWorld(t, gormx.SQLite)
	own := w.build(t)
	for range 4 {
		w.now = w.now.Add(time.Hour)
		if _, _, err := w.Backup(t.Context(), own, 2); err != nil {
			t.Fatal(err)
		}
	}
	list, err := w.Backups(own)
	var names []string
	for _, b := range list {
		names = append(names, b.Name)
	}
	if want := []string{"20261123T130000Z.wga", "20261123T120000Z.wga"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("kept %v (%v), want %v", names, err, want)
	}
}

func TestSuspendingWantsADegreeAndAReason(t *testing.T) {
	w := newWorld(t, gormx.SQLite)
	own := w.build(t)
	for _, bad := range []struct {
		access platform.Access
		reason string
	}{{platform.Open, "x"}, {"", "x"}, {platform.Closed, " "}} {
		if err := w.Suspend(t.Context(), own, bad.access, bad.reason); err == nil {
			t.Errorf("suspended as %+v", bad)
		}
	}
	if err := w.Suspend(t.Context(), own, platform.ReadOnly, "欠费"); err != nil {
		t.Fatal(err)
	}
	entry, err := w.Registry.City(t.Context(), own.String())
	if err != nil || entry.State != platform.Suspended || entry.Access != platform.ReadOnly || entry.AccessReason != "欠费" || entry.Generation != 1 {
		t.Errorf("got %+v (%v)", entry, err)
	}
	if err := w.Suspend(t.Context(), own, platform.Closed, "欠费"); err != nil {
		t.Fatal(err)
	}
	if err := w.Resume(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	entry, err = w.Registry.City(t.Context(), own.String())
	if err != nil || entry.State != platform.Active || entry.Access != platform.Open || entry.AccessReason != "" || entry.Generation != 3 {
		t.Errorf("got %+v (%v)", entry, err)
	}
	if err := w.Suspend(t.Context(), id(t, "620200"), platform.Closed, "x"); !errors.Is(err, platform.ErrNoCity) {
		t.Errorf("an unknown city: %v", err)
	}
}
