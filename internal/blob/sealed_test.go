package blob_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"wangge/internal/blob"
)

func TestABlobIsCopiedAsItLiesAndOpensUnderTheSameKey(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		own, _ := sealers(t)
		from, to := s.Vault("one", own), s.Vault("copy", own)
		content := bytes.Repeat([]byte("照片"), 50000)
		name, key, err := from.Put(t.Context(), bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		r, size, err := from.Sealed(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil || int64(len(sealed)) != size || bytes.Contains(sealed, content[:100]) {
			t.Fatalf("read %d of %d bytes (%v), want them all, sealed", len(sealed), size, err)
		}
		if err := to.Keep(t.Context(), name, bytes.NewReader(sealed)); err != nil {
			t.Fatal(err)
		}
		open, err := to.Open(t.Context(), name, key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(open)
		if err := errors.Join(err, open.Close()); err != nil || !bytes.Equal(got, content) {
			t.Errorf("the copy has %d bytes (%v), want %d", len(got), err, len(content))
		}
		if err := to.Clear(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, key := range s.keys() {
			if strings.HasPrefix(key, "copy/") {
				t.Errorf("%s is left", key)
			}
		}
		if _, _, err := to.Sealed(t.Context(), name); !errors.Is(err, blob.ErrGone) {
			t.Errorf("after clearing: %v, want ErrGone", err)
		}
		if _, _, err := from.Sealed(t.Context(), name); err != nil {
			t.Errorf("clearing one owner took another's: %v", err)
		}
	})
}

func TestANameThatIsNotABlobsIsRefused(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		own, _ := sealers(t)
		v := s.Vault("one", own)
		for _, name := range []string{"", "x", "../../../../etc/passwd-abcdefg", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", strings.Repeat("a", 27)} {
			if _, _, err := v.Sealed(t.Context(), name); !errors.Is(err, blob.ErrName) {
				t.Errorf("read %q: %v, want ErrName", name, err)
			}
			if err := v.Keep(t.Context(), name, strings.NewReader("x")); !errors.Is(err, blob.ErrName) {
				t.Errorf("keep %q: %v, want ErrName", name, err)
			}
		}
	})
}
