package vault

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"wangge/internal/secrets"
)

// Keeper is a secrets.Keeper: each scope has a key of its own in transit, which
// wraps the scope's data keys, and what is wrapped lies in kv beside the
// secrets. Destroying a scope destroys its key in Vault, so what it sealed opens
// no more in any copy. It is safe for concurrent use, also by several processes.
type Keeper struct {
	*secrets.Keyring
	client *Client
}

var _ secrets.Keeper = (*Keeper)(nil)

// NewKeeper returns the keeper of a client's engines.
func NewKeeper(c *Client) *Keeper {
	return &Keeper{secrets.NewKeyring(shelf{c}, transit{c}), c}
}

// Rekey gives the scope a new key in Vault and wraps its data keys anew under
// it. Who has the scope open seals and opens on. The key before stays usable
// until the next time, for a process that has just read what was wrapped by it.
func (k *Keeper) Rekey(ctx context.Context, scope string) error {
	if err := secrets.CheckName(scope); err != nil {
		return err
	}
	path := transit{k.client}.path("keys", scope)
	if _, err := k.client.call(ctx, http.MethodPut, path+"/rotate", nil); err != nil {
		return fmt.Errorf("rotate the key of %s: %w", scope, err)
	}
	if err := k.Rewrap(ctx, scope); err != nil {
		return err
	}
	key, err := k.client.call(ctx, http.MethodGet, path, nil)
	if err != nil || key == nil {
		return errors.Join(secrets.ErrNoSecret.With(scope), err)
	}
	before := integer(key.Data["latest_version"]) - 1
	if _, err = k.client.call(ctx, http.MethodPut, path+"/config", map[string]any{"min_decryption_version": before}); err != nil {
		return fmt.Errorf("retire the keys of %s: %w", scope, err)
	}
	return nil
}

// Get implements secrets.Store.
func (k *Keeper) Get(ctx context.Context, name string) ([]byte, error) {
	if err := secrets.CheckName(name); err != nil {
		return nil, err
	}
	e, err := k.client.entry(ctx, storePath(name))
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", name, err)
	}
	if e.value == nil {
		return nil, secrets.ErrNoSecret.With(name)
	}
	return e.value, nil
}

// Put implements secrets.Store.
func (k *Keeper) Put(ctx context.Context, name string, value []byte) error {
	if err := secrets.CheckName(name); err != nil {
		return err
	}
	if err := k.client.write(ctx, storePath(name), value, nil); err != nil {
		return fmt.Errorf("secret %s: %w", name, err)
	}
	return nil
}

// Drop implements secrets.Store.
func (k *Keeper) Drop(ctx context.Context, name string) error {
	if err := secrets.CheckName(name); err != nil {
		return err
	}
	if err := k.client.erase(ctx, storePath(name)); err != nil {
		return fmt.Errorf("secret %s: %w", name, err)
	}
	return nil
}

// Where things lie in kv.
const (
	scopesFolder  = "scopes/"
	secretsFolder = "secrets/"
)

func storePath(name string) string { return secretsFolder + name }

// entry is what lies at a path of kv; no value when nothing does.
type entry struct {
	value   []byte
	version int64
}

func (c *Client) entry(ctx context.Context, path string) (entry, error) {
	secret, err := c.call(ctx, http.MethodGet, c.mounts.KV+"/data/"+path, nil)
	if err != nil || secret == nil {
		return entry{}, err
	}
	var e entry
	if about, ok := secret.Data["metadata"].(map[string]any); ok {
		e.version = integer(about["version"])
	}
	if data, ok := secret.Data["data"].(map[string]any); ok {
		text, _ := data["value"].(string)
		if e.value, err = base64.StdEncoding.DecodeString(text); err != nil {
			return entry{}, secrets.ErrDamaged.With(path)
		}
	}
	return e, nil
}

// write replaces what lies at a path, if it still has the version; errRequest otherwise.
func (c *Client) write(ctx context.Context, path string, value []byte, version *int64) error {
	body := map[string]any{"data": map[string]any{"value": base64.StdEncoding.EncodeToString(value)}}
	if version != nil {
		body["options"] = map[string]any{"cas": *version}
	}
	_, err := c.call(ctx, http.MethodPut, c.mounts.KV+"/data/"+path, body)
	return err
}

// erase removes every version of what lies at a path.
func (c *Client) erase(ctx context.Context, path string) error {
	_, err := c.call(ctx, http.MethodDelete, c.mounts.KV+"/metadata/"+path, nil)
	return err
}

