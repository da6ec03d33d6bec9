package tenanthttp

import (
	"context"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"wangge/tenant/evidence"
	"wangge/tenant/limit"
)

// admit lets a request in before anything is done for it, and gives it a place
// until done. A report has a share of its own.
func admit(limits *limit.City, route Route) (done func(), err error) {
	report := route.Method == http.MethodPost && route.Path == "/cases"
	if err := limits.Request(report); err != nil {
		return nil, err
	}
	return limits.Query(report)
}

// within holds a request that was let in to the limits of what it brings: a file
// to import, evidence to keep, an account more.
func within(c *gin.Context, route Route, r *Request) error {
	switch {
	case route.Method != http.MethodPost:
		return nil
	case strings.HasSuffix(route.Path, "/import"):
		most, err := r.Limits.ImportSize(c.Request.ContentLength)
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, most)
		return err
	case route.Path == "/cases/:number/evidence":
		size := c.Request.ContentLength
		if size < 0 {
			size = evidence.DefaultLimits().Largest()
		}
		return r.Limits.Room(c.Request.Context(), size, r.City.Evidence.Held)
	case route.Path == "/accounts":
		return user(c.Request.Context(), r)
	}
	return nil
}

func user(ctx context.Context, r *Request) error {
	there, err := r.City.Accounts.Count(ctx)
	if err != nil {
		return err
	}
	return r.Limits.User(there)
}
