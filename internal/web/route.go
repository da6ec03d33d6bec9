package web

import (
	"cmp"
	"context"
	"net/http"
	"reflect"

	"github.com/gin-gonic/gin"
)

// Access says who may call a route, beside its permission.
type Access int

// Guarded needs the route's permission, SignedIn any session of the plane,
// Public none.
const (
	Guarded Access = iota
	SignedIn
	Public
)

// Route is one operation: how it is called, who may call it, what it serves,
// and enough about its types to describe it. R is what a plane gives each
// request, such as the open city and the session.
type Route[R any] struct {
	Method, Path string // path in gin's form, below the plane's prefix
	Access       Access
	Permission   string
	Summary      Text
	Tag          string
	Status       int    // of success
	MaxBody      int64  // bytes of a request; 0 means MaxBody
	Body         string // media type of a body that the route reads itself
	In, Out      reflect.Type
	Serve        func(c *gin.Context, r R) error
}

// File is an answer that is not JSON.
type File struct {
	Type string // media type
	Name string // offered file name, "" to show it in place
	Body []byte
}

// MaxBody is the largest request body of a route that says nothing else.
const MaxBody = 1 << 20

// Handle makes the Serve of a route from a typed function. In is filled from
// its `path`, `query` and `header` tags and, when it has `json` fields, from
// the body; Out is encoded as JSON, a File or Download as it is, struct{} as no content.
func Handle[R, In, Out any](r Route[R], fn func(ctx context.Context, r R, in In) (Out, error)) Route[R] {
	r.In, r.Out = reflect.TypeFor[In](), reflect.TypeFor[Out]()
	if r.Status == 0 {
		r.Status = http.StatusOK
		if r.Out == reflect.TypeFor[struct{}]() {
			r.Status = http.StatusNoContent
		}
	}
	r.Serve = func(c *gin.Context, plane R) error {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, cmp.Or(r.MaxBody, MaxBody))
		var in In
		if err := decode(c, reflect.ValueOf(&in).Elem()); err != nil {
			return err
		}
		out, err := fn(c.Request.Context(), plane, in)
		if err != nil {
			return err
		}
		return encode(c, r.Status, out)
	}
	return r
}

func encode(c *gin.Context, status int, out any) error {
	c.Header("Cache-Control", "no-store")
	switch v := out.(type) {
	case struct{}:
		c.Status(status)
	case File:
		if v.Name != "" {
			c.Header("Content-Disposition", `attachment; filename="`+v.Name+`"`)
		}
		c.Data(status, v.Type, v.Body)
	case Download:
		return v.answer(c, status)
	case Page:
		return v.Answer(c)
	default:
		c.JSON(status, v)
	}
	return nil
}