// integer is a number of an answer.
func integer(v any) int64 {
	n, ok := v.(json.Number)
	if !ok {
		return 0
	}
	i, _ := n.Int64() // 0 for what is no whole number
	return i
}

// shelf keeps wrapped keys in kv; who writes says which version was read.
type shelf struct{ client *Client }

// Read implements secrets.Shelf.
func (s shelf) Read(ctx context.Context, scope string) ([]byte, error) {
	e, err := s.client.entry(ctx, scopesFolder+scope)
	return e.value, err
}

// Once implements secrets.Shelf.
func (s shelf) Once(ctx context.Context, scope string, fresh func() ([]byte, error)) ([]byte, error) {
	e, err := s.client.entry(ctx, scopesFolder+scope)
	if err != nil || e.value != nil {
		return e.value, err
	}
	wrapped, err := fresh()
	if err != nil {
		return nil, err
	}
	writing := s.client.write(ctx, scopesFolder+scope, wrapped, &e.version)
	if writing == nil {
		return wrapped, nil
	}
	if !errors.Is(writing, errRequest) {
		return nil, writing
	}
	if e, err = s.client.entry(ctx, scopesFolder+scope); err == nil && e.value == nil {
		err = writing
	}
	return e.value, err
}

// Change implements secrets.Shelf: change is called again when another was faster.
func (s shelf) Change(ctx context.Context, scope string, change func(old []byte) ([]byte, error)) error {
	for {
		e, err := s.client.entry(ctx, scopesFolder+scope)
		if err != nil {
			return err
		}
		wrapped, err := change(e.value)
		if err != nil {
			return err
		}
		writing := s.client.write(ctx, scopesFolder+scope, wrapped, &e.version)
		if !errors.Is(writing, errRequest) {
			return writing
		}
		now, err := s.client.entry(ctx, scopesFolder+scope)
		if err != nil {
			return err
		}
		if now.version == e.version { // nobody was: it is refused for another reason
			return writing
		}
	}
}

// Remove implements secrets.Shelf.
func (s shelf) Remove(ctx context.Context, scope string) error {
	return s.client.erase(ctx, scopesFolder+scope)
}

// transit wraps under one key for each scope, derived by the scope's name, so
// that what was wrapped opens under its own name only.
type transit struct{ client *Client }

// keyName is the name of a scope's key in transit, which has no slashes and
// begins and ends with a letter.
func keyName(scope string) string { return "scope." + strings.ReplaceAll(scope, "/", ".") + ".key" }

func (t transit) path(operation, scope string) string {
	return t.client.mounts.Transit + "/" + operation + "/" + keyName(scope)
}

// Wrap implements secrets.Wrapper, making the scope's key on first use.
func (t transit) Wrap(ctx context.Context, scope string, keys []byte) ([]byte, error) {
	t.client.health.count(func(n *Counters) { n.Wraps++ })
	secret, err := t.client.call(ctx, http.MethodPut, t.path("encrypt", scope), map[string]any{
		"plaintext": base64.StdEncoding.EncodeToString(keys), "context": base64.StdEncoding.EncodeToString([]byte(scope)),
	})
	if err != nil {
		return nil, err
	}
	text, _ := secret.Data["ciphertext"].(string)
	return []byte(text), nil
}

// Unwrap implements secrets.Wrapper.
func (t transit) Unwrap(ctx context.Context, scope string, wrapped []byte) ([]byte, error) {
	t.client.health.count(func(n *Counters) { n.Unwraps++ })
	secret, err := t.client.call(ctx, http.MethodPut, t.path("decrypt", scope), map[string]any{
		"ciphertext": string(wrapped), "context": base64.StdEncoding.EncodeToString([]byte(scope)),
	})
	if errors.Is(err, errRequest) {
		return nil, fmt.Errorf("%w: %w", secrets.ErrNotSealed, err)
	}
	if err != nil {
		return nil, err
	}
	text, _ := secret.Data["plaintext"].(string)
	return base64.StdEncoding.DecodeString(text)
}

// Forget implements secrets.Wrapper: the scope's key is deleted, all versions.
func (t transit) Forget(ctx context.Context, scope string) error {
	path := t.path("keys", scope)
	if key, err := t.client.call(ctx, http.MethodGet, path, nil); err != nil || key == nil {
		return err
	}
	if _, err := t.client.call(ctx, http.MethodPut, path+"/config", map[string]any{"deletion_allowed": true}); err != nil {
		return err
	}
	_, err := t.client.call(ctx, http.MethodDelete, path, nil)
	return err
}
