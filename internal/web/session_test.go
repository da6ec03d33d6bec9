package web_test

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	"wangge/internal/web"
	"wangge/internal/web/webtest"
)

// doors serve what the cookies of a plane do.
func doors(k web.Cookies) *gin.Engine {
	return webtest.Serve(k.TLS, func(e *gin.Engine) {
		e.GET("/set", func(c *gin.Context) { k.Set(c, "420100", "token") })
		e.GET("/clear", func(c *gin.Context) { k.Clear(c, "420100") })
		e.GET("/token", func(c *gin.Context) {
			token, err := k.Token(c, "420100")
			if err != nil {
				web.Fail(c, err)
				return
			}
			c.String(http.StatusOK, token)
		})
	})
}

func cookie(t *testing.T, a *webtest.Answer) *http.Cookie {
	t.Helper()
	c, err := http.ParseSetCookie(a.Header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestACookieIsHardened(t *testing.T) {
	for _, c := range []struct {
		tls  bool
		name string
	}{{false, "wangge-420100"}, {true, "__Host-wangge-420100"}} {
		for _, path := range []string{"/set", "/clear"} {
			got := cookie(t, webtest.New(t, doors(web.Cookies{TLS: c.tls})).Get(path))
			if got.Name != c.name || got.Secure != c.tls || !got.HttpOnly || got.SameSite != http.SameSiteStrictMode || got.Path != "/" || got.Domain != "" {
				t.Errorf("TLS %v, %s: %s", c.tls, path, got.Raw)
			}
			if gone := got.MaxAge < 0; gone != (path == "/clear") || !got.Expires.IsZero() {
				t.Errorf("TLS %v, %s: max age %d", c.tls, path, got.MaxAge)
			}
		}
	}
}

func TestASessionOfAnotherPlaneIsAsIfNothingWereThere(t *testing.T) {
	e := doors(web.Cookies{})
	webtest.New(t, e).Get("/token").Refused(401, "no_session")
	webtest.New(t, e).Hold("wangge-province", "x").Get("/token").Refused(404, "not_found")
	webtest.New(t, e).Hold("theme", "dark").Get("/token").Refused(401, "no_session")
	both := webtest.New(t, e).Hold("wangge-province", "x").Hold("wangge-420100", "mine")
	if got := both.Get("/token").Want(200); !got.Has("mine") {
		t.Errorf("got %s", got.Body)
	}
}

func TestUnderTLSACookieWithoutThePrefixIsNoSession(t *testing.T) {
	webtest.New(t, doors(web.Cookies{TLS: true})).Hold("wangge-420100", "planted").Get("/token").Refused(401, "no_session")
}
