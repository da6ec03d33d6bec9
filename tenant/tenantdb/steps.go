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
)

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
