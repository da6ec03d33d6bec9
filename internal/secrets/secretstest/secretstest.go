// Package secretstest is what every secrets.Keeper promises, as a suite of tests.
package secretstest

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"wangge/internal/errs"
	"wangge/internal/secrets"
)

// Open opens one installation's keeper, each time as another process would.
type Open func(t testing.TB) secrets.Keeper

// TestKeeper holds a keeper to its promises; fresh makes an empty installation.
func TestKeeper(t *testing.T, fresh func(t *testing.T) Open) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, fresh func(t *testing.T) Open)
	}{
		{"what is sealed opens in its place only", opensInItsPlace},
		{"a flipped bit is refused wherever it is", flippedBits},
		{"a secret that was never put is not found", neverPut},
		{"a secret that was put comes back in another process", put},
		{"a dropped secret is gone", dropped},
		{"names that are no plain file names are refused", badNames},
		{"openers at once agree on the keys", atOnce},
		{"what older keys sealed still opens and another process learns of the new key", rotated},
		{"destroyed keys open nothing and new ones are others", destroyed},
		{"keys are handed over to the named installation only", handedOver},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, fresh) })
	}
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

func opensInItsPlace(t *testing.T, fresh func(t *testing.T) Open) {
	k := fresh(t)(t)
	here, there := under(t, k, "city/130100"), under(t, k, "city/130200")
	sealed := seal(t, here, "监督员01", "case 1")
	if plain, err := here.Open(sealed, []byte("case 1")); err != nil || string(plain) != "监督员01" {
		t.Fatalf("got %q, %v", plain, err)
	}
	for _, c := range []struct {
		name    string
		sealer  secrets.Sealer
		sealed  []byte
		context string
	}{
		{"under another scope", there, sealed, "case 1"},
		{"with another context", here, sealed, "case 2"},
		{"with no context", here, sealed, ""},
		{"cut short", here, sealed[:len(sealed)-1], "case 1"},
		{"with something after it", here, append(slices.Clone(sealed), 0), "case 1"},
		{"nothing at all", here, nil, "case 1"},
	} {
		if plain, err := c.sealer.Open(c.sealed, []byte(c.context)); !errors.Is(err, secrets.ErrNotSealed) {
			t.Errorf("%s: got %q, %v; want ErrNotSealed", c.name, plain, err)
		}
	}
}

func flippedBits(t *testing.T, fresh func(t *testing.T) Open) {
	s := under(t, fresh(t)(t), "province")
	sealed := seal(t, s, "13 characters", "here")
	for i := range sealed {
		sealed[i] ^= 1
		if plain, err := s.Open(sealed, []byte("here")); !errors.Is(err, secrets.ErrNotSealed) {
			t.Errorf("byte %d of %d: got %q, %v; want ErrNotSealed", i, len(sealed), plain, err)
		}
		sealed[i] ^= 1
	}
}

func neverPut(t *testing.T, fresh func(t *testing.T) Open) {
	k := fresh(t)(t)
	under(t, k, "city/130100") // a key of that name is no secret
	for _, name := range []string{"city/130100", "city"} {
		if got, err := k.Get(t.Context(), name); !errors.Is(err, secrets.ErrNoSecret) || errs.KindOf(err) != errs.NotFound {
			t.Errorf("%s: got %q, %v; want ErrNoSecret", name, got, err)
		}
	}
}

func put(t *testing.T, fresh func(t *testing.T) Open) {
	open := fresh(t)
	k, other := open(t), open(t)
	for _, value := range []string{"", "x", "a password", "\x00\xff"} {
		if err := k.Put(t.Context(), "city/130100/postgres", []byte(value)); err != nil {
			t.Fatal(err)
		}
		if got, err := other.Get(t.Context(), "city/130100/postgres"); err != nil || string(got) != value {
			t.Errorf("got %q, %v; want %q", got, err, value)
		}
	}
}

func badNames(t *testing.T, fresh func(t *testing.T) Open) {
	k, ctx := fresh(t)(t), t.Context()
	for _, name := range []string{"", "..", "city/../../x", "/etc/x", "city//x", "x.json", "City", "a b", strings.Repeat("a", 65)} {
		_, sealing := k.Sealer(ctx, name)
		_, getting := k.Get(ctx, name)
		for _, err := range []error{sealing, getting, k.Put(ctx, name, []byte("x")), k.Drop(ctx, name), k.Destroy(ctx, name)} {
			if !errors.Is(err, secrets.ErrName) {
				t.Errorf("%q: got %v, want ErrName", name, err)
			}
		}
	}
}

