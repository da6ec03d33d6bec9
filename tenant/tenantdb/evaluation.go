package tenantdb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/internal/journal"
	"wangge/tenant/casework"
	"wangge/tenant/evaluation"
)

// evaluationStore keeps figures beside the journal they are read from.
type evaluationStore struct{ write, read *gorm.DB }

const evaluationReader = "evaluation"

// InTx is durable: the province will hold the revisions made in it.
func (s evaluationStore) InTx(ctx context.Context, fn func(evaluation.Store) error) error {
	return gormx.Durably(ctx, s.write, func(tx *gorm.DB) error { return fn(evaluationStore{tx, tx}) })
}

// Next locks the cursor: on SQLite the transaction is the only writer already.
func (s evaluationStore) Next(ctx context.Context, limit int) (evaluation.Batch, error) {
	query := "SELECT xid, step_id FROM readers WHERE name = ?"
	if s.write.Name() == string(gormx.Postgres) {
		query += " FOR UPDATE"
	}
	var at journal.Cursor
	if err := s.write.WithContext(ctx).Raw(query, evaluationReader).Row().Scan(&at.XID, &at.ID); err != nil {
		return evaluation.Batch{}, fmt.Errorf("reader's cursor: %w", err)
	}
	rows, err := journal.Next(ctx, s.write, "steps", "case_id", at, limit)
	if err != nil || len(rows) == 0 {
		return evaluation.Batch{}, err
	}
	seen := map[int64]bool{}
	var out evaluation.Batch
	for _, r := range rows {
		if !seen[r.Subject] {
			seen[r.Subject] = true
			out.Cases = append(out.Cases, r.Subject)
		}
		out.Cursor = evaluation.Cursor{XID: r.Cursor.XID, Step: r.Cursor.ID}
	}
	return out, nil
}

func (s evaluationStore) StepsOf(ctx context.Context, cases []int64) (map[int64][]casework.Step, error) {
	out := make(map[int64][]casework.Step, len(cases))
	for part := range slices.Chunk(cases, chunk) {
		found, err := steps(s.read.WithContext(ctx).Raw(stepColumns+"WHERE s.case_id IN ? ORDER BY s.case_id, s.seq", part))
		if err != nil {
			return nil, err
		}
		for _, st := range found {
			out[st.Case] = append(out[st.Case], st)
		}
	}
	return out, nil
}

type countRow struct {
	CaseID     int64
	Count      string
	Day        string
	Quantity   int64
	District   string
	Department string
}

func (countRow) TableName() string { return "case_counts" }

func (s evaluationStore) Replace(ctx context.Context, contributions map[int64][]evaluation.Contribution) ([]string, error) {
	touched := map[string]bool{}
	ids := make([]int64, 0, len(contributions))
	var fresh []countRow
	for id, own := range contributions {
		ids = append(ids, id)
		for _, c := range own {
			touched[c.Day] = true
			fresh = append(fresh, countRow{id, string(c.Count), c.Day, c.Quantity, c.District, c.Department})
		}
	}
	tx := s.write.WithContext(ctx)
	for part := range slices.Chunk(ids, chunk) {
		var old []string
		if err := tx.Raw("SELECT DISTINCT day FROM case_counts WHERE case_id IN ?", part).Scan(&old).Error; err != nil {
			return nil, fmt.Errorf("days of cases: %w", err)
		}
		for _, d := range old {
			touched[d] = true
		}
		if err := tx.Exec("DELETE FROM case_counts WHERE case_id IN ?", part).Error; err != nil {
			return nil, fmt.Errorf("old counts: %w", err)
		}
	}
	if len(fresh) > 0 {
		if err := tx.CreateInBatches(fresh, chunk).Error; err != nil {
			return nil, fmt.Errorf("counts of cases: %w", err)
		}
	}
	days := make([]string, 0, len(touched))
	for d := range touched {
		days = append(days, d)
	}
	return days, nil
}

func (s evaluationStore) Sums(ctx context.Context, days []string) ([]evaluation.Sum, error) {
	var out []evaluation.Sum
	for part := range slices.Chunk(days, chunk) {
		var rows []evaluation.Sum
		err := s.read.WithContext(ctx).Raw(`SELECT day, district, department, count, CAST(SUM(quantity) AS BIGINT) AS quantity
			FROM case_counts WHERE day IN ? GROUP BY day, district, department, count`, part).Scan(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("sums of days: %w", err)
		}
		out = append(out, rows...)
	}
	return out, nil
}

