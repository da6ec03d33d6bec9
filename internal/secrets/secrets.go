// Package secrets keeps keys and passwords: it seals data under keys that never
// leave it, and stores named secrets. KeyFile is the default, a folder on disk;
// a server such as Vault may keep the same promises. Whose key a scope is, and
// what is sealed, is the caller's.
package secrets

import (
	"context"
	"regexp"

	"wangge/internal/errs"
)

// Keeper holds the keys and secrets of a whole installation.
type Keeper interface {
	Store
	// Sealer returns the sealer of a scope, making the scope's key on first use;
	// processes that first use it at once all get the same key. What is sealed
	// under one scope opens under no other.
	Sealer(ctx context.Context, scope string) (Sealer, error)
	// Rotate makes a new key for the scope, under which is sealed from now on;
	// what the older keys sealed still opens.
	Rotate(ctx context.Context, scope string) error
	// Describe says which keys a scope has, without any part of them; none is no error.
	Describe(ctx context.Context, scope string) ([]Key, error)
	// Destroy forgets the keys of a scope for ever: what they sealed opens no
	// more, in no copy either. Doing it again is no error.
	Destroy(ctx context.Context, scope string) error
	// HandOver seals the scope's keys to a recipient of another installation,
	// which alone can Adopt them.
	HandOver(ctx context.Context, scope string, to Recipient) ([]byte, error)
	// Recipient is the installation's own address for HandOver; it is no secret.
	Recipient(ctx context.Context) (Recipient, error)
	// Adopt takes over keys that were handed over to this installation, for a
	// scope that has none; ErrKeysExist when it has others.
	Adopt(ctx context.Context, scope string, handed []byte) error
}

// Recipient is a public key to which keys are handed over, as printable text.
type Recipient string

// Key describes one key of a scope.
type Key struct {
	ID        string `json:"id"`
	Algorithm string `json:"algorithm"`
	Primary   bool   `json:"primary"` // seals from now on
}

// Store keeps secrets by name.
type Store interface {
	// Get returns the value last put; ErrNoSecret when there is none.
	Get(ctx context.Context, name string) ([]byte, error)
	// Put replaces the value: whole or not at all, and kept once Put has returned.
	Put(ctx context.Context, name string, value []byte) error
	// Drop forgets the secret; one that is not there is no error.
	Drop(ctx context.Context, name string) error
}

// Sealer seals under the key of one scope. It is safe for concurrent use.
type Sealer interface {
	// Seal encrypts plaintext and authenticates it together with context, which
	// says where the value belongs and is not stored. What comes back carries the
	// key's ID, so that it still opens after the scope's key was rotated.
	Seal(plaintext, context []byte) ([]byte, error)
	// Open returns the plaintext. The error is ErrNotSealed when sealed was
	// changed, or was sealed under another scope or with another context.
	Open(sealed, context []byte) ([]byte, error)
}

// What a keeper refuses. No error holds a secret, or a part of one.
var (
	ErrNoSecret = errs.New(errs.NotFound, "no_secret", "没有名为 %[1]s 的密钥信息", "there is no secret named %[1]s")
	ErrName     = errs.New(errs.Invalid, "bad_secret_name",
		"密钥名称 %[1]q 无效：只能由小写字母、数字、_ 和 - 组成，各段以 / 分隔",
		"the name %[1]q is refused: it has parts of a-z, 0-9, _ and -, parted by /")
	ErrNotSealed = errs.New(errs.Internal, "not_sealed",
		"密文无法解开：内容被改动，或属于其他范围", "the sealed value does not open: it was changed or belongs elsewhere")
	ErrDestroyed = errs.New(errs.Unavailable, "keys_destroyed", "密钥已销毁，数据无法再打开", "the keys were destroyed: what they sealed opens no more")
	ErrKeysExist = errs.New(errs.Conflict, "keys_exist", "%[1]s 已有自己的密钥", "%[1]s has keys of its own already")
	ErrRecipient = errs.New(errs.Invalid, "bad_recipient", "接收方公钥无效", "this is not the public key of a recipient")
	ErrExposed   = errs.New(errs.Unavailable, "exposed_keys",
		"密钥存放处 %[1]s 的权限为 %[2]v，其他用户可以访问；请执行 chmod -R go-rwx %[3]q 后重试",
		"the keys in %[1]s have mode %[2]v, open to other users; run chmod -R go-rwx %[3]q and try again")
	ErrDamaged = errs.New(errs.Unavailable, "damaged_keys",
		"密钥文件 %[1]s 缺失或损坏；请从备份恢复整个密钥目录", "the key file %[1]s is missing or damaged; restore the whole key folder from a backup")
)

var names = regexp.MustCompile(`^[a-z0-9_-]{1,64}(/[a-z0-9_-]{1,64}){0,7}$`)

// CheckName is ErrName for what can be no scope's or secret's name.
func CheckName(name string) error { return checked(name) }

// checked refuses a name that could not be a file's on every system.
func checked(name string) error {
	if !names.MatchString(name) {
		return ErrName.With(name)
	}
	return nil
}
