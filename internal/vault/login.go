package vault

import (
	"fmt"
	"os"
	"strings"
)

// Login is a way to get a token: where to ask and what to send.
type Login interface {
	request() (path string, body map[string]any, err error)
}

// AppRole logs in with a role's ID and a secret ID, which is read from its file
// at every login so that it can be replaced while serving.
type AppRole struct {
	Mount        string // "approle" when empty
	RoleID       string
	SecretIDFile string
}

func (a AppRole) request() (string, map[string]any, error) {
	secret, err := os.ReadFile(a.SecretIDFile)
	if err != nil {
		return "", nil, fmt.Errorf("secret ID: %w: %w", ErrLogin, err)
	}
	return loginPath(a.Mount, "approle"), map[string]any{"role_id": a.RoleID, "secret_id": strings.TrimSpace(string(secret))}, nil
}

// serviceAccount is where Kubernetes puts the token of a pod's account.
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// Kubernetes logs in with the token of the pod's service account, which
// Kubernetes replaces and which is therefore read at every login.
type Kubernetes struct {
	Mount     string // "kubernetes" when empty
	Role      string
	TokenFile string // where a pod has it when empty
}

func (k Kubernetes) request() (string, map[string]any, error) {
	file := k.TokenFile
	if file == "" {
		file = serviceAccount
	}
	token, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if err != nil {
		return "", nil, fmt.Errorf("service account: %w: %w", ErrLogin, err)
	}
	return loginPath(k.Mount, "kubernetes"), map[string]any{"role": k.Role, "jwt": strings.TrimSpace(string(token))}, nil
}

func loginPath(mount, usual string) string {
	if mount == "" {
		mount = usual
	}
	return "auth/" + mount + "/login"
}

// Token is a login that has its token already: an operator's. It is not renewed.
type Token string

func (t Token) request() (string, map[string]any, error) { return "", nil, nil }
