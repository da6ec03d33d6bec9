// Package seat knows about where the cities of package division lie, so that
// a demonstration can draw its grids around a real place. Nothing that counts
// may rest on it: a city's own grids say where it is. Where the figures come
// from is in PROVENANCE.md.
package seat

import (
	_ "embed"
	"strconv"
	"strings"
)

//go:embed seats.csv
var seats string

// Of returns the seat of a city that can become a tenant, or the middle of the
// town it is named for, in degrees of CGCS2000 (WGS 84), good to some five
// kilometres; ok is false when it is not known.
func Of(code string) (lon, lat float64, ok bool) {
	for line := range strings.Lines(seats) {
		row := strings.Split(line, ",")
		if row[0] != code {
			continue
		}
		lon, errLon := strconv.ParseFloat(row[2], 64)
		lat, errLat := strconv.ParseFloat(row[3], 64)
		return lon, lat, errLon == nil && errLat == nil
	}
	return 0, 0, false
}
