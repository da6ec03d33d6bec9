// Package journal reads an append-only table in an order that no late commit
// can slip behind. A PostgreSQL sequence is not a commit order: a reader that
// trusts "id > cursor" loses the row that took its id early and committed late.
// So rows carry the ID of the transaction that wrote them, and a reader stays
// below the oldest one still running. SQLite has one writer: its order is its ids.
package journal

import (
	"context"
	"database/sql"
	"fmt"

	"gorm.io/gorm"

	"wangge/internal/errs"
)

// Cursor is the last row read.
type Cursor struct{ XID, ID int64 }

// Row is a row of the journal and what it is about.
type Row struct {
	Cursor  Cursor
	Subject int64
}

// ErrOtherServer says that the rows were written on a server whose transactions
// had come further: the database was restored into a new one, and what is not
// yet read would never be.
var ErrOtherServer = errs.New(errs.Unavailable, "journal_of_another_server",
	"流转记录的事务编号晚于本数据库服务器：数据库可能恢复自另一台服务器，指标已停止更新",
	"the journal's transactions are later than this server's: the database was restored from another one, and figures stand still")

func present(ctx context.Context, tx *gorm.DB, table string) error {
	var ahead bool
	err := tx.WithContext(ctx).Raw(
		"SELECT COALESCE(MAX(xid), 0) >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM " + table).Row().Scan(&ahead)
	if err != nil {
		return fmt.Errorf("read %s: %w", table, err)
	}
	if ahead {
		return ErrOtherServer
	}
	return nil
}

// Next returns up to limit rows after c, in order. Table and subject column
// are the caller's constants; the table has the columns id and xid, and on
// PostgreSQL an index over xid and id. tx must be a transaction at READ COMMITTED or on SQLite.
func Next(ctx context.Context, tx *gorm.DB, table, subject string, c Cursor, limit int) ([]Row, error) {
	after, order := "id > @id", "id"
	if tx.Name() == "postgres" {
		after, order = "(xid, id) > (@xid, @id) AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint", "xid, id"
	}
	query := fmt.Sprintf("SELECT xid, id, %s AS subject FROM %s WHERE %s ORDER BY %s LIMIT @limit", subject, table, after, order)
	var rows []struct {
		XID         int64 `gorm:"column:xid"` // GORM would look for x_id
		ID, Subject int64
	}
	if err := tx.WithContext(ctx).Raw(query, sql.Named("xid", c.XID), sql.Named("id", c.ID), sql.Named("limit", limit)).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("read %s after %d/%d: %w", table, c.XID, c.ID, err)
	}
	if len(rows) == 0 && tx.Name() == "postgres" {
		if err := present(ctx, tx, table); err != nil {
			return nil, err
		}
	}
	out := make([]Row, len(rows))
	for i, r := range rows {
		out[i] = Row{Cursor{r.XID, r.ID}, r.Subject}
	}
	return out, nil
}
