package web

import (
	"context"

	"github.com/gin-gonic/gin"

	"wangge/internal/identity"
	"wangge/internal/policy"
)

// Caller is who asks on a plane, and the plane's people and policy that say so.
type Caller struct {
	Plane    string // of the cookie and in tokens
	Accounts *identity.Service
	Policy   *policy.Enforcer
	Cookies  Cookies
	HTTP     *gin.Context
	Session  identity.Session // zero on a public route
	Token    string
}

// Admit resolves the session in the plane's own database and asks its policy.
// The policy's version is read with the session, so a revocation holds from
// the next request on.
func Admit(ctx context.Context, access Access, permission string, r *Caller) (err error) {
	if access == Public {
		return nil
	}
	if r.Token, err = r.Cookies.Token(r.HTTP, r.Plane); err != nil {
		return err
	}
	if r.Session, err = r.Accounts.Resolve(ctx, r.Token); err != nil || access == SignedIn {
		return err
	}
	ok, err := r.May(ctx, permission)
	if err == nil && !ok {
		err = ErrForbidden.With(permission)
	}
	return err
}

// May says whether the session has a permission.
func (r *Caller) May(ctx context.Context, permission string) (bool, error) {
	return r.Policy.Allowed(ctx, r.Session.Account.ID, permission, r.Session.PolicyVersion)
}

// Plane is a plane with one database, such as the province's.
type Plane struct {
	Name     string // of the cookie and in tokens
	Prefix   string
	Accounts *identity.Service
	Policy   *policy.Enforcer
	Cookies  Cookies
	Fail     func(c *gin.Context, err error) // answers a refusal; nil: a problem document
}

// Mount registers routes under the plane's prefix, each behind check.
func (p *Plane) Mount(e *gin.Engine, routes []Route[*Caller], check func(context.Context, *Plane, Route[*Caller], *Caller) error) {
	fail := p.Fail
	if fail == nil {
		fail = Fail
	}
	for _, route := range routes {
		e.Handle(route.Method, p.Prefix+route.Path, func(c *gin.Context) {
			Enter(c, p.Name)
			caller := &Caller{Plane: p.Name, Accounts: p.Accounts, Policy: p.Policy, Cookies: p.Cookies, HTTP: c}
			err := check(c.Request.Context(), p, route, caller)
			if err == nil {
				err = route.Serve(c, caller)
			}
			if err != nil {
				fail(c, err)
			}
		})
	}
}

// Guard is the check to mount a plane with: Admit.
func Guard(ctx context.Context, _ *Plane, route Route[*Caller], r *Caller) error {
	return Admit(ctx, route.Access, route.Permission, r)
}
