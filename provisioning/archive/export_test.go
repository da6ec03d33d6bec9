package archive

import (
	"context"
	"database/sql"
	"slices"

	"wangge/internal/gormx"
)

// Unclassified lists the tables of a database that no list has.
func Unclassified(ctx context.Context, db *gormx.DB) (names []string, err error) {
	err = look(ctx, db, func(s snapshot) error {
		there, err := s.names(ctx)
		for _, name := range there {
			if !classified(name) {
				names = append(names, name)
			}
		}
		return err
	})
	return names, err
}

// WrongKeys lists the tables that travel and are not there, or whose primary
// key is another than the list says.
func WrongKeys(ctx context.Context, db *gormx.DB) (wrong []string, err error) {
	query := map[gormx.Engine]string{
		gormx.SQLite: "SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk",
		gormx.Postgres: `SELECT k.column_name FROM information_schema.table_constraints c JOIN information_schema.key_column_usage k
			ON k.constraint_name = c.constraint_name AND k.table_name = c.table_name
			WHERE c.constraint_type = 'PRIMARY KEY' AND c.table_schema = current_schema() AND c.table_name = $1 ORDER BY k.ordinal_position`,
	}[db.Engine]
	err = look(ctx, db, func(s snapshot) error {
		for _, t := range travels {
			var key []string
			err := s.each(ctx, query, func(rows *sql.Rows) error {
				var column string
				err := rows.Scan(&column)
				key = append(key, column)
				return err
			}, t.name)
			if err != nil {
				return err
			}
			if !slices.Equal(key, t.key) {
				wrong = append(wrong, t.name)
			}
		}
		return nil
	})
	return wrong, err
}
