// Package platform is the province: the registry of its cities and what its own
// people may do. What cities publish, how they are compared and how they are
// accepted is in the packages below it; no row of a city ever gets here.
package platform

import (
	"context"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/limit"
)

// State is how far a city is.
type State string

// The states of a city.
const (
	Building  State = "building"  // being provisioned, or stopped half way
	Active    State = "active"    // in service
	Suspended State = "suspended" // out of service for a time or for ever; Access and LeftAt say how
)

// Access says what a city's own people may still do. Reports of urgent kinds
// are taken whatever it says, as long as the city has not left.
type Access string

// The degrees of access.
const (
	Open     Access = "open"
	ReadOnly Access = "read_only"
	Closed   Access = "closed"
)

// City is one entry of the registry.
type City struct {
	Code      string // 6-digit division code
	Name      string
	Model     string // model of organisation
	State     State
	Engine    string // where its database is: sqlite or postgres
	Server    string // the PostgreSQL server it lives on; "" for the platform's own
	KeptOn    string // where what a move has left is kept, OwnServer or a server's name; "" when nothing is
	SpecHash  string // of the spec it was last built from
	Level     int64  // of its tables, as last recorded; 0 when it never was
	CreatedAt time.Time
	ActiveAt  time.Time // zero until it first went into service

	Access       Access
	AccessReason string    // why it is not open
	Generation   int64     // rises whenever the city must be opened anew
	LeftAt       time.Time // when it was deleted; zero while it is a tenant
}

// OwnServer is the name of the platform's own server where one must be said.
const OwnServer = "own"

// Server is a PostgreSQL server beside the platform's own, where cities may live.
type Server struct {
	Name    string
	At      string // postgres://host:port/database?…, without a login
	AddedAt time.Time
}

// ErrServerKnown refuses a second server of a name at another place.
var ErrServerKnown = errs.New(errs.Conflict, "server_known", "服务器“%s”已登记在另一地址", "server %q is known already, at another place")

// ErrNoCity is returned for a code the registry does not have.
var ErrNoCity = errs.New(errs.NotFound, "no_such_city", "没有这个城市", "no such city")

// Store keeps the registry.
type Store interface {
	Cities(ctx context.Context) ([]City, error)          // by code
	City(ctx context.Context, code string) (City, error) // ErrNoCity
	SaveCity(ctx context.Context, c City) error          // adds it, or replaces the entry of the same code
	// Change lets fn change the entry of a city, alone among all who do so; when
	// fn fails nothing is changed. ErrNoCity.
	Change(ctx context.Context, code string, fn func(*City) error) error
	Servers(ctx context.Context) ([]Server, error) // by name
	AddServer(ctx context.Context, s Server) error // again changes nothing; ErrServerKnown at another place
	// Limits returns every city's code with the limits that are its own.
	Limits(ctx context.Context) (map[string]limit.Limits, error)
	// SetLimits gives a city these limits of its own beside those it has; one of 0
	// is the platform's again. ErrNoCity; a limit that there is not is refused.
	SetLimits(ctx context.Context, code string, own limit.Limits) error
}
