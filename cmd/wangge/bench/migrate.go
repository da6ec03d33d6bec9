package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"wangge/cmd/wangge/app"
	"wangge/internal/gormx"
	"wangge/migrations"
	"wangge/provisioning/waves"
	"wangge/tenant/division"
)

var migrate = benchmark{
	name: "migrate", zh: "分批升级", en: "migrations in waves", first: "change_seconds", unit: "cities",
	how: "The newest migration of a city's tables over 100 cities that the level before has built, a canary, a tenth and the rest, eight at once: lease, record, the city's own login, " +
		"the migration in its transaction, the registry, and the city opened and read; the canary and every tenth take a case through the whole loop, rolled back. Then the same command over all 340 cities with nothing to do (noop_seconds): it asks each city, not the registry alone. " +
		"A round is 100 cities; three rounds, and as many without anything to do.",
	floor: "The statements of the same migration in 100 databases with the same tables, a transaction each, by eight workers on open connections of one login; and the newest version of 340 version tables, by as many. " +
		"No login of the city's own, no lease, no record, no rehearsal.",
	do: measureMigrate,
}

// raisedAtOnce is what `wangge migrate up` does without being told otherwise.
const raisedAtOnce = 8

func measureMigrate(ctx context.Context, r *run) error {
	w, err := r.host.world(ctx, r.engine)
	if err != nil {
		return err
	}
	return errors.Join(r.raise(ctx, w), w.Close())
}

// raise builds the cities and their twins, and measures.
func (r *run) raise(ctx context.Context, w *world) error {
	newest, err := app.NewestLevel()
	if err != nil {
		return err
	}
	seeder := w.Provision.Seeder
	w.Provision.Seeder = waves.Older{Seeder: seeder, Level: newest - 1}
	list, err := w.settle(ctx, r.registered)
	w.Provision.Seeder = seeder
	if err != nil {
		return err
	}
	f, err := r.floorFleet(ctx, w)
	if err != nil {
		return err
	}
	defer f.close()
	const rounds = 3
	for round := range rounds {
		if err := r.change(ctx, w, f, list[round*r.changed:(round+1)*r.changed], newest, round); err != nil {
			return err
		}
	}
	if _, err := w.up(ctx, list, newest); err != nil { // who is left
		return err
	}
	for range rounds {
		if err := r.noop(ctx, w, f, list, newest); err != nil {
			return err
		}
	}
	return nil
}

// change raises some cities that are behind, and their twins.
func (r *run) change(ctx context.Context, w *world, f *floorFleet, list []waves.City, newest int64, round int) error {
	began := time.Now()
	out, err := w.up(ctx, list, newest)
	took := time.Since(began).Seconds()
	if err != nil {
		return err
	}
	if out.Raised != len(list) {
		return fmt.Errorf("%w: %+v", errCount, out)
	}
	r.n += out.Raised
	r.figures.add("change_seconds", took)
	r.figures.add("change_per_city_ms", 1000*took/float64(len(list)))
	began = time.Now()
	if err := f.each(ctx, round*r.changed, (round+1)*r.changed, f.change); err != nil {
		return err
	}
	took = time.Since(began).Seconds()
	r.floor.add("change_seconds", took)
	r.floor.add("change_per_city_ms", 1000*took/float64(len(list)))
	return nil
}

// noop runs the rollout when every city is at the level.
func (r *run) noop(ctx context.Context, w *world, f *floorFleet, list []waves.City, newest int64) error {
	for i := range list {
		list[i].Level = newest // as the registry has it by now
	}
	began := time.Now()
	out, err := w.up(ctx, list, newest)
	r.figures.add("noop_seconds", time.Since(began).Seconds())
	if err != nil {
		return err
	}
	if out.AsWere != len(list) {
		return fmt.Errorf("%w: %+v", errCount, out)
	}
	began = time.Now()
	err = f.each(ctx, 0, len(list), f.level)
	r.floor.add("noop_seconds", time.Since(began).Seconds())
	return err
}

// up is a rollout of its own over some of the cities.
func (w *world) up(ctx context.Context, list []waves.City, newest int64) (waves.Outcome, error) {
	if err := w.Province.Write.WithContext(ctx).Exec("DELETE FROM rollout_cities").Error; err != nil {
		return waves.Outcome{}, err
	}
	rollout := waves.Rollout{Cities: w.Fleet, Record: w.Ledger.Rollouts(), Level: newest, Now: w.Config.Now}
	return rollout.Up(ctx, list, waves.Options{Parallel: raisedAtOnce}, func(int, int, string, time.Duration, error) {})
}

