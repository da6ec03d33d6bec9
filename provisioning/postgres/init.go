package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// The roles of the platform: one serves, one provisions. Neither can read a city.
const (
	PlatformRole    = "wangge_platform"
	ProvisionerRole = "wangge_provisioner"
	provinceSchema  = "province"
)

// Init prepares an empty database for the platform: the serving role that owns
// the province's schema, the provisioning role that may make roles and schemas,
// and nothing for PUBLIC. Run it as a superuser, once; running it again sets
// the passwords anew. Passwords are letters and digits.
func Init(ctx context.Context, superuser, platformPassword, provisionerPassword string) error {
	for _, p := range []string{platformPassword, provisionerPassword} {
		if p == "" || strings.ContainsAny(p, `'\`) {
			return fmt.Errorf("a password is empty or holds a quote or backslash")
		}
	}
	conn, err := pgx.Connect(ctx, superuser)
	if err != nil {
		return fmt.Errorf("connect as superuser: %w", scrub(err))
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var database string
		if err := tx.QueryRow(ctx, "SELECT current_database()").Scan(&database); err != nil {
			return err
		}
		quoted := pgx.Identifier{database}.Sanitize()
		statements := []string{
			ensureRole(PlatformRole), ensureRole(ProvisionerRole),
			fmt.Sprintf("ALTER ROLE %s LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT PASSWORD '%s'", PlatformRole, platformPassword),
			fmt.Sprintf("ALTER ROLE %s LOGIN NOSUPERUSER NOCREATEDB CREATEROLE NOINHERIT PASSWORD '%s'", ProvisionerRole, provisionerPassword),
			fmt.Sprintf("ALTER ROLE %s SET search_path = %s", PlatformRole, provinceSchema),
			fmt.Sprintf("GRANT CREATE ON DATABASE %s TO %s", quoted, ProvisionerRole),
			fmt.Sprintf("REVOKE CREATE, TEMPORARY ON DATABASE %s FROM PUBLIC", quoted),
			"REVOKE ALL ON SCHEMA public FROM PUBLIC",
			fmt.Sprintf("CREATE SCHEMA IF NOT EXISTS %s AUTHORIZATION %s", provinceSchema, PlatformRole),
			fmt.Sprintf("REVOKE ALL ON SCHEMA %s FROM PUBLIC", provinceSchema),
		}
		for _, statement := range statements {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return fmt.Errorf("prepare the database: %w", err)
			}
		}
		return nil
	})
}

func ensureRole(name string) string {
	return fmt.Sprintf("DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '%s') THEN CREATE ROLE %s; END IF; END $$", name, name)
}
