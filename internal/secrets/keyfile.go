package secrets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// The layout of the folder. A name has no dot, so no scope or secret can be
// the folder of another.
const (
	masterFile = "master.json"
	scopes     = "scopes"
	stored     = "secrets"
)

// KeyFile keeps a master key in the clear in a folder that only its owner may
// enter, and beside it the keys of scopes and the secrets, sealed by the
// master key together with their names. It is safe for concurrent use, also by
// several processes.
type KeyFile struct {
	folder *folder
	master tink.AEAD

	mu      sync.Mutex
	sealers map[string]Sealer // by scope
}

var _ Keeper = (*KeyFile)(nil)

// OpenKeyFile opens the folder at dir, making it and its master key when there
// is none. A folder or key that other users may read is ErrExposed; one whose
// master key is gone while something is sealed by it is ErrDamaged.
func OpenKeyFile(dir string) (*KeyFile, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("key folder: %w", err)
	}
	if err := f.locked(func() error { return nil }); err != nil { // sweeps
		return nil, fmt.Errorf("key folder: %w", err)
	}
	// Looked for first: a master key is made before anything it seals.
	orphaned := f.has(scopes) || f.has(stored)
	text, err := f.once(masterFile, func() ([]byte, error) {
		if orphaned {
			return nil, ErrDamaged.With(f.path(masterFile))
		}
		return newKeyset(func(h *keyset.Handle, w keyset.Writer) error { return insecurecleartextkeyset.Write(h, w) })
	})
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	master, err := newAEAD(insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text))))
	if err != nil {
		return nil, ErrDamaged.With(f.path(masterFile)) // the cause may quote the key
	}
	return &KeyFile{folder: f, master: master, sealers: map[string]Sealer{}}, nil
}

// Sealer implements Keeper.
func (k *KeyFile) Sealer(_ context.Context, scope string) (Sealer, error) {
	if err := checked(scope); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if s, ok := k.sealers[scope]; ok {
		return s, nil
	}
	s, err := k.open(scope)
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", scope, err)
	}
	k.sealers[scope] = s
	return s, nil
}

func (k *KeyFile) open(scope string) (Sealer, error) {
	file, name := scopes+"/"+scope+".json", []byte(scopes+"/"+scope)
	text, err := k.folder.once(file, func() ([]byte, error) {
		return newKeyset(func(h *keyset.Handle, w keyset.Writer) error {
			return h.WriteWithAssociatedData(w, k.master, name)
		})
	})
	if err != nil {
		return nil, err
	}
	key, err := newAEAD(keyset.ReadWithAssociatedData(keyset.NewJSONReader(bytes.NewReader(text)), k.master, name))
	if err != nil {
		return nil, ErrDamaged.With(k.folder.path(file))
	}
	return sealer{key}, nil
}

// Get implements Store.
func (k *KeyFile) Get(_ context.Context, name string) ([]byte, error) {
	if err := checked(name); err != nil {
		return nil, err
	}
	sealed, err := k.folder.read(secretFile(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoSecret.With(name)
	}
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", name, err)
	}
	value, err := k.master.Decrypt(sealed, []byte(stored+"/"+name))
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", name, ErrDamaged.With(k.folder.path(secretFile(name))))
	}
	return value, nil
}

// Put implements Store.
func (k *KeyFile) Put(_ context.Context, name string, value []byte) error {
	if err := checked(name); err != nil {
		return err
	}
	sealed, err := k.master.Encrypt(value, []byte(stored+"/"+name))
	if err != nil {
		return fmt.Errorf("secret %s: %w", name, err)
	}
	if err := k.folder.replace(secretFile(name), sealed); err != nil {
		return fmt.Errorf("secret %s: %w", name, err)
	}
	return nil
}

func secretFile(name string) string { return stored + "/" + name + ".sealed" }

// newKeyset makes a keyset of one key and returns what write makes of it.
func newKeyset(write func(*keyset.Handle, keyset.Writer) error) ([]byte, error) {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = write(h, keyset.NewJSONWriter(&text))
	return text.Bytes(), err
}

func newAEAD(h *keyset.Handle, err error) (tink.AEAD, error) {
	if err != nil {
		return nil, err
	}
	return aead.New(h)
}

// sealer is the keyset of one scope.
type sealer struct{ key tink.AEAD }

// Seal implements Sealer.
func (s sealer) Seal(plaintext, context []byte) ([]byte, error) {
	return s.key.Encrypt(plaintext, context)
}

// Open implements Sealer.
func (s sealer) Open(sealed, context []byte) ([]byte, error) {
	plaintext, err := s.key.Decrypt(sealed, context)
	if err != nil {
		return nil, ErrNotSealed // tink says no more than that
	}
	return plaintext, nil
}
