package arch

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ban is a text that a committed file of one of the kinds must not hold. The
// words are written in pieces so that this file may be read like any other.
type ban struct {
	pattern *regexp.Regexp
	kinds   []string // file name endings; empty means every text file
	reason  string
}

var bans = []ban{
	{regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b`), []string{".go", ".ts", ".tsx", ".js", ".css", ".sql", ".yaml", "Makefile"},
		"what is not done is an issue, not a comment"},
	{regexp.MustCompile(`(?i)\b(proxy\.golang|sum\.golang|goproxy|gocenter|registry\.npmjs|registry\.yarnpkg|npmmirror|taobao|` +
		`pypi|deb\.debian|docker|ghcr|gcr|quay|registry\.k8s|mcr\.microsoft|aliyuncs)` + `\.(org|com|io|cn|dev)\b`), nil,
		"where packages and images come from is the builder's setting, not the project's"},
	{regexp.MustCompile(`(^|[\s"'=(:` + "`" + `])(/ro` + `ot|/ho` + `me|/wo` + `rk|/Us` + `ers)/[\w.-]|\.\./sha` + `red/`), nil,
		"the project stands alone: no path of the machine it was written on"},
}

// skipped are the folders that .gitignore names, and git's own.
var skipped = []string{".git", ".cache", "node_modules", "bin", "data"}

func TestCommittedFilesStandAlone(t *testing.T) {
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		if entry.IsDir() {
			if slices.Contains(skipped, entry.Name()) && (entry.Name() != "data" || name == "data") {
				return filepath.SkipDir
			}
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, fault := range faults(name, text) {
			t.Error(fault)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestABannedTextIsFound(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       int
	}{
		{"a.go", "// TO" + "DO: later", 1},
		{"a.md", "TO" + "DO lists are prose here", 0},
		{"b.json", `"https://registry.npm` + `js.org/x"`, 1},
		{"Containerfile", "FROM gh" + "cr.io/x/y", 1},
		{"c.sh", "cp x /wo" + "rk/main/y", 1},
		{"d.md", "see ../sha" + "red/style.md", 1},
		{"e.yaml", "mountPath: /var/lib/wangge", 0},
		{"f.go", `"docs/work/plan"`, 0},
		{"g.gz", "\x1f\x8b\x00 gh" + "cr.io", 0},
	} {
		if got := faults(c.name, []byte(c.text)); len(got) != c.want {
			t.Errorf("%s %q: got %q, want %d faults", c.name, c.text, got, c.want)
		}
	}
}

// faults returns what a file must not hold, a line each. Binary files have none.
func faults(name string, text []byte) []string {
	if bytes.IndexByte(text, 0) >= 0 {
		return nil
	}
	var found []string
	for i, line := range strings.Split(string(text), "\n") {
		for _, b := range bans {
			ofKind := len(b.kinds) == 0 || slices.ContainsFunc(b.kinds, func(end string) bool { return strings.HasSuffix(name, end) })
			if match := b.pattern.FindString(line); ofKind && match != "" {
				found = append(found, fmt.Sprintf("%s:%d holds %q: %s", name, i+1, strings.TrimSpace(match), b.reason))
			}
		}
	}
	return found
}
