package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"sync/atomic"
	"time"

	"wangge/internal/gormx"
	"wangge/tenant/casework"
)

// rawCases writes the rows that casework does, by prepared statements and
// nothing else: one transaction for each command, no rule, no reading before.
type rawCases struct {
	db         *sql.DB
	serial     atomic.Int64
	statements map[string]*sql.Stmt
}

const (
	addCase = `INSERT INTO cases (number, stage, version, channel, condition, kind_version, kind_sort, kind_code, description, address, lon, lat, grid, reworks, reported_by, handled_by, verified_by, reported_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) RETURNING id`
	saveCase = `UPDATE cases SET stage = $1, version = $2, department = $3, reworks = $4, handled_by = $5, verified_by = $6,
		filed_at = $7, dispatched_at = $8, due_at = $9, close_due_at = $10, handled_at = $11, closed_at = $12 WHERE id = $13 AND version = $14`
	addStep = `INSERT INTO steps (case_id, seq, action, from_stage, to_stage, at, account_id, role, department, note, detail, request_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	addUsage  = `INSERT INTO usage_entries (metric, quantity, at, ref) VALUES ($1, $2, $3, $4)`
	listCases = `SELECT id, number, stage, version, channel, condition, kind_version, kind_code, description, address, lon, lat, grid, reporter, department,
		reworks, reported_by, handled_by, verified_by, reported_at, filed_at, dispatched_at, due_at, close_due_at, handled_at, closed_at
		FROM cases WHERE id > 0 AND stage = $1 ORDER BY id LIMIT 20`
)

var parameter = regexp.MustCompile(`\$\d+`)

func newRawCases(ctx context.Context, city *gormx.DB) (*rawCases, error) {
	db, err := city.SQL()
	if err != nil {
		return nil, err
	}
	r := &rawCases{db: db, statements: map[string]*sql.Stmt{}}
	for _, text := range []string{addCase, saveCase, addStep, addUsage, listCases} {
		plain := text
		if city.Engine == gormx.SQLite {
			plain = parameter.ReplaceAllString(text, "?")
		}
		if r.statements[text], err = db.PrepareContext(ctx, plain); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// rawTx is a transaction of prepared statements, which end with it.
type rawTx struct {
	*rawCases
	tx *sql.Tx
}

func (t rawTx) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	return t.tx.StmtContext(ctx, t.statements[text]).ExecContext(ctx, args...)
}

func (t rawTx) row(ctx context.Context, text string, args ...any) *sql.Row {
	return t.tx.StmtContext(ctx, t.statements[text]).QueryRowContext(ctx, args...)
}

// in runs one transaction.
func (r *rawCases) in(ctx context.Context, fn func(t rawTx) error) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing is left to roll back after a commit
	if err := fn(rawTx{r, tx}); err != nil {
		return err
	}
	return tx.Commit()
}

// rawCase is what a worker keeps of a case it wrote.
type rawCase struct {
	id, version int64
	number      string
	stage       casework.Stage
	at          [5]any // filed, dispatched, due, handled, closed
	department  any
}

// report writes a case and its first step.
func (r *rawCases) report(ctx context.Context, s *scene, c *client) (*rawCase, error) {
	g := s.grids[c.random.IntN(len(s.grids))]
	place, condition := g.Inside(), s.conditions[c.random.IntN(len(s.conditions))]
	now := time.Now().UnixMicro()
	n := r.serial.Add(1)
	f := &rawCase{version: 1, number: fmt.Sprintf("20261123-%06d", n), stage: casework.StageReported}
	return f, r.in(ctx, func(t rawTx) error {
		err := t.row(ctx, addCase, f.number, string(f.stage), 1, "supervisor", condition.Code, condition.Kind.Version, string(condition.Kind.Sort), condition.Kind.Code,
			describe(condition), "示例路口东南角", place.Lon, place.Lat, g.Code.String(), 0, 2, 0, 0, now).Scan(&f.id)
		if err != nil {
			return err
		}
		detail := fmt.Sprintf(`{"channel":"supervisor","kind_version":%q,"kind":%q,"grid":%q,"file_due":"2026-11-23T03:00:00.000000Z"}`,
			condition.Kind.Version, condition.Kind.Code, g.Code)
		return t.step(ctx, f, casework.ActionReport, "", now, "supervisor", detail)
	})
}

func (t rawTx) step(ctx context.Context, f *rawCase, a casework.Action, from casework.Stage, now int64, role, detail string) error {
	key := fmt.Sprintf("bench-%s-%d", f.number, f.version)
	_, err := t.exec(ctx, addStep, f.id, f.version, string(a), string(from), string(f.stage), now, 2, role, "JDZX", "", detail, key)
	return err
}

// move writes a case's new stage and the step, and at filing the usage.
func (r *rawCases) move(ctx context.Context, f *rawCase, a casework.Action, to casework.Stage, role string) error {
	now := time.Now().UnixMicro()
	from, detail := f.stage, "{}"
	f.stage, f.version = to, f.version+1
	switch a {
	case casework.ActionFile:
		f.at[0] = now
	case casework.ActionDispatch:
		f.department, f.at[1], f.at[2] = units[0], now, now+1
		detail = `{"department":"SZ","due":"2026-11-23T03:00:00.000000Z","close_due":"2026-11-24T03:00:00.000000Z"}`
	case casework.ActionHandle:
		f.at[3] = now
	case casework.ActionClose:
		f.at[4] = now
	}
	return r.in(ctx, func(t rawTx) error {
		res, err := t.exec(ctx, saveCase, string(f.stage), f.version, f.department, 0, 0, 0,
			f.at[0], f.at[1], f.at[2], f.at[2], f.at[3], f.at[4], f.id, f.version-1)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(errCount, err)
		}
		if a == casework.ActionFile {
			if _, err := t.exec(ctx, addUsage, "case_filed", 1, now, f.number); err != nil {
				return err
			}
		}
		return t.step(ctx, f, a, from, now, role, detail)
	})
}

// list reads a page of what stands at a stage.
func (r *rawCases) list(ctx context.Context, stage casework.Stage) error {
	rows, err := r.statements[listCases].QueryContext(ctx, string(stage))
	if err != nil {
		return err
	}
	defer rows.Close()
	var row [26]any
	into := make([]any, len(row))
	for i := range row {
		into[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
	}
	return rows.Err()
}
