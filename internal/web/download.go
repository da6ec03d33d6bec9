package web

import (
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"
)

// Download is a file that is written while it is made, so that its size does
// not matter. An error before its first byte is answered like any other; one
// after it breaks the connection off, so that nobody takes a part for the whole.
type Download struct {
	Type  string // media type
	Name  string // offered file name
	Write func(w io.Writer) error
}

// begun notes whether anything was written.
type begun struct {
	io.Writer
	bytes int64
}

func (b *begun) Write(p []byte) (int, error) {
	n, err := b.Writer.Write(p)
	b.bytes += int64(n)
	return n, err
}

func (d Download) answer(c *gin.Context, status int) error {
	c.Header("Content-Type", d.Type)
	c.Header("X-Content-Type-Options", "nosniff")
	c.Header("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(d.Name))
	c.Status(status)
	out := &begun{Writer: c.Writer}
	err := d.Write(out)
	if err == nil {
		return nil
	}
	if out.bytes == 0 {
		c.Header("Content-Disposition", "")
		return err
	}
	_ = c.Error(fmt.Errorf("download of %s after %d bytes: %w", d.Name, out.bytes, err))
	panic(http.ErrAbortHandler)
}
