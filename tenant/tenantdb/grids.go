package tenantdb

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"wangge/internal/geodesy"
	"wangge/internal/gormx"
	"wangge/tenant/grid"
)

// gridRules are the rules for a city's files of grids, in any of the coordinate
// systems that are known.
func gridRules(divisions grid.Divisions) grid.Rules {
	rules := grid.NewRules(divisions)
	rules.Systems = func(name string) (grid.Convert, error) {
		system, err := geodesy.Parse(name)
		return system.ToCGCS2000, err
	}
	return rules
}

type gridStore struct {
	write, read *gorm.DB
	hot         conn // reads what every lookup asks
}

type gridRow struct {
	Code      string
	Since     int64
	Until     *int64
	Name      string
	Community string
	Area      float64
	Geometry  string
}

func (gridRow) TableName() string { return "grid_history" }

type gridSetRow struct {
	Version    int64
	ImportedAt gormx.Instant
	File       string
	Grids      int
	Added      int
	Changed    int
	Retired    int
	Area       float64
	Sound      bool
	Proof      string
}

func (gridSetRow) TableName() string { return "grid_sets" }

func (s gridStore) InTx(ctx context.Context, fn func(grid.Store) error) error {
	return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return fn(gridStore{tx, tx, tx.Statement.ConnPool}) })
}

func (s gridStore) LockGrids(ctx context.Context) (int64, error) {
	if err := s.write.WithContext(ctx).Exec("UPDATE grid_version SET version = version WHERE id = 1").Error; err != nil {
		return 0, fmt.Errorf("lock the grids: %w", err)
	}
	return s.GridSetVersion(ctx)
}

func (s gridStore) GridSetVersion(ctx context.Context) (version int64, err error) {
	err = s.hot.QueryRowContext(ctx, "SELECT version FROM grid_version WHERE id = 1").Scan(&version)
	return version, err
}

func (s gridStore) Grids(ctx context.Context, version int64) ([]grid.Grid, error) {
	return s.grids(ctx, "since <= ? AND (until IS NULL OR until > ?)", version, version)
}

func (s gridStore) RetiredGrids(ctx context.Context) ([]grid.Grid, error) {
	return s.grids(ctx, `until IS NOT NULL AND code NOT IN (SELECT code FROM grids)
		AND since = (SELECT MAX(h.since) FROM grid_history h WHERE h.code = grid_history.code)`)
}

func (s gridStore) grids(ctx context.Context, where string, args ...any) ([]grid.Grid, error) {
	var rows []gridRow
	if err := s.read.WithContext(ctx).Where(where, args...).Order("code").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("grids: %w", err)
	}
	out := make([]grid.Grid, len(rows))
	for i, r := range rows {
		code, err := grid.ParseCode(r.Code)
		if err != nil {
			return nil, err
		}
		ring, holes, err := grid.ParseGeometry(r.Geometry)
		if err != nil {
			return nil, fmt.Errorf("grid %s: %w", r.Code, err)
		}
		out[i] = grid.Grid{Code: code, Name: r.Name, Ring: ring, Holes: holes, Area: r.Area}
	}
	return out, nil
}

func (s gridStore) SaveGrids(ctx context.Context, e grid.Edition, end []grid.Code, begin []grid.Grid) error {
	proof, err := json.Marshal(e.Proof)
	if err != nil {
		return fmt.Errorf("save grids: %w", err)
	}
	set := gridSetRow{e.Version, gormx.At(e.At), e.File, e.Grids, e.Added, e.Changed, e.Retired, e.Area, e.Sound, string(proof)}
	err = s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Create(&set).Error; err != nil {
			return err
		}
		if err := endGrids(tx, e.Version, end); err != nil {
			return err
		}
		if err := beginGrids(tx, e.Version, begin); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM responsibility_members WHERE grid NOT IN (SELECT code FROM grids)").Error; err != nil {
			return err
		}
		return tx.Exec("UPDATE grid_version SET version = ? WHERE id = 1", e.Version).Error
	})
	if err != nil {
		return fmt.Errorf("save grids: %w", err)
	}
	return nil
}

