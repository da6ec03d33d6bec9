package tenantdb

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/tenant/calendar"
	"wangge/tenant/catalog"
)

// catalogue keeps the live catalogue of one city, and holds in memory what
// every report asks.
type catalogue struct {
	write, read *gorm.DB
	calendar    *calendar.Calendar // renewed with the catalogue, whose revision it shares
	now         func() time.Time

	mu       sync.Mutex
	held     map[string]catalog.Condition
	revision int64
	fresh    window         // while it lasts what is held is taken for true
	state    *catalog.State // whole, once somebody asked for it; of its own revision
}

// window is a stretch of time.
type window struct{ from, to time.Time }

func (w window) holds(t time.Time) bool { return !t.Before(w.from) && t.Before(w.to) }

// keepFor is how long a process may go on without looking whether another one
// has changed the catalogue or the calendar.
const keepFor = 2 * time.Second

func newCatalogue(db *gormx.DB, c *calendar.Calendar, now func() time.Time) *catalogue {
	return &catalogue{write: db.Write, read: db.Read, calendar: c, now: now, held: map[string]catalog.Condition{}, revision: -1}
}

// Fresh makes sure that what is held is not older than keepFor, nor from before
// the city's midnight: changes hold from a later day than they are made on, so
// no process files by what another has ended.
func (s *catalogue) Fresh(ctx context.Context) error {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fresh.holds(now) {
		return nil
	}
	return s.look(ctx, now)
}

// look reads the revision and, when it has risen, lets go of what is held; s.mu
// is held.
func (s *catalogue) look(ctx context.Context, now time.Time) error {
	var revision int64
	if err := s.read.WithContext(ctx).Raw("SELECT revision FROM catalogue_state").Scan(&revision).Error; err != nil {
		return fmt.Errorf("revision of the catalogue: %w", err)
	}
	if revision != s.revision {
		data, err := calendarData(ctx, s.read)
		if err != nil {
			return err
		}
		if err := s.calendar.Replace(data); err != nil {
			return err
		}
		clear(s.held)
		s.revision = revision
	}
	local := now.In(s.calendar.Zone())
	s.fresh = window{now, now.Add(keepFor)}
	if midnight := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, local.Location()); midnight.Before(s.fresh.to) {
		s.fresh.to = midnight
	}
	return nil
}

// stale makes the next use look.
func (s *catalogue) stale() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fresh = window{}
}

const conditionColumns = `SELECT d.code, d.line, d.filing, d.limit_value, d.limit_unit, d.closing, d.area_class, d.origin, d.source, d.replaces, d.since, d.until,
	k.version, k.code AS kind_code, k.sort, k.class, k.class_name, k.name, k.name_en, k.origin AS kind_origin, k.confidence
	FROM conditions d JOIN kinds k ON k.version = d.kind_version AND k.sort = d.kind_sort AND k.code = d.kind_code `

type conditionRow struct {
	Code       string
	Line       string
	Filing     string
	LimitValue int
	LimitUnit  string
	Closing    string
	AreaClass  string
	Origin     string
	Source     string
	Replaces   *string
	Since      string
	Until      string

	Version    string
	KindCode   string
	Sort       string
	Class      string
	ClassName  string
	Name       string
	NameEn     string
	KindOrigin string
	Confidence string
}

func (r conditionRow) domain() catalog.Condition {
	kind := kindRow{r.Version, r.Sort, r.KindCode, r.Class, r.ClassName, r.Name, r.NameEn, r.KindOrigin, r.Confidence}.domain()
	if k, ok := catalog.Version(r.Version).Kind(kind.Sort, kind.Code); ok && k == kind {
		kind = k // whose texts all cities share
	}
	c := catalog.Condition{
		Code: r.Code, Line: r.Line, Filing: r.Filing, Closing: r.Closing, AreaClass: r.AreaClass, Origin: catalog.Origin(r.Origin),
		Source: r.Source, Since: r.Since, Until: r.Until,
		Limit: calendar.Limit{Value: r.LimitValue, Unit: calendar.Unit(r.LimitUnit)},
		Kind:  kind,
	}
	if r.Replaces != nil {
		c.Replaces = *r.Replaces
	}
	return c
}

// Condition answers from memory once read. A wording never changes but for the
// day of its end, which Fresh looks after.
func (s *catalogue) Condition(ctx context.Context, code string) (catalog.Condition, error) {
	if err := s.Fresh(ctx); err != nil {
		return catalog.Condition{}, err
	}
	s.mu.Lock()
	held, ok := s.held[code]
	revision := s.revision
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
	if s.revision == revision { // else it may be older than what was let go of
		s.held[code] = rows[0].domain()
	}
	return rows[0].domain(), nil
}

