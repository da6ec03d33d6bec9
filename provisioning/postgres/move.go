package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"wangge/internal/errs"
	"wangge/migrations"
	"wangge/provisioning"
	"wangge/tenant"
)

// What moving refuses.
var (
	ErrOccupied = errs.New(errs.Conflict, "schema_occupied",
		"目标服务器上已有城市 %s 的数据，且不是本次搬迁留下的；请先查明来历", "the other server has a schema of city %s that no move has left: find out whose it is first")
	ErrBusy = errs.New(errs.Unavailable, "city_busy",
		"城市 %s 有长时间运行的操作（如导入），无法在短暂停写内完成切换，未作任何改变；请稍后再试", "something long runs in city %s, such as an import: it can't be switched within a short pause; nothing was changed, try again later")
	ErrUnequalCopy = errs.New(errs.Internal, "copy_unequal", "搬迁后核对不一致：数据表 %[1]s，%[2]s", "the copy is not equal: table %[1]s, %[2]s")
)

// What is said at a schema. A copy under way may be dropped by the next move;
// one that was left is kept until it is confirmed.
const (
	underWay = "wangge: a copy under way"
	left     = "wangge: moved to another server"
)

// Move copies a city's schema to another server while the city is used, and then
// stops writes for a moment, copies what was written meanwhile, and calls over,
// which sends everybody there. An error of over is taken to have changed nothing
// unless it is provisioning.ErrSwitchUnknown. What is left here stays as it was then and can't
// be written to. When it fails before over has succeeded nothing is different.
// The password of the city's role is the same on both servers.
//
// Rows are compared twice, by number and by the sum of their hashes: in the
// snapshot that was copied, and, after the switch, what was left here with what
// was there before anybody wrote to it.
func (s Schemas) Move(ctx context.Context, id tenant.ID, there provisioning.Database, over func(context.Context) error) (m provisioning.Moved, err error) {
	to, ok := there.(Schemas)
	if !ok {
		return m, fmt.Errorf("a city can't move from PostgreSQL to %s", there.Engine())
	}
	s.Logins, to.Logins = nil, nil // it acts as the city's own role
	began := time.Now()
	if err := s.Thaw(ctx, id); err != nil {
		return m, err
	}
	if err := to.clear(ctx, id); err != nil {
		return m, err
	}
	defer func() {
		if err != nil {
			var after errAfter
			if !errors.As(err, &after) {
				err = errors.Join(err, to.clear(context.WithoutCancel(ctx), id))
			}
		}
	}()
	c, err := s.copying(ctx, id, to)
	if err != nil {
		return m, err
	}
	defer c.close(context.WithoutCancel(ctx))
	m.Tables = len(c.tables)
	if m.Rows, err = c.all(ctx); err != nil {
		return m, err
	}
	for range 5 { // until little is left for the pause
		late, err := c.round(ctx)
		m.Late += late
		if err != nil {
			return m, err
		}
		if late < 500 {
			break
		}
	}
	if _, err := c.to.Exec(ctx, "ANALYZE"); err != nil {
		return m, fmt.Errorf("analyze the copy: %w", err)
	}
	m.Copy = time.Since(began)
	frozen, err := c.freeze(ctx)
	if err != nil {
		return m, err
	}
	late, err := c.last(ctx)
	m.Late += late
	if err == nil {
		err = over(ctx)
	}
	m.Pause = time.Since(frozen)
	if errors.Is(err, provisioning.ErrSwitchUnknown) {
		return m, errAfter{err}
	}
	if err != nil {
		return m, errors.Join(err, s.Thaw(context.WithoutCancel(ctx), id))
	}
	// From here on the city is there: what fails now is not undone but said.
	if err := c.compare(ctx); err != nil {
		return m, errAfter{err}
	}
	return m, nil
}

// errAfter is an error after the switch, or when it is not known whether there
// was one, which leaves the copy where it is.
type errAfter struct{ error }

func (e errAfter) Unwrap() error { return e.error }

