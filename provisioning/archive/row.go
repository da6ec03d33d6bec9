package archive

import (
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// kind is how the values of a column are written.
type kind int

const (
	integer kind = iota // a number; an instant is its microseconds
	float               // the shortest number that reads back the same
	text
	binary  // base64
	boolean // true or false
)

// kinds tells the kind by the declared type, on either engine.
var kinds = map[string]kind{
	"INTEGER": integer, "BIGINT": integer, "REAL": float, "DOUBLE PRECISION": float, "TEXT": text,
	"BLOB": binary, "BYTEA": binary, "BOOLEAN": boolean,
}

// kindNames are the kinds as a manifest names them.
var kindNames = [...]string{integer: "integer", float: "real", text: "text", binary: "base64", boolean: "boolean"}

// named are the kinds of names; false when one is unknown.
func named(names []string) (list []kind, ok bool) {
	for _, name := range names {
		i := slices.Index(kindNames[:], name)
		if i < 0 {
			return nil, false
		}
		list = append(list, kind(i))
	}
	return list, true
}

func namesOf(list []kind) (names []string) {
	for _, k := range list {
		names = append(names, kindNames[k])
	}
	return names
}

// cell receives one value of a row.
type cell struct {
	kind kind
	i    sql.NullInt64
	f    sql.NullFloat64
	s    sql.NullString
	b    sql.NullBool
	raw  []byte
}

func (c *cell) into() any {
	switch c.kind {
	case integer:
		return &c.i
	case float:
		return &c.f
	case text:
		return &c.s
	case boolean:
		return &c.b
	default:
		return &c.raw
	}
}

var (
	errText   = errors.New("text is not UTF-8")
	errNumber = errors.New("number is not finite")
	errForm   = errors.New("not a row of this table")
)

// write appends the value; the same value gives the same bytes on both engines.
func (c *cell) write(line []byte) ([]byte, error) {
	switch {
	case c.kind == integer && c.i.Valid:
		return strconv.AppendInt(line, c.i.Int64, 10), nil
	case c.kind == float && c.f.Valid:
		if math.IsNaN(c.f.Float64) || math.IsInf(c.f.Float64, 0) {
			return nil, errNumber
		}
		if c.f.Float64 == 0 {
			return append(line, '0'), nil // SQLite keeps no sign of 0
		}
		return strconv.AppendFloat(line, c.f.Float64, 'g', -1, 64), nil
	case c.kind == text && c.s.Valid:
		return appendText(line, c.s.String)
	case c.kind == boolean && c.b.Valid:
		return strconv.AppendBool(line, c.b.Bool), nil
	case c.kind == binary && c.raw != nil:
		line = base64.StdEncoding.AppendEncode(append(line, '"'), c.raw)
		return append(line, '"'), nil
	}
	return append(line, "null"...), nil
}

// appendText writes a JSON string with no escape that JSON does not ask for.
func appendText(line []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, errText
	}
	line = append(line, '"')
	from := 0
	for i := range len(s) {
		if b := s[i]; b >= ' ' && b != '"' && b != '\\' {
			continue
		}
		line = append(line, s[from:i]...)
		if b := s[i]; b == '"' || b == '\\' {
			line = append(line, '\\', b)
		} else {
			const hex = "0123456789abcdef"
			line = append(line, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		}
		from = i + 1
	}
	return append(append(line, s[from:]...), '"'), nil
}

// parse reads a line that the cells of such kinds wrote into values for a
// database: nil, int64, float64, string, []byte or bool.
func parse(line string, kinds []kind, values []any) error {
	rest, ok := strings.CutPrefix(line, "[")
	if !ok {
		return errForm
	}
	for i, k := range kinds {
		if i > 0 {
			if rest, ok = strings.CutPrefix(rest, ","); !ok {
				return errForm
			}
		}
		var err error
		if values[i], rest, err = value(rest, k); err != nil {
			return err
		}
	}
	if rest != "]" {
		return errForm
	}
	return nil
}

// value reads the value that a text begins with.
func value(in string, k kind) (v any, rest string, err error) {
	if rest, ok := strings.CutPrefix(in, "null"); ok {
		return nil, rest, nil
	}
	if k == text || k == binary {
		s, rest, err := quoted(in)
		if err != nil || k == text {
			return s, rest, err
		}
		raw, err := base64.StdEncoding.Strict().DecodeString(s)
		return raw, rest, err
	}
	end := strings.IndexAny(in, ",]")
	if end < 0 {
		return nil, "", errForm
	}
	word, rest := in[:end], in[end:]
	switch {
	case k == integer:
		v, err = strconv.ParseInt(word, 10, 64)
	case k == float:
		v, err = strconv.ParseFloat(word, 64)
	case word == "true" || word == "false":
		v = word == "true"
	default:
		err = errForm
	}
	return v, rest, err
}

// quoted reads the JSON string that a text begins with.
func quoted(in string) (s, rest string, err error) {
	if in == "" || in[0] != '"' {
		return "", "", errForm
	}
	for i := 1; i < len(in); i++ {
		switch in[i] {
		case '\\':
			i++
		case '"':
			if s = in[1:i]; strings.IndexByte(s, '\\') >= 0 {
				err = json.Unmarshal([]byte(in[:i+1]), &s)
			}
			return s, in[i+1:], err
		}
	}
	return "", "", errForm
}
