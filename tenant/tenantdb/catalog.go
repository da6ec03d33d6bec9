package tenantdb

import (
	"context"
	"fmt"
	"sync"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/tenant/calendar"
	"wangge/tenant/catalog"
)

// Catalogue reads the live catalogue of one city.
type catalogue struct {
	write, read *gorm.DB
	mu          sync.Mutex
	held        map[string]catalog.Condition
}

const conditionColumns = `SELECT d.code, d.filing, d.limit_value, d.limit_unit, d.source,
	k.version, k.code AS kind_code, k.sort, k.class, k.name, k.name_en
	FROM conditions d JOIN kinds k ON k.version = d.kind_version AND k.code = d.kind_code `

type conditionRow struct {
	Code       string
	Filing     string
	LimitValue int
	LimitUnit  string
	Source     string
	Version    string
	KindCode   string
	Sort       string
	Class      string
	Name       string
	NameEn     string
}

func (r conditionRow) domain() catalog.Condition {
	return catalog.Condition{
		Code: r.Code, Filing: r.Filing, Source: r.Source,
		Limit: calendar.Limit{Value: r.LimitValue, Unit: calendar.Unit(r.LimitUnit)},
		Kind:  catalog.Kind{Version: r.Version, Code: r.KindCode, Class: r.Class, Sort: catalog.Sort(r.Sort), Name: r.Name, NameEn: r.NameEn},
	}
}

// Condition answers from memory once read: a condition is never changed in
// place, a correction gets a code of its own, so a held one stays true.
func (s *catalogue) Condition(ctx context.Context, code string) (catalog.Condition, error) {
	s.mu.Lock()
	held, ok := s.held[code]
	s.mu.Unlock()
	if ok {
		return held, nil
	}
	var rows []conditionRow
	if err := s.read.WithContext(ctx).Raw(conditionColumns+"WHERE d.code = ?", code).Scan(&rows).Error; err != nil {
		return catalog.Condition{}, fmt.Errorf("condition %s: %w", code, err)
	}
	if len(rows) == 0 {
		return catalog.Condition{}, catalog.ErrNoCondition.With(code)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[code] = rows[0].domain()
	return s.held[code], nil
}

func (s *catalogue) Conditions(ctx context.Context) ([]catalog.Condition, error) {
	var rows []conditionRow
	if err := s.read.WithContext(ctx).Raw(conditionColumns + "ORDER BY d.kind_code, d.code").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("conditions: %w", err)
	}
	out := make([]catalog.Condition, len(rows))
	for i, r := range rows {
		out[i] = r.domain()
	}
	return out, nil
}

type kindRow struct {
	Version string
	Code    string
	Sort    string
	Class   string
	Name    string
	NameEn  string
}

func (kindRow) TableName() string { return "kinds" }

func (s *catalogue) Kinds(ctx context.Context) ([]catalog.Kind, error) {
	var rows []kindRow
	if err := s.read.WithContext(ctx).Order("version, code").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("kinds: %w", err)
	}
	out := make([]catalog.Kind, len(rows))
	for i, r := range rows {
		out[i] = catalog.Kind{Version: r.Version, Code: r.Code, Sort: catalog.Sort(r.Sort), Class: r.Class, Name: r.Name, NameEn: r.NameEn}
	}
	return out, nil
}

// seedRow is a condition as stored.
type seedRow struct {
	Code        string
	KindVersion string
	KindCode    string
	Filing      string
	LimitValue  int
	LimitUnit   string
	AreaClass   string
	Source      string
}

func (seedRow) TableName() string { return "conditions" }

// SeedCatalogue gives the city kinds and conditions it does not have yet; those
// it has are left as they are, so running it again changes nothing.
func SeedCatalogue(ctx context.Context, tx *gorm.DB, kinds []catalog.Kind, conditions []catalog.Condition) error {
	kindRows := make([]kindRow, len(kinds))
	for i, k := range kinds {
		kindRows[i] = kindRow{k.Version, k.Code, string(k.Sort), k.Class, k.Name, k.NameEn}
	}
	rows := seedRows(conditions)
	tx = tx.WithContext(ctx)
	if err := tx.Clauses(keepOld).CreateInBatches(kindRows, chunk).Error; err != nil {
		return fmt.Errorf("seed kinds: %w", err)
	}
	if err := tx.Clauses(keepOld).CreateInBatches(rows, chunk).Error; err != nil {
		return fmt.Errorf("seed conditions: %w", err)
	}
	return nil
}

func seedRows(conditions []catalog.Condition) []seedRow {
	rows := make([]seedRow, len(conditions))
	for i, c := range conditions {
		rows[i] = seedRow{c.Code, c.Kind.Version, c.Kind.Code, c.Filing, c.Limit.Value, string(c.Limit.Unit), "all", c.Source}
	}
	return rows
}

func (s *catalogue) AddConditions(ctx context.Context, list []catalog.Condition) error {
	return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		err := tx.CreateInBatches(seedRows(list), chunk).Error
		if gormx.IsUnique(err) {
			return catalog.ErrTaken
		}
		if err != nil {
			return fmt.Errorf("add conditions: %w", err)
		}
		return nil
	})
}
