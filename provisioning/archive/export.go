package archive

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"
	"strconv"
	"time"

	"wangge/internal/blob"
	"wangge/internal/gormx"
	"wangge/internal/secrets"
	"wangge/migrations"
)

// The entries of an archive.
const (
	manifestName = "manifest.json"
	indexName    = "index.txt"
	tablesFolder = "tables/" // then the table, then its parts
	filesFolder  = "files/"  // then the name
	listFolder   = "list"    // of the files, in parts
)

// Source is a city to be put into an archive.
type Source struct {
	City  City
	DB    *gormx.DB
	Files interface {
		// Sealed opens a file as it lies, sealed; blob.ErrGone when there is none.
		Sealed(ctx context.Context, name string) (r io.ReadCloser, size int64, err error)
	}
	Recipient secrets.Recipient // "" keeps the keys where they are
	// Keys describes the city's keys and hands them over to Recipient, if there
	// is one. It is asked last, so that they open all that was read before.
	Keys func(ctx context.Context) (keys []secrets.Key, handed []byte, err error)
	At   time.Time
}

// Export writes the archive of a city as it is at one instant to a file, and
// returns its manifest and whole checksum. The city works on meanwhile; memory
// does not grow with its size. What is at path is replaced once all is written.
func Export(ctx context.Context, src Source, path string) (m Manifest, sum string, err error) {
	at := src.At.UTC().Truncate(time.Second)
	b, err := newBody(filepath.Dir(path), at)
	if err != nil {
		return Manifest{}, "", err
	}
	defer b.remove()
	m = Manifest{Format: Format, City: src.City, MadeAt: at, Engine: string(src.DB.Engine), Recipient: src.Recipient}
	err = look(ctx, src.DB, func(s snapshot) error { return m.read(ctx, s, src, b) })
	if err == nil {
		m.Keys, m.Handed, err = src.Keys(ctx)
	}
	if err == nil {
		m.Content, err = m.content()
	}
	if err != nil {
		return Manifest{}, "", fmt.Errorf("export %s: %w", src.City.Code, err)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return Manifest{}, "", err
	}
	sum, err = b.finish(path, append(text, '\n'), m.index())
	return m, sum, err
}

// read puts the tables and files of a snapshot into the body.
func (m *Manifest) read(ctx context.Context, s snapshot, src Source, b *body) (err error) {
	if m.Level, err = s.level(ctx); err != nil {
		return err
	}
	if m.Journal, err = s.journal(ctx); err != nil {
		return err
	}
	if m.Tables, err = s.tables(ctx); err != nil {
		return err
	}
	for i, t := range m.Tables {
		p := &parts{body: b, folder: tablesFolder + t.Name}
		if m.Tables[i], err = s.read(ctx, t, p.add); err != nil {
			return err
		}
		if err := p.flush(); err != nil {
			return err
		}
	}
	return m.files(ctx, s, src, b)
}

// files puts the files into the body that the city's evidence names.
func (m *Manifest) files(ctx context.Context, s snapshot, src Source, b *body) error {
	list := listing{parts: &parts{body: b, folder: listFolder}, files: &m.Files, sum: sha256.New()}
	order := "blob"
	if s.engine == gormx.Postgres {
		order += ` COLLATE "C"`
	}
	err := s.each(ctx, "SELECT blob FROM evidence_contents ORDER BY "+order, func(rows *sql.Rows) error {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		return list.file(ctx, src, name)
	})
	if err == nil {
		err = list.parts.flush()
	}
	if err != nil {
		return fmt.Errorf("files: %w", err)
	}
	m.Files.SHA256 = hexSum(list.sum)
	return nil
}

// file puts one file into the body, or notes that it is missing.
func (l *listing) file(ctx context.Context, src Source, name string) (err error) {
	r, size, err := src.Files.Sealed(ctx, name)
	if errors.Is(err, blob.ErrGone) {
		l.files.Missing = append(l.files.Missing, name)
		return nil
	}
	if err != nil {
		return err
	}
	defer r.Close()
	sum := sha256.New()
	if err := l.parts.body.put(filesFolder+name, size, io.TeeReader(r, sum)); err != nil {
		return err
	}
	return l.parts.add(l.note(name, size, hexSum(sum)))
}

// listing is the list of the files so far.
type listing struct {
	parts *parts
	files *Files
	sum   hash.Hash
}

// note counts a file and returns its line of the list.
func (l *listing) note(name string, size int64, sha256 string) []byte {
	line := []byte(`["` + sha256 + `",` + strconv.FormatInt(size, 10) + `,"` + name + "\"]\n")
	l.files.Number++
	l.files.Bytes += size
	l.sum.Write(line)
	return line
}

// level is the level of the tables.
func (s snapshot) level(ctx context.Context) (at int64, err error) {
	err = s.conn.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&at)
	if err != nil {
		return 0, fmt.Errorf("level of the tables: %w", err)
	}
	newest, err := migrations.Newest(migrations.City, s.engine)
	if err == nil && at > newest.Level { // it may have tables and columns that this version does not know
		err = ErrNewer.With(at, newest.Level)
	}
	return at, err
}

// Survey is the manifest of a city's tables without an archive of them: rows and
// checksums, and the checksum of their content.
func Survey(ctx context.Context, db *gormx.DB) (m Manifest, err error) {
	err = look(ctx, db, func(s snapshot) (err error) {
		if m.Level, err = s.level(ctx); err != nil {
			return err
		}
		if m.Journal, err = s.journal(ctx); err != nil {
			return err
		}
		if m.Tables, err = s.tables(ctx); err != nil {
			return err
		}
		for i, t := range m.Tables {
			if m.Tables[i], err = s.read(ctx, t, func([]byte) error { return nil }); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		m.Content, err = m.content()
	}
	return m, err
}
