package tenanthttp

import (
	"context"
	"net/http"

	"wangge/tenant"
)

// standing refuses what a suspended city does not do. Signing in and out goes on,
// because who reports something urgent must be known; whether a report is
// urgent is asked where it is read.
func standing(route Route, r *Request) error {
	if route.Path == "/session" || route.Method == http.MethodPost && route.Path == "/cases" {
		return nil
	}
	return r.City.Standing.Admit(route.Method != http.MethodGet)
}

// urgent refuses a report to a suspended city that can wait.
func urgent(ctx context.Context, r *Request, condition string) error {
	if r.City.Standing == (tenant.Standing{}) {
		return nil
	}
	c, err := r.City.Catalogue.Condition(ctx, condition)
	if err != nil {
		return err
	}
	return r.City.Standing.AdmitReport(c.Limit)
}
