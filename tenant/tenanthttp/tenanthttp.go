// Package tenanthttp serves a city's plane. A route names its permission and is
// given the open city, so neither can be forgotten. It decodes, calls one
// service and encodes; rules are the domain's.
package tenanthttp

import (
	"context"

	"github.com/gin-gonic/gin"

	"wangge/internal/errs"
	"wangge/internal/web"
	"wangge/tenant"
	"wangge/tenant/access"
	"wangge/tenant/limit"
)

// Prefix is where the city plane lives; :code is the city's.
const Prefix = "/api/cities/:code"

// Cities opens cities; release must be called once.
type Cities interface {
	Take(ctx context.Context, id tenant.ID) (city *tenant.City, release func(), err error)
}

// Request is what every route is given: the open city and who asks.
type Request struct {
	*web.Caller
	City   *tenant.City
	Limits *limit.City
}

// Route is a route of the city plane.
type Route = web.Route[*Request]

// Plane serves the routes on the cities.
type Plane struct {
	Cities  Cities
	Cookies web.Cookies
	Limits  *limit.Register // what each city may use
	// guard decides whether a request may go on; a test takes it out of one
	// route to see that the isolation test notices.
	guard func(ctx context.Context, p *Plane, route Route, r *Request) error
}

// Mount registers every route.
func (p *Plane) Mount(e *gin.Engine) { p.mount(e, Routes(), guard) }

func (p *Plane) mount(e *gin.Engine, routes []Route, check func(context.Context, *Plane, Route, *Request) error) {
	p.guard = check
	for _, route := range routes {
		e.Handle(route.Method, Prefix+route.Path, func(c *gin.Context) {
			if err := p.serve(c, route); err != nil {
				web.Fail(c, err)
			}
		})
	}
}

// serve opens the city named in the path, lets the guard decide, and serves.
func (p *Plane) serve(c *gin.Context, route Route) error {
	id, err := tenant.ParseID(c.Param("code"))
	if err != nil {
		return web.ErrNotHere
	}
	web.Enter(c, "city")
	if route.Access != web.Public { // without a session of this city it is not even opened
		if _, err := p.Cookies.Token(c, id.String()); err != nil {
			return err
		}
	}
	limits := p.Limits.City(id.String())
	done, err := admit(limits, route)
	if err != nil {
		return err
	}
	defer done()
	city, release, err := p.Cities.Take(c.Request.Context(), id)
	if errs.KindOf(err) == errs.NotFound {
		return web.ErrNotHere
	}
	if err != nil {
		return err
	}
	defer release()
	r := &Request{City: city, Limits: limits, Caller: &web.Caller{
		Plane: id.String(), Accounts: city.Accounts, Policy: city.Policy, Cookies: p.Cookies, HTTP: c,
	}}
	if err := p.guard(c.Request.Context(), p, route, r); err != nil {
		return err
	}
	if err := standing(route, r); err != nil {
		return err
	}
	if err := within(c, route, r); err != nil {
		return err
	}
	return route.Serve(c, r)
}

// guard lets in who holds a session of this city and the route's permission, by
// the posts in effect today.
func guard(ctx context.Context, _ *Plane, route Route, r *Request) error {
	if err := r.City.Org.Current(ctx); err != nil {
		return err
	}
	return web.Admit(ctx, route.Access, route.Permission, r.Caller)
}

// Routes is the route table of the city plane.
func Routes() []Route {
	var all []Route
	caller := func(r *Request) *web.Caller { return r.Caller }
	for _, part := range [][]Route{
		web.SessionRoutes(caller), meRoutes(), caseRoutes(), gridRoutes(), partRoutes(), orgRoutes(), responsibilityRoutes(), dutyRoutes(),
		web.AccountRoutes(caller, string(access.AccountRead), string(access.OrgManage)), catalogRoutes(), calendarRoutes(), figureRoutes(), evidenceRoutes(), consentRoutes(),
	} {
		all = append(all, part...)
	}
	return all
}

// guarded is a route that needs a permission.
func guarded(method, path string, p access.Permission, tag, zh, en string) Route {
	return Route{Method: method, Path: path, Permission: string(p), Tag: tag, Summary: web.Text{Zh: zh, En: en}}
}

type none struct{}
