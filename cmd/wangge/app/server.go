package app

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"wangge/billing/billinghttp"
	"wangge/internal/identity"
	"wangge/internal/web"
	"wangge/platform"
	"wangge/platform/platformdb"
	"wangge/platform/platformhttp"
	"wangge/tenant"
	"wangge/tenant/tenanthttp"
)

// Handler answers everything the platform serves: the cities' planes, the
// province's with its pages and invoices, and whether it is well.
func (a *App) Handler(o ServeOptions) (http.Handler, error) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.Use(web.Chain(o.TLS)...)
	engine.GET("/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok\n") })
	engine.GET("/readyz", a.ready)
	engine.GET("/metrics", a.metrics)

	cookies := web.Cookies{TLS: o.TLS}
	(&tenanthttp.Plane{Cities: a.doors, Cookies: cookies, Limits: a.Limits}).Mount(engine)
	document, err := Document()
	if err != nil {
		return nil, err
	}
	newest, err := NewestLevel()
	if err != nil {
		return nil, err
	}
	province := a.province(cookies, document, newest)
	province.Mount(engine)
	nothing := func(c *gin.Context) {
		if strings.HasPrefix(c.Request.URL.Path, "/api/") {
			web.Fail(c, web.ErrNotHere)
			return
		}
		province.NotHere(c)
	}
	engine.NoRoute(nothing)
	engine.NoMethod(nothing)
	invoices := web.Plane{Name: platformhttp.Name, Prefix: platformhttp.Prefix, Accounts: a.Accounts, Policy: a.Policy, Cookies: cookies}
	invoices.Mount(engine, a.invoices(), web.Guard)
	return engine, nil
}

// province is the province's plane.
func (a *App) province(cookies web.Cookies, document *web.Document, newest int64) *platformhttp.Plane {
	return platformhttp.New(platformhttp.Deps{
		Accounts: a.Accounts, Policy: a.Policy, Cookies: cookies, Cities: a.Registry, Steps: a.Ledger,
		Rankings: a.Rankings, Reviews: a.Reviews, Document: document, Issuer: a.Config.Issuer, Zone: Zone, Newest: newest,
		Attest: a.Attest, Invited: a.invited,
		SetRoles: func(ctx context.Context, account int64, roles []platform.Role) error {
			return platformdb.SetRoles(ctx, a.Province, account, roles)
		},
	})
}

func (a *App) invoices() []web.Route[*web.Caller] {
	return billinghttp.Routes(billinghttp.Desk{Issuer: a, Invoices: a.Billing})
}

// invited finds the accounts of the plane that an invitation names.
func (a *App) invited(ctx context.Context, plane string, use func(*identity.Service) error) error {
	if plane == platformhttp.Name {
		return use(a.Accounts)
	}
	id, err := tenant.ParseID(plane)
	if err != nil {
		return platform.ErrNoCity
	}
	return a.Cities.Use(ctx, id, func(city *tenant.City) error { return use(city.Accounts) })
}

// APIVersion is the version of the API, which changes with what it promises.
const APIVersion = "1.0.0"

// Document describes every route in OpenAPI 3.1, without opening anything.
func Document() (*web.Document, error) {
	d := web.NewDocument("Wangge 网格", APIVersion,
		"数字化城市管理平台接口。市级路由在 /api/cities/{code} 下，省级在 /api/province 下；登录会话只属于一个城市或省级平台。\n\n"+
			"Digital urban management. City routes live under /api/cities/{code}, the province's under /api/province; a session belongs to one of them.")
	return d, errors.Join(
		web.Add(d, tenanthttp.Prefix, "city", tenanthttp.Routes()),
		web.Add(d, platformhttp.Prefix, "province", platformhttp.New(platformhttp.Deps{}).Routes()),
		web.Add(d, platformhttp.Prefix, "billing", billinghttp.Routes(billinghttp.Desk{})),
	)
}
