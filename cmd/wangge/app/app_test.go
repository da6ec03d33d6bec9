package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"wangge/internal/identity"
	"wangge/internal/web"
	"wangge/internal/web/webtest"
	"wangge/platform"
	"wangge/platform/platformhttp"
	"wangge/platform/ranking"
	"wangge/provisioning"
	"wangge/provisioning/provisioningtest"
	"wangge/provisioning/sample"
	"wangge/tenant"
	"wangge/tenant/access"
	"wangge/tenant/limit"
	"wangge/tenant/org"
	"wangge/tenant/tenanthttp"
)

// password is everybody's.
const password = "correct horse 电池"

// two are the cities of the world: 乌海市 and 石嘴山市.
var two = []string{"150300", "640200"}

// world is a whole platform with two cities, and a session of everybody in it.
type world struct {
	*App
	engine   *gin.Engine
	city     map[string]map[org.Role]string // tokens, by city and post
	province map[platform.Role]string
}

func newWorld(t *testing.T, engine string) *world {
	t.Helper()
	w := emptyWorld(t, engine)
	for _, code := range two {
		w.build(t, code)
	}
	w.appoint(t)
	return w
}

// emptyWorld is a whole platform without a city.
func emptyWorld(t *testing.T, engine string) *world {
	t.Helper()
	return worldAt(t, engine, time.Now)
}

// worldAt is a whole platform without a city, by a clock.
func worldAt(t *testing.T, engine string, now func() time.Time) *world {
	t.Helper()
	cfg := Config{Data: t.TempDir(), Now: now, Limits: limit.Unlimited(), Hasher: identity.NewHasher(identity.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 2)}
	if engine == "postgres" {
		cfg.Postgres, cfg.Provisioner = provisioningtest.Database(t)
	}
	return worldOf(t, cfg)
}

