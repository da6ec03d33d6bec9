package citytest

import (
	"testing"

	"wangge/internal/blob"
)

// blobs is a file store of the test's own.
func blobs(t testing.TB) *blob.Store {
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
