package division

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed data/index.csv data/*.gz
var files embed.FS

// municipalities are the provinces whose districts take the place of cities.
var municipalities = []string{"11", "12", "31", "50"}

// Load reads the index of provinces, cities and counties.
func Load() (*Atlas, error) {
	text, err := files.ReadFile("data/index.csv")
	if err != nil {
		return nil, err
	}
	a := &Atlas{
		byCode:   map[string]Division{},
		children: map[string][]Division{},
		sections: map[string]func() section{},
	}
	for line := range strings.Lines(string(text)) {
		code, name, ok := strings.Cut(strings.TrimSpace(line), ",")
		if !ok {
			return nil, fmt.Errorf("index of divisions: bad line %q", line)
		}
		if d, ok := place(code, name); ok {
			a.add(d)
		}
	}
	slices.SortStableFunc(a.index, func(x, y Division) int { return int(x.Level - y.Level) })
	return a, nil
}

// add enters a province, city or county, which must come by code. A city
// without districts comes a second time as its own county: it is entered once.
func (a *Atlas) add(d Division) {
	if _, ok := a.byCode[d.Code]; ok {
		return
	}
	a.index = append(a.index, d)
	a.byCode[d.Code] = d
	a.children[d.Parent] = append(a.children[d.Parent], d)
	if d.Level == Province {
		a.sections[d.Code] = sync.OnceValue(func() section { return unpack(d.Code) })
	}
}

// place makes a division of a row of the statistical tables, whose cities have
// four digits. It refuses the groupings, and puts what they hold under the
// province.
func place(code, name string) (Division, bool) {
	switch len(code) {
	case 2:
		return Division{code, name, Province, ""}, true
	case 4:
		return Division{code + "00", name, City, code[:2]}, !grouping(code)
	}
	if grouping(code[:4]) {
		return Division{code, name, County, code[:2]}, true
	}
	return Division{code, name, County, code[:4] + "00"}, true
}

// grouping reports whether a four-digit code of the tables stands for no city:
// 市辖区 or 县 of a municipality, or what a province governs directly (xx90).
func grouping(code string) bool {
	return code[2:] == "90" || slices.Contains(municipalities, code[:2])
}

// section holds the streets and the communities of one province, each by code.
type section struct{ streets, communities []Division }

// section returns the section a code belongs to, an empty one for a province
// that is not there.
func (a *Atlas) section(code string) section {
	if load := a.sections[code[:2]]; load != nil {
		return load()
	}
	return section{}
}

// level returns the divisions whose codes have that many digits.
func (s section) level(digits int) []Division {
	switch digits {
	case 9:
		return s.streets
	case 12:
		return s.communities
	}
	return nil
}

// unpack reads the section of a province. It panics when the section cannot be
// read: it is part of the program, and the tests read every one.
func unpack(province string) section {
	packed, err := files.ReadFile("data/" + province + ".gz")
	if err != nil {
		panic(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	return parse(string(text))
}

// parse reads the lines of a section: "code name" is a street; what follows is
// a community of it, whose serial is named or one more than the one before.
func parse(text string) (s section) {
	var street string
	var serial int
	for line := range strings.Lines(text) {
		name := strings.TrimSuffix(line, "\n")
		head, rest, numbered := strings.Cut(name, " ")
		switch {
		case numbered && len(head) == 9:
			street, serial = head, 0
			s.streets = append(s.streets, Division{street, rest, Street, street[:6]})
			continue
		case numbered:
			serial, _ = strconv.Atoi(head)
			name = rest
		default:
			serial++
		}
		s.communities = append(s.communities, Division{fmt.Sprintf("%s%03d", street, serial), name, Community, street})
	}
	return s
}
