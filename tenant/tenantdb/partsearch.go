package tenantdb

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/tenant/catalog"
	"wangge/tenant/grid"
	"wangge/tenant/part"
)

// query is a statement that is put together, with what its parameters are.
type query struct {
	text string
	args []any
	end  string // of what is begun
}

// add appends a piece, in which a ? stands for each of the parameters.
func (q *query) add(piece string, args ...any) {
	for i, text := range strings.Split(piece, "?") {
		if i > 0 {
			q.args = append(q.args, args[i-1]) //nolint:gosec // as many as there are marks
			q.text += fmt.Sprintf("$%d", len(q.args))
		}
		q.text += text
	}
}

// cells is a rectangle of cells, its sides included.
type cells struct{ west, south, east, north int64 }

// aRow is how many cells a row has, as SQL.
var aRow = strconv.Itoa(part.CellsARow)

// over begins a query of the parts in a rectangle of cells: each of its rows is
// one stretch of the index. inner is what is needed of the parts, outer what is
// asked for; conditions may follow, then within and what orders or groups.
func (s partStore) over(c cells, outer, inner, kind string) *query {
	q := &query{}
	if s.db.Engine == gormx.Postgres {
		// Left to itself its planner reads all parts of the kind.
		q.add("SELECT "+outer+" FROM generate_series(CAST(? AS BIGINT), CAST(? AS BIGINT)) AS band (y) CROSS JOIN LATERAL (SELECT "+inner+" FROM parts", c.south, c.north)
		q.end = " OFFSET 0) AS parts"
	} else {
		q.add("WITH RECURSIVE band (y) AS (SELECT ? UNION ALL SELECT y + 1 FROM band WHERE y < ?) SELECT "+outer+" FROM band CROSS JOIN parts", c.south, c.north)
	}
	q.add(" WHERE parts.cell BETWEEN y * "+aRow+" + ? AND y * "+aRow+" + ?", c.west, c.east)
	if kind != "" {
		q.add(" AND parts.kind = ?", kind)
	}
	return q
}

// within ends the conditions.
func (q *query) within() { q.text, q.end = q.text+q.end, "" }

// more appends what else a filter asks for.
func (q *query) more(f part.Filter) {
	if f.Prefix != "" {
		q.add(" AND parts.id >= ? AND parts.id < ?", f.Prefix, f.Prefix+":") // the character behind 9
	}
	if f.State != "" {
		q.add(" AND parts.state = ?", string(f.State))
		if f.State != part.Intact {
			q.text += " AND parts.state <> 'intact'" // so that the index of those is known to do
		}
	}
	if f.After != "" {
		q.add(" AND parts.id > ?", f.After)
	}
	if b := f.Box; b != nil {
		q.add(" AND parts.lon BETWEEN ? AND ? AND parts.lat BETWEEN ? AND ?", b.West, b.East, b.South, b.North)
	}
}

// extent is the rectangle of cells that a box touches, no further north or
// south than there are parts; ok is false when there are none.
func (s partStore) extent(ctx context.Context, b part.Box) (c cells, ok bool, err error) {
	var low, high sql.NullInt64
	if err := s.conn.QueryRowContext(ctx, "SELECT (SELECT min(cell) FROM parts), (SELECT max(cell) FROM parts)").Scan(&low, &high); err != nil {
		return c, false, fmt.Errorf("extent of the parts: %w", err)
	}
	c.west, c.south = part.CellAt(grid.Point{Lon: b.West, Lat: b.South})
	c.east, c.north = part.CellAt(grid.Point{Lon: b.East, Lat: b.North})
	c.south, c.north = max(c.south, low.Int64/part.CellsARow), min(c.north, high.Int64/part.CellsARow)
	return c, low.Valid && c.south <= c.north, nil
}

// fewOnMap is up to how many parts in a box are gathered and then ordered; of
// more, those in order are looked at until a page of them lies in the box.
const fewOnMap = 5000

func (s partStore) List(ctx context.Context, f part.Filter) ([]part.Part, error) {
	q := &query{text: "SELECT " + partColumns + " FROM parts WHERE 1 = 1"}
	if f.Box != nil {
		n, err := s.Counted(ctx, f, fewOnMap)
		if err != nil || n == 0 {
			return nil, err
		}
		if n < fewOnMap {
			c, _, err := s.extent(ctx, *f.Box)
			if err != nil {
				return nil, err
			}
			q = s.over(c, partColumns, "*", f.Kind)
			f.Kind = ""
		}
	}
	if f.Kind != "" {
		q.add(" AND parts.kind = ?", f.Kind)
	}
	q.more(f)
	q.within()
	q.add(" ORDER BY parts.id LIMIT ?", f.Limit)
	list, err := s.parts(ctx, q.text, q.args...)
	if err != nil {
		return nil, fmt.Errorf("parts: %w", err)
	}
	return list, nil
}

