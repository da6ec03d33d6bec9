package tenantdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/tenant/calendar"
	"wangge/tenant/casework"
	"wangge/tenant/catalog"
	"wangge/tenant/grid"
)

// caseStore keeps cases and steps.
type caseStore struct {
	engine      gormx.Engine
	write, read *gorm.DB
	writer, hot *kept
}

// caseRow is a case. What no query asks for is in State.
type caseRow struct {
	ID           int64
	Number       string
	Stage        string
	Version      int64
	Channel      string
	Condition    string
	KindVersion  string
	KindSort     string
	KindCode     string
	Part         string
	Description  string
	Address      string
	Lon, Lat     float64
	Grid         string
	GridSet      int64
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
	StageDue     gormx.Instant
	NextAlarm    gormx.Instant
	Checker      int64
	Parent       string
	MergedInto   string
	State        string
}

// caseState is the part of a case that only the workflow reads.
type caseState struct {
	Confirmation casework.Confirmation `json:"confirmation,omitempty"`
	Command      string                `json:"command,omitempty"`
	Assistants   []casework.Assistant  `json:"assistants,omitempty"`
	Asked        casework.Asked        `json:"asked,omitzero"`
	Arbitrated   bool                  `json:"arbitrated,omitempty"`
	Elsewhere    string                `json:"elsewhere,omitempty"`
	Children     int                   `json:"children,omitempty"`
	Returns      int                   `json:"returns,omitempty"`
	Extensions   int                   `json:"extensions,omitempty"`
	Suspensions  int                   `json:"suspensions,omitempty"`
	Vetoes       int                   `json:"vetoes,omitempty"`
	ClosedBy     int64                 `json:"closed_by,omitempty"`
	Filing       clockState            `json:"filing,omitzero"`
	Handling     clockState            `json:"handling,omitzero"` // its due time is a column
	Entered      int64                 `json:"entered"`           // µs
	Level        int                   `json:"level,omitempty"`
}

type clockState struct {
	Unit   calendar.Unit `json:"unit,omitempty"`
	Due    int64         `json:"due,omitempty"`  // µs
	Left   int64         `json:"left,omitempty"` // µs
	Paused bool          `json:"paused,omitempty"`
}

func toClock(c casework.Clock) clockState {
	s := clockState{Unit: c.Unit, Left: c.Left.Microseconds(), Paused: c.Paused}
	if !c.Due.IsZero() {
		s.Due = c.Due.UnixMicro()
	}
	return s
}

func (s clockState) domain() casework.Clock {
	c := casework.Clock{Unit: s.Unit, Left: time.Duration(s.Left) * time.Microsecond, Paused: s.Paused}
	if s.Due != 0 {
		c.Due = time.UnixMicro(s.Due).UTC()
	}
	return c
}

// fields are the columns in the order of the statements below, without the ID.
func (r *caseRow) fields() []any {
	return []any{
		&r.Number, &r.Stage, &r.Version, &r.Channel, &r.Condition, &r.KindVersion, &r.KindSort, &r.KindCode, &r.Part, &r.Description, &r.Address,
		&r.Lon, &r.Lat, &r.Grid, &r.GridSet, &r.Reporter, &r.Department, &r.Reworks, &r.ReportedBy, &r.HandledBy, &r.VerifiedBy,
		&r.ReportedAt, &r.FiledAt, &r.DispatchedAt, &r.DueAt, &r.CloseDueAt, &r.HandledAt, &r.ClosedAt,
		&r.StageDue, &r.NextAlarm, &r.Checker, &r.Parent, &r.MergedInto, &r.State,
	}
}

const caseColumns = `number, stage, version, channel, condition, kind_version, kind_sort, kind_code, part, description, address,
	lon, lat, grid, grid_set, reporter, department, reworks, reported_by, handled_by, verified_by,
	reported_at, filed_at, dispatched_at, due_at, close_due_at, handled_at, closed_at,
	stage_due, next_alarm, checker, parent, merged_into, state`

const selectCase = "SELECT id, " + caseColumns + " FROM cases WHERE number = $1"

func (s caseStore) Case(ctx context.Context, number string) (*casework.Case, error) {
	return oneCase(ctx, s.hot, number)
}

// Current reads through the writing connection: on SQLite only that one keeps
// what it knows of the file in memory while others write.
func (s caseStore) Current(ctx context.Context, number string) (*casework.Case, error) {
	return oneCase(ctx, s.writer, number)
}

