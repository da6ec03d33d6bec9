// Command vault starts a real Vault for tests: in memory, on a free port of
// loopback, initialized and unsealed. It prints one line of JSON that says where
// it is and how to be its root, and ends when its input does. It is a module of
// its own so that Vault's dependencies never enter the product's, and it is
// never shipped.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

func main() {
	if err := run(os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "vault:", err)
		os.Exit(1)
	}
}

// started is what a test needs to know.
type started struct {
	Address    string   `json:"address"`
	RootToken  string   `json:"root_token"`
	UnsealKeys []string `json:"unseal_keys"`
}

// run serves until in ends.
func run(in io.Reader, out, log io.Writer) (err error) {
	logger := hclog.New(&hclog.LoggerOptions{Output: log, Level: hclog.Error})
	storage, err := inmem.NewInmem(nil, logger)
	if err != nil {
		return err
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical: storage, StorageType: "inmem", Logger: logger, DisableMlock: true,
		LogicalBackends: logicalBackends(), BuiltinRegistry: plugins(),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, core.Shutdown()) }()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: core, ListenerConfig: &configutil.Listener{}}),
		ReadHeaderTimeout: 10 * time.Second,
	}
	defer server.Close()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	info, err := unsealed("http://" + listener.Addr().String())
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(info); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, in)
		ended <- err
	}()
	select {
	case err = <-failed:
	case err = <-ended:
	}
	return err
}

// unsealed initializes the Vault at address with a single key and unseals it.
func unsealed(address string) (started, error) {
	var made struct {
		Keys  []string `json:"keys"`
		Token string   `json:"root_token"`
	}
	if err := put(address+"/v1/sys/init", map[string]int{"secret_shares": 1, "secret_threshold": 1}, &made); err != nil {
		return started{}, err
	}
	for _, key := range made.Keys {
		if err := put(address+"/v1/sys/unseal", map[string]string{"key": key}, &struct{}{}); err != nil {
			return started{}, err
		}
	}
	return started{address, made.Token, made.Keys}, nil
}

// put sends a value and reads the answer.
func put(url string, value, answer any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
		return fmt.Errorf("%s: %s: %s", url, res.Status, text)
	}
	return json.NewDecoder(res.Body).Decode(answer)
}
