package provisioningtest

import (
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"wangge/internal/testdb"
	"wangge/provisioning/postgres"
)

// Database makes and prepares an empty PostgreSQL database, as Empty and
// Prepared do.
func Database(t testing.TB) (platform, provisioner string) {
	t.Helper()
	return Prepared(t, Empty(t))
}

// Empty makes an empty PostgreSQL database and returns its name. It goes when
// the test ends, and the roles of its cities with it.
func Empty(t testing.TB) (name string) {
	t.Helper()
	name = "d" + strings.ToLower(rand.Text())
	superuser(t, "CREATE DATABASE "+name)
	t.Cleanup(func() {
		superuser(t, "DROP DATABASE "+name+" WITH (FORCE)")
		DropRoles(t)
	})
	return name
}

// Prepared prepares a database and returns the connection strings of its two
// roles. These belong to the whole server, so that every test gives them the
// same passwords.
func Prepared(t testing.TB, name string) (platform, provisioner string) {
	t.Helper()
	if err := postgres.Init(t.Context(), Superuser(t, name), "platform", "provisioner"); err != nil {
		t.Fatal(err)
	}
	return testdb.Server(t).DSN(postgres.PlatformRole, "platform", name), testdb.Server(t).DSN(postgres.ProvisionerRole, "provisioner", name)
}

// DropRoles drops the login roles of all cities that have nothing any more.
func DropRoles(t testing.TB) {
	t.Helper()
	superuser(t, `DO $$ DECLARE r text; BEGIN FOR r IN SELECT rolname FROM pg_roles WHERE rolname LIKE 'city\_%' LOOP
		BEGIN EXECUTE 'DROP ROLE ' || r; EXCEPTION WHEN dependent_objects_still_exist THEN NULL; END; END LOOP; END $$`)
}

func superuser(t testing.TB, statement string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // which is over when the test cleans up
	conn, err := pgx.Connect(ctx, testdb.Server(t).AdminDSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}

// Superuser is the connection string of the server's superuser for a database.
func Superuser(t testing.TB, database string) string {
	t.Helper()
	u, err := url.Parse(testdb.Server(t).AdminDSN())
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + database
	return u.String()
}
