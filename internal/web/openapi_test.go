package web_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"wangge/internal/web"
	"wangge/internal/web/webtest"
)

type found struct {
	Things []person `json:"things"`
}

// catalogue is the routes of a small plane.
func catalogue() []web.Route[struct{}] {
	served := 0
	route := func(method, path string, a web.Access, permission string) web.Route[struct{}] {
		return web.Route[struct{}]{Method: method, Path: path, Access: a, Permission: permission, Tag: "things", Summary: web.Text{Zh: "东西", En: "things"}}
	}
	raw := route("POST", "/things/import", web.Guarded, "thing:import")
	raw.Body = "text/csv"
	return []web.Route[struct{}]{
		web.Handle(route("POST", "/things/:id", web.Guarded, "thing:change"), count[request](&served)),
		web.Handle(route("GET", "/things", web.SignedIn, ""), answers[found]),
		web.Handle(route("GET", "/things/file", web.Public, ""), answers[web.File]),
		web.Handle(raw, count[struct{}](&served)),
	}
}

func document(t *testing.T) *web.Document {
	t.Helper()
	d := web.NewDocument("接口", "1", "a test's")
	if err := web.Add(d, "/api/:code", "plane", catalogue()); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheDocumentIsMadeFromTheRoutesThatServe(t *testing.T) {
	d := document(t)
	webtest.Described(t, d, "/api/:code", catalogue())
	text, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name, In string
				Required bool
				Schema   map[string]any
			}
			RequestBody struct {
				Required bool
				Content  map[string]struct {
					Schema struct {
						Required   []string
						Properties map[string]map[string]any
					}
				}
			}
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	post := doc.Paths["/api/{code}/things/{id}"]["post"]
	body := post.RequestBody.Content["application/json"].Schema
	if !post.RequestBody.Required || len(body.Required) != 2 || len(body.Properties) != 8 {
		t.Errorf("the body is %+v", post.RequestBody)
	}
	if body.Properties["title"]["minLength"] != 1.0 || body.Properties["month"]["pattern"] == nil || body.Properties["day"]["format"] != "date" {
		t.Errorf("what is asked is not said: %v", body.Properties)
	}
	in := map[string]string{}
	for _, p := range post.Parameters {
		in[p.Name] = p.In
	}
	for name, want := range map[string]string{"code": "path", "id": "path", "stage": "query", "Idempotency-Key": "header"} {
		if in[name] != want {
			t.Errorf("%s is in %q, want %q", name, in[name], want)
		}
	}
	if _, ok := doc.Paths["/api/{code}/things/import"]["post"].RequestBody.Content["text/csv"]; !ok {
		t.Error("a body that is no JSON is not described")
	}
}

func TestTheReferenceSaysForPeopleWhatTheDocumentSays(t *testing.T) {
	ref, err := document(t).Reference()
	if err != nil {
		t.Fatal(err)
	}
	if len(ref.Groups) != 1 || ref.Groups[0].Plane != "plane" || ref.Groups[0].Tag != "things" || len(ref.Groups[0].Operations) != len(catalogue()) {
		t.Fatalf("groups %+v", ref.Groups)
	}
	byID := map[string]web.Operation{}
	for _, o := range ref.Groups[0].Operations {
		byID[o.ID] = o
	}
	change := byID["plane_post_things_id"]
	if change.Permission != "thing:change" || change.Public || change.Method != http.MethodPost || change.Summary != (web.Text{Zh: "东西", En: "things"}) {
		t.Errorf("got %+v", change)
	}
	fields := map[string]web.Field{}
	for _, f := range change.Body[0].Fields {
		fields[f.Name] = f
	}
	for name, want := range map[string]web.Field{
		"title":   {Name: "title", Required: true, Kind: web.Kind{Word: "string", Bounds: "length ≥ 1"}},
		"kind":    {Name: "kind", Kind: web.Kind{Word: "string", Bounds: "part | event"}},
		"day":     {Name: "day", Kind: web.Kind{Word: "date"}},
		"by":      {Name: "by", Kind: web.Kind{Word: "WebTestPerson", Own: true}},
		"people":  {Name: "people", Kind: web.Kind{Word: "WebTestPerson", Own: true, List: true}},
		"colours": {Name: "colours", Kind: web.Kind{Word: "WebTestColour", Own: true, List: true}},
	} {
		if fields[name] != want {
			t.Errorf("%s: got %+v, want %+v", name, fields[name], want)
		}
	}
	if file := byID["plane_get_things_file"]; !file.Public || file.Answers[0].Media != "application/octet-stream" {
		t.Errorf("a public file: %+v", file)
	}
}
