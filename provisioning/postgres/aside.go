package postgres

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"

	"wangge/internal/gormx"
	"wangge/tenant"
)

// The schemas beside a city's: one that is to take its place, and one whose
// place was taken. Both are the city's own; their names are not those of a
// city's schema, of which a role may use one only.
func nextSchema(id tenant.ID) string { return "next_" + id.String() }
func oldSchema(id tenant.ID) string  { return "old_" + id.String() }

// Next makes an empty schema beside the city's and opens it as the city.
func (s Schemas) Next(ctx context.Context, id tenant.ID) (*gormx.DB, error) {
	if err := s.asCity(ctx, id, "DROP SCHEMA IF EXISTS "+nextSchema(id)+" CASCADE"); err != nil {
		return nil, err
	}
	if err := s.give(ctx, id, nextSchema(id)); err != nil {
		return nil, err
	}
	dsn, err := s.DSN(ctx, id)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, scrub(err)
	}
	q := u.Query()
	q.Set("search_path", nextSchema(id))
	u.RawQuery = q.Encode()
	return gormx.OpenPostgres(u.String(), gormx.Pool{Max: 2, Idle: time.Minute})
}

// Switch moves the city's tables to the old schema and the next ones in their
// place, in one transaction: statements wait for it and then find the new ones.
func (s Schemas) Switch(ctx context.Context, id tenant.ID) error {
	if err := s.give(ctx, id, oldSchema(id)); err != nil {
		return err
	}
	return s.asCity(ctx, id, move(id.Schema(), oldSchema(id)), move(nextSchema(id), id.Schema()), "DROP SCHEMA "+nextSchema(id))
}

// Back moves the old tables into their place again and drops those there.
func (s Schemas) Back(ctx context.Context, id tenant.ID) error {
	if err := s.give(ctx, id, nextSchema(id)); err != nil {
		return err
	}
	return s.asCity(ctx, id, move(id.Schema(), nextSchema(id)), move(oldSchema(id), id.Schema()),
		"DROP SCHEMA "+oldSchema(id), "DROP SCHEMA "+nextSchema(id)+" CASCADE")
}

// move is a statement that moves all tables and views of a schema to another.
func move(from, to string) string {
	return fmt.Sprintf(`DO $$ DECLARE r record; BEGIN
		FOR r IN SELECT table_name AS name, CASE table_type WHEN 'VIEW' THEN 'VIEW' ELSE 'TABLE' END AS sort
			FROM information_schema.tables WHERE table_schema = '%[1]s' LOOP
			EXECUTE format('ALTER %%s %[1]s.%%I SET SCHEMA %[2]s', r.sort, r.name);
		END LOOP; END $$`, from, to)
}

// Kept says whether there is an old schema.
func (s Schemas) Kept(ctx context.Context, id tenant.ID) (there bool, err error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", oldSchema(id)).Scan(&there)
	return there, err
}

// Clear drops the schemas beside the city's.
func (s Schemas) Clear(ctx context.Context, id tenant.ID) error {
	return s.asCity(ctx, id, "DROP SCHEMA IF EXISTS "+nextSchema(id)+" CASCADE", "DROP SCHEMA IF EXISTS "+oldSchema(id)+" CASCADE")
}

// give makes a schema, if it is not there, and gives it to the city.
func (s Schemas) give(ctx context.Context, id tenant.ID, schema string) error {
	return s.inTx(ctx, id, fmt.Sprintf("CREATE SCHEMA IF NOT EXISTS %s AUTHORIZATION %s", schema, id.Schema()))
}

// asCity runs statements in one transaction as the city's role; none when there
// is no such role.
func (s Schemas) asCity(ctx context.Context, id tenant.ID, statements ...string) error {
	return s.inTx(ctx, id, append(append([]string{"SET LOCAL ROLE " + id.Schema()}, statements...), "RESET ROLE")...)
}

// inTx runs statements in one transaction of the provisioner, who may be the
// city's role for as long as it lasts.
func (s Schemas) inTx(ctx context.Context, id tenant.ID, statements ...string) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	name := id.Schema()
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var exists bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name).Scan(&exists); err != nil || !exists {
			return err
		}
		all := append([]string{"SET LOCAL lock_timeout = '10s'", fmt.Sprintf("GRANT %s TO CURRENT_USER", name)}, statements...)
		for _, statement := range append(all, fmt.Sprintf("REVOKE %s FROM CURRENT_USER", name)) {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return fmt.Errorf("schemas of %s: %w", name, err)
			}
		}
		return nil
	})
}
