package provisioning_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"wangge/internal/gormx"
	"wangge/provisioning"
	"wangge/provisioning/postgres"
	"wangge/provisioning/provisioningdb"
	"wangge/provisioning/provisioningtest"
	"wangge/provisioning/sqlite"
	"wangge/tenant/tenantdb"
)

// remains is all that there is of a city outside its own tables.
func (w *world) remains(t *testing.T) (found []string) {
	t.Helper()
	for _, table := range []string{"cities WHERE code", "provisioning_steps WHERE city", "subscriptions WHERE city"} {
		var n int
		if err := w.province.Read.Raw("SELECT COUNT(*) FROM "+table+" = ?", provisioningtest.Code).Scan(&n).Error; err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			found = append(found, table)
		}
	}
	held, ok := w.Secrets.(keys)
	if !ok {
		t.Fatalf("keys of kind %T", w.Secrets)
	}
	keys, err := held.keeper.Describe(t.Context(), "city/"+provisioningtest.Code)
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) > 0 {
		found = append(found, "key")
	}
	if files, ok := w.Database.(sqlite.Files); ok {
		err := filepath.WalkDir(files.Dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				found = append(found, path)
			}
			return nil // the folder may not be there yet
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	var names []string
	if err := w.province.Read.Raw(`SELECT rolname FROM pg_roles WHERE rolname LIKE 'city\_%' UNION ALL SELECT nspname FROM pg_namespace WHERE nspname LIKE 'city\_%'`).Scan(&names).Error; err != nil {
		t.Fatal(err)
	}
	schemas, ok := w.Database.(postgres.Schemas)
	if !ok {
		t.Fatalf("a database of kind %T", w.Database)
	}
	if _, err := schemas.Keeper.Get(t.Context(), tenantdb.SecretName(provisioningtestID(t))); err == nil {
		names = append(names, "password")
	}
	return append(found, names...)
}

func TestAnAbandonedCityLeavesNothingWhereverItsApplyStopped(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		s := spec(t, provisioningtest.Spec())
		for _, stop := range provisioning.Steps()[1:] { // the last one puts it into service
			t.Run("before "+stop.Code, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				_, err := w.Apply(ctx, s, func(st provisioning.Step, _, _ int, took time.Duration, _ string, _ error) {
					if st.Code == stop.Code && took < 0 {
						cancel()
					}
				})
				if !errors.Is(err, context.Canceled) {
					t.Fatalf("got %v, want it stopped", err)
				}
				if len(w.remains(t)) == 0 {
					t.Fatal("nothing was built: the test shows nothing")
				}
				for range 2 { // once more changes nothing
					if err := w.Abandon(t.Context(), s.ID(), quiet); err != nil {
						t.Fatal(err)
					}
					if left := w.remains(t); len(left) > 0 {
						t.Errorf("left behind: %v", left)
					}
				}
			})
		}
		w.apply(t, s)
		before := w.dump(t)
		if err := w.Abandon(t.Context(), s.ID(), quiet); !errors.Is(err, provisioningdb.ErrServed) {
			t.Errorf("a city in service: got %v, want ErrServed", err)
		}
		same(t, w.dump(t), before)
	})
}

func TestAnAbandonmentThatStopsAnywhereGoesOn(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		s := spec(t, provisioningtest.Spec())
		for stop := 1; stop <= 4; stop++ {
			t.Run(fmt.Sprint("at ", stop), func(t *testing.T) {
				building, halt := context.WithCancel(t.Context())
				_, err := w.Apply(building, s, func(st provisioning.Step, _, _ int, took time.Duration, _ string, _ error) {
					if st.Code == "self_check" && took < 0 {
						halt()
					}
				})
				if !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				err = w.Abandon(ctx, s.ID(), func(_ provisioning.Step, position, _ int, took time.Duration, _ string, _ error) {
					if position == stop && took < 0 {
						cancel()
					}
				})
				if w.Database.Engine() == gormx.Postgres && !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want it stopped", err)
				}
				if err := w.Abandon(t.Context(), s.ID(), quiet); err != nil {
					t.Fatal(err)
				}
				if left := w.remains(t); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			})
		}
	})
}
