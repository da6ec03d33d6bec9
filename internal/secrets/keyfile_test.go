package secrets

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

func TestTheKeyOfAScopeIsNotInItsFileAndItsIDIsInWhatItSeals(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	k, err := OpenKeyFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := k.Sealer(t.Context(), "province")
	if err != nil {
		t.Fatal(err)
	}
	text, inClear := read(t, dir, "scopes/province.sealed"), read(t, dir, masterFile)
	handle, err := k.handle(t.Context(), "province", text)
	if err != nil {
		t.Fatal(err)
	}
	master, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(inClear)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(inClear, material(master)) { // so that looking for it finds one that is there
		t.Error("the master key was not found in its file")
	}
	key := insecurecleartextkeyset.KeysetMaterial(handle).GetKey()[0].GetKeyData().GetValue()
	if bytes.Contains(text, key) || bytes.Contains(inClear, material(handle)) {
		t.Error("the scope's key was found in a file")
	}
	sealed, err := s.Seal([]byte("x"), nil)
	id := insecurecleartextkeyset.KeysetMaterial(handle).GetPrimaryKeyId()
	if want := []byte{1, byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}; err != nil || !bytes.HasPrefix(sealed, want) {
		t.Errorf("got %x, %v; want it to begin with %x", sealed, err, want)
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// material is the first key of a keyset as a cleartext file would spell it.
func material(h *keyset.Handle) []byte {
	key := insecurecleartextkeyset.KeysetMaterial(h).GetKey()[0].GetKeyData().GetValue()
	return []byte(base64.StdEncoding.EncodeToString(key))
}
