package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"wangge/internal/blob"
	"wangge/internal/secrets"
)

// shop is a store and a look at what lies in it.
type shop struct {
	*blob.Store
	dir   string          // of a folder
	keys  func() []string // of everything that lies in it
	text  func(key string) ([]byte, error)
	spoil func(key string) error // changes a byte in the middle
	drop  func(key string) error // cuts the last byte off
}

// each runs test on a folder and on an S3-compatible server on loopback.
func each(t *testing.T, test func(t *testing.T, s shop)) {
	t.Run("file", func(t *testing.T) { test(t, folder(t)) })
	t.Run("s3", func(t *testing.T) { test(t, bucket(t)) })
}

func open(t *testing.T, address string) *blob.Store {
	t.Helper()
	s, err := blob.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func folder(t *testing.T) shop {
	dir := filepath.Join(t.TempDir(), "文件", "blobs")
	address, err := blob.Folder(dir)
	if err != nil {
		t.Fatal(err)
	}
	change := func(key string, how func([]byte) []byte) error {
		path := filepath.Join(dir, filepath.FromSlash(key))
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, how(text), 0o600)
	}
	return shop{
		Store: open(t, address), dir: dir,
		text: func(key string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, filepath.FromSlash(key))) },
		keys: func() (keys []string) {
			err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
				if err == nil && !entry.IsDir() {
					name, _ := filepath.Rel(dir, path)
					keys = append(keys, filepath.ToSlash(name))
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return keys
		},
		spoil: func(key string) error { return change(key, spoiled) },
		drop:  func(key string) error { return change(key, cut) },
	}
}

func spoiled(text []byte) []byte {
	text[len(text)/2] ^= 1
	return text
}

func cut(text []byte) []byte { return text[:len(text)-1] }

