package life

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"wangge/internal/errs"
	"wangge/provisioning"
	"wangge/provisioning/archive"
	"wangge/tenant"
	"wangge/tenant/casework"
)

// ErrNotSandbox refuses a code that could be a city's for a sandbox.
var ErrNotSandbox = errs.New(errs.Invalid, "bad_sandbox_code", "演练城市的代码须以 99 开头：%s", "the code of a sandbox begins with 99: %s")

// sandboxMark follows the name of a city in that of its sandbox.
const sandboxMark = "（演练）"

// Sandbox copies a city under a code of its own, to practise in: its people have
// made-up names and no passwords, reporters and phone numbers are gone, files
// are left out, and nothing in it is billed, published or under the city's
// keys. It returns the links by which its administrators get in.
func (l *Life) Sandbox(ctx context.Context, from, as tenant.ID, progress provisioning.Progress) (links []provisioning.Invitation, err error) {
	if !as.Sandbox() {
		return nil, ErrNotSandbox.With(as.String())
	}
	entry, err := l.served(ctx, from)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(l.Folder, "backups")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	dir, err = os.MkdirTemp(dir, ".sandbox-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, from.String()+suffix)
	if _, _, err := l.write(ctx, from, entry, path, ""); err != nil {
		return nil, err
	}
	a, err := opened(ctx, path)
	if err != nil {
		return nil, err
	}
	in := &intake{Life: l, id: as, archive: a, name: entry.Name + sandboxMark, masked: true, progress: progress}
	if err := in.run(ctx); err != nil {
		return nil, err
	}
	return l.invite(ctx, as)
}

// invite makes links for the administrators of a city without passwords.
func (l *Life) invite(ctx context.Context, id tenant.ID) (links []provisioning.Invitation, err error) {
	db, err := l.open(ctx, id)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	city, err := l.Seeder.Open(ctx, id, db)
	if err != nil {
		return nil, err
	}
	var admins []struct {
		ID          int64
		Login, Name string
	}
	err = db.Read.WithContext(ctx).Raw(`SELECT DISTINCT a.id, a.login, a.name FROM accounts a JOIN holders h ON h.account_id = a.id
		WHERE h.role = 'city_admin' AND a.disabled_at IS NULL ORDER BY a.id`).Scan(&admins).Error
	if err != nil {
		return nil, fmt.Errorf("administrators of %s: %w", id, err)
	}
	for _, a := range admins {
		token, err := city.Accounts.Invite(ctx, a.ID, 7*24*time.Hour)
		if err != nil {
			return nil, err
		}
		links = append(links, provisioning.Invitation{Login: a.Login, Name: a.Name, Token: token, Administrator: true})
	}
	return links, nil
}

// left are the tables whose rows a sandbox leaves out: files, what names people
// of the city, and what is billed.
var left = map[string]bool{
	"evidence": true, "evidence_contents": true, "evidence_refs": true, "applied_specs": true, "usage_batches": true, "usage_entries": true,
}

// numbers are runs of digits that may be of a phone or an identity card.
var numbers = regexp.MustCompile(`\d([ -]?\d){6,}`)

// mask is how a row of the city becomes one of its sandbox.
func (in *intake) mask(ctx context.Context) (archive.Loading, error) {
	sealer, err := in.Keeper.Sealer(ctx, in.id.Scope())
	if err != nil {
		return archive.Loading{}, err
	}
	return archive.Loading{Mask: func(t archive.Table, values []any) (bool, error) {
		if left[t.Name] {
			return false, nil
		}
		return true, masked(row{t.Columns, values}, t.Name, sealer)
	}}, nil
}

// row is a row by the names of its columns.
type row struct {
	columns []string
	values  []any
}

func (r row) set(column string, value any) {
	if i := slices.Index(r.columns, column); i >= 0 {
		r.values[i] = value
	}
}

func (r row) get(column string) any {
	if i := slices.Index(r.columns, column); i >= 0 {
		return r.values[i]
	}
	return nil
}

func (r row) scrub(columns ...string) {
	for _, c := range columns {
		if text, ok := r.get(c).(string); ok {
			r.set(c, numbers.ReplaceAllString(text, "***"))
		}
	}
}

func masked(r row, table string, sealer casework.Sealer) error {
	switch table {
	case "accounts":
		r.set("login", fmt.Sprintf("user%04d", r.get("id")))
		r.set("name", fmt.Sprintf("人员%04d", r.get("id")))
		r.set("password_hash", "")
	case "cases":
		r.scrub("description", "address")
		number, _ := r.get("number").(string)
		if r.get("reporter") != nil {
			plain, err := json.Marshal(casework.Reporter{Name: "举报人"})
			if err != nil {
				return err
			}
			sealed, err := sealer.Seal(plain, []byte(number))
			if err != nil {
				return err
			}
			r.set("reporter", sealed)
		}
	case "steps":
		r.scrub("note")
	case "leaves":
		r.set("reason", "")
	case "part_acts":
		r.scrub("reason", "file")
	case "usage_seal":
		r.set("last", int64(0))
	case "settings":
		return rename(r)
	}
	return nil
}

// rename marks the city's name in its settings.
func rename(r row) error {
	text, _ := r.get("value").(string)
	var s map[string]any
	if r.get("name") != "city" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	s["Name"] = fmt.Sprint(s["Name"]) + sandboxMark
	value, err := json.Marshal(s)
	r.set("value", string(value))
	return err
}
