package tenantdb

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"wangge/internal/gormx"
	"wangge/internal/phash"
	"wangge/internal/testdb"
	"wangge/migrations"
)

// BenchmarkLikeAmongAMillionPictures searches a city that has a million pictures.
func BenchmarkLikeAmongAMillionPictures(b *testing.B) {
	const pictures, batch = 1_000_000, 1000
	for engine, open := range map[string]func(testing.TB) *gormx.DB{"sqlite": testdb.SQLite, "postgres": testdb.Postgres} {
		b.Run(engine, func(b *testing.B) {
			db, r := open(b), rand.New(rand.NewPCG(1, 1))
			if _, err := migrations.Up(b.Context(), db, migrations.City); err != nil {
				b.Fatal(err)
			}
			run := func(format string, args ...any) {
				if err := db.Write.Exec(fmt.Sprintf(format, args...)).Error; err != nil {
					b.Fatal(err)
				}
			}
			for band := range phash.Bands { // made anew when all is there, which is faster
				run("DROP INDEX evidence_band%d", band)
			}
			for from := 0; from < pictures; from += batch {
				rows := make([]string, batch)
				for i := range rows {
					hash := phash.Hash(r.Uint64())
					q := hash.Bands()
					rows[i] = fmt.Sprintf("('%064d','image/jpeg',1,%d,%d,%d,%d,'%d','x')", from+i, int64(hash), q[0], q[1], q[2], from+i)
				}
				run("INSERT INTO evidence_contents (sha256, media_type, size, phash, band0, band1, band2, blob, blob_key) VALUES %s", strings.Join(rows, ","))
			}
			for band := range phash.Bands {
				run("CREATE INDEX evidence_band%[1]d ON evidence_contents (band%[1]d, phash, id) WHERE band%[1]d IS NOT NULL", band)
			}
			if db.Engine == gormx.Postgres {
				run("VACUUM ANALYZE evidence_contents")
			}
			store := evidenceStore{db.Write, db.Read}
			b.ResetTimer()
			for b.Loop() {
				if _, err := store.like(b.Context(), phash.Hash(r.Uint64()), 8); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
