package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wangge/cmd/wangge/app"
	"wangge/internal/schedule"
	"wangge/provisioning"
	"wangge/provisioning/provisioningtest"
)

// childVariable tells the test binary to be the command itself.
const childVariable = "WANGGE_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		main() // exits
	}
	for _, name := range []string{"WANGGE_DATA", "WANGGE_POSTGRES", "WANGGE_POSTGRES_ADMIN", "WANGGE_POSTGRES_SUPERUSER", "WANGGE_LISTEN"} {
		_ = os.Unsetenv(name) // the developer's own platform is not for tests
	}
	os.Exit(m.Run())
}

// wangge runs a command in this process.
func wangge(t *testing.T, args ...string) (code int, out, err string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, &o, &e)
	return code, o.String(), e.String()
}

// must runs a command that has to go well and returns what it printed.
func must(t *testing.T, args ...string) string {
	t.Helper()
	code, out, err := wangge(t, args...)
	if code != 0 {
		t.Fatalf("wangge %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, err)
	}
	return out
}

// says fails unless text has all of the words.
func says(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not in:\n%s", w, text)
		}
	}
}

// files is every file below a folder with its content.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found[strings.TrimPrefix(path, dir)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// broken writes a spec with a fault in line 2 and returns its path.
func broken(t *testing.T) string {
	t.Helper()
	s := provisioningtest.Spec()
	s.Name = "海市"
	return provisioningtest.Write(t, s, provisioningtest.Square(t, 4, 1))
}