// worldOf is what is served by a configuration.
func worldOf(t *testing.T, cfg Config) *world {
	t.Helper()
	a, err := Open(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() { must(t, a.Close()) })
	handler, err := a.Handler(ServeOptions{})
	must(t, err)
	e, ok := handler.(*gin.Engine)
	if !ok {
		t.Fatalf("the handler is %T, want the engine that knows its routes", handler)
	}
	return &world{App: a, engine: e, city: map[string]map[org.Role]string{}, province: map[platform.Role]string{}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// build provisions a city and signs in the holder of each post.
func (w *world) build(t *testing.T, code string) {
	t.Helper()
	d, _ := w.Atlas.Lookup(code)
	spec, result := w.apply(t, sample.Spec(d))
	w.city[code] = map[org.Role]string{}
	must(t, w.Cities.Use(t.Context(), spec.ID(), func(city *tenant.City) error {
		for _, i := range result.Invitations {
			if err := city.Accounts.Accept(t.Context(), i.Token, password); err != nil {
				return err
			}
			token, session, err := city.Accounts.SignIn(t.Context(), i.Login, password)
			if err != nil {
				return err
			}
			w.city[code][org.Role(session.Account.Roles[0])] = token
		}
		return nil
	}))
}

func (w *world) apply(t *testing.T, declared provisioning.Spec) (*provisioning.Spec, provisioning.Result) {
	t.Helper()
	grids, err := sample.Grids(declared.Code, sample.Communities(w.Atlas, declared.Code, 1)[:1], 4, 1)
	must(t, err)
	path, err := sample.Write(t.TempDir(), declared, grids)
	must(t, err)
	spec, err := provisioning.ReadSpec(path, w.Atlas)
	must(t, err)
	result, err := w.Provision.Apply(t.Context(), spec, func(provisioning.Step, int, int, time.Duration, string, error) {})
	must(t, err)
	return spec, result
}

// appoint makes and signs in a holder of each post of the province.
func (w *world) appoint(t *testing.T) {
	t.Helper()
	_, err := w.EnsureProvinceAdmin(t.Context())
	must(t, err)
	for _, role := range platform.Roles() {
		account, err := w.Staff(t.Context(), string(role)+"01", string(role)+"01", role)
		must(t, err)
		token, err := w.Accounts.Invite(t.Context(), account.ID, time.Hour)
		must(t, err)
		must(t, w.Accounts.Accept(t.Context(), token, password))
		w.province[role], _, err = w.Accounts.SignIn(t.Context(), string(role)+"01", password)
		must(t, err)
	}
}

// entry is what the tables say of a registered route.
type entry struct {
	access     web.Access
	permission string
	city       bool
}

// tables are all tables of routes, by method and full path.
func (w *world) tables() map[string]entry {
	all := map[string]entry{"GET /healthz": {access: web.Public}, "GET /readyz": {access: web.Public}, "GET /metrics": {access: web.Public}}
	for _, r := range tenanthttp.Routes() {
		all[r.Method+" "+tenanthttp.Prefix+r.Path] = entry{r.Access, r.Permission, true}
	}
	p := platformhttp.New(platformhttp.Deps{})
	for prefix, routes := range map[string][]web.Route[*web.Caller]{platformhttp.Prefix: slices.Concat(p.Routes(), w.invoices()), "": p.Pages()} {
		for _, r := range routes {
			all[r.Method+" "+prefix+r.Path] = entry{r.Access, r.Permission, false}
		}
	}
	return all
}

var fill = strings.NewReplacer(":code", two[0], ":number", "20261123-000001", ":department", sample.Works, ":account", "1",
	":month", "2026-10", ":review", "1", ":city", two[0], ":token", two[0]+".x")

// try is somebody at the door: the cookies held and the status that is right.
type try struct {
	who     string
	cookies map[string]string
	want    int
}

// strangers are those whom a route must refuse, and how.
func (w *world) strangers(e entry) []try {
	const province = "wangge-" + platformhttp.Name
	here, there := "wangge-"+two[0], "wangge-"+two[1]
	foreign := w.city[two[1]][org.CityAdmin]
	own := province
	if e.city {
		own = here
	}
	tries := []try{
		{"nobody", nil, http.StatusUnauthorized},
		{"another city's administrator", map[string]string{there: foreign}, http.StatusNotFound},
		{"another city's token under this plane's name", map[string]string{own: foreign}, http.StatusUnauthorized},
		{"a made-up token", map[string]string{own: two[0] + ".AAAA"}, http.StatusUnauthorized},
	}
	if e.city {
		admin := w.province[platform.ProvinceAdmin]
		tries = append(tries,
			try{"the province's administrator", map[string]string{province: admin}, http.StatusNotFound},
			try{"the province's token under the city's name", map[string]string{here: admin}, http.StatusUnauthorized})
	} else {
		admin := w.city[two[0]][org.CityAdmin]
		tries = append(tries,
			try{"a city's administrator", map[string]string{here: admin}, http.StatusNotFound},
			try{"a city's token under the province's name", map[string]string{province: admin}, http.StatusUnauthorized})
	}
	return append(tries, w.without(e, own)...)
}

// without are those of the right plane whose post lacks the permission.
func (w *world) without(e entry, cookie string) (tries []try) {
	if e.access != web.Guarded {
		return nil
	}
	if e.city {
		for _, role := range org.Roles() {
			if !slices.Contains(access.Defaults(), access.Rule{Role: role, Permission: access.Permission(e.permission)}) {
				tries = append(tries, try{string(role), map[string]string{cookie: w.city[two[0]][role]}, http.StatusForbidden})
			}
		}
		return tries
	}
	for _, role := range platform.Roles() {
		if !slices.Contains(platform.Defaults(), platform.Rule{Role: role, Permission: platform.Permission(e.permission)}) {
			tries = append(tries, try{string(role), map[string]string{cookie: w.province[role]}, http.StatusForbidden})
		}
	}
	return tries
}

// allowed are the only members of a refusal: no data of anybody's.
var allowed = []string{"type", "title", "status", "code", "message_zh", "message_en", "request_id"}

// leak says what is wrong with the answer to a stranger, "" when nothing is.
func leak(a *webtest.Answer, want int, page bool) string {
	if a.Status != want {
		return fmt.Sprintf("got %d, want %d: %.200s", a.Status, want, a.Body)
	}
	if page {
		return ""
	}
	var members map[string]any
	if err := json.Unmarshal(a.Body, &members); err != nil {
		return fmt.Sprintf("got no problem document: %.200s", a.Body)
	}
	for name := range members {
		if !slices.Contains(allowed, name) {
			return "the refusal tells of " + name
		}
	}
	return ""
}

func testIsolation(t *testing.T, engine string) {
	w := newWorld(t, engine)
	tables := w.tables()
	asked, named := 0, map[string]bool{}
	for _, r := range w.engine.Routes() {
		name := r.Method + " " + r.Path
		e, known := tables[name]
		if !known {
			t.Errorf("%s is served and in no table: nobody says who may call it", name)
			continue
		}
		delete(tables, name)
		named[e.permission] = true
		if e.access == web.Public {
			continue
		}
		if e.access == web.Guarded && e.permission == "" {
			t.Errorf("%s is guarded by no permission", name)
		}
		page := !strings.HasPrefix(r.Path, "/api/")
		for _, s := range w.strangers(e) {
			p := webtest.New(t, w.engine)
			for k, v := range s.cookies {
				p.Hold(k, v)
			}
			if wrong := leak(p.Do(r.Method, fill.Replace(r.Path), nil), s.want, page); wrong != "" {
				t.Errorf("%s for %s: %s", name, s.who, wrong)
			}
			asked++
		}
	}
	for _, p := range access.Permissions() {
		if !named[string(p)] {
			t.Errorf("no route of a city needs %s", p)
		}
	}
	for _, p := range platform.Permissions() {
		if !named[string(p)] {
			t.Errorf("no route of the province needs %s", p)
		}
	}
	if len(tables) > 0 {
		t.Errorf("in a table and not served: %v", slices.Sorted(maps.Keys(tables)))
	}
	if asked < 400 {
		t.Errorf("only %d requests of strangers were made, want every route by everybody", asked)
	}
}

func TestNoRouteAnswersAStrangerSQLite(t *testing.T)   { testIsolation(t, "sqlite") }
func TestNoRouteAnswersAStrangerPostgres(t *testing.T) { testIsolation(t, "postgres") }

// The planes of cities and province prove the same of their own routes.
func TestAnInvoiceRouteThatLostItsGuardIsNoticed(t *testing.T) {
	w := newWorld(t, "sqlite")
	plane := web.Plane{Name: platformhttp.Name, Prefix: platformhttp.Prefix, Accounts: w.Accounts, Policy: w.Policy}
	for _, bare := range w.invoices() {
		e := webtest.Serve(false, func(e *gin.Engine) {
			plane.Mount(e, w.invoices(), func(ctx context.Context, p *web.Plane, r web.Route[*web.Caller], c *web.Caller) error {
				if r.Method == bare.Method && r.Path == bare.Path {
					return nil
				}
				return web.Guard(ctx, p, r, c)
			})
		})
		for _, r := range w.invoices() {
			open := ""
			for _, s := range w.strangers(entry{r.Access, r.Permission, false}) {
				p := webtest.New(t, e)
				for k, v := range s.cookies {
					p.Hold(k, v)
				}
				open += leak(p.Do(r.Method, fill.Replace(platformhttp.Prefix+r.Path), nil), s.want, false)
			}
			if lost := r.Method == bare.Method && r.Path == bare.Path; (open != "") != lost {
				t.Errorf("the guard of %s %s was taken out; of %s %s was noticed %q", bare.Method, bare.Path, r.Method, r.Path, open)
			}
		}
	}
}

func TestAPathThatNothingIsAtIsAPageForPeopleAndAProblemForPrograms(t *testing.T) {
	w := newWorld(t, "sqlite")
	for path, media := range map[string]string{"/nothing": "text/html", "/api/nothing": "application/problem+json", "/api/cities/1503/cases": "application/problem+json"} {
		a := webtest.New(t, w.engine).Get(path)
		if got := a.Header.Get("Content-Type"); a.Status != http.StatusNotFound || !strings.HasPrefix(got, media) {
			t.Errorf("%s: got %d as %s, want 404 as %s", path, a.Status, got, media)
		}
	}
}

func TestACityAppliedAnewIsServedAsItIsNow(t *testing.T) {
	w := newWorld(t, "sqlite")
	id, err := tenant.ParseID(two[0])
	must(t, err)
	shifts := func() (got []string) {
		must(t, w.Cities.Use(t.Context(), id, func(city *tenant.City) error {
			got = city.Settings.Shifts
			return nil
		}))
		return got
	}
	before := shifts()
	known, err := w.reopen(t.Context(), nil)
	must(t, err)
	d, _ := w.Atlas.Lookup(two[0])
	spec := sample.Spec(d)
	spec.Shifts = []string{"07:30-22:30"}
	w.apply(t, spec)
	if got := shifts(); !slices.Equal(got, before) {
		t.Fatalf("got %v before anybody looked, want %v", got, before)
	}
	_, err = w.reopen(t.Context(), known)
	must(t, err)
	if got := shifts(); !slices.Equal(got, spec.Shifts) {
		t.Errorf("got %v, want the shifts as applied", got)
	}
}

func TestAMonthBeforeAnyCityHasNoRanking(t *testing.T) {
	w := newWorld(t, "sqlite")
	before := MonthBefore(w.Config.Now())
	must(t, w.FreezeRanking(t.Context(), before))
	if _, _, err := w.Rankings.Edition(t.Context(), before, 0); !errors.Is(err, ranking.ErrNoEdition) {
		t.Errorf("got %v, want no edition of %s", err, before)
	}
}
