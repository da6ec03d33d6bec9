package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"wangge/internal/gormx"
	"wangge/provisioning"
	"wangge/provisioning/provisioningdb"
	"wangge/provisioning/provisioningtest"
)

// site is a data folder and, on PostgreSQL, a database where a city is built
// by processes of their own.
type site struct {
	data, spec      string
	platform, admin string // connection strings; "" on SQLite
	superuser       string // of the city's schema
}

func newSite(t *testing.T, engine gormx.Engine) *site {
	t.Helper()
	s := &site{data: filepath.Join(t.TempDir(), "data"), spec: provisioningtest.Write(t, provisioningtest.Spec(), provisioningtest.Square(t, 5, 1))}
	if engine == gormx.Postgres {
		name := provisioningtest.Empty(t)
		s.platform, s.admin = provisioningtest.Prepared(t, name)
		s.superuser = provisioningtest.Superuser(t, name) + "&search_path=city_" + provisioningtest.Code
	}
	return s
}

// start starts an apply in a process of its own.
func (s *site) start(t *testing.T) (child *exec.Cmd, out, err io.Reader) {
	t.Helper()
	program, failed := os.Executable()
	if failed != nil {
		t.Fatal(failed)
	}
	child = exec.CommandContext(t.Context(), program, "city", "apply", "--auto-approve", "--data", s.data, "-f", s.spec)
	child.Env = append(os.Environ(), childVariable+"=1", "WANGGE_POSTGRES="+s.platform, "WANGGE_POSTGRES_ADMIN="+s.admin)
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, failed := child.StdoutPipe()
	if failed != nil {
		t.Fatal(failed)
	}
	stderr, failed := child.StderrPipe()
	if failed != nil {
		t.Fatal(failed)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	return child, stdout, stderr
}

// killed lets an apply run until stop says so of a line of its progress, or
// for a while when that is given, kills it there and returns what it printed.
func (s *site) killed(t *testing.T, stop func(line string) bool, after time.Duration) string {
	t.Helper()
	child, out, progress := s.start(t)
	if after > 0 {
		timer := time.AfterFunc(after, func() { _ = child.Process.Kill() })
		defer timer.Stop()
	}
	lines := bufio.NewScanner(progress)
	for lines.Scan() {
		if stop(lines.Text()) {
			_ = child.Process.Kill()
		}
	}
	printed, _ := io.ReadAll(out)
	_ = child.Wait() // killed, or done before that
	return string(printed)
}

// finish applies without disturbance and returns what was printed.
func (s *site) finish(t *testing.T) string {
	t.Helper()
	child, out, progress := s.start(t)
	text, err := io.ReadAll(progress)
	if err != nil {
		t.Fatal(err)
	}
	links, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err != nil {
		t.Fatalf("apply: %v\n%s", err, text)
	}
	return string(links)
}

// found is all there is of the city: rows, roles, schemas, files.
func (s *site) found(t *testing.T) (lines []string) {
	t.Helper()
	db, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	lines = provisioningtest.Dump(t, db)
	if s.platform != "" {
		var names []string
		err := db.Read.Raw(`SELECT 'role ' || rolname FROM pg_roles WHERE rolname LIKE 'city\_%'
			UNION ALL SELECT 'schema ' || nspname || ' of ' || nspowner::regrole FROM pg_namespace WHERE nspname !~ '^pg_'
			UNION ALL SELECT 'member ' || roleid::regrole || ' ' || member::regrole
				FROM pg_auth_members WHERE roleid::regrole::text LIKE 'city\_%'`).Scan(&names).Error
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, names...)
	}
	for name := range files(t, s.data) {
		if !strings.HasSuffix(name, "-wal") && !strings.HasSuffix(name, "-shm") {
			lines = append(lines, "file "+name)
		}
	}
	code, list, _ := wangge(t, "city", "list", "--data", s.data, "--postgres", s.platform)
	return append(lines, fmt.Sprint(code), regexp.MustCompile(` \d\d\d\d-.*`).ReplaceAllString(list, ""))
}

func (s *site) open() (*gormx.DB, error) {
	if s.platform == "" {
		return gormx.OpenSQLite(filepath.Join(s.data, "cities", provisioningtest.Code+".db"), gormx.Normal)
	}
	return gormx.OpenPostgres(s.superuser, gormx.Pool{Max: 2, Idle: time.Minute})
}

// compare fails when a killed and finished city is not as the undisturbed one.
func compare(t *testing.T, got, want []string) {
	t.Helper()
	if d := provisioningtest.Differences(got, want); len(d) > 0 || len(want) < 100 {
		t.Errorf("the city differs (of %d lines):\n%s", len(want), strings.Join(d, "\n"))
	}
}

