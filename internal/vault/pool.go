package vault

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// Pool connects to a PostgreSQL database under a login that Vault makes for a
// role. It is what sql.OpenDB takes. A login is renewed at two thirds of its
// lease; near its maximum lifetime, or when its token is another, it gets a
// successor: new connections use that, and those under the old one are closed
// when they are next free, so no query is cut off. Closing the sql.DB gives the
// login back.
type Pool struct {
	client *Client
	role   string
	server pgx.ConnConfig // without a login
	stop   context.CancelFunc
	done   chan struct{}

	fetch sync.Mutex // held while a successor is got

	mu     sync.Mutex
	lease  *lease
	woken  chan struct{} // closed when the lease is another, or lost
	failed time.Time     // when no successor could be got
	cause  error         // why
}

// lease is one login.
type lease struct {
	driver.Connector

	id        string
	renewable bool
	length    time.Duration
	token     *token // with which it ends at the latest
	got       time.Time
	end       time.Time // guarded by Pool.mu
	noticed   bool      // that it ended, also guarded
}

// Pool gets a login for the role and returns the pool of the database that dsn
// names; a login in dsn is not used. The error is ErrNoRole, ErrDenied or
// ErrAway.
func (c *Client) Pool(ctx context.Context, dsn, role string) (*Pool, error) {
	server, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the PostgreSQL connection string can't be read") // never print it: it may hold a password
	}
	p := &Pool{client: c, role: role, server: *server, woken: make(chan struct{}), done: make(chan struct{})}
	if _, err := p.successor(ctx, nil); err != nil {
		return nil, err
	}
	keeping, stop := context.WithCancel(context.Background())
	p.stop = stop
	c.mu.Lock()
	c.pools[p] = struct{}{}
	c.mu.Unlock()
	go p.keep(keeping)
	return p, nil
}

// Connect implements driver.Connector. When the login has ended and Vault gives
// no other, the error is ErrLeaseEnded.
func (p *Pool) Connect(ctx context.Context) (driver.Conn, error) {
	l := p.current()
	if p.ended(l) {
		next, err := p.successor(ctx, l)
		if err != nil {
			return nil, p.refused(err)
		}
		l = next
	}
	conn, err := l.Connect(ctx)
	if !unknownLogin(err) || time.Since(l.got) < p.client.cfg.Retry {
		return conn, err
	}
	// It went with the token that it was got with, or was revoked.
	p.lose(l)
	next, err := p.successor(ctx, l)
	if err != nil {
		return nil, p.refused(err)
	}
	return next.Connect(ctx)
}

// Driver implements driver.Connector.
func (*Pool) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

// Close gives the login back; sql.DB calls it when it is closed.
func (p *Pool) Close() error {
	p.stop()
	<-p.done
	p.client.mu.Lock()
	delete(p.client.pools, p)
	p.client.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), p.client.cfg.Timeout)
	defer cancel()
	return p.revoke(ctx, p.current())
}

// revoke gives a login back. One that can't be given back now ends by itself.
func (p *Pool) revoke(ctx context.Context, l *lease) error {
	_, err := p.client.call(ctx, http.MethodPut, "sys/leases/revoke", map[string]any{"lease_id": l.id, "sync": true})
	if err == nil {
		p.client.health.count(func(n *Counters) { n.LeasesRevoked++ })
	}
	if errors.Is(err, ErrAway) || errors.Is(err, errRequest) {
		return nil
	}
	return err
}

func (p *Pool) current() *lease {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lease
}

// until is when a lease ends: p.mu is held.
func (l *lease) until() time.Time {
	if t := l.token.until(); l.token.length > 0 && t.Before(l.end) {
		return t
	}
	return l.end
}

func (p *Pool) ended(l *lease) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !time.Now().Before(l.until())
}

// lose notes that the database does not know a login any more.
func (p *Pool) lose(l *lease) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lease == l && time.Now().Before(l.until()) {
		l.end = time.Now()
		p.wake()
		p.client.health.count(func(n *Counters) { n.LeasesLost++ })
	}
}

func (p *Pool) refused(err error) error {
	p.client.health.count(func(n *Counters) { n.Refused++ })
	return fmt.Errorf("%w: %w", ErrLeaseEnded.With(p.role), err)
}

// errHalfGone is a login that was taken away while it connected: the database let
// it in and no longer knew what it was to act as.
var errHalfGone = errors.New("the login was taken away while it connected")

// acting refuses a connection that does not act as the role it is for.
func acting(ctx context.Context, conn *pgx.Conn) error {
	var acts bool
	if err := conn.QueryRow(ctx, "SELECT current_user <> session_user").Scan(&acts); err != nil || !acts {
		return errors.Join(errHalfGone, err)
	}
	return nil
}

// unknownLogin tells whether a database refused a name or its password, or let
// it in as it went.
func unknownLogin(err error) bool {
	var answer *pgconn.PgError
	return errors.Is(err, errHalfGone) || errors.As(err, &answer) && (answer.Code == "28P01" || answer.Code == "28000")
}

