package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"wangge/internal/errs"
)

// Cost is what one argon2id hash takes.
type Cost struct {
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
}

// OWASP is the cost to use wherever people sign in.
var OWASP = Cost{MemoryKiB: 19 * 1024, Passes: 2, Lanes: 1}

// Hasher hashes passwords with argon2id, a bounded number at a time, because
// each one holds its memory. One is shared by every database of a process.
type Hasher struct {
	cost  Cost
	slots chan struct{}
	dummy string // what the password of an unknown login is compared with
}

// NewHasher allows concurrent hashes at a time; more of them wait.
func NewHasher(cost Cost, concurrent int) *Hasher {
	h := &Hasher{cost: cost, slots: make(chan struct{}, max(concurrent, 1))}
	h.dummy = encode(cost, make([]byte, saltLen), make([]byte, keyLen))
	return h
}

const (
	saltLen = 16
	keyLen  = 32
	phc     = "$argon2id$v=%d$m=%d,t=%d,p=%d$" // then salt $ key
)

// hash returns the PHC string of password under a fresh salt.
func (h *Hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltLen)
	rand.Read(salt)
	key, err := h.derive(ctx, h.cost, password, salt)
	if err != nil {
		return "", err
	}
	return encode(h.cost, salt, key), nil
}

// matches says whether stored is a hash of password. An empty stored never
// matches, and takes as long to say so.
func (h *Hasher) matches(ctx context.Context, stored, password string) (bool, error) {
	known := stored != ""
	if !known {
		stored = h.dummy
	}
	cost, salt, want, err := decode(stored)
	if err != nil {
		return false, err
	}
	got, err := h.derive(ctx, cost, password, salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

func (h *Hasher) derive(ctx context.Context, c Cost, password string, salt []byte) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to hash: %w", ctx.Err())
	}
	// one password typed on two keyboards may arrive composed in two ways
	return argon2.IDKey(norm.NFKC.AppendString(nil, password), salt, c.Passes, c.MemoryKiB, c.Lanes, keyLen), nil
}

func encode(c Cost, salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf(phc, argon2.Version, c.MemoryKiB, c.Passes, c.Lanes) + b64(salt) + "$" + b64(key)
}

// decode reads a PHC string. Its errors never repeat it.
func decode(stored string) (c Cost, salt, key []byte, err error) {
	var version int
	_, scanErr := fmt.Sscanf(stored, phc, &version, &c.MemoryKiB, &c.Passes, &c.Lanes)
	parts := strings.Split(stored, "$")
	if scanErr != nil || version != argon2.Version || c.Passes == 0 || c.Lanes == 0 || len(parts) != 6 {
		return c, nil, nil, errors.New("a stored password hash can't be read")
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || len(key) != keyLen {
		return c, nil, nil, errors.New("a stored password hash can't be read")
	}
	return c, salt, key, nil
}

const (
	minPassword = 10  // characters
	maxPassword = 256 // bytes
)

// worst are the first guesses of at least minPassword characters.
var worst = []string{
	"0123456789", "1234567890", "12345678910", "0987654321", "9876543210", "1234512345", "123456789a", "a123456789",
	"1q2w3e4r5t", "1qaz2wsx3edc", "qwertyuiop", "qwerty12345", "asdfghjkl1", "abc1234567", "abcd123456", "abcdefghij",
	"password12", "password123", "password1234", "passw0rd123", "p@ssw0rd123", "admin12345", "admin123456",
	"administrator", "woaini1314", "woaini520520", "5201314520", "iloveyou123", "changeme123", "welcome123",
}

// weak returns ErrWeakPassword with the reason when nobody should have this
// password, least of all the holder of login.
func weak(login, password string) error {
	lower := strings.ToLower(password)
	first, _ := utf8.DecodeRuneInString(lower)
	refuse := func(zh, en string) error {
		e := *ErrWeakPassword
		e.Problems = []errs.Problem{{Field: "password", Zh: zh, En: en}}
		return &e
	}
	switch {
	case utf8.RuneCountInString(password) < minPassword:
		return refuse("密码至少需要 10 个字符", "a password has at least 10 characters")
	case len(password) > maxPassword:
		return refuse("密码过长", "the password is too long")
	case strings.EqualFold(password, login):
		return refuse("密码不能与登录名相同", "the password must differ from the login")
	case slices.Contains(worst, lower), strings.Trim(lower, string(first)) == "":
		return refuse("该密码太常见，容易被猜到", "the password is among the first to be guessed")
	}
	return nil
}
