package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"
)

// Client is logged in to Vault and stays so. It is safe for concurrent use.
type Client struct {
	cfg    Config
	mounts Mounts
	api    *api.Client // without a token
	health health
	stop   context.CancelFunc
	done   chan struct{}

	login sync.Mutex // held while logging in, so that one does for all

	mu      sync.Mutex
	token   *token
	changed chan struct{} // closed when token is another
	pools   map[*Pool]struct{}
}

// token is one login's. What was got with it ends with it at the latest.
type token struct {
	id     string
	length time.Duration // of its lease when it was got; 0: it does not end

	mu  sync.Mutex
	end time.Time
}

func (t *token) until() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.end
}

func (t *token) extend(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = time.Now().Add(d)
}

// Open logs in; the error is ErrAway or ErrLogin. The client is to be closed.
func Open(ctx context.Context, cfg Config) (*Client, error) {
	cfg.Timeout, cfg.Retry = cmp.Or(cfg.Timeout, 5*time.Second), cmp.Or(cfg.Retry, 2*time.Second)
	c := &Client{cfg: cfg, mounts: cfg.Mounts.orDefault(), pools: map[*Pool]struct{}{}, changed: make(chan struct{}), done: make(chan struct{})}
	var err error
	if c.api, err = newAPI(cfg); err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	if err := c.logIn(ctx, nil); err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	keeping, stop := context.WithCancel(context.Background())
	c.stop = stop
	go c.keep(keeping)
	return c, nil
}

func newAPI(cfg Config) (*api.Client, error) {
	conf := api.DefaultConfig()
	if conf.Error != nil {
		return nil, conf.Error
	}
	// What the environment says of another Vault is not meant for this one.
	conf.Address, conf.AgentAddress, conf.Timeout, conf.MaxRetries = cfg.Address, "", cfg.Timeout, 0
	if cfg.CACert != "" {
		if err := conf.ConfigureTLS(&api.TLSConfig{CACert: cfg.CACert}); err != nil {
			return nil, err
		}
	}
	client, err := api.NewClient(conf)
	if err != nil {
		return nil, err
	}
	client.ClearToken()
	return client, nil
}

// Close revokes the token and with it every login that was got with it: pools
// are to be closed before.
func (c *Client) Close() error {
	c.stop()
	<-c.done
	if _, given := c.cfg.Login.(Token); given {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.cfg.Timeout)
	defer cancel()
	_, err := c.raw(ctx, c.current(), http.MethodPut, "auth/token/revoke-self", nil)
	if errors.Is(err, ErrAway) || errors.Is(err, errForbidden) {
		return nil // it ends by itself, or has
	}
	return err
}

func (c *Client) current() *token {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.token
}

// logIn gets another token unless somebody has since lost was looked at.
func (c *Client) logIn(ctx context.Context, lost *token) error {
	c.login.Lock()
	defer c.login.Unlock()
	if c.current() != lost {
		return nil
	}
	t, err := c.freshToken(ctx)
	if err != nil {
		c.health.count(func(n *Counters) { n.LoginsFailed++ })
		c.health.failed(err)
		return err
	}
	c.health.count(func(n *Counters) { n.Logins++ })
	c.health.well()
	c.mu.Lock()
	c.token = t
	close(c.changed)
	c.changed = make(chan struct{})
	c.mu.Unlock()
	return nil
}

func (c *Client) freshToken(ctx context.Context) (*token, error) {
	if given, ok := c.cfg.Login.(Token); ok {
		return &token{id: string(given)}, nil
	}
	path, body, err := c.cfg.Login.request()
	if err != nil {
		return nil, err
	}
	secret, err := c.raw(ctx, &token{}, http.MethodPut, path, body)
	if errors.Is(err, ErrAway) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLogin, err)
	}
	if secret == nil || secret.Auth == nil {
		return nil, fmt.Errorf("%w: the answer has no token", ErrLogin)
	}
	t := &token{id: secret.Auth.ClientToken, length: time.Duration(secret.Auth.LeaseDuration) * time.Second}
	t.extend(t.length)
	return t, nil
}

// errForbidden is Vault's answer to a token that it does not know, and to one
// that may not do what was asked.
var errForbidden = errors.New("forbidden")

// errRequest is Vault's answer to a request that it understood and refuses.
var errRequest = errors.New("refused")

// call asks Vault under the present token, once more when that was lost. A
// missing path is nil and no error.
func (c *Client) call(ctx context.Context, method, path string, body map[string]any) (*api.Secret, error) {
	secret, _, err := c.callAs(ctx, method, path, body)
	return secret, err
}

// callAs is call, and says which token it was asked under.
func (c *Client) callAs(ctx context.Context, method, path string, body map[string]any) (*api.Secret, *token, error) {
	t := c.current()
	secret, err := c.raw(ctx, t, method, path, body)
	if errors.Is(err, errForbidden) && c.unknown(ctx, t) {
		if err := c.lost(ctx, t); err != nil {
			return nil, nil, err
		}
		t = c.current()
		secret, err = c.raw(ctx, t, method, path, body)
	}
	if errors.Is(err, ErrAway) {
		c.health.failed(err)
		return nil, nil, err
	}
	c.health.well()
	if errors.Is(err, errForbidden) {
		return nil, nil, fmt.Errorf("%w: %w", ErrDenied.With(path), err)
	}
	return secret, t, err
}

// unknown tells a token that is lost from one that may not do what was asked.
func (c *Client) unknown(ctx context.Context, t *token) bool {
	_, err := c.raw(ctx, t, http.MethodGet, "auth/token/lookup-self", nil)
	return errors.Is(err, errForbidden)
}

// lost logs in anew after a token that Vault no longer knows.
func (c *Client) lost(ctx context.Context, t *token) error {
	if c.current() == t {
		c.health.count(func(n *Counters) { n.TokensLost++ })
	}
	return c.logIn(ctx, t)
}

// raw asks Vault once.
func (c *Client) raw(ctx context.Context, t *token, method, path string, body map[string]any) (*api.Secret, error) {
	client, err := c.api.Clone()
	if err != nil {
		return nil, err
	}
	client.SetToken(t.id)
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	var secret *api.Secret
	switch method {
	case http.MethodGet:
		secret, err = client.Logical().ReadWithContext(ctx, path)
	case http.MethodDelete:
		secret, err = client.Logical().DeleteWithContext(ctx, path)
	default:
		secret, err = client.Logical().WriteWithContext(ctx, path, body)
	}
	return secret, classified(err)
}

// classified turns the client's error into one of ours.
func classified(err error) error {
	if err == nil {
		return nil
	}
	var answer *api.ResponseError
	if !errors.As(err, &answer) {
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	said := strings.Join(answer.Errors, "; ")
	switch code := answer.StatusCode; {
	case code == http.StatusForbidden:
		return fmt.Errorf("%w: %s", errForbidden, said)
	case strings.Contains(said, "past the max TTL"): // a refusal, for all that Vault calls it an error of its own
		return fmt.Errorf("%w: %d %s", errRequest, code, said)
	case code >= http.StatusInternalServerError, code == http.StatusTooManyRequests, code == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %d %s", ErrAway, code, said)
	default:
		return fmt.Errorf("%w: %d %s", errRequest, code, said)
	}
}
