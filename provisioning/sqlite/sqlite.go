// Package sqlite puts each city into a file of its own.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/provisioning"
	"wangge/tenant"
	"wangge/tenant/tenantdb"
)

// Files makes and opens the files of the cities below a folder.
type Files struct{ tenantdb.Files }

// Engine is SQLite.
func (Files) Engine() gormx.Engine { return gormx.SQLite }

// ErrNoServers refuses a server's name: files are where the platform is.
var ErrNoServers = errs.New(errs.Invalid, "no_servers", "SQLite 的城市只能在本机，规格不得写 server：%s", "a city on SQLite is where the platform is: its spec can't name a server: %s")

// On is itself, on the platform's own machine.
func (f Files) On(_ context.Context, server string) (provisioning.Database, error) {
	if server != "" {
		return nil, ErrNoServers.With(server)
	}
	return f, nil
}

// Prepare makes the folder; the file comes with the first opening.
func (f Files) Prepare(_ context.Context, id tenant.ID) error {
	if err := os.MkdirAll(filepath.Dir(f.Path(id)), 0o700); err != nil {
		return fmt.Errorf("folder of the cities: %w", err)
	}
	db, err := gormx.OpenSQLite(f.Path(id), gormx.Full)
	if err != nil {
		return err
	}
	return db.Close()
}

// Open opens the city's file for building: what a step wrote stays written
// even through a power cut, because the ledger will say it is done.
func (f Files) Open(_ context.Context, id tenant.ID) (*gormx.DB, error) {
	return gormx.OpenSQLite(f.Path(id), gormx.Full)
}

// Drop removes the city's file and those that SQLite keeps beside it.
func (f Files) Drop(_ context.Context, id tenant.ID) error {
	for _, suffix := range []string{"-wal", "-shm", "-journal", ""} { // the database last: without it nothing is left to do
		if err := os.Remove(f.Path(id) + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove the database of %s: %w", id, err)
		}
	}
	return nil
}

// Exists says whether the city has a file.
func (f Files) Exists(_ context.Context, id tenant.ID) (bool, error) {
	_, err := os.Stat(f.Path(id))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
