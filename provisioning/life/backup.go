package life

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wangge/internal/errs"
	"wangge/provisioning/archive"
	"wangge/tenant"
)

// suffix ends the names of archives.
const suffix = ".wga"

// Backup is one kept archive of a city.
type Backup struct {
	Name  string    `json:"name"`
	At    time.Time `json:"at"`
	Bytes int64     `json:"bytes"`
}

// ErrNoBackup is returned for a backup that is not there.
var ErrNoBackup = errs.New(errs.NotFound, "no_such_backup", "城市 %[1]s 没有备份 %[2]s", "there is no backup %[2]s of city %[1]s")

const stamp = "20060102T150405Z"

// Backup writes an archive of a city, without its keys, beside its earlier ones
// and removes all but the newest keep of them. It touches no other city and the
// city works on meanwhile.
func (l *Life) Backup(ctx context.Context, id tenant.ID, most int) (b Backup, m archive.Manifest, err error) {
	if most < 1 {
		return b, m, errs.Field("keep", "至少保留 1 份", "at least one is kept")
	}
	entry, err := l.served(ctx, id)
	if err != nil {
		return b, m, err
	}
	if err := os.MkdirAll(l.backups(id), 0o700); err != nil {
		return b, m, fmt.Errorf("folder of backups: %w", err)
	}
	b.Name = l.Now().UTC().Format(stamp) + suffix
	if m, _, err = l.write(ctx, id, entry, filepath.Join(l.backups(id), b.Name), ""); err != nil {
		return b, m, err
	}
	list, err := l.Backups(id)
	if err != nil {
		return b, m, err
	}
	for i, old := range list {
		if old.Name == b.Name {
			b = old
		}
		if i >= most {
			err = errors.Join(err, os.Remove(filepath.Join(l.backups(id), old.Name)))
		}
	}
	return b, m, err
}

// Backups lists the backups of a city, the newest first.
func (l *Life) Backups(id tenant.ID) ([]Backup, error) {
	entries, err := os.ReadDir(l.backups(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("backups of %s: %w", id, err)
	}
	var list []Backup
	for _, e := range entries {
		at, err := time.Parse(stamp+suffix, e.Name())
		if err != nil {
			continue // being written, or somebody else's
		}
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("backups of %s: %w", id, err)
		}
		list = append(list, Backup{e.Name(), at, info.Size()})
	}
	slices.SortFunc(list, func(a, b Backup) int { return cmp.Compare(b.Name, a.Name) })
	return list, nil
}

// file is where a backup lies: of that name, or with "" the newest.
func (l *Life) file(id tenant.ID, name string) (string, error) {
	list, err := l.Backups(id)
	if err != nil {
		return "", err
	}
	for _, b := range list {
		if name == "" || b.Name == name || strings.TrimSuffix(b.Name, suffix) == name {
			return filepath.Join(l.backups(id), b.Name), nil
		}
	}
	return "", ErrNoBackup.With(id.String(), name)
}
