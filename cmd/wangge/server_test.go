package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/provisioning/provisioningtest"
)

// schemasOf counts the cities' schemas in a database.
func schemasOf(t *testing.T, database string) (n int) {
	t.Helper()
	db, err := gormx.OpenPostgres(provisioningtest.Superuser(t, database), gormx.Pool{Max: 1, Idle: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Read.Raw(`SELECT COUNT(*) FROM pg_namespace WHERE nspname LIKE 'city\_%'`).Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func TestACityLivesOnTheServerThatItsSpecNames(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	home, other := provisioningtest.Empty(t), provisioningtest.Empty(t)
	platform, admin := provisioningtest.Prepared(t, home)
	_, otherAdmin := provisioningtest.Prepared(t, other)
	at := strings.Replace(testdb.Server(t).DSN("x", "y", other), "x:y@", "", 1)
	flags := []string{"--data", data, "--postgres", platform, "--postgres-admin", admin}
	with := func(args ...string) []string { return append(args, flags...) }

	s := provisioningtest.Spec()
	s.Server = "second"
	elsewhere := provisioningtest.Write(t, s, provisioningtest.Square(t, 4, 1))
	apply := []string{"city", "apply", "--auto-approve", "-f", elsewhere}
	refused := func(words []string, args ...string) {
		t.Helper()
		code, _, err := wangge(t, args...)
		if code != exitRefused {
			t.Errorf("%v: exit code %d, want 2", args[:3], code)
		}
		says(t, err, words...)
	}
	refused([]string{"没有登记名为“second”的服务器", "no server of the name"}, with(apply...)...)
	refused([]string{"不得含用户名或密码", "must not hold a login"}, with("server", "add", "second", "--at", testdb.Server(t).DSN("x", "y", other))...)
	refused([]string{"a name is of"}, with("server", "add", "Second Server", "--at", at)...)
	says(t, must(t, with("server", "add", "second", "--at", at)...), "已登记")
	must(t, with("server", "add", "second", "--at", at)...) // again changes nothing
	refused([]string{"已登记在另一地址"}, with("server", "add", "second", "--at", strings.Replace(at, other, home, 1))...)
	refused([]string{"WANGGE_SERVER_ADMINS", "is missing"}, with(apply...)...)
	if list := must(t, with("city", "list")...); strings.Contains(list, "150300") {
		t.Errorf("a city that could not be built is in the registry:\n%s", list)
	}

	must(t, append(with(apply...), "--server-admin", "second="+otherAdmin)...)
	if here, there := schemasOf(t, home), schemasOf(t, other); here != 0 || there != 1 {
		t.Errorf("%d schemas at home and %d on the other server, want the city's there", here, there)
	}
	says(t, must(t, with("server", "list")...), "second", at)
	must(t, with("city", "rebuild", "150300")...) // opens it as the server does
	s.Server = ""
	refused([]string{"位于服务器“second”", "does not move"}, with("city", "apply", "--auto-approve", "-f", provisioningtest.Write(t, s, provisioningtest.Square(t, 4, 1)))...)

	both := append(slices.Clone(flags), "--server-admin", "second="+otherAdmin)
	move := func(args ...string) []string {
		return append(append([]string{"city", "move", "150300"}, args...), both...)
	}
	refused([]string{"已在服务器“second”"}, move("--to", "second")...)
	says(t, must(t, move("--to", "own")...), "已搬迁至“own”", "核对一致", "--confirm")
	if here, there := schemasOf(t, home), schemasOf(t, other); here != 1 || there != 1 {
		t.Errorf("%d schemas at home and %d on the other server, want what was left kept", here, there)
	}
	says(t, must(t, move("--confirm")...), "搬迁已确认")
	if here, there := schemasOf(t, home), schemasOf(t, other); here != 1 || there != 0 {
		t.Errorf("%d schemas at home and %d on the other server, want the city's at home alone", here, there)
	}
	refused([]string{"没有待确认的搬迁"}, move("--confirm")...)
	must(t, with("city", "rebuild", "150300")...)

	if db, err := gormx.OpenPostgres(provisioningtest.Superuser(t, other), gormx.Pool{Max: 1, Idle: time.Minute}); err != nil {
		t.Error(err)
	} else if err := db.Write.Exec("DROP OWNED BY city_150300 CASCADE").Error; err != nil {
		t.Error(err)
	} else if err := db.Close(); err != nil {
		t.Error(err)
	}
}
