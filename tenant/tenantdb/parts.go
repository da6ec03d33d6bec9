package tenantdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/tenant/grid"
	"wangge/tenant/part"
)

// partStore keeps the register of parts. Inside InTx its connection is that of
// the transaction. Its statements are plain SQL that both engines read.
type partStore struct {
	db   *gormx.DB
	conn conn // the pool that reads, or the transaction
	line *sql.Conn
	held map[string]*sql.Stmt // compiled in the transaction, which ends them
}

func newPartStore(db *gormx.DB) partStore {
	return partStore{db: db, conn: db.Read.Statement.ConnPool}
}

// errRegisterBusy is returned to who waits too long for an import.
var errRegisterBusy = errs.New(errs.Unavailable, "parts_busy", "正在导入部件，请稍后再试", "parts are being imported; try again later")

// The indexes of a million parts don't fit into what the writer of SQLite keeps
// in memory: during an import, whose writes are all over them, it keeps more.
const (
	wideCache   = "PRAGMA cache_size = -40960"
	narrowCache = "PRAGMA cache_size = -8192" // as gormx opens it
	freeCache   = "PRAGMA shrink_memory"
)

func (s partStore) InTx(ctx context.Context, fn func(part.Store) error) error {
	pool, err := s.db.SQL()
	if err != nil {
		return err
	}
	line, err := pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("register of parts: %w", err)
	}
	defer line.Close()
	if s.db.Engine == gormx.SQLite {
		if _, err := line.ExecContext(ctx, wideCache); err != nil {
			return err
		}
		defer func() {
			after := context.WithoutCancel(ctx)
			for _, pragma := range []string{narrowCache, freeCache} {
				_, _ = line.ExecContext(after, pragma) // costs memory when it fails, nothing else
			}
		}()
	}
	tx, err := line.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("register of parts: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // of no effect once it is committed
	err = fn(partStore{s.db, tx, line, map[string]*sql.Stmt{}})
	if err == nil {
		return tx.Commit()
	}
	const lockNotAvailable = "55P03"
	if p := new(pgconn.PgError); errors.As(err, &p) && p.Code == lockNotAvailable {
		return errRegisterBusy
	}
	return err
}

const (
	actColumns = "a.id, a.kind, a.at, a.account_id, a.reason, a.file, a.sha256, a.numbering, a.added, a.changed, a.unchanged, a.removed, a.undoes, u.id"
	actTables  = " FROM part_acts a LEFT JOIN part_acts u ON u.undoes = a.id"
)

func scanAct(scan func(...any) error) (a part.Act, err error) {
	var at gormx.Instant
	var undoes, undone *int64
	err = scan(&a.ID, &a.Kind, &at, &a.Account, &a.Reason, &a.File, &a.SHA256, &a.Numbering,
		&a.Added, &a.Counts.Changed, &a.Unchanged, &a.Removed, &undoes, &undone)
	if a.At = at.Time; undoes != nil {
		a.Undoes = *undoes
	}
	if undone != nil {
		a.UndoneBy = *undone
	}
	return a, err
}

