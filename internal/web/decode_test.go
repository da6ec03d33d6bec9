package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"wangge/internal/web"
	"wangge/internal/web/webtest"
)

// colour is an enum that lists its own values.
type colour string

func (colour) Enum() []any { return []any{"red", "green"} }

type person struct {
	Name  string `json:"name" required:"true" minLength:"1" maxLength:"4"`
	Phone string `json:"phone"`
}

type request struct {
	ID      int64    `path:"id" json:"-" minimum:"1"`
	Key     string   `header:"Idempotency-Key" json:"-" maxLength:"5"`
	Stage   string   `query:"stage" json:"-" enum:"open,closed"`
	Limit   int      `query:"limit" json:"-" minimum:"1" maximum:"200"`
	Lat     float64  `query:"lat" json:"-" maximum:"90"`
	Full    bool     `query:"full" json:"-"`
	Title   string   `json:"title" required:"true" minLength:"1"`
	Weight  float64  `json:"weight" required:"true" minimum:"-1" maximum:"1"`
	Month   string   `json:"month" pattern:"^[0-9]{4}-[0-9]{2}$" example:"2026-11"`
	Day     string   `json:"day" format:"date"`
	Kind    string   `json:"kind" enum:"part,event"`
	Colours []colour `json:"colours" maxItems:"2"`
	People  []person `json:"people" minItems:"1"`
	By      *person  `json:"by"`
}

type search struct {
	From string `query:"from" required:"true" format:"date"`
}

type form struct {
	Login string `form:"login" required:"true" maxLength:"5"`
}

// echo serves the request types and counts how often one got through.
func echo(served *int) *gin.Engine {
	route := func(method, path string) web.Route[struct{}] { return web.Route[struct{}]{Method: method, Path: path} }
	small := route("POST", "/small")
	small.MaxBody = 20
	return webtest.Serve(false, func(e *gin.Engine) {
		for _, r := range []web.Route[struct{}]{
			web.Handle(route("POST", "/things/:id"), count[request](served)),
			web.Handle(route("GET", "/search"), count[search](served)),
			web.Handle(route("POST", "/form"), count[form](served)),
			web.Handle(small, count[person](served)),
		} {
			e.Handle(r.Method, r.Path, func(c *gin.Context) {
				if err := r.Serve(c, struct{}{}); err != nil {
					web.Fail(c, err)
				}
			})
		}
	})
}

func count[In any](served *int) func(context.Context, struct{}, In) (struct{}, error) {
	return func(context.Context, struct{}, In) (struct{}, error) {
		*served++
		return struct{}{}, nil
	}
}