func endGrids(tx *gorm.DB, version int64, codes []grid.Code) error {
	for len(codes) > 0 {
		n := min(chunk, len(codes))
		texts := make([]string, n)
		for i, c := range codes[:n] {
			texts[i] = c.String()
		}
		if err := tx.Exec("UPDATE grid_history SET until = ? WHERE until IS NULL AND code IN ?", version, texts).Error; err != nil {
			return err
		}
		codes = codes[n:]
	}
	return nil
}

func beginGrids(tx *gorm.DB, version int64, grids []grid.Grid) error {
	if len(grids) == 0 {
		return nil
	}
	rows := make([]gridRow, len(grids))
	for i, g := range grids {
		rows[i] = gridRow{g.Code.String(), version, nil, g.Name, g.Code.Community(), g.Area, g.Geometry()}
	}
	return tx.CreateInBatches(rows, chunk).Error
}

func (s gridStore) Editions(ctx context.Context) ([]grid.Edition, error) {
	var rows []gridSetRow
	if err := s.read.WithContext(ctx).Omit("proof").Order("version DESC").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("sets of grids: %w", err)
	}
	out := make([]grid.Edition, len(rows))
	for i, r := range rows {
		out[i] = grid.Edition{
			Version: r.Version, At: r.ImportedAt.Time, File: r.File,
			Grids: r.Grids, Added: r.Added, Changed: r.Changed, Retired: r.Retired, Area: r.Area, Sound: r.Sound,
		}
	}
	return out, nil
}

func (s gridStore) GridProof(ctx context.Context, version int64) (p grid.Proof, err error) {
	var rows []gridSetRow
	if err := s.read.WithContext(ctx).Where("version = ?", version).Find(&rows).Error; err != nil {
		return p, fmt.Errorf("proof of grids %d: %w", version, err)
	}
	if len(rows) == 0 {
		return p, grid.ErrNoSet.With(version)
	}
	if err := json.Unmarshal([]byte(rows[0].Proof), &p); err != nil {
		return p, fmt.Errorf("proof of grids %d: %w", version, err)
	}
	return p, nil
}

type responsibilityGridRow struct{ Code, Name string }

func (responsibilityGridRow) TableName() string { return "responsibility_grids" }

type responsibilityMemberRow struct{ Grid, Responsibility string }

func (responsibilityMemberRow) TableName() string { return "responsibility_members" }

func (s gridStore) Responsibilities(ctx context.Context) ([]grid.Responsibility, error) {
	var list []responsibilityGridRow
	if err := s.read.WithContext(ctx).Order("code").Find(&list).Error; err != nil {
		return nil, fmt.Errorf("responsibility grids: %w", err)
	}
	var members []responsibilityMemberRow
	if err := s.read.WithContext(ctx).Order("grid").Find(&members).Error; err != nil {
		return nil, fmt.Errorf("responsibility grids: %w", err)
	}
	out, at := make([]grid.Responsibility, len(list)), make(map[string]int, len(list))
	for i, r := range list {
		out[i], at[r.Code] = grid.Responsibility{Code: r.Code, Name: r.Name}, i
	}
	for _, m := range members {
		code, err := grid.ParseCode(m.Grid)
		if err != nil {
			return nil, err
		}
		i := at[m.Responsibility]
		out[i].Members = append(out[i].Members, code)
	}
	return out, nil
}

// SetResponsibilities also tells who draws supervisors: who is on duty depends
// on it.
func (s gridStore) SetResponsibilities(ctx context.Context, list []grid.Responsibility) error {
	var rows []responsibilityGridRow
	var members []responsibilityMemberRow
	for _, r := range list {
		rows = append(rows, responsibilityGridRow{r.Code, r.Name})
		for _, c := range r.Members {
			members = append(members, responsibilityMemberRow{c.String(), r.Code})
		}
	}
	err := s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := beginOrganisation(ctx, tx); err != nil {
			return err
		}
		for _, table := range []string{"responsibility_members", "responsibility_grids"} {
			if err := tx.Exec("DELETE FROM " + table).Error; err != nil {
				return err
			}
		}
		if len(rows) > 0 {
			if err := tx.CreateInBatches(rows, chunk).Error; err != nil {
				return err
			}
		}
		if len(members) == 0 {
			return nil
		}
		return tx.CreateInBatches(members, chunk).Error
	})
	if err != nil {
		return fmt.Errorf("set the responsibility grids: %w", err)
	}
	return nil
}
