package app

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"wangge/internal/vault"
)

// ready says whether the province's database answers. A Vault that is away does
// not make the server unready: what it holds goes on, so it is said beside it.
func (a *App) ready(c *gin.Context) {
	if err := a.Province.Ping(c.Request.Context()); err != nil {
		c.String(http.StatusServiceUnavailable, "the province's database does not answer\n")
		return
	}
	var text strings.Builder
	text.WriteString("ready\n")
	if a.Vault != nil {
		if s := a.Vault.Status(); s.State != vault.Ready {
			fmt.Fprintf(&text, "vault %s until %s: %s\n", s.State, s.Until.UTC().Format(time.RFC3339), s.Cause)
		}
	}
	c.String(http.StatusOK, text.String())
}

// metrics are counters and gauges in Prometheus' text format, version 0.0.4.
func (a *App) metrics(c *gin.Context) {
	c.Header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	if a.Vault == nil {
		return
	}
	if err := vaultMetrics(c.Writer, a.Vault.Status(), time.Now()); err != nil {
		_ = c.Error(err)
	}
}

// vaultMetrics writes what vault.Status says: each counter under its name in
// JSON, the state of each login, and how long it lasts unless it is renewed.
func vaultMetrics(w io.Writer, s vault.Status, now time.Time) error {
	text, err := json.Marshal(s.Counters)
	if err != nil {
		return err
	}
	var counters map[string]uint64
	if err := json.Unmarshal(text, &counters); err != nil {
		return err
	}
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(counters)) {
		fmt.Fprintf(&out, "# TYPE wangge_vault_%[1]s_total counter\nwangge_vault_%[1]s_total %[2]d\n", name, counters[name])
	}
	out.WriteString("# TYPE wangge_vault_state gauge\n")
	for _, state := range []vault.State{vault.Ready, vault.Degraded, vault.Closed} {
		fmt.Fprintf(&out, "wangge_vault_state{state=%q} %d\n", state, one(s.State == state))
	}
	out.WriteString("# TYPE wangge_vault_login_ready gauge\n")
	for _, p := range s.Pools {
		fmt.Fprintf(&out, "wangge_vault_login_ready{role=%q} %d\n", p.Role, one(p.State == vault.Ready))
	}
	out.WriteString("# TYPE wangge_vault_login_seconds_left gauge\n")
	for _, p := range s.Pools {
		fmt.Fprintf(&out, "wangge_vault_login_seconds_left{role=%q} %.0f\n", p.Role, p.Until.Sub(now).Seconds())
	}
	_, err = io.WriteString(w, out.String())
	return err
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}
