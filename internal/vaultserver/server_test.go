package vaultserver_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"wangge/internal/vaultserver"
)

func TestAServerIsUnsealedUntilItIsStopped(t *testing.T) {
	s, err := vaultserver.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var health struct {
		Initialized bool   `json:"initialized"`
		Sealed      bool   `json:"sealed"`
		Version     string `json:"version"`
	}
	res, err := http.Get(s.Address + "/v1/sys/health")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&health); err != nil || !health.Initialized || health.Sealed || health.Version == "" {
		t.Errorf("got %+v, %v; want a Vault that is open", health, err)
	}
	if s.RootToken == "" || len(s.UnsealKeys) != 1 {
		t.Errorf("got %d keys and a token of %d bytes, want what opens it", len(s.UnsealKeys), len(s.RootToken))
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if res, err := http.Get(s.Address + "/v1/sys/health"); err == nil {
		_ = res.Body.Close()
		t.Error("a stopped server answers")
	}
}
