package platformhttp

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"wangge/internal/testdb"
	"wangge/internal/web"
	"wangge/internal/web/webtest"
)

// address is a path of a route with its parameters filled in.
func address(prefix, path string) string {
	return prefix + strings.NewReplacer(":month", "2026-10", ":review", "1", ":city", "429006", ":account", "1", ":token", "province.x").Replace(path)
}

// unguarded lists the routes and pages that let in somebody they should not:
// nobody, whoever has a session of another plane only, and somebody who works
// here without a post.
func (h *house) unguarded(e *gin.Engine) (open []string) {
	token, _, err := h.Accounts.SignIn(h.t.Context(), "nobody01", password)
	must(h.t, err)
	for prefix, routes := range map[string][]Route{Prefix: h.Routes(), "": h.Pages()} {
		for _, r := range routes {
			if r.Access == web.Public {
				continue
			}
			at := address(prefix, r.Path)
			ask := func(cookie, token string) int {
				return webtest.New(h.t, e).Hold(cookie, token).Do(r.Method, at, nil).Status
			}
			ok := webtest.New(h.t, e).Do(r.Method, at, nil).Status == 401 &&
				ask("wangge-429006", "429006.x") == 404 && ask("wangge-province", "429006.x") == 401
			if r.Access == web.Guarded {
				ok = ok && ask("wangge-province", token) == 403
			}
			if !ok {
				open = append(open, r.Method+" "+at)
			}
		}
	}
	return open
}

func TestNobodyGetsPastAGuard(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.staff("nobody01")
		if open := h.unguarded(h.e); len(open) > 0 {
			t.Errorf("let in whom they should not: %v", open)
		}
	})
}

func TestARouteThatLostItsGuardIsNoticed(t *testing.T) {
	h := build(t, testdb.SQLite(t))
	h.staff("nobody01")
	for prefix, routes := range map[string][]Route{Prefix: h.Routes(), "": h.Pages()} {
		for _, bare := range routes {
			if bare.Access == web.Public || bare.Method == http.MethodDelete { // signing out needs its own session
				continue
			}
			e := webtest.Serve(false, func(e *gin.Engine) {
				h.mount(e, func(ctx context.Context, p *web.Plane, r Route, c *web.Caller) error {
					if p.Prefix == prefix && r.Method == bare.Method && r.Path == bare.Path {
						return nil
					}
					return web.Guard(ctx, p, r, c)
				})
			})
			want := bare.Method + " " + address(prefix, bare.Path)
			if open := h.unguarded(e); !slices.Equal(open, []string{want}) {
				t.Errorf("the guard was taken out of %s, noticed were %v", want, open)
			}
		}
	}
}

func TestTheDocumentHasEveryRouteOfTheProvince(t *testing.T) {
	h := build(t, testdb.SQLite(t))
	webtest.Described(t, h.Document, Prefix, h.Routes())
}
