package tenantdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/tenant/casework"
	"wangge/tenant/grid"
	"wangge/tenant/usage"
)

// caseStore keeps cases and steps. Inside InTx all its handles are the transaction.
type caseStore struct {
	write, read *gorm.DB
	writer, hot conn
}

type caseRow struct {
	ID           int64 `gorm:"primaryKey"`
	Number       string
	Stage        string
	Version      int64
	Channel      string
	Condition    string
	KindVersion  string
	KindCode     string
	Description  string
	Address      string
	Lon, Lat     float64
	Grid         string
	Reporter     []byte
	Department   *string
	Reworks      int
	ReportedBy   int64
	HandledBy    int64
	VerifiedBy   int64
	ReportedAt   gormx.Instant
	FiledAt      gormx.Instant
	DispatchedAt gormx.Instant
	DueAt        gormx.Instant
	CloseDueAt   gormx.Instant
	HandledAt    gormx.Instant
	ClosedAt     gormx.Instant
}

func (caseRow) TableName() string { return "cases" }

// fields are the columns in the order of the statements below, without the ID.
func (r *caseRow) fields() []any {
	return []any{
		&r.Number, &r.Stage, &r.Version, &r.Channel, &r.Condition, &r.KindVersion, &r.KindCode, &r.Description, &r.Address,
		&r.Lon, &r.Lat, &r.Grid, &r.Reporter, &r.Department, &r.Reworks, &r.ReportedBy, &r.HandledBy, &r.VerifiedBy,
		&r.ReportedAt, &r.FiledAt, &r.DispatchedAt, &r.DueAt, &r.CloseDueAt, &r.HandledAt, &r.ClosedAt,
	}
}

// What every command runs. Where a case is and what it is stays as reported.
const (
	caseColumns = `number, stage, version, channel, condition, kind_version, kind_code, description, address,
		lon, lat, grid, reporter, department, reworks, reported_by, handled_by, verified_by,
		reported_at, filed_at, dispatched_at, due_at, close_due_at, handled_at, closed_at`
	selectCase = "SELECT id, " + caseColumns + " FROM cases WHERE number = $1"
	insertCase = "INSERT INTO cases (" + caseColumns + `) VALUES
		($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25) RETURNING id`
	updateCase = `UPDATE cases SET stage = $1, version = $2, department = $3, reworks = $4, handled_by = $5, verified_by = $6,
		filed_at = $7, dispatched_at = $8, due_at = $9, close_due_at = $10, handled_at = $11, closed_at = $12
		WHERE id = $13 AND version = $14`
	insertStep = `INSERT INTO steps (case_id, seq, action, from_stage, to_stage, at, account_id, role, department, note, detail, request_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) 
		ON CONFLICT (request_key) WHERE request_key IS NOT NULL DO NOTHING`
	nextNumber = `INSERT INTO case_numbers (day, last) VALUES ($1, 1)
		ON CONFLICT (day) DO UPDATE SET last = case_numbers.last + 1 RETURNING last`
)

func (s caseStore) InTx(ctx context.Context, fn func(casework.Store) error) error {
	run := func(tx *gorm.DB, c conn) error { return fn(caseStore{tx, tx, c, c}) }
	if k, outside := s.writer.(*kept); outside {
		return k.inTx(ctx, []string{selectCase, insertCase, updateCase, insertStep, selectStepByKey, insertUsage, nextNumber}, run)
	}
	return run(s.write, s.writer)
}

func (s caseStore) NextNumber(ctx context.Context, day string) (string, error) {
	var last int64
	if err := s.writer.QueryRowContext(ctx, nextNumber, day).Scan(&last); err != nil {
		return "", fmt.Errorf("case number of %s: %w", day, err)
	}
	return fmt.Sprintf("%s%s%s-%06d", day[0:4], day[5:7], day[8:10], last), nil
}

