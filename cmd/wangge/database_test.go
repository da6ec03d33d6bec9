package main

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"wangge/provisioning/provisioningtest"
)

// watch is a writer that calls seen when a word comes by.
type watch struct {
	word string
	seen func()
	once sync.Once
	text bytes.Buffer
}

func (w *watch) Write(b []byte) (int, error) {
	n, err := w.text.Write(b)
	if strings.Contains(w.text.String(), w.word) {
		w.once.Do(w.seen)
	}
	return n, err
}

// serves says how the server ended that was told to end once it listened.
func serves(t *testing.T, args ...string) (code int, printed string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &watch{word: "http://", seen: stop}
	var err bytes.Buffer
	code = run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...), out, &err)
	return code, out.text.String() + err.String()
}

func TestADatabaseIsPreparedServedAndGivenCities(t *testing.T) {
	superuser := provisioningtest.Superuser(t, provisioningtest.Empty(t))
	data, file := t.TempDir(), filepath.Join(t.TempDir(), "wangge.env")
	says(t, must(t, "database", "init", "--superuser", superuser, "-o", file), "已写入 written to", "只供 city apply 使用")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the connection strings: %v (%v), want mode 0600", info, err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dsn := map[string]string{}
	for line := range strings.Lines(string(content)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		dsn[name] = value
	}
	platform, admin := dsn["WANGGE_POSTGRES"], dsn["WANGGE_POSTGRES_ADMIN"]
	code, _, refusal := wangge(t, "database", "init", "--superuser", superuser, "-o", file)
	if again, err := os.ReadFile(file); code != exitRefused || err != nil || !bytes.Equal(again, content) {
		t.Errorf("a file that exists: exit code %d, want it refused and kept", code)
	}
	says(t, refusal, "文件已存在", "the file exists")

	if code, printed := serves(t, "--data", data, "--postgres", platform); code != 0 || !strings.Contains(printed, "/invitation/province.") {
		t.Errorf("serving: exit code %d\n%s", code, printed)
	}
	path := provisioningtest.Write(t, provisioningtest.Spec(), provisioningtest.Square(t, 4, 1))
	for verb, flag := range map[string]string{"plan": "--json", "apply": "--auto-approve"} {
		code, _, refusal := wangge(t, "city", verb, flag, "--data", data, "--postgres", platform, "-f", path)
		if code != exitRefused {
			t.Errorf("%s without the provisioning role: exit code %d, want 2", verb, code)
		}
		says(t, refusal, "WANGGE_POSTGRES_ADMIN", "未给出建城用的数据库连接", "is missing")
	}
	if list := must(t, "city", "list", "--data", data, "--postgres", platform); strings.Contains(list, "150300") {
		t.Errorf("a city that could not be built is in the registry:\n%s", list)
	}
	must(t, "city", "apply", "--auto-approve", "--data", data, "--postgres", platform, "--postgres-admin", admin, "-f", path)
	says(t, must(t, "city", "list", "--data", data, "--postgres", platform), "150300", "active", "postgres")
	if code, printed := serves(t, "--data", data, "--postgres", platform); code != 0 {
		t.Errorf("serving with a city: exit code %d\n%s", code, printed)
	}
}

func TestARoleThatCouldReadEveryCityIsRefused(t *testing.T) {
	name := provisioningtest.Empty(t)
	_, admin := provisioningtest.Prepared(t, name)
	superuser := provisioningtest.Superuser(t, name)
	for who, c := range map[string]struct{ dsn, why string }{"a superuser": {superuser, "SUPERUSER"}, "the provisioner": {admin, "CREATEROLE"}} {
		code, printed := serves(t, "--data", t.TempDir(), "--postgres", c.dsn)
		if code != exitFailed {
			t.Errorf("%s: exit code %d, want 1", who, code)
		}
		says(t, printed, "数据库角色权限过大", "could read other cities", c.why, "wangge database init")
		u, err := url.Parse(c.dsn)
		if err != nil {
			t.Fatal(err)
		}
		if password, _ := u.User.Password(); strings.Contains(printed, password) {
			t.Errorf("%s: the password is shown:\n%s", who, printed)
		}
	}
}