// brokenGrids writes a good spec whose grids belong elsewhere.
func brokenGrids(t *testing.T) string {
	t.Helper()
	path := provisioningtest.Write(t, provisioningtest.Spec(), provisioningtest.Square(t, 4, 1))
	grids := filepath.Join(filepath.Dir(path), "grids.geojson")
	content, err := os.ReadFile(grids)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(grids, bytes.Replace(content, []byte(`"code":"150302`), []byte(`"code":"110101`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestARefusedSpecLeavesNothingBehind(t *testing.T) {
	for verb, flag := range map[string]string{"plan": "--json", "apply": "--auto-approve"} {
		t.Run(verb, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			for _, c := range []struct {
				path  string
				words []string
			}{
				{broken(t), []string{"内容有误，未写入任何数据", "nothing was written", "city.yaml:2 name: ", "应为“乌海市”", "want 乌海市"}},
				{brokenGrids(t), []string{"grids.geojson:1 properties.code: ", "不属于本市", "not one of the city's"}},
				{filepath.Join(data, "none.yaml"), []string{"none.yaml: 文件不存在", "no such file"}},
			} {
				code, out, err := wangge(t, "city", verb, flag, "--data", data, "-f", c.path)
				if code != exitRefused || out != "" {
					t.Errorf("exit code %d, printed %q; want 2 and nothing", code, out)
				}
				says(t, err, c.words...)
				if _, err := os.Stat(data); !os.IsNotExist(err) {
					t.Fatalf("the data folder: %v, want none", err)
				}
			}
			if list := must(t, "city", "list", "--data", data); strings.Count(list, "\n") != 1 {
				t.Errorf("the registry: got\n%s\nwant its heading only", list)
			}
		})
	}
}

func TestARefusedSpecLeavesTheCitiesAsTheyWere(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	must(t, "city", "apply", "--auto-approve", "--data", data, "-f", provisioningtest.Write(t, provisioningtest.Spec(), provisioningtest.Square(t, 4, 1)))
	before := files(t, data)
	for _, path := range []string{broken(t), brokenGrids(t)} {
		if code, _, _ := wangge(t, "city", "apply", "--auto-approve", "--data", data, "-f", path); code != exitRefused {
			t.Errorf("exit code %d, want 2", code)
		}
	}
	after := files(t, data)
	for name, content := range before {
		if after[name] != content {
			t.Errorf("%s was changed", name)
		}
	}
	if len(after) != len(before) || len(before) < 4 {
		t.Errorf("%d files, want the %d that were there", len(after), len(before))
	}
}

func TestACityIsPlannedAppliedListedAndShown(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	path := provisioningtest.Write(t, provisioningtest.Spec(), provisioningtest.Square(t, 4, 1))
	says(t, must(t, "city", "plan", "--data", data, "-f", path), "+ city 乌海市: two_level_centres", "+ department SZ1: 市政一所 (contractor) < SZ", "+ grids grids.geojson: +16", "新增 added")
	code, out, err := wangge(t, "city", "apply", "--auto-approve", "--data", data, "-f", path)
	if code != 0 {
		t.Fatalf("apply: exit code %d\n%s", code, err)
	}
	says(t, out, "150300 乌海市 已启用 / in service", "admin（管理员 administrator） 市级管理员01  /invitation/150300.", "clerk01 受理员01", "仅显示这一次 / one-time links")
	for i, st := range provisioning.Steps() {
		says(t, err, st.Zh+" "+st.En)
		if i == len(provisioning.Steps())-1 && st.Code != "self_check" {
			t.Errorf("the last step is %s, want the self-check", st.Code)
		}
	}
	says(t, must(t, "city", "plan", "--data", data, "-f", path), "与规格一致，无需更改 / as the spec says, nothing to change")
	says(t, must(t, "city", "list", "--data", data), "150300", "乌海市", "active", "sqlite")
	says(t, must(t, "city", "show", "--data", data, "150300"), "乌海市", "active", "self_check", "done", "rolled back")
	code, _, err = wangge(t, "city", "show", "--data", data, "150400")
	if code != exitRefused {
		t.Errorf("a city that is none: exit code %d, want 2", code)
	}
	says(t, err, "没有这个城市 / no such city")
}

func TestWhatIsPrintedAsJSONIsJSON(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	path := provisioningtest.Write(t, provisioningtest.Spec(), provisioningtest.Square(t, 4, 1))
	var plan provisioning.Plan
	var result provisioning.Result
	var list []cityRow
	var shown struct {
		State string
		Steps []provisioning.StepRecord
	}
	for _, c := range []struct {
		into any
		args []string
	}{
		{&result, []string{"apply", "--auto-approve", "-f", path}}, {&plan, []string{"plan", "-f", path}}, {&list, []string{"list"}}, {&shown, []string{"show", "150300"}},
	} {
		out := must(t, append([]string{"city"}, append(c.args, "--json", "--data", data)...)...)
		if err := json.Unmarshal([]byte(out), c.into); err != nil {
			t.Errorf("%v: %v in\n%s", c.args, err, out)
		}
	}
	if result.City != "150300" || len(result.Invitations) != 4 || plan.Changes == nil || len(plan.Changes) != 0 || len(list) != 1 || shown.State != "active" || len(shown.Steps) != len(provisioning.Steps()) {
		t.Errorf("got %+v, %+v, %+v, %+v", result, plan, list, shown)
	}
}

func TestWhatIsKeptIsForItsOwnerOnly(t *testing.T) {
	data := t.TempDir() // as an operator may have made it, for all to enter
	if err := os.Chmod(data, 0o755); err != nil {
		t.Fatal(err)
	}
	must(t, "city", "apply", "--auto-approve", "--data", data, "-f", provisioningtest.Write(t, provisioningtest.Spec(), provisioningtest.Square(t, 4, 1)))
	names := []string{}
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, open to others", path, info.Mode())
		}
		names = append(names, d.Name())
		return err
	})
	if err != nil || !slices.Contains(names, "province.db") || !slices.Contains(names, "150300.db") {
		t.Errorf("found %v (%v), want the databases of the province and the city", names, err)
	}
}

