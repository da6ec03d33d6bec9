package tenantdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

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
	Code     string `gorm:"primaryKey"`
	Name     string
	Kind     string
	Parent   *string
	District string
}

func (departmentRow) TableName() string { return "departments" }

func (r departmentRow) domain() org.Department {
	d := org.Department{Code: r.Code, Name: r.Name, Kind: org.DepartmentKind(r.Kind), District: r.District}
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

const selectDepartment = "SELECT code, name, kind, parent, district FROM departments WHERE code = $1"

func (s orgStore) Department(ctx context.Context, code string) (org.Department, error) {
	var row departmentRow
	err := s.hot.QueryRowContext(ctx, selectDepartment, code).Scan(&row.Code, &row.Name, &row.Kind, &row.Parent, &row.District)
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
	row := departmentRow{Code: d.Code, Name: d.Name, Kind: string(d.Kind), District: d.District}
	if d.Parent != "" {
		row.Parent = &d.Parent
	}
	if err := s.write.WithContext(ctx).Clauses(replaceOn("code")).Create(&row).Error; err != nil {
		return fmt.Errorf("save department %s: %w", d.Code, err)
	}
	return nil
}

type holderRow struct {
	AccountID  int64
	Role       string
	Side       string
	Department string
	Since      gormx.Instant
}

func (holderRow) TableName() string { return "holders" }

func (s orgStore) Holders(ctx context.Context) ([]org.Holder, error) {
	return holders(s.read.WithContext(ctx))
}

const selectHeldBy = "SELECT account_id, role, department FROM holders WHERE account_id = $1 ORDER BY role"

// HeldBy is asked for with every command.
func (s orgStore) HeldBy(ctx context.Context, account int64) (list []org.Holder, err error) {
	rows, err := s.hot.QueryContext(ctx, selectHeldBy, account)
	if err != nil {
		return nil, fmt.Errorf("posts of account %d: %w", account, err)
	}
	defer rows.Close()
	for rows.Next() {
		var h org.Holder
		if err := rows.Scan(&h.Account, &h.Role, &h.Department); err != nil {
			return nil, fmt.Errorf("posts of account %d: %w", account, err)
		}
		list = append(list, h)
	}
	return list, rows.Err()
}

func holders(q *gorm.DB) ([]org.Holder, error) {
	var rows []holderRow
	if err := q.Order("account_id, role").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("holders: %w", err)
	}
	out := make([]org.Holder, len(rows))
	for i, r := range rows {
		out[i] = org.Holder{Account: r.AccountID, Role: org.Role(r.Role), Department: r.Department}
	}
	return out, nil
}

// SetHolders replaces the posts of one account. The tables refuse posts of both
// sides even if the service did not.
func (s orgStore) SetHolders(ctx context.Context, account int64, side org.Side, list []org.Holder) error {
	return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := policy.Bump(tx); err != nil { // first: its row keeps another change of posts waiting
			return err
		}
		if err := tx.Exec("DELETE FROM holders WHERE account_id = ?", account).Error; err != nil {
			return fmt.Errorf("old posts of account %d: %w", account, err)
		}
		err := tx.Exec("INSERT INTO sides (account_id, side) VALUES (?, ?) ON CONFLICT (account_id) DO UPDATE SET side = excluded.side", account, string(side)).Error
		if err != nil {
			return fmt.Errorf("side of account %d: %w", account, err)
		}
		for _, h := range list {
			row := holderRow{account, string(h.Role), string(side), h.Department, gormx.At(s.now())}
			if err := tx.Create(&row).Error; err != nil {
				return fmt.Errorf("post %s of account %d: %w", h.Role, account, err)
			}
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
