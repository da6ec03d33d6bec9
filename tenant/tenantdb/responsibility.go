package tenantdb

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"wangge/tenant/catalog"
	"wangge/tenant/duty"
	"wangge/tenant/grid"
	"wangge/tenant/org"
	"wangge/tenant/responsibility"
)

// kindsOf lists the kinds of the city's catalogue.
type kindsOf interface {
	Kinds(ctx context.Context) ([]catalog.Kind, error)
}

// matrixStore keeps the matrix of responsibility.
type matrixStore struct {
	write, read *gorm.DB
	hot         conn // reads what every suggestion asks
	kinds       kindsOf
}

func (s matrixStore) InTx(ctx context.Context, fn func(responsibility.Store) error) error {
	return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		return fn(matrixStore{tx, tx, tx.Statement.ConnPool, s.kinds})
	})
}

func (s matrixStore) Begin(ctx context.Context) error { return beginOrganisation(ctx, s.write) }

func (s matrixStore) Version(ctx context.Context) (int64, error) {
	return organisationVersion(ctx, s.hot)
}

func (s matrixStore) Departments(ctx context.Context) ([]org.Department, error) {
	return orgStore{write: s.write, read: s.read}.Departments(ctx)
}

type ruleRow struct {
	ID       int64 `gorm:"primaryKey;autoIncrement:false"`
	Version  string
	Sort     string
	Kind     string
	Area     string
	Lead     string
	SinceDay string
	UntilDay string
}

func (ruleRow) TableName() string { return "responsibilities" }

type assistingRow struct {
	Responsibility int64 `gorm:"primaryKey;autoIncrement:false"`
	Position       int   `gorm:"primaryKey;autoIncrement:false"`
	Department     string
}

func (assistingRow) TableName() string { return "responsibility_assisting" }

func (s matrixStore) Rules(ctx context.Context) ([]responsibility.Rule, error) {
	var rows []ruleRow
	if err := s.read.WithContext(ctx).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("matrix: %w", err)
	}
	var assisting []assistingRow
	if err := s.read.WithContext(ctx).Order("responsibility, position").Find(&assisting).Error; err != nil {
		return nil, fmt.Errorf("matrix: %w", err)
	}
	by := map[int64][]string{}
	for _, a := range assisting {
		by[a.Responsibility] = append(by[a.Responsibility], a.Department)
	}
	out := make([]responsibility.Rule, len(rows))
	for i, r := range rows {
		out[i] = responsibility.Rule{
			ID: r.ID, Version: r.Version, Sort: r.Sort, Kind: r.Kind, Area: r.Area, Lead: r.Lead, Assisting: by[r.ID],
			Since: r.SinceDay, Until: r.UntilDay,
		}
	}
	return out, nil
}

func (s matrixStore) ReplaceRules(ctx context.Context, rules []responsibility.Rule) error {
	rows := make([]ruleRow, len(rules))
	var assisting []assistingRow
	for i, r := range rules {
		rows[i] = ruleRow{r.ID, r.Version, r.Sort, r.Kind, r.Area, r.Lead, r.Since, r.Until}
		for n, code := range r.Assisting {
			assisting = append(assisting, assistingRow{r.ID, n, code})
		}
	}
	return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM responsibilities").Error; err != nil { // and what assists
			return fmt.Errorf("replace the matrix: %w", err)
		}
		if len(rows) > 0 {
			if err := tx.CreateInBatches(rows, chunk).Error; err != nil {
				return fmt.Errorf("replace the matrix: %w", err)
			}
		}
		if len(assisting) > 0 {
			if err := tx.CreateInBatches(assisting, chunk).Error; err != nil {
				return fmt.Errorf("replace the matrix: %w", err)
			}
		}
		return nil
	})
}

func (s matrixStore) DivisionNames(ctx context.Context) (map[string]string, error) {
	var rows []divisionRow
	if err := s.read.WithContext(ctx).Select("code, name").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("names of divisions: %w", err)
	}
	names := make(map[string]string, len(rows))
	for _, r := range rows {
		names[r.Code] = r.Name
	}
	return names, nil
}

func (s matrixStore) Kinds(ctx context.Context) ([]responsibility.Kind, error) {
	kinds, err := s.kinds.Kinds(ctx)
	out := make([]responsibility.Kind, len(kinds))
	for i, k := range kinds {
		out[i] = responsibility.Kind{Version: k.Version, Sort: string(k.Sort), Code: k.Code, Class: k.Class, Name: k.Name}
	}
	return out, err
}

