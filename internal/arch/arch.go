// Package arch holds the rules of who may import whom, each with its reason,
// and of what a committed file must not say. It owns no behaviour of the
// product: its tests are run by make check.
package arch

import (
	"fmt"
	"slices"
	"strings"
)

// Module is the path of the module whose packages the rules are about.
const Module = "wangge"

// Package is what the rules need to know of a package: its import path, and
// the paths that its product code (not its tests) imports.
type Package struct {
	ImportPath string
	Imports    []string
}

// layer names packages that stand on one level.
type layer struct {
	name string
	who  []string
}

// layers are the levels of the house, highest first. A package may import its
// own level and those below; the first level that names a package has it.
var layers = []layer{
	{"cmd", []string{"wangge/cmd/..."}},
	{"edges", []string{
		"wangge/tenant/tenanthttp/...", "wangge/platform/platformhttp/...", "wangge/billing/...",
		"wangge/tenant/tenantdb/...", "wangge/platform/platformdb/...", "wangge/provisioning/...",
	}},
	{"platform", []string{"wangge/platform/..."}},
	{"tenant", []string{"wangge/tenant/..."}},
	{"embedded files", []string{"wangge/migrations/...", "wangge/web/..."}},
	{"internal", []string{"wangge/internal/..."}},
}

// rule says what the packages of who, except those of but, must not import.
// A pattern is an import path, or a prefix ending in "/..." that stands for
// the path before it and all below.
type rule struct {
	who, but, banned, allowed []string
	reason                    string
}

var (
	everyone = []string{"wangge/..."}
	domain   = []string{"wangge/tenant/...", "wangge/platform/...", "wangge/billing/...", "wangge/provisioning"}
	stores   = []string{"wangge/tenant/tenantdb/...", "wangge/platform/platformdb/...", "wangge/billing/billingdb/..."}
	routes   = []string{"wangge/tenant/tenanthttp/...", "wangge/platform/platformhttp/...", "wangge/billing/billinghttp/..."}
	outside  = slices.Concat(stores, routes)
	gorm     = []string{"gorm.io/..."}
	casbin   = []string{"github.com/casbin/..."}
	gin      = []string{"github.com/gin-gonic/...", "github.com/gin-contrib/..."}
)

// rules are held beside the layers. allowed takes back a part of banned.
var rules = []rule{
	{who: domain, but: outside, banned: slices.Concat(gin, gorm, casbin),
		reason: "a rule of the field is a table or a pure method; it must not change when a library does"},
	{who: domain, but: outside, banned: outside,
		reason: "the domain is what rows and routes are made from, so it cannot know them"},
	{who: []string{"wangge/tenant/...", "wangge/platform/...", "wangge/billing/..."},
		but:    slices.Concat(outside, []string{"wangge/tenant", "wangge/platform"}),
		banned: []string{"wangge/internal/...", "wangge/migrations/...", "wangge/web/..."}, allowed: []string{"wangge/internal/errs"},
		reason: "a domain package needs errors to refuse with and nothing else; only a plane's top assembles services"},
	{who: stores, banned: routes,
		reason: "a query does not depend on who asks over HTTP"},
	{who: routes, banned: stores,
		reason: "a route calls a service; a query in a route escapes the rules and the journal"},
	{who: []string{"wangge/platform/...", "wangge/billing/..."}, banned: []string{"wangge/tenant/tenantdb/...", "wangge/tenant/tenanthttp/..."},
		reason: "the province sees figures, never rows: it reads cities through interfaces of its own"},
	{who: []string{"wangge/tenant/..."}, banned: []string{"wangge/platform/platformdb/...", "wangge/billing/..."},
		reason: "a city runs without the province's database and does not know its price"},
	{who: []string{"wangge/provisioning/..."}, banned: []string{"wangge/billing/..."},
		reason: "a city is set up the same whoever pays"},
	{who: []string{"wangge/billing/..."}, banned: []string{"wangge/provisioning/..."},
		reason: "an invoice is made from recorded usage, not from how a city was set up"},
	{who: everyone, banned: []string{"wangge/tools/..."},
		reason: "tools are modules of their own so that their dependencies never enter the product"},
	{who: everyone, banned: gorm,
		but: slices.Concat(stores, []string{
			"wangge/cmd/...", "wangge/internal/gormx/...", "wangge/internal/identity/...", "wangge/internal/schedule/...",
			"wangge/internal/journal/...", "wangge/internal/policy/...", "wangge/provisioning/sqlite/...", "wangge/provisioning/postgres/...",
			"wangge/provisioning/provisioningdb/...",
		}),
		reason: "who can open a database decides what a city can reach, so few may"},
	{who: everyone, but: []string{"wangge/internal/policy/..."}, banned: casbin,
		reason: "one place decides how enforcers are built and reloaded; a cached enforcer answers stale allows"},
	{who: everyone, banned: []string{"github.com/glebarez/...", "github.com/mattn/go-sqlite3", "github.com/ncruces/..."},
		reason: "a second SQLite driver of the same name panics at start-up, and CGO is off"},
	{who: everyone, but: []string{"wangge/internal/pgserver/..."}, banned: []string{"testing"},
		reason: "test helpers live in packages named …test or testdb, which only tests import"},
}

// Violations returns one line for every import that a rule or the order of the
// layers refuses, and for every package that no layer names. Suites that only
// tests import may reach anything, but nothing but a test may import them.
func Violations(packages []Package) []string {
	var found []string
	for _, p := range packages {
		if suite(p.ImportPath) {
			continue
		}
		from := level(p.ImportPath)
		if from < 0 {
			found = append(found, p.ImportPath+" is in no layer: give its folder a place in layers")
			continue
		}
		for _, imported := range p.Imports {
			for _, reason := range refusals(p.ImportPath, from, imported) {
				found = append(found, fmt.Sprintf("%s must not import %s: %s", p.ImportPath, imported, reason))
			}
		}
	}
	return found
}

// refusals returns why the package who, of layer from, must not import imported.
func refusals(who string, from int, imported string) []string {
	var reasons []string
	if to := level(imported); to >= 0 && to < from {
		reasons = append(reasons, layers[from].name+" stands below "+layers[to].name)
	}
	if suite(imported) {
		reasons = append(reasons, "it is a suite that only tests import")
	}
	for _, r := range rules {
		if matches(r.who, who) && !matches(r.but, who) && matches(r.banned, imported) && !matches(r.allowed, imported) {
			reasons = append(reasons, r.reason)
		}
	}
	return reasons
}

// suite tells whether a package is one that only tests import.
func suite(path string) bool {
	return strings.HasPrefix(path, Module+"/") && (strings.HasSuffix(path, "test") || path == Module+"/internal/testdb")
}

// level returns the index of the layer that has the package, or -1.
func level(path string) int {
	return slices.IndexFunc(layers, func(l layer) bool { return matches(l.who, path) })
}

// matches tells whether one of the patterns stands for the path.
func matches(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		prefix, deep := strings.CutSuffix(pattern, "/...")
		return path == prefix || deep && strings.HasPrefix(path, prefix+"/")
	})
}
