package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"wangge/internal/errs"
)

// Setup is what an operator puts into an empty Vault.
type Setup struct {
	Names    Names
	Prefix   string            // of the names of policies and AppRoles
	Servers  map[string]string // connection strings by name, of a login that may make roles
	TokenTTL time.Duration     // of a login's token; 1 h when zero
	TokenMax time.Duration     // after which it logs in anew; 24 h when zero
}

// ErrServer refuses a connection string that Vault could not use.
var ErrServer = errs.New(errs.Invalid, "bad_server", "%[1]s 的连接串须为 postgres://用户:密码@主机/数据库",
	"the connection string of %[1]s must be postgres://user:password@host/database")

// Credential is an AppRole's.
type Credential struct{ RoleID, SecretID string }

// Install mounts the engines, writes the policies, connects the database servers
// and makes an AppRole for each use. The client's token must be an operator's.
// Doing it again changes only what differs, and makes other secret IDs.
func (c *Client) Install(ctx context.Context, s Setup) (map[Use]Credential, error) {
	engines := []struct {
		path, kind string
		options    map[string]any
	}{
		{c.mounts.KV, "kv", map[string]any{"version": "2"}},
		{c.mounts.Transit, "transit", nil},
		{c.mounts.Database, "database", nil},
	}
	for _, e := range engines {
		if err := c.mount(ctx, "sys/mounts", e.path, map[string]any{"type": e.kind, "options": e.options}); err != nil {
			return nil, err
		}
	}
	if err := c.mount(ctx, "sys/auth", "approle", map[string]any{"type": "approle"}); err != nil {
		return nil, err
	}
	if err := c.oneVersion(ctx); err != nil {
		return nil, err
	}
	for name, dsn := range s.Servers {
		if err := c.connect(ctx, name, dsn, s.Names); err != nil {
			return nil, err
		}
	}
	made := map[Use]Credential{}
	for _, use := range []Use{Serve, Provision} {
		credential, err := c.appRole(ctx, s, use)
		if err != nil {
			return nil, fmt.Errorf("AppRole for %s: %w", use, err)
		}
		made[use] = credential
	}
	return made, nil
}

// mount mounts an engine unless something is mounted there.
func (c *Client) mount(ctx context.Context, kind, path string, body map[string]any) error {
	there, err := c.call(ctx, http.MethodGet, kind, nil)
	if err != nil {
		return fmt.Errorf("mounts: %w", err)
	}
	if there != nil && there.Data[path+"/"] != nil {
		return nil
	}
	if _, err := c.call(ctx, http.MethodPut, kind+"/"+path, body); err != nil {
		return fmt.Errorf("mount %s: %w", path, err)
	}
	return nil
}

// oneVersion lets kv keep the newest version of a value only: an older one is
// not to come back. A kv that was just mounted is not there at once.
func (c *Client) oneVersion(ctx context.Context) error {
	for {
		_, err := c.call(ctx, http.MethodPut, c.mounts.KV+"/config", map[string]any{"max_versions": 1})
		if err == nil || !errors.Is(err, errRequest) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", c.mounts.KV, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// connect tells Vault of a database server.
func (c *Client) connect(ctx context.Context, name, dsn string, names Names) error {
	u, err := url.Parse(dsn)
	if err != nil || u.User == nil || u.Host == "" || !slices.Contains([]string{"postgres", "postgresql"}, u.Scheme) {
		return ErrServer.With(name) // without the cause, which holds a password
	}
	password, _ := u.User.Password()
	at := strings.Replace(dsn, u.User.String()+"@", "{{username}}:{{password}}@", 1)
	_, err = c.call(ctx, http.MethodPut, c.mounts.Database+"/config/"+name, map[string]any{ //nolint:gosec // no password is written here
		"plugin_name": "postgresql-database-plugin", "allowed_roles": []string{names.Roles + "*"},
		"connection_url": at, "username": u.User.Username(), "password": password, "password_authentication": "scram-sha-256",
	})
	if err != nil {
		return fmt.Errorf("database server %s: %w", name, err)
	}
	return nil
}

// appRole makes the login of a use and its policy.
func (c *Client) appRole(ctx context.Context, s Setup, use Use) (Credential, error) {
	name := s.Prefix + string(use)
	if _, err := c.call(ctx, http.MethodPut, "sys/policies/acl/"+name, map[string]any{"policy": Policy(c.mounts, s.Names, use)}); err != nil {
		return Credential{}, err
	}
	ttl, most := s.TokenTTL, s.TokenMax
	if ttl == 0 {
		ttl = time.Hour
	}
	if most == 0 {
		most = 24 * time.Hour
	}
	path := "auth/approle/role/" + name
	_, err := c.call(ctx, http.MethodPut, path, map[string]any{
		"token_policies": []string{name}, "token_no_default_policy": true,
		"token_ttl": int(ttl.Seconds()), "token_max_ttl": int(most.Seconds()),
	})
	if err != nil {
		return Credential{}, err
	}
	id, err := c.call(ctx, http.MethodGet, path+"/role-id", nil)
	if err != nil {
		return Credential{}, err
	}
	secret, err := c.call(ctx, http.MethodPut, path+"/secret-id", nil)
	if err != nil {
		return Credential{}, err
	}
	var made Credential
	made.RoleID, _ = id.Data["role_id"].(string)
	made.SecretID, _ = secret.Data["secret_id"].(string)
	return made, nil
}
