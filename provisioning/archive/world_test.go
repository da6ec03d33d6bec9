package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wangge/internal/blob"
	"wangge/internal/gormx"
	"wangge/internal/secrets"
	"wangge/internal/testdb"
	"wangge/provisioning/archive"
	"wangge/tenant/citytest"
	"wangge/tenant/evidence"
	"wangge/tenant/org"
)

var openers = map[gormx.Engine]func(testing.TB) *gormx.DB{gormx.SQLite: testdb.SQLite, gormx.Postgres: testdb.Postgres}

// city is a house with cases at several stages, a sealed reporter, words to be
// found, pictures and figures.
func city(t *testing.T, engine gormx.Engine, options ...citytest.Option) *citytest.House {
	t.Helper()
	h := citytest.Build(t, openers[engine](t), append([]citytest.Option{citytest.Lattice(4, 4)}, options...)...)
	for i := range 70 { // more than are indexed together
		in := h.Report()
		in.Description = fmt.Sprintf("“井盖”\\破损\n第%d处", i)
		if i%10 == 0 {
			in.Reporter.Name, in.Reporter.Phone = "来电人", fmt.Sprint("000-", i)
		}
		c, err := h.City.Cases.Report(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if i < 2 {
			attach(t, h, c.Number, uint8(40*i))
		}
	}
	if _, err := h.City.Evaluation.Update(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

// attach gives a case a picture in a shade of grey.
func attach(t *testing.T, h *citytest.House, number string, shade uint8) {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 200, 160))
	for i := range img.Pix {
		img.Pix[i] = shade + uint8(i%150)
	}
	img.SetGray(3, 3, color.Gray{Y: 255})
	var file bytes.Buffer
	if err := jpeg.Encode(&file, img, nil); err != nil {
		t.Fatal(err)
	}
	by := h.Actor(org.Supervisor)
	_, err := h.City.Evidence.Add(t.Context(), evidence.AddInput{
		Case: number, Moment: evidence.Before, By: evidence.Actor{Account: by.Account, Role: by.Role, Department: by.Department}, Body: &file,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// vault is where the house's files lie.
func vault(h *citytest.House) *blob.Vault {
	return h.Seeder.Options.Blobs.Vault(h.City.ID.String(), nil)
}

// source is a house to be exported.
func source(h *citytest.House, db *gormx.DB) archive.Source {
	return archive.Source{
		City: archive.City{Code: h.City.ID.String(), Name: h.City.Settings.Name, Model: h.City.Settings.Model},
		DB:   db, Files: vault(h), At: time.Date(2026, 11, 27, 9, 0, 0, 5, time.UTC),
		Keys: func(context.Context) ([]secrets.Key, []byte, error) {
			return []secrets.Key{{ID: "1a", Primary: true}}, nil, nil
		},
	}
}

// export writes the archive of a house's content in a database and returns where.
func export(t *testing.T, h *citytest.House, db *gormx.DB) (m archive.Manifest, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "city.wga")
	m, sum, err := archive.Export(t.Context(), source(h, db), path)
	if err != nil || len(sum) != 64 {
		t.Fatalf("export: %q, %v", sum, err)
	}
	return m, path
}

// opened is the archive at path, which must be good.
func opened(t *testing.T, path string) *archive.Archive {
	t.Helper()
	a, err := archive.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// differing names the tables that differ between two manifests.
func differing(a, b archive.Manifest) (names []string) {
	for _, t := range a.Tables {
		if other := b.Table(t.Name); other.SHA256 != t.SHA256 || other.Rows != t.Rows || !slices.Equal(other.Columns, t.Columns) || !slices.Equal(other.Types, t.Types) {
			names = append(names, fmt.Sprintf("%s %d/%d %s", t.Name, t.Rows, other.Rows, strings.Join(t.Columns, ",")))
		}
	}
	return names
}
