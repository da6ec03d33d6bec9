package web

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"

	"wangge/internal/errs"
)

// The keys of what a request carries in its gin context.
const (
	requestID = "web.request"
	planeName = "web.plane"
)

// Enter notes which plane serves the request, for the log.
func Enter(c *gin.Context, plane string) { c.Set(planeName, plane) }

// Chain is what every request of every plane goes through, in this order: it
// is numbered, logged, saved from a panic, given the headers that tell a
// browser to be careful, and refused when another site sent it.
func Chain(tls bool) []gin.HandlerFunc {
	return []gin.HandlerFunc{number, log, recovered, headers(tls), sameOrigin()}
}

// number gives each request an ID of ours: one sent along could say anything.
func number(c *gin.Context) {
	id := rand.Text()
	c.Set(requestID, id)
	c.Header("X-Request-Id", id)
}

// log writes one line per request. It says which route was asked for and never
// with what: no parameter, query, body, name or address.
func log(c *gin.Context) {
	began := time.Now()
	c.Next()
	slog.InfoContext(c.Request.Context(), "request",
		"request", c.GetString(requestID), "plane", c.GetString(planeName), "method", c.Request.Method, "route", c.FullPath(),
		"status", c.Writer.Status(), "bytes", max(c.Writer.Size(), 0), "took", time.Since(began))
}

// recovered turns a panic into an internal error, with the stack in the log.
func recovered(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(cause) // the server's own way to hang up
		}
		slog.ErrorContext(c.Request.Context(), "panic", "request", c.GetString(requestID), "route", c.FullPath(),
			"cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
		if c.Writer.Written() {
			c.Abort()
			return
		}
		refuse(c, errInternal)
	}()
	c.Next()
}

// headers are right for an answer that is data; Page loosens them for a page.
func headers(tls bool) gin.HandlerFunc {
	return func(c *gin.Context) {
		h := c.Writer.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if tls {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
	}
}

// ErrCrossSite refuses what a page of another site sent.
var ErrCrossSite = errs.New(errs.Forbidden, "cross_site", "拒绝来自其他网站的请求", "a request sent by another site is refused")

// sameOrigin refuses requests that change something and come from another
// site's page. A program that is no browser sends neither of the headers that
// say so, and has no cookie to be abused.
func sameOrigin() gin.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	return func(c *gin.Context) {
		if protection.Check(c.Request) != nil {
			refuse(c, ErrCrossSite)
		}
	}
}
