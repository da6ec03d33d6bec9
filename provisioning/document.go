package provisioning

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"wangge/internal/errs"
)

// readFile reads a file that the operator named, if it is one.
func readFile(path string, limit int64) ([]byte, error) {
	fault := func(zh, en string) error {
		return errs.Problems(errs.Problem{File: filepath.Base(path), Zh: zh, En: en})
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fault("文件不存在："+path, "no such file: "+path)
	case err == nil && info.IsDir():
		return nil, fault("这是一个文件夹，不是文件", "this is a folder, not a file")
	case err != nil || !info.Mode().IsRegular():
		return nil, fault("文件无法读取："+path, "the file can't be read: "+path)
	case info.Size() > limit:
		return nil, fault(fmt.Sprintf("文件超过 %d MiB", limit>>20), fmt.Sprintf("the file is larger than %d MiB", limit>>20))
	}
	file, err := os.Open(path) //nolint:gosec // the operator names the file to read
	if err != nil {
		return nil, fault("文件无法读取："+path, "the file can't be read: "+path)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, limit))
	if err != nil {
		return nil, fault("文件无法读取："+path, "the file can't be read: "+path)
	}
	return content, nil
}

// document is a YAML file with its lines and paths.
type document struct {
	file   string
	parsed *ast.File
}

// maxDepth is how deep the brackets of a document may be nested; the parser
// needs the square of it.
const maxDepth = 32

// decode reads raw into out, whose every field is text or a list. It refuses
// what is not one YAML document, unknown fields, and values that YAML would
// turn into other text than is written.
func (d *document) decode(raw []byte, out any) (err error) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	if line, bad := notUTF8(raw); bad {
		return d.refuse(line, "", "文件不是 UTF-8 编码（可能是 GBK），请转换后再用", "the file is not in UTF-8 (it may be GBK); convert it first")
	}
	if line, bad := tooDeep(string(raw)); bad {
		return d.refuse(line, "", "括号或列表嵌套过深", "brackets or lists are nested too deep")
	}
	if d.parsed, err = parser.ParseBytes(raw, 0); err != nil {
		return d.syntax(err)
	}
	if n := len(d.parsed.Docs); n != 1 || d.parsed.Docs[0].Body == nil {
		return d.refuse(1, "", fmt.Sprintf("应恰有一个 YAML 文档，得到 %d 个，或内容为空", n), fmt.Sprintf("there must be one YAML document with something in it, got %d", n))
	}
	body := d.parsed.Docs[0].Body
	if err := yaml.NodeToValue(body, out, yaml.Strict()); err != nil {
		return d.syntax(err)
	}
	r := rewritten{document: d}
	ast.Walk(&r, body)
	return errs.Problems(r.faults...)
}

func (d *document) refuse(line int, field, zh, en string) error {
	return errs.Problems(errs.Problem{File: d.file, Row: line, Field: field, Zh: zh, En: en})
}

// notUTF8 finds the first line that is not UTF-8.
func notUTF8(raw []byte) (line int, bad bool) {
	for i, text := range bytes.Split(raw, []byte("\n")) {
		if !utf8.Valid(text) {
			return i + 1, true
		}
	}
	return 0, false
}

// tooDeep finds the line where brackets, or lists begun on one line, are nested
// deeper than maxDepth.
func tooDeep(text string) (line int, bad bool) {
	brackets, dashes := 0, 0
	for _, t := range lexer.Tokenize(text) {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		}
		if t.Type != token.SequenceEntryType {
			dashes = 0
		} else if dashes++; t.Prev != nil && t.Prev.Position.Line < t.Position.Line {
			dashes = 1
		}
		if brackets > maxDepth || dashes > maxDepth {
			return t.Position.Line, true
		}
	}
	return 0, false
}

// line is where a path such as $.departments[2].kind stands in the file; where
// its parent does when it is missing.
func (d *document) line(path string) int {
	for path != "$" {
		if p, err := yaml.PathString(path); err == nil {
			if node, err := p.FilterFile(d.parsed); err == nil {
				return node.GetToken().Position.Line
			}
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 1)]
	}
	return 1
}

// syntax turns an error of the YAML reader into a problem with line and field.
func (d *document) syntax(err error) error {
	var y yaml.Error
	if !errors.As(err, &y) {
		return d.refuse(1, "", "YAML 格式有误："+err.Error(), "bad YAML: "+err.Error())
	}
	line, field := 1, ""
	if t := y.GetToken(); t != nil {
		line = t.Position.Line
		if d.parsed != nil {
			at := locator{offset: t.Position.Offset}
			ast.Walk(&at, d.parsed.Docs[0].Body)
			field = fieldOf(at.path)
		}
	}
	zh, en := reason(y)
	return d.refuse(line, field, zh, en)
}

// fieldOf is a path as people read it.
func fieldOf(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, "$"), ".") }

// reason says in both languages why the YAML reader refuses.
func reason(err yaml.Error) (zh, en string) {
	var unknown *yaml.UnknownFieldError
	var shape *yaml.UnexpectedNodeTypeError
	var kind *yaml.TypeError
	switch {
	case errors.As(err, &unknown):
		return "没有这个字段", "there is no such field"
	case errors.As(err, &shape) && shape.Expected == ast.SequenceType, errors.As(err, &kind) && kind.DstType.Kind() == reflect.Slice:
		return "应为列表", "must be a list"
	case errors.As(err, &shape) && shape.Expected == ast.MappingType, errors.As(err, &kind) && kind.DstType.Kind() == reflect.Struct:
		return "应为带字段的条目（字段: 值）", "must be an entry with fields (field: value)"
	case errors.As(err, &shape), errors.As(err, &kind):
		return "应为文本", "must be text"
	}
	return "YAML 格式有误：" + err.GetMessage(), "bad YAML: " + err.GetMessage()
}

// locator finds the path of the node that begins at an offset.
type locator struct {
	offset int
	path   string
}

// Visit implements ast.Visitor.
func (l *locator) Visit(n ast.Node) ast.Visitor {
	if t := n.GetToken(); t != nil && t.Position.Offset == l.offset {
		l.path = n.GetPath()
	}
	return l
}

// rewritten notes the values that YAML reads as numbers and would give back as
// other text, such as 010 as 8.
type rewritten struct {
	*document
	faults []errs.Problem
}

// Visit implements ast.Visitor.
func (r *rewritten) Visit(n ast.Node) ast.Visitor {
	scalar, ok := n.(ast.ScalarNode)
	if !ok {
		return r
	}
	text := n.GetToken().Value
	switch n.Type() {
	case ast.IntegerType, ast.FloatType, ast.BoolType, ast.InfinityType, ast.NanType:
		if read := fmt.Sprint(scalar.GetValue()); read != text {
			r.faults = append(r.faults, errs.Problem{File: r.file, Row: n.GetToken().Position.Line, Field: fieldOf(n.GetPath()),
				Zh: fmt.Sprintf("%s 会被 YAML 读作 %s，请加引号", text, read), En: fmt.Sprintf("YAML reads %s as %s: put it in quotes", text, read)})
		}
	}
	return r
}
