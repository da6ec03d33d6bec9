package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"wangge/internal/gormx"
	"wangge/internal/secrets"
	"wangge/internal/testdb"
	"wangge/migrations"
	"wangge/provisioning/postgres"
	"wangge/tenant"
	"wangge/tenant/citytest"
	"wangge/tenant/tenantdb"
)

// server is a database that was prepared for the platform, with a province and
// two cities in work.
type server struct {
	database, platform, provisioner string // connection strings but for the first
	schemas                         postgres.Schemas
	wuhai, jiayuguan                tenant.ID
}

func prepare(t *testing.T) *server {
	t.Helper()
	name := "platform_" + strings.ToLower(rand.Text())
	super(t, "postgres", "CREATE DATABASE "+name)
	s := &server{database: name, wuhai: id(t, "150300"), jiayuguan: id(t, "620200")}
	t.Cleanup(func() { s.drop(t) })
	platform, provisioner := rand.Text(), rand.Text()
	if err := postgres.Init(t.Context(), superuser(t, name), platform, provisioner); err != nil {
		t.Fatal(err)
	}
	s.platform = testdb.Server(t).DSN(postgres.PlatformRole, platform, name)
	s.provisioner = testdb.Server(t).DSN(postgres.ProvisionerRole, provisioner, name)
	keeper, err := secrets.OpenKeyFile(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	s.schemas = postgres.Schemas{Schemas: tenantdb.Schemas{Server: s.platform, Keeper: keeper}, Provisioner: s.provisioner}
	if _, err := migrations.Up(t.Context(), open(t, s.platform), migrations.Province); err != nil {
		t.Fatal(err)
	}
	for _, city := range []tenant.ID{s.wuhai, s.jiayuguan} {
		if err := s.schemas.Prepare(t.Context(), city); err != nil {
			t.Fatal(err)
		}
		h := citytest.Build(t, s.city(t, city), citytest.Code(city.String()), citytest.Lattice(4, 4))
		if _, err := h.City.Cases.Report(t.Context(), h.Report()); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// drop takes away what is the whole server's, for the next test.
func (s *server) drop(t *testing.T) {
	super(t, "postgres", fmt.Sprintf("DROP DATABASE %s WITH (FORCE)", s.database))
	for _, role := range []string{s.wuhai.Schema(), s.jiayuguan.Schema(), postgres.PlatformRole, postgres.ProvisionerRole} {
		super(t, "postgres", "DROP ROLE IF EXISTS "+role)
	}
}

func id(t *testing.T, code string) tenant.ID {
	t.Helper()
	city, err := tenant.ParseID(code)
	if err != nil {
		t.Fatal(err)
	}
	return city
}

func superuser(t *testing.T, database string) string {
	t.Helper()
	u, err := url.Parse(testdb.Server(t).AdminDSN())
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + database
	return u.String()
}

// super runs statements as the superuser.
func super(t *testing.T, database string, statements ...string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // which is over when the test cleans up
	conn, err := pgx.Connect(ctx, superuser(t, database))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func open(t *testing.T, dsn string) *gormx.DB {
	t.Helper()
	db, err := gormx.OpenPostgres(dsn, gormx.Pool{Max: 2, Idle: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// city opens a city as its own login role.
func (s *server) city(t *testing.T, city tenant.ID) *gormx.DB {
	t.Helper()
	db, err := s.schemas.Open(t.Context(), city)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// denied says whether a statement fails for want of privilege. It runs on a
// plain connection, so that a refusal is not logged.
func denied(t *testing.T, conn *pgx.Conn, statement string) bool {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context()) //nolint:errcheck // nothing may stay
	_, err = tx.Exec(t.Context(), statement)
	var p *pgconn.PgError
	return errors.As(err, &p) && p.Code == "42501"
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// foreign lists every table, view and sequence outside a schema that is not
// the server's own, as "schema.name", with its kind.
func foreign(t *testing.T, conn *pgx.Conn, own string) map[string]string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind::text
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname <> $1
		  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_t%'`, own)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			t.Fatal(err)
		}
		out[name] = kind
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// attempts are the ways to read or change a relation.
func attempts(name, kind string) []string {
	if kind == "S" {
		return []string{"SELECT last_value FROM " + name, "SELECT nextval('" + name + "')", "SELECT setval('" + name + "', 1)"}
	}
	list := []string{"SELECT count(*) FROM " + name, "SELECT * FROM " + name + " LIMIT 1", "DELETE FROM " + name, "INSERT INTO " + name + " DEFAULT VALUES"}
	if kind == "r" {
		list = append(list, "TRUNCATE "+name+" CASCADE", "DROP TABLE "+name+" CASCADE", "ALTER TABLE "+name+" ADD COLUMN x TEXT",
			"LOCK TABLE "+name, "COPY "+name+" TO STDOUT")
	}
	return list
}

func TestNobodyReachesATableOfAnother(t *testing.T) {
	s := prepare(t)
	wuhai, err := s.schemas.DSN(t.Context(), s.wuhai)
	if err != nil {
		t.Fatal(err)
	}
	jiayuguan, err := s.schemas.DSN(t.Context(), s.jiayuguan)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, dsn, own string }{
		{"one city", wuhai, s.wuhai.Schema()},
		{"the other city", jiayuguan, s.jiayuguan.Schema()},
		{"the province", s.platform, "province"},
		{"the provisioner", s.provisioner, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := connect(t, tt.dsn)
			schemas := map[string]bool{}
			relations := foreign(t, conn, tt.own)
			for name, kind := range relations {
				schemas[name[:strings.Index(name, ".")]] = true
				for _, statement := range attempts(name, kind) {
					if !denied(t, conn, statement) {
						t.Errorf("not refused: %s", statement)
					}
				}
			}
			if len(relations) < 50 || len(schemas) < 2 {
				t.Errorf("only %d relations in %v were tried", len(relations), schemas)
			}
		})
	}
}

func TestACityCannotBecomeAnotherOrLeaveItsSchema(t *testing.T) {
	s := prepare(t)
	dsn, err := s.schemas.DSN(t.Context(), s.wuhai)
	if err != nil {
		t.Fatal(err)
	}
	conn := connect(t, dsn)
	var admin string
	if err := conn.QueryRow(t.Context(), "SELECT rolname FROM pg_roles WHERE rolsuper LIMIT 1").Scan(&admin); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"SET ROLE " + s.jiayuguan.Schema(), "SET ROLE " + postgres.PlatformRole, "SET ROLE " + postgres.ProvisionerRole, "SET ROLE " + admin,
		"SET SESSION AUTHORIZATION " + s.jiayuguan.Schema(),
		"GRANT " + s.jiayuguan.Schema() + " TO " + s.wuhai.Schema(), "GRANT pg_read_all_data TO " + s.wuhai.Schema(),
		"ALTER ROLE " + s.jiayuguan.Schema() + " PASSWORD 'x'", "ALTER ROLE " + s.wuhai.Schema() + " BYPASSRLS",
		"CREATE ROLE spy", "CREATE SCHEMA spy", "CREATE TABLE public.spy (n BIGINT)", "CREATE TEMPORARY TABLE spy (n BIGINT)",
		"CREATE TABLE " + s.jiayuguan.Schema() + ".spy (n BIGINT)", "CREATE TABLE province.spy (n BIGINT)",
		"SELECT rolpassword FROM pg_authid", "SELECT pg_read_file('/etc/passwd')", "COPY cases TO PROGRAM 'cat'",
		"ALTER SCHEMA " + s.jiayuguan.Schema() + " RENAME TO mine", "DROP SCHEMA province CASCADE",
	} {
		if !denied(t, conn, statement) {
			t.Errorf("not refused: %s", statement)
		}
	}
}

func TestTheProvisionerCannotBecomeACity(t *testing.T) {
	s := prepare(t)
	conn := connect(t, s.provisioner)
	if !denied(t, conn, "SET ROLE "+s.wuhai.Schema()) {
		t.Error("the provisioner became a city")
	}
}

func TestPreparingAgainKeepsTheCityAndItsPassword(t *testing.T) {
	s := prepare(t)
	before, err := s.schemas.DSN(t.Context(), s.wuhai)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.schemas.Prepare(t.Context(), s.wuhai); err != nil {
		t.Fatal(err)
	}
	after, err := s.schemas.DSN(t.Context(), s.wuhai)
	if err != nil || after != before {
		t.Errorf("the password changed, %v", err)
	}
	var cases int
	if err := s.city(t, s.wuhai).Read.Raw("SELECT count(*) FROM cases").Scan(&cases).Error; err != nil || cases != 1 {
		t.Errorf("the city has %d cases, %v; want its one", cases, err)
	}
	for city, want := range map[tenant.ID]bool{s.wuhai: true, id(t, "130100"): false} {
		if got, err := s.schemas.Exists(t.Context(), city); err != nil || got != want {
			t.Errorf("%s exists: %v, %v; want %v", city, got, err, want)
		}
	}
	if _, err := s.schemas.Open(t.Context(), id(t, "130100")); !errors.Is(err, tenantdb.ErrNotBuilt) {
		t.Errorf("a city nobody built opened: %v", err)
	}
}

func TestALoginThatCouldReadACityIsNotServedWith(t *testing.T) {
	s := prepare(t)
	password := rand.Text()
	role := "tester_" + strings.ToLower(rand.Text())
	super(t, s.database, fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", role, password))
	t.Cleanup(func() { super(t, "postgres", "DROP ROLE "+role) })
	t.Cleanup(func() { super(t, s.database, "DROP OWNED BY "+role) })
	dsn := testdb.Server(t).DSN(role, password, s.database)
	group := "group_" + strings.ToLower(rand.Text())
	super(t, s.database, "CREATE ROLE "+group)
	t.Cleanup(func() { super(t, "postgres", "DROP ROLE "+group) })
	for _, tt := range []struct{ name, grant, revoke string }{
		{"one that bypasses row security", "ALTER ROLE %s BYPASSRLS", "ALTER ROLE %s NOBYPASSRLS"},
		{"one that makes roles", "ALTER ROLE %s CREATEROLE", "ALTER ROLE %s NOCREATEROLE"},
		{"a superuser", "ALTER ROLE %s SUPERUSER", "ALTER ROLE %s NOSUPERUSER"},
		{"a member of a city", "GRANT " + s.wuhai.Schema() + " TO %s", "REVOKE " + s.wuhai.Schema() + " FROM %s"},
		{"one that may use a city's schema", "GRANT USAGE ON SCHEMA " + s.jiayuguan.Schema() + " TO %s", "REVOKE USAGE ON SCHEMA " + s.jiayuguan.Schema() + " FROM %s"},
		{"one of everybody, whom a city let in", "GRANT USAGE ON SCHEMA " + s.jiayuguan.Schema() + " TO PUBLIC; COMMENT ON ROLE %s IS ''", "REVOKE USAGE ON SCHEMA " + s.jiayuguan.Schema() + " FROM PUBLIC; COMMENT ON ROLE %s IS ''"},
		{"one in a group that may use a city's schema", "GRANT " + group + " TO %s; GRANT USAGE ON SCHEMA " + s.jiayuguan.Schema() + " TO " + group, "REVOKE " + group + " FROM %s; REVOKE USAGE ON SCHEMA " + s.jiayuguan.Schema() + " FROM " + group},
		{"one in a group that is a member of a city", "GRANT " + group + " TO %s; GRANT " + s.wuhai.Schema() + " TO " + group, "REVOKE " + group + " FROM %s; REVOKE " + s.wuhai.Schema() + " FROM " + group},
	} {
		t.Run(tt.name, func(t *testing.T) {
			super(t, s.database, fmt.Sprintf(tt.grant, role))
			defer super(t, s.database, fmt.Sprintf(tt.revoke, role))
			if err := tenantdb.CheckRole(t.Context(), open(t, dsn), ""); !errors.Is(err, tenantdb.ErrPowerfulRole) {
				t.Errorf("got %v, want it refused", err)
			}
		})
	}
	if err := tenantdb.CheckRole(t.Context(), open(t, dsn), ""); err != nil {
		t.Errorf("a plain login is refused: %v", err)
	}
	if err := tenantdb.CheckRole(t.Context(), open(t, s.platform), ""); err != nil {
		t.Errorf("the platform's own login is refused: %v", err)
	}
	if err := tenantdb.CheckRole(t.Context(), open(t, s.provisioner), ""); !errors.Is(err, tenantdb.ErrPowerfulRole) {
		t.Errorf("serving as the provisioner: got %v, want it refused", err)
	}
	wuhai := s.city(t, s.wuhai)
	if err := tenantdb.CheckRole(t.Context(), wuhai, s.jiayuguan.Schema()); !errors.Is(err, tenantdb.ErrPowerfulRole) {
		t.Errorf("one city's login for another city: got %v, want it refused", err)
	}
}

func TestACityWhoseLoginWasWidenedDoesNotOpen(t *testing.T) {
	s := prepare(t)
	for _, schema := range []string{s.jiayuguan.Schema(), "province"} {
		super(t, s.database, "GRANT USAGE ON SCHEMA "+schema+" TO "+s.wuhai.Schema())
		if _, err := s.schemas.Open(t.Context(), s.wuhai); !errors.Is(err, tenantdb.ErrPowerfulRole) {
			t.Errorf("a login that may use %s: got %v, want it refused", schema, err)
		}
		super(t, s.database, "REVOKE USAGE ON SCHEMA "+schema+" FROM "+s.wuhai.Schema())
	}
}
