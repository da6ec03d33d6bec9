package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Role is what a Pool's login may do and for how long.
type Role struct {
	Name       string        // in Vault
	Connection string        // the database server, as Install named it
	Member     string        // the PostgreSQL role that the login acts as; a plain identifier
	Limit      int           // connections of one login; 0 for no limit
	Settings   []string      // of the login, such as "statement_timeout = '60s'"
	TTL        time.Duration // of a lease
	MaxTTL     time.Duration // after which a lease is renewed no more
}

// creation is how a login is made: it inherits nothing and acts as the member
// from its first moment, so that what it makes belongs to that.
func (r Role) creation() string {
	limit := ""
	if r.Limit > 0 {
		limit = fmt.Sprintf(" CONNECTION LIMIT %d", r.Limit)
	}
	statements := []string{
		`CREATE ROLE "{{name}}" LOGIN NOINHERIT` + limit + ` PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE ` + r.Member,
		`ALTER ROLE "{{name}}" SET role = ` + r.Member,
	}
	for _, setting := range r.Settings {
		statements = append(statements, `ALTER ROLE "{{name}}" SET `+setting)
	}
	return strings.Join(statements, "; ")
}

// How a login is taken away: let go of, so that a statement under way may end,
// or cut off.
const (
	letGo  = `DROP ROLE IF EXISTS "{{name}}"`
	cutOff = `GRANT "{{name}}" TO CURRENT_USER; SET LOCAL ROLE "{{name}}"; ` +
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{{name}}'; RESET ROLE; ` + letGo
)

// PutRole makes or replaces a role; the client's login must be a provisioning
// one. Doing it again changes nothing.
func (c *Client) PutRole(ctx context.Context, r Role) error {
	_, err := c.call(ctx, http.MethodPut, c.rolePath(r.Name), map[string]any{
		"db_name": r.Connection, "creation_statements": []string{r.creation()},
		"revocation_statements": []string{letGo},
		"renew_statements":      []string{`ALTER ROLE "{{name}}" VALID UNTIL '{{expiration}}'`},
		"default_ttl":           int(r.TTL.Seconds()), "max_ttl": int(r.MaxTTL.Seconds()),
	})
	if err != nil {
		return fmt.Errorf("database role %s: %w", r.Name, err)
	}
	return nil
}

// Revoke takes away all logins that were made for a role, cutting off their
// connections. Whoever may have a login gets another when it asks.
func (c *Client) Revoke(ctx context.Context, name string) error {
	if err := c.cut(ctx, name); err != nil {
		return err
	}
	return c.revocation(ctx, name, letGo)
}

// DropRole is Revoke, and no more logins are made; PutRole brings the role back.
// Doing it again is no error.
func (c *Client) DropRole(ctx context.Context, name string) error {
	role, err := c.call(ctx, http.MethodGet, c.rolePath(name), nil)
	if err != nil {
		return fmt.Errorf("database role %s: %w", name, err)
	}
	if role != nil {
		if err := c.cut(ctx, name); err != nil {
			return err
		}
		if _, err := c.call(ctx, http.MethodDelete, c.rolePath(name), nil); err != nil {
			return fmt.Errorf("database role %s: %w", name, err)
		}
	}
	return c.revokeAll(ctx, name) // what was made meanwhile carries the statements that cut it off
}

// cut takes all logins of a role away with their connections.
func (c *Client) cut(ctx context.Context, name string) error {
	if err := c.revocation(ctx, name, cutOff); err != nil {
		return err
	}
	return c.revokeAll(ctx, name)
}

// revocation sets how the logins of a role are taken away.
func (c *Client) revocation(ctx context.Context, name, how string) error {
	_, err := c.call(ctx, http.MethodPut, c.rolePath(name), map[string]any{"revocation_statements": []string{how}})
	if errors.Is(err, errRequest) { // a role needs more than that to be made
		return errors.Join(ErrNoRole.With(name), err)
	}
	if err != nil {
		return fmt.Errorf("database role %s: %w", name, err)
	}
	return nil
}

func (c *Client) revokeAll(ctx context.Context, role string) error {
	_, err := c.call(ctx, http.MethodPut, "sys/leases/revoke-prefix/"+c.mounts.Database+"/creds/"+role, map[string]any{"sync": true})
	if err != nil {
		return fmt.Errorf("revoke the logins of %s: %w", role, err)
	}
	return nil
}

func (c *Client) rolePath(name string) string { return c.mounts.Database + "/roles/" + name }
