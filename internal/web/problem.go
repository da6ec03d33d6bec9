// Package web is what every HTTP plane shares: one table from error kinds to
// statuses, problem documents, decoding, routes that describe themselves, and
// the OpenAPI document made from them.
package web

import (
	"encoding/json"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"wangge/internal/errs"
	"wangge/internal/gormx"
)

// Problem is an RFC 9457 problem document. It never carries a cause.
type Problem struct {
	Type     string         `json:"type" description:"always about:blank; the code tells problems apart"`
	Title    string         `json:"title" description:"the message in the language asked for"`
	Status   int            `json:"status"`
	Code     string         `json:"code" description:"stable, machine-readable"`
	Zh       string         `json:"message_zh"`
	En       string         `json:"message_en"`
	Request  string         `json:"request_id,omitempty" description:"quote it when asking for help: the log has it too"`
	Problems []errs.Problem `json:"errors,omitempty" description:"what is wrong where"`
}

// statuses is the one table from kind to status.
var statuses = map[errs.Kind]int{
	errs.Internal: http.StatusInternalServerError, errs.Invalid: http.StatusUnprocessableEntity,
	errs.NotFound: http.StatusNotFound, errs.Conflict: http.StatusConflict, errs.Forbidden: http.StatusForbidden,
	errs.Unauthenticated: http.StatusUnauthorized, errs.TooMany: http.StatusTooManyRequests,
	errs.Unavailable: http.StatusServiceUnavailable,
}

// errMoving answers a write to a database that takes no more, because its city is
// on its way to another server.
var errMoving = errs.New(errs.Unavailable, "city_moving", "数据正在迁移，暂时不能写入，请稍后重试", "the data is being moved and takes no writes for a moment; try again").After(2 * time.Second)

var errInternal = errs.New(errs.Internal, "internal", "内部错误，请稍后重试", "internal error")

// Shown is what of err the person who asked may read; what is ours to mend is
// logged here with its cause.
func Shown(c *gin.Context, err error) *errs.Error {
	shown, ok := errs.As(err)
	if !ok && gormx.IsReadOnly(err) {
		shown, ok = errMoving, true
	}
	if !ok {
		shown = errInternal
	}
	if shown.Kind == errs.Internal || shown.Kind == errs.Unavailable {
		slog.ErrorContext(c.Request.Context(), "request failed", "route", c.FullPath(), "request", c.GetString(requestID), "error", err.Error())
	}
	return shown
}

// Status is the HTTP status of a kind.
func Status(k errs.Kind) int { return statuses[k] }

// Fail answers err once: its own message when it may be shown, "internal
// error" when not. The cause goes to the log.
func Fail(c *gin.Context, err error) { refuse(c, Shown(c, err)) }

func refuse(c *gin.Context, shown *errs.Error) {
	p := Problem{
		Type: "about:blank", Title: Text{shown.Zh, shown.En}.In(Language(c)), Status: statuses[shown.Kind],
		Code: shown.Code, Zh: shown.Zh, En: shown.En, Request: c.GetString(requestID), Problems: shown.Problems,
	}
	body, err := json.Marshal(p)
	if err != nil {
		c.AbortWithStatus(http.StatusInternalServerError)
		return
	}
	c.Header("Cache-Control", "no-store")
	if shown.Retry > 0 {
		c.Header("Retry-After", strconv.Itoa(int(math.Ceil(shown.Retry.Seconds()))))
	}
	c.Data(p.Status, "application/problem+json; charset=utf-8", body)
	c.Abort()
}
