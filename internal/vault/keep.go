package vault

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"
)

// due is when a lease of a length is to be renewed that was got now: at two
// thirds of it, or up to a tenth of it earlier, so that many that were got
// together are not renewed together.
func due(length time.Duration) time.Duration {
	return length*2/3 - time.Duration(rand.Float64()*float64(length)/10) //nolint:gosec // nobody gains by guessing it
}

// soon is how long to wait before trying again: around retry, never so long
// that a lease that is left could end unnoticed.
func soon(retry, left time.Duration) time.Duration {
	wait := retry/2 + time.Duration(rand.Float64()*float64(retry)) //nolint:gosec // as above
	if left > 0 {
		wait = min(wait, max(left/4, 50*time.Millisecond))
	}
	return wait
}

// whole tells whether a renewal gave back most of a lease's length. Near its
// maximum lifetime it gives less, and it is time for another.
func whole(granted, length time.Duration) bool { return granted >= length*2/3 }

// keep renews the token until ctx ends.
func (c *Client) keep(ctx context.Context) {
	defer close(c.done)
	t := c.current()
	wait := due(t.length)
	for {
		if t.length == 0 { // it does not end
			wait = 24 * time.Hour
		}
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-time.After(wait):
		}
		if now := c.current(); now != t {
			t, wait = now, due(now.length)
			continue
		}
		if t.length == 0 {
			continue
		}
		if err := c.renew(ctx, t); err != nil {
			wait = soon(c.cfg.Retry, time.Until(t.until()))
			continue
		}
		if now := c.current(); now != t {
			t = now
		}
		wait = due(time.Until(t.until()))
	}
}

// renew gives the token more time, or gets another when it has no more to get.
func (c *Client) renew(ctx context.Context, t *token) error {
	secret, err := c.raw(ctx, t, http.MethodPut, "auth/token/renew-self", nil)
	switch {
	case errors.Is(err, errForbidden):
		return c.lost(ctx, t)
	case errors.Is(err, errRequest): // it may not be renewed
		return c.logIn(ctx, t)
	case err != nil:
		c.health.failed(err)
		return err
	}
	granted := time.Duration(secret.Auth.LeaseDuration) * time.Second
	t.extend(granted)
	c.health.count(func(n *Counters) { n.TokenRenewals++ })
	c.health.well()
	if !whole(granted, t.length) {
		return c.logIn(ctx, t)
	}
	return nil
}
