package main

import (
	"context"
	"maps"
	"slices"

	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/logical/database"
	"github.com/hashicorp/vault/builtin/logical/transit"
	"github.com/hashicorp/vault/plugins/database/postgresql"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
)

// maker makes what Vault asks a plugin for: a backend's factory, or a database.
type maker = func() (any, error)

// registry has the few plugins that the tests use, by type and name. Vault's own
// has all that there are, with the clients of every cloud.
type registry map[consts.PluginType]map[string]maker

func plugins() registry {
	return registry{
		consts.PluginTypeCredential: {"approle": backend(approle.Factory), "kubernetes": backend(kubernetes.Factory)},
		consts.PluginTypeSecrets:    {"transit": backend(transit.Factory), "kv": backend(kv.Factory)},
		consts.PluginTypeDatabase:   {"postgresql-database-plugin": postgresql.New},
	}
}

func backend(f func(context.Context, *logical.BackendConfig) (logical.Backend, error)) maker {
	return func() (any, error) { return logical.Factory(f), nil }
}

// Contains implements Vault's BuiltinRegistry.
func (r registry) Contains(name string, kind consts.PluginType) bool {
	_, ok := r[kind][name]
	return ok
}

// Get implements Vault's BuiltinRegistry.
func (r registry) Get(name string, kind consts.PluginType) (func() (any, error), bool) {
	m, ok := r[kind][name]
	return m, ok
}

// Keys implements Vault's BuiltinRegistry.
func (r registry) Keys(kind consts.PluginType) []string { return slices.Sorted(maps.Keys(r[kind])) }

// DeprecationStatus implements Vault's BuiltinRegistry.
func (r registry) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	if !r.Contains(name, kind) {
		return consts.Unknown, false
	}
	return consts.Supported, true
}

// IsBuiltinEntPlugin implements Vault's BuiltinRegistry.
func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }

// logicalBackends are those that Vault takes before it looks into the registry.
func logicalBackends() map[string]logical.Factory {
	return map[string]logical.Factory{"kv": kv.Factory, "database": database.Factory}
}
