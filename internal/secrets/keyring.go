package secrets

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/hybrid"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Shelf keeps the wrapped keys of scopes. What lies on it is worth nothing
// without the Wrapper.
type Shelf interface {
	// Read returns what lies there for the scope; nil when nothing does.
	Read(ctx context.Context, scope string) ([]byte, error)
	// Once puts there what fresh returns unless something lies there, and returns
	// what does; all who do so at once get the same.
	Once(ctx context.Context, scope string, fresh func() ([]byte, error)) ([]byte, error)
	// Change replaces what lies there, alone among all who change it.
	Change(ctx context.Context, scope string, change func(old []byte) ([]byte, error)) error
	// Remove takes it away for ever; nothing there is no error.
	Remove(ctx context.Context, scope string) error
}

// Wrapper wraps the keys of a scope so that they may lie on a shelf. It is
// called when a scope is opened or its keys change, never per value.
type Wrapper interface {
	Wrap(ctx context.Context, scope string, keys []byte) ([]byte, error)
	// Unwrap is ErrNotSealed for what was wrapped for another scope or changed.
	Unwrap(ctx context.Context, scope string, wrapped []byte) ([]byte, error)
	// Forget makes what was wrapped for the scope impossible to unwrap, wherever a
	// copy of it lies, if the wrapper holds a key for the scope alone.
	Forget(ctx context.Context, scope string) error
}

// Keyring is the part of a Keeper that has the keys of scopes: each a set of
// keys held in memory once unwrapped. It is safe for concurrent use, also by
// several processes with the same shelf and wrapper.
type Keyring struct {
	shelf   Shelf
	wrapper Wrapper

	mu      sync.Mutex
	sealers map[string]*sealer // by scope
}

// NewKeyring returns the keyring of what lies on a shelf.
func NewKeyring(shelf Shelf, wrapper Wrapper) *Keyring {
	return &Keyring{shelf: shelf, wrapper: wrapper, sealers: map[string]*sealer{}}
}

// recipientScope is where the installation's own key pair lies.
const recipientScope = "recipient"

// Sealer implements Keeper.
func (k *Keyring) Sealer(ctx context.Context, scope string) (Sealer, error) {
	if err := checked(scope); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if s, ok := k.sealers[scope]; ok {
		return s, nil
	}
	wrapped, err := k.shelf.Once(ctx, scope, func() ([]byte, error) {
		return k.wrapFresh(ctx, scope, aead.AES256GCMKeyTemplate)
	})
	if err != nil {
		return nil, fmt.Errorf("keys of %s: %w", scope, err)
	}
	key, err := k.primitive(ctx, scope, wrapped)
	if err != nil {
		return nil, fmt.Errorf("keys of %s: %w", scope, err)
	}
	s := &sealer{reload: func() (*held, error) { return k.reload(scope) }}
	s.held.Store(&held{key, wrapped})
	k.sealers[scope] = s
	return s, nil
}

func (k *Keyring) wrapFresh(ctx context.Context, scope string, template keyTemplate) ([]byte, error) {
	h, err := keyset.NewHandle(template())
	if err != nil {
		return nil, err
	}
	return k.wrap(ctx, scope, h)
}

func (k *Keyring) wrap(ctx context.Context, scope string, h *keyset.Handle) ([]byte, error) {
	plain, err := serialized(h)
	if err != nil {
		return nil, err
	}
	return k.wrapper.Wrap(ctx, scope, plain)
}

func (k *Keyring) handle(ctx context.Context, scope string, wrapped []byte) (*keyset.Handle, error) {
	plain, err := k.wrapper.Unwrap(ctx, scope, wrapped)
	if err != nil {
		return nil, err
	}
	return parsed(plain)
}

func (k *Keyring) primitive(ctx context.Context, scope string, wrapped []byte) (tink.AEAD, error) {
	h, err := k.handle(ctx, scope, wrapped)
	if err != nil {
		return nil, err
	}
	return aead.New(h)
}

// reload reads the keys of a scope again: another process may have rotated them.
func (k *Keyring) reload(scope string) (*held, error) {
	ctx := context.Background() // Seal and Open have none; a shelf and a wrapper bound their calls themselves
	wrapped, err := k.shelf.Read(ctx, scope)
	if err != nil || wrapped == nil {
		return nil, err
	}
	key, err := k.primitive(ctx, scope, wrapped)
	if err != nil {
		return nil, err
	}
	return &held{key, wrapped}, nil
}

