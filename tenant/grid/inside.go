package grid

// Inside returns a point that belongs to the grid, near the middle of its
// bounds where it can.
func (g Grid) Inside() Point {
	low, high := g.box()
	for n := 2; n <= 1<<10; n *= 2 { // ever finer lattices over the bounds
		for i := 1; i < n; i++ {
			for j := 1; j < n; j++ {
				p := Point{low[0] + (high[0]-low[0])*float64(i)/float64(n), low[1] + (high[1]-low[1])*float64(j)/float64(n)}
				if g.Contains(p) {
					return p
				}
			}
		}
	}
	return g.Ring[0] // a sliver: its south-western corner is its own
}
