package grid

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"wangge/internal/errs"
)

// Convert brings a place to CGCS2000 degrees.
type Convert func(lon, lat float64) (float64, float64)

// Systems finds the conversion from the coordinate system of a name, which may
// be the well-known text of a .prj. One that is not known is an Invalid error.
type Systems func(name string) (Convert, error)

// errSystem refuses a coordinate system.
var errSystem = errs.New(errs.Invalid, "unknown_coordinate_system",
	"坐标系“%s”不受支持；请转换为 CGCS2000 经纬度（EPSG:4490）", "the reference system %q is not supported; convert to CGCS2000 degrees (EPSG:4490)")

// degrees knows the systems that need no conversion.
func degrees(name string) (Convert, error) {
	if !slices.Contains(systems, name) {
		return nil, errSystem.With(cut(name, 60))
	}
	return func(lon, lat float64) (float64, float64) { return lon, lat }, nil
}

// Shapes is a file of shapes with a table of attributes, such as a Shapefile.
type Shapes interface {
	// PRJ is the well-known text of the coordinate system, "" for none.
	PRJ() string
	// NextPolygon returns the next row, its attributes by field, and the rings
	// of its parts, of each the outer one first; io.EOF after the last. It may
	// be called on after an Invalid error, which is about that row, or the last.
	NextPolygon() (row int, values map[string]string, parts [][][][2]float64, err error)
}

// File is a file of grids as it was sent: either GeoJSON or Shapes is set.
type File struct {
	Name    string
	GeoJSON io.Reader
	Shapes  Shapes
	CRS     string // the system that the sender declares; "" is what the file says, else CGCS2000
}

// Set is grids that passed the checks, in the order of their file.
type Set struct {
	File  string
	Grids []Grid
	Rows  []int // of each grid in the file; nil when they are numbered as they come

	checked bool    // Read found no ring that crosses itself, no two that share more than the tolerance
	largest float64 // m² that two share
}

func (s Set) row(i int) int {
	if s.Rows == nil {
		return i + 1
	}
	return s.Rows[i]
}

// Read reads and checks a file of grids: of GeoJSON a FeatureCollection, of a
// Shapefile a layer of polygons, with the fields "code" (or "DYWGBSM") and
// optionally "name" (of a Shapefile also "DYWGMC"; there capitals don't
// matter). Every fault that can be found is in the error, an errs.Problem each
// with the number of the feature as its row, its field and, where it has one,
// its place; with any fault nothing is returned.
func Read(file File, rules Rules) (Set, error) {
	f := &faults{file: file.Name}
	var features []feature
	var crs string
	var err error
	if file.Shapes != nil {
		crs = file.Shapes.PRJ()
		features, err = f.readShapes(file.Shapes, rules)
	} else {
		features, crs, err = f.readGeoJSON(file.GeoJSON, rules)
	}
	if err != nil {
		return Set{}, err
	}
	if file.CRS != "" {
		crs = file.CRS
	}
	f.convert(features, crs, rules)
	set := f.check(features, rules)
	if err := f.err(); err != nil {
		return Set{}, err
	}
	return set, nil
}

// ReadGeoJSON is Read of a GeoJSON file.
func ReadGeoJSON(file string, r io.Reader, rules Rules) ([]Grid, error) {
	set, err := Read(File{Name: file, GeoJSON: r}, rules)
	return set.Grids, err
}

// codeFields are the fields that may carry the code: ours, and the field name in
// the manner of GB/T 47678. SZDYWGBSM is not one of them: it is how a part
// refers to its grid.
var codeFields = []string{"code", "DYWGBSM"}

// nameFields are those of a Shapefile that may carry the name.
var nameFields = []string{"name", "DYWGMC"}

// maxName is how many characters a grid's name may have.
const maxName = 100

// feature is a grid as a file has it: rings are as drawn, nil when unreadable.
type feature struct {
	row       int
	code      Code
	codeField string
	name      string
	rings     [][]Point
}

// code reads a code.
func (f *faults) code(row int, field, digits string) Code {
	code, err := ParseCode(digits)
	if err != nil {
		f.add(row, field, ErrBadCode.Zh, ErrBadCode.En, cut(digits, 40))
	}
	return code
}

