package archive_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"wangge/internal/gormx"
	"wangge/migrations"
	"wangge/provisioning/archive"
	"wangge/tenant/casework"
	"wangge/tenant/citytest"
)

func TestACityIsTheSameOnTheOtherEngineAndBack(t *testing.T) {
	for engine, other := range map[gormx.Engine]gormx.Engine{gormx.SQLite: gormx.Postgres, gormx.Postgres: gormx.SQLite} {
		t.Run(string(engine), func(t *testing.T) {
			h := city(t, engine)
			first, path := export(t, h, h.DB)
			if first.Files.Number != 2 || first.Journal.Steps < 70 || first.Table("cases").Rows != 70 {
				t.Fatalf("exported %+v, %+v", first.Files, first.Journal)
			}
			for _, to := range []gormx.Engine{other, engine} {
				db := openers[to](t)
				a := opened(t, path)
				if err := a.Verify(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := a.Load(t.Context(), db, archive.Loading{}); err != nil {
					t.Fatal(err)
				}
				var second archive.Manifest
				second, path = export(t, h, db)
				if second.Content != first.Content {
					t.Errorf("on %s the content is %s, want %s: %v", to, second.Content, first.Content, differing(first, second))
				}
				works(t, h, db)
			}
		})
	}
}

// works tries what a city does on the database it was put into.
func works(t *testing.T, h *citytest.House, db *gormx.DB) {
	t.Helper()
	city, err := h.Seeder.Open(t.Context(), h.City.ID, db)
	if err != nil {
		t.Fatal(err)
	}
	page, err := city.Cases.Cases(t.Context(), casework.Filter{Text: "井盖", Limit: 100})
	if err != nil || len(page) != 70 {
		t.Errorf("the words find %d cases (%v), want 70", len(page), err)
	}
	who, err := city.Cases.Contact(t.Context(), "20261123-000001")
	if err != nil || who.Name != "来电人" {
		t.Errorf("the reporter is %+v (%v)", who, err)
	}
	before, err := city.Evaluation.Days(t.Context(), "city", "2026-11-01", "2026-11-30")
	if err != nil || len(before) == 0 {
		t.Errorf("figures %v, %v", before, err)
	}
	if n, err := city.Evaluation.Update(t.Context()); n != 0 || err != nil {
		t.Errorf("the reader read %d cases again (%v), want none: it had read all", n, err)
	}
	c, err := city.Cases.Report(t.Context(), h.Report())
	if err != nil || c.Number != "20261123-000071" || c.ID != 71 {
		t.Fatalf("the next case is %+v (%v)", c, err)
	}
	if n, err := city.Evaluation.Update(t.Context()); n != 1 || err != nil {
		t.Errorf("the reader read %d cases (%v), want the new one", n, err)
	}
	items, err := city.Evidence.List(t.Context(), "20261123-000001")
	if err != nil || len(items) != 1 {
		t.Fatalf("evidence %v, %v", items, err)
	}
	if err := db.Write.Exec("UPDATE steps SET note = 'x'").Error; err == nil {
		t.Error("a step was changed")
	}
}

func TestEveryTableOfACityTravelsOrHasAReasonNotTo(t *testing.T) {
	for engine, open := range openers {
		t.Run(string(engine), func(t *testing.T) {
			db := open(t)
			if _, err := migrations.Up(t.Context(), db, migrations.City); err != nil {
				t.Fatal(err)
			}
			if err := db.Write.Exec("CREATE TABLE forgotten (id BIGINT PRIMARY KEY)").Error; err != nil {
				t.Fatal(err)
			}
			unknown, err := archive.Unclassified(t.Context(), db)
			if err != nil || !slices.Equal(unknown, []string{"forgotten"}) {
				t.Errorf("in neither list: %v (%v), want only the one that the test made", unknown, err)
			}
			if wrong, err := archive.WrongKeys(t.Context(), db); err != nil || len(wrong) > 0 {
				t.Errorf("not ordered by their primary key, or not there: %v (%v)", wrong, err)
			}
		})
	}
}

func TestACityWithATableOfNoListIsNotExported(t *testing.T) {
	h := city(t, gormx.SQLite)
	if err := h.DB.Write.Exec("CREATE TABLE forgotten (id BIGINT PRIMARY KEY)").Error; err != nil {
		t.Fatal(err)
	}
	if _, _, err := archive.Export(t.Context(), source(h, h.DB), t.TempDir()+"/a"); !errors.Is(err, archive.ErrUnclassified) {
		t.Errorf("got %v, want ErrUnclassified", err)
	}
}

func TestWhatIsSecretStaysBehind(t *testing.T) {
	h := city(t, gormx.SQLite)
	h.SignIn(t, "supervisor")
	m, path := export(t, h, h.DB)
	for _, name := range []string{"sessions", "invitations", "consents", "case_terms", "goose_db_version"} {
		if m.Table(name).Name != "" {
			t.Errorf("%s travels", name)
		}
	}
	text := unpacked(t, path)
	for _, secret := range []string{"来电人", "000-10"} {
		if strings.Contains(text, secret) {
			t.Errorf("the archive says %s", secret)
		}
	}
	if !strings.Contains(text, "井盖") {
		t.Error("the archive has no cases")
	}
}

func TestADatabaseWithACityIsNotFilledOnce(t *testing.T) {
	h := city(t, gormx.SQLite)
	_, path := export(t, h, h.DB)
	for engine := range openers {
		there := city(t, engine)
		before, _ := export(t, there, there.DB)
		if err := opened(t, path).Load(t.Context(), there.DB, archive.Loading{}); !errors.Is(err, archive.ErrNotEmpty) {
			t.Errorf("%s: got %v, want ErrNotEmpty", engine, err)
		}
		if after, _ := export(t, there, there.DB); after.Content != before.Content {
			t.Errorf("%s: the city there has changed: %v", engine, differing(before, after))
		}
	}
}

func TestALoadThatFailsLeavesNothing(t *testing.T) {
	h := city(t, gormx.SQLite)
	_, path := export(t, h, h.DB)
	failed := errors.New("failed")
	for engine, open := range openers {
		for _, name := range []string{"accounts", "steps", "evidence_refs", "applied_specs"} {
			db := open(t)
			err := opened(t, path).Load(t.Context(), db, archive.Loading{Mask: func(table archive.Table, _ []any) (bool, error) {
				if table.Name == name {
					return false, failed
				}
				return true, nil
			}})
			rows := opened(t, path).Table(name).Rows
			if rows > 0 && !errors.Is(err, failed) {
				t.Errorf("%s: failing at %s gives %v", engine, name, err)
			}
			if rows == 0 {
				continue
			}
			for _, table := range []string{"accounts", "cases", "steps"} {
				var n int64
				if err := db.Read.Table(table).Count(&n).Error; err != nil || n != 0 {
					t.Errorf("%s: failing at %s left %d rows in %s (%v)", engine, name, n, table, err)
				}
			}
		}
	}
}

func TestFilesComeOutAsTheyLay(t *testing.T) {
	h := city(t, gormx.SQLite)
	m, path := export(t, h, h.DB)
	var seen int64
	err := opened(t, path).EachFile(t.Context(), func(name string, size int64, r io.Reader) error {
		there, _, err := vault(h).Sealed(t.Context(), name)
		if err != nil {
			return err
		}
		defer there.Close()
		want, err := io.ReadAll(there)
		if err != nil {
			return err
		}
		got, err := io.ReadAll(r)
		if string(got) != string(want) || int64(len(want)) != size {
			t.Errorf("file %s: %d bytes, want %d", name, len(got), len(want))
		}
		seen++
		return err
	})
	if err != nil || seen != m.Files.Number || seen == 0 {
		t.Errorf("%d files of %d (%v)", seen, m.Files.Number, err)
	}
}

func TestAFileThatTheStoreHasLostIsNamed(t *testing.T) {
	h := city(t, gormx.SQLite)
	if err := vault(h).Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	m, path := export(t, h, h.DB)
	if len(m.Files.Missing) != 2 || m.Files.Number != 0 {
		t.Errorf("files %+v, want two missing", m.Files)
	}
	if err := opened(t, path).Verify(t.Context()); err != nil {
		t.Error(err)
	}
}
