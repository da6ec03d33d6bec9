package errs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ReadJSON reads the one value that a file holds into v. Fields that v does not
// have are refused, and so is anything after it: an Invalid error names the
// file, the line and the field.
func ReadJSON(r io.Reader, file string, v any) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return broken(file, text, dec.InputOffset(), err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return broken(file, text, dec.InputOffset(), errors.New("there is more after the value"))
	}
	return nil
}

// broken names the line a JSON error is on.
func broken(file string, text []byte, offset int64, err error) error {
	var bad *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	field := ""
	switch {
	case errors.As(err, &bad):
		offset = bad.Offset
	case errors.As(err, &wrong):
		offset, field = wrong.Offset, wrong.Field
	}
	row := 1 + bytes.Count(text[:min(offset, int64(len(text)))], []byte("\n"))
	return Problems(Problem{File: file, Row: row, Field: field, Zh: "JSON 有误：" + err.Error(), En: "faulty JSON: " + err.Error()})
}
