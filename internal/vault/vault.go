// Package vault keeps keys, secrets and database logins in a HashiCorp Vault
// server. Client has the login: its token is renewed at two thirds of its lease
// and got anew when it is lost. Keeper is a secrets.Keeper over the engines
// transit and kv. Pool is a database's login from the engine database, replaced
// while connections are open. Admin makes the roles that a Pool asks for. What a
// role may do is the caller's; what Vault itself may be asked is in Policy.
package vault

import (
	"cmp"
	"time"

	"wangge/internal/errs"
)

// Mounts are the paths of the engines in Vault. Empty ones are "wangge-kv",
// "wangge-transit" and "wangge-database".
type Mounts struct{ KV, Transit, Database string }

func (m Mounts) orDefault() Mounts {
	return Mounts{
		KV:       cmp.Or(m.KV, "wangge-kv"),
		Transit:  cmp.Or(m.Transit, "wangge-transit"),
		Database: cmp.Or(m.Database, "wangge-database"),
	}
}

// Config says where Vault is and how to log in.
type Config struct {
	Address string // such as https://vault.example:8200
	CACert  string // file of the authority that signed Vault's certificate; "" for the system's
	Mounts  Mounts
	Login   Login
	Timeout time.Duration // of one call; 5 s when zero
	Retry   time.Duration // between attempts while Vault is away; 2 s when zero
}

// What is said when Vault does not do what was asked. A cause is wrapped around
// them; none holds a token, a password or a key.
var (
	ErrAway = errs.New(errs.Unavailable, "vault_away",
		"密钥服务器 Vault 无法访问或已封存（sealed），请稍后重试", "the Vault server is sealed or can't be reached; try again later")
	ErrLogin = errs.New(errs.Unavailable, "vault_login",
		"登录密钥服务器 Vault 被拒绝，请检查角色与凭据", "Vault refused the login; check the role and its credential")
	ErrDenied = errs.New(errs.Unavailable, "vault_denied",
		"密钥服务器 Vault 的策略不允许此操作：%[1]s", "Vault's policy does not allow this login to use %[1]s")
	ErrLeaseEnded = errs.New(errs.Unavailable, "lease_ended",
		"数据库登录凭据 %[1]s 已到期，且无法从 Vault 取得新的凭据，暂停服务", "the database login %[1]s has ended and Vault gives no new one; nothing is served from it until then")
	ErrNoRole = errs.New(errs.NotFound, "no_vault_role", "Vault 中没有数据库角色 %[1]s", "Vault has no database role %[1]s")
)
