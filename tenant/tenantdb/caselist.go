package tenantdb

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"wangge/internal/gormx"
	"wangge/tenant/casework"
	"wangge/tenant/catalog"
	"wangge/tenant/grid"
)

// selection puts a query over cases together. Values are numbered $1, $2 …,
// which both engines read.
type selection struct {
	engine gormx.Engine
	where  []string
	args   []any
}

// value takes a value and returns its place.
func (q *selection) value(v any) string {
	q.args = append(q.args, v)
	return fmt.Sprintf("$%d", len(q.args))
}

func (q *selection) and(format string, places ...any) {
	q.where = append(q.where, fmt.Sprintf(format, places...))
}

// in lists values for IN.
func in[T ~string](q *selection, list []T) string {
	places := make([]string, len(list))
	for i, v := range list {
		places[i] = q.value(string(v))
	}
	return "(" + strings.Join(places, ", ") + ")"
}

// open is the condition of the index over open cases, in its own words.
const open = "c.stage NOT IN ('closed', 'merged', 'declined', 'voided', 'transferred')"

// filter adds the conditions of f, but for its order and page.
func (q *selection) filter(f casework.Filter) {
	if len(f.Stages) > 0 {
		q.and("c.stage IN %s", in(q, f.Stages))
	}
	if len(f.Departments) > 0 {
		q.and("(c.department IN %s OR c.id IN (SELECT case_id FROM case_assistants WHERE department IN %s))", in(q, f.Departments), in(q, f.Departments))
	}
	if f.Checker != 0 {
		q.and("c.checker = %s", q.value(f.Checker))
	}
	if f.Area != "" {
		from := q.value(f.Area)
		q.and("c.grid >= %s AND c.grid < %s", from, q.value(f.Area+":")) // ':' follows '9'
	}
	for column, v := range map[string]string{"kind_code": f.Kind, "channel": string(f.Channel)} {
		if v != "" {
			q.and("c."+column+" = %s", q.value(v))
		}
	}
	if f.Parent != "" {
		q.and("c.parent <> '' AND c.parent = %s", q.value(f.Parent))
	}
	if f.Into != "" {
		q.and("c.merged_into <> '' AND c.merged_into = %s", q.value(f.Into))
	}
	if f.Overdue {
		q.and(open+" AND c.stage_due < %s", q.value(gormx.At(f.Before)))
	}
	if f.From != "" {
		q.and("c.number >= %s", q.value(compact(f.From)))
	}
	if f.To != "" {
		q.and("c.number < %s", q.value(compact(f.To)+"."))
	}
}

// text adds a search for words, and says where to look them up. On SQLite
// waiting are the cases that are not indexed yet, which are looked through; on
// PostgreSQL months are those to look in.
func (q *selection) text(words asked, waiting bool, months []string) (from string) {
	from = "cases c"
	position := "instr"
	switch {
	case q.engine == gormx.Postgres:
		position = "strpos"
		if len(words.terms) > 0 { // OFFSET keeps the planner from reading all cases backwards for a word that nobody wrote
			from = "(SELECT case_id FROM case_terms WHERE terms @@ " + q.value(inMonths(months, words.terms)) + "::text::tsquery OFFSET 0) t JOIN cases c ON c.id = t.case_id"
		}
	case waiting:
		q.and("c.id > (SELECT case_id FROM case_terms_upto)")
		for _, word := range words.terms {
			q.and("instr(lower(c.description || ' ' || c.address), %s) > 0", q.value(word))
		}
	case len(words.terms) > 0:
		from = "case_terms t CROSS JOIN cases c ON c.id = t.rowid"
		q.and("t.case_terms MATCH %s", q.value(`"`+strings.Join(words.terms, `" "`)+`"`))
	default:
		q.and("c.id <= (SELECT case_id FROM case_terms_upto)")
	}
	for _, run := range words.runs {
		q.and(position+"(c.description || ' ' || c.address, %s) > 0", q.value(run))
	}
	return from
}

// page adds order and cursor, and returns the ORDER BY.
func (q *selection) page(f casework.Filter, id string) string {
	switch f.Sort {
	case casework.ByNewest:
		if f.After.ID != 0 {
			q.and(id+" < %s", q.value(f.After.ID))
		}
		return id + " DESC"
	case casework.ByUrgency:
		due := fmt.Sprintf("COALESCE(c.stage_due, %d)", int64(math.MaxInt64))
		if f.After.ID != 0 {
			at := q.value(f.After.Due)
			q.and("(%s > %s OR %s = %s AND c.id > %s)", due, at, due, at, q.value(f.After.ID))
		}
		return due + ", c.id"
	default:
		if f.After.ID != 0 {
			q.and(id+" > %s", q.value(f.After.ID))
		}
		return id
	}
}

