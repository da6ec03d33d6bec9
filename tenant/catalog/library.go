package catalog

import (
	"cmp"
	"embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"wangge/tenant/calendar"
)

//go:embed data/*.csv
var data embed.FS

// library is the embedded data of all versions; it never changes.
type library struct {
	editions map[Version]edition
	moves    map[Version]map[key]move // what became of a kind of this version in the next
}

// edition is one version's data.
type edition struct {
	titleZh, titleEn string
	confidence       Confidence
	provenance       string
	layout           Layout
	kinds, parts     []Kind
	classes          []Class
	byKey            map[key]Kind
	partByCode       map[string]Kind
	conditions       []Condition
}

// load reads the embedded data once per process.
var load = sync.OnceValues(func() (*library, error) {
	l := &library{editions: map[Version]edition{}, moves: map[Version]map[key]move{}}
	rows, err := table("versions.csv")
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		e, err := readEdition(r)
		if err != nil {
			return nil, fmt.Errorf("version %s: %w", r["version"], err)
		}
		l.editions[Version(r["version"])] = e
	}
	return l, l.readMoves()
})

// table reads an embedded file by its header.
func table(name string) ([]map[string]string, error) {
	text, err := data.ReadFile("data/" + name)
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	out := make([]map[string]string, 0, len(rows))
	for _, r := range rows[1:] {
		named := make(map[string]string, len(r))
		for i, cell := range r {
			named[rows[0][i]] = cell
		}
		out = append(out, named)
	}
	return out, nil
}

func readEdition(r map[string]string) (edition, error) {
	v := Version(r["version"])
	e := edition{
		titleZh: r["title_zh"], titleEn: r["title_en"], confidence: Confidence(r["confidence"]), provenance: r["provenance"],
		layout: Layout{LocalClass: r["local_class"], LocalSuffix: r["local_suffix"], prefix: r["code_prefix"]},
		byKey:  map[key]Kind{}, partByCode: map[string]Kind{},
	}
	for name, n := range map[string]*int{
		"class_digits": &e.layout.ClassDigits, "sub_digits": &e.layout.SubDigits, "part_id_digits": &e.layout.PartIDDigits,
		"type_code_digits": &e.layout.TypeCodeDigits, "local_from": &e.layout.LocalFrom, "local_to": &e.layout.LocalTo,
	} {
		var err error
		if *n, err = strconv.Atoi(r[name]); err != nil {
			return e, fmt.Errorf("%s: %w", name, err)
		}
	}
	var err error
	if e.kinds, err = readKinds(v, "kinds-"+v.Year()+".csv"); err != nil {
		return e, err
	}
	for _, k := range e.kinds {
		e.byKey[k.key()] = k
		if c := (Class{k.Sort, k.Class, k.ClassName}); !slices.Contains(e.classes, c) {
			e.classes = append(e.classes, c)
		}
	}
	if v == Version2026 {
		e.parts, err = readKinds(v, "parts-"+v.Year()+".csv")
	} else {
		e.parts = slices.DeleteFunc(slices.Clone(e.kinds), func(k Kind) bool { return k.Sort != Part })
	}
	for _, k := range e.parts {
		e.partByCode[k.Code] = k
	}
	if err != nil {
		return e, err
	}
	e.conditions, err = e.readConditions("conditions-" + v.Year() + ".csv")
	return e, err
}

func readKinds(v Version, file string) ([]Kind, error) {
	rows, err := table(file)
	if err != nil {
		return nil, err
	}
	out := make([]Kind, len(rows))
	for i, r := range rows {
		out[i] = Kind{
			Version: string(v), Code: r["code"], Class: r["class"], Sort: Sort(r["sort"]), Name: r["name_zh"], NameEn: r["name_en"],
			ClassName: r["class_name"], Origin: National, Confidence: Confidence(r["confidence"]),
		}
	}
	slices.SortStableFunc(out, func(a, b Kind) int {
		return cmp.Or(-cmp.Compare(a.Sort, b.Sort), cmp.Compare(a.Code, b.Code))
	})
	return out, nil
}

func (e edition) readConditions(file string) ([]Condition, error) {
	sources := map[string]string{}
	lists, err := table("lists.csv")
	if err != nil {
		return nil, err
	}
	for _, r := range lists {
		sources[r["list"]] = r["source_zh"]
	}
	rows, err := table(file)
	if err != nil {
		return nil, err
	}
	out := make([]Condition, len(rows))
	for i, r := range rows {
		value, err := strconv.Atoi(r["limit_value"])
		if err != nil {
			return nil, fmt.Errorf("condition %s: %w", r["code"], err)
		}
		kind, ok := e.byKey[key{Sort(r["sort"]), r["kind"]}]
		if !ok {
			return nil, fmt.Errorf("condition %s: kind %s is not in the catalogue", r["code"], r["kind"])
		}
		out[i] = Condition{
			Code: r["code"], Line: r["code"], Kind: kind, Filing: r["filing_zh"], Closing: r["closing_zh"], AreaClass: r["area_class"],
			Limit:  calendar.Limit{Value: value, Unit: calendar.Unit(r["limit_unit"])},
			Origin: National, Source: sources[r["list"]],
		}
	}
	return out, nil
}
