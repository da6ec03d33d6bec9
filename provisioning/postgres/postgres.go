// Package postgres puts each city into a schema of its own, owned by a login
// role of its own whose password nobody holds by hand.
package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/provisioning"
	"wangge/tenant"
	"wangge/tenant/tenantdb"
)

// Schemas makes and opens the schemas of the cities.
type Schemas struct {
	tenantdb.Schemas
	Provisioner string // connection string of a role with CREATEROLE and CREATE on the database
	// Elsewhere finds a server of the placement catalogue: where it is, without a
	// login, and the provisioning role's connection string. nil: there are none.
	Elsewhere func(ctx context.Context, server string) (at, provisioner string, err error)
}

// ErrNoServer is returned for a server that the placement catalogue does not have.
var ErrNoServer = errs.New(errs.NotFound, "no_server", "没有登记名为“%s”的服务器", "there is no server of the name %q")

// On is the same on another server.
func (s Schemas) On(ctx context.Context, server string) (provisioning.Database, error) {
	if server == "" {
		return s, nil
	}
	if s.Elsewhere == nil {
		return nil, ErrNoServer.With(server)
	}
	var err error
	s.Server, s.Provisioner, err = s.Elsewhere(ctx, server)
	return s, err
}

// ErrNoProvisioner refuses to look for or build a city without the login that may.
var ErrNoProvisioner = errs.New(errs.Invalid, "no_provisioner",
	"未给出建城用的数据库连接：请设置 WANGGE_POSTGRES_ADMIN（由 wangge database init 写出）",
	"the connection string for building cities is missing: set WANGGE_POSTGRES_ADMIN, which `wangge database init` writes")

// Engine is PostgreSQL.
func (Schemas) Engine() gormx.Engine { return gormx.Postgres }

// RoleLimit bounds the connections of a city's login over all replicas of the server.
const RoleLimit = 32

// Settings are those of a city's logins: it is in its own schema, a runaway
// query ends, a forgotten lock too.
func Settings(id tenant.ID) []string {
	return []string{
		"search_path = " + id.Schema(), "statement_timeout = '60s'", "lock_timeout = '10s'", "idle_in_transaction_session_timeout = '60s'",
	}
}

// Prepare makes the city's login role and its schema, or gives an existing
// role the password that is kept. It is one transaction; running it again
// changes nothing.
func (s Schemas) Prepare(ctx context.Context, id tenant.ID) error {
	password, err := s.password(ctx, id)
	if err != nil {
		return err
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	name := id.Schema() // city_ and six digits: safe to write into SQL, as is the hex password
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var exists bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name).Scan(&exists); err != nil {
			return err
		}
		verb := "CREATE"
		if exists {
			verb = "ALTER"
		}
		statements := []string{
			fmt.Sprintf("%s ROLE %s LOGIN NOINHERIT CONNECTION LIMIT %d PASSWORD '%s'", verb, name, RoleLimit, password),
		}
		for _, setting := range Settings(id) {
			statements = append(statements, fmt.Sprintf("ALTER ROLE %s SET %s", name, setting))
		}
		statements = append(statements,
			// Membership lasts for the moment of the transaction in which the
			// schema is handed over; afterwards the provisioner can't read it.
			// A new schema grants PUBLIC nothing.
			fmt.Sprintf("GRANT %s TO CURRENT_USER", name),
			fmt.Sprintf("CREATE SCHEMA IF NOT EXISTS %s AUTHORIZATION %s", name, name),
			fmt.Sprintf("REVOKE %s FROM CURRENT_USER", name),
		)
		for _, statement := range statements {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return fmt.Errorf("prepare %s: %w", name, err)
			}
		}
		return nil
	})
}

// Drop removes the city's schema, its login role and the password that is kept.
func (s Schemas) Drop(ctx context.Context, id tenant.ID) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	name := id.Schema()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var exists bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name).Scan(&exists); err != nil || !exists {
			return err
		}
		for _, statement := range []string{
			fmt.Sprintf("GRANT %s TO CURRENT_USER", name), // for this transaction: the role goes with it
			fmt.Sprintf("SET LOCAL ROLE %s", name),        // who may be it does not inherit what it owns
			fmt.Sprintf("DROP SCHEMA IF EXISTS %s CASCADE", name),
			"RESET ROLE",
			fmt.Sprintf("DROP ROLE %s", name),
		} {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return fmt.Errorf("drop %s: %w", name, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.Keeper.Drop(ctx, tenantdb.SecretName(id))
}

// password returns the city's database password, making it on first use.
func (s Schemas) password(ctx context.Context, id tenant.ID) (string, error) {
	held, err := s.Keeper.Get(ctx, tenantdb.SecretName(id))
	if err == nil {
		return string(held), nil
	}
	if errs.KindOf(err) != errs.NotFound {
		return "", err
	}
	random := make([]byte, 24)
	rand.Read(random)
	password := hex.EncodeToString(random)
	return password, s.Keeper.Put(ctx, tenantdb.SecretName(id), []byte(password))
}

// Exists says whether the city has a schema.
func (s Schemas) Exists(ctx context.Context, id tenant.ID) (bool, error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var exists bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", id.Schema()).Scan(&exists)
	return exists, err
}

// connect connects as the provisioner.
func (s Schemas) connect(ctx context.Context) (*pgx.Conn, error) {
	if s.Provisioner == "" { // not what the environment's PGHOST and the like lead to
		return nil, ErrNoProvisioner
	}
	conn, err := pgx.Connect(ctx, s.Provisioner)
	if err != nil {
		return nil, fmt.Errorf("connect as the provisioner: %w", scrub(err))
	}
	return conn, nil
}

// scrub keeps the connection string out of an error.
func scrub(err error) error {
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) {
		return errors.New("the connection string can't be read")
	}
	return err
}
