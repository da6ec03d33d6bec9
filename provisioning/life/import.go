package life

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/platform"
	"wangge/provisioning"
	"wangge/provisioning/archive"
	"wangge/tenant"
)

// The steps of an import in the ledger.
var (
	stepReserve = provisioning.Step{Code: "import_reserve", Zh: "登记城市", En: "reserve"}
	stepKeys    = provisioning.Step{Code: "import_keys", Zh: "接收密钥", En: "keys"}
	stepTables  = provisioning.Step{Code: "import_tables", Zh: "写入数据并核对", En: "tables, read back and compared"}
	stepFiles   = provisioning.Step{Code: "import_files", Zh: "写入文件并核对", En: "files, opened and compared"}
	stepReady   = provisioning.Step{Code: "import_ready", Zh: "订阅与用量交接，随后启用", En: "subscription and usage settled, then into service"}
)

// Import takes a city in from an archive, all of it or nothing: when it fails
// everything is undone, and what a killed import left is in no service and is
// removed by the next one or by Abandon. It refuses an archive that is not as
// it was written, of another city than id, or of a city that is here already.
func (l *Life) Import(ctx context.Context, id tenant.ID, path string, progress provisioning.Progress) (archive.Manifest, error) {
	a, err := opened(ctx, path)
	if err != nil {
		return archive.Manifest{}, err
	}
	if a.City.Code != id.String() {
		return archive.Manifest{}, ErrOtherCity.With(a.City.Code, a.City.Name, id.String())
	}
	if err := l.ours(ctx, a); err != nil {
		return archive.Manifest{}, err
	}
	in := &intake{Life: l, id: id, archive: a, name: a.City.Name, progress: progress}
	return a.Manifest, in.run(ctx)
}

// ours refuses an archive whose keys were not handed over to this platform.
func (l *Life) ours(ctx context.Context, a *archive.Archive) error {
	if a.Recipient == "" {
		return ErrNoKeys
	}
	own, err := l.Keeper.Recipient(ctx)
	if err == nil && a.Recipient != own {
		err = ErrNotForUs
	}
	return err
}

// intake is a taking in under way. A sandbox has its people masked and keys of
// its own.
type intake struct {
	*Life
	id       tenant.ID
	archive  *archive.Archive
	name     string
	masked   bool
	progress provisioning.Progress
	done     int
}

func (in *intake) run(ctx context.Context) (err error) {
	held, unlock, err := in.Ledger.Lock(ctx, in.id.String())
	if err != nil {
		return err
	}
	defer unlock()
	if err := in.vacant(held); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, context.Cause(held), in.undo(context.WithoutCancel(ctx), in.id))
		}
	}()
	if err := in.Ledger.Reserve(held, provisioning.Reservation{
		Code: in.id.String(), Name: in.name, Model: in.archive.City.Model, Engine: in.Database.Engine(), At: in.Now(),
	}); err != nil {
		return err
	}
	for _, st := range []struct {
		provisioning.Step
		do func(context.Context) (string, error)
	}{
		{stepReserve, func(context.Context) (string, error) { return in.name, nil }},
		{stepKeys, in.keys}, {stepTables, in.tables}, {stepFiles, in.files}, {stepReady, in.ready},
	} {
		if err := in.step(held, st.Step, st.do); err != nil {
			return fmt.Errorf("step %s: %w", st.Code, err)
		}
	}
	hash := in.archive.City.SpecHash
	if in.masked {
		hash = "" // no spec describes it
	}
	return in.Ledger.Activate(held, in.id.String(), hash, in.Now()) // the last: nothing is undone after it
}

// steps is how many steps an import has.
const steps = 5

func (in *intake) step(ctx context.Context, st provisioning.Step, do func(context.Context) (string, error)) error {
	in.done++
	began := in.Now()
	in.progress(st, in.done, steps, -1, "", nil)
	if err := in.Ledger.Begin(ctx, in.id.String(), in.done, st.Code, in.archive.City.SpecHash, began); err != nil {
		return err
	}
	detail, err := do(ctx)
	note := detail
	if err != nil {
		note = errs.KindOf(err).String()
	}
	err = errors.Join(err, in.Ledger.End(context.WithoutCancel(ctx), in.id.String(), st.Code, in.Now(), note, err != nil))
	in.progress(st, in.done, steps, in.Now().Sub(began), detail, err)
	return err
}

// vacant makes sure that the city is not here, and removes what a killed import left.
func (in *intake) vacant(ctx context.Context) error {
	entry, err := in.Registry.City(ctx, in.id.String())
	if errors.Is(err, platform.ErrNoCity) {
		there, err := in.Database.Exists(ctx, in.id)
		if err == nil && there {
			err = ErrOrphan.With(in.id.String())
		}
		return err
	}
	if err != nil {
		return err
	}
	records, err := in.Ledger.Steps(ctx, entry.Code)
	if err != nil {
		return err
	}
	if entry.State != platform.Building || !slices.ContainsFunc(records, func(r provisioning.StepRecord) bool { return r.Step == stepReserve.Code }) {
		return ErrExists.With(entry.Code)
	}
	return in.undo(ctx, in.id)
}

