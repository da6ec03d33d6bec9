package secrets_test

import (
	"errors"
	"testing"

	"wangge/internal/secrets"
)

func TestWhatOlderKeysSealedStillOpensAndAnotherProcessLearnsOfTheNewKey(t *testing.T) {
	dir := folder(t)
	k, other := open(t, dir), open(t, dir)
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

func TestDestroyedKeysOpenNothingAndNewOnesAreOthers(t *testing.T) {
	k := open(t, folder(t))
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

func TestKeysAreHandedOverToTheNamedInstallationOnly(t *testing.T) {
	from, to, third := open(t, folder(t)), open(t, folder(t)), open(t, folder(t))
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

func TestADroppedSecretIsGone(t *testing.T) {
	k := open(t, folder(t))
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
