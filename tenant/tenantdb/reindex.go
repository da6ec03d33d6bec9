package tenantdb

import (
	"context"
	"database/sql"
	"fmt"

	"wangge/internal/gormx"
)

// reindexAtOnce is how many cases are indexed with one reading.
const reindexAtOnce = 5000

// Reindex makes the index of words of a database whose index is empty, such as
// one that was just filled. tx is a connection inside a transaction.
func Reindex(ctx context.Context, engine gormx.Engine, tx *sql.Conn) error {
	var last, upto int64
	if err := tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(id), 0) FROM cases").Scan(&last); err != nil {
		return fmt.Errorf("index of words: %w", err)
	}
	for upto < last {
		from := upto
		upto = min(last, from+reindexAtOnce)
		var err error
		if engine == gormx.SQLite {
			err = indexTerms(ctx, tx, upto)
		} else {
			err = indexVectors(ctx, tx, from, upto)
		}
		if err != nil {
			return fmt.Errorf("index of words: %w", err)
		}
	}
	return nil
}

// indexVectors adds the words of the cases after one up to another.
func indexVectors(ctx context.Context, tx *sql.Conn, after, upto int64) error {
	rows, err := tx.QueryContext(ctx, "SELECT id, number, description, address FROM cases WHERE id > $1 AND id <= $2", after, upto)
	if err != nil {
		return err
	}
	defer rows.Close()
	var ids []int64
	var vectors []string
	for rows.Next() {
		var id int64
		var number, description, address string
		if err := rows.Scan(&id, &number, &description, &address); err != nil {
			return err
		}
		ids, vectors = append(ids, id), append(vectors, vector(number[:6], Terms(description+"\n"+address)))
	}
	if err := rows.Err(); err != nil || len(ids) == 0 {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO case_terms (case_id, terms) SELECT * FROM unnest($1::bigint[], $2::text[]::tsvector[])", ids, vectors)
	return err
}

var _ conn = (*sql.Conn)(nil)