// undo removes everything of a city that was never in service.
func (l *Life) undo(ctx context.Context, id tenant.ID) error {
	if err := l.Ledger.Unused(ctx, id.String()); err != nil {
		return err
	}
	if err := errors.Join(l.Blobs.Vault(id.String(), nil).Clear(ctx), l.Database.Drop(ctx, id), l.Keeper.Destroy(ctx, id.Scope())); err != nil {
		return fmt.Errorf("undo the import of %s: %w", id, err)
	}
	return errors.Join(l.Ledger.Unsubscribe(ctx, id.String()), l.Ledger.Forget(ctx, id.String()))
}

// Abandon removes a city that was never in service, with the files that a
// killed import may have left.
func (l *Life) Abandon(ctx context.Context, id tenant.ID, progress provisioning.Progress) error {
	if err := l.Ledger.Unused(ctx, id.String()); err != nil {
		return err
	}
	if _, err := l.Registry.City(ctx, id.String()); err == nil {
		if err := l.Blobs.Vault(id.String(), nil).Clear(ctx); err != nil {
			return err
		}
	}
	return l.Builder.Abandon(ctx, id, progress)
}

func (in *intake) keys(ctx context.Context) (string, error) {
	if in.masked || len(in.archive.Keys) == 0 {
		_, err := in.Keeper.Sealer(ctx, in.id.Scope())
		return "new", err
	}
	return fmt.Sprintf("%d keys", len(in.archive.Keys)), in.Keeper.Adopt(ctx, in.id.Scope(), in.archive.Handed)
}

func (in *intake) tables(ctx context.Context) (string, error) {
	if err := in.Database.Prepare(ctx, in.id); err != nil {
		return "", err
	}
	db, err := in.Database.Open(ctx, in.id)
	if err != nil {
		return "", err
	}
	loading := archive.Loading{}
	if in.masked {
		if loading, err = in.mask(ctx); err != nil {
			return "", errors.Join(err, db.Close())
		}
	}
	if err := errors.Join(in.archive.Load(ctx, db, loading), in.opens(ctx, db), db.Close()); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d cases, %d steps", in.archive.Table("cases").Rows, in.archive.Journal.Steps), nil
}

// opens tries whether the newest sealed reporter opens under the keys that came.
func (in *intake) opens(ctx context.Context, db *gormx.DB) error {
	var number string
	var reporter []byte
	err := db.Read.WithContext(ctx).Raw("SELECT number, reporter FROM cases WHERE reporter IS NOT NULL ORDER BY id DESC LIMIT 1").Row().Scan(&number, &reporter)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("newest reporter: %w", err)
	}
	sealer, err := in.Keeper.Sealer(ctx, in.id.Scope())
	if err != nil {
		return err
	}
	if _, err := sealer.Open(reporter, []byte(number)); err != nil {
		return ErrSealed.With(number)
	}
	return nil
}

// files puts the files where the city's lie and opens each.
func (in *intake) files(ctx context.Context) (string, error) {
	if in.masked {
		return "left out", nil
	}
	vault, err := in.vault(ctx, in.id)
	if err != nil {
		return "", err
	}
	err = in.archive.EachFile(ctx, func(name string, _ int64, r io.Reader) error { return vault.Keep(ctx, name, r) })
	if err != nil {
		return "", err
	}
	db, err := in.Database.Open(ctx, in.id)
	if err != nil {
		return "", err
	}
	defer db.Close()
	rows, err := db.Read.WithContext(ctx).Raw("SELECT blob, blob_key, sha256 FROM evidence_contents ORDER BY id").Rows()
	if err != nil {
		return "", fmt.Errorf("files: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, want string
		var key []byte
		if err := rows.Scan(&name, &key, &want); err != nil {
			return "", err
		}
		if slices.Contains(in.archive.Files.Missing, name) {
			continue
		}
		content, err := vault.Open(ctx, name, key)
		if err != nil {
			return "", err
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, content); errors.Join(err, content.Close()) != nil || hex.EncodeToString(sum.Sum(nil)) != want {
			return "", ErrSealed.With(name)
		}
	}
	return fmt.Sprintf("%d files", in.archive.Files.Number), rows.Err()
}

// ready makes the province ready for the city. Its usage so far was the old place's to bill.
func (in *intake) ready(ctx context.Context) (string, error) {
	db, err := in.Database.Open(ctx, in.id)
	if err != nil {
		return "", err
	}
	var batch, level int64
	err = db.Read.WithContext(ctx).Raw("SELECT last FROM usage_seal WHERE id = 1").Row().Scan(&batch)
	if err == nil {
		err = db.Read.WithContext(ctx).Raw("SELECT MAX(version_id) FROM goose_db_version WHERE is_applied").Row().Scan(&level)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return "", err
	}
	code := in.id.String()
	if batch > 0 {
		if err := in.Province.Waive(ctx, code, batch, in.Now()); err != nil {
			return "", err
		}
	}
	if err := in.Ledger.Subscribe(ctx, code, "", in.Now()); err != nil {
		return "", err
	}
	if err := in.Ledger.Reached(ctx, code, level); err != nil {
		return "", err
	}
	return fmt.Sprintf("level %d", level), nil
}
