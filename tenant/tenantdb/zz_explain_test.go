package tenantdb

import (
	"fmt"
	"testing"
	"time"

	"wangge/internal/testdb"
	"wangge/migrations"
)

func TestExplain(t *testing.T) {
	db := testdb.Postgres(t)
	if _, err := migrations.Up(t.Context(), db, migrations.City); err != nil {
		t.Fatal(err)
	}
	run := func(q string) {
		start := time.Now()
		if err := db.Write.Exec(q).Error; err != nil {
			t.Fatal(err)
		}
		t.Log(time.Since(start), q[:min(60, len(q))])
	}
	explain := func(q string) {
		var out []string
		if err := db.Write.Raw("EXPLAIN ANALYZE " + q).Scan(&out).Error; err != nil {
			t.Fatal(err)
		}
		for _, l := range out {
			fmt.Println(l)
		}
	}
	run("INSERT INTO part_acts (id, kind, at, account_id, sha256) VALUES (1, 'import', 1, 1, repeat('a', 64))")
	run(`CREATE TEMP TABLE st AS SELECT '150302' || lpad((1+(i*7)%150)::text, 5, '0') || lpad(i::text, 6, '0') id, 'GB/T 47678.5-2026' v, '01-' || lpad((1+(random()*75)::int)::text, 3, '0') k, '供水井盖' n,
	 106.7+random()*0.3 lon, 39.5+random()*0.3 lat FROM generate_series(1, 200000) i`)
	ins := `INSERT INTO parts SELECT id, v, v, k, n, lon, lat, floor((lat+90)*1000)::bigint*360000+floor((lon+180)*1000)::bigint, '150302001001001', '11150302MB0000000X','乌海市城市管理局','11150302MB0000001X','市政公司','11150302MB0000002X','养护有限公司','intact','2020-01-31','','实测','',1 FROM st`
	explain(ins)
	q := `WITH RECURSIVE band (y) AS (SELECT CAST(129650 AS BIGINT) UNION ALL SELECT y + 1 FROM band WHERE y < 129652) SELECT * FROM band CROSS JOIN parts WHERE parts.cell BETWEEN y * 360000 + 286850 AND y * 360000 + 286852 AND parts.kind = '01-005' AND parts.state <> 'removed' ORDER BY (lon-106.851)*(lon-106.851) LIMIT 10`
	explain(q)
	run("ANALYZE parts")
	explain(q)
	q = `SELECT * FROM generate_series(129650, 129652) y CROSS JOIN LATERAL (SELECT * FROM parts WHERE parts.cell BETWEEN y * 360000::bigint + 286850 AND y * 360000::bigint + 286852 AND parts.kind = '01-005' AND parts.state <> 'removed' OFFSET 0) p ORDER BY (lon-106.851)*(lon-106.851) LIMIT 10`
	explain(q)
}