// Rotate implements Keeper.
func (k *Keyring) Rotate(ctx context.Context, scope string) error {
	if _, err := k.Sealer(ctx, scope); err != nil {
		return err
	}
	var now []byte
	err := k.shelf.Change(ctx, scope, func(old []byte) ([]byte, error) {
		h, err := k.handle(ctx, scope, old)
		if err != nil {
			return nil, err
		}
		manager := keyset.NewManagerFromHandle(h)
		id, err := manager.Add(aead.AES256GCMKeyTemplate())
		if err != nil {
			return nil, err
		}
		if err := manager.SetPrimary(id); err != nil {
			return nil, err
		}
		if h, err = manager.Handle(); err != nil {
			return nil, err
		}
		now, err = k.wrap(ctx, scope, h)
		return now, err
	})
	if err == nil {
		err = k.renew(ctx, scope, now)
	}
	if err != nil {
		return fmt.Errorf("rotate the keys of %s: %w", scope, err)
	}
	return nil
}

// Rewrap wraps the keys of a scope anew, under the wrapper's newest key.
func (k *Keyring) Rewrap(ctx context.Context, scope string) error {
	if err := checked(scope); err != nil {
		return err
	}
	err := k.shelf.Change(ctx, scope, func(old []byte) ([]byte, error) {
		if old == nil {
			return nil, ErrNoSecret.With(scope)
		}
		plain, err := k.wrapper.Unwrap(ctx, scope, old)
		if err != nil {
			return nil, err
		}
		return k.wrapper.Wrap(ctx, scope, plain)
	})
	if err != nil {
		return fmt.Errorf("rewrap the keys of %s: %w", scope, err)
	}
	return nil
}

// renew lets the sealer that is held use the keys as they are now.
func (k *Keyring) renew(ctx context.Context, scope string, wrapped []byte) error {
	key, err := k.primitive(ctx, scope, wrapped)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if s, ok := k.sealers[scope]; ok {
		s.held.Store(&held{key, wrapped})
	}
	return nil
}

// Describe implements Keeper.
func (k *Keyring) Describe(ctx context.Context, scope string) ([]Key, error) {
	if err := checked(scope); err != nil {
		return nil, err
	}
	wrapped, err := k.shelf.Read(ctx, scope)
	if err != nil || wrapped == nil {
		return nil, err
	}
	h, err := k.handle(ctx, scope, wrapped)
	if err != nil {
		return nil, fmt.Errorf("keys of %s: %w", scope, err)
	}
	info := h.KeysetInfo()
	out := make([]Key, 0, len(info.GetKeyInfo()))
	for _, key := range info.GetKeyInfo() {
		id := strconv.FormatUint(uint64(key.GetKeyId()), 16)
		out = append(out, Key{ID: id, Algorithm: key.GetTypeUrl(), Primary: key.GetKeyId() == info.GetPrimaryKeyId()})
	}
	return out, nil
}

