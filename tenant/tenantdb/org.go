package tenantdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/internal/policy"
	"wangge/tenant/access"
	"wangge/tenant/org"
)

type orgStore struct {
	write, read *gorm.DB
	hot         conn // reads what every dispatch asks
	now         clock
}

type departmentRow struct {
	Code    string `gorm:"primaryKey"`
	Name    string
	Kind    string
	Parent  *string
	Area    string
	Retired string
}

func (departmentRow) TableName() string { return "departments" }

func (r departmentRow) domain() org.Department {
	d := org.Department{Code: r.Code, Name: r.Name, Kind: org.DepartmentKind(r.Kind), Area: r.Area, Retired: r.Retired}
	if r.Parent != nil {
		d.Parent = *r.Parent
	}
	return d
}

func (s orgStore) InTx(ctx context.Context, fn func(org.Store) error) error {
	return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		return fn(orgStore{tx, tx, tx.Statement.ConnPool, s.now})
	})
}

// Begin takes the version's row first: it keeps another change waiting.
func (s orgStore) Begin(ctx context.Context) error { return beginOrganisation(ctx, s.write) }

func beginOrganisation(ctx context.Context, tx *gorm.DB) error {
	res := tx.WithContext(ctx).Exec("UPDATE org_version SET version = version + 1 WHERE id = 1")
	if res.Error == nil && res.RowsAffected != 1 {
		return errors.New("change the organisation: the row of its version is missing")
	}
	return res.Error
}

// organisationVersion is read for every suggestion.
func organisationVersion(ctx context.Context, c conn) (version int64, err error) {
	err = c.QueryRowContext(ctx, "SELECT version FROM org_version WHERE id = 1").Scan(&version)
	return version, err
}

func (s orgStore) SetDay(ctx context.Context, day string) (string, error) {
	tx := s.write.WithContext(ctx)
	moved := tx.Exec("UPDATE org_day SET day = ? WHERE id = 1 AND day < ?", day, day)
	if moved.Error != nil {
		return "", fmt.Errorf("day of the organisation: %w", moved.Error)
	}
	if moved.RowsAffected > 0 {
		return day, policy.Bump(tx)
	}
	if err := tx.Raw("SELECT day FROM org_day WHERE id = 1").Row().Scan(&day); err != nil {
		return "", fmt.Errorf("day of the organisation: %w", err)
	}
	return day, nil
}

const selectDepartment = "SELECT code, name, kind, parent, area, retired FROM departments WHERE code = $1"

func (s orgStore) Department(ctx context.Context, code string) (org.Department, error) {
	var row departmentRow
	err := s.hot.QueryRowContext(ctx, selectDepartment, code).Scan(&row.Code, &row.Name, &row.Kind, &row.Parent, &row.Area, &row.Retired)
	if errors.Is(err, sql.ErrNoRows) {
		return org.Department{}, org.ErrNoDepartment.With(code)
	}
	if err != nil {
		return org.Department{}, fmt.Errorf("department %s: %w", code, err)
	}
	return row.domain(), nil
}

func (s orgStore) Departments(ctx context.Context) ([]org.Department, error) {
	var rows []departmentRow
	if err := s.read.WithContext(ctx).Order("code").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("departments: %w", err)
	}
	out := make([]org.Department, len(rows))
	for i, r := range rows {
		out[i] = r.domain()
	}
	return out, nil
}

func (s orgStore) SaveDepartment(ctx context.Context, d org.Department) error {
	row := departmentRow{Code: d.Code, Name: d.Name, Kind: string(d.Kind), Area: d.Area, Retired: d.Retired}
	if d.Parent != "" {
		row.Parent = &d.Parent
	}
	if err := s.write.WithContext(ctx).Clauses(replaceOn("code")).Create(&row).Error; err != nil {
		return fmt.Errorf("save department %s: %w", d.Code, err)
	}
	return nil
}

func (s orgStore) HasDivision(ctx context.Context, code string) (bool, error) {
	var n int64
	if err := s.read.WithContext(ctx).Table("divisions").Where("code = ?", code).Count(&n).Error; err != nil {
		return false, fmt.Errorf("division %s: %w", code, err)
	}
	return n > 0, nil
}

