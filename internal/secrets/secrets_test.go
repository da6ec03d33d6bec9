package secrets_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"wangge/internal/errs"
	"wangge/internal/secrets"
	"wangge/internal/secrets/secretstest"
)

// childVariable names the folder that a process started by a test uses first.
const childVariable = "WANGGE_SECRETS_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func open(t testing.TB, dir string) *secrets.KeyFile {
	t.Helper()
	k, err := secrets.OpenKeyFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func under(t testing.TB, k secrets.Keeper, scope string) secrets.Sealer {
	t.Helper()
	s, err := k.Sealer(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func seal(t testing.TB, s secrets.Sealer, plaintext, context string) []byte {
	t.Helper()
	sealed, err := s.Seal([]byte(plaintext), []byte(context))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestAKeyFileKeepsThePromisesOfAKeeper(t *testing.T) {
	secretstest.TestKeeper(t, func(t *testing.T) secretstest.Open {
		dir := folder(t)
		return func(t testing.TB) secrets.Keeper { return open(t, dir) }
	})
}

func folder(t testing.TB) string { return filepath.Join(t.TempDir(), "keys") }

func TestAnythingSealedOrPutComesBackAlsoAfterReopening(t *testing.T) {
	dir := folder(t)
	name := rapid.StringMatching(`[a-z0-9_-]{1,20}(/[a-z0-9_-]{1,20}){0,3}`)
	rapid.Check(t, func(r *rapid.T) {
		scope, value := name.Draw(r, "name"), rapid.SliceOf(rapid.Byte()).Draw(r, "value")
		where := rapid.SliceOf(rapid.Byte()).Draw(r, "context")
		before, after := open(t, dir), open(t, dir)
		sealed, err := under(t, before, scope).Seal(value, where)
		if err != nil {
			r.Fatal(err)
		}
		if got, err := under(t, after, scope).Open(sealed, where); err != nil || !bytes.Equal(got, value) {
			r.Fatalf("sealed: got %x, %v; want %x", got, err, value)
		}
		for _, v := range [][]byte{value, append(value, 1)} {
			if err := before.Put(t.Context(), scope, v); err != nil {
				r.Fatal(err)
			}
			if got, err := after.Get(t.Context(), scope); err != nil || !bytes.Equal(got, v) {
				r.Fatalf("put: got %x, %v; want %x", got, err, v)
			}
		}
	})
}

func TestNamesThatAreNoPlainFileNamesAreRefused(t *testing.T) {
	dir := folder(t)
	k, ctx := open(t, dir), t.Context()
	for _, name := range []string{
		"", ".", "..", "../x", "city/../../x", "/etc/x", "city//x", "city/", "./x", "x.json", "City", "城市", "a b", `a\b`, "a\x00b", "a\n",
		strings.Repeat("a", 65), strings.Repeat("a/", 8) + "a",
	} {
		_, sealing := k.Sealer(ctx, name)
		_, getting := k.Get(ctx, name)
		for _, err := range []error{sealing, getting, k.Put(ctx, name, []byte("x"))} {
			if !errors.Is(err, secrets.ErrName) {
				t.Errorf("%q: got %v, want ErrName", name, err)
			}
		}
	}
	if made := slices.Collect(anyFile(t, filepath.Dir(dir))); len(made) != 1 {
		t.Errorf("files %q, want the master key only", made)
	}
}

func TestKeysThatOthersMayReadAreRefusedWithTheWayToMendIt(t *testing.T) {
	for _, c := range []struct {
		name string
		mode os.FileMode
	}{{".", 0o750}, {".", 0o701}, {"master.json", 0o640}, {"master.json", 0o604}, {"scopes/city/130100.sealed", 0o620}, {"secrets/city/130100/postgres.sealed", 0o644}} {
		t.Run(fmt.Sprintf("%s %o", c.name, c.mode), func(t *testing.T) {
			dir := folder(t)
			k := open(t, dir)
			under(t, k, "city/130100")
			if err := k.Put(t.Context(), "city/130100/postgres", []byte("telltale")); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(filepath.Join(dir, c.name), c.mode); err != nil {
				t.Fatal(err)
			}
			err := useAll(t.Context(), dir)
			e, _ := errs.As(err)
			if !errors.Is(err, secrets.ErrExposed) || e.Kind != errs.Unavailable {
				t.Fatalf("got %v, want ErrExposed", err)
			}
			mend := fmt.Sprintf("chmod -R go-rwx %q", dir)
			if !strings.Contains(e.Zh, mend) || !strings.Contains(e.En, mend) || strings.Contains(e.Error(), "telltale") {
				t.Errorf("it says %q and %q, want %s in both", e.Zh, e.En, mend)
			}
			if out, err := exec.Command("sh", "-c", mend).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v", out, err)
			}
			if err := useAll(t.Context(), dir); err != nil {
				t.Errorf("after mending: %v", err)
			}
		})
	}
}

// useAll reads every file of a folder that has one scope and one secret.
func useAll(ctx context.Context, dir string) error {
	k, err := secrets.OpenKeyFile(dir)
	if err != nil {
		return err
	}
	_, sealing := k.Sealer(ctx, "city/130100")
	_, getting := k.Get(ctx, "city/130100/postgres")
	return errors.Join(sealing, getting)
}

func TestDamagedFilesAreRefusedAndNotReplacedAndNotQuoted(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"the master key is gone":             func(dir string) error { return os.Remove(filepath.Join(dir, "master.json")) },
		"the master key is cut short":        overwrite("master.json", `{"primaryKeyId":telltale`),
		"the master key is empty":            overwrite("master.json", ``),
		"a scope's key is cut short":         overwrite("scopes/city/130100.sealed", `{"encryptedKeyset":"telltale`),
		"a secret is not sealed":             overwrite("secrets/city/130100/postgres.sealed", "telltale"),
		"a scope was given another's key":    moved("scopes/city/130200.sealed", "scopes/city/130100.sealed"),
		"a secret was put under another one": moved("secrets/city/130200/postgres.sealed", "secrets/city/130100/postgres.sealed"),
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			k := open(t, dir)
			for _, scope := range []string{"city/130100", "city/130200"} {
				under(t, k, scope)
				if err := k.Put(t.Context(), scope+"/postgres", []byte("telltale")); err != nil {
					t.Fatal(err)
				}
			}
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
			before := slices.Collect(anyFile(t, dir))
			if err := useAll(t.Context(), dir); !errors.Is(err, secrets.ErrDamaged) || strings.Contains(err.Error(), "telltale") {
				t.Errorf("got %v, want ErrDamaged and not what was in the file", err)
			}
			if after := slices.Collect(anyFile(t, dir)); !slices.Equal(after, before) {
				t.Errorf("files %q, want %q as before", after, before)
			}
		})
	}
}

