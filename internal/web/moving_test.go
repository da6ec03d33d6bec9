package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgconn"

	"wangge/internal/web"
)

func TestAWriteToADatabaseThatTakesNoneIsToBeTriedAgain(t *testing.T) {
	for sqlState, want := range map[string]int{"25006": http.StatusServiceUnavailable, "42501": http.StatusInternalServerError} {
		rec := httptest.NewRecorder()
		c, _ := gin.CreateTestContext(rec)
		c.Request = httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody)
		web.Fail(c, fmt.Errorf("report: %w", &pgconn.PgError{Code: sqlState}))
		if retry := rec.Header().Get("Retry-After"); rec.Code != want || (retry == "2") != (want == http.StatusServiceUnavailable) {
			t.Errorf("%s: got %d, to be tried again after %q; want %d", sqlState, rec.Code, retry, want)
		}
	}
}