// bucket starts an S3-compatible server that ends with the test.
func bucket(t *testing.T) shop {
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	backend := s3mem.New()
	if err := backend.CreateBucket("evidence"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	text := func(key string) ([]byte, error) {
		object, err := backend.GetObject("evidence", key, nil)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(object.Contents)
	}
	change := func(key string, how func([]byte) []byte) error {
		text, err := text(key)
		if err != nil {
			return err
		}
		text = how(text)
		_, err = backend.PutObject("evidence", key, map[string]string{}, bytes.NewReader(text), int64(len(text)), nil)
		return err
	}
	query := url.Values{"region": {"local"}, "endpoint": {server.URL}, "use_path_style": {"true"}}
	return shop{
		Store: open(t, "s3://evidence?"+query.Encode()), text: text,
		keys: func() (keys []string) {
			list, err := backend.ListBucket("evidence", &gofakes3.Prefix{}, gofakes3.ListBucketPage{})
			if err != nil {
				t.Fatal(err)
			}
			for _, object := range list.Contents {
				keys = append(keys, object.Key)
			}
			return keys
		},
		spoil: func(key string) error { return change(key, spoiled) },
		drop:  func(key string) error { return change(key, cut) },
	}
}

// sealers returns the sealers of two owners.
func sealers(t *testing.T) (one, other secrets.Sealer) {
	t.Helper()
	k, err := secrets.OpenKeyFile(filepath.Join(t.TempDir(), "keys"))
	if err == nil {
		one, err = k.Sealer(t.Context(), "a")
	}
	if err == nil {
		other, err = k.Sealer(t.Context(), "b")
	}
	if err != nil {
		t.Fatal(err)
	}
	return one, other
}

func noise(n int) []byte {
	r, text := rand.New(rand.NewPCG(1, uint64(n))), make([]byte, n)
	for i := range text {
		text[i] = byte(r.Uint32())
	}
	return text
}

func read(t *testing.T, v *blob.Vault, name string, key []byte) ([]byte, error) {
	t.Helper()
	r, err := v.Open(t.Context(), name, key)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(r)
	return text, errors.Join(err, r.Close())
}

func TestABlobComesBackAsItWasPut(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		one, _ := sealers(t)
		v := s.Vault("a", one)
		for _, n := range []int{1, 100, 12 << 20} { // the last in several parts
			text := noise(n)
			name, key, err := v.Put(t.Context(), bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := read(t, v, name, key); err != nil || !bytes.Equal(got, text) {
				t.Errorf("%d bytes came back as %d, %v", n, len(got), err)
			}
			if err := v.Remove(t.Context(), name); err != nil {
				t.Error(err)
			}
			if _, err := read(t, v, name, key); !errors.Is(err, blob.ErrGone) {
				t.Errorf("removed, it is opened with %v", err)
			}
			if err := v.Remove(t.Context(), name); err != nil {
				t.Errorf("removed twice: %v", err)
			}
		}
		if left := s.keys(); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
}

func TestWhatFailsOrIsCutOffLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		one, _ := sealers(t)
		v := s.Vault("a", one)
		lost := errors.New("the line went dead")
		for _, n := range []int{0, 5000, 12 << 20} {
			if _, _, err := v.Put(t.Context(), io.MultiReader(bytes.NewReader(noise(n)), iotest.ErrReader(lost))); !errors.Is(err, lost) {
				t.Errorf("after %d bytes: %v, want the body's own error", n, err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			if _, _, err := v.Put(ctx, io.MultiReader(bytes.NewReader(noise(n+1)), ends(cancel))); err == nil {
				t.Errorf("somebody hung up after %d bytes and nobody noticed", n)
			}
		}
		if _, _, err := v.Put(t.Context(), strings.NewReader("")); !errors.Is(err, blob.ErrEmpty) {
			t.Errorf("nothing was put: %v", err)
		}
		if left := s.keys(); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
}

// ends calls cancel and then says that the body is over.
type ends context.CancelFunc

func (e ends) Read([]byte) (int, error) {
	e()
	return 0, io.EOF
}

func TestWhatWasChangedInTheStoreIsNotReadAsWhatWasPut(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		one, other := sealers(t)
		v := s.Vault("a", one)
		text := noise(100_000)
		for name, harm := range map[string]func(string) error{"changed": s.spoil, "cut off": s.drop} {
			at, key, err := v.Put(t.Context(), bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := harm(s.keys()[0]); err != nil {
				t.Fatal(err)
			}
			got, err := read(t, v, at, key) // a bucket may notice first, by its own checksum
			if err == nil || s.dir != "" && !errors.Is(err, secrets.ErrNotSealed) || !bytes.HasPrefix(text, got) {
				t.Errorf("%s: got %d bytes, %v", name, len(got), err)
			}
			if _, err := read(t, s.Vault("a", other), at, key); !errors.Is(err, secrets.ErrNotSealed) {
				t.Errorf("another owner's key opens it: %v", err)
			}
			if err := v.Remove(t.Context(), at); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestOwnersDoNotMeetAndNothingIsReadable(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		one, other := sealers(t)
		a, b := s.Vault("a", one), s.Vault("b", other)
		text := bytes.Repeat([]byte("telltale"), 1000)
		name, key, err := a.Put(t.Context(), bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		keys := s.keys()
		if want := fmt.Sprintf("a/%s/%s", name[:2], name); !slices.Equal(keys, []string{want}) {
			t.Errorf("it lies at %q, want %q", keys, want)
		}
		if sealed, err := s.text(keys[0]); err != nil || len(sealed) < len(text) || bytes.Contains(sealed, []byte("telltale")) {
			t.Errorf("%d bytes lie there, %v; want them sealed", len(sealed), err)
		}
		if _, err := read(t, b, name, key); !errors.Is(err, secrets.ErrNotSealed) {
			t.Errorf("another owner reads it: %v", err)
		}
		if err := b.Remove(t.Context(), name); err != nil || len(s.keys()) != 1 {
			t.Errorf("another owner removed it (%v)", err)
		}
		list := func(v *blob.Vault, age time.Duration) (names []string) {
			if err := v.Walk(t.Context(), age, func(name string) error {
				names = append(names, name)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			return names
		}
		if mine, old, others := list(a, -time.Minute), list(a, time.Hour), list(b, -time.Minute); !slices.Equal(mine, []string{name}) || old != nil || others != nil {
			t.Errorf("listed %q of its own, %q an hour old, %q of the other's", mine, old, others)
		}
	})
}

func TestTheFolderIsForItsOwner(t *testing.T) {
	s := folder(t)
	one, _ := sealers(t)
	if _, _, err := s.Vault("a", one).Put(t.Context(), strings.NewReader("telltale")); err != nil {
		t.Fatal(err)
	}
	for dir := s.dir; ; dir = filepath.Join(dir, "a") {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v, want it closed to others", dir, info.Mode())
		}
		if filepath.Base(dir) == "a" {
			return
		}
	}
}

func TestAnAddressIsAFolderOrABucket(t *testing.T) {
	for _, address := range []string{"", "data/blobs", "file://host/x", "file:///x?metadata=sidecar", "s3://", "gs://bucket", "http://x/y", "s3://\x00"} {
		if _, err := blob.Open(t.Context(), address); !errors.Is(err, blob.ErrAddress) {
			t.Errorf("%q: got %v, want ErrAddress", address, err)
		}
	}
}

func TestAVaultOfNoStoreRefusesEverything(t *testing.T) {
	one, _ := sealers(t)
	v := (*blob.Store)(nil).Vault("a", one)
	_, _, put := v.Put(t.Context(), strings.NewReader("x"))
	_, opened := v.Open(t.Context(), "ab", nil)
	walked := v.Walk(t.Context(), 0, func(string) error { return nil })
	for _, err := range []error{put, opened, v.Remove(t.Context(), "ab"), walked} {
		if !errors.Is(err, blob.ErrNoStore) {
			t.Errorf("got %v, want ErrNoStore", err)
		}
	}
}
