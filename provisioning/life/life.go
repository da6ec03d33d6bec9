// Package life is what happens to a city after it was built: it is suspended
// and resumed, put into an archive and taken in elsewhere, backed up and set
// back, copied for practice without its people, and at last deleted with proof
// that nothing of it is left. Building it is package provisioning's; what an
// archive looks like is package archive's.
package life

import (
	"context"
	"path/filepath"
	"time"

	"wangge/internal/blob"
	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/secrets"
	"wangge/platform"
	"wangge/provisioning"
	"wangge/provisioning/archive"
	"wangge/tenant"
)

// Registry knows the cities.
type Registry interface {
	City(ctx context.Context, code string) (platform.City, error) // platform.ErrNoCity
	// Change lets fn change the entry of a city, alone among all who change it.
	Change(ctx context.Context, code string, fn func(*platform.City) error) error
}

// Database is where cities live. Beside the city's own database it can hold one
// that is to take its place, and one whose place was taken.
type Database interface {
	provisioning.Database
	// Next opens an empty database beside the city's, in the place of any other there.
	Next(ctx context.Context, id tenant.ID) (*gormx.DB, error)
	// Switch puts the next database in the place of the city's and keeps that as
	// the old one, in one step for whoever uses the city. Nobody else has the next one open.
	Switch(ctx context.Context, id tenant.ID) error
	// Back puts the old database in the city's place again, in one step.
	Back(ctx context.Context, id tenant.ID) error
	// Kept says whether there is an old database.
	Kept(ctx context.Context, id tenant.ID) (bool, error)
	// Clear drops the next and the old database; none is no error.
	Clear(ctx context.Context, id tenant.ID) error
}

// Taken is what the province has taken from a city: usage up to a batch, and
// figures up to a revision, of these days.
type Taken struct {
	Batch, Revision int64
	Days            []string
}

// Province is the side that takes usage and figures.
type Province interface {
	Taken(ctx context.Context, code string) (Taken, error)
	// Waive lets the province not take the usage of batches up to one: who had
	// the city before has billed them.
	Waive(ctx context.Context, code string, batch int64, at time.Time) error
	// TakeAll takes what there is of usage and figures, before the city leaves.
	TakeAll(ctx context.Context, id tenant.ID) error
}

// Life runs the life of the cities of one platform.
type Life struct {
	Registry Registry
	Database Database
	Ledger   provisioning.Ledger
	Builder  *provisioning.Provisioner // to abandon what was half built
	Seeder   provisioning.Seeder
	Keeper   secrets.Keeper
	Blobs    *blob.Store
	Province Province
	Folder   string // of backups and certificates
	Now      func() time.Time
	// CutOff takes the database logins away that are out for a city and ends their
	// connections; nil where a city has one login that stays.
	CutOff func(ctx context.Context, id tenant.ID) error
}

// What is refused.
var (
	ErrNotServing = errs.New(errs.Conflict, "city_not_in_service", "城市 %s 尚未建成", "city %s was not built yet")
	ErrServer     = errs.New(errs.Unavailable, "server_unknown", "无法使用服务器“%s”", "the server %q can't be used")
	ErrLeft       = errs.New(errs.Conflict, "city_has_left", "城市 %s 已注销", "city %s has left")
	ErrExists     = errs.New(errs.Conflict, "city_exists", "城市 %s 已在本平台登记，不能导入", "city %s is known to this platform already and can't be imported")
	ErrOrphan     = errs.New(errs.Conflict, "city_database_exists", "城市 %s 未登记，但已有其数据库；请先查明来历", "city %s is not registered, and yet there is a database of it: find out whose it is first")
	ErrOtherCity  = errs.New(errs.Invalid, "archive_of_another_city", "档案属于 %[1]s %[2]s，不是 %[3]s", "the archive is of %[1]s %[2]s, not of %[3]s")
	ErrNoKeys     = errs.New(errs.Invalid, "archive_without_keys",
		"档案不含密钥（备份），只能在原平台还原；迁移请用 wangge city export --to 接收方公钥", "the archive holds no keys, it is a backup: restore it where it was made, or export with --to and the recipient of the new place")
	ErrNotForUs = errs.New(errs.Invalid, "archive_for_another",
		"档案的密钥移交给了另一平台，本平台无法启用", "the keys in the archive were handed over to another platform")
	ErrKeysGone = errs.New(errs.Conflict, "keys_of_archive_gone", "本平台已没有打开该备份所需的密钥 %s", "the platform no longer has key %s, which the backup needs")
	ErrSealed   = errs.New(errs.Internal, "sealed_data_lost", "导入的加密数据无法打开（%s），已全部撤销", "sealed data does not open after the import (%s); all of it was undone")
)

