package web

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"wangge/internal/errs"
)

// faults collects what is wrong with a request. What is asked of a field stands
// in its tags, from which the API document is made as well: required, enum,
// minimum, maximum, minLength, maxLength, minItems, maxItems, pattern and
// format:"date".
type faults []errs.Problem

func (f *faults) add(field, zh, en string) {
	*f = append(*f, errs.Problem{Field: field, Zh: zh, En: en})
}

func (f *faults) missing(field string) { f.add(field, "必填", "is required") }

// object holds a struct to the JSON object it was read from: no field may be
// unknown, none that is required missing. null is as good as missing.
func (f *faults) object(prefix string, v reflect.Value, raw any) {
	left, ok := raw.(map[string]any)
	if !ok {
		f.missing(strings.TrimSuffix(prefix, "."))
		return
	}
	left = maps.Clone(left)
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, ok := jsonName(field)
		if !ok {
			continue
		}
		switch got := left[name]; {
		case got != nil:
			f.value(prefix+name, v.Field(i), got, field.Tag)
		case field.Tag.Get("required") == "true":
			f.missing(prefix + name)
		}
		delete(left, name)
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		f.add(prefix+name, "没有这个字段", "no such field")
	}
}

// value holds one value to the tags of its field; raw is what it was read from.
func (f *faults) value(at string, v reflect.Value, raw any, tag reflect.StructTag) {
	switch v.Kind() {
	case reflect.Pointer:
		f.value(at, v.Elem(), raw, tag)
	case reflect.Struct:
		f.object(at+".", v, raw)
	case reflect.Slice:
		f.list(at, v, raw, tag)
	case reflect.String:
		f.text(at, v, tag)
	case reflect.Int, reflect.Int64:
		f.between(at, float64(v.Int()), tag, "minimum", "maximum", "", "")
	case reflect.Float64:
		f.between(at, v.Float(), tag, "minimum", "maximum", "", "")
	}
}

func (f *faults) list(at string, v reflect.Value, raw any, tag reflect.StructTag) {
	f.between(at, float64(v.Len()), tag, "minItems", "maxItems", "项", " items")
	items, _ := raw.([]any)
	for i := range v.Len() {
		at := fmt.Sprintf("%s[%d]", at, i)
		if items[i] == nil {
			f.missing(at)
			continue
		}
		f.value(at, v.Index(i), items[i], "")
	}
}

func (f *faults) text(at string, v reflect.Value, tag reflect.StructTag) {
	s := v.String()
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) { // no database keeps these
		f.add(at, "含有无效字符", "has characters that are none")
		return
	}
	if known := enum(v, tag); len(known) > 0 && !slices.Contains(known, s) {
		f.add(at, "应为以下之一："+strings.Join(known, "、"), "must be one of "+strings.Join(known, ", "))
		return
	}
	if tag.Get("minLength") == "1" && s == "" {
		f.add(at, "不得为空", "must not be empty")
		return
	}
	f.between(at, float64(utf8.RuneCountInString(s)), tag, "minLength", "maxLength", "个字", " characters")
	f.form(at, s, tag)
}

// form checks how a text is written.
func (f *faults) form(at, s string, tag reflect.StructTag) {
	like := tag.Get("example")
	ok := true
	if pattern := tag.Get("pattern"); pattern != "" {
		ok = regexp.MustCompile(pattern).MatchString(s)
	}
	if tag.Get("format") == "date" {
		_, err := time.Parse(time.DateOnly, s)
		ok, like = err == nil, "2026-11-01"
	}
	if !ok {
		f.add(at, "格式有误，应如 "+like, "is not written like "+like)
	}
}

// between checks n against the two tags that bound it.
func (f *faults) between(at string, n float64, tag reflect.StructTag, low, high, unitZh, unitEn string) {
	if least, err := strconv.ParseFloat(tag.Get(low), 64); err == nil && n < least {
		f.add(at, fmt.Sprintf("不得少于 %v %s", least, unitZh), fmt.Sprintf("must be at least %v%s", least, unitEn))
	}
	if most, err := strconv.ParseFloat(tag.Get(high), 64); err == nil && n > most {
		f.add(at, fmt.Sprintf("不得多于 %v %s", most, unitZh), fmt.Sprintf("must be at most %v%s", most, unitEn))
	}
}

// enum lists the values allowed by the tag, or by the type's own list.
func enum(v reflect.Value, tag reflect.StructTag) []string {
	if list := tag.Get("enum"); list != "" {
		return strings.Split(list, ",")
	}
	var known []string
	if own, ok := v.Interface().(interface{ Enum() []any }); ok {
		for _, value := range own.Enum() {
			known = append(known, fmt.Sprint(value))
		}
	}
	return known
}
