package tenantdb

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/tenant/casework"
)

// What every command writes. Where a case is and what it is stays as reported.
// On PostgreSQL a command is one statement, which commits by itself: each part
// of it only takes effect when the ones before did.
const (
	updateColumns = `UPDATE cases SET stage = $1, version = $2, department = $3, reworks = $4, handled_by = $5, verified_by = $6,
		filed_at = $7, dispatched_at = $8, due_at = $9, close_due_at = $10, handled_at = $11, closed_at = $12,
		stage_due = $13, next_alarm = $14, checker = $15, parent = $16, merged_into = $17, state = $18
		WHERE id = $19 AND version = $20`
	stepColumnList = "(case_id, seq, action, from_stage, to_stage, at, account_id, role, department, note, detail, request_key)"

	insertStep = "INSERT INTO steps " + stepColumnList + " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
	insertCase = "INSERT INTO cases (" + caseColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
		$17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34) RETURNING id`
	nextNumber = `INSERT INTO case_numbers (day, last) VALUES ($1, 1)
		ON CONFLICT (day) DO UPDATE SET last = case_numbers.last + 1 RETURNING last`
	insertTerms = "INSERT INTO case_terms (rowid, terms) VALUES ($1, $2)"
	unindexed   = "SELECT id, description, address FROM cases WHERE id > (SELECT case_id FROM case_terms_upto) AND id <= $1 ORDER BY id"
	indexedUpto = "UPDATE case_terms_upto SET case_id = $1 WHERE id = 1"

	changeOnce = "WITH c AS (" + updateColumns + ` RETURNING id)
		INSERT INTO steps ` + stepColumnList + ` SELECT c.id, $21::bigint, $22, $23, $24, $25::bigint, $26::bigint, $27, $28, $29, $30, $31 FROM c`
	changeAndBill = "WITH c AS (" + updateColumns + ` RETURNING id),
		u AS (INSERT INTO usage_entries (metric, quantity, at, ref) SELECT $32, $33::bigint, $34::bigint, $35 FROM c)
		INSERT INTO steps ` + stepColumnList + ` SELECT c.id, $21::bigint, $22, $23, $24, $25::bigint, $26::bigint, $27, $28, $29, $30, $31 FROM c`
	// Whoever waits for the next number must not wait for the disk of the one
	// before: the commit gives the number's row free at once, and flush waits for
	// the disk afterwards, with everybody else's commits.
	commitSoon = "SELECT set_config('synchronous_commit', 'off', true)"
	flush      = "SELECT pg_current_xact_id()"

	openOnce = `WITH soon AS (` + commitSoon + `), n AS (` + nextNumber + `),
		c AS (INSERT INTO cases (` + caseColumns + `)
			SELECT $2 || '-' || CASE WHEN n.last < 1000000 THEN lpad(n.last::text, 6, '0') ELSE n.last::text END,
				$3, $4::bigint, $5, $6, $7, $8, $9, $10, $11, $12, $13::float8, $14::float8, $15, $16::bigint, $17::bytea, $18, $19::int, $20::bigint, $21::bigint,
				$22::bigint, $23::bigint, $24::bigint, $25::bigint, $26::bigint, $27::bigint, $28::bigint, $29::bigint, $30::bigint, $31::bigint,
				$32::bigint, $33, $34, $35 FROM n CROSS JOIN soon RETURNING id, number),
		t AS (INSERT INTO case_terms (case_id, terms) SELECT c.id, $36::text::tsvector FROM c),
		s AS (INSERT INTO steps ` + stepColumnList + `
			SELECT c.id, $37::bigint, $38, $39, $40, $41::bigint, $42::bigint, $43, $44, $45, $46, $47 FROM c)
		SELECT id, number FROM c`
)

// changes are the statements of a transaction, compiled before it.
var changes = []string{updateColumns, insertCase, insertStep, insertUsage, nextNumber, insertTerms, unindexed, indexedUpto}

func (s caseStore) Open(ctx context.Context, day string, c *casework.Case, step *casework.Step, seal func(string) ([]byte, error)) error {
	if s.engine == gormx.SQLite {
		return s.openInTx(ctx, day, c, step, seal)
	}
	open := s.openInTx
	if seal == nil {
		open = s.openOnce
	}
	if err := open(ctx, day, c, step, seal); err != nil {
		return err
	}
	if _, err := s.writer.ExecContext(ctx, flush); err != nil {
		return fmt.Errorf("flush case %s: %w", c.Number, err)
	}
	return nil
}

func (s caseStore) openInTx(ctx context.Context, day string, c *casework.Case, step *casework.Step, seal func(string) ([]byte, error)) error {
	return s.writer.inTx(ctx, changes, func(_ *gorm.DB, tx conn) error {
		if s.engine == gormx.Postgres {
			if _, err := tx.ExecContext(ctx, commitSoon); err != nil {
				return err
			}
		}
		var last int64
		if err := tx.QueryRowContext(ctx, nextNumber, day).Scan(&last); err != nil {
			return fmt.Errorf("case number of %s: %w", day, err)
		}
		fresh := *c
		fresh.Number = fmt.Sprintf("%s-%06d", compact(day), last)
		if seal != nil {
			var err error
			if fresh.Reporter, err = seal(fresh.Number); err != nil {
				return err
			}
		}
		row := toCaseRow(&fresh)
		if err := tx.QueryRowContext(ctx, insertCase, row.fields()...).Scan(&fresh.ID); err != nil {
			return fmt.Errorf("add case %s: %w", fresh.Number, err)
		}
		step.Case, step.Number = fresh.ID, fresh.Number
		if err := s.addTerms(ctx, tx, &fresh); err != nil {
			return err
		}
		if err := addStep(ctx, tx, *step); err != nil {
			return err
		}
		*c = fresh
		return nil
	})
}

// compact writes a day as a case number does.
func compact(day string) string { return day[0:4] + day[5:7] + day[8:10] }

func (s caseStore) openOnce(ctx context.Context, day string, c *casework.Case, step *casework.Step, _ func(string) ([]byte, error)) error {
	row := toCaseRow(c)
	args := append([]any{day, compact(day)}, row.fields()[1:]...)
	args = append(args, vector(compact(day)[:6], Terms(c.Description+"\n"+c.Address)))
	args = append(args, stepFields(*step)[1:]...)
	err := s.writer.QueryRowContext(ctx, openOnce, args...).Scan(&c.ID, &c.Number)
	if err != nil {
		return keyTaken(fmt.Errorf("add case: %w", err))
	}
	step.Case, step.Number = c.ID, c.Number
	return nil
}

// indexEvery is how many cases wait until they are indexed together on SQLite,
// whose index of words is much cheaper to add to in bulk. A search looks
// through those that wait.
const indexEvery = 64

func (s caseStore) addTerms(ctx context.Context, tx conn, c *casework.Case) error {
	if s.engine == gormx.Postgres {
		_, err := tx.ExecContext(ctx, "INSERT INTO case_terms (case_id, terms) VALUES ($1, $2::text::tsvector)", c.ID, vector(c.Number[:6], Terms(c.Description+"\n"+c.Address)))
		if err != nil {
			return fmt.Errorf("words of case %s: %w", c.Number, err)
		}
		return nil
	}
	if c.ID%indexEvery != 0 {
		return nil
	}
	if err := indexTerms(ctx, tx, c.ID); err != nil {
		return fmt.Errorf("words of the cases up to %s: %w", c.Number, err)
	}
	return nil
}

// indexTerms adds the words of the cases that wait, up to one.
func indexTerms(ctx context.Context, tx conn, upto int64) error {
	rows, err := tx.QueryContext(ctx, unindexed, upto)
	if err != nil {
		return err
	}
	defer rows.Close()
	words := map[int64]string{}
	for rows.Next() {
		var id int64
		var description, address string
		if err := rows.Scan(&id, &description, &address); err != nil {
			return err
		}
		words[id] = strings.Join(Terms(description+"\n"+address), " ")
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(words)) {
		if _, err := tx.ExecContext(ctx, insertTerms, id, words[id]); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, indexedUpto, upto)
	return err
}

// Tidy merges the parts of SQLite's index of words into one, some pages at a
// time: the first step asks for all of them, the next go on with it, and one
// that changes nothing but its own row says that it is done.
// See https://www.sqlite.org/fts5.html#the_merge_command.
func (s caseStore) Tidy(ctx context.Context) error {
	if s.engine == gormx.Postgres { // its index has no parts to merge
		return nil
	}
	const pages = 256
	for step := -pages; ; step = pages {
		changed, err := s.merge(ctx, step)
		if err != nil {
			return fmt.Errorf("merge the index of words: %w", err)
		}
		if changed < 2 {
			return nil
		}
	}
}

// merge does one step of merging and says how many rows it changed.
func (s caseStore) merge(ctx context.Context, pages int) (changed int64, err error) {
	err = s.writer.inTx(ctx, nil, func(_ *gorm.DB, tx conn) error {
		var before, after int64
		if err := tx.QueryRowContext(ctx, "SELECT total_changes()").Scan(&before); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO case_terms (case_terms, rank) VALUES ('merge', $1)", pages); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, "SELECT total_changes()").Scan(&after); err != nil {
			return err
		}
		changed = after - before
		return nil
	})
	return changed, err
}

func (s caseStore) Save(ctx context.Context, list ...casework.Change) error {
	if s.engine == gormx.Postgres && len(list) == 1 && !assistants(list[0]) {
		return s.saveOnce(ctx, list[0])
	}
	return s.writer.inTx(ctx, changes, func(_ *gorm.DB, tx conn) error {
		for _, ch := range list {
			if err := save(ctx, tx, ch); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s caseStore) saveOnce(ctx context.Context, ch casework.Change) error {
	args, query := append(updateFields(ch.Case), stepFields(ch.Step)[1:]...), changeOnce
	if u := ch.Use; u != nil {
		args, query = append(args, u.Metric, u.Quantity, gormx.At(u.At), u.Ref), changeAndBill
	}
	res, err := s.writer.ExecContext(ctx, query, args...)
	return one(res, keyTaken(err), casework.ErrStale, "save case", ch.Case.Number)
}

func save(ctx context.Context, tx conn, ch casework.Change) error {
	res, err := tx.ExecContext(ctx, updateColumns, updateFields(ch.Case)...)
	if err := one(res, err, casework.ErrStale, "save case", ch.Case.Number); err != nil {
		return err
	}
	if assistants(ch) {
		if err := saveAssistants(ctx, tx, ch.Case); err != nil {
			return err
		}
	}
	if u := ch.Use; u != nil {
		if _, err := tx.ExecContext(ctx, insertUsage, u.Metric, u.Quantity, gormx.At(u.At), u.Ref); err != nil {
			return fmt.Errorf("usage %s: %w", u.Metric, err)
		}
	}
	return addStep(ctx, tx, ch.Step)
}

// assistants says whether a change names or lets go departments that help.
func assistants(ch casework.Change) bool {
	switch ch.Step.Action {
	case casework.ActionDispatch, casework.ActionArbitrate:
		return len(ch.Case.Assistants) > 0 || ch.Case.Returns > 0 || ch.Case.Vetoes > 0
	default:
		return false
	}
}

func saveAssistants(ctx context.Context, tx conn, c *casework.Case) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM case_assistants WHERE case_id = $1", c.ID); err != nil {
		return fmt.Errorf("assistants of case %s: %w", c.Number, err)
	}
	for _, a := range c.Assistants {
		if _, err := tx.ExecContext(ctx, "INSERT INTO case_assistants (case_id, department) VALUES ($1, $2)", c.ID, a.Department); err != nil {
			return fmt.Errorf("assistants of case %s: %w", c.Number, err)
		}
	}
	return nil
}

func updateFields(c *casework.Case) []any {
	r := toCaseRow(c)
	return []any{
		r.Stage, r.Version, r.Department, r.Reworks, r.HandledBy, r.VerifiedBy, r.FiledAt, r.DispatchedAt, r.DueAt, r.CloseDueAt, r.HandledAt, r.ClosedAt,
		r.StageDue, r.NextAlarm, r.Checker, r.Parent, r.MergedInto, r.State, r.ID, r.Version - 1,
	}
}

func addStep(ctx context.Context, tx conn, st casework.Step) error {
	_, err := tx.ExecContext(ctx, insertStep, stepFields(st)...)
	if err != nil {
		return keyTaken(fmt.Errorf("step of case %s: %w", st.Number, err))
	}
	return nil
}

func stepFields(st casework.Step) []any {
	var key *string
	if st.RequestKey != "" {
		key = &st.RequestKey
	}
	return []any{
		st.Case, st.Seq, string(st.Action), string(st.From), string(st.To), gormx.At(st.At), st.By.Account, st.By.Role, st.By.Department,
		st.Note, st.Detail.JSON(), key,
	}
}

// keyTaken turns the violation of the key's index into its refusal. A step's
// place in its case can be taken only by who changed the case, which the
// version has told before.
func keyTaken(err error) error {
	if gormx.IsUnique(err) && strings.Contains(err.Error(), "request_key") || err != nil && strings.Contains(err.Error(), "steps_key") {
		return casework.ErrKeyReused
	}
	return err
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