type holderRow struct {
	AccountID  int64
	Role       string
	Side       string
	Department string
	FromDay    string
	UntilDay   string
	Since      gormx.Instant
}

func (holderRow) TableName() string { return "holders" }

func (r holderRow) domain() org.Holder {
	return org.Holder{Account: r.AccountID, Role: org.Role(r.Role), Department: r.Department, From: r.FromDay, Until: r.UntilDay}
}

func (s orgStore) Holders(ctx context.Context) ([]org.Holder, error) {
	return holders(s.read.WithContext(ctx))
}

func holders(q *gorm.DB) ([]org.Holder, error) {
	var rows []holderRow
	if err := q.Order("account_id, role, department").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("holders: %w", err)
	}
	out := make([]org.Holder, len(rows))
	for i, r := range rows {
		out[i] = r.domain()
	}
	return out, nil
}

// selectHeldBy lists the posts in effect on a day, the account's own and those
// it deputises for.
const selectHeldBy = `SELECT account_id, role, department, from_day, until_day, 0 AS principal FROM holders
	WHERE account_id = $1 AND from_day <= $2 AND (until_day = '' OR until_day >= $2)
	UNION ALL SELECT a.deputy, a.role, a.department, a.from_day, a.to_day, a.principal
	FROM deputies a JOIN holders h ON h.account_id = a.principal AND h.role = a.role AND h.department = a.department
	WHERE a.deputy = $1 AND a.from_day <= $2 AND a.to_day >= $2 AND h.from_day <= $2 AND (h.until_day = '' OR h.until_day >= $2)
	ORDER BY role, department, principal`

// HeldBy is asked for with every command.
func (s orgStore) HeldBy(ctx context.Context, account int64, day string) (list []org.Holder, err error) {
	rows, err := s.hot.QueryContext(ctx, selectHeldBy, account, day)
	if err != nil {
		return nil, fmt.Errorf("posts of account %d: %w", account, err)
	}
	defer rows.Close()
	for rows.Next() {
		var h org.Holder
		if err := rows.Scan(&h.Account, &h.Role, &h.Department, &h.From, &h.Until, &h.For); err != nil {
			return nil, fmt.Errorf("posts of account %d: %w", account, err)
		}
		list = append(list, h)
	}
	return list, rows.Err()
}

// SetHolders replaces the posts of one account. The tables refuse posts of both
// sides even if the service did not.
func (s orgStore) SetHolders(ctx context.Context, account int64, side org.Side, list []org.Holder, day string) error {
	return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := policy.Bump(tx); err != nil {
			return err
		}
		if err := dropHolders(tx, account, list); err != nil {
			return fmt.Errorf("old posts of account %d: %w", account, err)
		}
		if err := tx.Exec("DELETE FROM deputies WHERE deputy = ? AND to_day < ?", account, day).Error; err != nil {
			return fmt.Errorf("old deputies of account %d: %w", account, err)
		}
		if err := setSide(tx, account, side); err != nil {
			return err
		}
		for _, h := range list {
			err := tx.Exec(`INSERT INTO holders (account_id, role, side, department, from_day, until_day, since) VALUES (?, ?, ?, ?, ?, ?, ?)
				ON CONFLICT (account_id, role, department) DO UPDATE SET from_day = excluded.from_day, until_day = excluded.until_day`,
				account, string(h.Role), string(side), h.Department, h.From, h.Until, gormx.At(s.now())).Error
			if err != nil {
				return fmt.Errorf("post %s of account %d: %w", h.Role, account, err)
			}
		}
		return nil
	})
}

// dropHolders takes away the posts that are not in list, and with each who
// acted for it.
func dropHolders(tx *gorm.DB, account int64, list []org.Holder) error {
	var rows []holderRow
	if err := tx.Where("account_id = ?", account).Find(&rows).Error; err != nil {
		return err
	}
	for _, r := range rows {
		if slices.ContainsFunc(list, func(h org.Holder) bool { return string(h.Role) == r.Role && h.Department == r.Department }) {
			continue
		}
		if err := tx.Exec("DELETE FROM holders WHERE account_id = ? AND role = ? AND department = ?", account, r.Role, r.Department).Error; err != nil {
			return err
		}
	}
	return nil
}

