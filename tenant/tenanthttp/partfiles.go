package tenanthttp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"wangge/internal/errs"
	"wangge/internal/geodesy"
	"wangge/internal/shapefile"
	"wangge/internal/table"
	"wangge/tenant/part"
)

// maxPartFile is the largest file of parts taken over HTTP.
const maxPartFile = 512 << 20

// spool keeps a body in a temporary file, so that it can be read twice and its
// size does not matter. free removes the file.
func spool(body io.Reader) (f *os.File, size int64, sum string, free func(), err error) {
	if f, err = os.CreateTemp("", "wangge-parts-*"); err != nil {
		return nil, 0, "", nil, err
	}
	free = func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
	hash := sha256.New()
	size, err = io.Copy(io.MultiWriter(f, hash), body)
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		err = errs.Field("body", "文件超过 512 MiB", "the file is larger than 512 MiB")
	}
	if err != nil {
		free()
		return nil, 0, "", nil, err
	}
	return f, size, hex.EncodeToString(hash.Sum(nil)), free, nil
}

// partFile reads the records of a file of parts, whatever its format.
type partFile struct {
	name     string
	fields   []part.Field
	optional []string
	system   geodesy.System // declared, or what the file says; "" is CGCS2000
}

func newPartFile(r *Request, name, numbering, crs string) (f partFile, err error) {
	f = partFile{name: name, fields: r.City.Parts.Fields()}
	n, err := r.City.Parts.Numbering(numbering)
	if err != nil {
		return f, err
	}
	for _, field := range f.fields {
		if !field.Must(n) {
			f.optional = append(f.optional, field.Code)
		}
	}
	if crs != "" {
		f.system, err = geodesy.Parse(crs)
	}
	return f, err
}

// open begins to read a file: a zip is a workbook or a Shapefile, a brace begins
// GeoJSON, all else is CSV.
func (f partFile) open(file io.ReaderAt, size int64) (part.Source, error) {
	head := make([]byte, 512)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte("PK")):
		tail := make([]byte, min(size, 1<<20)) // where a zip lists what is in it
		if _, err := file.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if !bytes.Contains(tail, []byte("xl/workbook.xml")) {
			return f.openShapes(file, size)
		}
	case bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n"), []byte("{")):
		return f.openGeoJSON(io.NewSectionReader(file, 0, size))
	}
	t, err := table.Open(f.name, file, size, table.Limits{Bytes: maxPartFile})
	if err != nil {
		return nil, err
	}
	index, err := f.columns(t.Header())
	return &partTable{f, t, index}, err
}

// places are the columns of a place, which map files have elsewhere.
var places = []string{"lon", "lat"}

// columns finds the fields among the names of columns.
func (f partFile) columns(header []string, also ...string) (map[string]int, error) {
	aliases := make(map[string][]string, len(f.fields))
	optional := slices.DeleteFunc(slices.Clone(f.optional), func(code string) bool { return slices.Contains(places, code) })
	for _, field := range f.fields {
		aliases[field.Code] = append([]string{field.Code}, field.Names...)
	}
	index, err := table.Columns(header, aliases, append(optional, also...)...)
	if e, ok := errs.As(err); ok {
		for i := range e.Problems {
			e.Problems[i].File = f.name
		}
	}
	return index, err
}

// record reads a row by its columns; the place is another's.
func (f partFile) record(row table.Row, index map[string]int) part.Record {
	rec := part.Record{Row: row.Number}
	for _, field := range f.fields {
		i, ok := index[field.Code]
		if !ok {
			continue
		}
		var fault *table.Fault
		rec.Given = rec.Given.With(field.Key)
		switch {
		case field.IsCode:
			rec.Value[field.Key], fault = row.Code(i)
		case field.IsDate:
			var day time.Time
			if day, fault = row.Date(i); fault == nil && !day.IsZero() {
				rec.Value[field.Key] = day.Format(time.DateOnly)
			}
		default:
			rec.Value[field.Key] = row.Text(i)
		}
		if fault != nil {
			rec.Faults = append(rec.Faults, part.Fault{Key: field.Key, Zh: fault.Zh, En: fault.En})
		}
	}
	return rec
}

