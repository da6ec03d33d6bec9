package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// source writes a package of one province, whose communities are those given.
func source(t *testing.T, communities ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "dist"), 0o755); err != nil {
		t.Fatal(err)
	}
	for file, rows := range map[string][]string{
		"provinces.csv": {"13,河北省"},
		"cities.csv":    {"1301,石家庄市"},
		"areas.csv":     {"130102,长安区"},
		"streets.csv":   {"130102001,建北街道", "130102002,青园街道"},
		"villages.csv":  communities,
	} {
		text := "code,name\n" + strings.Join(rows, "\n") + "\n"
		if err := os.WriteFile(filepath.Join(dir, "dist", file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestASectionListsStreetsWithTheirCommunities(t *testing.T) {
	src, out := source(t, "130102001001,棉一社区", "130102001002,棉二社区(新)", "130102001201,某村", "130102002001,青园社区"), t.TempDir()
	if err := run(src, out, false); err != nil {
		t.Fatal(err)
	}
	packed, err := os.ReadFile(filepath.Join(out, "13.gz"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	want := "130102001 建北街道\n棉一社区\n棉二社区（新）\n201 某村\n130102002 青园街道\n青园社区\n"
	if err != nil || string(got) != want {
		t.Errorf("section is %q %v, want %q", got, err, want)
	}
	index, err := os.ReadFile(filepath.Join(out, "index.csv"))
	if want := "13,河北省\n1301,石家庄市\n130102,长安区\n"; err != nil || string(index) != want {
		t.Errorf("index is %q %v, want %q", index, err, want)
	}
}

func TestCheckTellsWhenTheDataAreNotOfTheSource(t *testing.T) {
	src, out := source(t, "130102001001,棉一社区"), t.TempDir()
	if err := run(src, out, true); err == nil {
		t.Error("missing files pass the check")
	}
	if err := run(src, out, false); err != nil {
		t.Fatal(err)
	}
	if err := run(src, out, true); err != nil {
		t.Errorf("what was just written does not pass the check: %v", err)
	}
	if err := run(source(t, "130102001001,棉二社区"), out, true); err == nil || !strings.Contains(err.Error(), "13.gz") {
		t.Errorf("a changed name gives %v, want 13.gz named", err)
	}
}

func TestBadTablesAreRefused(t *testing.T) {
	for name, row := range map[string]string{
		"a community without a street": "130103001001,棉一社区",
		"a community that comes twice": "130102001001,棉一社区\n130102001001,棉二社区",
		"a code that is too short":     "13010200100,棉一社区",
		"a name with a space in it":    "130102001001,棉一 社区",
		"no name":                      "130102001001,",
	} {
		if err := run(source(t, row), t.TempDir(), false); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
