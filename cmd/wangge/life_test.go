package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wangge/internal/gormx"
	"wangge/provisioning/provisioningtest"
)

func TestACityLivesItsLifeOnTheCommandLine(t *testing.T) {
	s := newSite(t, gormx.SQLite)
	s.finish(t)
	run := func(args ...string) string { return must(t, append(args, "--data", s.data)...) }
	refused := func(want string, args ...string) {
		t.Helper()
		code, _, text := wangge(t, append(args, "--data", s.data)...)
		if code != exitRefused {
			t.Errorf("%v: exit code %d, want 2", args, code)
		}
		says(t, text, want)
	}
	recipient := strings.TrimSpace(run("city", "recipient"))
	archive := filepath.Join(t.TempDir(), "city.wga")
	says(t, run("city", "export", provisioningtest.Code, "--to", recipient, "-o", archive), "乌海市", "内容校验和 content")
	refused("接收方公钥无效", "city", "export", provisioningtest.Code, "--to", "nobody", "-o", archive+".2")
	verified := must(t, "city", "verify", archive)
	says(t, verified, "总校验和 whole")
	if code, _, text := wangge(t, "city", "verify", archive, "--sum", strings.Repeat("0", 64)); code != exitRefused || !strings.Contains(text, "不符") {
		t.Errorf("another archive than was told: %d %s", code, text)
	}
	refused("已在本平台登记", "city", "import", provisioningtest.Code, archive)
	whole, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	whole[len(whole)/2] ^= 1
	if err := os.WriteFile(archive, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("档案已损坏或被改动", "city", "import", "620200", archive)
	says(t, run("city", "backup", provisioningtest.Code), "已备份")
	says(t, run("city", "backup", provisioningtest.Code, "--list"), "Z  20")
	says(t, run("city", "restore", provisioningtest.Code), "已还原")
	says(t, run("city", "restore", provisioningtest.Code, "--undo"), "已撤回")
	refused("没有待确认的还原", "city", "restore", provisioningtest.Code, "--confirm")
	says(t, run("city", "sandbox", provisioningtest.Code, "--as", "990001"), "/invitation/", "演练副本")
	says(t, run("city", "suspend", provisioningtest.Code, "--reason", "割接"), "read_only", "紧急问题仍可上报")
	says(t, run("city", "suspend", provisioningtest.Code, "--closed", "--reason", "割接"), "closed")
	says(t, run("city", "resume", provisioningtest.Code), "已恢复")
	refused("尚未注销", "city", "purge", provisioningtest.Code, "--yes")
	says(t, run("city", "delete", provisioningtest.Code, "--reason", "合同到期"), "已注销")
	refused("保留期至", "city", "purge", provisioningtest.Code, "--yes")
	refused("没有销毁证明", "city", "certificate", provisioningtest.Code)
	says(t, run("city", "purge", provisioningtest.Code, "--keep", "0", "--yes"), "数据与密钥销毁证明", "合同到期")
	says(t, run("city", "certificate", provisioningtest.Code, "--json"), `"hash"`, `\"keys_gone\":true`)
	refused("已销毁", "city", "resume", provisioningtest.Code)
	for name := range files(t, s.data) {
		if strings.Contains(name, provisioningtest.Code) && !strings.Contains(name, "certificates") {
			t.Errorf("%s is left", name)
		}
	}
	if list := run("city", "list"); !strings.Contains(list, "990001") {
		t.Errorf("the sandbox went with it:\n%s", list)
	}
}