func (s caseStore) Cases(ctx context.Context, f casework.Filter) ([]casework.Case, error) {
	words := ask(f.Text)
	switch {
	case f.Text == "":
		return s.cases(ctx, f, words, false, nil)
	case len(words.terms)+len(words.runs) == 0:
		return []casework.Case{}, nil // nothing that could be found
	case s.engine == gormx.Postgres:
		return s.monthByMonth(ctx, f, words)
	}
	late, err := s.cases(ctx, f, words, true, nil)
	if err != nil {
		return nil, err
	}
	indexed, err := s.cases(ctx, f, words, false, nil)
	if err != nil {
		return nil, err
	}
	all := append(late, indexed...)
	slices.SortStableFunc(all, func(a, b casework.Case) int { return compare(f.Sort, &a, &b) })
	return all[:min(len(all), f.Limit)], nil
}

// monthByMonth searches the newest month, then the two before, the four before
// them and so on until the page is full. Another order than newest first needs
// all months at once.
func (s caseStore) monthByMonth(ctx context.Context, f casework.Filter, words asked) ([]casework.Case, error) {
	if len(words.terms) == 0 {
		return s.cases(ctx, f, words, false, nil)
	}
	months, err := s.months(ctx, f)
	if err != nil {
		return nil, err
	}
	out := []casework.Case{}
	step := 1
	if f.Sort != casework.ByNewest {
		step = len(months)
	}
	for limit := f.Limit; len(months) > 0 && len(out) < limit; step *= 2 {
		f.Limit = limit - len(out)
		found, err := s.cases(ctx, f, words, false, months[:min(step, len(months))])
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
		months = months[min(step, len(months)):]
	}
	return out, nil
}

// months are those in which cases were reported that f may select, the newest first.
func (s caseStore) months(ctx context.Context, f casework.Filter) (list []string, err error) {
	var first, last string
	after := f.After.ID
	if after == 0 || f.Sort != casework.ByNewest {
		after = math.MaxInt64
	}
	err = s.hot.QueryRowContext(ctx, `SELECT COALESCE((SELECT number FROM cases ORDER BY id LIMIT 1), ''),
		COALESCE((SELECT number FROM cases WHERE id < $1 ORDER BY id DESC LIMIT 1), '')`, after).Scan(&first, &last)
	if err != nil || first == "" || last == "" {
		return nil, err
	}
	from, to := max(first[:6], firstSix(f.From)), last[:6]
	if f.To != "" {
		to = min(to, firstSix(f.To))
	}
	month, err := time.Parse("200601", to)
	if err != nil {
		return nil, fmt.Errorf("month of case %s: %w", last, err)
	}
	for ; month.Format("200601") >= from; month = month.AddDate(0, -1, 0) {
		list = append(list, month.Format("200601"))
	}
	return list, nil
}

// firstSix is the month of a day, as a case number begins.
func firstSix(day string) string {
	if day == "" {
		return ""
	}
	return compact(day)[:6]
}

// compare orders cases as page does.
func compare(by casework.Sort, a, b *casework.Case) int {
	switch by {
	case casework.ByNewest:
		return cmp.Compare(b.ID, a.ID)
	case casework.ByUrgency:
		return cmp.Or(cmp.Compare(a.Cursor().Due, b.Cursor().Due), cmp.Compare(a.ID, b.ID))
	default:
		return cmp.Compare(a.ID, b.ID)
	}
}

func (s caseStore) cases(ctx context.Context, f casework.Filter, words asked, waiting bool, months []string) ([]casework.Case, error) {
	q := selection{engine: s.engine}
	from, id := "cases c", "c.id"
	if f.Text != "" {
		if from = q.text(words, waiting, months); from != "cases c" && s.engine == gormx.SQLite {
			id = "t.rowid" // the index gives its rows in this order, newest first too
		}
	}
	q.filter(f)
	order := q.page(f, id)
	return s.list(ctx, &q, from, order, f.Limit)
}

// list runs a selection.
func (s caseStore) list(ctx context.Context, q *selection, from, order string, limit int) ([]casework.Case, error) {
	query := "SELECT c.id, " + qualified + " FROM " + from
	if len(q.where) > 0 {
		query += " WHERE " + strings.Join(q.where, " AND ")
	}
	query += " ORDER BY " + order + " LIMIT " + q.value(limit)
	rows, err := s.read.Statement.ConnPool.QueryContext(ctx, query, q.args...) // of too many shapes to keep compiled
	if err != nil {
		return nil, fmt.Errorf("cases: %w", err)
	}
	defer rows.Close()
	out := []casework.Case{}
	for rows.Next() {
		var row caseRow
		if err := rows.Scan(append([]any{&row.ID}, row.fields()...)...); err != nil {
			return nil, fmt.Errorf("cases: %w", err)
		}
		c, err := row.domain()
		if err != nil {
			return nil, err
		}
		out = append(out, *c)
	}
	return out, rows.Err()
}

