// Package platformhttp serves the province: its plane under Prefix, and the
// pages that people use until the browser app is there. A route names its
// permission; it decodes, calls one service and encodes. No row of a city
// passes here, only what cities attest and publish.
package platformhttp

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"wangge/internal/identity"
	"wangge/internal/policy"
	"wangge/internal/web"
	"wangge/platform"
	"wangge/platform/exchange"
	"wangge/platform/ranking"
	"wangge/platform/review"
	"wangge/provisioning"
)

// Prefix is where the province's plane lives.
const Prefix = "/api/province"

// Name is the plane's name in cookies and tokens.
const Name = "province"

// Cities is the registry.
type Cities interface {
	Cities(ctx context.Context) ([]platform.City, error)
	City(ctx context.Context, code string) (platform.City, error)
}

// Steps tells how the provisioning of a city went.
type Steps interface {
	Steps(ctx context.Context, city string) ([]provisioning.StepRecord, error)
}

// Deps is what the plane is made of; every part is needed but Issuer.
type Deps struct {
	Accounts *identity.Service
	Policy   *policy.Enforcer
	Cookies  web.Cookies
	Cities   Cities
	Steps    Steps
	Rankings *ranking.Service
	Reviews  *review.Service
	Document *web.Document // shown at /api; may be filled after New
	Issuer   string        // who publishes reports; may be empty
	Zone     *time.Location
	Newest   int64 // level of a city's tables that this version makes

	// Attest lets a city compute its acceptance facts over a period.
	Attest func(ctx context.Context, city, from, to string) (exchange.Evidence, error)
	// SetRoles gives an account of the province exactly these posts.
	SetRoles func(ctx context.Context, account int64, roles []platform.Role) error
	// Invited lets use work with the accounts of the plane that an invitation
	// names: the province's or a city's. No such plane is a NotFound.
	Invited func(ctx context.Context, plane string, use func(*identity.Service) error) error
}

// Route is a route of the plane, or one of its pages.
type Route = web.Route[*web.Caller]

// Check decides whether a request may go on.
type Check = func(context.Context, *web.Plane, Route, *web.Caller) error

// Plane serves the province.
type Plane struct{ Deps }

// New returns the plane made of d.
func New(d Deps) *Plane { return &Plane{d} }

// Mount registers every route and page behind the guard.
func (p *Plane) Mount(e *gin.Engine) { p.mount(e, web.Guard) }

// mount puts check before everything; a test takes it out of one route to see
// that the isolation test notices.
func (p *Plane) mount(e *gin.Engine, check Check) {
	api := web.Plane{Name: Name, Prefix: Prefix, Accounts: p.Accounts, Policy: p.Policy, Cookies: p.Cookies}
	api.Mount(e, p.Routes(), check)
	pages := api
	pages.Prefix, pages.Fail = "", p.failPage
	pages.Mount(e, p.Pages(), check)
}

// Routes is the route table of the API.
func (p *Plane) Routes() []Route {
	caller := func(r *web.Caller) *web.Caller { return r }
	manage := string(platform.AccountManage)
	var all []Route
	for _, part := range [][]Route{
		web.SessionRoutes(caller), p.cityRoutes(), p.rankingRoutes(), p.reviewRoutes(),
		web.AccountRoutes(caller, manage, manage), p.peopleRoutes(),
	} {
		all = append(all, part...)
	}
	return all
}

// guarded is a route that needs a permission.
func guarded(method, path string, p platform.Permission, tag, zh, en string) Route {
	return Route{Method: method, Path: path, Permission: string(p), Tag: tag, Summary: web.Text{Zh: zh, En: en}}
}

// signedIn is a route for everybody who works for the province.
func signedIn(path, tag, zh, en string) Route {
	return Route{Method: "GET", Path: path, Access: web.SignedIn, Tag: tag, Summary: web.Text{Zh: zh, En: en}}
}

func created(r Route) Route {
	r.Status = http.StatusCreated
	return r
}

type none struct{}
