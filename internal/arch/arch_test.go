package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

func TestTheModuleKeepsItsImportRules(t *testing.T) {
	packages := load(t)
	if len(packages) < 10 {
		t.Fatalf("go list found %d packages, want the whole module", len(packages))
	}
	for _, violation := range Violations(packages) {
		t.Error(violation)
	}
}

func TestAPlantedViolationIsFound(t *testing.T) {
	for _, c := range []struct{ name, who, imported, reason string }{
		{"a case asks GORM", "wangge/tenant/casework", "gorm.io/gorm", "table or a pure method"},
		{"a ranking answers HTTP", "wangge/platform/ranking", "github.com/gin-gonic/gin", "table or a pure method"},
		{"an invoice asks casbin", "wangge/billing", "github.com/casbin/casbin/v2", "one place decides"},
		{"the top of provisioning opens a database", "wangge/provisioning", "gorm.io/driver/postgres", "table or a pure method"},
		{"a case knows its rows", "wangge/tenant/casework", "wangge/tenant/tenantdb", "cannot know them"},
		{"a case logs", "wangge/tenant/casework", "wangge/internal/telemetry", "errors to refuse with"},
		{"a route queries", "wangge/tenant/tenanthttp", "wangge/tenant/tenantdb", "a route calls a service"},
		{"a store routes", "wangge/billing/billingdb", "wangge/billing/billinghttp", "does not depend on who asks"},
		{"the province reads rows of a city", "wangge/platform/platformdb", "wangge/tenant/tenantdb", "figures, never rows"},
		{"a city reads the province", "wangge/tenant/grid", "wangge/platform", "tenant stands below platform"},
		{"the province sends invoices", "wangge/platform/review", "wangge/billing", "platform stands below edges"},
		{"internal learns a word of the field", "wangge/internal/web", "wangge/tenant", "internal stands below tenant"},
		{"a store calls the command", "wangge/tenant/tenantdb", "wangge/cmd/wangge", "edges stands below cmd"},
		{"provisioning prices", "wangge/provisioning/postgres", "wangge/billing", "whoever pays"},
		{"billing provisions", "wangge/billing/billingdb", "wangge/provisioning", "recorded usage"},
		{"the product needs a tool", "wangge/cmd/wangge", "wangge/tools/chart", "modules of their own"},
		{"the web layer opens a database", "wangge/internal/web", "gorm.io/gorm", "few may"},
		{"a route asks casbin itself", "wangge/tenant/tenanthttp", "github.com/casbin/casbin/v2", "one place decides"},
		{"a second SQLite driver comes in", "wangge/internal/gormx", "github.com/glebarez/sqlite", "panics at start-up"},
		{"a test helper is served", "wangge/cmd/wangge", "wangge/internal/testdb", "only tests import"},
		{"a folder without a place", "wangge/helpers", "fmt", "in no layer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := Violations([]Package{{ImportPath: c.who, Imports: []string{"context", c.imported}}})
			if len(found) == 0 || !strings.Contains(strings.Join(found, "\n"), c.reason) {
				t.Errorf("%s imports %s: got %q, want a violation saying %q", c.who, c.imported, found, c.reason)
			}
		})
	}
}

func TestWhatTheArchitectureDrawsIsAllowed(t *testing.T) {
	allowed := []Package{
		{"wangge/cmd/wangge", []string{"gorm.io/gorm", "wangge/tenant/tenanthttp", "wangge/tenant/tenantdb", "wangge/provisioning", "wangge/billing"}},
		{"wangge/tenant/tenantdb", []string{"gorm.io/gorm", "wangge/tenant/casework", "wangge/internal/gormx", "wangge/migrations"}},
		{"wangge/tenant/tenanthttp", []string{"github.com/gin-gonic/gin", "wangge/tenant", "wangge/internal/web"}},
		{"wangge/tenant/casework", []string{"time", "wangge/tenant/calendar", "wangge/internal/errs"}},
		{"wangge/platform/exchange", []string{"wangge/tenant/evaluation", "wangge/internal/errs"}},
		{"wangge/provisioning/postgres", []string{"gorm.io/gorm", "wangge/provisioning"}},
		{"wangge/internal/policy", []string{"github.com/casbin/casbin/v2"}},
		{"wangge/tenant/casework/caseworktest", []string{"testing", "wangge/tenant/tenantdb", "wangge/internal/testdb"}},
	}
	if found := Violations(allowed); len(found) > 0 {
		t.Errorf("got %q, want no violation", found)
	}
}

// load lists the packages of the module with what their product code imports.
func load(t *testing.T) []Package {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", Module+"/...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	var packages []Package
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p Package
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		packages = append(packages, p)
	}
}
