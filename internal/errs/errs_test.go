package errs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"wangge/internal/errs"
)

var errTaken = errs.New(errs.Conflict, "taken", "%s 已被使用", "%s is taken")

func TestAnErrorKeepsItsKindAndCodeHoweverItIsWrapped(t *testing.T) {
	err := fmt.Errorf("save 7: %w", errTaken.With("A1"))
	shown, ok := errs.As(err)
	if !ok || shown.Zh != "A1 已被使用" || shown.En != "A1 is taken" {
		t.Errorf("got %+v, want the messages with what was filled in", shown)
	}
	if !errors.Is(err, errTaken) || errs.KindOf(err) != errs.Conflict {
		t.Errorf("%v is no longer the conflict it was", err)
	}
	if errs.KindOf(errors.New("disk full")) != errs.Internal {
		t.Error("an error without a kind must be ours to mend")
	}
}

func TestAProblemSaysWhereItIs(t *testing.T) {
	for want, p := range map[string]errs.Problem{
		"a.csv:3 code: 重复 / twice": {File: "a.csv", Row: 3, Field: "code", Zh: "重复", En: "twice"},
		"a.csv: 重复 / twice":        {File: "a.csv", Zh: "重复", En: "twice"},
		"#3: 重复 / twice":           {Row: 3, Zh: "重复", En: "twice"},
		"重复 / twice":               {Zh: "重复", En: "twice"},
	} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if errs.Problems() != nil {
		t.Error("no problem is no error")
	}
}

func TestAJSONFileIsReadWholeOrRefusedWithItsLine(t *testing.T) {
	var v struct {
		Name string `json:"name"`
	}
	if err := errs.ReadJSON(strings.NewReader(`{"name": "a"}`), "a.json", &v); err != nil || v.Name != "a" {
		t.Fatalf("got %+v, %v", v, err)
	}
	for text, want := range map[string]string{
		"{\n\"name\": }":        "a.json:2",
		"{\n\n\"name\": 3}":     "a.json:3 name",
		"{\"naim\": \"a\"}":     "naim",
		"{\"name\": \"a\"}\n{}": "more after the value",
		"{\"name\": \"a\"":      "a.json:1",
	} {
		err := errs.ReadJSON(strings.NewReader(text), "a.json", &v)
		if errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want a refusal that says %q", text, err, want)
		}
	}
}
