package tenantdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/tenant"
)

// Files is where cities live on SQLite: one file each.
type Files struct{ Dir string }

// Path is the file of a city.
func (f Files) Path(id tenant.ID) string { return filepath.Join(f.Dir, id.String()+".db") }

// Open opens a city's file; ErrNotBuilt when there is none.
func (f Files) Open(_ context.Context, id tenant.ID) (*gormx.DB, error) {
	if _, err := os.Stat(f.Path(id)); errors.Is(err, os.ErrNotExist) {
		return nil, ErrNotBuilt
	}
	return gormx.OpenSQLite(f.Path(id), gormx.Normal)
}

// Secrets keeps named secrets; Get answers with a NotFound error when there is none.
type Secrets interface {
	Get(ctx context.Context, name string) ([]byte, error)
	Put(ctx context.Context, name string, value []byte) error
	Drop(ctx context.Context, name string) error
}

// Schemas is where cities live on PostgreSQL: a schema and a login role each.
type Schemas struct {
	Server string // connection string of the server; its login is replaced by the city's
	Keeper Secrets
	Logins Logins // nil: each city has one login, whose password the keeper has
}

// Logins makes connections to a server under a role's own login, which comes and
// goes while they are open; ErrNotBuilt for a role that is not there.
type Logins func(ctx context.Context, server, role string) (driver.Connector, error)

// cityPool bounds the connections of one city.
var cityPool = gormx.Pool{Max: 8, Idle: 90 * time.Second}

// SecretName is where a city's database password is kept.
func SecretName(id tenant.ID) string { return id.Scope() + "/postgres" }

// Open connects as the city's own login role, and refuses a role that could
// read beyond its schema.
func (s Schemas) Open(ctx context.Context, id tenant.ID) (*gormx.DB, error) {
	db, err := s.connect(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := CheckRole(ctx, db, id.Schema()); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func (s Schemas) connect(ctx context.Context, id tenant.ID) (*gormx.DB, error) {
	if s.Logins != nil {
		connector, err := s.Logins(ctx, s.Server, id.Schema())
		if err != nil {
			return nil, fmt.Errorf("login of %s: %w", id, err)
		}
		return gormx.OpenConnector(connector, cityPool)
	}
	dsn, err := s.DSN(ctx, id)
	if err != nil {
		return nil, err
	}
	return gormx.OpenPostgres(dsn, cityPool)
}

// DSN is the connection string of a city's login role; ErrNotBuilt when the
// city has none.
func (s Schemas) DSN(ctx context.Context, id tenant.ID) (string, error) {
	password, err := s.Keeper.Get(ctx, SecretName(id))
	if errs.KindOf(err) == errs.NotFound {
		return "", ErrNotBuilt
	}
	if err != nil {
		return "", fmt.Errorf("login of %s: %w", id, err)
	}
	u, err := url.Parse(s.Server)
	if err != nil {
		return "", errors.New("the PostgreSQL connection string can't be read")
	}
	u.User = url.UserPassword(id.Schema(), string(password))
	return u.String(), nil
}

// ErrPowerfulRole refuses a database login that could read a city it should not.
var ErrPowerfulRole = errs.New(errs.Unavailable, "powerful_role",
	"数据库角色权限过大，可读取其他城市的数据（%s）；请改用 wangge database init 建立的最小权限角色",
	"the database role could read other cities (%s); use the least-privilege role that `wangge database init` makes")

// CheckRole refuses a login that is a superuser, bypasses row security, may
// make roles, may use another city's schema than own ("" for the province's
// role), or is a city's and may use the province's. So is refused one that acts
// as a role of which any of that is true.
func CheckRole(ctx context.Context, db *gormx.DB, own string) error {
	var found []string
	// Whom the login is a member of is followed here: has_schema_privilege and
	// pg_has_role would be asked once for every city on the server.
	err := db.Read.WithContext(ctx).Raw(`
		WITH RECURSIVE mine (oid) AS (
			SELECT oid FROM pg_roles WHERE rolname IN (current_user, session_user)
			UNION SELECT m.roleid FROM pg_auth_members m JOIN mine ON m.member = mine.oid)
		SELECT 'SUPERUSER' FROM pg_roles WHERE rolname IN (current_user, session_user) AND rolsuper
		UNION ALL SELECT 'BYPASSRLS' FROM pg_roles WHERE rolname IN (current_user, session_user) AND rolbypassrls
		UNION ALL SELECT 'CREATEROLE' FROM pg_roles WHERE rolname IN (current_user, session_user) AND rolcreaterole
		UNION ALL SELECT 'USAGE ON ' || nspname FROM pg_namespace
			WHERE (nspname LIKE 'city\_%' AND nspname <> ? OR nspname = 'province' AND ? <> '')
			AND (nspowner IN (SELECT oid FROM mine) OR EXISTS (SELECT FROM aclexplode(nspacl) a
				WHERE a.privilege_type = 'USAGE' AND (a.grantee = 0 OR a.grantee IN (SELECT oid FROM mine))))
		UNION ALL SELECT 'MEMBER OF ' || rolname FROM pg_roles
			WHERE rolname LIKE 'city\_%' AND rolname <> ? AND oid IN (SELECT oid FROM mine)
		LIMIT 5`, own, own, own).Scan(&found).Error
	if err != nil {
		return fmt.Errorf("check the database role: %w", err)
	}
	if len(found) > 0 {
		return ErrPowerfulRole.With(fmt.Sprint(found))
	}
	return nil
}
