package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Reference is the API document arranged for reading.
type Reference struct {
	Title, Version, Description string
	Groups                      []Group
	Types                       []Type
}

// Group is the operations of one tag of a plane.
type Group struct {
	Plane, Tag string
	Operations []Operation
}

// Operation is one route as the document describes it.
type Operation struct {
	ID, Method, Path string
	Summary          Text
	Permission       string // "" when none is needed
	Public           bool
	Parameters       []Field
	Body             []Body // by media type
	Answers          []Body // of success
}

// Body is what is sent or answered: fields, or a named type, or neither.
type Body struct {
	Status, Media string
	Kind          Kind
	Fields        []Field
}

// Type is a schema that others refer to.
type Type struct {
	Name   string
	Fields []Field
}

// Field is a parameter or a field of an object.
type Field struct {
	Name, In, About string
	Kind            Kind
	Required        bool
}

// Kind is what a value is, in words: a type, perhaps one of the document's own,
// and what bounds it.
type Kind struct {
	Word   string // string, integer … or the name of a Type
	List   bool
	Own    bool // Word names a Type
	Bounds string
}

// schema is as much of a JSON schema as the planes use.
type schema struct {
	Ref         string            `json:"$ref"`
	Type        any               `json:"type"`
	Format      string            `json:"format"`
	Description string            `json:"description"`
	Properties  map[string]schema `json:"properties"`
	Required    []string          `json:"required"`
	Items       *schema           `json:"items"`
	Values      *json.RawMessage  `json:"additionalProperties"`
	Enum        []any             `json:"enum"`
	Pattern     string            `json:"pattern"`
	Minimum     *float64          `json:"minimum"`
	Maximum     *float64          `json:"maximum"`
	MinLength   *float64          `json:"minLength"`
	MaxLength   *float64          `json:"maxLength"`
}

type content map[string]struct {
	Schema schema `json:"schema"`
}

type operation struct {
	ID         string                    `json:"operationId"`
	Tags       []string                  `json:"tags"`
	Summary    string                    `json:"summary"`
	Permission string                    `json:"x-permission"`
	Security   []map[string]any          `json:"security"`
	Parameters []parameter               `json:"parameters"`
	Body       struct{ Content content } `json:"requestBody"`
	Responses  map[string]struct {
		Content content `json:"content"`
	} `json:"responses"`
}

type parameter struct {
	Name, In, Description string
	Required              bool
	Schema                schema
}

// Reference arranges the document by plane and tag.
func (d *Document) Reference() (Reference, error) {
	text, err := d.JSON()
	if err != nil {
		return Reference{}, err
	}
	var doc struct {
		Info       struct{ Title, Version, Description string }
		Paths      map[string]map[string]operation
		Components struct{ Schemas map[string]schema }
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return Reference{}, fmt.Errorf("read the API document: %w", err)
	}
	ref := Reference{Title: doc.Info.Title, Version: doc.Info.Version, Description: doc.Info.Description}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range []string{"get", "post", "put", "delete"} {
			if o, ok := doc.Paths[path][method]; ok {
				ref.add(strings.Join(o.Tags, " "), o.view(strings.ToUpper(method), path))
			}
		}
	}
	slices.SortStableFunc(ref.Groups, func(a, b Group) int {
		return cmp.Compare(slices.Index(d.planes, a.Plane), slices.Index(d.planes, b.Plane))
	})
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		ref.Types = append(ref.Types, Type{name, doc.Components.Schemas[name].fields("")})
	}
	return ref, nil
}

func (ref *Reference) add(tags string, o Operation) {
	plane, tag, _ := strings.Cut(tags, ": ")
	i := slices.IndexFunc(ref.Groups, func(g Group) bool { return g.Plane == plane && g.Tag == tag })
	if i < 0 {
		i, ref.Groups = len(ref.Groups), append(ref.Groups, Group{Plane: plane, Tag: tag})
	}
	ref.Groups[i].Operations = append(ref.Groups[i].Operations, o)
}

func (o operation) view(method, path string) Operation {
	zh, en, _ := strings.Cut(o.Summary, " / ")
	out := Operation{
		ID: o.ID, Method: method, Path: path, Summary: Text{zh, en}, Permission: o.Permission,
		Public: len(o.Security) == 0, Body: bodies("", o.Body.Content),
	}
	for _, p := range o.Parameters {
		about := cmp.Or(p.Description, p.Schema.Description)
		out.Parameters = append(out.Parameters, Field{Name: p.Name, In: p.In, About: about, Kind: p.Schema.kind(), Required: p.Required})
	}
	for _, status := range slices.Sorted(maps.Keys(o.Responses)) {
		if status == "default" { // always a problem document
			continue
		}
		answers := bodies(status, o.Responses[status].Content)
		if len(answers) == 0 {
			answers = []Body{{Status: status}}
		}
		out.Answers = append(out.Answers, answers...)
	}
	return out
}

func bodies(status string, c content) (out []Body) {
	for _, media := range slices.Sorted(maps.Keys(c)) {
		s := c[media].Schema
		out = append(out, Body{status, media, s.kind(), s.fields("")})
	}
	return out
}

// fields lists an object's fields, those of objects inside it by their path.
func (s schema) fields(prefix string) (out []Field) {
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		out = append(out, Field{Name: prefix + name, About: p.Description, Kind: p.kind(), Required: slices.Contains(s.Required, name)})
		out = append(out, p.fields(prefix+name+".")...)
		if p.Items != nil {
			out = append(out, p.Items.fields(prefix+name+"[].")...)
		}
	}
	return out
}

func (s schema) kind() Kind {
	if name, own := strings.CutPrefix(s.Ref, "#/components/schemas/"); own {
		return Kind{Word: name, Own: true}
	}
	if s.Items != nil {
		k := s.Items.kind()
		k.List = true
		return k
	}
	k := Kind{Word: s.word(), Bounds: s.bounds()}
	if k.Word == "object" && s.Values != nil {
		k.Word = "map"
	}
	return k
}

// word is the type without null, or the format that says more.
func (s schema) word() string {
	if s.Format == "date" || s.Format == "date-time" {
		return s.Format
	}
	switch t := s.Type.(type) {
	case string:
		return t
	case []any:
		for _, one := range t {
			if one != "null" {
				return fmt.Sprint(one)
			}
		}
	}
	return "any"
}

func (s schema) bounds() string {
	var out []string
	for _, value := range s.Enum {
		out = append(out, fmt.Sprint(value))
	}
	if len(out) > 0 {
		return strings.Join(out, " | ")
	}
	for _, b := range []struct {
		sign string
		n    *float64
	}{{"≥ ", s.Minimum}, {"≤ ", s.Maximum}, {"length ≥ ", s.MinLength}, {"length ≤ ", s.MaxLength}} {
		if b.n != nil {
			out = append(out, b.sign+fmt.Sprint(int64(*b.n)))
		}
	}
	if s.Pattern != "" {
		out = append(out, s.Pattern)
	}
	return strings.Join(out, ", ")
}
