package vault

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Counters count what happened since the client was opened.
type Counters struct {
	Logins        uint64 `json:"logins"`
	LoginsFailed  uint64 `json:"logins_failed"`
	TokenRenewals uint64 `json:"token_renewals"`
	TokensLost    uint64 `json:"tokens_lost"`    // Vault did not know it before its end
	Leases        uint64 `json:"leases"`         // database logins got
	LeaseRenewals uint64 `json:"lease_renewals"` // the same login, for longer
	LeasesLost    uint64 `json:"leases_lost"`    // the database did not know it before its end
	LeasesEnded   uint64 `json:"leases_ended"`   // it ended and no successor had come
	LeasesRevoked uint64 `json:"leases_revoked"` // given back
	Drained       uint64 `json:"drained"`        // connections closed because their login has a successor
	Refused       uint64 `json:"refused"`        // connections refused because their login has none
	Outages       uint64 `json:"outages"`        // from the first call that failed to the next that did not
	Wraps         uint64 `json:"wraps"`          // data keys wrapped by transit
	Unwraps       uint64 `json:"unwraps"`
}

// State is how things are with Vault.
type State string

// The states, from well to worse.
const (
	Ready    State = "ready"
	Degraded State = "degraded" // Vault is away or refuses; what is held goes on until Until
	Closed   State = "closed"   // a login has ended; what needs it is refused
)

// Status is what an operator is shown.
type Status struct {
	State    State        `json:"state"`
	Since    time.Time    `json:"since,omitzero"`  // when Vault went away
	Until    time.Time    `json:"until,omitzero"`  // when the first of the logins ends that are held
	Cause    string       `json:"cause,omitempty"` // why the last call failed
	Pools    []PoolStatus `json:"pools,omitempty"` // by role
	Counters Counters     `json:"counters"`
}

// PoolStatus is how things are with one database login.
type PoolStatus struct {
	Role  string    `json:"role"`
	State State     `json:"state"`
	Until time.Time `json:"until"` // when it ends unless it is renewed
	Cause string    `json:"cause,omitempty"`
}

// Status says how things are now; it asks nobody.
func (c *Client) Status() Status {
	now := time.Now()
	c.health.mu.Lock()
	s := Status{State: Ready, Since: c.health.since, Cause: c.health.cause, Counters: c.health.counters}
	c.health.mu.Unlock()
	t := c.current()
	if s.Until = t.until(); !s.Since.IsZero() {
		s.State = Degraded
		if t.length > 0 && now.After(s.Until) {
			s.State = Closed
		}
	}
	c.mu.Lock()
	for p := range c.pools {
		s.Pools = append(s.Pools, p.status(now))
	}
	c.mu.Unlock()
	slices.SortFunc(s.Pools, func(a, b PoolStatus) int { return strings.Compare(a.Role, b.Role) })
	for _, p := range s.Pools {
		if s.Until.IsZero() || p.Until.Before(s.Until) {
			s.Until = p.Until
		}
		if p.State == Closed || p.State == Degraded && s.State == Ready {
			s.State = p.State
		}
	}
	return s
}

// health remembers whether Vault answers, and counts.
type health struct {
	mu       sync.Mutex
	counters Counters
	since    time.Time // of the outage
	cause    string
}

func (h *health) count(add func(*Counters)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	add(&h.counters)
}

// failed notes that a call got no good answer.
func (h *health) failed(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cause = err.Error()
	if h.since.IsZero() {
		h.since = time.Now()
		h.counters.Outages++
		slog.Error("Vault gives nothing; logins that are held go on until their leases end", "err", err)
	}
}

// well notes that Vault answered.
func (h *health) well() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.since.IsZero() {
		slog.Info("Vault is back", "after", time.Since(h.since))
	}
	h.since, h.cause = time.Time{}, ""
}
