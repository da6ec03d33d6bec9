package web

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"wangge/internal/errs"
)

// Cookies names and hardens the session cookies: one per plane, so that a
// person may be signed in to a city and to the province at once.
type Cookies struct{ TLS bool }

// prefix is "__Host-" under TLS, so that the browser itself refuses a cookie
// that is not Secure, has a Domain or another Path.
func (k Cookies) prefix() string {
	if k.TLS {
		return "__Host-wangge-"
	}
	return "wangge-"
}

// Set hands the browser its session token for a plane. The browser forgets it
// when it is closed; how long the session is good, the database says.
func (k Cookies) Set(c *gin.Context, plane, token string) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: k.prefix() + plane, Value: token, Path: "/",
		HttpOnly: true, Secure: k.TLS, SameSite: http.SameSiteStrictMode,
	})
}

// Clear takes it back.
func (k Cookies) Clear(c *gin.Context, plane string) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: k.prefix() + plane, Path: "/", MaxAge: -1,
		HttpOnly: true, Secure: k.TLS, SameSite: http.SameSiteStrictMode,
	})
}

// ErrNotHere answers a session used outside its plane, as if nothing were there.
var ErrNotHere = errs.New(errs.NotFound, "not_found", "没有这个页面或资源", "there is nothing here")

// errSignIn answers a request without any session.
var errSignIn = errs.New(errs.Unauthenticated, "no_session", "未登录或登录已失效，请重新登录", "not signed in, or the session has ended: sign in again")

// Token returns the request's session token for a plane. With only another
// plane's session the answer is ErrNotHere, with none at all Unauthenticated.
func (k Cookies) Token(c *gin.Context, plane string) (string, error) {
	elsewhere := false
	for _, cookie := range c.Request.Cookies() {
		name, ours := strings.CutPrefix(cookie.Name, k.prefix())
		switch {
		case ours && name == plane:
			return cookie.Value, nil
		case ours:
			elsewhere = true
		}
	}
	if elsewhere {
		return "", ErrNotHere
	}
	return "", errSignIn
}

// ErrForbidden answers a session without the permission.
var ErrForbidden = errs.New(errs.Forbidden, "forbidden", "您的岗位没有此项权限：%s", "your post does not have the permission %s")
