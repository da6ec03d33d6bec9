package web

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"
)

// Page is an answer for people: an HTML page, or the way to another one.
type Page struct {
	Status   int    // 0 means 200
	Location string // where to go instead; a path of this site
	Render   func(w io.Writer, nonce string) error
}

// Answer sends the page, or nothing at all when it can't be rendered. The only
// style a page may have is in style elements that carry the nonce; it runs no
// script and its forms go to this site alone.
//
// Its referrer stays on this site, but is sent there: without it a browser hides
// from us that our own form was posted by our own page.
func (p Page) Answer(c *gin.Context) error {
	c.Header("Cache-Control", "no-store")
	if p.Location != "" {
		c.Redirect(http.StatusSeeOther, p.Location)
		return nil
	}
	nonce := rand.Text()
	var body bytes.Buffer
	if err := p.Render(&body, nonce); err != nil {
		return err
	}
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; img-src 'self' data:; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	c.Header("Referrer-Policy", "same-origin")
	c.Data(cmp.Or(p.Status, http.StatusOK), "text/html; charset=utf-8", body.Bytes())
	return nil
}
