package part

import (
	"embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
)

//go:embed data/*.csv
var data embed.FS

// Numbering is a way to read a part's identifier: six digits of the county,
// then class, subclass and serial number. How many digits each has is data.
type Numbering struct {
	Name               string // GB/T 47678.5-2026
	Version            string // of the catalogue whose kinds it names
	class, sub, serial int
}

// countyDigits begin every identifier, by GB/T 2260.
const countyDigits = 6

// Digits is how many digits an identifier has.
func (n Numbering) Digits() int { return countyDigits + n.class + n.sub + n.serial }

// String shows the form: 6+2+3+6.
func (n Numbering) String() string {
	return fmt.Sprintf("%d+%d+%d+%d", countyDigits, n.class, n.sub, n.serial)
}

// Read takes an identifier apart into the county's code and the code of the
// kind, such as 01-001; ok is false for what is none of this numbering.
func (n Numbering) Read(id string) (county, kind string, ok bool) {
	if len(id) != n.Digits() || id[0] == '0' || strings.Trim(id, "0123456789") != "" || strings.Trim(id[len(id)-n.serial:], "0") == "" {
		return "", "", false
	}
	class := id[countyDigits : countyDigits+n.class]
	return id[:countyDigits], class + "-" + id[countyDigits+n.class:len(id)-n.serial], true
}

// table reads an embedded file by its header.
func table(name string) ([]map[string]string, error) {
	text, err := data.ReadFile("data/" + name)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(strings.NewReader(string(text)))
	r.LazyQuotes = true
	rows, err := r.ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	out := make([]map[string]string, 0, len(rows))
	for _, row := range rows[1:] {
		named := make(map[string]string, len(row))
		for i, cell := range row {
			named[rows[0][i]] = cell
		}
		out = append(out, named)
	}
	return out, nil
}

// standard is what the package's data says.
type standard struct {
	numberings []Numbering
	fields     []Field
	words      map[string]State // in either language
	shown      map[State]string
}

func readStandard() (s standard, err error) {
	rows, err := table("numberings.csv")
	if err != nil {
		return s, err
	}
	for _, r := range rows {
		n := Numbering{Name: r["numbering"], Version: r["version"]}
		for name, to := range map[string]*int{"class": &n.class, "sub": &n.sub, "serial": &n.serial} {
			if *to, err = strconv.Atoi(r[name]); err != nil {
				return s, fmt.Errorf("numbering %s: %w", n.Name, err)
			}
		}
		s.numberings = append(s.numberings, n)
	}
	if rows, err = table("states.csv"); err != nil {
		return s, err
	}
	s.words, s.shown = map[string]State{}, map[State]string{}
	for _, r := range rows {
		state := State(r["state"])
		s.words[r["state"]], s.words[r["zh"]], s.shown[state] = state, state, r["zh"]
	}
	s.fields, err = readFields()
	return s, err
}