func setSide(tx *gorm.DB, account int64, side org.Side) error {
	err := tx.Exec("INSERT INTO sides (account_id, side) VALUES (?, ?) ON CONFLICT (account_id) DO UPDATE SET side = excluded.side", account, string(side)).Error
	if err != nil {
		return fmt.Errorf("side of account %d: %w", account, err)
	}
	return nil
}

type deputyRow struct {
	Principal  int64
	Role       string
	Department string
	Deputy     int64
	Side       string
	FromDay    string
	ToDay      string
}

func (deputyRow) TableName() string { return "deputies" }

func (s orgStore) Deputies(ctx context.Context) ([]org.Deputy, error) {
	var rows []deputyRow
	if err := s.read.WithContext(ctx).Order("principal, role, department, deputy, from_day").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("deputies: %w", err)
	}
	out := make([]org.Deputy, len(rows))
	for i, r := range rows {
		out[i] = org.Deputy{Principal: r.Principal, Role: org.Role(r.Role), Department: r.Department, Account: r.Deputy, From: r.FromDay, To: r.ToDay}
	}
	return out, nil
}

func (s orgStore) SetDeputies(ctx context.Context, principal int64, list []org.Deputy, sides map[int64]org.Side) error {
	return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := policy.Bump(tx); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM deputies WHERE principal = ?", principal).Error; err != nil {
			return fmt.Errorf("old deputies for account %d: %w", principal, err)
		}
		for _, d := range list {
			if err := setSide(tx, d.Account, sides[d.Account]); err != nil {
				return err
			}
			row := deputyRow{principal, string(d.Role), d.Department, d.Account, string(sides[d.Account]), d.From, d.To}
			if err := tx.Create(&row).Error; err != nil {
				return fmt.Errorf("deputy for account %d: %w", principal, err)
			}
		}
		return nil
	})
}

type leaveRow struct {
	AccountID int64
	FromDay   string
	ToDay     string
	Reason    string
}

func (leaveRow) TableName() string { return "leaves" }

func (s orgStore) Leaves(ctx context.Context) ([]org.Leave, error) {
	var rows []leaveRow
	if err := s.read.WithContext(ctx).Order("account_id, from_day").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("leaves: %w", err)
	}
	out := make([]org.Leave, len(rows))
	for i, r := range rows {
		out[i] = org.Leave{Account: r.AccountID, From: r.FromDay, To: r.ToDay, Reason: r.Reason}
	}
	return out, nil
}

func (s orgStore) SetLeaves(ctx context.Context, account int64, list []org.Leave) error {
	return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM leaves WHERE account_id = ?", account).Error; err != nil {
			return fmt.Errorf("old leave of account %d: %w", account, err)
		}
		rows := make([]leaveRow, len(list))
		for i, l := range list {
			rows[i] = leaveRow{account, l.From, l.To, l.Reason}
		}
		if len(rows) == 0 {
			return nil
		}
		if err := tx.CreateInBatches(rows, chunk).Error; err != nil {
			return fmt.Errorf("leave of account %d: %w", account, err)
		}
		return nil
	})
}

// accessStore keeps the live policy.
type accessStore struct{ write, read *gorm.DB }

func (s accessStore) Rules(ctx context.Context) ([]access.Rule, error) {
	var rules []access.Rule
	if err := s.read.WithContext(ctx).Raw("SELECT role, permission FROM policy_rules ORDER BY role, permission").Scan(&rules).Error; err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return rules, nil
}

func (s accessStore) SetRules(ctx context.Context, rules []access.Rule) error {
	plain := make([]policy.Rule, len(rules))
	for i, r := range rules {
		plain[i] = policy.Rule{Role: string(r.Role), Permission: string(r.Permission)}
	}
	return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return policy.SetRules(tx, plain) })
}
