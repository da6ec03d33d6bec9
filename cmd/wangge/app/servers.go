package app

import (
	"context"
	"slices"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/platform"
	"wangge/provisioning/postgres"
	"wangge/tenant"
	"wangge/tenant/tenantdb"
)

// server finds a server of the placement catalogue.
func (a *App) server(ctx context.Context, name string) (platform.Server, error) {
	list, err := a.Registry.Servers(ctx)
	if err != nil {
		return platform.Server{}, err
	}
	i := slices.IndexFunc(list, func(s platform.Server) bool { return s.Name == name })
	if i < 0 {
		return platform.Server{}, postgres.ErrNoServer.With(name)
	}
	return list[i], nil
}

// ErrNoServerLogin refuses to build a city on a server without the login that may.
var ErrNoServerLogin = errs.New(errs.Invalid, "no_server_login",
	"未给出服务器“%[1]s”的建城连接：请用 --server-admin %[1]s=… 或 WANGGE_SERVER_ADMINS", "the provisioning login of server %[1]q is missing: give --server-admin %[1]s=… or WANGGE_SERVER_ADMINS")

// elsewhere is where cities on another server are built.
func (a *App) elsewhere(ctx context.Context, name string) (at, provisioner string, err error) {
	s, err := a.server(ctx, name)
	if err != nil {
		return "", "", err
	}
	provisioner, ok := a.Config.Provisioners[name]
	if !ok {
		return "", "", ErrNoServerLogin.With(name)
	}
	return s.At, provisioner, nil
}

// database opens a city's database where the registry says it lives.
func (a *App) database(ctx context.Context, entry platform.City, id tenant.ID, files tenantdb.Files, schemas tenantdb.Schemas) (*gormx.DB, error) {
	if entry.Engine != string(gormx.Postgres) {
		return files.Open(ctx, id)
	}
	if entry.Server != "" {
		s, err := a.server(ctx, entry.Server)
		if err != nil {
			return nil, err
		}
		schemas.Server = s.At
	}
	return schemas.Open(ctx, id)
}
