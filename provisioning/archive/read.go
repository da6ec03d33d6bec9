package archive

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/migrations"
)

// Archive is a file whose checksum was found good.
type Archive struct {
	Manifest
	Sum   string // the whole checksum
	Bytes int64  // of the file
	path  string
}

// limit bounds the manifest and the index.
const limit = 64 << 20

// Open reads the manifest of an archive after checking every byte of the file
// against its whole checksum. It refuses, naming entry and reason, a file that
// is not as it was written, another format, and tables of a later level.
func Open(ctx context.Context, path string) (*Archive, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names the archive
	if err != nil {
		return nil, errs.Problems(errs.Problem{File: path, Zh: "文件不存在或无法读取", En: "the file is missing or can't be read"})
	}
	defer file.Close()
	a := &Archive{path: path}
	if a.Sum, a.Bytes, err = whole(ctx, file); err != nil {
		return nil, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	entries, err := begin(file)
	if err != nil {
		return nil, err
	}
	head, err := entries.Next()
	if err != nil || head.Name != manifestName || head.Size > limit {
		return nil, damaged(manifestName, 0, "清单缺失", "the manifest is missing")
	}
	if err := decode(entries, &a.Manifest); err != nil {
		return nil, err
	}
	return a, a.acceptable()
}

// whole hashes all bytes of a file but those where its checksum stands.
func whole(ctx context.Context, file *os.File) (sum string, size int64, err error) {
	stated := make([]byte, sumAt+sumSize)
	if _, err := io.ReadFull(file, stated); err != nil {
		return "", 0, damaged("gzip", 0, "文件过短", "the file is too short")
	}
	found := sha256.New()
	found.Write(stated[:sumAt])
	size, err = io.Copy(found, cancelled{ctx, file})
	if err != nil {
		return "", 0, fmt.Errorf("read the archive: %w", err)
	}
	if sum = hexSum(found); sum != string(stated[sumAt:]) {
		return "", 0, damaged("gzip", 0, "总校验和不符", "the whole checksum does not match")
	}
	return sum, size + int64(len(stated)), nil
}

// cancelled reads until ctx ends.
type cancelled struct {
	ctx context.Context //nolint:containedctx // lives as long as one copy
	r   io.Reader
}

func (c cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

func begin(file io.Reader) (*tar.Reader, error) {
	gz, err := gzip.NewReader(bufio.NewReaderSize(file, 1<<20))
	if err != nil {
		return nil, damaged("gzip", 0, "不是城市档案", "this is not the archive of a city")
	}
	return tar.NewReader(gz), nil
}

// decode reads a manifest; one that this version does not wholly understand is
// refused by its format or as damaged.
func decode(r io.Reader, m *Manifest) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return damaged(manifestName, 0, "无法读取", "it can't be read")
	}
	var only struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(content, &only); err != nil {
		return damaged(manifestName, 0, "不是 JSON", "it is not JSON")
	}
	if only.Format != Format {
		return ErrFormat.With(only.Format, Format)
	}
	dec := json.NewDecoder(strings.NewReader(string(content)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(m); err != nil {
		return damaged(manifestName, 0, "内容不完整", "it is not a whole manifest")
	}
	return nil
}

func (m Manifest) acceptable() error {
	newest, err := migrations.Newest(migrations.City, gormx.Postgres)
	if err != nil {
		return err
	}
	if m.Level > newest.Level {
		return ErrNewer.With(m.Level, newest.Level)
	}
	if content, err := m.content(); err != nil || content != m.Content {
		return errors.Join(err, damaged(manifestName, 0, "内容校验和不符", "the checksum of the content does not match"))
	}
	for _, t := range m.Tables {
		if types, ok := named(t.Types); !ok || len(types) != len(t.Columns) {
			return damaged(manifestName, 0, "表 "+t.Name+" 的列有误", "the columns of table "+t.Name+" are wrong")
		}
	}
	return nil
}

// visitor is given what is in an archive, in its order; either part may be nil.
type visitor struct {
	// table is called for each table before its rows.
	table func(t Table) error
	// row is given the values of a row, good until it returns.
	row func(values []any) error
	// file must not keep r, and need not read all of it.
	file func(name string, size int64, r io.Reader) error
}

// Verify reads the whole archive and compares every table and file with the
// manifest, and every row with the columns of its table. Nothing is written.
func (a *Archive) Verify(ctx context.Context) error { return a.walk(ctx, visitor{}) }

// walk reads the archive once from its beginning to its end.
func (a *Archive) walk(ctx context.Context, v visitor) error {
	file, err := os.Open(a.path)
	if err != nil {
		return fmt.Errorf("read the archive: %w", err)
	}
	defer file.Close()
	entries, err := begin(cancelled{ctx, file})
	if err != nil {
		return err
	}
	w := &walker{visitor: v, archive: a, entries: entries, sum: sha256.New(), listed: sha256.New()}
	for _, name := range []string{manifestName, indexName} {
		if err := w.next(); err != nil || w.head == nil || w.head.Name != name {
			return errors.Join(err, damaged(name, 0, "缺失", "it is missing"))
		}
	}
	if err := w.next(); err != nil {
		return err
	}
	for _, t := range a.Tables {
		if err := w.tableRows(t); err != nil {
			return err
		}
	}
	return w.filesAndEnd()
}

// walker is a reading under way; head is the entry it stands at, nil at the end.
type walker struct {
	visitor
	archive *Archive
	entries *tar.Reader
	head    *tar.Header
	sum     hash.Hash

	found  Files
	listed hash.Hash // of the list as it lies in the archive
}

func (w *walker) next() error {
	head, err := w.entries.Next()
	switch {
	case errors.Is(err, io.EOF):
		w.head = nil
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case err != nil:
		return damaged("tar", 0, "条目无法读取", "an entry can't be read")
	}
	w.head = head
	return nil
}

// tableRows reads the parts of a table.
func (w *walker) tableRows(t Table) error {
	if w.table != nil {
		if err := w.table(t); err != nil {
			return err
		}
	}
	w.sum.Reset()
	types, _ := named(t.Types)
	values := make([]any, len(types))
	var rows int64
	for part := 1; w.head != nil && strings.HasPrefix(w.head.Name, tablesFolder+t.Name+"/"); part++ {
		name := fmt.Sprintf("%s%s/%06d.jsonl", tablesFolder, t.Name, part)
		if w.head.Name != name {
			return damaged(w.head.Name, 0, "分段次序有误", "its parts are out of order")
		}
		err := w.lines(func(line string) error {
			rows++
			if err := parse(line, types, values); err != nil {
				return damaged(name, rows, "记录的格式有误", "the row is not of the table's form")
			}
			if w.row == nil {
				return nil
			}
			if err := w.row(values); err != nil {
				return fmt.Errorf("%s, row %d of the table: %w", name, rows, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := w.next(); err != nil {
			return err
		}
	}
	if sum := hexSum(w.sum); rows != t.Rows || sum != t.SHA256 {
		return damaged(tablesFolder+t.Name, rows, fmt.Sprintf("应有 %d 条，校验和不符", t.Rows), fmt.Sprintf("%d rows were to be, or their checksum differs", t.Rows))
	}
	return nil
}

// lines calls fn with the lines of the entry, hashing them.
func (w *walker) lines(fn func(line string) error) error {
	r := bufio.NewReaderSize(w.entries, 64<<10)
	for {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) && line == "" {
			return nil
		}
		if err != nil {
			return damaged(w.head.Name, 0, "无法读取", "it can't be read")
		}
		io.WriteString(w.sum, line) //nolint:errcheck // a hash does not fail
		if err := fn(line[:len(line)-1]); err != nil {
			return err
		}
	}
}

// filesAndEnd reads the files and their list, and that nothing follows.
func (w *walker) filesAndEnd() error {
	made := listing{files: &w.found, sum: sha256.New()}
	for w.head != nil {
		name, isFile := strings.CutPrefix(w.head.Name, filesFolder)
		var err error
		switch {
		case isFile:
			err = w.oneFile(made, name)
		case strings.HasPrefix(w.head.Name, listFolder+"/"):
			_, err = io.Copy(w.listed, w.entries)
		default:
			return damaged(w.head.Name, 0, "多余的条目", "it does not belong there")
		}
		if err != nil {
			return err
		}
		if err := w.next(); err != nil {
			return err
		}
	}
	want := w.archive.Files
	if sum := hexSum(made.sum); w.found.Number != want.Number || w.found.Bytes != want.Bytes || sum != want.SHA256 || hexSum(w.listed) != sum {
		return damaged(filesFolder, w.found.Number, "文件与清单不符", "the files are not those of the manifest")
	}
	return nil
}

func (w *walker) oneFile(made listing, name string) error {
	sum := sha256.New()
	r := io.TeeReader(w.entries, sum)
	if w.file != nil {
		if err := w.file(name, w.head.Size, r); err != nil {
			return fmt.Errorf("%s: %w", w.head.Name, err)
		}
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return damaged(w.head.Name, 0, "无法读取", "it can't be read")
	}
	made.note(name, w.head.Size, hexSum(sum))
	return nil
}