func atOnce(t *testing.T, fresh func(t *testing.T) Open) {
	open := fresh(t)
	sealed, failed := make([][]byte, 8), make([]error, 8)
	var all sync.WaitGroup
	for i := range sealed {
		k := open(t)
		all.Go(func() {
			s, err := k.Sealer(t.Context(), "city/130100")
			if err == nil {
				sealed[i], err = s.Seal([]byte("agreed"), nil)
			}
			failed[i] = err
		})
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
	s := under(t, open(t), "city/130100")
	for i, value := range sealed {
		if plain, err := s.Open(value, nil); err != nil || string(plain) != "agreed" {
			t.Errorf("what opener %d sealed: got %q, %v", i, plain, err)
		}
	}
}

func rotated(t *testing.T, fresh func(t *testing.T) Open) {
	open := fresh(t)
	k, other := open(t), open(t)
	before := seal(t, under(t, k, "city/130100"), "手机号", "case 1")
	elsewhere := under(t, other, "city/130100")
	if err := k.Rotate(t.Context(), "city/130100"); err != nil {
		t.Fatal(err)
	}
	after := seal(t, under(t, k, "city/130100"), "手机号", "case 1")
	if string(before[:5]) == string(after[:5]) {
		t.Errorf("both begin with %x: the new key does not seal", before[:5])
	}
	for name, sealed := range map[string][]byte{"the old key's": before, "the new key's": after} {
		for where, s := range map[string]secrets.Sealer{"here": under(t, k, "city/130100"), "in another process": elsewhere} {
			if plain, err := s.Open(sealed, []byte("case 1")); err != nil || string(plain) != "手机号" {
				t.Errorf("%s opened %s: got %q, %v", name, where, plain, err)
			}
		}
	}
	keys, err := k.Describe(t.Context(), "city/130100")
	if err != nil || len(keys) != 2 || keys[0].Primary || !keys[1].Primary {
		t.Errorf("got %v, %v; want two keys, the second one primary", keys, err)
	}
}

func destroyed(t *testing.T, fresh func(t *testing.T) Open) {
	k := fresh(t)(t)
	s := under(t, k, "city/130100")
	sealed := seal(t, s, "手机号", "case 1")
	for range 2 {
		if err := k.Destroy(t.Context(), "city/130100"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Open(sealed, []byte("case 1")); !errors.Is(err, secrets.ErrDestroyed) {
		t.Errorf("whoever held the sealer got %v, want ErrDestroyed", err)
	}
	if _, err := s.Seal(nil, nil); !errors.Is(err, secrets.ErrDestroyed) {
		t.Errorf("sealing on got %v, want ErrDestroyed", err)
	}
	if keys, err := k.Describe(t.Context(), "city/130100"); err != nil || len(keys) != 0 {
		t.Errorf("got %v, %v; want no key", keys, err)
	}
	if _, err := under(t, k, "city/130100").Open(sealed, []byte("case 1")); !errors.Is(err, secrets.ErrNotSealed) {
		t.Errorf("under new keys got %v, want ErrNotSealed", err)
	}
}

func handedOver(t *testing.T, fresh func(t *testing.T) Open) {
	from, to, third := fresh(t)(t), fresh(t)(t), fresh(t)(t)
	sealed := seal(t, under(t, from, "city/130100"), "手机号", "case 1")
	recipient, err := to.Recipient(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	handed, err := from.HandOver(t.Context(), "city/130100", recipient)
	if err != nil {
		t.Fatal(err)
	}
	if err := third.Adopt(t.Context(), "city/130100", handed); !errors.Is(err, secrets.ErrNotSealed) {
		t.Errorf("a third installation got %v, want ErrNotSealed", err)
	}
	if err := to.Adopt(t.Context(), "city/130200", handed); !errors.Is(err, secrets.ErrNotSealed) {
		t.Errorf("for another scope got %v, want ErrNotSealed", err)
	}
	for range 2 {
		if err := to.Adopt(t.Context(), "city/130100", handed); err != nil {
			t.Fatal(err)
		}
	}
	if plain, err := under(t, to, "city/130100").Open(sealed, []byte("case 1")); err != nil || string(plain) != "手机号" {
		t.Errorf("got %q, %v", plain, err)
	}
	under(t, third, "city/130100")
	itself, err := third.Recipient(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if handed, err = from.HandOver(t.Context(), "city/130100", itself); err != nil {
		t.Fatal(err)
	}
	if err := third.Adopt(t.Context(), "city/130100", handed); !errors.Is(err, secrets.ErrKeysExist) {
		t.Errorf("over keys that are there got %v, want ErrKeysExist", err)
	}
	if _, err := from.HandOver(t.Context(), "city/130100", "nobody"); !errors.Is(err, secrets.ErrRecipient) {
		t.Errorf("to nobody got %v, want ErrRecipient", err)
	}
}

func dropped(t *testing.T, fresh func(t *testing.T) Open) {
	k := fresh(t)(t)
	if err := k.Put(t.Context(), "city/130100/postgres", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := k.Drop(t.Context(), "city/130100/postgres"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := k.Get(t.Context(), "city/130100/postgres"); !errors.Is(err, secrets.ErrNoSecret) {
		t.Errorf("got %v, want ErrNoSecret", err)
	}
}