func TestABadCommandLineIsRefusedWithoutShowingSecrets(t *testing.T) {
	const password = "hunter2secret"
	t.Setenv("WANGGE_POSTGRES", "postgres://wangge_platform:"+password+"@127.0.0.1:1/wangge")
	t.Setenv("WANGGE_POSTGRES_ADMIN", "postgres://wangge_provisioner:"+password+"@127.0.0.1:1/wangge")
	t.Setenv("WANGGE_POSTGRES_SUPERUSER", "postgres://postgres:"+password+"@127.0.0.1:1/wangge")
	data, path := t.TempDir(), provisioningtest.Write(t, provisioningtest.Spec(), provisioningtest.Square(t, 4, 1))
	for _, c := range []struct {
		code int
		word string
		args []string
	}{
		{exitRefused, "命令行有误 / bad command line", []string{"city", "apply", "--auto-approve", "--data", data}},
		{exitRefused, "命令行有误 / bad command line", []string{"city", "apply", "--auto-approve", "--speck", path}},
		{exitRefused, "命令行有误 / bad command line", []string{"town"}},
		{0, "WANGGE_POSTGRES", []string{"city", "apply", "--auto-approve", "--help"}},
		{exitFailed, "127.0.0.1", []string{"city", "apply", "--auto-approve", "--data", data, "-f", path}},
		{exitFailed, "127.0.0.1", []string{"city", "list", "--data", data}},
		{exitFailed, "127.0.0.1", []string{"serve", "--data", data, "--listen", "127.0.0.1:0"}},
		{exitFailed, "127.0.0.1", []string{"database", "init", "-o", filepath.Join(data, "env")}},
		{exitFailed, "can't be read", []string{"city", "list", "--data", data, "--postgres", "postgres://x:" + password + "@[/"}},
		{exitFailed, "can't be read", []string{"city", "list", "--data", data, "--postgres", "host=x password=" + password + " port=no"}},
		{exitRefused, "postgres://user:password@host/database", []string{"database", "init", "-o", filepath.Join(data, "env"), "--superuser", "host=x password=" + password}},
		{exitRefused, "postgres://user:password@host/database", []string{"database", "init", "-o", filepath.Join(data, "env"), "--superuser", "postgres://x:" + password + "@localhost"}},
	} {
		code, out, err := wangge(t, c.args...)
		if code != c.code {
			t.Errorf("%v: exit code %d, want %d", c.args, code, c.code)
		}
		says(t, out+err, c.word)
		if strings.Contains(out+err, password) {
			t.Errorf("%v shows the password:\n%s%s", c.args, out, err)
		}
	}
	if _, err := os.Stat(filepath.Join(data, "env")); !os.IsNotExist(err) {
		t.Errorf("the file of a database that was not prepared: %v, want none", err)
	}
}

func TestACommandThatIsInterruptedDoesNotLookDone(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, err bytes.Buffer
	path := provisioningtest.Write(t, provisioningtest.Spec(), provisioningtest.Square(t, 4, 1))
	if code := run(ctx, []string{"city", "apply", "--auto-approve", "--data", t.TempDir(), "-f", path}, &out, &err); code != exitInterrupted {
		t.Errorf("exit code %d, want 130\n%s", code, err.String())
	}
	says(t, err.String(), "已中断，可再次执行 / interrupted")
}

func TestTheExampleOfASpecIsGood(t *testing.T) {
	plan := must(t, "city", "plan", "--data", filepath.Join(t.TempDir(), "data"), "-f", filepath.Join("..", "..", "docs", "city.example.yaml"))
	says(t, plan, "130100 石家庄市", "+ department JDZX", "+ account handler01", "+ grids")

	dir := t.TempDir()
	for _, name := range []string{"city.example.yaml", "city.example.geojson", "blueprint.example.yaml"} {
		content, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.Replace(content, []byte("# blueprint:"), []byte("blueprint:"), 1)
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	says(t, must(t, "city", "plan", "--data", filepath.Join(dir, "data"), "-f", filepath.Join(dir, "city.example.yaml")), "+ department JDZX", "+ grids")
}

func TestAnOperatorReadsHowTheJobsWent(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	says(t, must(t, "jobs", "--data", data), "invoices", "0 3 1 * *", "尚未运行 never ran")
	a, err := app.Open(t.Context(), app.Config{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	scheduler, err := schedule.New(a.Province, a.Jobs(), "here", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := scheduler.Tick(t.Context(), scheduler.Next(time.Now())); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	says(t, must(t, "jobs", "--data", data), "figures", "ok", "here")
}
