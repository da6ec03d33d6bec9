package geodesy_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"wangge/internal/geodesy"
)

func near(t interface{ Fatalf(string, ...any) }, name string, lon, lat, wantLon, wantLat, within float64) {
	if !(math.Abs(lon-wantLon) <= within && math.Abs(lat-wantLat) <= within) {
		t.Fatalf("%s: got (%.12f, %.12f), want (%.12f, %.12f) within %g", name, lon, lat, wantLon, wantLat, within)
	}
}

// The places are those that the documentation of the npm package coordtransform
// prints for (116.404, 39.915).
func TestKnownPlacesAreShiftedAsTheMapsDo(t *testing.T) {
	lon, lat := geodesy.GCJ02.FromCGCS2000(116.404, 39.915)
	near(t, "WGS-84 to GCJ-02", lon, lat, 116.41024449916938, 39.91640428150164, 1e-9)
	lon, lat = geodesy.GCJ02.ToCGCS2000(116.41024449916938, 39.91640428150164)
	near(t, "GCJ-02 to CGCS2000", lon, lat, 116.404, 39.915, 1e-9)
	// (116.404, 39.915) in GCJ-02 is shown at this place in BD-09.
	wantLon, wantLat := geodesy.GCJ02.ToCGCS2000(116.404, 39.915)
	lon, lat = geodesy.BD09.ToCGCS2000(116.41036949371029, 39.92133699351021)
	near(t, "BD-09 to CGCS2000", lon, lat, wantLon, wantLat, 1e-9)
	for _, s := range []geodesy.System{geodesy.CGCS2000, geodesy.WGS84} {
		lon, lat = s.ToCGCS2000(116.404, 39.915)
		near(t, string(s), lon, lat, 116.404, 39.915, 0)
	}
	lon, lat = geodesy.GCJ02.ToCGCS2000(2.3522, 48.8566)
	near(t, "Paris", lon, lat, 2.3522, 48.8566, 0)
}

func TestAShiftedPlaceComesBackToWhereItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lon, lat := rapid.Float64Range(74, 135).Draw(t, "lon"), rapid.Float64Range(18, 53).Draw(t, "lat")
		for _, s := range geodesy.Systems() {
			there, then := s.FromCGCS2000(lon, lat)
			x, y := s.ToCGCS2000(there, then)
			near(t, string(s), x, y, lon, lat, 1e-9)
			if far := math.Hypot(there-lon, then-lat); (s == geodesy.GCJ02 || s == geodesy.BD09) && (far < 1e-5 || far > 0.03) {
				t.Fatalf("%s shifts (%v, %v) by %v degrees", s, lon, lat, far)
			}
		}
	})
}

func TestASystemIsKnownByItsNames(t *testing.T) {
	for name, want := range map[string]geodesy.System{
		"CGCS2000": geodesy.CGCS2000, "EPSG:4490": geodesy.CGCS2000, "urn:ogc:def:crs:EPSG::4490": geodesy.CGCS2000,
		"WGS84": geodesy.WGS84, "wgs-84": geodesy.WGS84, "EPSG:4326": geodesy.WGS84, "urn:ogc:def:crs:OGC:1.3:CRS84": geodesy.WGS84,
		"GCJ-02": geodesy.GCJ02, "gcj02": geodesy.GCJ02, "BD-09": geodesy.BD09, "BD09LL": geodesy.BD09,
	} {
		if got, err := geodesy.Parse(name); got != want || err != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "EPSG:4547", "EPSG:2383", "BD09MC", "Xian 1980", strings.Repeat("x", 200)} {
		if got, err := geodesy.Parse(name); !errors.Is(err, geodesy.ErrUnknown) || got != "" || len(err.Error()) > 300 {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	for _, s := range geodesy.Systems() {
		if got, err := geodesy.Parse(string(s)); got != s || err != nil {
			t.Errorf("%s is not known by its own name: %q, %v", s, got, err)
		}
	}
}

func TestAPrjNamesItsSystem(t *testing.T) {
	const wgs = `GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]`
	for text, want := range map[string]geodesy.System{
		geodesy.PRJ: geodesy.CGCS2000, wgs: geodesy.WGS84, "\ufeff " + wgs: geodesy.WGS84,
		`GEOGCRS["China Geodetic Coordinate System 2000",DATUM["China 2000"]]`: geodesy.CGCS2000,
		`GEOGCS["CGCS2000",DATUM["China_2000"]]`:                               geodesy.CGCS2000,
	} {
		for _, parse := range []func(string) (geodesy.System, error){geodesy.ParsePRJ, geodesy.Parse} {
			if got, err := parse(text); got != want || err != nil {
				t.Errorf("%s: got %q, %v", text, got, err)
			}
		}
	}
	for text, said := range map[string]string{
		`PROJCS["CGCS2000_3_Degree_GK_CM_114E",` + geodesy.PRJ + `]`: "CGCS2000_3_Degree_GK_CM_114E",
		`GEOGCS["GCS_Xian_1980",DATUM["D_Xian_1980"]]`:               "GCS_Xian_1980",
		"": `""`, "oops": "oops",
	} {
		if got, err := geodesy.ParsePRJ(text); !errors.Is(err, geodesy.ErrUnknown) || got != "" || !strings.Contains(err.Error(), said) {
			t.Errorf("%s: got %q, %v", text, got, err)
		}
	}
}
