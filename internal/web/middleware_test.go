package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"wangge/internal/web"
	"wangge/internal/web/webtest"
)

func site(tls bool) *gin.Engine {
	return webtest.Serve(tls, func(e *gin.Engine) {
		e.Handle("GET", "/cases/:number", func(c *gin.Context) {
			web.Enter(c, "city")
			c.String(http.StatusOK, "fine")
		})
		e.POST("/cases/:number", func(c *gin.Context) { c.String(http.StatusOK, "done") })
		e.GET("/panic/:number", func(*gin.Context) { panic("index out of range") })
		e.GET("/late", func(c *gin.Context) {
			c.String(http.StatusOK, "half")
			panic("too late")
		})
		e.GET("/hang-up", func(*gin.Context) { panic(http.ErrAbortHandler) })
		e.GET("/page", func(c *gin.Context) { answer(c, nil) })
		e.GET("/torn", func(c *gin.Context) { answer(c, errors.New("no words")) })
		e.GET("/away", func(c *gin.Context) {
			if err := (web.Page{Location: "/page"}).Answer(c); err != nil {
				web.Fail(c, err)
			}
		})
	})
}

func answer(c *gin.Context, err error) {
	p := web.Page{Render: func(w io.Writer, nonce string) error {
		fmt.Fprintf(w, "<style nonce=%q></style>", nonce)
		return err
	}}
	if err := p.Answer(c); err != nil {
		web.Fail(c, err)
	}
}

func TestEveryAnswerTellsTheBrowserToBeCareful(t *testing.T) {
	for _, path := range []string{"/cases/7", "/nowhere", "/panic/7", "/page"} {
		h := webtest.New(t, site(true)).Get(path).Header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
			"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if got := h.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'") || !strings.Contains(got, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, got)
		}
	}
	if got := webtest.New(t, site(false)).Get("/cases/7").Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("without TLS a browser is bound to it: %q", got)
	}
}

func TestAPageMayHaveItsOwnStyleAndNoScript(t *testing.T) {
	somebody := webtest.New(t, site(false))
	first, second := somebody.Get("/page").Want(200), somebody.Get("/page").Want(200)
	policy := first.Header.Get("Content-Security-Policy")
	_, nonce, _ := strings.Cut(policy, "'nonce-")
	nonce, _, _ = strings.Cut(nonce, "'")
	if nonce == "" || !first.Has(`nonce="`+nonce+`"`) || second.Has(nonce) {
		t.Errorf("the style is not under a nonce of its own: %q, %s", policy, first.Body)
	}
	if strings.Contains(policy, "script-src") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	somebody.Get("/torn").Refused(500, "internal")
	if got := somebody.Get("/away").Want(303).Header.Get("Location"); got != "/page" {
		t.Errorf("led to %q", got)
	}
}

// logged returns what was logged while fn ran, one record a line.
func logged(t *testing.T, fn func()) (records []map[string]any, text string) {
	t.Helper()
	var out bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&out, nil)))
	defer slog.SetDefault(before)
	fn()
	text = out.String()
	for line := range strings.Lines(text) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records, text
}

func TestTheLogSaysWhichRouteAndNeverWithWhat(t *testing.T) {
	records, text := logged(t, func() {
		webtest.New(t, site(false)).With("X-Request-Id", "forged").With("User-Agent", "phone").Get("/cases/20261123-000042?name=13800000000").Want(200)
	})
	if len(records) != 1 {
		t.Fatalf("%d lines, want one: %s", len(records), text)
	}
	r := records[0]
	for key, want := range map[string]any{"plane": "city", "method": "GET", "route": "/cases/:number", "status": 200.0, "bytes": 4.0} {
		if r[key] != want {
			t.Errorf("%s is %v, want %v", key, r[key], want)
		}
	}
	for _, private := range []string{"000042", "13800000000", "192.0.2.1", "forged", "phone"} {
		if strings.Contains(text, private) {
			t.Errorf("%q is in the log: %s", private, text)
		}
	}
}

func TestAPanicIsAnInternalErrorWithItsStackInTheLogOnly(t *testing.T) {
	var got *webtest.Answer
	records, text := logged(t, func() { got = webtest.New(t, site(false)).Get("/panic/7") })
	p := got.Refused(500, "internal")
	if got.Has("index out of range") || got.Has("goroutine") {
		t.Errorf("the panic is shown: %s", got.Body)
	}
	if len(records) != 2 || records[0]["request"] != p.Request || !strings.Contains(fmt.Sprint(records[0]["stack"]), "middleware_test.go") || records[1]["status"] != 500.0 {
		t.Errorf("logged %s", text)
	}
}

func TestAPanicAfterTheAnswerBeganAddsNothingToIt(t *testing.T) {
	if got := webtest.New(t, site(false)).Get("/late"); string(got.Body) != "half" {
		t.Errorf("got %s", got.Body)
	}
}

func TestHangingUpIsLeftToTheServer(t *testing.T) {
	defer func() {
		if got := recover(); got != http.ErrAbortHandler { //nolint:errorlint // the very value
			t.Errorf("recovered %v", got)
		}
	}()
	webtest.New(t, site(false)).Get("/hang-up")
	t.Error("the panic was swallowed")
}

func TestAnotherSitesPageCanNotPost(t *testing.T) {
	for _, c := range []struct {
		name    string
		headers map[string]string
		status  int
	}{
		{"a program sends neither header", nil, 200},
		{"our own page", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://example.com"}, 200},
		{"our own page in a browser without the newer header", map[string]string{"Origin": "http://example.com"}, 200},
		{"another site's page", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.test"}, 403},
		{"another host of the same site", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		{"another site's page in an older browser", map[string]string{"Origin": "http://evil.test"}, 403},
		{"a page that hides where it is from", map[string]string{"Origin": "null"}, 403},
	} {
		p := webtest.New(t, site(false))
		for k, v := range c.headers {
			p = p.With(k, v)
		}
		got := p.Post("/cases/7", nil).Want(c.status)
		if c.status == 403 {
			got.Refused(403, "cross_site")
		}
		p.Get("/cases/7").Want(200) // looking is free
	}
}