// settle builds so many of the smallest cities, a few at once.
func (w *world) settle(ctx context.Context, n int) ([]waves.City, error) {
	return w.settleAt(ctx, buildable(w.Atlas), n)
}

func (w *world) settleAt(ctx context.Context, places []division.Division, n int) ([]waves.City, error) {
	if len(places) < n {
		return nil, fmt.Errorf("%w: the country has %d cities to build, not %d", errCount, len(places), n)
	}
	list := make([]waves.City, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i, place := range places[:n] {
		list[i].Code = place.Code
		group.Go(func() error { return w.hamlet(ctx, place) })
	}
	return list, group.Wait()
}

// hamlet builds a city of few grids and accounts.
func (w *world) hamlet(ctx context.Context, place division.Division) error {
	path, err := plan{city: place, grids: 16, accounts: len(staffed)}.write(w.Atlas, w.dir)
	if err == nil {
		_, _, _, err = w.apply(ctx, path)
	}
	if err != nil {
		return fmt.Errorf("city %s: %w", place.Code, err)
	}
	return nil
}

// floorFleet is databases with the tables of a city at the level before.
type floorFleet struct {
	newest string         // statements of the migration
	files  []*gormx.DB    // SQLite
	conns  chan *pgx.Conn // PostgreSQL: open connections of one login
	n      int
}

// floorFleet makes as many as there are cities.
func (r *run) floorFleet(ctx context.Context, w *world) (f *floorFleet, err error) {
	all, err := migrations.SQL(migrations.City, r.engine)
	if err != nil {
		return nil, err
	}
	last, err := migrations.Newest(migrations.City, r.engine)
	if err != nil {
		return nil, err
	}
	f = &floorFleet{newest: last.SQL, n: r.registered}
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	before := strings.TrimSuffix(all, last.SQL) +
		";CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY, version_id BIGINT); INSERT INTO goose_db_version VALUES (1, 9);"
	if r.engine == gormx.SQLite {
		return f, f.openFiles(ctx, w, before)
	}
	f.conns = make(chan *pgx.Conn, raisedAtOnce)
	for range raisedAtOnce {
		conn, err := pgx.Connect(ctx, w.admin)
		if err != nil {
			return f, err
		}
		f.conns <- conn
	}
	return f, f.each(ctx, 0, f.n, func(ctx context.Context, i int) error {
		return f.exec(ctx, i, fmt.Sprintf("CREATE SCHEMA raw%d; SET search_path = raw%[1]d;\n%s", i, before))
	})
}

func (f *floorFleet) openFiles(ctx context.Context, w *world, tables string) error {
	for i := range f.n {
		file, err := gormx.OpenSQLite(filepath.Join(w.dir, fmt.Sprintf("raw%d.db", i)), gormx.Full)
		if err != nil {
			return err
		}
		f.files = append(f.files, file)
		if err := f.exec(ctx, i, tables); err != nil {
			return err
		}
	}
	return nil
}

// each does the same to the databases from one to another, eight at once.
func (f *floorFleet) each(ctx context.Context, from, to int, do func(context.Context, int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(raisedAtOnce)
	for i := from; i < to; i++ {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}

// exec runs statements on the i-th database, all of them or none.
func (f *floorFleet) exec(ctx context.Context, i int, statements string) error {
	if f.conns == nil {
		db, err := f.files[i].SQL()
		if err == nil {
			_, err = db.ExecContext(ctx, "BEGIN IMMEDIATE;"+statements+";COMMIT")
		}
		return err
	}
	conn := <-f.conns
	defer func() { f.conns <- conn }()
	_, err := conn.Exec(ctx, statements) // one message, one transaction
	return err
}

func (f *floorFleet) change(ctx context.Context, i int) error {
	if f.conns == nil {
		return f.exec(ctx, i, f.newest)
	}
	return f.exec(ctx, i, fmt.Sprintf("SET search_path = raw%d;\n%s", i, f.newest))
}

func (f *floorFleet) level(ctx context.Context, i int) error {
	var level int64
	if f.conns == nil {
		return f.files[i].Read.WithContext(ctx).Raw("SELECT MAX(version_id) FROM goose_db_version").Scan(&level).Error
	}
	conn := <-f.conns
	defer func() { f.conns <- conn }()
	return conn.QueryRow(ctx, fmt.Sprintf("SELECT MAX(version_id) FROM raw%d.goose_db_version", i)).Scan(&level)
}

func (f *floorFleet) close() {
	for _, file := range f.files {
		_ = file.Close() // the folder is removed
	}
	for range len(f.conns) {
		_ = (<-f.conns).Close(context.Background()) // the server is stopped
	}
}
