package shapefile

import (
	"archive/zip"
	"encoding/binary"
	"io"
	"math"
)

// Reader reads a layer record by record. It is not safe for concurrent use.
type Reader struct {
	limits Limits
	shapes *member
	table  *table
	prj    string
	left   int64  // bytes of shapes to come, as the head states
	number int    // of the last record
	buf    []byte // of a record
	over   bool   // at the end, or broken
}

// Open reads the heads of the one layer in a zip file of size bytes. What is no
// such file is an Invalid error.
func Open(r io.ReaderAt, size int64, limits Limits) (*Reader, error) {
	limits = limits.orDefault()
	a, err := list(r, size)
	if err != nil {
		return nil, err
	}
	out := &Reader{limits: limits}
	if out.prj, err = text(a.prj); err != nil {
		return nil, err
	}
	cpg, err := text(a.cpg)
	if err != nil {
		return nil, err
	}
	if out.table, err = openTable(a.dbf, limits, cpg); err != nil {
		return nil, err
	}
	if out.table.encoding == unsaid {
		if out.table.encoding, err = settle(a.dbf, limits); err != nil {
			return nil, err
		}
	}
	return out, out.openShapes(a.shp)
}

// openShapes reads the head of the .shp.
func (r *Reader) openShapes(f *zip.File) (err error) {
	if r.shapes, err = open(f, r.limits.Bytes); err != nil {
		return err
	}
	head := make([]byte, 100)
	if err := r.shapes.fill(head, 0); err != nil {
		return err
	}
	r.left = 2*int64(binary.BigEndian.Uint32(head[24:])) - 100
	if binary.BigEndian.Uint32(head) != 9994 || binary.LittleEndian.Uint32(head[28:]) != 1000 || r.left < 0 {
		return fault(r.shapes.file, 0, "", "不是 Shapefile", "this is no Shapefile")
	}
	code := binary.LittleEndian.Uint32(head[32:])
	if _, known := kinds[code]; !known {
		return fault(r.shapes.file, 0, "", "图形类型 %s 不受支持，应为点或面", "shapes of the kind %s are not supported, only points and polygons", kindName(code))
	}
	return nil
}

// Fields lists the columns of the attribute table.
func (r *Reader) Fields() []Field { return r.table.fields }

// PRJ is the well-known text of the coordinate system, "" when the file has
// none.
func (r *Reader) PRJ() string { return r.prj }

// File is the name of the .shp, for messages.
func (r *Reader) File() string { return r.shapes.file }

// Next returns the next record, io.EOF after the last; deleted ones are passed
// over. After an error about one record the next call goes on behind it; after
// one about the file the next call returns io.EOF.
func (r *Reader) Next() (Record, error) {
	for !r.over {
		live, shape, err := r.step()
		if r.over {
			if err == nil {
				err = io.EOF
			}
			return Record{}, err
		}
		if !live {
			continue
		}
		if err != nil {
			return Record{}, err
		}
		values, err := r.table.values()
		if err != nil {
			return Record{}, err
		}
		return Record{r.number, shape, values}, nil
	}
	return Record{}, io.EOF
}

// step reads the shape and the row of one record; an error with over unset is
// one of the shape alone.
func (r *Reader) step() (live bool, shape Shape, err error) {
	r.over = true // until the record is behind us
	if r.left == 0 {
		return false, Shape{}, r.end()
	}
	content, err := r.content()
	if err != nil {
		return false, Shape{}, err
	}
	if live, err = r.table.next(); err != nil {
		return false, Shape{}, err
	}
	r.over = false
	if live {
		shape, err = r.shape(content)
	}
	return live, shape, err
}

