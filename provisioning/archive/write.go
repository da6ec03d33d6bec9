package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The whole checksum of an archive stands in its gzip header as a comment and
// is over all other bytes of the file, so that no byte of it can change unseen.
const (
	sumAt   = 10 // the header without a name is ten bytes
	sumSize = 2 * sha256.Size
)

// partSize bounds what is held in memory of a table: it is written in parts.
const partSize = 4 << 20

// body is the part of an archive that is written first, and aside: the entries
// that the manifest says something of.
type body struct {
	file *os.File
	gz   *gzip.Writer
	tar  *tar.Writer
	at   time.Time
}

func newBody(dir string, at time.Time) (*body, error) {
	file, err := os.CreateTemp(dir, ".archive-*")
	if err != nil {
		return nil, fmt.Errorf("write the archive: %w", err)
	}
	gz, err := gzip.NewWriterLevel(file, gzip.BestSpeed)
	return &body{file, gz, tar.NewWriter(gz), at}, err
}

// remove takes the file aside away.
func (b *body) remove() { _ = errors.Join(b.file.Close(), os.Remove(b.file.Name())) }

func entry(w *tar.Writer, name string, size int64, at time.Time) error {
	return w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: at, Format: tar.FormatPAX})
}

// put writes an entry of a known size.
func (b *body) put(name string, size int64, content io.Reader) error {
	if err := entry(b.tar, name, size, b.at); err != nil {
		return fmt.Errorf("entry %s: %w", name, err)
	}
	n, err := io.Copy(b.tar, content)
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("entry %s: %w", name, err)
	}
	return nil
}

// parts writes lines into entries of partSize each.
type parts struct {
	body   *body
	folder string
	number int
	held   []byte
}

func (p *parts) add(line []byte) error {
	if len(p.held)+len(line) > partSize {
		if err := p.flush(); err != nil {
			return err
		}
	}
	p.held = append(p.held, line...)
	return nil
}

// flush writes what is held, if anything is.
func (p *parts) flush() error {
	if len(p.held) == 0 {
		return nil
	}
	p.number++
	err := p.body.put(fmt.Sprintf("%s/%06d.jsonl", p.folder, p.number), int64(len(p.held)), bytes.NewReader(p.held))
	p.held = p.held[:0]
	return err
}

// finish writes the archive to path: manifest and index, then the body. Whoever
// looks sees all of it or nothing.
func (b *body) finish(path string, manifest, index []byte) (sum string, err error) {
	if err := errors.Join(b.tar.Close(), b.gz.Close()); err != nil {
		return "", fmt.Errorf("write the archive: %w", err)
	}
	if _, err := b.file.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("write the archive: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".archive-*")
	if err != nil {
		return "", fmt.Errorf("write the archive: %w", err)
	}
	defer os.Remove(file.Name())
	if sum, err = b.fill(file, manifest, index); err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return "", fmt.Errorf("write the archive: %w", err)
	}
	return sum, nil
}

func (b *body) fill(file *os.File, manifest, index []byte) (string, error) {
	out := &summed{to: file, sum: sha256.New()}
	gz, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
	if err != nil {
		return "", err
	}
	gz.Comment = strings.Repeat("0", sumSize)
	front := tar.NewWriter(gz)
	for _, e := range []struct {
		name    string
		content []byte
	}{{manifestName, manifest}, {indexName, index}} {
		if err := entry(front, e.name, int64(len(e.content)), b.at); err != nil {
			return "", err
		}
		if _, err := front.Write(e.content); err != nil {
			return "", err
		}
	}
	if err := errors.Join(front.Flush(), gz.Close()); err != nil { // not Close, which would end the tar
		return "", err
	}
	if _, err := io.Copy(out, b.file); err != nil {
		return "", err
	}
	sum := hexSum(out.sum)
	_, err = file.WriteAt([]byte(sum), sumAt)
	return sum, err
}

// summed hashes what is written but for where the hash will stand.
type summed struct {
	to   io.Writer
	sum  hash.Hash
	done int64
}

func (s *summed) Write(p []byte) (int, error) {
	hashed(s.sum, p, s.done)
	s.done += int64(len(p))
	return s.to.Write(p)
}

// hashed adds bytes that lie at an offset of the file.
func hashed(sum hash.Hash, p []byte, at int64) {
	for i, b := range p {
		if off := at + int64(i); off >= sumAt+sumSize {
			sum.Write(p[i:])
			return
		} else if off < sumAt {
			sum.Write([]byte{b})
		}
	}
}

func syncFolder(path string) error {
	dir, err := os.Open(path) //nolint:gosec // the folder that was just written to
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
