package web_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"wangge/internal/errs"
	"wangge/internal/web"
	"wangge/internal/web/webtest"
)

// failing serves one route that fails with err.
func failing(err error) *gin.Engine {
	return webtest.Serve(false, func(e *gin.Engine) {
		e.GET("/x", func(c *gin.Context) { web.Fail(c, err) })
	})
}

func TestEveryKindOfErrorHasItsStatus(t *testing.T) {
	for kind, status := range map[errs.Kind]int{
		errs.Internal: 500, errs.Invalid: 422, errs.NotFound: 404, errs.Conflict: 409,
		errs.Forbidden: 403, errs.Unauthenticated: 401, errs.TooMany: 429, errs.Unavailable: 503,
	} {
		err := fmt.Errorf("case 7 at 10.0.0.3: %w", errs.New(kind, "some_code", "某种错误", "some error"))
		got := webtest.New(t, failing(err)).Get("/x")
		p := got.Refused(status, "some_code")
		if p.Title != "某种错误" || p.Request == "" || p.Request != got.Header.Get("X-Request-Id") {
			t.Errorf("%s: titled %q, request %q", kind, p.Title, p.Request)
		}
		if got.Has("10.0.0.3") {
			t.Errorf("%s: the cause is shown: %s", kind, got.Body)
		}
	}
}

func TestAnErrorWithoutAKindIsOursAndSaysNothing(t *testing.T) {
	got := webtest.New(t, failing(errors.New("pq: relation accounts is missing"))).Get("/x")
	got.Refused(http.StatusInternalServerError, "internal")
	if got.Has("accounts") {
		t.Errorf("the cause is shown: %s", got.Body)
	}
}

func TestATitleIsInTheLanguageAskedFor(t *testing.T) {
	err := errs.New(errs.NotFound, "no_such_case", "没有这个案卷", "no such case")
	somebody := webtest.New(t, failing(err))
	for _, c := range []struct {
		name, path, accept, want string
	}{
		{"Chinese when nothing is asked", "/x", "", "没有这个案卷"},
		{"English when the browser prefers it", "/x", "en-GB,en;q=0.9,zh;q=0.5", "no such case"},
		{"what is asked for goes before the browser", "/x?lang=zh-CN", "en", "没有这个案卷"},
		{"English when it is asked for", "/x?lang=en", "zh-CN", "no such case"},
	} {
		if p := somebody.With("Accept-Language", c.accept).Get(c.path).Refused(404, "no_such_case"); p.Title != c.want {
			t.Errorf("%s: got %q, want %q", c.name, p.Title, c.want)
		}
	}
}

func TestWhatIsWrongIsNamedWithItsPlace(t *testing.T) {
	err := errs.Problems(errs.Problem{File: "grids.geojson", Row: 7, Field: "code", Zh: "编码有误", En: "bad code"})
	p := webtest.New(t, failing(err)).Get("/x").Refused(422, "invalid")
	if len(p.Problems) != 1 || p.Problems[0].Row != 7 || !strings.Contains(p.Problems[0].Zh, "编码") {
		t.Errorf("got %+v", p.Problems)
	}
}
