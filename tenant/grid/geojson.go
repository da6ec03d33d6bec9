package grid

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// systems are the names of the systems that need no conversion: the CGCS2000 and
// WGS-84 degrees, which differ by less than the survey's error.
var systems = []string{
	"urn:ogc:def:crs:EPSG::4490", "EPSG:4490",
	"urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "EPSG:4326",
}

// object is a JSON object, its members still to be read.
type object map[string]json.RawMessage

// readGeoJSON reads the features of a FeatureCollection, one Polygon each, with
// the properties "code" (or "DYWGBSM") and optionally "name". A fault has the
// number of the feature as its row, or that of the line where the JSON itself is
// broken.
func (f *faults) readGeoJSON(r io.Reader, rules Rules) (features []feature, crs string, err error) {
	data, err := io.ReadAll(io.LimitReader(r, rules.MaxBytes+1))
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", f.file, err)
	}
	list, crs := f.collection(data, rules)
	for i, raw := range list {
		features = append(features, f.feature(i+1, raw, rules))
	}
	return features, crs, nil
}

// collection returns the features of a file, unread, and the name of its
// reference system, "" when it says none.
func (f *faults) collection(data []byte, rules Rules) (features []json.RawMessage, crs string) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	switch {
	case int64(len(data)) > rules.MaxBytes:
		f.add(0, "", "文件超过 %d MiB", "the file is larger than %d MiB", rules.MaxBytes>>20)
		return nil, ""
	case !utf8.Valid(data):
		f.add(0, "", "文件不是 UTF-8 编码（可能是 GBK），请转换后再导入", "the file is not in UTF-8 (it may be GBK); convert it first")
		return nil, ""
	}
	var doc object
	if err := json.Unmarshal(data, &doc); err != nil {
		f.broken(data, err)
		return nil, ""
	}
	if t := text(doc["type"]); t != "FeatureCollection" {
		f.add(0, "type", "应为 FeatureCollection，实为“%s”", "must be FeatureCollection, not %q", cut(t, 40))
		return nil, ""
	}
	if raw, ok := doc["crs"]; ok {
		crs = named(raw)
	}
	err := json.Unmarshal(doc["features"], &features)
	switch {
	case err != nil:
		f.add(0, "features", "缺少 features 数组", "there is no array of features")
	case len(features) == 0:
		f.add(0, "features", "没有任何网格", "there are no features")
	case len(features) > rules.MaxFeatures:
		f.add(0, "features", "要素有 %d 个，超过上限 %d", "there are %d features, more than %d", len(features), rules.MaxFeatures)
		return nil, ""
	}
	return features, crs
}

// broken says where the JSON ends or breaks.
func (f *faults) broken(data []byte, err error) {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		f.add(0, "", "顶层应为 JSON 对象", "the top level must be a JSON object")
		return
	}
	before := data[:min(int(syntax.Offset), len(data))]
	line := bytes.Count(before, []byte("\n")) + 1
	if int(syntax.Offset) >= len(data) && strings.HasPrefix(syntax.Error(), "unexpected end") {
		f.add(line, "", "文件不完整：在第 %d 字节（第 %d 行）中断", "the file is cut off at byte %d (line %d)", len(data), line)
		return
	}
	f.add(line, "", "第 %d 字节（第 %d 行）不是合法的 JSON：%s", "no valid JSON at byte %d (line %d): %s", syntax.Offset, line, syntax.Error())
}

// named is the name of a reference system in a "crs" member; one that can't be
// read has a name that no system has.
func named(raw json.RawMessage) string {
	var crs struct{ Properties struct{ Name string } }
	if json.Unmarshal(raw, &crs) != nil || crs.Properties.Name == "" {
		return cut(string(raw), 60)
	}
	return crs.Properties.Name
}

// feature reads one feature.
func (f *faults) feature(row int, raw json.RawMessage, rules Rules) feature {
	out := feature{row: row}
	var o, geometry, properties object
	if json.Unmarshal(raw, &o) != nil || text(o["type"]) != "Feature" {
		f.add(row, "type", "应为 Feature", "must be a Feature")
		return out
	}
	if json.Unmarshal(o["properties"], &properties) != nil || properties == nil {
		f.add(row, "properties", "缺少属性", "there are no properties")
	} else {
		out.code, out.codeField = f.codeOf(row, properties)
		out.name = f.nameOf(row, properties["name"])
	}
	if json.Unmarshal(o["geometry"], &geometry) != nil || geometry == nil {
		f.add(row, "geometry", "没有图形", "there is no geometry")
		return out
	}
	out.rings = f.polygon(row, geometry, rules)
	return out
}