func (s partStore) Counted(ctx context.Context, f part.Filter, most int) (n int, err error) {
	c, ok, err := s.extent(ctx, *f.Box)
	if err != nil || !ok {
		return 0, err
	}
	inner := s.over(c, "1", "parts.id", f.Kind)
	inner.more(f)
	inner.within()
	inner.add(" LIMIT ?", most)
	if err := s.conn.QueryRowContext(ctx, "SELECT count(*) FROM ("+inner.text+") AS few", inner.args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("parts in a box: %w", err)
	}
	return n, nil
}

// maxBands is up to how many stretches of the index are looked at one by one; a
// box that is higher is found by reading through all between its sides.
const maxBands = 64

func (s partStore) Clusters(ctx context.Context, f part.Filter, side int) (list []part.Cluster, err error) {
	c, ok, err := s.extent(ctx, *f.Box)
	if err != nil || !ok {
		return nil, err
	}
	f.Box = nil // whole cells, so that the index answers
	wide, high := (c.east-c.west)/int64(side)+1, (c.north-c.south)/int64(side)+1
	row, col := "parts.cell / "+aRow, "parts.cell % "+aRow
	sums := "count(*), CAST(sum(" + row + ") AS DOUBLE PRECISION), CAST(sum(" + col + ") AS DOUBLE PRECISION)"
	q := &query{text: "SELECT " + sums + " FROM parts"}
	if c.north-c.south < maxBands {
		q = s.over(c, sums, "parts.cell", f.Kind)
	} else {
		q.add(" WHERE parts.cell BETWEEN ? AND ? AND "+col+" BETWEEN ? AND ?",
			c.south*part.CellsARow, (c.north+1)*part.CellsARow-1, c.west, c.east)
		if f.Kind != "" {
			q.add(" AND parts.kind = ?", f.Kind)
		}
	}
	q.more(f)
	q.within()
	q.text += fmt.Sprintf(" GROUP BY (%s - %d) / %d, (%s - %d) / %d ORDER BY 2, 3", row, c.south, high, col, c.west, wide)
	err = s.each(ctx, q.text, q.args, func(rows *sql.Rows) error {
		var cluster part.Cluster
		var y, x float64
		err := rows.Scan(&cluster.Count, &y, &x)
		middle := func(sum float64, from float64) float64 {
			return (sum/float64(cluster.Count)+0.5)/part.CellsADegree - from
		}
		cluster.Place = grid.Point{Lon: middle(x, 180), Lat: middle(y, 90)}
		list = append(list, cluster)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("clusters of parts: %w", err)
	}
	return list, nil
}

func (s partStore) InSquare(ctx context.Context, n part.Near, r int64) (found []part.Found, err error) {
	m := part.MetricAt(n.Place)
	col, row := part.CellAt(n.Place)
	q := s.over(cells{col - r, row - r, col + r, row + r}, partColumns, "*", n.Kind)
	q.text += " AND parts.state <> 'removed'"
	const squared = "((lon - ?) * (lon - ?) * ? + (lat - ?) * (lat - ?))" // as part.Metric computes it
	args := []any{m.Lon, m.Lon, m.Squeeze, m.Lat, m.Lat}
	q.add(" AND "+squared+" <= ?", append(args, m.SquaredOf(n.Within))...)
	q.within()
	q.add(" ORDER BY "+squared+", parts.id LIMIT ?", append(args, n.Count)...)
	list, err := s.parts(ctx, q.text, q.args...)
	if err != nil {
		return nil, fmt.Errorf("nearest parts: %w", err)
	}
	for _, p := range list {
		found = append(found, part.Found{Part: p, Metres: m.Metres(m.Squared(p.Place))})
	}
	return found, nil
}

// partGrids are the grids as the register asks them.
type partGrids struct{ *grid.Service }

func (g partGrids) Snapshot(ctx context.Context) (part.Locate, error) {
	grids, err := g.Grids(ctx)
	if err != nil {
		return nil, err
	}
	return grid.NewIndex(grids).At, nil
}

// partKinds are the national kinds of parts and the city's own.
type partKinds struct{ read *gorm.DB }

func (k partKinds) PartKinds(ctx context.Context) (part.KindName, error) {
	var rows []struct{ Version, Code, Name string }
	if err := k.read.WithContext(ctx).Table("kinds").Where("sort = 'part'").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("kinds of parts: %w", err)
	}
	own := make(map[[2]string]string, len(rows))
	for _, r := range rows {
		own[[2]string{r.Version, r.Code}] = r.Name
	}
	return func(version, code string) (string, bool) {
		if name, ok := catalog.PartKind(version, code); ok {
			return name, true
		}
		name, ok := own[[2]string{version, code}]
		return name, ok
	}, nil
}