// Thaw lets a city be written to again that a move has frozen and not switched.
func (s Schemas) Thaw(ctx context.Context, id tenant.ID) error {
	return s.asCity(ctx, id, "SET LOCAL search_path = "+id.Schema(), "DROP FUNCTION IF EXISTS moved() CASCADE", "COMMENT ON SCHEMA "+id.Schema()+" IS NULL")
}

// Leave drops what a move has left here: the schema, and the role unless it has
// something in another database of the same server. The password is kept.
func (s Schemas) Leave(ctx context.Context, id tenant.ID) error {
	said, _, err := s.said(ctx, id)
	if err != nil || said != left {
		return err
	}
	return s.drop(ctx, id)
}

// clear makes room for a copy.
func (s Schemas) clear(ctx context.Context, id tenant.ID) error {
	said, tables, err := s.said(ctx, id)
	switch {
	case err != nil:
		return err
	case tables > 0 && said != underWay:
		return ErrOccupied.With(id.String())
	}
	return s.drop(ctx, id)
}

// said is what is said at a city's schema, and how many tables it has.
func (s Schemas) said(ctx context.Context, id tenant.ID) (text string, tables int, err error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return "", 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = conn.QueryRow(ctx, `SELECT COALESCE(obj_description(n.oid, 'pg_namespace'), ''), (SELECT COUNT(*) FROM pg_class WHERE relnamespace = n.oid AND relkind = 'r')
		FROM pg_namespace n WHERE nspname = $1`, id.Schema()).Scan(&text, &tables)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", 0, nil
	}
	return text, tables, err
}

// drop removes the schema, and the role when nothing else is its own.
func (s Schemas) drop(ctx context.Context, id tenant.ID) error {
	name := id.Schema()
	if err := s.asCity(ctx, id, "DROP SCHEMA IF EXISTS "+name+" CASCADE"); err != nil {
		return err
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, "DROP ROLE IF EXISTS "+name)
	if code(err) == "2BP01" { // it has a schema in another database of the same server
		return nil
	}
	return err
}

func code(err error) string {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return answer.Code
	}
	return ""
}

// copying prepares the other server: the role, an empty schema at the same
// level, and a connection to either as the city.
func (s Schemas) copying(ctx context.Context, id tenant.ID, to Schemas) (c *moving, err error) {
	if err := to.Prepare(ctx, id); err != nil {
		return nil, err
	}
	if err := to.asCity(ctx, id, "COMMENT ON SCHEMA "+id.Schema()+" IS '"+underWay+"'"); err != nil {
		return nil, err
	}
	here, err := s.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	level, _, err := migrations.Level(ctx, here, migrations.City)
	if err := errors.Join(err, here.Close()); err != nil {
		return nil, err
	}
	there, err := to.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	err = migrations.UpTo(ctx, there, migrations.City, level)
	if err := errors.Join(err, there.Close()); err != nil {
		return nil, err
	}
	c = &moving{id: id}
	defer func() {
		if err != nil {
			c.close(context.WithoutCancel(ctx))
		}
	}()
	if c.from, err = s.asItself(ctx, id); err != nil {
		return nil, err
	}
	if c.to, err = to.asItself(ctx, id); err != nil {
		return nil, err
	}
	if c.proof, err = to.asItself(ctx, id); err != nil {
		return nil, err
	}
	c.tables, err = tablesOf(ctx, c.to)
	return c, err
}

// asItself connects as the city's role, without the limits that are for requests
// and so that the text of a row is the same on every server.
func (s Schemas) asItself(ctx context.Context, id tenant.ID) (*pgx.Conn, error) {
	dsn, err := s.DSN(ctx, id)
	if err != nil {
		return nil, err
	}
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, scrub(err)
	}
	for name, value := range map[string]string{
		"statement_timeout": "0", "idle_in_transaction_session_timeout": "0", "timezone": "UTC", "datestyle": "ISO",
		"extra_float_digits": "1", "bytea_output": "hex", "intervalstyle": "iso_8601",
	} {
		cfg.RuntimeParams[name] = value
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect as %s: %w", id.Schema(), scrub(err))
	}
	return conn, nil
}

func list(columns []string, each func(string) string) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = each(c)
	}
	return strings.Join(out, ", ")
}

func quoted(column string) string { return `"` + column + `"` }
