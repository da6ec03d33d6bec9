package vault_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wangge/internal/errs"
	"wangge/internal/secrets"
	"wangge/internal/secrets/secretstest"
	"wangge/internal/vault"
)

func TestVaultKeepsThePromisesOfAKeeper(t *testing.T) {
	secretstest.TestKeeper(t, func(t *testing.T) secretstest.Open {
		w := newWorldOf(t, sharedVault(t), "", times{forever, forever})
		return func(t testing.TB) secrets.Keeper {
			inner, ok := t.(*testing.T)
			if !ok {
				t.Fatal("a keeper is opened by a test")
			}
			return vault.NewKeeper(w.open(inner, w.login[vault.Provision]))
		}
	})
}

func sealer(t *testing.T, k secrets.Keeper, scope string) secrets.Sealer {
	t.Helper()
	s, err := k.Sealer(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVaultIsAskedOnceForADataKeyAndNotForAValue(t *testing.T) {
	w := newWorld(t, sharedVault(t), times{forever, forever})
	sealer(t, vault.NewKeeper(w.open(t, w.login[vault.Provision])), "city/130100")
	client := w.open(t, w.login[vault.Serve])
	k := vault.NewKeeper(client)
	for i := range 1000 {
		s := sealer(t, k, "city/130100")
		sealed, err := s.Seal([]byte("手机号"), fmt.Append(nil, i))
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := s.Open(sealed, fmt.Append(nil, i)); err != nil || string(plain) != "手机号" {
			t.Fatalf("got %q, %v", plain, err)
		}
	}
	if n := client.Status().Counters; n.Unwraps != 1 || n.Wraps != 0 {
		t.Errorf("got %+v, want one data key unwrapped", n)
	}
}

func TestAKeyIsRotatedInVaultWhileItsScopeIsOpen(t *testing.T) {
	w := newWorld(t, sharedVault(t), times{forever, forever})
	k := vault.NewKeeper(w.open(t, w.login[vault.Provision]))
	s := sealer(t, k, "city/130100")
	sealed, err := s.Seal([]byte("手机号"), nil)
	if err != nil {
		t.Fatal(err)
	}
	first := wrapped(t, w, "city/130100")
	for range 2 {
		if err := k.Rekey(t.Context(), "city/130100"); err != nil {
			t.Fatal(err)
		}
	}
	if now := wrapped(t, w, "city/130100"); !strings.HasPrefix(first, "vault:v1:") || !strings.HasPrefix(now, "vault:v3:") {
		t.Errorf("wrapped as %.9s and then as %.9s, want by the newest key", first, now)
	}
	other := vault.NewKeeper(w.open(t, w.login[vault.Serve]))
	for where, s := range map[string]secrets.Sealer{"who had it open": s, "who opens it now": sealer(t, other, "city/130100")} {
		if plain, err := s.Open(sealed, nil); err != nil || string(plain) != "手机号" {
			t.Errorf("%s got %q, %v", where, plain, err)
		}
	}
	put(t, w, "city/130100", first)
	if _, err := vault.NewKeeper(w.open(t, w.login[vault.Serve])).Sealer(t.Context(), "city/130100"); !errors.Is(err, secrets.ErrNotSealed) {
		t.Errorf("an old copy of the wrapped keys: got %v, want it retired", err)
	}
}

func TestACopyThatWasTakenBeforeOpensNothingOnceTheKeyIsDestroyed(t *testing.T) {
	w := newWorld(t, sharedVault(t), times{forever, forever})
	k := vault.NewKeeper(w.open(t, w.login[vault.Provision]))
	sealer(t, k, "city/130100")
	sealer(t, k, "city/130200")
	copied := wrapped(t, w, "city/130100")
	put(t, w, "city/130200", copied)
	other := vault.NewKeeper(w.open(t, w.login[vault.Serve]))
	if _, err := other.Sealer(t.Context(), "city/130200"); !errors.Is(err, secrets.ErrNotSealed) {
		t.Errorf("keys under another scope's name: got %v, want ErrNotSealed", err)
	}
	if err := k.Destroy(t.Context(), "city/130100"); err != nil {
		t.Fatal(err)
	}
	put(t, w, "city/130100", copied)
	if _, err := other.Sealer(t.Context(), "city/130100"); !errors.Is(err, secrets.ErrNotSealed) {
		t.Errorf("a copy of the wrapped keys after the destruction: got %v, want ErrNotSealed", err)
	}
}

// wrapped is what lies in kv for a scope, as Vault stores it.
func wrapped(t *testing.T, w *world, scope string) string {
	t.Helper()
	value, err := w.root.KVv2(w.mounts.KV).Get(t.Context(), "scopes/"+scope)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := value.Data["value"].(string)
	return decoded(t, text)
}

func put(t *testing.T, w *world, scope, wrapped string) {
	t.Helper()
	if _, err := w.root.KVv2(w.mounts.KV).Put(t.Context(), "scopes/"+scope, map[string]any{"value": encoded(wrapped)}); err != nil {
		t.Fatal(err)
	}
}

func TestAPolicyRefusesWhatItsLoginDoesNotNeed(t *testing.T) {
	w := newWorld(t, sharedVault(t), times{forever, forever})
	role := w.schema(t, "a", forever, forever)
	sealer(t, vault.NewKeeper(w.open(t, w.login[vault.Provision])), "city/130100")
	kv, transit, database := w.mounts.KV, w.mounts.Transit, w.mounts.Database
	key := "/scope.city.130100.key"
	text := map[string]any{"plaintext": "eA==", "context": "eA=="}
	type try struct {
		method, path string
		body         map[string]any
	}
	both := []try{
		{http.MethodGet, "sys/mounts", nil},
		{http.MethodGet, "sys/policies/acl", nil},
		{http.MethodPut, "sys/policies/acl/mine", map[string]any{"policy": `path "*" { capabilities = ["sudo"] }`}},
		{http.MethodPut, "auth/token/create", nil},
		{http.MethodPut, "sys/seal", nil},
		{http.MethodGet, database + "/config/main", nil},
		{http.MethodPut, database + "/config/main", map[string]any{"username": "postgres"}},
		{http.MethodPut, database + "/rotate-root/main", nil},
		{http.MethodGet, database + "/creds/another", nil},
		{http.MethodPut, "sys/leases/revoke-prefix/" + database, nil},
		{http.MethodGet, kv + "/data/scopes/another", nil},
		{http.MethodPut, kv + "/config", map[string]any{"max_versions": 9}},
		{http.MethodGet, transit + "/export/encryption-key" + key, nil},
		{http.MethodGet, transit + "/backup" + key, nil},
		{http.MethodPut, transit + "/decrypt/scope.another.key", map[string]any{"ciphertext": "vault:v1:eA=="}},
		{http.MethodPut, transit + "/keys" + key + "/config", map[string]any{"exportable": true}},
		{http.MethodPut, transit + "/keys/scope.city.1.key", map[string]any{"exportable": true}},
	}
	serving := []try{
		{http.MethodPut, transit + "/encrypt" + key, text},
		{http.MethodGet, transit + "/keys" + key, nil},
		{http.MethodPut, transit + "/keys" + key + "/rotate", nil},
		{http.MethodPut, transit + "/keys" + key + "/config", map[string]any{"deletion_allowed": true}},
		{http.MethodDelete, transit + "/keys" + key, nil},
		{http.MethodPut, kv + "/data/scopes/city/130100", map[string]any{"data": map[string]any{"value": ""}}},
		{http.MethodDelete, kv + "/metadata/scopes/city/130100", nil},
		{http.MethodGet, kv + "/data/secrets/city/130100/postgres", nil},
		{http.MethodGet, database + "/roles/" + role, nil},
		{http.MethodPut, database + "/roles/" + role, map[string]any{"creation_statements": "CREATE ROLE x SUPERUSER"}},
		{http.MethodDelete, database + "/roles/" + role, nil},
		{http.MethodPut, "sys/leases/revoke-prefix/" + database + "/creds/" + role, nil},
	}
	for use, tries := range map[vault.Use][]try{vault.Serve: append(serving, both...), vault.Provision: both} {
		client := w.open(t, w.login[use])
		for _, c := range tries {
			if err := client.Try(t.Context(), c.method, c.path, c.body); !errors.Is(err, vault.ErrDenied) || errs.KindOf(err) != errs.Unavailable {
				t.Errorf("%s may %s %s: got %v, want ErrDenied", use, c.method, c.path, err)
			}
		}
		if n := client.Status().Counters; n.TokensLost != 0 || n.Logins != 1 {
			t.Errorf("%s: got %+v, want a refusal not to be taken for a lost token", use, n)
		}
	}
}

func TestAPodLogsInWithItsServiceAccount(t *testing.T) {
	w := newWorld(t, sharedVault(t), times{forever, forever})
	// What Vault asks of a cluster is whose the token is. That one call is answered here.
	cluster := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/apis/authentication.k8s.io/v1/tokenreviews" {
			http.NotFound(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(http.StatusCreated)
		fmt.Fprint(rw, `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","status":{"authenticated":true,"audiences":["vault"],
			"user":{"username":"system:serviceaccount:wangge:server","uid":"1","groups":["system:serviceaccounts"]}}}`)
	}))
	t.Cleanup(cluster.Close)
	mount := "kubernetes-" + w.names.Roles
	for path, body := range map[string]map[string]any{
		"sys/auth/" + mount: {"type": "kubernetes"},
	} {
		if _, err := w.root.Logical().Write(path, body); err != nil {
			t.Fatal(err)
		}
	}
	policy := strings.TrimPrefix(w.names.Roles, "own_") + "-" + string(vault.Serve)
	for _, c := range []struct {
		path string
		body map[string]any
	}{
		{"config", map[string]any{"kubernetes_host": cluster.URL, "token_reviewer_jwt": jwt, "disable_local_ca_jwt": true, "disable_iss_validation": true}},
		{"role/server", map[string]any{
			"bound_service_account_names": "server", "bound_service_account_namespaces": "wangge", "audience": "vault",
			"token_policies": []string{policy}, "token_no_default_policy": true,
		}},
		{"role/other", map[string]any{"bound_service_account_names": "other", "bound_service_account_namespaces": "wangge", "audience": "vault"}},
	} {
		if _, err := w.root.Logical().Write("auth/"+mount+"/"+c.path, c.body); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(jwt), 0o600); err != nil {
		t.Fatal(err)
	}
	sealer(t, vault.NewKeeper(w.open(t, w.login[vault.Provision])), "city/130100")
	sealer(t, vault.NewKeeper(w.open(t, vault.Kubernetes{Mount: mount, Role: "server", TokenFile: file})), "city/130100")
	_, err := vault.Open(t.Context(), vault.Config{Address: w.address, Login: vault.Kubernetes{Mount: mount, Role: "other", TokenFile: file}})
	if !errors.Is(err, vault.ErrLogin) {
		t.Errorf("as another's account: got %v, want ErrLogin", err)
	}
}

// jwt is a service account's token whose signature only a cluster would check:
// {"iss":"kubernetes/serviceaccount","aud":["vault"],"exp":4102444800, …}.
var jwt = "eyJhbGciOiJSUzI1NiJ9." + raw(`{"iss":"kubernetes/serviceaccount","sub":"system:serviceaccount:wangge:server","aud":["vault"],`+
	`"exp":4102444800,"nbf":1,"iat":1,"kubernetes.io":{"namespace":"wangge","serviceaccount":{"name":"server","uid":"1"}}}`) + "." + raw("signature")