// vault is a city's part of the file store.
func (l *Life) vault(ctx context.Context, id tenant.ID) (*blob.Vault, error) {
	sealer, err := l.Keeper.Sealer(ctx, id.Scope())
	if err != nil {
		return nil, err
	}
	return l.Blobs.Vault(id.String(), sealer), nil
}

// home is the database on the server where the registry says a city lives.
func (l *Life) home(ctx context.Context, id tenant.ID) (Database, error) {
	entry, err := l.Registry.City(ctx, id.String())
	if err != nil || entry.Server == "" {
		return l.Database, err
	}
	return l.on(ctx, entry.Server)
}

// on is the database on a server of the placement catalogue.
func (l *Life) on(ctx context.Context, server string) (Database, error) {
	servers, ok := l.Database.(interface {
		On(ctx context.Context, server string) (provisioning.Database, error)
	})
	if !ok {
		return nil, ErrServer.With(server)
	}
	there, err := servers.On(ctx, server)
	if err != nil {
		return nil, err
	}
	database, ok := there.(Database)
	if !ok {
		return nil, ErrServer.With(server)
	}
	return database, nil
}

// open opens a city's database where it lives.
func (l *Life) open(ctx context.Context, id tenant.ID) (*gormx.DB, error) {
	home, err := l.home(ctx, id)
	if err != nil {
		return nil, err
	}
	return home.Open(ctx, id)
}

// served is the entry of a city that was built and has not left.
func (l *Life) served(ctx context.Context, id tenant.ID) (platform.City, error) {
	entry, err := l.Registry.City(ctx, id.String())
	switch {
	case err != nil:
		return entry, err
	case entry.State == platform.Building:
		return entry, ErrNotServing.With(entry.Code)
	case !entry.LeftAt.IsZero():
		return entry, ErrLeft.With(entry.Code)
	}
	return entry, nil
}

// Export writes the archive of a city for a recipient, who alone can take it
// in, and returns its manifest and whole checksum. The city works on meanwhile.
func (l *Life) Export(ctx context.Context, id tenant.ID, path string, to secrets.Recipient) (archive.Manifest, string, error) {
	entry, err := l.Registry.City(ctx, id.String())
	if err != nil {
		return archive.Manifest{}, "", err
	}
	if entry.State == platform.Building {
		return archive.Manifest{}, "", ErrNotServing.With(entry.Code)
	}
	return l.write(ctx, id, entry, path, to)
}

func (l *Life) write(ctx context.Context, id tenant.ID, entry platform.City, path string, to secrets.Recipient) (m archive.Manifest, sum string, err error) {
	db, err := l.open(ctx, id)
	if err != nil {
		return m, "", err
	}
	defer db.Close()
	return archive.Export(ctx, archive.Source{
		City: archive.City{Code: entry.Code, Name: entry.Name, Model: entry.Model, SpecHash: entry.SpecHash},
		DB:   db, Files: l.Blobs.Vault(id.String(), nil), Recipient: to, At: l.Now(),
		Keys: func(ctx context.Context) (keys []secrets.Key, handed []byte, err error) {
			if keys, err = l.Keeper.Describe(ctx, id.Scope()); err == nil && to != "" && len(keys) > 0 {
				handed, err = l.Keeper.HandOver(ctx, id.Scope(), to)
			}
			return keys, handed, err
		},
	}, path)
}

// opened is an archive that was found good from its first byte to its last.
func opened(ctx context.Context, path string) (*archive.Archive, error) {
	a, err := archive.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	return a, a.Verify(ctx)
}

// backups is where the backups of a city lie.
func (l *Life) backups(id tenant.ID) string { return filepath.Join(l.Folder, "backups", id.String()) }
