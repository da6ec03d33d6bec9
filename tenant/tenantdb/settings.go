package tenantdb

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"gorm.io/gorm"

	"wangge/internal/errs"
	"wangge/tenant"
	"wangge/tenant/division"
)

// ErrNotBuilt is returned by Open for a database whose city was never seeded.
var ErrNotBuilt = errs.New(errs.Unavailable, "city_not_built", "该城市尚未建成", "this city has not been built yet")

const settingsName = "city"

type settingRow struct{ Name, Value string }

func (settingRow) TableName() string { return "settings" }

// Settings reads the city's settings, ErrNotBuilt when it has none.
func Settings(ctx context.Context, db *gorm.DB) (tenant.Settings, error) {
	var rows []settingRow
	if err := db.WithContext(ctx).Where("name = ?", settingsName).Find(&rows).Error; err != nil {
		return tenant.Settings{}, fmt.Errorf("settings: %w", err)
	}
	if len(rows) == 0 {
		return tenant.Settings{}, ErrNotBuilt
	}
	var s tenant.Settings
	if err := json.Unmarshal([]byte(rows[0].Value), &s); err != nil {
		return tenant.Settings{}, fmt.Errorf("settings: %w", err)
	}
	return s, nil
}

// SaveSettings writes the city's settings.
func SaveSettings(ctx context.Context, tx *gorm.DB, s tenant.Settings) error {
	value, err := json.Marshal(s)
	if err != nil {
		return err
	}
	row := settingRow{settingsName, string(value)}
	if err := tx.WithContext(ctx).Clauses(replaceOn("name")).Create(&row).Error; err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	return nil
}

type divisionRow struct{ Code, Name, Level, Parent string }

func (divisionRow) TableName() string { return "divisions" }

// SeedDivisions gives the city its counties, streets and communities; those it
// has are left as they are.
func SeedDivisions(ctx context.Context, tx *gorm.DB, list []division.Division) error {
	rows := make([]divisionRow, 0, len(list))
	for _, d := range list {
		rows = append(rows, divisionRow{d.Code, d.Name, levelName(d.Level), d.Parent})
	}
	if err := tx.WithContext(ctx).Clauses(keepOld).CreateInBatches(rows, chunk).Error; err != nil {
		return fmt.Errorf("seed divisions: %w", err)
	}
	return nil
}

// divisions reads the city's own divisions.
type divisions struct{ read *gorm.DB }

func (s divisions) Under(ctx context.Context, parent string) ([]division.Division, error) {
	q := s.read.WithContext(ctx).Order("code")
	if parent == "" {
		q = q.Where("level = 'county'")
	} else {
		q = q.Where("parent = ?", parent)
	}
	var rows []divisionRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("divisions: %w", err)
	}
	out := make([]division.Division, len(rows))
	for i, r := range rows {
		out[i] = division.Division{Code: r.Code, Name: r.Name, Level: levels[r.Level], Parent: r.Parent}
	}
	return out, nil
}

var levels = map[string]division.Level{"county": division.County, "street": division.Street, "community": division.Community}

// levelName is what a level is called in the table. A city without districts
// stands in as its own county, because its grid codes begin with its code.
func levelName(l division.Level) string {
	switch l {
	case division.Community:
		return "community"
	case division.Street:
		return "street"
	default:
		return "county"
	}
}

// communities answers whether a community belongs to the city.
type communities struct {
	read *gorm.DB
	mu   sync.Mutex
	held map[string]bool
}

// HasCommunity answers from memory for the communities already read.
func (c *communities) HasCommunity(code string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.held[code] {
		c.load()
	}
	return c.held[code]
}

// load reads the city's communities; a failure leaves what is held, so that an
// import refuses rather than accepts.
func (c *communities) load() {
	var n int64
	if err := c.read.Table("divisions").Where("level = 'community'").Count(&n).Error; err != nil || int(n) == len(c.held) {
		return
	}
	var codes []string
	if err := c.read.Table("divisions").Where("level = 'community'").Pluck("code", &codes).Error; err != nil {
		return
	}
	held := make(map[string]bool, len(codes))
	for _, code := range codes {
		held[code] = true
	}
	c.held = held
}
