package life

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"wangge/internal/errs"
	"wangge/internal/secrets"
	"wangge/platform"
	"wangge/platform/seal"
	"wangge/provisioning"
	"wangge/provisioning/archive"
	"wangge/tenant"
)

// Retention is how long a deleted city is kept unless the operator says longer.
const Retention = 30 * 24 * time.Hour

var stepPurge = provisioning.Step{Code: "purge", Zh: "销毁", En: "purge"}

// What purging refuses.
var (
	ErrRetained = errs.New(errs.Conflict, "city_retained", "城市 %[1]s 于 %[2]s 注销，保留期至 %[3]s，届时方可销毁", "city %[1]s was deleted on %[2]s and is kept until %[3]s; it can't be purged before")
	ErrNotLeft  = errs.New(errs.Conflict, "city_not_deleted", "城市 %s 尚未注销，不能销毁", "city %s was not deleted: it can't be purged")
	ErrPurged   = errs.New(errs.Conflict, "city_purged", "城市 %s 已销毁，无法恢复", "city %s was purged: it can't come back")
	ErrNoProof  = errs.New(errs.NotFound, "no_certificate", "城市 %s 没有销毁证明", "there is no certificate of deletion of city %s")
	ErrRemains  = errs.New(errs.Internal, "city_not_gone", "城市 %[1]s 销毁后仍有残留：%[2]s", "something of city %[1]s is left after purging: %[2]s")
)

// Certificate states that a city was deleted and that its keys were destroyed.
// It is a sealed document: canonical JSON with its hash.
type Certificate struct {
	City      archive.City    `json:"city"`
	Reason    string          `json:"reason"`
	LeftAt    time.Time       `json:"left_at"`
	PurgedAt  time.Time       `json:"purged_at"`
	Engine    string          `json:"engine"`
	Content   string          `json:"content"` // checksum of what was there, as an archive has it
	Tables    map[string]int  `json:"tables"`  // rows destroyed
	Files     int64           `json:"files"`
	FileBytes int64           `json:"file_bytes"`
	Backups   []string        `json:"backups"` // destroyed with it
	Keys      []secrets.Key   `json:"keys"`    // destroyed: what they sealed opens nowhere
	Verified  map[string]bool `json:"verified"`
}

// Sealed is a document, as text because every byte counts, with its SHA-256.
type Sealed struct {
	Document string `json:"document"`
	Hash     string `json:"hash"`
}

func (l *Life) proof(id tenant.ID) string {
	return filepath.Join(l.Folder, "certificates", id.String()+".json")
}

func (l *Life) pending(id tenant.ID) string { return l.proof(id) + ".pending" }

// purged says whether purging of a city has begun.
func (l *Life) purged(_ context.Context, id tenant.ID) (bool, error) {
	for _, path := range []string{l.proof(id), l.pending(id)} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return err == nil, err
		}
	}
	return false, nil
}

func purgedError(id tenant.ID, purged bool) error {
	if purged {
		return ErrPurged.With(id.String())
	}
	return nil
}

// Purge destroys all of a city that was deleted retention ago: its database and
// login, files, backups and keys. Nothing brings it back. It may be interrupted
// and run again. The certificate says what was destroyed; it is checked that
// nothing of it is left before it is given.
func (l *Life) Purge(ctx context.Context, id tenant.ID, retention time.Duration) (Certificate, Sealed, error) {
	held, unlock, err := l.Ledger.Lock(ctx, id.String())
	if err != nil {
		return Certificate{}, Sealed{}, err
	}
	defer unlock()
	entry, err := l.Registry.City(held, id.String())
	if err != nil {
		return Certificate{}, Sealed{}, err
	}
	if entry.LeftAt.IsZero() {
		return Certificate{}, Sealed{}, ErrNotLeft.With(entry.Code)
	}
	if until := entry.LeftAt.Add(retention); l.Now().Before(until) {
		return Certificate{}, Sealed{}, ErrRetained.With(entry.Code, day(entry.LeftAt), day(until))
	}
	c, err := l.inventory(held, id, entry)
	if err != nil {
		return Certificate{}, Sealed{}, err
	}
	if err := l.destroy(held, id, entry); err != nil {
		return Certificate{}, Sealed{}, fmt.Errorf("purge %s: %w", entry.Code, err)
	}
	if c.Verified, err = l.gone(held, id); err != nil {
		return Certificate{}, Sealed{}, err
	}
	c.PurgedAt = l.Now().UTC().Truncate(time.Second)
	sealed, err := l.certify(held, id, c)
	return c, sealed, err
}

func day(t time.Time) string { return t.In(shanghai).Format("2006-01-02 15:04") }

