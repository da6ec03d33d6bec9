package grid

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
)

// WriteGeoJSON writes grids as a FeatureCollection that ReadGeoJSON reads back
// to the same grids, to the last bit of every coordinate. The area is written
// in m² for people to read; reading measures it again.
func WriteGeoJSON(w io.Writer, grids []Grid) error {
	b := bufio.NewWriter(w)
	_, _ = b.WriteString(`{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"` + systems[0] + `"}},"features":[`)
	for i, g := range grids {
		separator := "\n"
		if i > 0 {
			separator = ",\n"
		}
		name, err := json.Marshal(g.Name)
		if err != nil {
			return fmt.Errorf("grid %s: %w", g.Code, err)
		}
		_, _ = fmt.Fprintf(b, `%s{"type":"Feature","properties":{"code":"%s","name":%s,"area":%v},"geometry":%s}`,
			separator, g.Code, name, math.Round(g.Area*10)/10, g.Geometry())
	}
	_, _ = b.WriteString("\n]}\n")
	return b.Flush() // returns the first error of any write
}

// Geometry returns the outline as a GeoJSON Polygon, exact to the last bit.
func (g Grid) Geometry() string {
	out := []byte(`{"type":"Polygon","coordinates":[`)
	for i, ring := range g.rings() {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, '[')
		for k, p := range ring {
			if k > 0 {
				out = append(out, ',')
			}
			out = strconv.AppendFloat(append(out, '['), p.Lon, 'f', -1, 64)
			out = strconv.AppendFloat(append(out, ','), p.Lat, 'f', -1, 64)
			out = append(out, ']')
		}
		out = append(out, ']')
	}
	return string(append(out, "]}"...))
}

// ParseGeometry reads back what Geometry wrote. It is for stores, which keep
// what has passed the checks, and checks no more than that there is a ring.
func ParseGeometry(polygon string) (ring []Point, holes [][]Point, err error) {
	var shape struct{ Coordinates [][][2]float64 }
	if err := json.Unmarshal([]byte(polygon), &shape); err != nil {
		return nil, nil, fmt.Errorf("geometry of a grid: %w", err)
	}
	for i, positions := range shape.Coordinates {
		points := make([]Point, len(positions))
		for k, position := range positions {
			points[k] = Point{position[0], position[1]}
		}
		if i == 0 {
			ring = points
			continue
		}
		holes = append(holes, points)
	}
	if len(ring) == 0 {
		return nil, nil, fmt.Errorf("geometry of a grid without a ring: %q", cut(polygon, 40))
	}
	return ring, holes, nil
}
