package grid

import "github.com/tidwall/rtree"

// Index finds the grid of a place in memory. It never changes and is safe for
// concurrent use.
type Index struct{ tree rtree.RTreeG[*Grid] }

// NewIndex makes an index of grids, which must not be changed afterwards.
func NewIndex(grids []Grid) *Index {
	x := &Index{}
	for i := range grids {
		low, high := grids[i].box()
		x.tree.Insert(low, high, &grids[i])
	}
	return x
}

// At returns the grid that p belongs to. Where grids overlap within the
// tolerance it is always the one with the lowest code.
func (x *Index) At(p Point) (owner Code, ok bool) {
	at := [2]float64{p.Lon, p.Lat}
	x.tree.Search(at, at, func(_, _ [2]float64, g *Grid) bool {
		if g.Contains(p) && (!ok || g.Code.digits < owner.digits) {
			owner, ok = g.Code, true
		}
		return true
	})
	return owner, ok
}