// NewAct takes the next number, whose row keeps other acts waiting.
func (s partStore) NewAct(ctx context.Context, a part.Act) (id int64, err error) {
	if err := s.conn.QueryRowContext(ctx, "UPDATE part_register SET act = act + 1 WHERE id = 1 RETURNING act").Scan(&id); err != nil {
		return 0, fmt.Errorf("number of an act: %w", err)
	}
	var undoes *int64
	if a.Undoes != 0 {
		undoes = &a.Undoes
	}
	_, err = s.conn.ExecContext(ctx, `INSERT INTO part_acts (id, kind, at, account_id, reason, file, sha256, numbering, undoes)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, id, string(a.Kind), gormx.At(a.At), a.Account, a.Reason, a.File, a.SHA256, a.Numbering, undoes)
	if err != nil {
		return 0, fmt.Errorf("add act %d: %w", id, err)
	}
	return id, nil
}

func (s partStore) Count(ctx context.Context, act int64, n part.Counts) error {
	_, err := s.conn.ExecContext(ctx, "UPDATE part_acts SET added = $1, changed = $2, unchanged = $3, removed = $4 WHERE id = $5",
		n.Added, n.Changed, n.Unchanged, n.Removed, act)
	if err != nil {
		return fmt.Errorf("counts of act %d: %w", act, err)
	}
	return nil
}

func (s partStore) Import(ctx context.Context, id int64) (part.Act, error) {
	a, err := scanAct(s.conn.QueryRowContext(ctx, "SELECT "+actColumns+actTables+" WHERE a.id = $1 AND a.kind = 'import'", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return part.Act{}, part.ErrNoImport
	}
	if err != nil {
		return part.Act{}, fmt.Errorf("import %d: %w", id, err)
	}
	return a, nil
}

func (s partStore) Imports(ctx context.Context, before int64, limit int) ([]part.Act, error) {
	acts, err := s.acts(ctx, "a.kind = 'import' AND ($1 = 0 OR a.id < $1) ORDER BY a.id DESC LIMIT $2", before, limit)
	if err != nil {
		return nil, fmt.Errorf("imports: %w", err)
	}
	return acts, nil
}

func (s partStore) acts(ctx context.Context, where string, args ...any) (acts []part.Act, err error) {
	err = s.each(ctx, "SELECT "+actColumns+actTables+" WHERE "+where, args, func(rows *sql.Rows) error {
		a, err := scanAct(rows.Scan)
		acts = append(acts, a)
		return err
	})
	return acts, err
}

// each calls fn with every row of a query.
func (s partStore) each(ctx context.Context, query string, args []any, fn func(*sql.Rows) error) error {
	rows, err := s.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// partFields are the columns of a part that parts and part_changes share.
const (
	partFields = `numbering, version, kind, name, lon, lat, cell, grid, responsible_code, responsible_name, owner_code, owner_name,
		maintainer_code, maintainer_name, state, initial, changed, source, note, revision`
	partColumns = "id, " + partFields
)

// partValues are the values of partColumns.
func partValues(into []any, p *part.Part) []any {
	return append(into, p.ID, p.Numbering, p.Version, p.Kind, p.Name, p.Place.Lon, p.Place.Lat, part.Cell(p.Place), p.Grid.String(),
		p.Responsible.Code, p.Responsible.Name, p.Owner.Code, p.Owner.Name, p.Maintainer.Code, p.Maintainer.Name,
		string(p.State), p.Initial, p.Changed, p.Source, p.Note, p.Revision)
}

// scanPart reads partColumns.
func scanPart(scan func(...any) error) (p part.Part, err error) {
	var cell int64
	var code string
	if err := scan(&p.ID, &p.Numbering, &p.Version, &p.Kind, &p.Name, &p.Place.Lon, &p.Place.Lat, &cell, &code,
		&p.Responsible.Code, &p.Responsible.Name, &p.Owner.Code, &p.Owner.Name, &p.Maintainer.Code, &p.Maintainer.Name,
		&p.State, &p.Initial, &p.Changed, &p.Source, &p.Note, &p.Revision); err != nil {
		return p, err
	}
	p.Grid, err = grid.ParseCode(code)
	return p, err
}

func (s partStore) parts(ctx context.Context, query string, args ...any) (list []part.Part, err error) {
	err = s.each(ctx, query, args, func(rows *sql.Rows) error {
		p, err := scanPart(rows.Scan)
		list = append(list, p)
		return err
	})
	return list, err
}

func (s partStore) Part(ctx context.Context, id string) (part.Part, error) {
	p, err := scanPart(s.conn.QueryRowContext(ctx, "SELECT "+partColumns+" FROM parts WHERE id = $1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return part.Part{}, part.ErrNoPart
	}
	if err != nil {
		return part.Part{}, fmt.Errorf("part %s: %w", id, err)
	}
	return p, nil
}

// addRows is how many parts SQLite is given at a time. Its parameters have no
// names, because it would look each name up among all others.
const addRows = 100

// marks writes rows of parameters for SQLite: (?, ?), (?, ?).
func marks(rows, columns int) string {
	row := "(" + strings.Repeat("?, ", columns-1) + "?)"
	return strings.Repeat(row+", ", rows-1) + row
}

func (s partStore) Held(ctx context.Context, ids []string) (held map[string]part.Part, err error) {
	var list []part.Part
	switch {
	case len(ids) == 0:
	case s.db.Engine == gormx.Postgres:
		list, err = s.parts(ctx, "SELECT "+partColumns+" FROM parts WHERE id = ANY ($1)", ids)
	default:
		args := make([]any, len(ids))
		for i, id := range ids {
			args[i] = id
		}
		list, err = s.parts(ctx, "SELECT "+partColumns+" FROM parts WHERE id IN "+marks(1, len(ids)), args...)
	}
	if err != nil {
		return nil, fmt.Errorf("parts held: %w", err)
	}
	held = make(map[string]part.Part, len(list))
	for _, p := range list {
		held[p.ID] = p
	}
	return held, nil
}

func (s partStore) Add(ctx context.Context, parts []part.Part) error {
	add := s.insert
	if s.db.Engine == gormx.Postgres {
		add = s.copy
	}
	if err := add(ctx, parts); err != nil {
		return fmt.Errorf("add parts: %w", err)
	}
	return nil
}

// columnCount is how many columns partColumns names.
const columnCount = 21

// insert gives SQLite many rows with each statement, which it compiles once.
func (s partStore) insert(ctx context.Context, parts []part.Part) error {
	args := make([]any, 0, addRows*columnCount)
	for len(parts) > 0 {
		n := min(len(parts), addRows)
		args = args[:0]
		for i := range parts[:n] {
			args = partValues(args, &parts[i])
		}
		insert, err := s.compiled(ctx, "INSERT INTO parts ("+partColumns+") VALUES "+marks(n, columnCount)) //nolint:sqlclosecheck // ends with the transaction
		if err != nil {
			return err
		}
		if _, err := insert.ExecContext(ctx, args...); err != nil {
			return err
		}
		parts = parts[n:]
	}
	return nil
}

// compiled is a statement that the transaction runs again and again.
func (s partStore) compiled(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := s.held[query]; stmt != nil {
		return stmt, nil
	}
	tx, ok := s.conn.(*sql.Tx)
	if !ok {
		return nil, errors.New("parts are written in a transaction only")
	}
	stmt, err := tx.PrepareContext(ctx, query)
	if err == nil {
		s.held[query] = stmt
	}
	return stmt, err
}

// copy streams rows to PostgreSQL, in the transaction of its connection.
func (s partStore) copy(ctx context.Context, parts []part.Part) error {
	if len(parts) == 0 {
		return nil
	}
	names := strings.FieldsFunc(partColumns, func(c rune) bool { return c == ',' || unicode.IsSpace(c) })
	return s.line.Raw(func(driver any) error {
		conn, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("%T is no connection of pgx", driver)
		}
		rows := pgx.CopyFromSlice(len(parts), func(i int) ([]any, error) {
			return partValues(make([]any, 0, columnCount), &parts[i]), nil
		})
		_, err := conn.Conn().CopyFrom(ctx, pgx.Identifier{"parts"}, names, rows)
		return err
	})
}

const (
	keepPart   = "INSERT INTO part_changes (part, act, " + partFields + ") SELECT id, $2, " + partFields + " FROM parts WHERE id = $1 AND revision = $3"
	updatePart = `UPDATE parts SET numbering = $2, version = $3, kind = $4, name = $5, lon = $6, lat = $7, cell = $8, grid = $9,
		responsible_code = $10, responsible_name = $11, owner_code = $12, owner_name = $13, maintainer_code = $14, maintainer_name = $15,
		state = $16, initial = $17, changed = $18, source = $19, note = $20, revision = $21 WHERE id = $1`
)

func (s partStore) Change(ctx context.Context, from, to []part.Part) error {
	for i := range to {
		res, err := s.conn.ExecContext(ctx, keepPart, to[i].ID, to[i].Revision, from[i].Revision)
		if err := one(res, err, part.ErrStale, "keep part", to[i].ID); err != nil {
			return err
		}
		res, err = s.conn.ExecContext(ctx, updatePart, partValues(nil, &to[i])...)
		if err := one(res, err, part.ErrStale, "change part", to[i].ID); err != nil {
			return err
		}
	}
	return nil
}

func (s partStore) ChangedSince(ctx context.Context, act int64, limit int) (ids []string, count int, err error) {
	const changed = ` FROM part_changes c LEFT JOIN parts p ON p.id = c.part
		WHERE c.revision = $1 AND (p.id IS NULL OR p.revision <> $1)`
	if err := s.conn.QueryRowContext(ctx, "SELECT count(DISTINCT c.part)"+changed, act).Scan(&count); err != nil || count == 0 {
		return nil, count, err
	}
	err = s.each(ctx, "SELECT DISTINCT c.part"+changed+" ORDER BY c.part LIMIT $2", []any{act, limit}, func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, count, err
}

// takeBack is what taking back does to the parts of a range: $1 is the act, $2
// the one that takes it back, the identifiers lie behind $3 and up to $4.
var takeBack = [3]string{
	"INSERT INTO part_changes (part, act, " + partFields + ") SELECT id, $2, " + partFields + " FROM parts WHERE revision = $1 AND id > $3 AND id <= $4",
	`DELETE FROM parts WHERE revision = $1 AND id > $2 AND id <= $3
		AND NOT EXISTS (SELECT 1 FROM part_changes c WHERE c.part = parts.id AND c.act = $1)`,
	"UPDATE parts SET (" + partFields + ") = (SELECT " + partFields + ` FROM part_changes c WHERE c.part = parts.id AND c.act = $1)
		WHERE revision = $1 AND id > $2 AND id <= $3`,
}

func (s partStore) TakeBack(ctx context.Context, act, by int64) (n part.Counts, err error) {
	const portion = 5000 // so that no statement runs for long
	for last := ""; ; {
		var end sql.NullString
		err := s.conn.QueryRowContext(ctx, "SELECT max(id) FROM (SELECT id FROM parts WHERE revision = $1 AND id > $2 ORDER BY id LIMIT $3) AS few", act, last, portion).Scan(&end)
		if err != nil {
			return n, fmt.Errorf("take back act %d: %w", act, err)
		}
		if !end.Valid {
			return n, nil
		}
		var touched [3]int64
		for i, args := range [][]any{{act, by, last, end.String}, {act, last, end.String}, {act, last, end.String}} {
			res, err := s.conn.ExecContext(ctx, takeBack[i], args...)
			if err == nil {
				touched[i], err = res.RowsAffected()
			}
			if err != nil {
				return n, fmt.Errorf("take back act %d: %w", act, err)
			}
		}
		n.Removed, n.Changed = n.Removed+int(touched[1]), n.Changed+int(touched[2])
		last = end.String
	}
}

func (s partStore) Replaced(ctx context.Context, id string) (found []part.Replaced, acts map[int64]part.Act, err error) {
	err = s.each(ctx, "SELECT act, part, "+partFields+" FROM part_changes WHERE part = $1 ORDER BY act", []any{id}, func(rows *sql.Rows) error {
		var r part.Replaced
		p, err := scanPart(func(into ...any) error { return rows.Scan(append([]any{&r.Act.ID}, into...)...) })
		r.Part = p
		found = append(found, r)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("history of part %s: %w", id, err)
	}
	list, err := s.acts(ctx, `a.id IN (SELECT act FROM part_changes WHERE part = $1 UNION SELECT revision FROM part_changes WHERE part = $1
		UNION SELECT revision FROM parts WHERE id = $1)`, id)
	if err != nil {
		return nil, nil, fmt.Errorf("acts on part %s: %w", id, err)
	}
	acts = make(map[int64]part.Act, len(list))
	for _, a := range list {
		acts[a.ID] = a
	}
	for i := range found {
		found[i].Act = acts[found[i].Act.ID]
	}
	return found, acts, nil
}