var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// inventory is what will be destroyed; an interrupted purge has noted it.
func (l *Life) inventory(ctx context.Context, id tenant.ID, entry platform.City) (c Certificate, err error) {
	noted, err := os.ReadFile(l.pending(id))
	if err == nil {
		return c, json.Unmarshal(noted, &c)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	c = Certificate{
		City:   archive.City{Code: entry.Code, Name: entry.Name, Model: entry.Model, SpecHash: entry.SpecHash},
		Reason: entry.AccessReason, LeftAt: entry.LeftAt.UTC().Truncate(time.Second), Engine: entry.Engine, Tables: map[string]int{}, Backups: []string{},
	}
	if c.Keys, err = l.Keeper.Describe(ctx, id.Scope()); err != nil {
		return c, err
	}
	there, err := l.Backups(id)
	if err != nil {
		return c, err
	}
	for _, b := range there {
		c.Backups = append(c.Backups, b.Name)
	}
	db, err := l.open(ctx, id)
	if err != nil {
		return c, err
	}
	m, err := archive.Survey(ctx, db)
	if err := errors.Join(err, db.Close()); err != nil {
		return c, err
	}
	c.Content = m.Content
	for _, t := range m.Tables {
		c.Tables[t.Name] = int(t.Rows)
	}
	if c.Files, c.FileBytes, err = l.Blobs.Vault(id.String(), nil).Size(ctx); err != nil {
		return c, err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return c, err
	}
	return c, keep(l.pending(id), text)
}

// destroy removes everything; the keys first, so that what a copy of the rest
// holds is worth nothing from then on.
func (l *Life) destroy(ctx context.Context, id tenant.ID, entry platform.City) error {
	home, err := l.home(ctx, id)
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return l.Keeper.Destroy(ctx, id.Scope()) },
		func() error { return l.leave(ctx, id, entry) },
		func() error { return home.Clear(ctx, id) },
		func() error { return home.Drop(ctx, id) },
		func() error { return l.Blobs.Vault(id.String(), nil).Clear(ctx) },
		func() error { return os.RemoveAll(l.backups(id)) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// gone looks for everything that destroy removed.
func (l *Life) gone(ctx context.Context, id tenant.ID) (map[string]bool, error) {
	home, err := l.home(ctx, id)
	if err != nil {
		return nil, err
	}
	there, err := home.Exists(ctx, id)
	if err != nil {
		return nil, err
	}
	keys, err := l.Keeper.Describe(ctx, id.Scope())
	if err != nil {
		return nil, err
	}
	files, _, err := l.Blobs.Vault(id.String(), nil).Size(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := home.Kept(ctx, id)
	if err != nil {
		return nil, err
	}
	backups, err := l.Backups(id)
	if err != nil {
		return nil, err
	}
	verified := map[string]bool{
		"database_gone": !there, "keys_gone": len(keys) == 0, "files_gone": files == 0, "copies_gone": !kept, "backups_gone": len(backups) == 0,
	}
	for what, ok := range verified {
		if !ok {
			return nil, ErrRemains.With(id.String(), what)
		}
	}
	return verified, nil
}

// certify seals the certificate, keeps it and notes its hash in the ledger.
func (l *Life) certify(ctx context.Context, id tenant.ID, c Certificate) (Sealed, error) {
	document, hash, err := seal.Document(c)
	if err != nil {
		return Sealed{}, err
	}
	sealed := Sealed{string(document), hash}
	text, err := json.Marshal(sealed)
	if err != nil {
		return Sealed{}, err
	}
	code := id.String()
	err = errors.Join(keep(l.proof(id), append(text, '\n')), l.Ledger.Begin(ctx, code, 1, stepPurge.Code, c.City.SpecHash, l.Now()))
	if err == nil {
		err = l.Ledger.End(ctx, code, stepPurge.Code, l.Now(), hash, false)
	}
	if err == nil {
		err = os.Remove(l.pending(id))
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return sealed, err
}

// Proof returns the certificate of a city that was purged, checked against its
// hash and against the one that the ledger noted.
func (l *Life) Proof(ctx context.Context, id tenant.ID) (c Certificate, s Sealed, err error) {
	text, err := os.ReadFile(l.proof(id))
	if errors.Is(err, fs.ErrNotExist) {
		return c, s, ErrNoProof.With(id.String())
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err == nil {
		err = seal.Open([]byte(s.Document), s.Hash, &c)
	}
	if err != nil {
		return c, s, fmt.Errorf("certificate of %s: %w", id, err)
	}
	records, err := l.Ledger.Steps(ctx, id.String())
	noted := slices.ContainsFunc(records, func(r provisioning.StepRecord) bool { return r.Step == stepPurge.Code && r.Detail == s.Hash })
	if err == nil && !noted {
		err = seal.ErrAltered
	}
	return c, s, err
}

// keep writes a file for its owner only, whole or not at all.
func keep(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(content)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