func (s caseStore) AddCase(ctx context.Context, c *casework.Case) error {
	row := toCaseRow(c)
	if err := s.writer.QueryRowContext(ctx, insertCase, row.fields()...).Scan(&c.ID); err != nil {
		return fmt.Errorf("add case %s: %w", c.Number, err)
	}
	return nil
}

func (s caseStore) Case(ctx context.Context, number string) (*casework.Case, error) {
	var row caseRow
	err := s.hot.QueryRowContext(ctx, selectCase, number).Scan(append([]any{&row.ID}, row.fields()...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, casework.ErrNoCase
	}
	if err != nil {
		return nil, fmt.Errorf("case %s: %w", number, err)
	}
	return row.domain()
}

func (s caseStore) SaveCase(ctx context.Context, c *casework.Case) error {
	row := toCaseRow(c)
	res, err := s.writer.ExecContext(ctx, updateCase,
		row.Stage, row.Version, row.Department, row.Reworks, row.HandledBy, row.VerifiedBy,
		row.FiledAt, row.DispatchedAt, row.DueAt, row.CloseDueAt, row.HandledAt, row.ClosedAt, row.ID, row.Version-1)
	return one(res, err, casework.ErrStale, "save case", c.Number)
}

func (s caseStore) AddStep(ctx context.Context, st casework.Step) error {
	var key *string
	if st.RequestKey != "" {
		key = &st.RequestKey
	}
	res, err := s.writer.ExecContext(ctx, insertStep,
		st.Case, st.Seq, string(st.Action), string(st.From), string(st.To), gormx.At(st.At), st.By.Account, st.By.Role, st.By.Department,
		st.Note, st.Detail.JSON(), key)
	return one(res, err, casework.ErrKeyReused, "step of case", st.Number)
}

// one turns a statement that touched no row into refusal.
func one(res sql.Result, err, refusal error, what, number string) error {
	var n int64
	if err == nil {
		n, err = res.RowsAffected()
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: %w", what, number, err)
	case n != 1:
		return refusal
	}
	return nil
}

func (s caseStore) AddUsage(ctx context.Context, e usage.Entry) error {
	if _, err := s.writer.ExecContext(ctx, insertUsage, e.Metric, e.Quantity, gormx.At(e.At), e.Ref); err != nil {
		return fmt.Errorf("usage %s: %w", e.Metric, err)
	}
	return nil
}

func (s caseStore) Cases(ctx context.Context, f casework.Filter) ([]casework.Case, error) {
	q := s.read.WithContext(ctx).Where("id > ?", f.After).Order("id").Limit(f.Limit)
	if f.Stage != "" {
		q = q.Where("stage = ?", string(f.Stage))
	}
	if f.Department != "" {
		q = q.Where("department = ?", f.Department)
	}
	var rows []caseRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("cases: %w", err)
	}
	out := make([]casework.Case, len(rows))
	for i, r := range rows {
		c, err := r.domain()
		if err != nil {
			return nil, err
		}
		out[i] = *c
	}
	return out, nil
}

// stepRow is a step with the number of its case.
type stepRow struct {
	CaseID     int64
	Number     string
	Seq        int64
	Action     string
	FromStage  string
	ToStage    string
	At         gormx.Instant
	AccountID  int64
	Role       string
	Department string
	Note       string
	Detail     string
	RequestKey *string
}

const stepColumns = `SELECT s.case_id, c.number, s.seq, s.action, s.from_stage, s.to_stage, s.at, s.account_id, s.role, s.department,
	s.note, s.detail, s.request_key FROM steps s JOIN cases c ON c.id = s.case_id `

func (s caseStore) Steps(ctx context.Context, number string) ([]casework.Step, error) {
	return steps(s.read.WithContext(ctx).Raw(stepColumns+"WHERE c.number = ? ORDER BY s.seq", number))
}

const selectStepByKey = stepColumns + "WHERE s.request_key = $1"