// content reads the bytes of the next shape.
func (r *Reader) content() ([]byte, error) {
	r.number++
	if r.number > r.limits.Records {
		return nil, fault(r.shapes.file, r.number, "", "记录超过上限 %d", "there are more than %d records", r.limits.Records)
	}
	var head [8]byte
	if err := r.shapes.fill(head[:], r.number); err != nil {
		return nil, err
	}
	size := 2 * int64(binary.BigEndian.Uint32(head[4:]))
	r.left -= 8 + size
	if int(binary.BigEndian.Uint32(head[:])) != r.number || r.left < 0 || size < 4 {
		return nil, fault(r.shapes.file, r.number, "", "记录头有误，文件可能已损坏", "the head of the record is faulty; the file may be damaged")
	}
	// With heights and measures, and with every point a part of its own.
	if size > 44+2*16+int64(r.limits.Points)*(4+16+8+8) {
		return nil, fault(r.shapes.file, r.number, "", "图形的点超过上限 %d", "the shape has more than %d points", r.limits.Points)
	}
	if int64(cap(r.buf)) < size {
		r.buf = make([]byte, size)
	}
	r.buf = r.buf[:size]
	return r.buf, r.shapes.fill(r.buf, r.number)
}

// end checks that nothing is left over.
func (r *Reader) end() error {
	if _, err := r.shapes.r.ReadByte(); err == nil {
		return fault(r.shapes.file, 0, "", "文件比文件头所述的长", "the file is longer than its head states")
	}
	if r.table.rows != r.number {
		return fault(r.table.file, 0, "", "属性表有 %d 行，图形有 %d 个", "the table has %d rows for %d shapes", r.table.rows, r.number)
	}
	return nil
}

// kinds are the kinds of shapes in a file: plain, with heights, with measures.
var kinds = map[uint32]Type{0: Null, 1: Points, 11: Points, 21: Points, 5: Polygon, 15: Polygon, 25: Polygon}

// kindName names a kind of shape for a message.
func kindName(code uint32) string {
	switch code {
	case 3, 13, 23:
		return "PolyLine"
	case 8, 18, 28:
		return "MultiPoint"
	case 31:
		return "MultiPatch"
	default:
		return "?"
	}
}

// shape reads the geometry of a record.
func (r *Reader) shape(b []byte) (Shape, error) {
	code := binary.LittleEndian.Uint32(b)
	kind, known := kinds[code]
	switch {
	case !known:
		return Shape{}, fault(r.shapes.file, r.number, "", "图形类型 %s 不受支持，应为点或面", "a shape of the kind %s is not supported, only points and polygons", kindName(code))
	case kind == Null:
		return Shape{}, nil
	case kind == Points && len(b) >= 20:
		return Shape{Points, [][]Point{{point(b[4:])}}}, nil
	case kind == Polygon && len(b) >= 44:
		return r.polygon(b)
	}
	return Shape{}, r.damaged()
}

func (r *Reader) damaged() error {
	return fault(r.shapes.file, r.number, "", "图形数据有误，文件可能已损坏", "the shape is faulty; the file may be damaged")
}

// polygon reads rings: after type and box the number of parts and of points,
// where each part begins, the points.
func (r *Reader) polygon(b []byte) (Shape, error) {
	parts, points := int(binary.LittleEndian.Uint32(b[36:])), int(binary.LittleEndian.Uint32(b[40:]))
	if points > r.limits.Points {
		return Shape{}, fault(r.shapes.file, r.number, "", "图形的点有 %d 个，超过上限 %d", "the shape has %d points, more than %d", points, r.limits.Points)
	}
	if 44+4*parts+16*points > len(b) {
		return Shape{}, r.damaged()
	}
	all := make([]Point, points)
	for i := range all {
		all[i] = point(b[44+4*parts+16*i:])
	}
	out := Shape{Polygon, make([][]Point, parts)}
	from := 0
	for i := range parts {
		to := points
		if i+1 < parts {
			to = int(binary.LittleEndian.Uint32(b[44+4*(i+1):]))
		}
		if int(binary.LittleEndian.Uint32(b[44+4*i:])) != from || to < from || to > points {
			return Shape{}, r.damaged()
		}
		out.Points[i] = all[from:to:to]
		from = to
	}
	return out, nil
}

func point(b []byte) Point {
	return Point{math.Float64frombits(binary.LittleEndian.Uint64(b)), math.Float64frombits(binary.LittleEndian.Uint64(b[8:]))}
}
