package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"wangge/cmd/wangge/app"
	"wangge/internal/gormx"
	"wangge/internal/identity"
	"wangge/internal/pgserver"
	"wangge/provisioning/postgres"
	"wangge/tenant/limit"
)

// Host starts what benchmarks need: a folder for each and, with the first that
// asks for it, a PostgreSQL for all.
type Host struct {
	server    *pgserver.Server
	databases int
}

// NewHost returns a host that has started nothing yet; it must be closed.
func NewHost() *Host { return &Host{} }

// Close stops the PostgreSQL, if one was started.
func (h *Host) Close() error {
	if h.server == nil {
		return nil
	}
	return h.server.Stop()
}

// postgres is the server, durable as in production.
func (h *Host) postgres(ctx context.Context) (_ *pgserver.Server, err error) {
	if h.server == nil {
		h.server, err = pgserver.Start(ctx, pgserver.Options{Durable: true})
	}
	return h.server, err
}

// world is an empty platform of its own.
type world struct {
	*app.App
	dir   string
	admin string // PostgreSQL: the superuser's connection string of the platform's database
	twins int    // made for floors
	cfg   app.Config
}

// cheap makes signing in cost next to nothing: it is not what is measured.
var cheap = identity.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}

// world opens an empty platform on an engine; it must be closed.
func (h *Host) world(ctx context.Context, engine gormx.Engine) (*world, error) {
	dir, err := os.MkdirTemp("", "wangge-bench-")
	if err != nil {
		return nil, err
	}
	w := &world{dir: dir}
	cfg := app.Config{Data: filepath.Join(dir, "data"), Limits: limit.Unlimited(), Hasher: identity.NewHasher(cheap, 2)}
	if engine == gormx.Postgres {
		cfg.Postgres, cfg.Provisioner, err = h.database(ctx, w)
	}
	if w.cfg = cfg; err == nil {
		w.App, err = app.Open(ctx, cfg)
	}
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// database makes a new database on the server, prepared as `wangge database
// init` does, and returns the connection strings of its two roles.
func (h *Host) database(ctx context.Context, w *world) (platform, provisioner string, err error) {
	server, err := h.postgres(ctx)
	if err != nil {
		return "", "", err
	}
	h.databases++
	name := fmt.Sprintf("bench_%d", h.databases)
	if err := execute(ctx, server.AdminDSN(), "CREATE DATABASE "+name); err != nil {
		return "", "", err
	}
	u, err := url.Parse(server.AdminDSN())
	if err != nil {
		return "", "", err
	}
	u.Path = "/" + name
	w.admin = u.String()
	const password = "bench" // on loopback, until the server is stopped
	if err := postgres.Init(ctx, w.admin, password, password); err != nil {
		return "", "", err
	}
	return server.DSN(postgres.PlatformRole, password, name), server.DSN(postgres.ProvisionerRole, password, name), nil
}

func execute(ctx context.Context, dsn, statement string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
}

// Version is the PostgreSQL's version, starting it when need be.
func (h *Host) Version(ctx context.Context) (version string, err error) {
	server, err := h.postgres(ctx)
	if err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, server.AdminDSN())
	if err != nil {
		return "", err
	}
	err = conn.QueryRow(ctx, "SHOW server_version").Scan(&version)
	return version, errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
}

// Close closes the platform and removes its folder.
func (w *world) Close() (err error) {
	if w.App != nil {
		err = w.App.Close()
	}
	return errors.Join(err, os.RemoveAll(w.dir))
}
