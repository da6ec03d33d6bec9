package bench

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"wangge/internal/gormx"
	"wangge/provisioning"
	archives "wangge/provisioning/archive"
	"wangge/provisioning/life"
)

var archive = benchmark{
	name: "archive", zh: "城市档案的导出与导入", en: "export and import", first: "seconds", unit: "exports",
	how: "A city of 100,000 closed cases, each with its steps, is exported for another platform, checked from the first byte to the last (verify_seconds), " +
		"imported into an empty platform on the other engine (import_seconds: read once more, written in one transaction with its index of words, read back and compared) and exported again there; " +
		"a content that is not the same ends the benchmark. megabytes is the archive's size. A round is all of that.",
	floor: "The same tables by the engine's own means into one gzip: COPY of each on PostgreSQL, a copy of the file on SQLite. One after another, not one instant on PostgreSQL; no checksums, no form that another engine reads.",
	do:    measureArchive,
}

// archivedShare is which part of the cases of a load an archive is measured with.
const archivedShare = 10

func measureArchive(ctx context.Context, r *run) (err error) {
	s, err := r.scene(ctx, sampleCity)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	number := r.cases / archivedShare
	if err := s.fill(ctx, number+number/50); err != nil { // a model that was counted and not made is missing from every copy
		return fmt.Errorf("fill the city: %w", err)
	}
	from, err := s.Life()
	if err != nil {
		return err
	}
	for range r.Rounds {
		if err := r.archive(ctx, s, from); err != nil {
			return err
		}
		r.n++
	}
	return nil
}

// archive takes the city through one round.
func (r *run) archive(ctx context.Context, s *scene, from *life.Life) (err error) {
	elsewhere := gormx.Postgres
	if r.engine == gormx.Postgres {
		elsewhere = gormx.SQLite
	}
	w, err := r.host.world(ctx, elsewhere)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	to, err := w.Life()
	if err != nil {
		return err
	}
	recipient, err := w.Keeper.Recipient(ctx)
	if err != nil {
		return err
	}
	path := filepath.Join(w.dir, "city.wga")
	var first, again archives.Manifest
	steps := []struct {
		key string
		do  func() error
	}{
		{"seconds", func() (err error) {
			first, _, err = from.Export(ctx, s.id, path, recipient)
			return err
		}},
		{"verify_seconds", func() error {
			a, err := archives.Open(ctx, path)
			if err != nil {
				return err
			}
			return a.Verify(ctx)
		}},
		{"import_seconds", func() error {
			_, err := to.Import(ctx, s.id, path, func(provisioning.Step, int, int, time.Duration, string, error) {})
			return err
		}},
		{"export_again_seconds", func() (err error) {
			again, _, err = to.Export(ctx, s.id, filepath.Join(w.dir, "again.wga"), recipient)
			return err
		}},
	}
	for _, step := range steps {
		began := time.Now()
		if err := step.do(); err != nil {
			return err
		}
		r.figures.add(step.key, time.Since(began).Seconds())
	}
	if again.Content != first.Content || first.Table("cases").Rows < int64(r.cases/archivedShare) {
		return fmt.Errorf("%w: content %s of %d cases, then %s", errCount, first.Content, first.Table("cases").Rows, again.Content)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	r.figures.add("megabytes", float64(info.Size())/1e6)
	began := time.Now()
	err = s.dump(ctx, filepath.Join(w.dir, "raw.gz"), first.Tables)
	r.floor.add("seconds", time.Since(began).Seconds())
	return err
}

// dump writes the tables by the engine's own means into one gzip.
func (s *scene) dump(ctx context.Context, path string, tables []archives.Table) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	gz, err := gzip.NewWriterLevel(file, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if s.raw.Engine == gormx.SQLite {
		err = s.copyFile(ctx, path+".db", gz)
	} else {
		err = s.copyTables(ctx, gz, tables)
	}
	return errors.Join(err, gz.Close(), file.Sync())
}

func (s *scene) copyFile(ctx context.Context, path string, to io.Writer) error {
	if err := s.raw.Write.WithContext(ctx).Exec("VACUUM INTO ?", path).Error; err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, file)
	return errors.Join(err, file.Close(), os.Remove(path))
}

func (s *scene) copyTables(ctx context.Context, to io.Writer, tables []archives.Table) error {
	pool, err := s.raw.SQL()
	if err != nil {
		return err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	err = conn.Raw(func(driver any) error {
		pg, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the connection is a %T", driver)
		}
		for _, t := range tables {
			if _, err := pg.Conn().PgConn().CopyTo(ctx, to, "COPY "+t.Name+" TO STDOUT"); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, conn.Close())
}
