package part

import (
	"cmp"
	"context"
	"math"

	"wangge/tenant/grid"
)

// Filter says which parts are meant; what is empty does not matter.
type Filter struct {
	Prefix string // of the identifier
	Kind   string
	State  State
	Box    *Box
	After  string // identifiers behind it
	Limit  int
}

// Box is a rectangle on the map, its sides included.
type Box struct{ West, South, East, North float64 }

// Holds says whether a place is in the box.
func (b Box) Holds(p grid.Point) bool {
	return p.Lon >= b.West && p.Lon <= b.East && p.Lat >= b.South && p.Lat <= b.North
}

// Near asks for the parts of a kind that are nearest to a place. Distances are
// those of a plane that touches the globe at the place: within some kilometres
// they are off by less than a thousandth.
type Near struct {
	Place  grid.Point
	Kind   string
	Count  int     // at most
	Within float64 // m
}

// Found is a part and how far it is.
type Found struct {
	Part
	Metres float64
}

// Cluster is how many parts there are about a place.
type Cluster struct {
	Place grid.Point
	Count int
}

// View is what a map shows of a box: the parts themselves or, when there are
// too many, clusters that count them.
type View struct {
	Parts    []Part
	Clusters []Cluster
}

// Cells are the units by which places are indexed: a thousandth of a degree each
// way, 111 m to the north and about 85 m to the east in China. A cell's number
// is its row from the south pole times the cells of a row, plus its place in the
// row from 180° west.
const (
	CellsADegree = 1000
	CellsARow    = 360 * CellsADegree
)

// Cell is the number of a place's cell.
func Cell(p grid.Point) int64 {
	col, row := CellAt(p)
	return row*CellsARow + col
}

// CellAt is where in the lattice of cells a place is.
func CellAt(p grid.Point) (col, row int64) {
	return int64(math.Floor((p.Lon + 180) * CellsADegree)), int64(math.Floor((p.Lat + 90) * CellsADegree))
}

// metresADegree is the length of a degree of latitude on a sphere of 6,371,008.8 m.
const metresADegree = 6371008.8 * math.Pi / 180

// Metric measures from a place. Squared is in square degrees of latitude, and
// every database computes it alike.
type Metric struct{ Lon, Lat, Squeeze float64 }

// MetricAt returns the metric about a place.
func MetricAt(p grid.Point) Metric {
	cos := math.Cos(p.Lat * math.Pi / 180)
	return Metric{p.Lon, p.Lat, cos * cos}
}

// Squared is the squared distance to a place.
func (m Metric) Squared(p grid.Point) float64 {
	x, y := p.Lon-m.Lon, p.Lat-m.Lat
	east := float64(x*x) * m.Squeeze // rounded step by step, as SQL does it
	north := float64(y * y)
	return float64(east) + north
}

// Metres turns a squared distance into metres; Degrees is the other way.
func (m Metric) Metres(squared float64) float64 { return math.Sqrt(squared) * metresADegree }

// SquaredOf is the squared distance that is metres long.
func (m Metric) SquaredOf(metres float64) float64 {
	d := metres / metresADegree
	return d * d
}

// Reach is a distance below which every place lies in the square of cells that
// goes r cells beyond the place's own one to each side, squared.
func (m Metric) Reach(r int64) float64 {
	here := grid.Point{Lon: m.Lon, Lat: m.Lat}
	col, row := CellAt(here)
	edge := func(n int64, from float64) float64 { return float64(n)/CellsADegree - from }
	const slack = 1e-9 // for what rounding does to the edges of cells
	east := min(m.Lon-edge(col-r, 180), edge(col+r+1, 180)-m.Lon) - slack
	north := min(m.Lat-edge(row-r, 90), edge(row+r+1, 90)-m.Lat) - slack
	east, north = max(east, 0), max(north, 0)
	return min(east*east*m.Squeeze, north*north)
}

// ringFor is the smallest square, from r cells on, that reaches as far as squared.
func (m Metric) ringFor(squared float64, r int64) int64 {
	for m.Reach(r) < squared && r < CellsARow {
		r++
	}
	return r
}

// The bounds of what is asked.
const (
	maxNear   = 50
	maxWithin = 50_000
	maxList   = 500
	maxOnMap  = 2000
	mapSide   = 24 // clusters along each side of a map
)

// Nearest lists the parts of a kind that are nearest to a place, the nearest
// first, of equally near ones the lower identifier first: exactly those, of all
// within the distance (2 km when 0). At most 50 parts (10 when 0) within at most
// 50 km. Parts that were removed are left out.
func (s *Service) Nearest(ctx context.Context, n Near) ([]Found, error) {
	n.Count = page(n.Count, 10, maxNear)
	n.Within = min(cmp.Or(max(n.Within, 0), 2000), maxWithin)
	m := MetricAt(n.Place)
	most := m.SquaredOf(n.Within)
	for r := int64(1); ; r *= 2 {
		found, err := s.store.InSquare(ctx, n, r)
		if err != nil {
			return nil, err
		}
		reach := m.Reach(r)
		if len(found) < n.Count {
			if reach >= most || r > CellsARow {
				return found, nil
			}
			continue
		}
		// Nearer ones may lie beyond the square as long as it does not reach as far.
		if last := m.Squared(found[len(found)-1].Place); last > reach {
			return s.store.InSquare(ctx, n, m.ringFor(last, r+1))
		}
		return found, nil
	}
}

// List lists parts by identifier, at most 500; After continues a list.
func (s *Service) List(ctx context.Context, f Filter) ([]Part, error) {
	f.Limit = page(f.Limit, 50, maxList)
	return s.store.List(ctx, f)
}

// Each calls fn with every part of a filter, by identifier. Parts that are
// changed meanwhile come as they were or as they are.
func (s *Service) Each(ctx context.Context, f Filter, fn func(Part) error) error {
	for f.Limit = batch; ; {
		parts, err := s.store.List(ctx, f)
		if err != nil {
			return err
		}
		for _, p := range parts {
			if err := fn(p); err != nil {
				return err
			}
		}
		if len(parts) < f.Limit {
			return nil
		}
		f.After = parts[len(parts)-1].ID
	}
}

// Map shows what of a filter, which must have a box, lies in it: the parts when
// they are at most so many as Limit (500 when 0, at most 2,000), else clusters.
func (s *Service) Map(ctx context.Context, f Filter) (View, error) {
	f.Limit = page(f.Limit, maxList, maxOnMap)
	n, err := s.store.Counted(ctx, f, f.Limit+1)
	if err != nil {
		return View{}, err
	}
	if n <= f.Limit {
		parts, err := s.store.List(ctx, f)
		return View{Parts: parts}, err
	}
	clusters, err := s.store.Clusters(ctx, f, mapSide)
	return View{Clusters: clusters}, err
}
