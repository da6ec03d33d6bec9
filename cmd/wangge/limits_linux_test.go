package main

import (
	"testing"

	"wangge/internal/gormx"
)

func TestALimitIsSetAndShown(t *testing.T) {
	f := newFleet(t, gormx.SQLite, 0, "150300")
	says(t, must(t, "city", "limits", "150300", "--data", f.data), "requests a second", "200", "默认 default")
	says(t, must(t, "city", "limits", "150300", "--data", f.data, "--requests-per-second", "50", "--users", "300"), "50 ", "本市 the city's own", "300")
	says(t, must(t, "city", "limits", "150300", "--data", f.data, "--users", "0", "--json"), `"limit": "requests",
    "value": 50,
    "default": 200,
    "own": true`, `"limit": "users",
    "value": 10000,
    "default": 10000,
    "own": false`)
	for _, args := range [][]string{{"--users", "-1"}, {"--import-size", "-5"}} {
		if code, _, _ := wangge(t, append([]string{"city", "limits", "150300", "--data", f.data}, args...)...); code != exitRefused {
			t.Errorf("%v: exit code %d, want 2", args, code)
		}
	}
	if code, _, _ := wangge(t, "city", "limits", "999999", "--data", f.data, "--users", "5"); code != exitRefused {
		t.Errorf("no city: exit code %d, want 2", code)
	}
}
