// Package identity says who is asking: accounts, their passwords, sessions and
// one-time invitations, in the database of one city or of the province. What an
// account may do belongs to internal/policy, how a session travels to the web.
//
// No login, name, password or token is ever part of an error or a log line.
package identity

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"runtime"
	"strings"
	"sync"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
)

// The refusals a person may meet.
var (
	ErrBadCredentials = errs.New(errs.Unauthenticated, "bad_credentials", "账号或密码不正确", "the login or the password is wrong")
	ErrLocked         = errs.New(errs.TooMany, "account_locked", "登录失败次数过多，账号已锁定，请于 %d 分钟后再试",
		"too many failed sign-ins: the account is locked, try again in %d minutes")
	ErrNoSession         = errs.New(errs.Unauthenticated, "no_session", "未登录或登录已失效，请重新登录", "not signed in, or the session has ended: sign in again")
	ErrWeakPassword      = errs.New(errs.Invalid, "weak_password", "密码不符合要求", "the password is too weak")
	ErrBadInvitation     = errs.New(errs.NotFound, "bad_invitation", "邀请链接无效", "no such invitation")
	ErrInvitationUsed    = errs.New(errs.Conflict, "invitation_used", "邀请链接已使用过，请直接登录或索取新链接", "the invitation was used already: sign in, or ask for a new one")
	ErrInvitationExpired = errs.New(errs.Conflict, "invitation_expired", "邀请链接已过期，请索取新链接", "the invitation has expired: ask for a new one")
	ErrNoAccount         = errs.New(errs.NotFound, "no_account", "账号不存在", "no such account")
	ErrLoginTaken        = errs.New(errs.Conflict, "login_taken", "该登录名已被使用", "the login is taken")
)

// Account is somebody who may sign in.
type Account struct {
	ID          int64
	Login       string
	Name        string
	Roles       []string // sorted
	Disabled    bool
	HasPassword bool // false until an invitation was accepted
	CreatedAt   time.Time
}

// Session is one signed-in account, as it is at this request.
type Session struct {
	Account       Account
	PolicyVersion int64     // read together with the session: what policy.Allowed wants
	ExpiresAt     time.Time // the absolute end
}

// Options are what a service may be given; the zero value is right for
// production with one database.
type Options struct {
	Hasher   *Hasher       // shared by all services of a process, so that memory is bounded; nil makes an OWASP one
	Idle     time.Duration // a session unused for this long ends; 0 means 2 hours
	Absolute time.Duration // any session ends after this long; 0 means 12 hours
}

// Service keeps the accounts of one database. It is safe for concurrent use.
type Service struct {
	db             *gormx.DB
	now            func() time.Time
	plane          string
	hasher         *Hasher
	idle, absolute time.Duration

	mu       sync.Mutex
	compiled *sql.Stmt // selectSession, on SQLite
	roles    roleMemo
	touching sync.Map // hashes of tokens whose use is being noted
}

// New serves the accounts of db. Tokens begin with plane and a dot, so that
// whoever holds one can be told which database it belongs to.
func New(db *gormx.DB, now func() time.Time, plane string, o Options) *Service {
	if o.Hasher == nil {
		o.Hasher = NewHasher(OWASP, runtime.GOMAXPROCS(0))
	}
	return &Service{
		db: db, now: now, plane: plane, hasher: o.Hasher,
		idle: cmp.Or(o.Idle, 2*time.Hour), absolute: cmp.Or(o.Absolute, 12*time.Hour),
	}
}

// PlaneOf returns the plane that a token names, "" when it names none. It
// proves nothing: only Resolve and Accept say that a token is good.
func PlaneOf(token string) string {
	plane, _, ok := strings.Cut(token, ".")
	if !ok {
		return ""
	}
	return plane
}

// newToken makes 256 random bits; only their digest is ever stored.
func (s *Service) newToken() (token, hash string) {
	secret := make([]byte, 32)
	rand.Read(secret)
	token = s.plane + "." + base64.RawURLEncoding.EncodeToString(secret)
	return token, digest(token)
}

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