func (s caseStore) StepByKey(ctx context.Context, key string) (casework.Step, bool, error) {
	var r stepRow
	err := s.hot.QueryRowContext(ctx, selectStepByKey, key).Scan(&r.CaseID, &r.Number, &r.Seq, &r.Action, &r.FromStage, &r.ToStage, &r.At,
		&r.AccountID, &r.Role, &r.Department, &r.Note, &r.Detail, &r.RequestKey)
	if errors.Is(err, sql.ErrNoRows) {
		return casework.Step{}, false, nil
	}
	if err != nil {
		return casework.Step{}, false, fmt.Errorf("step of a key: %w", err)
	}
	st, err := r.domain()
	return st, err == nil, err
}

func steps(q *gorm.DB) ([]casework.Step, error) {
	var rows []stepRow
	if err := q.Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("steps: %w", err)
	}
	out := make([]casework.Step, len(rows))
	for i, r := range rows {
		st, err := r.domain()
		if err != nil {
			return nil, err
		}
		out[i] = st
	}
	return out, nil
}

func (r stepRow) domain() (casework.Step, error) {
	st := casework.Step{
		Case: r.CaseID, Number: r.Number, Seq: r.Seq, Action: casework.Action(r.Action),
		From: casework.Stage(r.FromStage), To: casework.Stage(r.ToStage), At: r.At.Time,
		By: casework.Actor{Account: r.AccountID, Role: r.Role, Department: r.Department}, Note: r.Note,
	}
	if r.RequestKey != nil {
		st.RequestKey = *r.RequestKey
	}
	if err := json.Unmarshal([]byte(r.Detail), &st.Detail); err != nil {
		return casework.Step{}, fmt.Errorf("step %d of case %s: %w", r.Seq, r.Number, err)
	}
	return st, nil
}

func toCaseRow(c *casework.Case) caseRow {
	var department *string
	if c.Department != "" {
		department = &c.Department
	}
	return caseRow{
		ID: c.ID, Number: c.Number, Stage: string(c.Stage), Version: c.Version, Channel: string(c.Channel),
		Condition: c.Condition, KindVersion: c.KindVersion, KindCode: c.Kind, Description: c.Description, Address: c.Address,
		Lon: c.Place.Lon, Lat: c.Place.Lat, Grid: c.Grid.String(), Reporter: c.Reporter, Department: department, Reworks: c.Reworks,
		ReportedBy: c.ReportedBy, HandledBy: c.HandledBy, VerifiedBy: c.VerifiedBy,
		ReportedAt: gormx.At(c.ReportedAt), FiledAt: gormx.At(c.FiledAt), DispatchedAt: gormx.At(c.DispatchedAt),
		DueAt: gormx.At(c.Due), CloseDueAt: gormx.At(c.CloseDue), HandledAt: gormx.At(c.HandledAt), ClosedAt: gormx.At(c.ClosedAt),
	}
}

func (r caseRow) domain() (*casework.Case, error) {
	code, err := grid.ParseCode(r.Grid)
	if err != nil {
		return nil, fmt.Errorf("case %s: %w", r.Number, err)
	}
	department := ""
	if r.Department != nil {
		department = *r.Department
	}
	return &casework.Case{
		ID: r.ID, Number: r.Number, Stage: casework.Stage(r.Stage), Version: r.Version, Channel: casework.Channel(r.Channel),
		Condition: r.Condition, KindVersion: r.KindVersion, Kind: r.KindCode, Description: r.Description, Address: r.Address,
		Place: grid.Point{Lon: r.Lon, Lat: r.Lat}, Grid: code, Reporter: r.Reporter, Department: department, Reworks: r.Reworks,
		ReportedBy: r.ReportedBy, HandledBy: r.HandledBy, VerifiedBy: r.VerifiedBy,
		ReportedAt: r.ReportedAt.Time, FiledAt: r.FiledAt.Time, DispatchedAt: r.DispatchedAt.Time,
		Due: r.DueAt.Time, CloseDue: r.CloseDueAt.Time, HandledAt: r.HandledAt.Time, ClosedAt: r.ClosedAt.Time,
	}, nil
}