func (f partFile) place(lon, lat float64) part.Place {
	lon, lat = f.system.ToCGCS2000(lon, lat)
	return part.Place{Lon: lon, Lat: lat, Known: true}
}

// partTable reads CSV and workbooks.
type partTable struct {
	partFile
	rows  *table.Reader
	index map[string]int
}

func (t *partTable) Next() (part.Record, error) {
	row, err := t.rows.Next()
	if err != nil {
		return part.Record{}, err
	}
	rec := t.record(row, t.index)
	lon, badLon := row.Number64(t.index["lon"])
	lat, badLat := row.Number64(t.index["lat"])
	for _, bad := range []struct {
		key   part.Key
		fault *table.Fault
	}{{part.Lon, badLon}, {part.Lat, badLat}} {
		if bad.fault != nil {
			rec.Faults = append(rec.Faults, part.Fault{Key: bad.key, Zh: bad.fault.Zh, En: bad.fault.En})
		}
	}
	if badLon == nil && badLat == nil {
		rec.Place = t.place(lon, lat)
	}
	return rec, nil
}

// partShapes reads a zipped Shapefile.
type partShapes struct {
	partFile
	shapes *shapefile.Reader
	index  map[string]int
}

func (f partFile) openShapes(file io.ReaderAt, size int64) (part.Source, error) {
	shapes, err := shapefile.Open(file, size, shapefile.Limits{})
	if err != nil {
		return nil, err
	}
	s := &partShapes{partFile: f, shapes: shapes}
	if s.system == "" && shapes.PRJ() != "" {
		if s.system, err = geodesy.ParsePRJ(shapes.PRJ()); err != nil {
			return nil, err
		}
	}
	var header []string
	for _, field := range shapes.Fields() {
		header = append(header, field.Name)
	}
	s.index, err = f.columns(header, places...)
	return s, err
}

func (s *partShapes) Next() (part.Record, error) {
	r, err := s.shapes.Next()
	if err != nil {
		return part.Record{}, err
	}
	rec := s.record(table.Row{Number: r.Number, Cells: r.Values}, s.index)
	if r.Shape.Type == shapefile.Points && len(r.Shape.Points) == 1 && len(r.Shape.Points[0]) == 1 {
		rec.Place = s.place(r.Shape.Points[0][0][0], r.Shape.Points[0][0][1])
	} else {
		rec.Faults = append(rec.Faults, noPoint())
	}
	return rec, nil
}

func noPoint() part.Fault {
	return part.Fault{Key: part.Lon, Zh: "部件的几何应为点", En: "a part's geometry must be a point"}
}

// partFeatures reads the features of GeoJSON one by one.
type partFeatures struct {
	partFile
	json  *json.Decoder
	allow *ration
	row   int
	keys  []string       // of the feature before
	index map[string]int // of keys
}

// maxFeature is the most that one feature may be long, and all before the first.
const maxFeature = 1 << 20

var errNoGeoJSON = errors.New("not a FeatureCollection")

// ration bounds what is read for one feature.
type ration struct {
	io.Reader
	left int64
}

func (r *ration) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errNoGeoJSON
	}
	n, err := r.Reader.Read(p)
	r.left -= int64(n)
	return n, err
}

func (f partFile) openGeoJSON(body io.Reader) (part.Source, error) {
	s := &partFeatures{partFile: f, allow: &ration{body, maxFeature}}
	s.json = json.NewDecoder(s.allow)
	s.json.UseNumber()
	if err := s.begin(); err != nil {
		return nil, err
	}
	return s, nil
}

// begin reads up to the first feature.
func (s *partFeatures) begin() error {
	if _, err := s.json.Token(); err != nil {
		return s.broken(err)
	}
	for s.json.More() {
		key, err := s.json.Token()
		if err != nil {
			return s.broken(err)
		}
		switch key {
		case "features":
			if open, err := s.json.Token(); err != nil || open != json.Delim('[') {
				return s.broken(orNone(err))
			}
			return nil
		case "crs":
			var crs struct {
				Properties struct {
					Name string `json:"name"`
				} `json:"properties"`
			}
			if err := s.json.Decode(&crs); err != nil {
				return s.broken(err)
			}
			if s.system == "" && crs.Properties.Name != "" {
				if s.system, err = geodesy.Parse(crs.Properties.Name); err != nil {
					return err
				}
			}
		default:
			var other json.RawMessage
			if err := s.json.Decode(&other); err != nil {
				return s.broken(err)
			}
		}
	}
	return s.broken(errNoGeoJSON)
}

