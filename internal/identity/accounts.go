package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"gorm.io/gorm"

	"wangge/internal/errs"
	"wangge/internal/gormx"
)

const (
	maxName = 64  // bytes of a login or a name
	maxPage = 200 // accounts
)

// CreateAccount adds an account that can't sign in until it accepted an
// invitation. Logins are compared in lower case; ErrLoginTaken is a Conflict.
func (s *Service) CreateAccount(ctx context.Context, login, name string) (Account, error) {
	return s.insert(ctx, login, name, "")
}

// EnsureAccount is CreateAccount for a caller that may run again: an account of
// this login is given the name and returned.
func (s *Service) EnsureAccount(ctx context.Context, login, name string) (Account, error) {
	return s.insert(ctx, login, name, "ON CONFLICT (login) DO UPDATE SET name = excluded.name")
}

func (s *Service) insert(ctx context.Context, login, name, onConflict string) (Account, error) {
	login, name = normalLogin(login), strings.TrimSpace(name)
	if err := CheckNames(login, name); err != nil {
		return Account{}, err
	}
	var id int64
	err := s.db.Write.WithContext(ctx).Raw(
		`INSERT INTO accounts (login, name, created_at) VALUES (?, ?, ?) `+onConflict+` RETURNING id`,
		login, name, gormx.At(s.now())).Row().Scan(&id)
	switch {
	case gormx.IsUnique(err):
		return Account{}, ErrLoginTaken
	case err != nil:
		return Account{}, fmt.Errorf("add an account: %w", err)
	}
	return s.Account(ctx, id)
}

func normalLogin(login string) string { return strings.ToLower(strings.TrimSpace(login)) }

// CheckNames refuses a login or a name that no account can have.
func CheckNames(login, name string) error {
	var problems []errs.Problem
	if login == "" || len(login) > maxName || strings.ContainsFunc(login, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}) {
		problems = append(problems, errs.Problem{Field: "login",
			Zh: "登录名不能为空，不含空格，不超过 64 字节", En: "a login is 1 to 64 bytes without spaces"})
	}
	if name == "" || len(name) > maxName || strings.ContainsFunc(name, unicode.IsControl) {
		problems = append(problems, errs.Problem{Field: "name",
			Zh: "姓名不能为空，不超过 64 字节", En: "a name is 1 to 64 bytes"})
	}
	return errs.Problems(problems...)
}

// SetDisabled bars an account or lets it in again. Being barred ends its
// sessions; being let in doesn't bring them back.
func (s *Service) SetDisabled(ctx context.Context, id int64, disabled bool) error {
	var since gormx.Instant
	if disabled {
		since = gormx.At(s.now())
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := one(tx.Exec(`UPDATE accounts SET disabled_at = ? WHERE id = ?`, since, id), ErrNoAccount); err != nil {
			return err
		}
		return tx.Exec(`DELETE FROM sessions WHERE account_id = ?`, id).Error
	})
}

const (
	selectAccount = "SELECT " + accountColumns + ", (SELECT string_agg(h.role, ',' ORDER BY h.role) FROM role_holders h WHERE h.account_id = a.id)"

	accountColumns = "a.id, a.login, a.name, a.password_hash <> '', a.disabled_at, a.created_at"
)

// accountRow receives the columns of selectAccount.
type accountRow struct {
	a       Account
	off, at gormx.Instant
	roles   sql.NullString
}

func (r *accountRow) fields() []any { return append(r.bare(), &r.roles) }

// bare are the fields without the roles.
func (r *accountRow) bare() []any {
	return []any{&r.a.ID, &r.a.Login, &r.a.Name, &r.a.HasPassword, &r.off, &r.at}
}

func (r *accountRow) account() Account {
	r.a.Disabled, r.a.CreatedAt = !r.off.IsZero(), r.at.Time
	if r.roles.Valid {
		r.a.Roles = strings.Split(r.roles.String, ",")
	}
	return r.a
}

// Account returns the account of this ID, else ErrNoAccount.
func (s *Service) Account(ctx context.Context, id int64) (Account, error) {
	var row accountRow
	err := s.db.Read.WithContext(ctx).Raw(selectAccount+` FROM accounts a WHERE a.id = ?`, id).Row().Scan(row.fields()...)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Account{}, ErrNoAccount
	case err != nil:
		return Account{}, fmt.Errorf("account %d: %w", id, err)
	}
	return row.account(), nil
}

// Count is how many accounts there are, disabled ones included.
func (s *Service) Count(ctx context.Context) (n int64, err error) {
	if err := s.db.Read.WithContext(ctx).Raw("SELECT COUNT(*) FROM accounts").Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("count accounts: %w", err)
	}
	return n, nil
}

// Accounts returns a page of accounts in the order of their IDs, beginning
// behind after; next is the cursor of the following page, 0 behind the last.
func (s *Service) Accounts(ctx context.Context, after int64, limit int) (page []Account, next int64, err error) {
	limit = min(max(limit, 1), maxPage)
	rows, err := s.db.Read.WithContext(ctx).Raw(
		selectAccount+` FROM accounts a WHERE a.id > ? ORDER BY a.id LIMIT ?`, after, limit+1).Rows()
	if err != nil {
		return nil, 0, fmt.Errorf("list accounts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if len(page) == limit {
			return page, page[limit-1].ID, nil
		}
		var row accountRow
		if err := rows.Scan(row.fields()...); err != nil {
			return nil, 0, fmt.Errorf("list accounts: %w", err)
		}
		page = append(page, row.account())
	}
	return page, 0, rows.Err()
}

// one turns a statement that touched no row into refusal.
func one(res *gorm.DB, refusal error) error {
	if res.Error == nil && res.RowsAffected == 0 {
		return refusal
	}
	return res.Error
}
