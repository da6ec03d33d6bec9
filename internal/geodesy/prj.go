package geodesy

import (
	"regexp"
	"strings"
)

// PRJ is the text of a Shapefile's .prj for CGCS2000 degrees.
const PRJ = `GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],` +
	`PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]`

// ParsePRJ returns the system that the well-known text of a .prj names. A
// projected system is refused by its name, and so is a datum that is neither
// CGCS2000 nor WGS-84, such as Xian 1980: it can't be brought over without the
// survey's own parameters.
func ParsePRJ(text string) (System, error) {
	head := regexp.MustCompile(`^\s*(GEOGCS|GEOGCRS|GEODCRS|PROJCS|PROJCRS)\s*\[\s*"([^"]*)"`)
	m := head.FindStringSubmatch(strings.TrimPrefix(text, "\ufeff"))
	if m == nil {
		return "", ErrUnknown.With(cut(strings.TrimSpace(text)))
	}
	name := strings.NewReplacer("_", "", " ", "", "-", "").Replace(strings.ToLower(m[2]))
	switch {
	case strings.HasPrefix(m[1], "PROJ"):
	case strings.Contains(name, "cgcs2000"), strings.Contains(name, "chinageodeticcoordinatesystem2000"), strings.Contains(name, "china2000"):
		return CGCS2000, nil
	case name == "gcswgs1984", name == "wgs84", name == "wgs1984", name == "wgs84(crs84)":
		return WGS84, nil
	}
	return "", ErrUnknown.With(cut(m[2]))
}
