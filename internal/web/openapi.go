package web

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/swaggest/openapi-go"
	"github.com/swaggest/openapi-go/openapi31"
)

// Document is the OpenAPI 3.1 document of the planes added to it. It is made
// from the routes that serve, so it can't say anything else.
type Document struct {
	r      *openapi31.Reflector
	planes []string // in the order they were added
}

// NewDocument returns an empty document.
func NewDocument(title, version, description string) *Document {
	r := openapi31.NewReflector()
	r.Spec.Info.WithTitle(title).WithVersion(version).WithDescription(description)
	r.Spec.Info.WithLicense(openapi31.License{Name: "Apache-2.0", Identifier: ptr("Apache-2.0")})
	r.Spec.SetAPIKeySecurity("session", "wangge", openapi.InCookie, "the session cookie of the plane; __Host-wangge-<plane> under TLS")
	return &Document{r: r}
}

func ptr[T any](v T) *T { return &v }

var param = regexp.MustCompile(`:(\w+)`)

// OpenAPIPath is a gin path as OpenAPI writes it.
func OpenAPIPath(p string) string { return param.ReplaceAllString(p, "{$1}") }

// Add describes the routes of one plane under its prefix.
func Add[R any](d *Document, prefix, tag string, routes []Route[R]) error {
	d.planes = append(d.planes, tag)
	for _, r := range routes {
		if err := addRoute(d, prefix, tag, r); err != nil {
			return fmt.Errorf("describe %s %s: %w", r.Method, prefix+r.Path, err)
		}
	}
	return nil
}

func addRoute[R any](d *Document, prefix, plane string, r Route[R]) error {
	path := OpenAPIPath(prefix + r.Path)
	op, err := d.r.NewOperationContext(r.Method, path)
	if err != nil {
		return err
	}
	op.SetID(operationID(plane, r.Method, r.Path))
	op.SetSummary(r.Summary.Zh + " / " + r.Summary.En)
	op.SetTags(plane + ": " + r.Tag)
	describeAccess(op, r.Access, r.Permission)
	op.AddReqStructure(reflect.New(withPath(prefix+r.Path, r.In)).Interface(), needed)
	if r.Body != "" {
		op.AddReqStructure(new(string), openapi.WithContentType(r.Body), needed)
	}
	describeAnswer(op, r.Out, r.Status)
	return d.r.AddOperation(op)
}

// permissionKey is where the document says, for programs, what a route needs.
const permissionKey = "x-permission"

func describeAccess(op openapi.OperationContext, a Access, permission string) {
	switch a {
	case Guarded:
		op.SetDescription("Permission: `" + permission + "`")
		if o, ok := op.(openapi31.OperationExposer); ok {
			o.Operation().WithMapOfAnythingItem(permissionKey, permission)
		}
	case SignedIn:
		op.SetDescription("Any session of the plane.")
	case Public:
		op.SetDescription("No session needed.")
		if o, ok := op.(openapi31.OperationExposer); ok {
			o.Operation().WithMapOfAnythingItem("security", []any{}) // said, so that a reader knows it was not forgotten
		}
		return
	}
	op.AddSecurity("session")
}

// needed marks a request body as one that must be sent.
func needed(cu *openapi.ContentUnit) {
	cu.Customize = func(cor openapi.ContentOrReference) {
		if body, ok := cor.(*openapi31.RequestBodyOrReference); ok && body.RequestBody != nil {
			body.RequestBody.WithRequired(true)
		}
	}
}

func describeAnswer(op openapi.OperationContext, out reflect.Type, status int) {
	switch out {
	case reflect.TypeFor[struct{}]():
		op.AddRespStructure(nil, openapi.WithHTTPStatus(status))
	case reflect.TypeFor[File](), reflect.TypeFor[Download]():
		op.AddRespStructure(nil, openapi.WithHTTPStatus(status), openapi.WithContentType("application/octet-stream"))
	default:
		op.AddRespStructure(reflect.New(out).Interface(), openapi.WithHTTPStatus(status))
	}
	op.AddRespStructure(new(Problem), openapi.WithContentType("application/problem+json"), func(cu *openapi.ContentUnit) {
		cu.IsDefault = true
		cu.Description = "a problem document (RFC 9457)"
	})
}

// withPath adds the path parameters of the prefix, such as the city's code,
// which the plane takes and the request type does not name.
func withPath(path string, in reflect.Type) reflect.Type {
	named := map[string]bool{}
	fields := make([]reflect.StructField, 0, in.NumField()+1)
	for i := range in.NumField() {
		f := in.Field(i)
		fields = append(fields, f)
		named[f.Tag.Get("path")] = true
	}
	for _, m := range param.FindAllStringSubmatch(path, -1) {
		if !named[m[1]] {
			fields = append(fields, reflect.StructField{
				Name: "Path" + strings.ToUpper(m[1][:1]) + m[1][1:], Type: reflect.TypeFor[string](),
				Tag: reflect.StructTag(`path:"` + m[1] + `" json:"-"`),
			})
		}
	}
	return reflect.StructOf(fields)
}

func operationID(plane, method, path string) string {
	words := []string{plane, strings.ToLower(method)}
	for _, part := range strings.Split(path, "/") {
		if part != "" {
			words = append(words, strings.Trim(strings.ReplaceAll(part, ".", "_"), ":"))
		}
	}
	return strings.Join(words, "_")
}

// JSON prints the document.
func (d *Document) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(d.r.Spec, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("print the API document: %w", err)
	}
	return append(b, '\n'), nil
}