func oneCase(ctx context.Context, c conn, number string) (*casework.Case, error) {
	row := new(caseRow)
	err := c.QueryRowContext(ctx, selectCase, number).Scan(append([]any{&row.ID}, row.fields()...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, casework.ErrNoCase
	}
	if err != nil {
		return nil, fmt.Errorf("case %s: %w", number, err)
	}
	return row.domain()
}

func toCaseRow(c *casework.Case) caseRow {
	var department *string
	if c.Department != "" {
		department = &c.Department
	}
	state, _ := json.Marshal(caseState{ // strings, numbers and times always encode
		Confirmation: c.Confirmation, Command: c.Command, Assistants: c.Assistants, Asked: c.Asked, Arbitrated: c.Arbitrated,
		Elsewhere: c.Elsewhere, Children: c.Children, Returns: c.Returns, Extensions: c.Extensions, Suspensions: c.Suspensions, Vetoes: c.Vetoes,
		ClosedBy: c.ClosedBy, Filing: toClock(c.Filing), Handling: toClock(c.Handling), Entered: c.EnteredAt.UnixMicro(), Level: c.Level,
	})
	return caseRow{
		ID: c.ID, Number: c.Number, Stage: string(c.Stage), Version: c.Version, Channel: string(c.Channel),
		Condition: c.Condition, KindVersion: c.KindVersion, KindSort: string(c.Sort), KindCode: c.Kind, Part: c.Part, Description: c.Description, Address: c.Address,
		Lon: c.Place.Lon, Lat: c.Place.Lat, Grid: c.Grid.String(), GridSet: c.GridSet, Reporter: c.Reporter, Department: department, Reworks: c.Reworks,
		ReportedBy: c.ReportedBy, HandledBy: c.HandledBy, VerifiedBy: c.VerifiedBy,
		ReportedAt: gormx.At(c.ReportedAt), FiledAt: gormx.At(c.FiledAt), DispatchedAt: gormx.At(c.DispatchedAt),
		DueAt: gormx.At(c.Handling.Due), CloseDueAt: gormx.At(c.CloseDue), HandledAt: gormx.At(c.HandledAt), ClosedAt: gormx.At(c.ClosedAt),
		StageDue: gormx.At(c.StageDue), NextAlarm: gormx.At(c.NextAlarm), Checker: c.Checker, Parent: c.Parent, MergedInto: c.Into,
		State: string(state),
	}
}

func (r *caseRow) domain() (*casework.Case, error) {
	code, err := grid.ParseCode(r.Grid)
	if err != nil {
		return nil, fmt.Errorf("case %s: %w", r.Number, err)
	}
	var s caseState
	if err := json.Unmarshal([]byte(r.State), &s); err != nil {
		return nil, fmt.Errorf("state of case %s: %w", r.Number, err)
	}
	department := ""
	if r.Department != nil {
		department = *r.Department
	}
	return &casework.Case{
		ID: r.ID, Number: r.Number, Stage: casework.Stage(r.Stage), Version: r.Version, Channel: casework.Channel(r.Channel),
		Condition: r.Condition, KindVersion: r.KindVersion, Sort: catalog.Sort(r.KindSort), Kind: r.KindCode, Part: r.Part, Description: r.Description, Address: r.Address,
		Place: grid.Point{Lon: r.Lon, Lat: r.Lat}, Grid: code, GridSet: r.GridSet, Reporter: r.Reporter,
		Confirmation: s.Confirmation, Command: s.Command, Department: department, Assistants: s.Assistants, Checker: r.Checker,
		Asked: s.Asked, Arbitrated: s.Arbitrated, Parent: r.Parent, Children: s.Children, Into: r.MergedInto, Elsewhere: s.Elsewhere,
		Reworks: r.Reworks, Returns: s.Returns, Extensions: s.Extensions, Suspensions: s.Suspensions, Vetoes: s.Vetoes,
		ReportedBy: r.ReportedBy, HandledBy: r.HandledBy, VerifiedBy: r.VerifiedBy, ClosedBy: s.ClosedBy,
		ReportedAt: r.ReportedAt.Time, FiledAt: r.FiledAt.Time, DispatchedAt: r.DispatchedAt.Time,
		HandledAt: r.HandledAt.Time, ClosedAt: r.ClosedAt.Time,
		Filing: s.Filing.domain(), Handling: s.Handling.domain(), CloseDue: r.CloseDueAt.Time,
		EnteredAt: time.UnixMicro(s.Entered).UTC(), StageDue: r.StageDue.Time, Level: s.Level, NextAlarm: r.NextAlarm.Time,
	}, nil
}
