package platformhttp

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"wangge/internal/errs"
	"wangge/internal/web"
	"wangge/platform"
	"wangge/platform/report"
)

//go:embed templates/*.html
var files embed.FS

//go:embed templates/site.css
var site string

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"style": func() template.CSS { return report.Style() + template.CSS(site) }, //nolint:gosec // our own files
}).ParseFS(files, "templates/*.html"))

// Pages is the table of pages. They obey the same permissions as the API, and
// are not in its document.
func (p *Plane) Pages() []Route {
	read := func(path string, a web.Access, permission platform.Permission) Route {
		return Route{Method: "GET", Path: path, Access: a, Permission: string(permission)}
	}
	send := func(path string) Route {
		return Route{Method: "POST", Path: path, Access: web.Public, MaxBody: 16 << 10}
	}
	return []Route{
		web.Handle(read("/", web.Public, ""), p.home),
		web.Handle(send("/sign-in"), p.signIn),
		web.Handle(send("/sign-out"), p.signOut),
		web.Handle(read("/ranking/:month", web.Guarded, platform.RankingRead), p.rankingPage),
		web.Handle(read("/review/:review", web.Guarded, platform.ReviewRead), p.reviewPage),
		web.Handle(read("/invitation/:token", web.Public, ""), p.invitation),
		web.Handle(send("/invitation/:token"), p.acceptInvitation),
		web.Handle(read("/api", web.Public, ""), p.reference),
		web.Handle(read("/openapi.json", web.Public, ""), p.openAPI),
	}
}

// view is what every page knows.
type view struct {
	Lang   web.Lang
	Nonce  string
	Issuer string
	Other  string // this page in the other language
	query  string // what keeps a language that was asked for
	zone   *time.Location
}

func (p *Plane) view(c *gin.Context) view {
	v := view{Lang: web.Language(c), Issuer: p.Issuer, zone: p.Zone}
	if c.Query("lang") != "" {
		v.query = "?lang=" + string(v.Lang)
	}
	here := url.URL{Path: c.Request.URL.Path}
	if c.Request.Method != http.MethodGet && !strings.HasPrefix(here.Path, "/invitation/") {
		here.Path = "/"
	}
	query := c.Request.URL.Query()
	query.Set("lang", string(v.other()))
	here.RawQuery = query.Encode()
	v.Other = here.String()
	return v
}

func (v view) other() web.Lang {
	if v.Lang == web.English {
		return web.Chinese
	}
	return web.English
}

// L picks the page's language.
func (v view) L(zh, en string) string { return web.Text{Zh: zh, En: en}.In(v.Lang) }

// To is the way to a path in the page's language.
func (v view) To(path string) string { return path + v.query }

// Day prints the day of an instant.
func (v view) Day(t time.Time) string { return t.In(v.zone).Format(time.DateOnly) }

// Says is an error in the page's language.
func (v view) Says(e *errs.Error) string { return v.L(e.Zh, e.En) }

// shown is a page of this package's own; data embeds the view.
func shown(status int, name string, v view, data func(view) any) web.Page {
	return web.Page{Status: status, Render: func(w io.Writer, nonce string) error {
		v.Nonce = nonce
		if err := templates.ExecuteTemplate(w, name, data(v)); err != nil {
			return fmt.Errorf("page %s: %w", name, err)
		}
		return nil
	}}
}

// failPage answers a refused page: whoever is not signed in is asked to, and
// goes on from there.
func (p *Plane) failPage(c *gin.Context, err error) {
	why := web.Shown(c, err)
	page := shown(web.Status(why.Kind), "message.html", p.view(c), func(v view) any { return message{v, why} })
	if why.Kind == errs.Unauthenticated {
		next := ""
		if c.Request.Method == http.MethodGet {
			next = c.Request.URL.RequestURI()
		}
		page = p.door(c, web.Status(why.Kind), door{Next: next})
	}
	if err := page.Answer(c); err != nil {
		web.Fail(c, err)
	}
	c.Abort()
}

// NotHere answers a path that nothing is at: a page for people.
func (p *Plane) NotHere(c *gin.Context) { p.failPage(c, web.ErrNotHere) }

type message struct {
	view
	Why *errs.Error
}

// door is the form to sign in with.
type door struct {
	view
	Login, Next string
	Why         *errs.Error
}

func (p *Plane) door(c *gin.Context, status int, d door) web.Page {
	return shown(status, "door.html", p.view(c), func(v view) any {
		d.view = v
		return d
	})
}

type signInForm struct {
	Login    string `form:"login" maxLength:"64"`
	Password string `form:"password" maxLength:"256"`
	Next     string `form:"next" maxLength:"2000"`
}

func (p *Plane) signIn(ctx context.Context, r *web.Caller, in signInForm) (web.Page, error) {
	next := here(in.Next)
	err := r.SignIn(ctx, in.Login, in.Password)
	if why, ok := errs.As(err); ok {
		return p.door(r.HTTP, web.Status(why.Kind), door{Login: in.Login, Next: next, Why: why}), nil
	}
	if next == "" {
		next = p.view(r.HTTP).To("/")
	}
	return web.Page{Location: next}, err
}

// here is a path of this site, "" for anything that would lead elsewhere.
func here(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, `\`) {
		return ""
	}
	return next
}

func (p *Plane) signOut(ctx context.Context, r *web.Caller, _ none) (web.Page, error) {
	token, err := r.Cookies.Token(r.HTTP, r.Plane)
	if err == nil {
		r.Token = token
		err = r.SignOut(ctx)
	} else if errs.KindOf(err) != errs.Internal { // there is no session to end
		err = nil
	}
	return web.Page{Location: p.view(r.HTTP).To("/")}, err
}
