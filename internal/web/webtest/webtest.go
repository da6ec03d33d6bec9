// Package webtest asks planes over HTTP the way people and programs do: each
// Person keeps their cookies. Only tests import it.
package webtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"wangge/internal/web"
)

// Serve makes an engine of what mount registers, behind the chain.
func Serve(tls bool, mount ...func(*gin.Engine)) *gin.Engine {
	gin.SetMode(gin.TestMode)
	e := gin.New()
	e.Use(web.Chain(tls)...)
	for _, m := range mount {
		m(e)
	}
	return e
}

// Person is one browser or program.
type Person struct {
	t       testing.TB
	handler http.Handler
	cookies map[string]string
	headers map[string]string
}

// New is somebody without any cookie.
func New(t testing.TB, h http.Handler) *Person {
	return &Person{t, h, map[string]string{}, map[string]string{}}
}

// With returns the same person sending one more header.
func (p *Person) With(name, value string) *Person {
	q := &Person{p.t, p.handler, p.cookies, map[string]string{name: value}}
	for k, v := range p.headers {
		q.headers[k] = v
	}
	return q
}

// Hold gives the person a cookie.
func (p *Person) Hold(name, value string) *Person {
	p.cookies[name] = value
	return p
}

// Do sends a request: a string is the body as it is, nil none, anything else
// is sent as JSON.
func (p *Person) Do(method, path string, body any) *Answer {
	p.t.Helper()
	var text string
	switch b := body.(type) {
	case nil:
	case string:
		text = b
	default:
		j, err := json.Marshal(b)
		if err != nil {
			p.t.Fatal(err)
		}
		text = string(j)
	}
	media := ""
	if text != "" {
		media = "application/json"
	}
	return p.send(method, path, text, media)
}

// Get is Do without a body.
func (p *Person) Get(path string) *Answer {
	p.t.Helper()
	return p.Do("GET", path, nil)
}

// Post is Do.
func (p *Person) Post(path string, body any) *Answer {
	p.t.Helper()
	return p.Do("POST", path, body)
}

// Form posts a form as a page of this site does.
func (p *Person) Form(path string, fields url.Values) *Answer {
	p.t.Helper()
	return p.send("POST", path, fields.Encode(), "application/x-www-form-urlencoded")
}

func (p *Person) send(method, path, body, media string) *Answer {
	p.t.Helper()
	r := httptest.NewRequestWithContext(p.t.Context(), method, path, strings.NewReader(body))
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	for k, v := range p.headers {
		r.Header.Set(k, v)
	}
	for k, v := range p.cookies {
		r.AddCookie(&http.Cookie{Name: k, Value: v})
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	res := w.Result()
	defer res.Body.Close()
	for _, c := range res.Cookies() {
		if p.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(p.cookies, c.Name)
		}
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return &Answer{p.t, method + " " + path, res.StatusCode, res.Header, text}
}

// Answer is what came back.
type Answer struct {
	t      testing.TB
	asked  string
	Status int
	Header http.Header
	Body   []byte
}

// Want ends the test unless the answer has this status.
func (a *Answer) Want(status int) *Answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("%s: %d, want %d: %s", a.asked, a.Status, status, a.Body)
	}
	return a
}

// Refused ends the test unless the answer is a problem of this status and code.
func (a *Answer) Refused(status int, code string) web.Problem {
	a.t.Helper()
	var p web.Problem
	a.Want(status).Into(&p)
	if p.Code != code || p.Status != status || p.Zh == "" || p.En == "" || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/problem+json") {
		a.t.Fatalf("%s: %s as %s, want the problem %s in both languages", a.asked, a.Body, a.Header.Get("Content-Type"), code)
	}
	return p
}

// Names ends the test unless the answer refuses the request for exactly these
// fields, each with a reason in both languages.
func (a *Answer) Names(fields ...string) {
	a.t.Helper()
	var got []string
	for _, p := range a.Refused(http.StatusUnprocessableEntity, "invalid").Problems {
		if p.Zh == "" || p.En == "" {
			a.t.Errorf("%s: %s is refused without a reason", a.asked, p.Field)
		}
		got = append(got, p.Field)
	}
	if strings.Join(got, " ") != strings.Join(fields, " ") {
		a.t.Errorf("%s: faults at %q, want %q", a.asked, got, fields)
	}
}

// Into reads the answer's JSON, all of whose fields v must have.
func (a *Answer) Into(v any) {
	a.t.Helper()
	d := json.NewDecoder(bytes.NewReader(a.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		a.t.Fatalf("%s: %v in %s", a.asked, err, a.Body)
	}
}

// Has says whether the answer contains a text.
func (a *Answer) Has(text string) bool { return bytes.Contains(a.Body, []byte(text)) }
