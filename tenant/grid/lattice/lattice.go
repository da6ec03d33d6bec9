// Package lattice draws unit grids where a city has none to import yet: for the
// demo, for benchmarks and for tests. It lays a rectangle of cells, without
// gaps and without overlaps, over an urban core and gives them codes that
// continue the codes of real communities.
package lattice

import (
	"fmt"
	"slices"
	"strings"

	"wangge/internal/errs"
	"wangge/tenant/grid"
)

// Plan says what to draw. The same plan always draws the same grids.
type Plan struct {
	Centre      grid.Point // in China
	Cols, Rows  int
	Side        float64  // m, of a cell; 0 means 100
	Angle       float64  // degrees by which the rows are turned counter-clockwise
	Bends       int      // points along each side of a cell, as streets are not straight
	Communities []string // 12-digit codes; each gets a block of cells that hang together
	Seed        uint64
}

// Draw returns the grids of a plan by code. Points that neighbours share are
// the same to the last bit, and have 7 decimals as a survey delivers them.
// Blocks follow the order of the community codes, so that the communities of a
// street lie together; serials run from 001 by GB/T 30428.1, from west to east,
// then from north to south. What can't be drawn is refused field by field.
func Draw(p Plan) ([]grid.Grid, error) {
	if p.Side == 0 {
		p.Side = 100
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	owner := make([]string, p.Cols*p.Rows)
	p.share(owner, block{0, 0, p.Cols, p.Rows}, slices.Sorted(slices.Values(p.Communities)))
	points := p.points()
	serial := map[string]int{}
	grids := make([]grid.Grid, len(owner))
	for i, community := range owner {
		serial[community]++
		code, err := grid.ParseCode(fmt.Sprintf("%s%03d", community, serial[community]))
		if err != nil {
			return nil, errs.Field("communities",
				"社区 "+community+" 的代码有误，或分得的网格超过 999 个", "community "+community+" has a bad code or would get more than 999 grids")
		}
		grids[i] = grid.New(code, code.Serial()+"号网格", p.ring(points, i%p.Cols, i/p.Cols), nil)
	}
	slices.SortFunc(grids, func(a, b grid.Grid) int { return strings.Compare(a.Code.String(), b.Code.String()) })
	return grids, nil
}

// check refuses a plan that can't be drawn. Its bounds keep every cell within
// what an import accepts.
func (p Plan) check() error {
	var faults []errs.Problem
	refuse := func(bad bool, field, zh, en string) {
		if bad {
			faults = append(faults, errs.Problem{Field: field, Zh: zh, En: en})
		}
	}
	codes := slices.Sorted(slices.Values(p.Communities))
	refuse(p.Cols < 1 || p.Cols > 500, "cols", "列数应为 1–500", "the columns must be 1 to 500")
	refuse(p.Rows < 1 || p.Rows > 500, "rows", "行数应为 1–500", "the rows must be 1 to 500")
	refuse(p.Cols*p.Rows > 50_000, "cols", "网格超过 50000 个", "these are more than 50,000 cells")
	refuse(p.Side < 20 || p.Side > 600, "side", "边长应为 20–600 米", "the side must be 20 to 600 m")
	refuse(p.Bends < 0 || p.Bends > 16, "bends", "每边折点应为 0–16 个", "the bends of a side must be 0 to 16")
	refuse(len(codes) == 0, "communities", "至少须有一个社区", "there must be a community")
	refuse(len(codes) > p.Cols*p.Rows, "communities", "社区多于网格", "there are more communities than cells")
	refuse(len(slices.Compact(codes)) < len(p.Communities), "communities", "社区代码重复", "a community comes twice")
	return errs.Problems(faults...)
}

// block is a rectangle of cells, counted from the west and from the north.
type block struct{ col, row, cols, rows int }

// share gives every community a block of its own, about equally large, by
// halving the longer side again and again.
func (p Plan) share(owner []string, b block, communities []string) {
	n := len(communities)
	if n == 1 {
		for row := b.row; row < b.row+b.rows; row++ {
			for col := b.col; col < b.col+b.cols; col++ {
				owner[row*p.Cols+col] = communities[0]
			}
		}
		return
	}
	first, second := b, b
	if b.cols >= b.rows {
		first.cols = middle(b.cols, n)
		second.col, second.cols = b.col+first.cols, b.cols-first.cols
	} else {
		first.rows = middle(b.rows, n)
		second.row, second.rows = b.row+first.rows, b.rows-first.rows
	}
	k := max(min(n/2, first.cols*first.rows), n-second.cols*second.rows) // no more communities than cells on either side
	p.share(owner, first, communities[:k])
	p.share(owner, second, communities[k:])
}

// middle cuts a side of at least two cells in the proportion that n/2 has to n.
func middle(side, n int) int {
	return max(1, min(side-1, (side*(n/2)+n/2)/n))
}
