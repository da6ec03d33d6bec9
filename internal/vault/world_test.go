package vault_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/jackc/pgx/v5"

	"wangge/internal/testdb"
	"wangge/internal/vault"
	"wangge/internal/vaultserver"
)

// shared is the Vault of this process, which ends with it. A test that seals
// has one of its own.
var shared = sync.OnceValues(func() (*vaultserver.Server, error) { return vaultserver.Start(context.Background()) })

// world is a Vault that is set up for one test, and a PostgreSQL.
type world struct {
	server  *vaultserver.Server
	root    *api.Client // knows no limit
	mounts  vault.Mounts
	names   vault.Names
	login   map[vault.Use]vault.AppRole
	address string // what clients are told: the server's, unless it is behind a gate
}

// times are those of the world's tokens.
type times struct{ token, tokenMax time.Duration }

func sharedVault(t *testing.T) *vaultserver.Server {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ownVault is a Vault that only this test has.
func ownVault(t *testing.T) *vaultserver.Server {
	t.Helper()
	s, err := vaultserver.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newWorld(t *testing.T, s *vaultserver.Server, lives times) *world {
	t.Helper()
	return newWorldOf(t, s, "city/", lives)
}

// newWorldOf is a world whose logins may use the scopes that begin so.
func newWorldOf(t *testing.T, s *vaultserver.Server, scopes string, lives times) *world {
	t.Helper()
	own := strings.ToLower(rand.Text()[:8])
	w := &world{
		server: s, address: s.Address, login: map[vault.Use]vault.AppRole{},
		mounts: vault.Mounts{KV: "kv-" + own, Transit: "transit-" + own, Database: "database-" + own},
		names:  vault.Names{Scopes: scopes, Roles: "own_" + own},
	}
	conf := api.DefaultConfig()
	conf.Address = s.Address
	root, err := api.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	root.SetToken(s.RootToken)
	w.root = root
	operator := w.open(t, vault.Token(s.RootToken))
	made, err := operator.Install(t.Context(), vault.Setup{
		Names: w.names, Prefix: own + "-", Servers: map[string]string{"main": w.maker(t, own)},
		TokenTTL: lives.token, TokenMax: lives.tokenMax,
	})
	if err != nil {
		t.Fatal(err)
	}
	for use, credential := range made {
		file := filepath.Join(t.TempDir(), string(use))
		if err := os.WriteFile(file, []byte(credential.SecretID+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.login[use] = vault.AppRole{RoleID: credential.RoleID, SecretIDFile: file}
	}
	return w
}

// open logs in; the client is closed when the test ends.
func (w *world) open(t *testing.T, login vault.Login) *vault.Client {
	t.Helper()
	c, err := vault.Open(t.Context(), vault.Config{
		Address: w.address, Mounts: w.mounts, Login: login, Timeout: 3 * time.Second, Retry: 200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// maker makes the login under which Vault makes others: it may make roles and
// is no superuser.
func (w *world) maker(t *testing.T, own string) (dsn string) {
	t.Helper()
	name := "maker_" + own
	admin(t, fmt.Sprintf(`CREATE ROLE %s LOGIN CREATEROLE NOINHERIT PASSWORD 'maker'`, name))
	t.Cleanup(func() { admin(t, "DROP OWNED BY "+name+" CASCADE; DROP ROLE "+name) })
	return testdb.Server(t).DSN(name, "maker", "postgres")
}

// schema makes a schema with a role that owns it, and a Vault role for it.
func (w *world) schema(t *testing.T, suffix string, ttl, most time.Duration) (name string) {
	t.Helper()
	name = w.names.Roles + suffix
	maker := "maker_" + strings.TrimPrefix(w.names.Roles, "own_")
	admin(t, fmt.Sprintf(`CREATE ROLE %[1]s NOLOGIN NOINHERIT; GRANT %[1]s TO %[2]s WITH ADMIN OPTION;
		CREATE SCHEMA %[1]s AUTHORIZATION %[1]s; CREATE TABLE %[1]s.things (n BIGINT); ALTER TABLE %[1]s.things OWNER TO %[1]s`, name, maker))
	t.Cleanup(func() {
		// Sessions under logins that a test left end before what they may use goes.
		admin(t, fmt.Sprintf(`DO $$ DECLARE r record; BEGIN
			FOR r IN SELECT m.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles o ON o.oid = a.roleid
				WHERE o.rolname = '%[1]s' AND m.rolname LIKE 'v-%%' LOOP EXECUTE format('DROP ROLE %%I', r.rolname); END LOOP; END $$;
			SET lock_timeout = '20s'; DROP OWNED BY %[1]s CASCADE; DROP ROLE %[1]s`, name))
	})
	w.putRole(t, name, ttl, most)
	return name
}

func (w *world) putRole(t *testing.T, name string, ttl, most time.Duration) {
	t.Helper()
	err := w.open(t, w.login[vault.Provision]).PutRole(t.Context(), vault.Role{
		Name: name, Connection: "main", Member: name, Limit: 16, TTL: ttl, MaxTTL: most,
		Settings: []string{"search_path = " + name, "statement_timeout = '10s'"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// database opens a database under a role's login. Few idle connections are kept,
// so that new ones are made all the time.
func (w *world) database(t *testing.T, c *vault.Client, role string) *sql.DB {
	t.Helper()
	p, err := c.Pool(t.Context(), testdb.Server(t).DSN("", "", "postgres"), role)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(p)
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// admin runs statements as PostgreSQL's superuser.
func admin(t testing.TB, statements string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, testdb.Server(t).AdminDSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statements); err != nil {
		t.Fatal(err)
	}
}

// logins counts the logins that there are for a role in PostgreSQL.
func logins(t testing.TB, role string) (n int) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, testdb.Server(t).AdminDSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, `SELECT count(*) FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member
		WHERE a.roleid = $1::regrole AND m.rolname LIKE 'v-%'`, role).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(90 * time.Second); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it did not come to be that %s", what)
		}
	}
}

// load is a row of requests that never stops.
type load struct {
	mu     sync.Mutex
	done   int
	failed []failure
	stop   context.CancelFunc
	all    sync.WaitGroup
}

type failure struct {
	at  time.Time
	err error
}

// drive begins to query a database from several sides; it ends with the test.
func drive(t *testing.T, db *sql.DB) *load {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	l := &load{stop: stop}
	for range 4 {
		l.all.Go(func() {
			for ctx.Err() == nil {
				l.note(work(db))
				time.Sleep(2 * time.Millisecond) // a pace, not a wait
			}
		})
	}
	t.Cleanup(l.end)
	return l
}

// work writes and reads in one transaction and beside it.
func work(db *sql.DB) error {
	ctx := context.Background()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO things VALUES (1)"); err != nil {
		_ = tx.Rollback()
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	var n int
	return db.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT FROM things LIMIT 100) few").Scan(&n)
}

func (l *load) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done++
	if err != nil {
		l.failed = append(l.failed, failure{time.Now(), err})
	}
}

// so far returns how many were done and which failed.
func (l *load) soFar() (int, []failure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done, l.failed
}

func (l *load) end() {
	l.stop()
	l.all.Wait()
}

// none fails the test when a request failed.
func (l *load) none(t *testing.T) {
	t.Helper()
	done, failed := l.soFar()
	if len(failed) > 0 {
		t.Errorf("%d of %d requests failed, the first with %v", len(failed), done, failed[0].err)
	}
	if done == 0 {
		t.Error("no request was made")
	}
	t.Logf("%d requests, %d failed", done, len(failed))
}

// gate is a way to a server that can be shut.
type gate struct {
	listener net.Listener
	target   string

	mu   sync.Mutex
	shut bool
	open map[net.Conn]struct{}
}

// gated puts a gate before the world's Vault.
func (w *world) gated(t *testing.T) *gate {
	t.Helper()
	at, err := url.Parse(w.server.Address)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{listener: listener, target: at.Host, open: map[net.Conn]struct{}{}}
	w.address = "http://" + listener.Addr().String()
	go g.serve()
	t.Cleanup(func() {
		_ = listener.Close()
		g.set(true)
	})
	return g
}

func (g *gate) serve() {
	for {
		conn, err := g.listener.Accept()
		if err != nil {
			return
		}
		go g.pass(conn)
	}
}

func (g *gate) pass(from net.Conn) {
	defer from.Close()
	to, err := net.Dial("tcp", g.target)
	if err != nil {
		return
	}
	defer to.Close()
	g.mu.Lock()
	if g.shut {
		g.mu.Unlock()
		return
	}
	g.open[from], g.open[to] = struct{}{}, struct{}{}
	g.mu.Unlock()
	go func() {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	}()
	_, _ = io.Copy(from, to)
	g.mu.Lock()
	delete(g.open, from)
	delete(g.open, to)
	g.mu.Unlock()
}

// set shuts the gate, cutting what goes through it, or opens it.
func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut = shut; shut {
		for conn := range g.open {
			_ = conn.Close()
		}
	}
}

func testDSN(t *testing.T) string { t.Helper(); return testdb.Server(t).DSN("", "", "postgres") }

func raw(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func decoded(t *testing.T, text string) string {
	t.Helper()
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}
