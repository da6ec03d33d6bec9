package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gin-gonic/gin"

	"wangge/internal/errs"
	"wangge/internal/web"
	"wangge/internal/web/webtest"
)

type shelf struct {
	Name string `path:"name" json:"-"`
}

// kept is a body that notes whether it was closed.
type kept struct {
	io.Reader
	closed bool
}

func (k *kept) Close() error {
	k.closed = true
	return nil
}

// streaming serves body at /files/x.
func streaming(body *kept, size int64) *gin.Engine {
	route := web.HandleStream(web.Route[struct{}]{Method: "GET", Path: "/files/:name"}, func(_ context.Context, _ struct{}, in shelf) (web.Stream, error) {
		if in.Name != "x" {
			return web.Stream{}, errs.New(errs.NotFound, "gone", "没有", "gone")
		}
		return web.Stream{Type: "image/png", Name: "x.png", Size: size, SHA256: "ab", Body: body}, nil
	})
	return served(route)
}

func served(route web.Route[struct{}]) *gin.Engine {
	return webtest.Serve(false, func(e *gin.Engine) {
		e.Handle(route.Method, route.Path, func(c *gin.Context) {
			if err := route.Serve(c, struct{}{}); err != nil {
				web.Fail(c, err)
			}
		})
	})
}

func TestAStreamIsShownInPlaceAndKeptByNobodyElse(t *testing.T) {
	for _, size := range []int{0, 1, 100_000} {
		text := strings.Repeat("x", size)
		body := &kept{Reader: strings.NewReader(text)}
		p := webtest.New(t, streaming(body, int64(size)))
		got := p.Get("/files/x").Want(200)
		for name, want := range map[string]string{
			"Content-Type": "image/png", "Content-Disposition": `inline; filename="x.png"`, "X-Content-Type-Options": "nosniff",
			"Cache-Control": "private, no-cache", "ETag": `"ab"`,
		} {
			if got.Header.Get(name) != want {
				t.Errorf("%s is %q, want %q", name, got.Header.Get(name), want)
			}
		}
		if string(got.Body) != text || !body.closed {
			t.Errorf("got %d of %d bytes, closed %v", len(got.Body), size, body.closed)
		}
	}
	p := webtest.New(t, streaming(&kept{Reader: strings.NewReader("x")}, 1))
	p.Get("/files/y").Refused(404, "gone")
	for tags, want := range map[string]int{`"ab"`: 304, `W/"ab"`: 304, `"x", "ab"`: 304, "*": 304, `"a"`: 200, "ab": 200} {
		body := &kept{Reader: strings.NewReader("x")}
		if got := webtest.New(t, streaming(body, 1)).With("If-None-Match", tags).Get("/files/x"); got.Status != want || want == 304 && len(got.Body) > 0 || !body.closed {
			t.Errorf("asked whether it is still other than %s: %d %q, closed %v", tags, got.Status, got.Body, body.closed)
		}
	}
}

func TestAStreamThatFailsIsARefusalOrBrokenOffAndNeverAPart(t *testing.T) {
	lost := errs.New(errs.Unavailable, "lost", "丢失", "lost")
	webtest.New(t, streaming(&kept{Reader: iotest.ErrReader(lost)}, 5)).Get("/files/x").Refused(503, "lost")
	body := &kept{Reader: io.MultiReader(strings.NewReader(strings.Repeat("x", 90_000)), iotest.ErrReader(lost))}
	server := httptest.NewServer(streaming(body, 100_000))
	defer server.Close()
	answer, err := http.Get(server.URL + "/files/x")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if part, err := io.ReadAll(answer.Body); !errors.Is(err, io.ErrUnexpectedEOF) || !body.closed {
		t.Errorf("got %d bytes, %v, closed %v; want the connection broken off", len(part), err, body.closed)
	}
}

func TestARawBodyIsReadWhateverTheRequestCallsIt(t *testing.T) {
	route := web.Handle(web.Route[*gin.Context]{Method: "POST", Path: "/files/:name", Body: "application/octet-stream"}, func(_ context.Context, c *gin.Context, _ shelf) (struct{}, error) {
		text, err := io.ReadAll(c.Request.Body)
		if err == nil && string(text) != "a=b" {
			err = errors.New("got " + string(text))
		}
		return struct{}{}, err
	})
	ask := func(route web.Route[*gin.Context]) int {
		e := webtest.Serve(false, func(e *gin.Engine) {
			e.Handle(route.Method, route.Path, func(c *gin.Context) {
				if err := route.Serve(c, c); err != nil {
					web.Fail(c, err)
				}
			})
		})
		return webtest.New(t, e).Form("/files/x", map[string][]string{"a": {"b"}}).Status
	}
	if got := ask(route); got != 500 {
		t.Errorf("without Raw the form was left alone: %d", got)
	}
	if got := ask(web.Raw(route)); got != 204 {
		t.Errorf("got %d, want the body as it was sent", got)
	}
}

// patient notes the deadlines that are set.
type patient struct {
	*httptest.ResponseRecorder
	read, write time.Time
}

func (p *patient) SetReadDeadline(t time.Time) error {
	p.read = t
	return nil
}

func (p *patient) SetWriteDeadline(t time.Time) error {
	p.write = t
	return nil
}

func TestAnUnhurriedRouteHasItsOwnTime(t *testing.T) {
	route := web.Unhurried(web.Handle(web.Route[struct{}]{Method: "GET", Path: "/files/:name"}, func(context.Context, struct{}, shelf) (struct{}, error) {
		return struct{}{}, nil
	}), time.Hour)
	w := &patient{ResponseRecorder: httptest.NewRecorder()}
	began := time.Now()
	served(route).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/files/x", bytes.NewReader(nil)))
	for _, at := range []time.Time{w.read, w.write} {
		if d := at.Sub(began); d < time.Hour || d > time.Hour+time.Minute {
			t.Errorf("it has %v, want an hour", d)
		}
	}
}
