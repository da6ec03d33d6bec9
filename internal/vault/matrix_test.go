package vault_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/internal/vault"
)

// forever is longer than any test.
const forever = time.Hour

func TestNoRequestFailsWhileLeasesAndTokensComeAndGo(t *testing.T) {
	for _, c := range []struct {
		name      string
		ttl, most time.Duration
		lives     times
		seen      func(n vault.Counters) bool
	}{
		{"a lease is renewed before it ends", 2 * time.Second, forever, times{forever, forever},
			func(n vault.Counters) bool { return n.LeaseRenewals >= 3 && n.Leases == 1 }},
		{"a lease at the end of its lifetime has a successor", 2 * time.Second, 4 * time.Second, times{forever, forever},
			func(n vault.Counters) bool { return n.Leases >= 3 && n.LeaseRenewals >= 2 && n.Drained >= 2 }},
		{"a token is renewed before it ends", forever, forever, times{2 * time.Second, forever},
			func(n vault.Counters) bool { return n.TokenRenewals >= 3 && n.Logins == 1 }},
		{"a token at the end of its lifetime has a successor, and so has what was got with it", forever, forever, times{2 * time.Second, 4 * time.Second},
			func(n vault.Counters) bool { return n.Logins >= 3 && n.Leases >= 3 && n.Drained >= 2 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, sharedVault(t), c.lives)
			role := w.schema(t, "a", c.ttl, c.most)
			client := w.open(t, w.login[vault.Serve])
			requests := drive(t, w.database(t, client, role))
			eventually(t, c.name, func() bool { return c.seen(client.Status().Counters) })
			requests.end()
			requests.none(t)
			s := client.Status()
			if s.State != vault.Ready || s.Counters.LeasesEnded+s.Counters.LeasesLost+s.Counters.TokensLost+s.Counters.Refused+s.Counters.Outages > 0 {
				t.Errorf("got %+v, want it ready and nothing lost", s)
			}
			eventually(t, "logins that have successors go", func() bool { return logins(t, role) <= 2 })
		})
	}
}

func TestATokenThatIsRevokedIsReplacedWithoutAFailedRequest(t *testing.T) {
	w := newWorld(t, sharedVault(t), times{forever, forever})
	role := w.schema(t, "a", forever, forever)
	client := w.open(t, w.login[vault.Serve])
	requests := drive(t, w.database(t, client, role))
	eventually(t, "requests are made for longer than a login is new", func() bool { n, _ := requests.soFar(); return n > 200 })
	if _, err := w.root.Logical().Write("sys/leases/revoke-prefix/auth/approle/login", map[string]any{"sync": true}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the loss is noticed", func() bool {
		n := client.Status().Counters
		return n.TokensLost == 1 && n.Logins == 2 && n.LeasesLost == 1 && n.Leases == 2 && n.Drained >= 1
	})
	before, _ := requests.soFar()
	eventually(t, "requests go on", func() bool { n, _ := requests.soFar(); return n > before+100 })
	requests.end()
	requests.none(t)
	if s := client.Status(); s.State != vault.Ready {
		t.Errorf("got %+v, want it ready", s)
	}
}

// away is how Vault goes away and comes back.
type away struct {
	name string
	set  func(t *testing.T, w *world) (leave, back func())
	vlt  func(t *testing.T) *world
}

func waysToGo() []away {
	return []away{
		{"it is sealed", func(t *testing.T, w *world) (func(), func()) {
			leave := func() {
				if err := w.root.Sys().Seal(); err != nil {
					t.Error(err)
				}
			}
			back := func() {
				if _, err := w.root.Sys().Unseal(w.server.UnsealKeys[0]); err != nil {
					t.Error(err)
				}
			}
			return leave, back
		}, func(t *testing.T) *world { return newWorld(t, ownVault(t), times{forever, forever}) }},
		{"it can't be reached", func(t *testing.T, w *world) (func(), func()) {
			g := w.gated(t)
			return func() { g.set(true) }, func() { g.set(false) }
		}, func(t *testing.T) *world { return newWorld(t, sharedVault(t), times{forever, forever}) }},
	}
}

