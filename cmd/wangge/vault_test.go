package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wangge/internal/vaultserver"
	"wangge/provisioning/provisioningtest"
)

// environment reads a file of NAME=value lines.
func environment(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[name] = value
	}
	return values
}

func TestAnEmptyVaultIsSetUpAndWhatIsWrittenLogsIn(t *testing.T) {
	server, err := vaultserver.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	platform, admin := provisioningtest.Database(t)
	out := filepath.Join(t.TempDir(), "logins")
	setUp := []string{"vault", "init", "--address", server.Address, "--token", server.RootToken, "--provisioner", admin, "-o", out}
	says(t, must(t, setUp...), "已写入 written to", "供 city apply 使用")
	code, _, refusal := wangge(t, setUp...)
	if code != exitRefused {
		t.Errorf("into a folder that exists: exit code %d, want 2", code)
	}
	says(t, refusal, "目录已存在")

	written := environment(t, filepath.Join(out, "provision.env"))
	flags := []string{
		"--data", t.TempDir(), "--postgres", platform, "--postgres-admin", admin, "--vault-addr", written["WANGGE_VAULT_ADDR"],
		"--vault-secret-id-file", written["WANGGE_VAULT_SECRET_ID_FILE"],
	}
	as := func(role string, args ...string) []string {
		return append(append(args, flags...), "--vault-role-id", role)
	}
	path := provisioningtest.Write(t, provisioningtest.Spec(), provisioningtest.Square(t, 4, 1))
	must(t, as(written["WANGGE_VAULT_ROLE_ID"], "city", "apply", "--auto-approve", "-f", path)...)
	says(t, must(t, as(written["WANGGE_VAULT_ROLE_ID"], "city", "list")...), provisioningtest.Code, "active", "postgres")
	code, _, refusal = wangge(t, as("nobody", "city", "list")...)
	if code == 0 {
		t.Error("a role that is not there logs in")
	}
	says(t, refusal, "登录密钥服务器 Vault 被拒绝", "Vault refused the login")
}

func TestThePolicyOfVaultIsPrintedForAnOperatorToRead(t *testing.T) {
	text := must(t, "vault", "policy", "serve")
	says(t, text, `path "wangge-database/creds/city_*"`, `path "wangge-transit/decrypt/scope.city.*"`)
	if strings.Contains(text, "encrypt") {
		t.Errorf("a server that only reads keys may make them:\n%s", text)
	}
}