func overwrite(name, content string) func(dir string) error {
	return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600) }
}

func moved(from, to string) func(dir string) error {
	return func(dir string) error { return os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)) }
}

func TestNothingSealedOrPutIsReadableInTheFolder(t *testing.T) {
	dir := folder(t)
	k := open(t, dir)
	seal(t, under(t, k, "city/130100"), "telltale", "telltale")
	if err := k.Put(t.Context(), "city/130100/postgres", []byte("telltale")); err != nil {
		t.Fatal(err)
	}
	files := slices.Sorted(anyFile(t, dir))
	if want := []string{"master.json", "scopes/city/130100.sealed", "secrets/city/130100/postgres.sealed"}; !slices.Equal(files, want) {
		t.Errorf("files %q, want %q", files, want)
	}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || bytes.Contains(text, []byte("telltale")) || len(text) == 0 {
			t.Errorf("%s: %q, %v; want it without the secret", name, text, err)
		}
	}
}

// anyFile yields the files below dir that hold something, by their names in it;
// the lock is empty.
func anyFile(t testing.TB, dir string) func(yield func(string) bool) {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && entry.Name() != "lock" {
			name, _ := filepath.Rel(dir, path)
			found = append(found, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Values(found)
}

func TestOpenersAtOnceAgreeOnTheKeys(t *testing.T) {
	dir := folder(t)
	sealed, failed := make([][]byte, 16), make([]error, 16)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range sealed {
		all.Go(func() {
			<-begin
			sealed[i], failed[i] = firstUse(t.Context(), dir)
		})
	}
	close(begin)
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
	opensAll(t, dir, sealed)
}

func TestProcessesAtOnceAgreeOnTheKeys(t *testing.T) {
	dir := folder(t)
	var starts []io.WriteCloser
	var outputs []*bufio.Reader
	for range 4 {
		cmd := exec.Command(os.Args[0])
		cmd.Env, cmd.Stderr = append(os.Environ(), childVariable+"="+dir), os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		starts, outputs = append(starts, in), append(outputs, bufio.NewReader(out))
	}
	for i := range outputs {
		line(t, outputs[i]) // it is ready
	}
	for _, in := range starts {
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var sealed [][]byte
	for _, out := range outputs {
		value, err := hex.DecodeString(line(t, out))
		if err != nil {
			t.Fatal(err)
		}
		sealed = append(sealed, value)
	}
	opensAll(t, dir, sealed)
}

// child says that it is ready, waits for its input to end, and prints what it sealed.
func child(dir string) error {
	fmt.Println("ready")
	if _, err := io.ReadAll(os.Stdin); err != nil {
		return err
	}
	sealed, err := firstUse(context.Background(), dir)
	fmt.Printf("%x\n", sealed)
	return err
}

func line(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	text, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("a process said %q: %v", text, err)
	}
	return strings.TrimSpace(text)
}

// firstUse opens the folder and seals under a scope of it.
func firstUse(ctx context.Context, dir string) ([]byte, error) {
	k, err := secrets.OpenKeyFile(dir)
	if err != nil {
		return nil, err
	}
	s, err := k.Sealer(ctx, "city/130100")
	if err != nil {
		return nil, err
	}
	return s.Seal([]byte("agreed"), nil)
}

func opensAll(t *testing.T, dir string, sealed [][]byte) {
	t.Helper()
	s := under(t, open(t, dir), "city/130100")
	for i, value := range sealed {
		if plain, err := s.Open(value, nil); err != nil || string(plain) != "agreed" {
			t.Errorf("what opener %d sealed: got %q, %v", i, plain, err)
		}
	}
	if files := slices.Sorted(anyFile(t, dir)); !slices.Equal(files, []string{"master.json", "scopes/city/130100.sealed"}) {
		t.Errorf("files %q, want the two keys and nothing put aside", files)
	}
}

func TestWhatAKilledProcessLeftAsideIsSwept(t *testing.T) {
	dir := folder(t)
	k := open(t, dir)
	if err := k.Put(t.Context(), "city/1/postgres", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, "secrets", "city", "1", "postgres.sealed.X.new")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := open(t, dir).Get(t.Context(), "city/1/postgres"); err != nil || string(got) != "kept" {
		t.Errorf("got %q, %v; want what was put", got, err)
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", left, err)
	}
}
