package archive_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/provisioning/archive"
)

// unpacked is everything in an archive, as any tool would unpack it.
func unpacked(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	gz, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	entries := tar.NewReader(gz)
	for {
		head, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return all.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(head.Name + "\n")
		if _, err := io.Copy(&all, entries); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnArchiveIsATarThatAnyToolOpens(t *testing.T) {
	h := city(t, gormx.SQLite)
	_, path := export(t, h, h.DB)
	text := unpacked(t, path)
	for _, want := range []string{"manifest.json\n", "index.txt\n", "150300 乌海市", "tables/cases/000001.jsonl\n", "案卷流转记录", "files/", "list/000001.jsonl\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the archive has no %q", want)
		}
	}
}

func TestAByteThatWasChangedOrIsMissingIsNoticed(t *testing.T) {
	h := city(t, gormx.SQLite)
	_, path := export(t, h, h.DB)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	altered := filepath.Join(t.TempDir(), "altered")
	refused := func(t interface{ Fatalf(string, ...any) }, content []byte, what string) {
		if err := os.WriteFile(altered, content, 0o600); err != nil {
			t.Fatalf("%v", err)
		}
		_, err := archive.Open(context.Background(), altered)
		if !errors.Is(err, archive.ErrDamaged) || errs.KindOf(err) != errs.Invalid {
			t.Fatalf("%s: got %v, want ErrDamaged", what, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(whole)-1).Draw(t, "at")
		bit := rapid.IntRange(0, 7).Draw(t, "bit")
		content := append([]byte(nil), whole...)
		content[at] ^= 1 << bit
		refused(t, content, "a bit was changed")
	})
	rapid.Check(t, func(t *rapid.T) {
		refused(t, whole[:rapid.IntRange(0, len(whole)-1).Draw(t, "length")], "the end was cut off")
	})
	for at := range 120 { // the header, where a format has slack
		content := append([]byte(nil), whole...)
		content[at] ^= 4
		refused(t, content, "a byte of the header was changed")
	}
	refused(t, append(append([]byte(nil), whole...), 0), "a byte was added")
}