// orNone is err, or that a token stands where another belongs.
func orNone(err error) error {
	if err == nil {
		return errNoGeoJSON
	}
	return err
}

// broken tells a faulty file from a failing disk.
func (s *partFeatures) broken(err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &syntax) || errors.As(err, &wrong) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errNoGeoJSON) {
		return errs.Problems(errs.Problem{File: s.name, Row: s.row, Zh: "不是完好的 GeoJSON FeatureCollection", En: "not a sound GeoJSON FeatureCollection"})
	}
	return err
}

func (s *partFeatures) Next() (part.Record, error) {
	s.allow.left = maxFeature
	if !s.json.More() {
		if end, err := s.json.Token(); err != nil || end != json.Delim(']') {
			return part.Record{}, s.broken(orNone(err))
		}
		return part.Record{}, io.EOF
	}
	s.row++
	var feature struct {
		Geometry *struct {
			Type        string          `json:"type"`
			Coordinates json.RawMessage `json:"coordinates"`
		} `json:"geometry"`
		Properties map[string]any `json:"properties"`
	}
	if err := s.json.Decode(&feature); err != nil {
		return part.Record{}, s.broken(err)
	}
	keys := slices.Sorted(maps.Keys(feature.Properties))
	if s.index == nil || !slices.Equal(keys, s.keys) {
		var optional []string // what a feature lacks is for the record to miss
		for _, field := range s.fields {
			optional = append(optional, field.Code)
		}
		index, err := s.columns(keys, optional...)
		if err != nil {
			return part.Record{}, err
		}
		s.keys, s.index = keys, index
	}
	row := table.Row{Number: s.row, Cells: make([]string, len(keys))}
	for i, key := range keys {
		if v := feature.Properties[key]; v != nil {
			row.Cells[i] = strings.TrimSpace(fmt.Sprint(v))
		}
	}
	rec := s.record(row, s.index)
	var point []float64
	if g := feature.Geometry; g == nil || g.Type != "Point" || json.Unmarshal(g.Coordinates, &point) != nil || len(point) < 2 {
		rec.Faults = append(rec.Faults, noPoint())
	} else {
		rec.Place = s.place(point[0], point[1])
	}
	return rec, nil
}

// upload makes an upload of what a request brings; free ends it.
func upload(r *Request, in partImport) (up part.Upload, free func(), err error) {
	name := in.File
	if name == "" {
		name = "body"
	}
	format, err := newPartFile(r, name, in.Numbering, in.CRS)
	if err != nil {
		return up, nil, err
	}
	file, size, sum, free, err := spool(r.HTTP.Request.Body)
	if err != nil {
		return up, nil, err
	}
	return part.Upload{
		File: name, SHA256: sum, Numbering: in.Numbering, By: r.Session.Account.ID,
		Open: func() (part.Source, error) { return format.open(file, size) },
	}, free, nil
}

// writeParts writes a table of parts that an import reads again.
func writeParts(ctx context.Context, parts *part.Service, f part.Filter, w io.Writer, format table.Format) error {
	out := table.NewWriter(w, format, "部件")
	var header []any
	for _, field := range parts.Fields() {
		if field.Key != part.StreetName && field.Key != part.CommunityName {
			header = append(header, field.Names[0])
		}
	}
	if err := out.Write(header...); err != nil {
		return errors.Join(err, out.Close())
	}
	day := func(s string) string { return strings.ReplaceAll(s, "-", "") } // D8
	err := parts.Each(ctx, f, func(p part.Part) error {
		return out.Write(p.ID, p.Name, p.Responsible.Code, p.Responsible.Name, p.Owner.Code, p.Owner.Name, p.Maintainer.Code, p.Maintainer.Name,
			p.Grid, parts.StateZh(p.State), day(p.Initial), day(p.Changed), p.Source, p.Note, p.Grid.Street(), p.Grid.Community(), p.Place.Lon, p.Place.Lat)
	})
	if err != nil {
		return err
	}
	return out.Close()
}