// link is the administrator's one-time link in what apply printed.
var link = regexp.MustCompile(`admin（管理员 administrator）.*/invitation/\S+`)

// kills is at how many random moments an apply is killed on each engine:
// go test ./cmd/wangge -run Killed -kills 200.
var kills = flag.Int("kills", 5, "at how many random moments an apply is killed, on each engine")

func TestAnApplyThatIsKilledGoesOnToTheSameCity(t *testing.T) {
	for _, engine := range []gormx.Engine{gormx.SQLite, gormx.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			undisturbed := newSite(t, engine)
			began := time.Now()
			undisturbed.finish(t)
			took := time.Since(began)
			want := undisturbed.found(t)
			if engine == gormx.Postgres { // whose roles are the whole server's
				undisturbed.remove(t)
			}
			t.Run("after each step in turn", func(t *testing.T) {
				s := newSite(t, engine)
				for i := range provisioning.Steps() {
					s.killed(t, func(line string) bool { return strings.HasPrefix(line, fmt.Sprintf("[%2d/", i+1)) }, 0)
				}
				s.finish(t)
				compare(t, s.found(t), want)
				s.remove(t)
			})
			random := rand.New(rand.NewPCG(1, uint64(len(engine))))
			for n := range *kills {
				after := time.Duration(random.Int64N(int64(took)))
				t.Run(fmt.Sprintf("at a moment, %d", n+1), func(t *testing.T) {
					s := newSite(t, engine)
					printed := s.killed(t, func(string) bool { return false }, after) + s.finish(t)
					compare(t, s.found(t), want)
					if again := s.finish(t); link.MatchString(again) {
						t.Errorf("invited again, though the links were printed:\n%s", again)
					}
					if !link.MatchString(printed) {
						t.Errorf("the administrator has no link:\n%s", printed)
					}
					s.remove(t)
				})
			}
		})
	}
}

// remove drops the city of a site on PostgreSQL, so that the next may have its role.
func (s *site) remove(t *testing.T) {
	t.Helper()
	if s.platform == "" {
		return
	}
	db, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Write.Exec("DROP OWNED BY city_" + provisioningtest.Code + " CASCADE").Error; err != nil {
		t.Fatal(err)
	}
	provisioningtest.DropRoles(t)
}

func TestOfManyAppliesInTheirOwnProcessesOneBuildsTheCity(t *testing.T) {
	for _, engine := range []gormx.Engine{gormx.SQLite, gormx.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			s := newSite(t, engine)
			const number = 3
			ends := make(chan string, number)
			for range number {
				child, out, progress := s.start(t)
				go func() {
					text, _ := io.ReadAll(progress)
					_, _ = io.Copy(io.Discard, out)
					_ = child.Wait()
					ends <- fmt.Sprintf("%d %s", child.ProcessState.ExitCode(), text)
				}()
			}
			var codes []string
			for range number {
				end := <-ends
				codes = append(codes, end[:1])
				if end[0] == '2' && !strings.Contains(end, "正由") || end[0] != '0' && end[0] != '2' {
					t.Errorf("got %s\nwant it done, or refused with who is at work", end)
				}
			}
			if !slices.Contains(codes, "0") {
				t.Errorf("exit codes %v, want one that built the city", codes)
			}
			alone := s.found(t)
			s.finish(t)
			compare(t, s.found(t), alone)
			s.remove(t)
		})
	}
}

func TestACityIsRefusedWhileAnApplyOfItRuns(t *testing.T) {
	s := newSite(t, gormx.SQLite)
	must(t, "city", "list", "--data", s.data) // makes the province
	province, err := gormx.OpenSQLite(filepath.Join(s.data, "province.db"), gormx.Normal)
	if err != nil {
		t.Fatal(err)
	}
	defer province.Close()
	_, unlock, err := provisioningdb.New(province, "another", time.Now).Lock(t.Context(), provisioningtest.Code)
	if err != nil {
		t.Fatal(err)
	}
	code, _, refusal := wangge(t, "city", "apply", "--auto-approve", "--data", s.data, "-f", s.spec)
	if code != exitRefused {
		t.Errorf("exit code %d, want 2", code)
	}
	says(t, refusal, "城市 150300 正由 another 建设", "自动失效", "is being applied by another", "run it again then")
	if list := must(t, "city", "list", "--data", s.data); strings.Contains(list, provisioningtest.Code) {
		t.Errorf("the one refused changed the registry:\n%s", list)
	}
	unlock()
	must(t, "city", "apply", "--auto-approve", "--data", s.data, "-f", s.spec)
}