// successor gets another login unless somebody has since old was looked at.
// While Vault is away it is asked once in a while only, so that requests are
// refused at once.
func (p *Pool) successor(ctx context.Context, old *lease) (*lease, error) {
	p.fetch.Lock()
	defer p.fetch.Unlock()
	p.mu.Lock()
	now, failed, cause := p.lease, p.failed, p.cause
	p.mu.Unlock()
	if now != old {
		return now, nil
	}
	if cause != nil && time.Since(failed) < p.client.cfg.Retry/2 {
		return nil, cause
	}
	next, err := p.fresh(context.WithoutCancel(ctx)) // others may wait for it
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cause = err; err != nil {
		p.failed = time.Now()
		return nil, err
	}
	p.lease = next
	p.wake()
	p.client.health.count(func(n *Counters) { n.Leases++ })
	return next, nil
}

// wake lets keep look again: p.mu is held.
func (p *Pool) wake() {
	close(p.woken)
	p.woken = make(chan struct{})
}

// fresh asks Vault for a login.
func (p *Pool) fresh(ctx context.Context) (*lease, error) {
	path := p.client.mounts.Database + "/creds/" + p.role
	secret, token, err := p.client.callAs(ctx, http.MethodGet, path, nil)
	if errors.Is(err, errRequest) || err == nil && secret == nil {
		return nil, errors.Join(ErrNoRole.With(p.role), err)
	}
	if err != nil {
		return nil, err
	}
	user, _ := secret.Data["username"].(string)
	password, _ := secret.Data["password"].(string)
	if user == "" || password == "" {
		return nil, ErrNoRole.With(p.role)
	}
	l := &lease{
		id: secret.LeaseID, renewable: secret.Renewable, got: time.Now(),
		length: time.Duration(secret.LeaseDuration) * time.Second, token: token,
	}
	l.end = l.got.Add(l.length)
	server := p.server
	server.User, server.Password = user, password
	l.Connector = stdlib.GetConnector(server, stdlib.OptionAfterConnect(acting),
		stdlib.OptionResetSession(func(context.Context, *pgx.Conn) error { return p.fit(l) }))
	return l, nil
}

// fit refuses to use a connection again whose login has a successor, or ended.
func (p *Pool) fit(l *lease) error {
	if p.current() == l && !p.ended(l) {
		return nil
	}
	p.client.health.count(func(n *Counters) { n.Drained++ })
	return driver.ErrBadConn
}

// keep renews or replaces the login until ctx ends.
func (p *Pool) keep(ctx context.Context) {
	defer close(p.done)
	l := p.current()
	wait := due(l.length)
	for {
		p.client.mu.Lock()
		token, changed := p.client.token, p.client.changed
		p.client.mu.Unlock()
		if token != l.token || p.ended(l) {
			wait, changed = min(wait, soon(p.client.cfg.Retry, p.left(l))), nil
		}
		p.mu.Lock()
		woken := p.woken
		p.mu.Unlock()
		if now := p.current(); now != l {
			l, wait = now, due(now.length)
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-woken:
			continue
		case <-changed:
			continue
		case <-time.After(wait):
		}
		if err := p.extend(ctx, l); err != nil {
			wait = soon(p.client.cfg.Retry, p.left(l))
			p.notice(l)
			continue
		}
		l = p.current()
		wait = due(p.granted(l))
	}
}

// granted is how long the login lasts by itself, however long its token does.
func (p *Pool) granted(l *lease) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(l.end)
}

func (p *Pool) left(l *lease) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(l.until())
}

// notice counts a login that ended, once.
func (p *Pool) notice(l *lease) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lease == l && !l.noticed && !time.Now().Before(l.until()) {
		l.noticed = true
		p.client.health.count(func(n *Counters) { n.LeasesEnded++ })
		slog.Error("a database login ended without a successor", "role", p.role, "err", p.cause)
	}
}

// extend gives the login more time, or a successor when it has no more to get.
func (p *Pool) extend(ctx context.Context, l *lease) error {
	if l.token != p.client.current() || !l.renewable || p.ended(l) {
		_, err := p.successor(ctx, l)
		return err
	}
	secret, err := p.client.call(ctx, http.MethodPut, "sys/leases/renew", map[string]any{"lease_id": l.id, "increment": int(l.length.Seconds())})
	switch {
	case errors.Is(err, errRequest): // it is gone, or may not be renewed
		_, err = p.successor(ctx, l)
		return err
	case err != nil:
		p.mu.Lock()
		p.cause = err
		p.mu.Unlock()
		return err
	}
	granted := time.Duration(secret.LeaseDuration) * time.Second
	p.mu.Lock()
	l.end, p.cause = time.Now().Add(granted), nil
	p.mu.Unlock()
	p.client.health.count(func(n *Counters) { n.LeaseRenewals++ })
	if !whole(granted, l.length) || l.token != p.client.current() {
		_, err = p.successor(ctx, l)
		return err
	}
	return nil
}

func (p *Pool) status(now time.Time) PoolStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := PoolStatus{Role: p.role, State: Ready, Until: p.lease.until()}
	if p.cause != nil {
		s.State, s.Cause = Degraded, p.cause.Error()
	}
	if !now.Before(s.Until) {
		s.State = Closed
	}
	return s
}
