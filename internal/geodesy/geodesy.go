// Package geodesy names the coordinate systems in which places in China are
// given and brings them to one: longitude and latitude in degrees of CGCS2000.
// It guesses nothing: who delivers coordinates declares their system. Projected
// systems (metres) are refused by name.
package geodesy

import (
	"math"
	"strings"

	"wangge/internal/errs"
)

// System is a system of longitude and latitude in degrees.
type System string

// The systems. WGS-84 and CGCS2000 differ by less than a metre and are taken
// as the same; GCJ-02 is what Chinese web maps shift places to, BD-09 what
// Baidu shifts them to from there.
const (
	CGCS2000 System = "CGCS2000"
	WGS84    System = "WGS-84"
	GCJ02    System = "GCJ-02"
	BD09     System = "BD-09"
)

// Systems lists the systems that Parse knows.
func Systems() []System { return []System{CGCS2000, WGS84, GCJ02, BD09} }

// ErrUnknown refuses the name of a system that is none of Systems.
var ErrUnknown = errs.New(errs.Invalid, "unknown_coordinate_system",
	"坐标系“%s”不受支持；请使用 CGCS2000（EPSG:4490）、WGS-84、GCJ-02 或 BD-09 的经纬度",
	"the coordinate system %q is not supported; use degrees of CGCS2000 (EPSG:4490), WGS-84, GCJ-02 or BD-09")

// aliases are the names of a system besides its own, in small letters without
// hyphens, blanks and underscores.
var aliases = map[string]System{
	"cgcs2000": CGCS2000, "epsg:4490": CGCS2000, "urn:ogc:def:crs:epsg::4490": CGCS2000, "4490": CGCS2000,
	"wgs84": WGS84, "epsg:4326": WGS84, "urn:ogc:def:crs:epsg::4326": WGS84, "4326": WGS84,
	"crs84": WGS84, "ogc:crs84": WGS84, "urn:ogc:def:crs:ogc:1.3:crs84": WGS84, "urn:ogc:def:crs:ogc::crs84": WGS84,
	"gcj02": GCJ02, "bd09": BD09, "bd09ll": BD09,
}

// Parse returns the system of a name: its own, an EPSG number, or the URN that
// GeoJSON uses; capitals, hyphens and blanks don't matter. It also takes the
// well-known text of a .prj, as ParsePRJ does. Axes are longitude first whatever
// the name.
func Parse(name string) (System, error) {
	if strings.Contains(name, "[") {
		return ParsePRJ(name)
	}
	plain := strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
	if s, ok := aliases[plain]; ok {
		return s, nil
	}
	return "", ErrUnknown.With(cut(name))
}

// ToCGCS2000 brings a place given in s to CGCS2000 degrees, exact to 1e-9
// degrees (0.1 mm) also for the shifted systems, whose formulas it inverts by
// iteration.
func (s System) ToCGCS2000(lon, lat float64) (float64, float64) {
	switch s {
	case GCJ02:
		return invert(shift, lon, lat)
	case BD09:
		return invert(func(lon, lat float64) (float64, float64) { return swirl(shift(lon, lat)) }, lon, lat)
	default:
		return lon, lat
	}
}

// FromCGCS2000 is the other way: where a map of system s shows a place.
func (s System) FromCGCS2000(lon, lat float64) (float64, float64) {
	switch s {
	case GCJ02:
		return shift(lon, lat)
	case BD09:
		return swirl(shift(lon, lat))
	default:
		return lon, lat
	}
}

// invert finds where f shows (lon, lat) to come from. The shifts vary by far
// less than one part in a hundred of the distance, so each round leaves less
// than a hundredth of the error.
func invert(f func(lon, lat float64) (float64, float64), lon, lat float64) (float64, float64) {
	x, y := lon, lat
	for range 20 {
		fx, fy := f(x, y)
		dx, dy := fx-lon, fy-lat
		x, y = x-dx, y-dy
		if math.Abs(dx) < 1e-12 && math.Abs(dy) < 1e-12 {
			break
		}
	}
	return x, y
}

// The ellipsoid of the shift to GCJ-02 (Krasovsky's).
const (
	krasovskyAxis = 6378245.0
	krasovskyE2   = 0.00669342162296594323
)

// shift is the published form of the shift from WGS-84 to GCJ-02, which applies
// in a rectangle around China and leaves other places alone.
func shift(lon, lat float64) (float64, float64) {
	if lon < 72.004 || lon > 137.8347 || lat < 0.8293 || lat > 55.8271 {
		return lon, lat
	}
	x, y := lon-105, lat-35
	dLat := -100 + 2*x + 3*y + 0.2*y*y + 0.1*x*y + 0.2*math.Sqrt(math.Abs(x)) +
		waves(6*x, 20, 2*x, 20)*2/3 + waves(y, 20, y/3, 40)*2/3 + waves(y/12, 160, y/30, 320)*2/3
	dLon := 300 + x + 2*y + 0.1*x*x + 0.1*x*y + 0.1*math.Sqrt(math.Abs(x)) +
		waves(6*x, 20, 2*x, 20)*2/3 + waves(x, 20, x/3, 40)*2/3 + waves(x/12, 150, x/30, 300)*2/3
	sin, cos := math.Sincos(lat * math.Pi / 180)
	magic := 1 - krasovskyE2*sin*sin
	root := math.Sqrt(magic)
	perLat := krasovskyAxis * (1 - krasovskyE2) / (magic * root) * math.Pi / 180
	perLon := krasovskyAxis / root * cos * math.Pi / 180
	return lon + dLon/perLon, lat + dLat/perLat
}

// waves is two sines of half turns.
func waves(turns1, height1, turns2, height2 float64) float64 {
	return height1*math.Sin(turns1*math.Pi) + height2*math.Sin(turns2*math.Pi)
}

// swirl is the published form of the shift from GCJ-02 to BD-09.
func swirl(lon, lat float64) (float64, float64) {
	const k = math.Pi * 3000 / 180
	z := math.Hypot(lon, lat) + 0.00002*math.Sin(lat*k)
	sin, cos := math.Sincos(math.Atan2(lat, lon) + 0.000003*math.Cos(lon*k))
	return z*cos + 0.0065, z*sin + 0.006
}

// cut shortens a foreign text for a message.
func cut(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
