// Package vaultserver starts a real, throw-away Vault on loopback, for tests. It
// owns building the server from the module tools/vault and the life of the
// process; what is put into it is the caller's.
package vaultserver

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"wangge/internal/errs"
)

// ErrNoVault says why no Vault could be built or started.
var ErrNoVault = errs.New(errs.Unavailable, "no_vault", "无法启动测试用的 Vault：%[1]s", "no Vault for tests: %[1]s")

// Server is a running Vault, unsealed and empty.
type Server struct {
	Address    string   `json:"address"`
	RootToken  string   `json:"root_token"`
	UnsealKeys []string `json:"unseal_keys"`

	process *exec.Cmd
	stdin   io.Closer
}

// Ensure builds the server unless it is up to date and returns its path. Without
// Go's cache that takes several minutes: it is done before the tests, whose time
// is bounded.
func Ensure(ctx context.Context) (path string, err error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	cache := filepath.Join(root, ".cache", "vault")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", ErrNoVault.With(err.Error())
	}
	path = filepath.Join(cache, "vault")
	err = locked(filepath.Join(cache, "lock"), func() error {
		build := exec.CommandContext(ctx, "go", "build", "-o", path, ".") //nolint:gosec // below the module's own folder
		build.Dir = filepath.Join(root, "tools", "vault")
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath") // the same whoever asks: Go's cache is by flags
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("go build: %w\n%s", err, out)
		}
		return nil
	})
	if err != nil {
		return "", ErrNoVault.With(err.Error())
	}
	return path, nil
}

// moduleRoot is the folder of the module that the working directory is in.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	file := strings.TrimSpace(string(out))
	if err != nil || !filepath.IsAbs(file) {
		return "", ErrNoVault.With("the working directory is in no Go module")
	}
	return filepath.Dir(file), nil
}

// Start starts a Vault, which ends with Stop or with this process.
func Start(ctx context.Context) (*Server, error) {
	path, err := Ensure(ctx)
	if err != nil {
		return nil, err
	}
	s := &Server{process: exec.Command(path)} //nolint:gosec,noctx // built above; it outlives the start, which is what ctx is for
	s.process.Stderr = os.Stderr
	stdin, err := s.process.StdinPipe()
	if err != nil {
		return nil, ErrNoVault.With(err.Error())
	}
	s.stdin = stdin
	stdout, err := s.process.StdoutPipe()
	if err != nil {
		return nil, ErrNoVault.With(err.Error())
	}
	if err := s.process.Start(); err != nil {
		return nil, ErrNoVault.With(err.Error())
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, s)
	}
	if err != nil {
		return nil, errors.Join(ErrNoVault.With(err.Error()), s.Stop())
	}
	return s, nil
}

// Stop ends the server and waits for it.
func (s *Server) Stop() error {
	if err := errors.Join(s.stdin.Close(), s.process.Wait()); err != nil {
		return fmt.Errorf("stop Vault: %w", err)
	}
	return nil
}
