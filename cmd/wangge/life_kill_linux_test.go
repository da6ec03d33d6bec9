package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"wangge/internal/gormx"
	"wangge/provisioning/provisioningtest"
)

// importing starts an import in a process of its own.
func (s *site) importing(t *testing.T, archive string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), program, "city", "import", "--data", s.data, provisioningtest.Code, archive)
	child.Env = append(os.Environ(), childVariable+"=1", "WANGGE_POSTGRES="+s.platform, "WANGGE_POSTGRES_ADMIN="+s.admin)
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return child
}

// at is the flags that say where a site is.
func (s *site) at(args ...string) []string {
	return append(args, "--data", s.data, "--postgres", s.platform, "--postgres-admin", s.admin)
}

// inService is a row of the registry.
var inService = regexp.MustCompile(`\sactive\s+(sqlite|postgres)\s`)

func TestAnImportThatIsKilledLeavesNothingInServiceAndIsDoneAgain(t *testing.T) {
	for _, engine := range []gormx.Engine{gormx.SQLite, gormx.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			from, to := newSite(t, gormx.SQLite), newSite(t, engine)
			from.finish(t)
			recipient := strings.TrimSpace(must(t, to.at("city", "recipient")...))
			archive := filepath.Join(t.TempDir(), "city.wga")
			must(t, from.at("city", "export", provisioningtest.Code, "--to", recipient, "-o", archive)...)
			began := time.Now()
			if text, err := to.importing(t, archive).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			took := time.Since(began)
			content := contentOf(must(t, to.at("city", "export", provisioningtest.Code, "--to", recipient, "-o", archive+".2")...))
			to.remove(t)
			for n := range 4 {
				s := newSite(t, engine)
				own := strings.TrimSpace(must(t, s.at("city", "recipient")...))
				path := filepath.Join(t.TempDir(), "city.wga")
				must(t, from.at("city", "export", provisioningtest.Code, "--to", own, "-o", path)...)
				child := s.importing(t, path)
				if err := child.Start(); err != nil {
					t.Fatal(err)
				}
				timer := time.AfterFunc(took*time.Duration(n+1)/5, func() { _ = child.Process.Kill() })
				finished := child.Wait() == nil
				timer.Stop()
				// In service it is all there, which is looked at below, or not in service.
				if list := must(t, s.at("city", "list")...); !finished && !inService.MatchString(list) {
					must(t, s.at("city", "import", provisioningtest.Code, path)...)
				}
				if got := contentOf(must(t, s.at("city", "export", provisioningtest.Code, "--to", own, "-o", path+".2")...)); got != content {
					t.Errorf("imported after a kill the content is %s, want %s", got, content)
				}
				s.remove(t)
			}
		})
	}
}

// contentOf is the checksum of the content in what export prints.
func contentOf(printed string) string {
	for line := range strings.Lines(printed) {
		if rest, ok := strings.CutPrefix(line, "内容校验和 content"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return printed
}

func TestAnAbandonedCityLeavesNoFileEither(t *testing.T) {
	s := newSite(t, gormx.SQLite)
	s.killed(t, func(line string) bool { return strings.HasPrefix(line, "[ 4/") }, 0)
	left := filepath.Join(s.data, "blobs", provisioningtest.Code, "ab", "abcdef")
	if err := os.MkdirAll(filepath.Dir(left), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left, []byte("of a killed import"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, s.at("city", "abandon", provisioningtest.Code)...)
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("the file of the city: %v, want it gone", err)
	}
	if list := must(t, s.at("city", "list")...); strings.Contains(list, provisioningtest.Code) {
		t.Errorf("abandoned, and yet in the registry:\n%s", list)
	}
	s.finish(t)
}