func (s matrixStore) GridCodes(ctx context.Context) ([]grid.Code, error) {
	var texts []string
	if err := s.read.WithContext(ctx).Raw("SELECT code FROM grids ORDER BY code").Scan(&texts).Error; err != nil {
		return nil, fmt.Errorf("codes of grids: %w", err)
	}
	out := make([]grid.Code, len(texts))
	for i, text := range texts {
		var err error
		if out[i], err = grid.ParseCode(text); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// dutyStore keeps the duties of supervisors.
type dutyStore struct {
	write, read *gorm.DB
	hot         conn // reads what every drawing of a supervisor asks
}

func (s dutyStore) InTx(ctx context.Context, fn func(duty.Store) error) error {
	return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		return fn(dutyStore{tx, tx, tx.Statement.ConnPool})
	})
}

func (s dutyStore) Begin(ctx context.Context) error { return beginOrganisation(ctx, s.write) }

const selectDutyVersion = `SELECT o.version, g.version, d.n, d.last FROM org_version o, grid_version g,
	(SELECT COUNT(*) AS n, COALESCE(MAX(disabled_at), 0) AS last FROM accounts WHERE disabled_at IS NOT NULL) d
	WHERE o.id = 1 AND g.id = 1`

func (s dutyStore) Version(ctx context.Context) (v duty.Version, err error) {
	err = s.hot.QueryRowContext(ctx, selectDutyVersion).Scan(&v.Organisation, &v.Grids, &v.Disabled, &v.Barred)
	return v, err
}

type dutyRow struct {
	AccountID      int64
	Responsibility string
	FromDay        string
	ToDay          string
	Shift          string
}

func (dutyRow) TableName() string { return "duties" }

func (s dutyStore) Duties(ctx context.Context) ([]duty.Duty, error) {
	var rows []dutyRow
	if err := s.read.WithContext(ctx).Order("responsibility, account_id, from_day, shift").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("duties: %w", err)
	}
	out := make([]duty.Duty, len(rows))
	for i, r := range rows {
		out[i] = duty.Duty{Account: r.AccountID, Responsibility: r.Responsibility, From: r.FromDay, To: r.ToDay, Shift: r.Shift}
	}
	return out, nil
}

func (s dutyStore) SetDuties(ctx context.Context, list []duty.Duty) error {
	rows := make([]dutyRow, len(list))
	for i, d := range list {
		rows[i] = dutyRow{d.Account, d.Responsibility, d.From, d.To, d.Shift}
	}
	return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM duties").Error; err != nil {
			return fmt.Errorf("replace the duties: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		if err := tx.CreateInBatches(rows, chunk).Error; err != nil {
			return fmt.Errorf("replace the duties: %w", err)
		}
		return nil
	})
}

func (s dutyStore) Responsibilities(ctx context.Context) ([]string, error) {
	var codes []string
	if err := s.read.WithContext(ctx).Raw("SELECT code FROM responsibility_grids ORDER BY code").Scan(&codes).Error; err != nil {
		return nil, fmt.Errorf("responsibility grids: %w", err)
	}
	return codes, nil
}

// Facts leaves out accounts that are disabled: they can't go anywhere.
func (s dutyStore) Facts(ctx context.Context) (f duty.Facts, err error) {
	if f.Supervisors, err = s.supervisors(ctx); err != nil {
		return f, err
	}
	if f.Deputies, err = s.deputies(ctx); err != nil {
		return f, err
	}
	if f.Leaves, err = (orgStore{read: s.read}).Leaves(ctx); err != nil {
		return f, err
	}
	if f.Duties, err = s.Duties(ctx); err != nil {
		return f, err
	}
	f.Members, err = s.members(ctx)
	return f, err
}

func (s dutyStore) supervisors(ctx context.Context) ([]org.Holder, error) {
	return holders(s.read.WithContext(ctx).Where("role = ?", string(org.Supervisor)).
		Where("account_id NOT IN (SELECT id FROM accounts WHERE disabled_at IS NOT NULL)"))
}

func (s dutyStore) deputies(ctx context.Context) (out []org.Deputy, err error) {
	barred := map[int64]bool{}
	var ids []int64
	if err := s.read.WithContext(ctx).Raw("SELECT id FROM accounts WHERE disabled_at IS NOT NULL").Scan(&ids).Error; err != nil {
		return nil, fmt.Errorf("disabled accounts: %w", err)
	}
	for _, id := range ids {
		barred[id] = true
	}
	all, err := orgStore{read: s.read}.Deputies(ctx)
	for _, d := range all {
		if d.Role == org.Supervisor && !barred[d.Account] {
			out = append(out, d)
		}
	}
	return out, err
}

func (s dutyStore) members(ctx context.Context) (map[string]string, error) {
	rows, err := s.read.WithContext(ctx).Raw("SELECT grid, responsibility FROM responsibility_members").Rows()
	if err != nil {
		return nil, fmt.Errorf("members of responsibility grids: %w", err)
	}
	defer rows.Close()
	members := map[string]string{}
	for rows.Next() {
		var unit, code string
		if err := rows.Scan(&unit, &code); err != nil {
			return nil, fmt.Errorf("members of responsibility grids: %w", err)
		}
		members[unit] = code
	}
	return members, rows.Err()
}
