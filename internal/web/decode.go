package web

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"wangge/internal/errs"
)

// decode fills in, the struct of a request, and holds it to its tags. Every
// fault of the request is named with its field; with any of them nothing of it
// is used.
func decode(c *gin.Context, in reflect.Value) error {
	var f faults
	if HasBody(in.Type()) {
		raw, err := decodeJSON(c, in.Addr().Interface())
		if err != nil {
			return err
		}
		f.object("", in, raw)
	}
	query, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return errs.Field("query", "查询参数无法解析", "the query can't be read")
	}
	path := map[string][]string{}
	for _, p := range c.Params {
		path[p.Key] = []string{p.Value}
	}
	f.params(in, "path", path)
	f.params(in, "query", query)
	f.params(in, "header", c.Request.Header)
	if c.ContentType() == "application/x-www-form-urlencoded" && !HasBody(in.Type()) {
		if err := c.Request.ParseForm(); err != nil {
			return jsonFault(err)
		}
	}
	f.params(in, "form", c.Request.PostForm)
	return errs.Problems(f...)
}

// decodeJSON reads the body into in, and once more as it was sent: only there
// can be seen which fields are missing or unknown.
func decodeJSON(c *gin.Context, in any) (raw any, err error) {
	if c.ContentType() != "application/json" {
		return nil, errNoJSON
	}
	body, err := io.ReadAll(c.Request.Body)
	if err == nil {
		err = json.Unmarshal(body, in)
	}
	if err == nil {
		err = json.Unmarshal(body, &raw)
	}
	if err != nil {
		return nil, jsonFault(err)
	}
	if _, ok := raw.(map[string]any); !ok {
		return nil, errs.Field("body", "应为 JSON 对象", "must be a JSON object")
	}
	return raw, nil
}

// errTooLarge and its kin refuse what can't be read.
var (
	errTooLarge = errs.New(errs.Invalid, "body_too_large", "请求内容过大", "the request body is too large")
	errNoJSON   = errs.New(errs.Invalid, "not_json", "请求内容须为 JSON（Content-Type: application/json）", "the request body must be JSON (Content-Type: application/json)")
)

// jsonFault turns a decoding error into a problem with its field.
func jsonFault(err error) error {
	var tooLarge *http.MaxBytesError
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &tooLarge):
		return errTooLarge
	case errors.As(err, &syntax):
		return errs.Field("body", "JSON 格式有误："+syntax.Error(), "malformed JSON: "+syntax.Error())
	case errors.As(err, &wrong) && wrong.Field != "":
		zh, en := wanted(wrong.Type)
		return errs.Field(wrong.Field, "类型有误，应为"+zh, "wrong type, want "+en)
	default:
		return errs.Field("body", "内容无法解析", "can't be read")
	}
}

// wanted names a type as somebody who writes JSON knows it.
func wanted(t reflect.Type) (zh, en string) {
	switch t.Kind() {
	case reflect.Bool:
		return "布尔值", "a boolean"
	case reflect.String:
		return "字符串", "a string"
	case reflect.Float32, reflect.Float64:
		return "数字", "a number"
	case reflect.Slice:
		return "数组", "an array"
	case reflect.Struct, reflect.Map:
		return "对象", "an object"
	default:
		return "整数", "an integer"
	}
}

// params fills the fields that carry the tag from what was given under it.
func (f *faults) params(in reflect.Value, tag string, given map[string][]string) {
	for i := range in.NumField() {
		field := in.Type().Field(i)
		name := field.Tag.Get(tag)
		if name == "" {
			continue
		}
		key := name
		if tag == "header" {
			key = http.CanonicalHeaderKey(name)
		}
		switch values := given[key]; {
		case len(values) > 1:
			f.add(name, "只能给出一次", "may be given only once")
		case len(values) == 1:
			f.param(name, in.Field(i), values[0], field.Tag)
		case field.Tag.Get("required") == "true":
			f.missing(name)
		}
	}
}

func (f *faults) param(name string, v reflect.Value, text string, tag reflect.StructTag) {
	if !set(v, text) {
		zh, en := wanted(v.Type())
		f.add(name, "类型有误，应为"+zh, "wrong type, want "+en)
		return
	}
	f.value(name, v, text, tag)
}

// set reads a parameter; false when it is not what v holds.
func set(v reflect.Value, text string) bool {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		v.SetBool(b)
		return err == nil
	case reflect.Float64:
		n, err := strconv.ParseFloat(text, 64)
		v.SetFloat(n)
		return err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
	default:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err == nil {
			v.SetInt(n)
		}
		return err == nil
	}
	return true
}

// HasBody says whether a request type has fields of a JSON body.
func HasBody(t reflect.Type) bool {
	for i := range t.NumField() {
		if _, ok := jsonName(t.Field(i)); ok {
			return true
		}
	}
	return false
}

// jsonName is the name of a field in the body; ok is false for one that is not
// part of it.
func jsonName(f reflect.StructField) (name string, ok bool) {
	name, _, _ = strings.Cut(f.Tag.Get("json"), ",")
	return name, name != "" && name != "-"
}