// codeOf reads a feature's code from the first of codeFields it has; a number is
// taken by its digits.
func (f *faults) codeOf(row int, properties object) (Code, string) {
	for _, field := range codeFields {
		if raw, ok := properties[field]; ok {
			digits := text(raw)
			if digits == "" {
				digits = string(raw)
			}
			return f.code(row, "properties."+field, digits), "properties." + field
		}
	}
	f.add(row, "properties.code", "缺少网格编码（字段 %s）", "there is no grid code (field %s)", strings.Join(codeFields, " / "))
	return Code{}, ""
}

// nameOf reads a feature's name, which may be absent.
func (f *faults) nameOf(row int, raw json.RawMessage) string {
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	var name string
	if json.Unmarshal(raw, &name) != nil {
		name = strings.Repeat("?", maxName+1) // as bad as one that is too long
	}
	return f.name(row, "properties.name", name)
}

// polygon reads the rings of a geometry; nil when it has a fault.
func (f *faults) polygon(row int, geometry object, rules Rules) [][]Point {
	switch t := text(geometry["type"]); t {
	case "Polygon":
	case "MultiPolygon":
		f.add(row, "geometry.type", "单元网格须为一个连通的面（Polygon），不能是多部分面（MultiPolygon）；请拆成各有编码的网格",
			"a unit grid is one connected area (Polygon), not a MultiPolygon; make each part a grid with its own code")
		return nil
	default:
		f.add(row, "geometry.type", "应为 Polygon，实为“%s”", "must be Polygon, not %q", cut(t, 40))
		return nil
	}
	if rings, ok := plainRings(geometry["coordinates"], rules.MaxPoints); ok {
		return rings
	}
	var coordinates [][][]float64 // slower, but it knows what is wrong
	if json.Unmarshal(geometry["coordinates"], &coordinates) != nil || len(coordinates) == 0 {
		f.add(row, "geometry.coordinates", "坐标应为环的数组，环为 [经度, 纬度] 的数组", "coordinates must be an array of rings, a ring an array of [longitude, latitude]")
		return nil
	}
	total, good := 0, true
	rings := make([][]Point, len(coordinates))
	for i, positions := range coordinates {
		total += len(positions)
		rings[i] = make([]Point, len(positions))
		for k, position := range positions {
			if len(position) < 2 {
				f.add(row, ringField(i), "第 %d 个点不足两个坐标", "point %d has fewer than two coordinates", k+1)
				good = false
				break
			}
			rings[i][k] = Point{position[0], position[1]}
		}
	}
	if total > rules.MaxPoints {
		f.add(row, "geometry.coordinates", "点有 %d 个，超过上限 %d", "there are %d points, more than %d", total, rules.MaxPoints)
		good = false
	}
	if !good {
		return nil
	}
	return rings
}

// ringField names a ring of a polygon, 0 the outer one.
func ringField(i int) string { return fmt.Sprintf("geometry.coordinates[%d]", i) }

// text returns a JSON string's value, "" for anything else.
func text(raw json.RawMessage) (s string) {
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// plainRings reads coordinates that are as they should be: an array of rings, a
// ring an array of at most so many [longitude, latitude] in all. They are known
// to be valid JSON.
func plainRings(raw []byte, most int) (rings [][]Point, ok bool) {
	depth, total := 0, 0
	var numbers []float64 // of the position being read
	for i := 0; i < len(raw); {
		switch c := raw[i]; c {
		case '[':
			if depth++; depth == 2 {
				rings = append(rings, make([]Point, 0, 20))
			}
			numbers, i = numbers[:0], i+1
		case ']':
			if depth == 3 {
				if total++; len(numbers) < 2 || total > most {
					return nil, false
				}
				last := len(rings) - 1
				rings[last] = append(rings[last], Point{numbers[0], numbers[1]})
			}
			depth, i = depth-1, i+1
		case ',', ' ', '\t', '\r', '\n':
			i++
		default:
			end := i
			for end < len(raw) && strings.IndexByte("+-.eE0123456789", raw[end]) >= 0 {
				end++
			}
			f, err := strconv.ParseFloat(string(raw[i:end]), 64)
			if err != nil || depth != 3 {
				return nil, false
			}
			numbers, i = append(numbers, f), end
		}
	}
	return rings, len(rings) > 0
}
