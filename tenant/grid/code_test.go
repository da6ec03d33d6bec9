package grid_test

import (
	"encoding/json"
	"errors"
	"testing"

	"wangge/tenant/grid"
)

func TestACodeNamesCountyStreetCommunityAndSerial(t *testing.T) {
	c, err := grid.ParseCode("420111001002003")
	if err != nil {
		t.Fatal(err)
	}
	got := [5]string{c.County(), c.Street(), c.Community(), c.Serial(), c.String()}
	want := [5]string{"420111", "420111001", "420111001002", "003", "420111001002003"}
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	text, err := json.Marshal(map[string]grid.Code{"grid": c})
	if err != nil || string(text) != `{"grid":"420111001002003"}` {
		t.Errorf("as JSON: %s, %v", text, err)
	}
	var back map[string]grid.Code
	if err := json.Unmarshal(text, &back); err != nil || back["grid"] != c {
		t.Errorf("back from JSON: %v, %v", back, err)
	}
}

func TestWhatIsNoCodeIsRefused(t *testing.T) {
	for name, s := range map[string]string{
		"nothing": "", "14 digits": "42011100100200", "16 digits": "4201110010020031", "a letter": "42011100100200A",
		"wide digits": "４２０１１", "a sign": "+20111001002003", "no county": "020111001002003", "serial 000": "420111001002000",
		"a space": "420111001002 03",
	} {
		if c, err := grid.ParseCode(s); !errors.Is(err, grid.ErrBadCode) || c != (grid.Code{}) {
			t.Errorf("%s: got %q, %v", name, c, err)
		}
	}
	var none grid.Code
	if got := none.County() + none.Community() + none.Serial() + none.String(); got != "" {
		t.Errorf("the zero code has parts: %q", got)
	}
}