type dayRow struct {
	Day       string
	Dimension string
	Member    string
	Counts    string
	Revision  int64
}

func (dayRow) TableName() string { return "indicator_days" }

func (s evaluationStore) Days(ctx context.Context, days []string) ([]evaluation.Day, error) {
	var out []evaluation.Day
	for part := range slices.Chunk(days, chunk) {
		found, err := dayRows(s.read.WithContext(ctx).Where("day IN ?", part))
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

func (s evaluationStore) SaveDays(ctx context.Context, days []evaluation.Day) error {
	if len(days) == 0 {
		return nil
	}
	tx := s.write.WithContext(ctx)
	var last int64
	err := tx.Raw("UPDATE readers SET revision = revision + ? WHERE name = ? RETURNING revision", len(days), evaluationReader).Scan(&last).Error
	if err != nil {
		return fmt.Errorf("next revision: %w", err)
	}
	rows := make([]dayRow, len(days))
	for i, d := range days {
		counts, err := json.Marshal(d.Counts)
		if err != nil {
			return err
		}
		rows[i] = dayRow{d.Day, string(d.Dimension), d.Member, string(counts), last - int64(len(days)-1-i)}
	}
	for part := range slices.Chunk(rows, chunk) {
		err := tx.Clauses(replaceOn("day", "dimension", "member")).Create(part).Error
		if err != nil {
			return fmt.Errorf("save days: %w", err)
		}
	}
	return nil
}

func (s evaluationStore) Advance(ctx context.Context, c evaluation.Cursor) error {
	return s.write.WithContext(ctx).Exec("UPDATE readers SET xid = ?, step_id = ? WHERE name = ?", c.XID, c.Step, evaluationReader).Error
}

func (s evaluationStore) Reset(ctx context.Context) (days []string, err error) {
	if err := s.write.WithContext(ctx).Raw("SELECT DISTINCT day FROM indicator_days").Scan(&days).Error; err != nil {
		return nil, fmt.Errorf("reset figures: %w", err)
	}
	for _, statement := range []string{
		"DELETE FROM case_counts",
		"UPDATE readers SET xid = 0, step_id = 0 WHERE name = '" + evaluationReader + "'",
	} {
		if err := s.write.WithContext(ctx).Exec(statement).Error; err != nil {
			return nil, fmt.Errorf("reset figures: %w", err)
		}
	}
	return days, nil
}

func (s evaluationStore) Range(ctx context.Context, d evaluation.Dimension, from, to string) ([]evaluation.Day, error) {
	return dayRows(s.read.WithContext(ctx).Where("dimension = ? AND day BETWEEN ? AND ?", string(d), from, to).Order("day, member"))
}

func (s evaluationStore) DaysSince(ctx context.Context, revision int64, limit int) ([]evaluation.Day, error) {
	return dayRows(s.read.WithContext(ctx).Where("revision > ? AND dimension = ?", revision, string(evaluation.City)).Order("revision").Limit(limit))
}

func dayRows(q *gorm.DB) ([]evaluation.Day, error) {
	var rows []dayRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("indicator days: %w", err)
	}
	out := make([]evaluation.Day, len(rows))
	for i, r := range rows {
		d := evaluation.Day{Day: r.Day, Dimension: evaluation.Dimension(r.Dimension), Member: r.Member, Revision: r.Revision}
		if err := json.Unmarshal([]byte(r.Counts), &d.Counts); err != nil {
			return nil, fmt.Errorf("counts of %s: %w", r.Day, err)
		}
		out[i] = d
	}
	return out, nil
}

func (s evaluationStore) CasesBehind(ctx context.Context, q evaluation.Behind) ([]string, error) {
	query := s.read.WithContext(ctx).Table("case_counts k").Joins("JOIN cases c ON c.id = k.case_id").
		Where("k.count = ? AND k.day BETWEEN ? AND ? AND c.number > ?", string(q.Count), q.From, q.To, q.After).
		Order("c.number").Limit(q.Limit)
	switch q.Dimension {
	case evaluation.District:
		query = query.Where("k.district = ?", q.Member)
	case evaluation.Department:
		query = query.Where("k.department = ?", q.Member)
	}
	var numbers []string
	if err := query.Pluck("c.number", &numbers).Error; err != nil {
		return nil, fmt.Errorf("cases behind %s: %w", q.Count, err)
	}
	return numbers, nil
}
