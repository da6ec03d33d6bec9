package provisioning

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/swaggest/jsonschema-go"

	"wangge/internal/errs"
	"wangge/tenant/access"
	"wangge/tenant/calendar"
	"wangge/tenant/org"
)

// schema is the JSON Schema of a file that people write, as text and ready to
// validate with.
type schema struct {
	text    []byte
	checker *validator.Schema
}

// The schemas are made once, when they are first asked for.
var (
	specSchema = sync.OnceValues(func() (schema, error) {
		return schemaOf(Spec{}, "城市规格 City spec", "code", "name", "grids", "administrators")
	})
	blueprintSchema = sync.OnceValues(func() (schema, error) { return schemaOf(Blueprint{}, "省级蓝图 Provincial blueprint", "name") })
)

// Schema is the JSON Schema (draft 2020-12) that every spec is validated with,
// for editors too.
func Schema() ([]byte, error) {
	s, err := specSchema()
	return s.text, err
}

// BlueprintSchema is the JSON Schema of a blueprint.
func BlueprintSchema() ([]byte, error) {
	s, err := blueprintSchema()
	return s.text, err
}

// choices are the values a type has.
func choices() map[reflect.Type][]any {
	of := func(list any) (out []any) {
		v := reflect.ValueOf(list)
		for i := range v.Len() {
			out = append(out, v.Index(i).String())
		}
		return out
	}
	return map[reflect.Type][]any{
		reflect.TypeFor[Model]():              of(Models()),
		reflect.TypeFor[org.Role]():           of(org.Roles()),
		reflect.TypeFor[org.DepartmentKind](): of(org.DepartmentKinds()),
		reflect.TypeFor[access.Permission]():  of(access.Permissions()),
		reflect.TypeFor[calendar.Unit]():      {string(calendar.UrgentHour), string(calendar.WorkHour), string(calendar.WorkDay)},
	}
}

// schemaOf reflects the schema of a type; YAML names its properties, and it has
// no others.
func schemaOf(of any, title string, required ...string) (s schema, err error) {
	enum := choices()
	r := jsonschema.Reflector{}
	made, err := r.Reflect(of, jsonschema.PropertyNameTag("yaml"), jsonschema.ProcessWithoutTags, jsonschema.InlineRefs,
		jsonschema.InterceptNullability(func(p jsonschema.InterceptNullabilityParams) { p.Schema.RemoveType(jsonschema.Null) }),
		jsonschema.InterceptSchema(func(p jsonschema.InterceptSchemaParams) (bool, error) {
			if !p.Processed {
				return false, nil
			}
			if values, ok := enum[p.Value.Type()]; ok {
				p.Schema.Enum = values
			}
			if p.Value.Kind() == reflect.Struct {
				no := false
				p.Schema.AdditionalPropertiesEns().TypeBoolean = &no
			}
			return false, nil
		}))
	if err != nil {
		return s, fmt.Errorf("schema of %s: %w", title, err)
	}
	made.WithSchema("https://json-schema.org/draft/2020-12/schema").WithTitle(title).WithRequired(required...)
	raw, err := json.Marshal(made)
	if err != nil {
		return s, err
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, raw, "", "  "); err != nil {
		return s, err
	}
	s.text = append(pretty.Bytes(), '\n')
	document, err := validator.UnmarshalJSON(bytes.NewReader(s.text))
	if err != nil {
		return s, err
	}
	c := validator.NewCompiler()
	if err := c.AddResource("schema.json", document); err != nil {
		return s, err
	}
	s.checker, err = c.Compile("schema.json")
	return s, err
}

// validate holds a document that was decoded against its schema; each fault has
// its line and field.
func (d *document) validate(of func() (schema, error)) error {
	s, err := of()
	if err != nil {
		return err
	}
	var value any
	if err := yaml.NodeToValue(d.parsed.Docs[0].Body, &value); err != nil {
		return d.syntax(err)
	}
	plain, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if value, err = validator.UnmarshalJSON(bytes.NewReader(plain)); err != nil {
		return err
	}
	var bad *validator.ValidationError
	if err = s.checker.Validate(value); !errors.As(err, &bad) {
		return err
	}
	var faults []errs.Problem
	for _, cause := range leaves(bad) {
		path := "$"
		for _, part := range cause.InstanceLocation {
			if strings.Trim(part, "0123456789") == "" {
				path += "[" + part + "]"
			} else {
				path += "." + part
			}
		}
		reason := cause.Error()
		if i := strings.LastIndex(reason, "': "); i >= 0 {
			reason = reason[i+3:]
		}
		faults = append(faults, errs.Problem{File: d.file, Row: d.line(path), Field: fieldOf(path), Zh: "不合模式（JSON Schema）：" + reason, En: "not as the JSON Schema says: " + reason})
	}
	return errs.Problems(faults...)
}

// leaves are the causes that have none below.
func leaves(e *validator.ValidationError) (out []*validator.ValidationError) {
	if len(e.Causes) == 0 {
		return []*validator.ValidationError{e}
	}
	for _, c := range e.Causes {
		out = append(out, leaves(c)...)
	}
	return out
}
