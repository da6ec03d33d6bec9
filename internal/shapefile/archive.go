package shapefile

import (
	"archive/zip"
	"bufio"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
)

// maxDirectory bounds what is read to list a zip file.
const maxDirectory = 1 << 20

// maxText bounds a .cpg and a .prj.
const maxText = 64 << 10

var errDirectory = errors.New("the directory of the archive is too large")

// gauge lets a budget of bytes be read while the directory of a zip is listed,
// and then anything: a directory is held in memory, and its size is foreign.
type gauge struct {
	io.ReaderAt
	left  int64
	armed bool
}

func (g *gauge) ReadAt(p []byte, off int64) (int, error) {
	if g.armed {
		if g.left -= int64(len(p)); g.left < 0 {
			return 0, errDirectory
		}
	}
	return g.ReaderAt.ReadAt(p, off)
}

// archive is the parts of the one layer that a zip file holds.
type archive struct {
	shp, dbf, prj, cpg *zip.File
}

// list opens a zip file and finds its one layer.
func list(r io.ReaderAt, size int64) (archive, error) {
	g := &gauge{r, maxDirectory, true}
	z, err := zip.NewReader(g, size)
	g.armed = false
	switch {
	case errors.Is(err, errDirectory):
		return archive{}, fault("", 0, "", "压缩包内文件过多", "the archive has too many files")
	case err != nil:
		return archive{}, fault("", 0, "", "不是完整的 zip 压缩包", "this is no complete zip archive")
	}
	var a archive
	for _, f := range z.File {
		if tricky(f.Name) {
			return archive{}, fault("", 0, "", "压缩包内的文件路径“%s”不安全", "the archive has the unsafe path %q", cut(printable(f.Name)))
		}
		if extension(f) != ".shp" {
			continue
		}
		if a.shp != nil {
			return archive{}, fault("", 0, "", "压缩包内有多个 .shp 文件，每次只能导入一个图层", "the archive has more than one .shp; send one layer at a time")
		}
		a.shp = f
	}
	if a.shp == nil {
		return archive{}, fault("", 0, "", "压缩包内没有 .shp 文件", "the archive has no .shp")
	}
	for _, f := range z.File {
		if strings.EqualFold(stem(f.Name), stem(a.shp.Name)) {
			a.take(f)
		}
	}
	if a.dbf == nil {
		return archive{}, fault(base(a.shp), 0, "", "压缩包内没有与 .shp 同名的 .dbf 属性表", "the archive has no .dbf of the same name as the .shp")
	}
	return a, nil
}

func (a *archive) take(f *zip.File) {
	switch extension(f) {
	case ".dbf":
		a.dbf = f
	case ".prj":
		a.prj = f
	case ".cpg":
		a.cpg = f
	}
}

// tricky tells whether a path leads out of the archive. Nothing is ever
// unpacked under it; an archive that has one was not made in good faith.
func tricky(name string) bool {
	parts := strings.FieldsFunc(name, slash)
	return strings.HasPrefix(name, "/") || strings.HasPrefix(name, `\`) || strings.Contains(name, ":") ||
		strings.ContainsRune(name, 0) || slices.Contains(parts, "..")
}

func slash(r rune) bool { return r == '/' || r == '\\' }

// extension is a file's, in small letters; "" for folders and for what macOS
// packs beside each file.
func extension(f *zip.File) string {
	if strings.HasPrefix(f.Name, "__MACOSX") || strings.HasPrefix(base(f), "._") {
		return ""
	}
	return strings.ToLower(path.Ext(f.Name))
}

func stem(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

// base is a file's name without folders, fit to be shown.
func base(f *zip.File) string {
	name := f.Name
	if i := strings.LastIndexFunc(name, slash); i >= 0 {
		name = name[i+1:]
	}
	return cut(printable(name))
}

// printable brings a name that is in GBK, as Windows packs it, to UTF-8.
func printable(name string) string {
	text, _ := decode(guess([]byte(name)), []byte(name), false)
	return text
}

// member reads one part of an archive.
type member struct {
	file string
	r    *bufio.Reader
	left int64 // bytes until the limit
}

func open(f *zip.File, limit int64) (*member, error) {
	if f.Flags&1 != 0 {
		return nil, fault(base(f), 0, "", "文件已加密，请使用不加密的压缩包", "the file is encrypted; send an archive without a password")
	}
	r, err := f.Open()
	if err != nil {
		return nil, fault(base(f), 0, "", "压缩方式不受支持或压缩包已损坏", "its compression is not supported, or the archive is damaged")
	}
	return &member{base(f), bufio.NewReaderSize(r, 64<<10), limit}, nil
}

// fill reads exactly p. row is what is being read, 0 for a head.
func (m *member) fill(p []byte, row int) error {
	if m.left -= int64(len(p)); m.left < 0 {
		return fault(m.file, row, "", "解压后超过大小上限", "it is larger than allowed when unpacked")
	}
	switch _, err := io.ReadFull(m.r, p); {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fault(m.file, row, "", "文件不完整", "the file is cut off")
	default:
		return fault(m.file, row, "", "压缩包已损坏", "the archive is damaged")
	}
}

// text reads a short part as a whole, "" when there is none.
func text(f *zip.File) (string, error) {
	if f == nil {
		return "", nil
	}
	m, err := open(f, maxText)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(m.r, maxText+1))
	switch {
	case err != nil:
		return "", fault(m.file, 0, "", "压缩包已损坏", "the archive is damaged")
	case len(b) > maxText:
		return "", fault(m.file, 0, "", "解压后超过大小上限", "it is larger than allowed when unpacked")
	}
	return strings.ToValidUTF8(string(b), "?"), nil
}