// Destroy implements Keeper.
func (k *Keyring) Destroy(ctx context.Context, scope string) error {
	if err := checked(scope); err != nil {
		return err
	}
	if err := errors.Join(k.wrapper.Forget(ctx, scope), k.shelf.Remove(ctx, scope)); err != nil {
		return fmt.Errorf("destroy the keys of %s: %w", scope, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if s, ok := k.sealers[scope]; ok {
		s.held.Store(nil)
		delete(k.sealers, scope)
	}
	return nil
}

// Recipient implements Keeper.
func (k *Keyring) Recipient(ctx context.Context) (Recipient, error) {
	private, err := k.pair(ctx)
	if err != nil {
		return "", err
	}
	public, err := private.Public()
	if err != nil {
		return "", err
	}
	var text bytes.Buffer
	if err := public.WriteWithNoSecrets(keyset.NewBinaryWriter(&text)); err != nil {
		return "", err
	}
	return Recipient(base64.RawURLEncoding.EncodeToString(text.Bytes())), nil
}

// pair returns the installation's key pair, making it on first use.
func (k *Keyring) pair(ctx context.Context) (*keyset.Handle, error) {
	wrapped, err := k.shelf.Once(ctx, recipientScope, func() ([]byte, error) {
		return k.wrapFresh(ctx, recipientScope, hybrid.DHKEM_X25519_HKDF_SHA256_HKDF_SHA256_AES_256_GCM_Key_Template)
	})
	if err != nil {
		return nil, fmt.Errorf("key pair: %w", err)
	}
	return k.handle(ctx, recipientScope, wrapped)
}

// HandOver implements Keeper.
func (k *Keyring) HandOver(ctx context.Context, scope string, to Recipient) ([]byte, error) {
	raw, err := base64.RawURLEncoding.DecodeString(string(to))
	if err != nil {
		return nil, ErrRecipient
	}
	public, err := keyset.ReadWithNoSecrets(keyset.NewBinaryReader(bytes.NewReader(raw)))
	if err != nil {
		return nil, ErrRecipient
	}
	encrypt, err := hybrid.NewHybridEncrypt(public)
	if err != nil {
		return nil, ErrRecipient
	}
	if err := checked(scope); err != nil {
		return nil, err
	}
	wrapped, err := k.shelf.Read(ctx, scope)
	if err != nil {
		return nil, fmt.Errorf("keys of %s: %w", scope, err)
	}
	if wrapped == nil {
		return nil, ErrNoSecret.With(scope)
	}
	plain, err := k.wrapper.Unwrap(ctx, scope, wrapped)
	if err != nil {
		return nil, fmt.Errorf("keys of %s: %w", scope, err)
	}
	return encrypt.Encrypt(plain, []byte(scope))
}

// Adopt implements Keeper.
func (k *Keyring) Adopt(ctx context.Context, scope string, handed []byte) error {
	if err := checked(scope); err != nil {
		return err
	}
	private, err := k.pair(ctx)
	if err != nil {
		return err
	}
	decrypt, err := hybrid.NewHybridDecrypt(private)
	if err != nil {
		return err
	}
	plain, err := decrypt.Decrypt(handed, []byte(scope))
	if err != nil {
		return ErrNotSealed
	}
	h, err := parsed(plain)
	if err != nil {
		return err
	}
	if _, err := aead.New(h); err != nil {
		return ErrNotSealed
	}
	wrapped, err := k.shelf.Once(ctx, scope, func() ([]byte, error) { return k.wrapper.Wrap(ctx, scope, plain) })
	if err != nil {
		return fmt.Errorf("keys of %s: %w", scope, err)
	}
	have, err := k.wrapper.Unwrap(ctx, scope, wrapped)
	if err != nil {
		return fmt.Errorf("keys of %s: %w", scope, err)
	}
	if !bytes.Equal(have, plain) {
		return ErrKeysExist.With(scope)
	}
	return nil
}

func serialized(h *keyset.Handle) ([]byte, error) {
	var plain bytes.Buffer
	err := insecurecleartextkeyset.Write(h, keyset.NewBinaryWriter(&plain))
	return plain.Bytes(), err
}

func parsed(plain []byte) (*keyset.Handle, error) {
	h, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(plain)))
	if err != nil {
		return nil, ErrNotSealed // the cause may quote the key
	}
	return h, nil
}

// sealer seals under the keys of one scope as they are now.
type sealer struct {
	held   atomic.Pointer[held] // nil once destroyed
	reload func() (*held, error)
}

// held are the keys of a scope and what they were unwrapped from.
type held struct {
	key     tink.AEAD
	wrapped []byte
}

// Seal implements Sealer.
func (s *sealer) Seal(plaintext, context []byte) ([]byte, error) {
	now := s.held.Load()
	if now == nil {
		return nil, ErrDestroyed
	}
	return now.key.Encrypt(plaintext, context)
}

// Open implements Sealer. What does not open may have been sealed by a key that
// another process made meanwhile.
func (s *sealer) Open(sealed, context []byte) ([]byte, error) {
	now := s.held.Load()
	if now == nil {
		return nil, ErrDestroyed
	}
	plaintext, err := now.key.Decrypt(sealed, context)
	if err == nil {
		return plaintext, nil
	}
	fresh, err := s.reload()
	if err != nil || fresh == nil || bytes.Equal(fresh.wrapped, now.wrapped) {
		return nil, ErrNotSealed // tink says no more than that
	}
	s.held.CompareAndSwap(now, fresh)
	if plaintext, err = fresh.key.Decrypt(sealed, context); err != nil {
		return nil, ErrNotSealed
	}
	return plaintext, nil
}
