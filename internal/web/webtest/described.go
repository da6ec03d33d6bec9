package webtest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"wangge/internal/web"
)

// methods are those a path of an OpenAPI document may have.
var methods = []string{"get", "put", "post", "delete"}

// Described fails the test unless d is a sound OpenAPI 3.1 document in which
// every one of routes stands with its permission: no operation ID comes twice,
// no reference leads nowhere, every parameter of a path is declared.
func Described[R any](t testing.TB, d *web.Document, prefix string, routes []web.Route[R]) {
	t.Helper()
	text, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if version, _ := doc["openapi"].(string); !strings.HasPrefix(version, "3.1.") {
		t.Errorf("the document is of version %q, want 3.1", version)
	}
	references(t, doc, doc)
	paths, _ := doc["paths"].(map[string]any)
	seen := map[any]string{}
	for path, at := range paths {
		for _, method := range methods {
			if operation, ok := at.(map[string]any)[method].(map[string]any); ok {
				sound(t, method+" "+path, operation, seen)
			}
		}
	}
	for _, r := range routes {
		path := web.OpenAPIPath(prefix + r.Path)
		at, _ := paths[path].(map[string]any)
		operation, ok := at[strings.ToLower(r.Method)].(map[string]any)
		if !ok {
			t.Errorf("%s %s is served and not described", r.Method, path)
			continue
		}
		if said, _ := operation["x-permission"].(string); said != r.Permission {
			t.Errorf("%s %s: the document says permission %q, the route %q", r.Method, path, said, r.Permission)
		}
		if needs, said := operation["security"].([]any); !said || (len(needs) > 0) == (r.Access == web.Public) {
			t.Errorf("%s %s: access %d, security %v", r.Method, path, r.Access, operation["security"])
		}
		if r.Access == web.Guarded && r.Permission == "" {
			t.Errorf("%s %s is guarded by no permission", r.Method, path)
		}
	}
}

// sound checks one operation.
func sound(t testing.TB, at string, operation map[string]any, seen map[any]string) {
	t.Helper()
	id := operation["operationId"]
	if other, twice := seen[id]; twice || id == "" || id == nil {
		t.Errorf("%s: operation ID %v, which is also that of %q", at, id, other)
	}
	seen[id] = at
	var declared []string
	parameters, _ := operation["parameters"].([]any)
	for _, p := range parameters {
		if p, _ := p.(map[string]any); p["in"] == "path" && p["required"] == true {
			name, _ := p["name"].(string)
			declared = append(declared, name)
		}
	}
	var named []string
	for part := range strings.SplitSeq(at, "/") {
		if strings.HasPrefix(part, "{") {
			named = append(named, strings.Trim(part, "{}"))
		}
	}
	slices.Sort(declared)
	if slices.Sort(named); !slices.Equal(declared, named) {
		t.Errorf("%s: declares the path parameters %v", at, declared)
	}
	if responses, _ := operation["responses"].(map[string]any); len(responses) < 2 || responses["default"] == nil {
		t.Errorf("%s: answers %v, want a success and the problem document", at, responses)
	}
}

// references fails the test for a $ref that leads nowhere.
func references(t testing.TB, doc map[string]any, v any) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			references(t, doc, one)
		}
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			var at any = doc
			for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
				within, _ := at.(map[string]any)
				at = within[part]
			}
			if at == nil {
				t.Errorf("%s leads nowhere", ref)
			}
		}
		for _, one := range v {
			references(t, doc, one)
		}
	}
}
