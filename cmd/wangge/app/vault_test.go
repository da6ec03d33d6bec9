package app

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wangge/internal/gormx"
	"wangge/internal/identity"
	"wangge/internal/vault"
	"wangge/internal/vaultserver"
	"wangge/platform"
	"wangge/provisioning/provisioningtest"
	"wangge/tenant"
	"wangge/tenant/limit"
)

// vaulted is a platform whose keys and logins are in a Vault of its own: one
// process provisions, the other serves and has none of the first one's folder.
func vaulted(t *testing.T) (server *vaultserver.Server, provisions, serves *world) {
	t.Helper()
	server, err := vaultserver.Start(t.Context())
	must(t, err)
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	cfg := Config{Now: time.Now, Limits: limit.Unlimited(), Hasher: identity.NewHasher(identity.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 2)}
	cfg.Postgres, cfg.Provisioner = provisioningtest.Database(t)
	operator, err := vault.Open(t.Context(), vault.Config{Address: server.Address, Login: vault.Token(server.RootToken)})
	must(t, err)
	made, err := operator.Install(t.Context(), vault.Setup{Names: VaultNames, Prefix: "wangge-", Servers: map[string]string{platform.OwnServer: cfg.Provisioner}})
	must(t, err)
	must(t, operator.Close())
	as := func(use vault.Use) *world {
		file := filepath.Join(t.TempDir(), "secret-id")
		must(t, os.WriteFile(file, []byte(made[use].SecretID), 0o600))
		cfg.Data = t.TempDir()
		cfg.Vault = &vault.Config{
			Address: server.Address, Retry: 100 * time.Millisecond, Timeout: 5 * time.Second,
			Login: vault.AppRole{RoleID: made[use].RoleID, SecretIDFile: file},
		}
		return worldOf(t, cfg)
	}
	provisions = as(vault.Provision)
	cfg.Provisioner = ""
	return server, provisions, as(vault.Serve)
}

// connected is a city's own database, as this process connects to it.
func (w *world) connected(t *testing.T, id tenant.ID) *gormx.DB {
	t.Helper()
	db, err := w.Fleet.Open(t.Context(), id)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

// who is the login that a database is used under, and the role it acts as.
func who(t *testing.T, db *gormx.DB) (login, role string) {
	t.Helper()
	read := func() error { return db.Write.Raw("SELECT session_user, current_user").Row().Scan(&login, &role) }
	if read() != nil { // a connection that was cut off is noticed when it is used
		must(t, read())
	}
	return login, role
}

func TestACityIsServedUnderALoginThatVaultMakesAndTakesAway(t *testing.T) {
	_, provisions, serves := vaulted(t)
	for _, code := range two {
		provisions.build(t, code)
	}
	id, other := cityID(t, two[0]), cityID(t, two[1])
	db, otherDB := serves.connected(t, id), serves.connected(t, other)
	login, role := who(t, db)
	if !strings.HasPrefix(login, "v-") || role != id.Schema() {
		t.Errorf("served as %s acting as %s, want one of Vault's acting as the city", login, role)
	}
	code, known := serves.refusal(t, nil, id)
	if code != "" {
		t.Fatalf("refused with %s", code)
	}
	untouched, _ := who(t, otherDB)

	l, err := provisions.Life()
	must(t, err)
	must(t, l.Suspend(t.Context(), id, platform.ReadOnly, "割接"))
	if again, _ := who(t, db); again == login {
		t.Errorf("after the suspension the city is still served as %s", again)
	}
	if still, _ := who(t, otherDB); still != untouched {
		t.Errorf("the other city is served as %s, want its login left alone", still)
	}
	if code, _ := serves.refusal(t, known, id); code != "city_read_only" {
		t.Errorf("refused with %q, want it read-only", code)
	}
}

func TestWithVaultNoKeyLiesInTheDataFolder(t *testing.T) {
	_, provisions, _ := vaulted(t)
	provisions.build(t, two[0])
	for _, folder := range []string{"keys", "cities"} {
		files, err := filepath.Glob(filepath.Join(provisions.Config.Data, folder, "*"))
		must(t, err)
		if len(files) > 0 {
			t.Errorf("%s lie in the data folder", files)
		}
	}
}

func TestAServerSaysThatVaultIsAwayAndGoesOn(t *testing.T) {
	server, provisions, serves := vaulted(t)
	provisions.build(t, two[0])
	id := cityID(t, two[0])
	db := serves.connected(t, id)
	get := func(path string) string {
		rec := httptest.NewRecorder()
		serves.engine.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		if rec.Code != http.StatusOK {
			t.Errorf("%s answers %d", path, rec.Code)
		}
		return rec.Body.String()
	}
	if said := get("/readyz"); said != "ready\n" {
		t.Errorf("before: %q", said)
	}
	if said := get("/metrics"); !strings.Contains(said, "\nwangge_vault_leases_total 1\n") ||
		!strings.Contains(said, `wangge_vault_login_ready{role="`+id.Schema()+`"} 1`) {
		t.Errorf("before: %s", said)
	}
	sealed, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.Address+"/v1/sys/seal", http.NoBody)
	must(t, err)
	sealed.Header.Set("X-Vault-Token", server.RootToken)
	res, err := http.DefaultClient.Do(sealed)
	must(t, err)
	must(t, res.Body.Close())
	if _, err := serves.Keeper.Sealer(t.Context(), id.Scope()); !errors.Is(err, vault.ErrAway) {
		t.Fatalf("a sealed Vault gives a key, or %v", err)
	}
	if said := get("/readyz"); !strings.HasPrefix(said, "ready\nvault degraded until ") {
		t.Errorf("sealed: %q", said)
	}
	if said := get("/metrics"); !strings.Contains(said, `wangge_vault_state{state="degraded"} 1`) || !strings.Contains(said, "\nwangge_vault_outages_total 1\n") {
		t.Errorf("sealed: %s", said)
	}
	if login, _ := who(t, db); !strings.HasPrefix(login, "v-") {
		t.Errorf("sealed: served as %s", login)
	}
}