var qualified = "c." + strings.ReplaceAll(strings.Join(strings.Fields(caseColumns), " "), ", ", ", c.")

func (s caseStore) Count(ctx context.Context, f casework.Filter, now time.Time) ([]casework.Counter, error) {
	q := selection{engine: s.engine}
	f.Before = now
	q.filter(f)
	q.and(open)
	late := q.value(gormx.At(now))
	warned := q.value(gormx.At(now))
	query := `SELECT c.stage, count(*), sum(CASE WHEN c.stage_due < ` + late + ` THEN 1 ELSE 0 END),
		sum(CASE WHEN c.stage_due >= ` + warned + ` AND c.state LIKE '%"level":%' THEN 1 ELSE 0 END)
		FROM cases c WHERE ` + strings.Join(q.where, " AND ") + " GROUP BY c.stage ORDER BY c.stage"
	rows, err := s.read.Statement.ConnPool.QueryContext(ctx, query, q.args...)
	if err != nil {
		return nil, fmt.Errorf("count cases: %w", err)
	}
	defer rows.Close()
	var out []casework.Counter
	for rows.Next() {
		var n casework.Counter
		if err := rows.Scan(&n.Stage, &n.Cases, &n.Overdue, &n.Warned); err != nil {
			return nil, fmt.Errorf("count cases: %w", err)
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

func (s caseStore) Near(ctx context.Context, kind catalog.Kind, sinceDay string, southWest, northEast grid.Point) ([]casework.Case, error) {
	q := selection{engine: s.engine}
	q.and("c.number >= %s", q.value(compact(sinceDay)))
	q.and("c.kind_version = %s AND c.kind_sort = %s AND c.kind_code = %s", q.value(kind.Version), q.value(string(kind.Sort)), q.value(kind.Code))
	q.and("c.lon BETWEEN %s AND %s", q.value(southWest.Lon), q.value(northEast.Lon))
	q.and("c.lat BETWEEN %s AND %s", q.value(southWest.Lat), q.value(northEast.Lat))
	return s.list(ctx, &q, "cases c", "c.id DESC", casework.MaxPage)
}

func (s caseStore) Tally(ctx context.Context, a casework.Action, since time.Time) (done, filed int, err error) {
	// The action is spelled out, so that the index over these actions is found.
	query := "SELECT (SELECT count(*) FROM steps WHERE action = '" + string(a) + `' AND at >= $1),
		(SELECT count(*) FROM cases WHERE filed_at IS NOT NULL AND filed_at >= $2)`
	if err := s.hot.QueryRowContext(ctx, query, gormx.At(since), gormx.At(since)).Scan(&done, &filed); err != nil {
		return 0, 0, fmt.Errorf("share of %s: %w", a, err)
	}
	return done, filed, nil
}

func (s caseStore) OpenChildren(ctx context.Context, parent string) (n int, err error) {
	err = s.hot.QueryRowContext(ctx, "SELECT count(*) FROM cases c WHERE c.parent <> '' AND c.parent = $1 AND "+open, parent).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("children of case %s: %w", parent, err)
	}
	return n, nil
}

func (s caseStore) Alarms(ctx context.Context, now time.Time, limit int) ([]casework.Case, error) {
	q := selection{engine: s.engine}
	at := q.value(gormx.At(now))
	q.and("(c.next_alarm IS NOT NULL AND c.next_alarm <= %s OR c.stage = 'suspended' AND c.stage_due <= %s)", at, at)
	q.and(open)
	return s.list(ctx, &q, "cases c", "c.id", limit)
}

func (s caseStore) NextAlarm(ctx context.Context) (time.Time, error) {
	var at gormx.Instant
	err := s.read.WithContext(ctx).Raw("SELECT MIN(due) FROM (SELECT MIN(next_alarm) AS due FROM cases c WHERE next_alarm IS NOT NULL AND " + open +
		" UNION ALL SELECT MIN(stage_due) FROM cases c WHERE stage = 'suspended') a").Row().Scan(&at)
	if err != nil {
		return time.Time{}, fmt.Errorf("next alarm: %w", err)
	}
	return at.Time, nil
}
