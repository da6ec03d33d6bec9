// Package tenant is one city on the platform: its ID, where it lives, and the
// services of its open database. A service is built on one city's database, so
// no method takes a tenant ID and no query filters by one.
package tenant

import (
	"context"
	"strings"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/identity"
	"wangge/internal/policy"
	"wangge/tenant/access"
	"wangge/tenant/calendar"
	"wangge/tenant/casework"
	"wangge/tenant/catalog"
	"wangge/tenant/consent"
	"wangge/tenant/division"
	"wangge/tenant/duty"
	"wangge/tenant/evaluation"
	"wangge/tenant/evidence"
	"wangge/tenant/grid"
	"wangge/tenant/org"
	"wangge/tenant/part"
	"wangge/tenant/responsibility"
	"wangge/tenant/usage"
)

// ID names a tenant by the 6-digit GB/T 2260 code of its city. It becomes a
// file name, a schema and a role, so only ParseID makes one.
type ID struct{ code string }

// ErrBadID refuses a code that can't be a tenant's.
var ErrBadID = errs.New(errs.Invalid, "bad_city_code", "城市代码须为 6 位数字", "a city code has six digits")

// ParseID makes an ID from exactly six ASCII digits, the first not zero.
func ParseID(s string) (ID, error) {
	if len(s) != 6 || s[0] == '0' || strings.Trim(s, "0123456789") != "" {
		return ID{}, ErrBadID
	}
	return ID{s}, nil
}

// String returns the six digits; "" for the zero ID.
func (id ID) String() string { return id.code }

// Schema is the name of the city's PostgreSQL schema and of its login role.
func (id ID) Schema() string { return "city_" + id.code }

// Scope is the name under which the city's secrets are kept.
func (id ID) Scope() string { return "city/" + id.code }

// Sandbox says whether it is a copy to practise in: no division's code begins
// with 99. What is done in one is no work of a city, and is neither billed nor
// published.
func (id ID) Sandbox() bool { return strings.HasPrefix(id.code, "99") }

// Placement says where a city lives: in an engine, and on PostgreSQL in the
// schema ID.Schema() of a server, "" being the platform's own.
type Placement struct {
	Engine gormx.Engine
	Server string
}

// Settings are what a city is configured with.
type Settings struct {
	Name     string            // 石家庄市
	Model    string            // model of organisation
	Shifts   []string          // working time of a day, such as 08:00-12:00
	Workflow casework.Workflow // how its work is set up
}

// Divisions are the city's own counties, streets and communities.
type Divisions interface {
	// Under lists the divisions directly under a code, by code; under "", the counties.
	Under(ctx context.Context, parent string) ([]division.Division, error)
}

// Applied keeps what a city was last built from.
type Applied interface {
	// Applied returns it; the zero AppliedSpec when nothing was noted yet.
	Applied(ctx context.Context) (AppliedSpec, error)
	SaveApplied(ctx context.Context, a AppliedSpec) error
}

// AppliedSpec is a spec as it was applied: its hash, and what provisioning
// needs to know of it later.
type AppliedSpec struct {
	Hash, Text string
	At         time.Time
}

// City is one open city.
type City struct {
	ID         ID
	Settings   Settings
	Standing   Standing
	Calendar   *calendar.Calendar
	Holidays   *calendar.Service
	Fresh      func(ctx context.Context) error // looks whether another process changed catalogue or calendar
	Divisions  Divisions
	Cases      *casework.Service
	Catalogue  *catalog.Service
	Org        *org.Service
	Duty       *duty.Service
	Matrix     *responsibility.Service
	Grids      *grid.Service
	Parts      *part.Service
	Access     *access.Service
	Policy     *policy.Enforcer
	Accounts   *identity.Service
	Evaluation *evaluation.Service
	Evidence   *evidence.Service
	Usage      usage.Source
	Applied    Applied
	Consents   *consent.Service
}
