package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"wangge/cmd/wangge/app"
	"wangge/internal/errs"
	"wangge/internal/vault"
	"wangge/platform"
)

type vaultCommand struct {
	Policy vaultPolicy `cmd:"" help:"print the policy that a login needs, and no more / 输出最小权限策略"`
	Init   vaultInit   `cmd:"" help:"set up an empty Vault: engines, policies, database servers, logins; run it with an operator's token / 初始化 Vault"`
}

// vaultMounts are the paths of the engines.
type vaultMounts struct {
	KV       string `name:"kv" help:"mount of the engine kv" env:"WANGGE_VAULT_KV" default:"wangge-kv"`
	Transit  string `help:"mount of the engine transit" env:"WANGGE_VAULT_TRANSIT" default:"wangge-transit"`
	Database string `help:"mount of the engine database" env:"WANGGE_VAULT_DATABASE" default:"wangge-database"`
}

func (m vaultMounts) mounts() vault.Mounts {
	return vault.Mounts{KV: m.KV, Transit: m.Transit, Database: m.Database}
}

type vaultPolicy struct {
	vaultMounts `embed:""`
	Use         vault.Use `arg:"" enum:"serve,provision" help:"serve or provision"`
}

// Run prints the policy.
func (c vaultPolicy) Run(s streams) error {
	_, err := fmt.Fprint(s.out, vault.Policy(c.mounts(), app.VaultNames, c.Use))
	return err
}

type vaultInit struct {
	vaultMounts `embed:""`
	Address     string            `help:"where Vault is" env:"WANGGE_VAULT_ADDR" required:"" placeholder:"URL"`
	CA          string            `name:"ca" help:"file of the authority that signed Vault's certificate" env:"WANGGE_VAULT_CA" type:"path" placeholder:"FILE"`
	Token       string            `help:"an operator's token" env:"WANGGE_VAULT_TOKEN" required:""`
	Provisioner string            `help:"connection string of the provisioning role, under which Vault makes logins" env:"WANGGE_POSTGRES_ADMIN" placeholder:"DSN"`
	ServerAdmin map[string]string `help:"those of the servers beside the platform's own, by name" env:"WANGGE_SERVER_ADMINS" placeholder:"NAME=DSN"`
	TokenTTL    time.Duration     `help:"lease of a login's token" default:"1h"`
	TokenMax    time.Duration     `help:"lifetime of a login's token" default:"24h"`
	Out         string            `short:"o" help:"folder to write the logins to, readable by you alone; it must not exist" required:"" type:"path"`
}

// Run sets Vault up and writes for each use the environment that logs in, and
// the secret ID that it names.
func (c vaultInit) Run(ctx context.Context, s streams) error {
	if err := os.Mkdir(c.Out, 0o700); err != nil {
		return errs.Field("--out", "目录已存在或无法建立："+c.Out, "the folder exists or can't be made: "+c.Out)
	}
	servers := map[string]string{}
	maps.Copy(servers, c.ServerAdmin)
	if c.Provisioner != "" {
		servers[platform.OwnServer] = c.Provisioner
	}
	operator, err := vault.Open(ctx, vault.Config{
		Address: c.Address, CACert: c.CA, Mounts: c.mounts(), Login: vault.Token(c.Token), Timeout: 30 * time.Second,
	})
	if err != nil {
		return err
	}
	defer operator.Close()
	made, err := operator.Install(ctx, vault.Setup{
		Names: app.VaultNames, Prefix: "wangge-", Servers: servers, TokenTTL: c.TokenTTL, TokenMax: c.TokenMax,
	})
	if err != nil {
		return err
	}
	for use, credential := range made {
		secret := filepath.Join(c.Out, string(use)+".secret-id")
		if err := os.WriteFile(secret, []byte(credential.SecretID+"\n"), 0o600); err != nil {
			return err
		}
		lines := fmt.Sprintf("WANGGE_VAULT_ADDR=%s\nWANGGE_VAULT_ROLE_ID=%s\nWANGGE_VAULT_SECRET_ID_FILE=%s\n", c.Address, credential.RoleID, secret)
		if err := os.WriteFile(filepath.Join(c.Out, string(use)+".env"), []byte(lines), 0o600); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(s.out, "已写入 written to %s：serve.env 供 serve 使用 is for serve, provision.env 供 city apply 使用 for city apply\n", c.Out)
	return err
}

// vaultPlace says how the platform logs in to Vault. Without an address keys and
// passwords are kept in a folder.
type vaultPlace struct {
	VaultAddr         string `help:"where Vault keeps keys and makes database logins, in place of the key folder" env:"WANGGE_VAULT_ADDR" placeholder:"URL"`
	VaultCA           string `name:"vault-ca" help:"file of the authority that signed Vault's certificate" env:"WANGGE_VAULT_CA" type:"path" placeholder:"FILE"`
	VaultRoleID       string `help:"role ID of an AppRole" env:"WANGGE_VAULT_ROLE_ID" placeholder:"ID"`
	VaultSecretIDFile string `help:"file of its secret ID" env:"WANGGE_VAULT_SECRET_ID_FILE" type:"path" placeholder:"FILE"`
	VaultKubernetes   string `help:"Vault's role for the pod's service account, in place of an AppRole" env:"WANGGE_VAULT_KUBERNETES_ROLE" placeholder:"ROLE"`
	VaultKV           string `name:"vault-kv" help:"mount of the engine kv" env:"WANGGE_VAULT_KV" hidden:""`
	VaultTransit      string `help:"mount of the engine transit" env:"WANGGE_VAULT_TRANSIT" hidden:""`
	VaultDatabase     string `help:"mount of the engine database" env:"WANGGE_VAULT_DATABASE" hidden:""`
}

// config is nil when the platform does without Vault.
func (p vaultPlace) config() (*vault.Config, error) {
	if p.VaultAddr == "" {
		return nil, nil
	}
	cfg := vault.Config{
		Address: p.VaultAddr, CACert: p.VaultCA,
		Mounts: vault.Mounts{KV: p.VaultKV, Transit: p.VaultTransit, Database: p.VaultDatabase},
	}
	switch approle := cmp.Or(p.VaultRoleID, p.VaultSecretIDFile) != ""; {
	case approle == (p.VaultKubernetes != ""), approle && (p.VaultRoleID == "" || p.VaultSecretIDFile == ""):
		return nil, errs.Field("--vault-addr", "须给出 --vault-role-id 与 --vault-secret-id-file，或 --vault-kubernetes，二者择一",
			"give either --vault-role-id with --vault-secret-id-file, or --vault-kubernetes")
	case approle:
		cfg.Login = vault.AppRole{RoleID: p.VaultRoleID, SecretIDFile: p.VaultSecretIDFile}
	default:
		cfg.Login = vault.Kubernetes{Role: p.VaultKubernetes}
	}
	return &cfg, nil
}