type kindRow struct {
	Version    string
	Sort       string
	Code       string
	Class      string
	ClassName  string
	Name       string
	NameEn     string
	Origin     string
	Confidence string
}

func (kindRow) TableName() string { return "kinds" }

func (r kindRow) domain() catalog.Kind {
	return catalog.Kind{
		Version: r.Version, Code: r.Code, Sort: catalog.Sort(r.Sort), Class: r.Class, ClassName: r.ClassName, Name: r.Name, NameEn: r.NameEn,
		Origin: catalog.Origin(r.Origin), Confidence: catalog.Confidence(r.Confidence),
	}
}

func kindRows(kinds []catalog.Kind) []kindRow {
	rows := make([]kindRow, len(kinds))
	for i, k := range kinds {
		rows[i] = kindRow{k.Version, string(k.Sort), k.Code, k.Class, k.ClassName, k.Name, k.NameEn, string(k.Origin), string(k.Confidence)}
	}
	return rows
}

type moveRow struct {
	Day         string
	FromVersion string
	ToVersion   string
	At          gormx.Instant
	Account     int64
	Conditions  int
	Decided     int
	Ended       int
}

func (moveRow) TableName() string { return "catalogue_moves" }

// State reads the revision first, and the rest when it has risen since the last
// time: what is changed meanwhile is newer, and a change planned on it is refused.
func (s *catalogue) State(ctx context.Context) (catalog.State, error) {
	db := s.read.WithContext(ctx)
	var state struct {
		Revision int64
		Version  string
	}
	if err := db.Raw("SELECT revision, version FROM catalogue_state").Scan(&state).Error; err != nil {
		return catalog.State{}, fmt.Errorf("catalogue: %w", err)
	}
	s.mu.Lock()
	held := s.state
	s.mu.Unlock()
	if held != nil && held.Revision == state.Revision {
		return *held, nil
	}
	out := catalog.State{Revision: state.Revision, First: catalog.Version(state.Version)}
	var moves []moveRow
	if err := db.Order("day").Find(&moves).Error; err != nil {
		return catalog.State{}, fmt.Errorf("moves of the catalogue: %w", err)
	}
	for _, m := range moves {
		out.Moves = append(out.Moves, catalog.MoveRecord{
			From: catalog.Version(m.FromVersion), To: catalog.Version(m.ToVersion), Day: m.Day, At: m.At.Time, By: m.Account,
			Conditions: m.Conditions, Decided: m.Decided, Ended: m.Ended,
		})
	}
	var kinds []kindRow
	if err := db.Order("version, sort DESC, code").Find(&kinds).Error; err != nil {
		return catalog.State{}, fmt.Errorf("kinds: %w", err)
	}
	for _, k := range kinds {
		out.Kinds = append(out.Kinds, k.domain())
	}
	var conditions []conditionRow
	if err := db.Raw(conditionColumns + "ORDER BY d.kind_version, d.kind_sort DESC, d.kind_code, d.code").Scan(&conditions).Error; err != nil {
		return catalog.State{}, fmt.Errorf("conditions: %w", err)
	}
	for _, c := range conditions {
		out.Conditions = append(out.Conditions, c.domain())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = &out
	return out, nil
}

// OpenCases counts by the index of the cases that have not ended.
func (s *catalogue) OpenCases(ctx context.Context) (map[string]int, error) {
	var rows []struct {
		Condition string
		Cases     int
	}
	err := s.read.WithContext(ctx).Raw(`SELECT condition, COUNT(*) AS cases FROM cases
		WHERE stage NOT IN ('closed', 'merged', 'declined', 'voided', 'transferred') GROUP BY condition`).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("open cases by condition: %w", err)
	}
	out := make(map[string]int, len(rows))
	for _, r := range rows {
		out[r.Condition] = r.Cases
	}
	return out, nil
}

// seedRow is a condition as stored.
type seedRow struct {
	Code        string
	Line        string
	KindVersion string
	KindSort    string
	KindCode    string
	Filing      string
	LimitValue  int
	LimitUnit   string
	Closing     string
	AreaClass   string
	Origin      string
	Source      string
	Replaces    *string
	Since       string
	Until       string
}

func (seedRow) TableName() string { return "conditions" }

func seedRows(conditions []catalog.Condition) []seedRow {
	rows := make([]seedRow, len(conditions))
	for i, c := range conditions {
		rows[i] = seedRow{
			c.Code, c.Line, c.Kind.Version, string(c.Kind.Sort), c.Kind.Code, c.Filing, c.Limit.Value, string(c.Limit.Unit), c.Closing,
			c.AreaClass, string(c.Origin), c.Source, nil, c.Since, c.Until,
		}
		if c.Replaces != "" {
			rows[i].Replaces = &c.Replaces
		}
	}
	return rows
}