// name reads a name.
func (f *faults) name(row int, field, name string) string {
	if utf8.RuneCountInString(name) > maxName {
		f.add(row, field, "名称应为不超过 %d 字的文本", "the name must be a text of at most %d characters", maxName)
	}
	return strings.TrimSpace(name)
}

// convert brings the places of features to CGCS2000.
func (f *faults) convert(features []feature, crs string, rules Rules) {
	if crs == "" {
		return
	}
	to, err := rules.Systems(crs)
	if err != nil {
		f.say(err, 0, "crs")
		return
	}
	for _, ft := range features {
		for _, ring := range ft.rings {
			for i, p := range ring {
				ring[i].Lon, ring[i].Lat = to(p.Lon, p.Lat)
			}
		}
	}
}

// say notes an Invalid error with the messages it may show.
func (f *faults) say(err error, row int, field string) {
	e, ok := errs.As(err)
	if !ok || len(e.Problems) == 0 {
		p := errs.Problem{File: f.file, Row: row, Field: field, Zh: "无法读取", En: "can't be read"}
		if ok {
			p.Zh, p.En = e.Zh, e.En
		}
		f.put(p)
		return
	}
	for _, p := range e.Problems {
		f.put(p)
	}
}

// readShapes reads the rows of a file of shapes.
func (f *faults) readShapes(shapes Shapes, rules Rules) (features []feature, err error) {
	for {
		row, values, parts, err := shapes.NextPolygon()
		switch {
		case errors.Is(err, io.EOF):
			if len(features) == 0 && len(f.listed) == 0 {
				f.add(0, "", "没有任何网格", "there are no grids")
			}
			return features, nil
		case err != nil && errs.KindOf(err) != errs.Invalid:
			return nil, fmt.Errorf("read %s: %w", f.file, err)
		case err != nil:
			f.say(err, row, "")
		case len(features) == rules.MaxFeatures:
			f.add(0, "", "要素超过上限 %d", "there are more than %d features", rules.MaxFeatures)
			return nil, nil
		default:
			features = append(features, f.shape(row, values, parts, rules))
		}
	}
}

// shape reads one row of a file of shapes.
func (f *faults) shape(row int, values map[string]string, parts [][][][2]float64, rules Rules) feature {
	out := feature{row: row}
	field, digits, found := column(values, codeFields)
	if found {
		whole, fraction, _ := strings.Cut(digits, ".") // as a table of numbers may have it
		if strings.Trim(fraction, "0") != "" {
			whole = digits
		}
		out.code, out.codeField = f.code(row, field, whole), field
	} else {
		f.add(row, "DYWGBSM", "缺少网格编码（字段 %s）", "there is no grid code (field %s)", strings.Join(codeFields, " / "))
	}
	if field, name, found := column(values, nameFields); found {
		out.name = f.name(row, field, name)
	}
	switch {
	case len(parts) == 0:
		f.add(row, "geometry", "没有面图形", "there is no polygon")
		return out
	case len(parts) > 1:
		f.add(row, "geometry", "单元网格须为一个连通的面，不能由 %d 个部分组成；请拆成各有编码的网格",
			"a unit grid is one connected area, not %d parts; make each part a grid with its own code", len(parts))
		return out
	}
	total := 0
	rings := make([][]Point, len(parts[0]))
	for i, ring := range parts[0] {
		total += len(ring)
		rings[i] = make([]Point, len(ring))
		for k, p := range ring {
			rings[i][k] = Point{p[0], p[1]}
		}
	}
	if total > rules.MaxPoints {
		f.add(row, "geometry", "点有 %d 个，超过上限 %d", "there are %d points, more than %d", total, rules.MaxPoints)
		return out
	}
	out.rings = rings
	return out
}

// column finds a field of a table whatever its capitals.
func column(values map[string]string, names []string) (field, value string, found bool) {
	for _, name := range names {
		for field, value := range values {
			if strings.EqualFold(field, name) {
				return field, value, true
			}
		}
	}
	return "", "", false
}