func TestWhileVaultIsAwayLoginsGoOnUntilTheirLeaseEndsAndNoLonger(t *testing.T) {
	for _, c := range waysToGo() {
		t.Run(c.name, func(t *testing.T) {
			w := c.vlt(t)
			leave, back := c.set(t, w)
			role := w.schema(t, "a", 4*time.Second, forever)
			client := w.open(t, w.login[vault.Serve])
			db := w.database(t, client, role)
			requests := drive(t, db)
			eventually(t, "the lease is renewed", func() bool { return client.Status().Counters.LeaseRenewals > 0 })

			leave()
			eventually(t, "it says that Vault is away", func() bool { return client.Status().State == vault.Degraded })
			s := client.Status()
			if until := time.Until(s.Until); s.Counters.Outages != 1 || s.Since.IsZero() || s.Cause == "" || until <= 0 || until > 4*time.Second {
				t.Errorf("got %+v, want an outage, its cause and the end of the lease", s)
			}
			requests.none(t)
			back()
			eventually(t, "it says that Vault is back", func() bool { return client.Status().State == vault.Ready })
			requests.none(t)

			leave()
			eventually(t, "the lease ends", func() bool { return client.Status().State == vault.Closed })
			ended := client.Status().Pools[0].Until
			for range 20 {
				err := work(db)
				if !errors.Is(err, vault.ErrLeaseEnded) || errs.KindOf(err) != errs.Unavailable {
					t.Errorf("after the lease got %v, want ErrLeaseEnded", err)
				}
			}
			eventually(t, "the end is counted", func() bool {
				n := client.Status().Counters
				return n.LeasesEnded == 1 && n.Outages == 2 && n.Refused >= 20
			})
			_, failed := requests.soFar()
			for _, f := range failed {
				if f.at.Before(ended) {
					t.Errorf("%v before its lease ended a request failed: %v", ended.Sub(f.at), f.err)
				}
			}

			back()
			eventually(t, "requests are served again", func() bool { return work(db) == nil })
			eventually(t, "it is ready again", func() bool { return client.Status().State == vault.Ready })
		})
	}
}

func TestASuspendedRoleIsCutOffAndItsNeighbourIsNot(t *testing.T) {
	w := newWorld(t, sharedVault(t), times{forever, forever})
	role, neighbour := w.schema(t, "a", forever, forever), w.schema(t, "b", forever, forever)
	client := w.open(t, w.login[vault.Serve])
	db, other := w.database(t, client, role), w.database(t, client, neighbour)
	requests := drive(t, other)
	open, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	if err := open.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	provision := w.open(t, w.login[vault.Provision])
	for range 2 {
		if err := provision.DropRole(t.Context(), role); err != nil {
			t.Fatal(err)
		}
	}
	if err := open.PingContext(t.Context()); err == nil {
		t.Error("a connection outlived the suspension")
	}
	if n := logins(t, role); n != 0 {
		t.Errorf("%d logins are left, want none", n)
	}
	eventually(t, "new connections are refused", func() bool {
		err := work(db)
		return errors.Is(err, vault.ErrLeaseEnded) && errors.Is(err, vault.ErrNoRole)
	})
	s := client.Status()
	if s.State != vault.Closed || s.Pools[0].Role != role || s.Pools[0].State != vault.Closed || s.Pools[1].State != vault.Ready || s.Counters.LeasesLost != 1 {
		t.Errorf("got %+v, want the one closed and its neighbour ready", s)
	}
	w.putRole(t, role, forever, forever)
	eventually(t, "it is served again", func() bool { return work(db) == nil })
	requests.end()
	requests.none(t)
}

func TestRevokedLoginsAreCutOffAndWhoMayHasOthersAtOnce(t *testing.T) {
	w := newWorld(t, sharedVault(t), times{forever, forever})
	role := w.schema(t, "a", forever, forever)
	client := w.open(t, w.login[vault.Serve])
	db := w.database(t, client, role)
	open, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	if err := open.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	provision := w.open(t, w.login[vault.Provision])
	if err := provision.Revoke(t.Context(), role); err != nil {
		t.Fatal(err)
	}
	if err := open.PingContext(t.Context()); err == nil {
		t.Error("a connection outlived the revocation")
	}
	eventually(t, "it is served under another login", func() bool { return work(db) == nil })
	if n := client.Status().Counters; n.LeasesLost != 1 || n.Leases != 2 || n.TokensLost != 0 {
		t.Errorf("got %+v, want one login lost and another got", n)
	}
	if err := provision.Revoke(t.Context(), w.names.Roles+"missing"); !errors.Is(err, vault.ErrNoRole) {
		t.Errorf("a role that is not there: got %v, want ErrNoRole", err)
	}
}

