package app

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"wangge/internal/errs"
	"wangge/internal/secrets"
	"wangge/internal/vault"
	"wangge/platform"
	"wangge/provisioning"
	"wangge/provisioning/postgres"
	"wangge/tenant"
	"wangge/tenant/tenantdb"
)

// VaultNames are what the names of cities' own begin with in Vault: tenant.ID's
// Scope and Schema.
var VaultNames = vault.Names{Scopes: "city/", Roles: "city_"}

// openKeeper opens what keeps keys and secrets: Vault when there is one, else a folder.
func (a *App) openKeeper(ctx context.Context) (err error) {
	if a.Config.Vault == nil {
		a.Keeper, err = secrets.OpenKeyFile(filepath.Join(a.Config.Data, "keys"))
		return err
	}
	if a.Vault, err = vault.Open(ctx, *a.Config.Vault); err != nil {
		return err
	}
	a.closers = append(a.closers, a.Vault.Close)
	a.Keeper = vault.NewKeeper(a.Vault)
	return nil
}

// logins is where cities' database logins come from; nil: from the keeper.
func (a *App) logins() tenantdb.Logins {
	if a.Vault == nil {
		return nil
	}
	return func(ctx context.Context, server, role string) (driver.Connector, error) {
		p, err := a.Vault.Pool(ctx, server, role)
		if errs.KindOf(err) == errs.NotFound {
			return nil, tenantdb.ErrNotBuilt
		}
		if err != nil {
			return nil, err
		}
		return p, nil
	}
}

// The life of a city's database logins.
const (
	loginTTL = time.Hour
	loginMax = 24 * time.Hour
)

// leased are the schemas of cities whose logins Vault makes.
type leased struct {
	postgres.Schemas
	vault *vault.Client
	on    string // the server as Vault knows it
}

// leased lets Vault make the logins of cities, when there is one.
func (a *App) leased(schemas postgres.Schemas) provisioning.Database {
	if a.Vault == nil {
		return schemas
	}
	return leased{schemas, a.Vault, platform.OwnServer}
}

// CutOff takes all logins of a city away and ends its connections; whoever still
// may serve it gets another. Nothing is done without a Vault.
func (a *App) CutOff(ctx context.Context, id tenant.ID) error {
	if a.Vault == nil {
		return nil
	}
	return a.Vault.Revoke(ctx, id.Schema())
}

// On is the same on another server, which Vault knows by the catalogue's name.
func (l leased) On(ctx context.Context, server string) (provisioning.Database, error) {
	if server == "" {
		return l, nil
	}
	db, err := l.Schemas.On(ctx, server)
	if err != nil {
		return nil, err
	}
	schemas, ok := db.(postgres.Schemas)
	if !ok {
		return db, nil
	}
	return leased{schemas, l.vault, server}, nil
}

// Prepare also lets Vault make logins that act as the city's role.
func (l leased) Prepare(ctx context.Context, id tenant.ID) error {
	if err := l.Schemas.Prepare(ctx, id); err != nil {
		return err
	}
	return l.admit(ctx, id)
}

// Move lets Vault make logins on the other server from the switch on.
func (l leased) Move(ctx context.Context, id tenant.ID, to provisioning.Database, over func(context.Context) error) (provisioning.Moved, error) {
	there, ok := to.(leased)
	if !ok {
		return provisioning.Moved{}, fmt.Errorf("a city can't move to %s", to.Engine())
	}
	return l.Schemas.Move(ctx, id, there.Schemas, func(ctx context.Context) error {
		err := there.admit(ctx, id)
		if err == nil {
			err = over(ctx)
		}
		if err != nil {
			err = errors.Join(err, l.admit(context.WithoutCancel(ctx), id))
		}
		return err
	})
}

// admit lets Vault make logins that act as the city's role.
func (l leased) admit(ctx context.Context, id tenant.ID) error {
	return l.vault.PutRole(ctx, vault.Role{
		Name: id.Schema(), Connection: l.on, Member: id.Schema(), Limit: postgres.RoleLimit,
		Settings: postgres.Settings(id), TTL: loginTTL, MaxTTL: loginMax,
	})
}

// Drop first takes all logins of the city away.
func (l leased) Drop(ctx context.Context, id tenant.ID) error {
	if err := l.vault.DropRole(ctx, id.Schema()); err != nil {
		return err
	}
	return l.Schemas.Drop(ctx, id)
}