// SeedCatalogue gives the city kinds and conditions it does not have yet; those
// it has are left as they are, so running it again changes nothing. A city that
// began on another version, or has moved since, keeps its own set.
func SeedCatalogue(ctx context.Context, tx *gorm.DB, kinds []catalog.Kind, conditions []catalog.Condition) error {
	if len(kinds) == 0 {
		return nil
	}
	tx = tx.WithContext(ctx)
	version := kinds[0].Version
	res := tx.Exec(`UPDATE catalogue_state SET version = ?
		WHERE version IN ('', ?) AND NOT EXISTS (SELECT 1 FROM catalogue_moves)`, version, version)
	if res.Error != nil {
		return fmt.Errorf("seed catalogue: %w", res.Error)
	}
	if res.RowsAffected == 0 {
		return nil
	}
	res = tx.Clauses(keepOld).CreateInBatches(kindRows(kinds), chunk)
	if res.Error != nil {
		return fmt.Errorf("seed kinds: %w", res.Error)
	}
	added := res.RowsAffected
	if res = tx.Clauses(keepOld).CreateInBatches(seedRows(conditions), chunk); res.Error != nil {
		return fmt.Errorf("seed conditions: %w", res.Error)
	}
	if added+res.RowsAffected == 0 {
		return nil
	}
	if err := tx.Exec("UPDATE catalogue_state SET revision = revision + 1").Error; err != nil {
		return fmt.Errorf("seed catalogue: %w", err)
	}
	return nil
}

// Apply raises the revision first: its row keeps another change waiting, which
// then finds that it was planned on an older one.
func (s *catalogue) Apply(ctx context.Context, c catalog.Change) error {
	defer s.stale()
	err := s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		res := tx.Exec("UPDATE catalogue_state SET revision = revision + 1 WHERE revision = ?", c.Revision)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return catalog.ErrChanged
		}
		return apply(tx, c)
	})
	if gormx.IsUnique(err) {
		return catalog.ErrTaken
	}
	if err != nil {
		return fmt.Errorf("change the catalogue: %w", err)
	}
	return nil
}

func apply(tx *gorm.DB, c catalog.Change) error {
	if len(c.Kinds) > 0 {
		create := tx
		if c.Move != nil { // the standard's, of which the city may keep some
			create = tx.Clauses(keepOld)
		}
		if err := create.CreateInBatches(kindRows(c.Kinds), chunk).Error; err != nil {
			return err
		}
	}
	// Ends before beginnings: a line has one open wording at a time.
	for _, code := range slices.Sorted(maps.Keys(c.End)) {
		if err := tx.Exec("UPDATE conditions SET until = ? WHERE code = ?", c.End[code], code).Error; err != nil {
			return err
		}
	}
	if len(c.Add) > 0 {
		if err := tx.CreateInBatches(seedRows(c.Add), chunk).Error; err != nil {
			return err
		}
	}
	if m := c.Move; m != nil {
		row := moveRow{m.Day, string(m.From), string(m.To), gormx.At(m.At), m.By, m.Conditions, m.Decided, m.Ended}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
	}
	if c.Overlay != nil {
		return addOverlay(tx, *c.Overlay)
	}
	return nil
}

type overlayRow struct {
	Number     int64
	Edition    string
	Version    string
	SHA256     string `gorm:"column:sha256"`
	At         gormx.Instant
	Account    int64
	Conditions string
}

func (overlayRow) TableName() string { return "overlays" }

func addOverlay(tx *gorm.DB, o catalog.Overlay) error {
	conditions, err := json.Marshal(o.Conditions)
	if err != nil {
		return err
	}
	var last int64
	if err := tx.Raw("SELECT COALESCE(MAX(number), 0) FROM overlays").Scan(&last).Error; err != nil {
		return err
	}
	row := overlayRow{last + 1, o.Edition, string(o.Version), o.SHA256, gormx.At(o.At), o.By, string(conditions)}
	return tx.Create(&row).Error
}

func (s *catalogue) Overlay(ctx context.Context) (*catalog.Overlay, error) {
	var rows []overlayRow
	if err := s.read.WithContext(ctx).Order("number DESC").Limit(1).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("overlay: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	r := rows[0]
	o := &catalog.Overlay{Edition: r.Edition, Version: catalog.Version(r.Version), SHA256: r.SHA256, At: r.At.Time, By: r.Account}
	if err := json.Unmarshal([]byte(r.Conditions), &o.Conditions); err != nil {
		return nil, fmt.Errorf("overlay %s: %w", r.Edition, err)
	}
	return o, nil
}