func TestALoginActsAsItsRoleOnlyAndWhatItMakesBelongsToThat(t *testing.T) {
	w := newWorld(t, sharedVault(t), times{forever, forever})
	role, neighbour := w.schema(t, "a", forever, forever), w.schema(t, "b", forever, forever)
	db := w.database(t, w.open(t, w.login[vault.Serve]), role)
	ctx := t.Context()
	var session, acting, path, timeout, owner string
	if _, err := db.ExecContext(ctx, "CREATE TABLE made (n BIGINT)"); err != nil {
		t.Fatal(err)
	}
	err := db.QueryRowContext(ctx, `SELECT session_user, current_user, current_setting('search_path'), current_setting('statement_timeout'),
		(SELECT tableowner FROM pg_tables WHERE tablename = 'made' AND schemaname = $1)`, role).Scan(&session, &acting, &path, &timeout, &owner)
	if err != nil || session == role || acting != role || path != role || timeout != "10s" || owner != role {
		t.Errorf("got %s acting as %s in %s for %s, owner %s, %v; want %s and its settings", session, acting, path, timeout, owner, err, role)
	}
	for _, statement := range []string{
		"SELECT * FROM " + neighbour + ".things", "CREATE TABLE " + neighbour + ".made (n BIGINT)", "SET ROLE " + neighbour,
		"CREATE ROLE another", "CREATE SCHEMA another", "CREATE TABLE public.made (n BIGINT)",
	} {
		if _, err := db.ExecContext(ctx, statement); err == nil {
			t.Errorf("%s was done, want it refused", statement)
		}
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "SET ROLE NONE"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(ctx, "SELECT * FROM "+role+".things"); err == nil {
		t.Error("the login inherits what its role may do, want it to act as the role only")
	}
}

func TestALoginIsGivenBackWhenItsDatabaseIsClosed(t *testing.T) {
	w := newWorld(t, sharedVault(t), times{forever, forever})
	role := w.schema(t, "a", forever, forever)
	client := w.open(t, w.login[vault.Serve])
	p, err := client.Pool(t.Context(), testDSN(t), role)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(p)
	if err := work(db); err != nil || logins(t, role) != 1 {
		t.Fatalf("%v, %d logins; want one", err, logins(t, role))
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if s := client.Status(); logins(t, role) != 0 || s.Counters.LeasesRevoked != 1 || len(s.Pools) != 0 {
		t.Errorf("%d logins are left and the status is %+v, want it given back", logins(t, role), s)
	}
	if _, err := client.Pool(t.Context(), testDSN(t), w.names.Roles+"missing"); !errors.Is(err, vault.ErrNoRole) {
		t.Errorf("a role that is not there: got %v, want ErrNoRole", err)
	}
}

func TestALoginThatVaultRefusesIsSaidSo(t *testing.T) {
	w := newWorld(t, sharedVault(t), times{forever, forever})
	wrong := w.login[vault.Serve]
	wrong.RoleID = "another"
	for _, c := range []struct {
		name, address string
		login         vault.Login
		want          error
	}{
		{"another role", w.address, wrong, vault.ErrLogin},
		{"no secret ID", w.address, vault.AppRole{RoleID: "x", SecretIDFile: "/nonexistent"}, vault.ErrLogin},
		{"no Vault", "http://127.0.0.1:1", w.login[vault.Serve], vault.ErrAway},
	} {
		c1, err := vault.Open(context.Background(), vault.Config{Address: c.address, Mounts: w.mounts, Login: c.login})
		if err == nil {
			_ = c1.Close()
		}
		if !errors.Is(err, c.want) || errs.KindOf(err) != errs.Unavailable {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}
