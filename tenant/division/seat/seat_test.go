package seat

import (
	"math"
	"regexp"
	"strings"
	"testing"

	"wangge/tenant/division"
)

// box holds the west, south, east and north of each province, roughly.
var box = map[string][4]float64{
	"11": {115.3, 39.3, 117.6, 41.2}, "12": {116.6, 38.5, 118.2, 40.4}, "13": {113.4, 35.9, 120, 42.7},
	"14": {110.1, 34.5, 114.7, 40.8}, "15": {97.1, 37.3, 126.2, 53.4}, "21": {118.7, 38.6, 125.9, 43.6},
	"22": {121.5, 40.8, 131.4, 46.4}, "23": {121.1, 43.3, 135.2, 53.7}, "31": {120.8, 30.6, 122.2, 31.9},
	"32": {116.3, 30.7, 122.1, 35.2}, "33": {117.9, 27, 123.1, 31.3}, "34": {114.8, 29.3, 119.7, 34.8},
	"35": {115.8, 23.4, 120.8, 28.4}, "36": {113.5, 24.4, 118.6, 30.2}, "37": {114.7, 34.3, 122.8, 38.5},
	"41": {110.3, 31.3, 116.8, 36.5}, "42": {108.3, 28.9, 116.2, 33.4}, "43": {108.7, 24.5, 114.4, 30.2},
	"44": {109.6, 20.1, 117.4, 25.6}, "45": {104.4, 20.8, 112.2, 26.5}, "46": {108.5, 3.4, 117.9, 20.3},
	"50": {105.2, 28.1, 110.3, 32.3}, "51": {97.2, 25.9, 108.6, 34.4}, "52": {103.5, 24.5, 109.7, 29.3},
	"53": {97.4, 21, 106.3, 29.3}, "54": {78.3, 26.8, 99.2, 36.6}, "61": {105.4, 31.6, 111.3, 39.7},
	"62": {92.2, 32.5, 108.8, 42.9}, "63": {89.3, 31.5, 103.2, 39.3}, "64": {104.2, 35.1, 107.8, 39.5},
	"65": {73.4, 34.2, 96.5, 49.3},
}

func atlas(t *testing.T) *division.Atlas {
	t.Helper()
	a, err := division.Load()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestEveryCityHasASeatInItsProvinceAndApartFromTheOthers(t *testing.T) {
	a := atlas(t)
	for _, p := range a.Provinces() {
		b := box[p.Code]
		var known []string
		for _, city := range a.Cities(p.Code) {
			lon, lat, ok := Of(city.Code)
			if !ok {
				if city.Name != "新星市" { // the one whose seat we could not place
					t.Errorf("%s %s has no seat", city.Code, city.Name)
				}
				continue
			}
			if lon < b[0] || lat < b[1] || lon > b[2] || lat > b[3] {
				t.Errorf("%s %s at %g, %g is outside %s", city.Code, city.Name, lon, lat, p.Name)
			}
			for _, other := range known {
				if oLon, oLat, _ := Of(other); km(lon, lat, oLon, oLat) < 1.5 {
					t.Errorf("%s and %s are closer than 1.5 km", city.Code, other)
				}
			}
			known = append(known, city.Code)
		}
	}
}

// km is the distance of two points that are not far apart.
func km(lonA, latA, lonB, latB float64) float64 {
	const degree = 111.2
	return degree * math.Hypot((lonA-lonB)*math.Cos(latA*math.Pi/180), latA-latB)
}

func TestEveryRowIsACityOnceWithItsNameAndSource(t *testing.T) {
	a := atlas(t)
	source := regexp.MustCompile(`^(hand|geonames:\d+)$`)
	last := ""
	for i, line := range strings.Split(strings.TrimSpace(seats), "\n")[1:] {
		row := strings.Split(line, ",")
		d, ok := a.Lookup(row[0])
		if len(row) != 5 || !ok || d.Name != row[1] || len(a.Counties(row[0])) == 0 || !source.MatchString(row[4]) || row[0] <= last {
			t.Errorf("row %d: %q", i+2, line)
		}
		last = row[0]
	}
}

func TestAPlaceThatIsNoCityHasNoSeat(t *testing.T) {
	for _, code := range []string{"", "code", "13", "130102", "110100", "659011", "999999"} {
		if lon, lat, ok := Of(code); ok {
			t.Errorf("Of(%q) = %g, %g", code, lon, lat)
		}
	}
}

func TestShijiazhuangIsWhereItIs(t *testing.T) {
	lon, lat, ok := Of("130100")
	if !ok || km(lon, lat, 114.5, 38.04) > 5 {
		t.Errorf("Of(130100) = %g, %g, %v", lon, lat, ok)
	}
}
