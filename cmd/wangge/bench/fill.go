package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/tenant/tenantdb"
)

// copyCases copies the first models cases so many times, each time a day
// further into the past. It leaves the order of ids and the numbers of today
// to the cases to come.
func (s *scene) copyCases(ctx context.Context, models, times int) error {
	sqlite := s.raw.Engine == gormx.SQLite
	series := "generate_series(1, @times) AS g(n)"
	day, pad := "to_char(date '2026-06-30' - g.n::int, 'YYYYMMDD')", "lpad(m.id::text, 6, '0')"
	if sqlite {
		series = "(WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < @times) SELECT n FROM r) AS g"
		day, pad = "strftime('%Y%m%d', '2026-06-30', '-' || g.n || ' days')", "printf('%06d', m.id)"
	}
	cases, err := s.columns("cases", "id", "number")
	if err != nil {
		return err
	}
	steps, err := s.columns("steps", "id", "case_id", "request_key", "xid")
	if err != nil {
		return err
	}
	id := "10000 + g.n * @models + m.id"
	statements := []string{
		fmt.Sprintf("INSERT INTO cases (id, number, %s) SELECT %s, %s || '-' || %s, %s FROM %s CROSS JOIN cases m WHERE m.id <= @models ORDER BY 1",
			list("", cases), id, day, pad, list("m.", cases), series),
		fmt.Sprintf("INSERT INTO steps (case_id, %s) SELECT %s, %s FROM %s CROSS JOIN cases m JOIN steps t ON t.case_id = m.id WHERE m.id <= @models",
			list("", steps), id, list("t.", steps), series),
	}
	if sqlite {
		statements = append([]string{"PRAGMA cache_size = -400000"}, statements...)
		statements = append(statements, "CREATE TEMP TABLE words (id INTEGER PRIMARY KEY, terms TEXT)", "-- words",
			fmt.Sprintf("INSERT INTO case_terms (rowid, terms) SELECT %s, m.terms FROM %s CROSS JOIN words m", id, series), "INSERT INTO case_terms (rowid, terms) SELECT id, terms FROM words WHERE id > (SELECT case_id FROM case_terms_upto)",
			"UPDATE case_terms_upto SET case_id = (SELECT max(id) FROM cases)", "DROP TABLE words", "PRAGMA cache_size = -8192")
	} else {
		statements = append([]string{"SET statement_timeout = 0"}, statements...)
		statements = append(statements,
			fmt.Sprintf("INSERT INTO case_terms (case_id, terms) SELECT %s, replace(m.terms, m.month, to_char(date '2026-06-30' - g.n::int, 'YYYYMM'))::tsvector FROM "+
				"(SELECT t.case_id AS id, t.terms::text AS terms, left(c.number, 6) AS month FROM case_terms t JOIN cases c ON c.id = t.case_id WHERE t.case_id <= @models) m CROSS JOIN %s", id, series),
			"SELECT setval(pg_get_serial_sequence('cases', 'id'), (SELECT max(id) FROM cases))", "ANALYZE", "RESET statement_timeout")
	}
	args := map[string]any{"times": times, "models": models}
	return s.raw.Write.WithContext(ctx).Connection(func(conn *gorm.DB) error {
		for _, statement := range statements {
			if statement == "-- words" {
				if err := s.words(conn, models); err != nil {
					return err
				}
				continue
			}
			run := conn.Session(&gorm.Session{NewDB: true})
			if strings.Contains(statement, "@") {
				run = run.Exec(statement, args)
			} else {
				run = run.Exec(statement)
			}
			if err := run.Error; err != nil {
				return fmt.Errorf("%.60s: %w", statement, err)
			}
		}
		return nil
	})
}

// words puts the words of the models where the index can be filled from.
func (s *scene) words(conn *gorm.DB, models int) error {
	var rows []struct {
		ID                   int64
		Description, Address string
	}
	conn = conn.Session(&gorm.Session{NewDB: true})
	if err := conn.Raw("SELECT id, description, address FROM cases WHERE id <= ?", models).Scan(&rows).Error; err != nil {
		return err
	}
	for _, r := range rows {
		terms := strings.Join(tenantdb.Terms(r.Description+"\n"+r.Address), " ")
		if err := conn.Exec("INSERT INTO words (id, terms) VALUES (?, ?)", r.ID, terms).Error; err != nil {
			return err
		}
	}
	return nil
}

// columns are those of a table but for some.
func (s *scene) columns(table string, but ...string) ([]string, error) {
	types, err := s.raw.Write.Migrator().ColumnTypes(table)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range types {
		if !slices.Contains(but, t.Name()) {
			names = append(names, t.Name())
		}
	}
	return names, nil
}

func list(prefix string, columns []string) string { return prefix + strings.Join(columns, ", "+prefix) }