func TestWhatTheTagsAskIsAskedOfEveryRequest(t *testing.T) {
	served := 0
	somebody := webtest.New(t, echo(&served))
	good := `{"title":"井盖","weight":0,"people":[{"name":"甲"}]}`
	for _, c := range []struct {
		name, path, key, body string
		faults                []string
	}{
		{"zero is a number and not missing", "/things/1", "", good, nil},
		{"everything at its bound", "/things/1?stage=closed&limit=200&lat=90&full=true", "abcde",
			`{"title":"x","weight":-1,"month":"2026-11","day":"2026-02-28","kind":"part","colours":["red","green"],"people":[{"name":"一二三四","phone":"1"}],"by":{"name":"x"}}`, nil},
		{"null is as good as absent", "/things/1", "", `{"title":"x","weight":0,"by":null,"kind":null}`, nil},
		{"an empty object", "/things/1", "", `{}`, []string{"title", "weight"}},
		{"null for what is required", "/things/1", "", `{"title":null,"weight":0}`, []string{"title"}},
		{"a word that is not in the list", "/things/1", "", `{"title":"x","weight":0,"kind":"door"}`, []string{"kind"}},
		{"an empty word is not in the list either", "/things/1", "", `{"title":"x","weight":0,"kind":""}`, []string{"kind"}},
		{"a list of a type that knows its values", "/things/1", "", `{"title":"x","weight":0,"colours":["red","blue"]}`, []string{"colours[1]"}},
		{"too many in a list", "/things/1", "", `{"title":"x","weight":0,"colours":["red","red","red"]}`, []string{"colours"}},
		{"too few in a list", "/things/1", "", `{"title":"x","weight":0,"people":[]}`, []string{"people"}},
		{"inside a list", "/things/1", "", `{"title":"x","weight":0,"people":[{"name":"x"},{"phone":"1"},null]}`, []string{"people[1].name", "people[2]"}},
		{"inside an object", "/things/1", "", `{"title":"x","weight":0,"by":{"name":"一二三四五","age":7}}`, []string{"by.name", "by.age"}},
		{"a field nobody knows", "/things/1", "", `{"title":"x","weight":0,"extra":1}`, []string{"extra"}},
		{"a parameter sent in the body", "/things/1", "", `{"title":"x","weight":0,"Stage":"open"}`, []string{"Stage"}},
		{"another case of a field", "/things/1", "", `{"Title":"x","weight":0}`, []string{"title", "Title"}},
		{"a number out of bounds", "/things/1", "", `{"title":"x","weight":1.5}`, []string{"weight"}},
		{"not a month, not a day", "/things/1", "", `{"title":"x","weight":0,"month":"11/2026","day":"2026-02-30"}`, []string{"month", "day"}},
		{"nothing in a text that needs something", "/things/1", "", `{"title":"","weight":0}`, []string{"title"}},
		{"characters that no database keeps", "/things/1", "", `{"title":"a\u0000b","weight":0}`, []string{"title"}},
		{"a text for a number", "/things/1", "", `{"title":"x","weight":"0"}`, []string{"weight"}},
		{"a number for a text, further in", "/things/1", "", `{"title":"x","weight":0,"by":{"name":1}}`, []string{"by.name"}},
		{"a list instead of an object", "/things/1", "", `[]`, []string{"body"}},
		{"null instead of an object", "/things/1", "", `null`, []string{"body"}},
		{"malformed JSON", "/things/1", "", `{"title":`, []string{"body"}},
		{"something behind the JSON", "/things/1", "", good + `{}`, []string{"body"}},
		{"a path that is no number", "/things/seven", "", good, []string{"id"}},
		{"a path out of bounds", "/things/0", "", good, []string{"id"}},
		{"a parameter that is no number", "/things/1?limit=many", "", good, []string{"limit"}},
		{"a number of this world", "/things/1?lat=NaN", "", good, []string{"lat"}},
		{"a parameter that is neither true nor false", "/things/1?full=maybe", "", good, []string{"full"}},
		{"parameters out of their lists and bounds", "/things/1?stage=lost&limit=201", "", good, []string{"stage", "limit"}},
		{"a parameter given twice", "/things/1?limit=1&limit=2", "", good, []string{"limit"}},
		{"a header that is too long", "/things/1", "abcdef", good, []string{"Idempotency-Key"}},
		{"a query that can't be read", "/things/1?limit=%zz", "", good, []string{"query"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			served = 0
			p := somebody
			if c.key != "" {
				p = p.With("Idempotency-Key", c.key)
			}
			got := p.Post(c.path, c.body)
			if c.faults == nil {
				got.Want(http.StatusNoContent)
				return
			}
			got.Names(c.faults...)
			if served != 0 {
				t.Error("it was served all the same")
			}
		})
	}
}

func TestARequiredParameterIsMissed(t *testing.T) {
	served := 0
	somebody := webtest.New(t, echo(&served))
	somebody.Get("/search").Names("from")
	somebody.Get("/search?from=yesterday").Names("from")
	somebody.Get("/search?from=2026-11-01").Want(http.StatusNoContent)
}

func TestAFormIsHeldToItsTagsAsWell(t *testing.T) {
	served := 0
	somebody := webtest.New(t, echo(&served))
	somebody.Form("/form", url.Values{}).Names("login")
	somebody.Form("/form", url.Values{"login": {"abcdef"}}).Names("login")
	somebody.Form("/form", url.Values{"login": {"abc"}}).Want(http.StatusNoContent)
	somebody.Form("/form?login=abc", url.Values{}).Names("login")
}

func TestABodyIsJSONAndNoLargerThanItsRouteTakes(t *testing.T) {
	served := 0
	somebody := webtest.New(t, echo(&served))
	somebody.Form("/things/1", url.Values{"title": {"x"}}).Refused(422, "not_json")
	somebody.Post("/small", `{"name":"x"}`).Want(http.StatusNoContent)
	somebody.Post("/small", `{"name":"x","phone":"12345678"}`).Refused(422, "body_too_large")
	somebody.Post("/things/1", `{"title":"`+strings.Repeat("x", web.MaxBody)+`","weight":0}`).Refused(422, "body_too_large")
	if served != 1 {
		t.Errorf("%d requests were served, want one", served)
	}
}

func answers[Out any](context.Context, struct{}, struct{}) (out Out, err error) { return out, nil }
