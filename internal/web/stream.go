package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// Stream is a kept file, shown in place and never held in memory. It is the
// caller's own: no shared cache keeps it, and a browser asks each time whether it
// may show what it has kept.
type Stream struct {
	Type   string // media type
	Name   string // file name in ASCII
	Size   int64  // bytes of Body
	SHA256 string // of Body in hexadecimal digits: its identity, and what a reader may check it by
	Body   io.ReadCloser
}

// HandleStream is Handle for a function that answers with a Stream. The stream is
// closed in any case. When it fails after the first byte the connection is broken
// off, so that nobody takes a part for the whole.
func HandleStream[R, In any](r Route[R], fn func(ctx context.Context, r R, in In) (Stream, error)) Route[R] {
	r = Handle(r, func(context.Context, R, In) (File, error) { return File{}, nil }) // how it is described
	r.Serve = func(c *gin.Context, plane R) error {
		var in In
		if err := decode(c, reflect.ValueOf(&in).Elem()); err != nil {
			return err
		}
		out, err := fn(c.Request.Context(), plane, in)
		if err != nil {
			return err
		}
		defer out.Body.Close()
		return out.answer(c, r.Status)
	}
	return r
}

func (s Stream) answer(c *gin.Context, status int) error {
	tag := `"` + s.SHA256 + `"`
	h := c.Writer.Header()
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", tag)
	if matches(c.GetHeader("If-None-Match"), tag) {
		c.Status(http.StatusNotModified)
		return nil
	}
	first := make([]byte, 32<<10)
	n, err := io.ReadFull(s.Body, first) // so that what can't be read at all is answered as an error
	if err != nil && !isEnd(err) {
		h.Del("ETag")
		return err
	}
	h.Set("Content-Type", s.Type)
	h.Set("Content-Length", strconv.FormatInt(s.Size, 10))
	h.Set("Content-Disposition", `inline; filename="`+s.Name+`"`)
	h.Set("X-Content-Type-Options", "nosniff")
	c.Status(status)
	_, failed := c.Writer.Write(first[:n])
	if failed == nil && err == nil {
		_, failed = io.Copy(c.Writer, s.Body)
	}
	if failed != nil {
		_ = c.Error(fmt.Errorf("stream of %s: %w", s.Name, failed))
		panic(http.ErrAbortHandler)
	}
	return nil
}

// isEnd says whether io.ReadFull met the end and nothing else.
func isEnd(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF } //nolint:errorlint // io.ReadFull returns them bare, and wraps nothing into them

// matches says whether a list of entity tags has this one.
func matches(list, tag string) bool {
	return slices.ContainsFunc(strings.Split(list, ","), func(one string) bool {
		one = strings.TrimSpace(one)
		return one == "*" || strings.TrimPrefix(one, "W/") == tag
	})
}

// Raw lets a route read its body as it is, whatever the request says that it is:
// a form would be read before the route could.
func Raw[R any](r Route[R]) Route[R] {
	serve, media := r.Serve, r.Body
	r.Serve = func(c *gin.Context, plane R) error {
		c.Request.Header.Set("Content-Type", media)
		return serve(c, plane)
	}
	return r
}

// Unhurried gives the requests of a route this long from their guard on, in the
// place of the time that every other request has.
func Unhurried[R any](r Route[R], most time.Duration) Route[R] {
	serve := r.Serve
	r.Serve = func(c *gin.Context, plane R) error {
		until := time.Now().Add(most)
		control := http.NewResponseController(c.Writer)
		_ = control.SetReadDeadline(until) // where it can't be set there is none
		_ = control.SetWriteDeadline(until)
		return serve(c, plane)
	}
	return r
}
