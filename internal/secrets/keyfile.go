package secrets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
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
	*Keyring
	folder *folder
	master tink.AEAD
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
		return newMaster()
	})
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	master, err := newAEAD(insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text))))
	if err != nil {
		return nil, ErrDamaged.With(f.path(masterFile)) // the cause may quote the key
	}
	return &KeyFile{NewKeyring(scopeFiles{f}, masterKey{master, f}), f, master}, nil
}

// scopeFiles are the files of a folder that hold the keys of scopes.
type scopeFiles struct{ folder *folder }

func scopeFile(scope string) string { return scopes + "/" + scope + ".sealed" }

// Read implements Shelf.
func (s scopeFiles) Read(_ context.Context, scope string) ([]byte, error) {
	wrapped, err := s.folder.read(scopeFile(scope))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return wrapped, err
}

// Once implements Shelf.
func (s scopeFiles) Once(_ context.Context, scope string, fresh func() ([]byte, error)) ([]byte, error) {
	return s.folder.once(scopeFile(scope), fresh)
}

// Change implements Shelf.
func (s scopeFiles) Change(ctx context.Context, scope string, change func(old []byte) ([]byte, error)) error {
	return s.folder.locked(func() error {
		old, err := s.Read(ctx, scope)
		if err != nil {
			return err
		}
		wrapped, err := change(old)
		if err != nil {
			return err
		}
		return s.folder.bring(scopeFile(scope), wrapped, s.folder.root.Rename)
	})
}

// Remove implements Shelf.
func (s scopeFiles) Remove(_ context.Context, scope string) error {
	return s.folder.remove(scopeFile(scope))
}

// masterKey wraps the keys of all scopes under the one key of the folder.
type masterKey struct {
	key    tink.AEAD
	folder *folder // to name what is damaged
}

func scopeName(scope string) []byte { return []byte(scopes + "/" + scope) }

// Wrap implements Wrapper.
func (m masterKey) Wrap(_ context.Context, scope string, keys []byte) ([]byte, error) {
	return m.key.Encrypt(keys, scopeName(scope))
}

// Unwrap implements Wrapper.
func (m masterKey) Unwrap(_ context.Context, scope string, wrapped []byte) ([]byte, error) {
	keys, err := m.key.Decrypt(wrapped, scopeName(scope))
	if err != nil {
		return nil, ErrDamaged.With(m.folder.path(scopeFile(scope)))
	}
	return keys, nil
}

// Forget implements Wrapper: the master key is every scope's. A copy of the
// folder that was taken before still opens what the scope sealed.
func (masterKey) Forget(context.Context, string) error { return nil }

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

// Drop implements Store.
func (k *KeyFile) Drop(_ context.Context, name string) error {
	if err := checked(name); err != nil {
		return err
	}
	if err := k.folder.remove(secretFile(name)); err != nil {
		return fmt.Errorf("secret %s: %w", name, err)
	}
	return nil
}

func secretFile(name string) string { return stored + "/" + name + ".sealed" }

type keyTemplate = func() *tinkpb.KeyTemplate

func newMaster() ([]byte, error) {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&text))
	return text.Bytes(), err
}

func newAEAD(h *keyset.Handle, err error) (tink.AEAD, error) {
	if err != nil {
		return nil, err
	}
	return aead.New(h)
}
