package part

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"wangge/internal/errs"
	"wangge/tenant/grid"
)

// Locate finds the unit grid of a place as the grids stood when it was made.
type Locate func(grid.Point) (grid.Code, bool)

// KindName is the name of a kind of parts in a version of the catalogue; ok is
// false when there is no such kind.
type KindName func(version, code string) (name string, ok bool)

// rules are what a file of parts is held to.
type rules struct {
	std       standard
	numbering Numbering
	locate    Locate
	kind      KindName
}

// check makes a part of a record, or says all that is wrong with it.
func (r rules) check(rec Record) (p Part, faults []Fault) {
	faults = rec.Faults
	add := func(k Key, zh, en string) { faults = append(faults, Fault{k, zh, en}) }
	bad := func(k Key) bool {
		for _, f := range rec.Faults {
			if f.Key == k {
				return true
			}
		}
		return false
	}
	for _, f := range r.std.fields {
		v := rec.Value[f.Key]
		switch {
		case v == "" && f.Must(r.numbering) && !bad(f.Key):
			add(f.Key, "必填", "is required")
		case f.Length > 0 && utf8.RuneCountInString(v) > f.Length:
			add(f.Key, fmt.Sprintf("不得多于 %d 个字", f.Length), fmt.Sprintf("must have at most %d characters", f.Length))
		case !utf8.ValidString(v) || strings.ContainsRune(v, 0):
			add(f.Key, "含有无效字符", "has characters that are none")
		}
	}
	v := rec.Value
	p = Part{
		ID: v[ID], Numbering: r.numbering.Name, Version: r.numbering.Version, Name: v[Name],
		Responsible: Unit{v[ResponsibleCode], v[ResponsibleName]}, Owner: Unit{v[OwnerCode], v[OwnerName]},
		Maintainer: Unit{v[MaintainerCode], v[MaintainerName]},
		Initial:    v[Initial], Changed: v[Changed], Source: v[SourceOf], Note: v[Note],
	}
	county := ""
	if v[ID] != "" && !bad(ID) {
		var ok bool
		if county, p.Kind, ok = r.numbering.Read(v[ID]); !ok {
			add(ID, fmt.Sprintf("“%s”应为 %d 位数字（%s：区县、大类、小类、顺序号），顺序号不为 0", cut(v[ID]), r.numbering.Digits(), r.numbering),
				fmt.Sprintf("%q must have %d digits (%s: county, class, subclass, serial not 0)", cut(v[ID]), r.numbering.Digits(), r.numbering))
		} else if _, ok := r.kind(r.numbering.Version, p.Kind); !ok {
			add(ID, fmt.Sprintf("%s 中没有部件类别 %s", r.numbering.Version, p.Kind), fmt.Sprintf("%s has no kind of parts %s", r.numbering.Version, p.Kind))
		}
	}
	if v[StateOf] != "" {
		var ok bool
		if p.State, ok = r.std.words[v[StateOf]]; !ok {
			add(StateOf, "“"+cut(v[StateOf])+"”应为 完好、破损、丢失、废弃、移除 之一", fmt.Sprintf("%q must be one of intact, damaged, lost, abandoned, removed", cut(v[StateOf])))
		}
	}
	for _, k := range []Key{Initial, Changed} {
		if _, err := time.Parse(time.DateOnly, v[k]); v[k] != "" && err != nil {
			add(k, "“"+cut(v[k])+"”不是日期", fmt.Sprintf("%q is no day", cut(v[k])))
		}
	}
	if v[Changed] != "" && v[Changed] < v[Initial] {
		add(Changed, "变更日期早于初始日期", "the part was changed before its initial day")
	}
	faults = append(faults, r.place(rec, &p, county)...)
	return p, faults
}

// place finds the grid of a record's place and holds what the record says about
// where it is against it.
func (r rules) place(rec Record, p *Part, county string) (faults []Fault) {
	at := rec.Place
	switch {
	case !at.Known:
		for _, f := range rec.Faults {
			if f.Key == Lon || f.Key == Lat {
				return nil
			}
		}
		return []Fault{{Lon, "缺少坐标", "there is no place"}}
	case math.IsNaN(at.Lon) || math.IsNaN(at.Lat) || math.Abs(at.Lon) > 180 || math.Abs(at.Lat) > 90:
		return []Fault{{Lon, "坐标应为经纬度（度）", "the place must be longitude and latitude in degrees"}}
	}
	p.Place = grid.Point{Lon: at.Lon, Lat: at.Lat}
	code, ok := r.locate(p.Place)
	if !ok {
		return []Fault{{Lon, fmt.Sprintf("坐标 %.6f, %.6f 不在任何单元网格内", at.Lon, at.Lat), fmt.Sprintf("the place %.6f, %.6f lies in no unit grid", at.Lon, at.Lat)}}
	}
	p.Grid = code
	for _, c := range []struct {
		key              Key
		says, is, zh, en string
	}{
		{Grid, rec.Value[Grid], code.String(), "单元网格", "unit grid"},
		{StreetCode, rec.Value[StreetCode], code.Street(), "街道", "street"},
		{CommunityCode, rec.Value[CommunityCode], code.Community(), "社区", "community"},
		{ID, county, code.County(), "区县", "county"},
	} {
		if c.says != "" && c.says != c.is {
			faults = append(faults, Fault{
				c.key, fmt.Sprintf("%s填写为 %s，坐标所在为 %s", c.zh, cut(c.says), c.is),
				fmt.Sprintf("the %s is said to be %s, but the place lies in %s", c.en, cut(c.says), c.is),
			})
		}
	}
	return faults
}

// cut shortens a foreign text for a message.
func cut(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// maxListed is how many faults of a file are listed; the rest is counted.
const maxListed = 200

// problems collects the faults of a file.
type problems struct {
	std    standard
	file   string
	listed []errs.Problem
	more   int
}

func (c *problems) add(row int, faults ...Fault) {
	for _, f := range faults {
		if len(c.listed) == maxListed {
			c.more++
			continue
		}
		c.listed = append(c.listed, errs.Problem{File: c.file, Row: row, Field: c.std.fields[f.Key].Code, Zh: f.Zh, En: f.En})
	}
}

// count is how many faults there are.
func (c *problems) count() int { return len(c.listed) + c.more }

// all are the faults listed, and one entry that counts the rest.
func (c *problems) all() []errs.Problem {
	if c.more == 0 {
		return c.listed
	}
	return append(c.listed[:len(c.listed):len(c.listed)], errs.Problem{
		File: c.file, Zh: fmt.Sprintf("另有 %d 处问题未列出", c.more), En: fmt.Sprintf("%d more faults are not listed", c.more),
	})
}
