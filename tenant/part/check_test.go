package part

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"wangge/tenant/grid"
)

// here is the only grid of these tests, between 106° and 107° east.
func here(t testing.TB) grid.Code {
	t.Helper()
	code, err := grid.ParseCode("150302001002003")
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// ruled are the rules of a numbering in a city of one grid and two kinds.
func ruled(t testing.TB, numbering string) rules {
	t.Helper()
	std, err := readStandard()
	if err != nil {
		t.Fatal(err)
	}
	n, err := (&Service{std: std}).Numbering(numbering)
	if err != nil {
		t.Fatal(err)
	}
	code := here(t)
	return rules{
		std, n,
		func(p grid.Point) (grid.Code, bool) { return code, p.Lon >= 106 && p.Lon < 107 },
		func(version, kind string) (string, bool) {
			return "井盖", version == n.Version && (kind == "01-001" || kind == "01-01")
		},
	}
}

// sound is a record without a fault.
func sound(id string) Record {
	r := Record{Row: 2, Place: Place{Lon: 106.5, Lat: 39.5, Known: true}}
	r.Value[ID], r.Value[Name], r.Value[StateOf], r.Value[Initial] = id, "供水井盖", "完好", "2020-01-31"
	r.Value[ResponsibleCode], r.Value[ResponsibleName] = "11150302MB0000000X", "城市管理局"
	return r
}

func TestAnIdentifierIsReadAsItsVersionSays(t *testing.T) {
	for _, c := range []struct{ numbering, id, kind string }{
		{"", "15030201001000001", "01-001"},
		{"GB/T 47678.5-2026", "15030201001000001", "01-001"},
		{"GB/T 47678.5 draft", "1503020100100001", "01-001"},
		{"GB/T 30428.2-2013", "1503020101000001", "01-01"},
		{"CJ/T 214-2007", "1503020101000001", "01-01"},
	} {
		p, faults := ruled(t, c.numbering).check(sound(c.id))
		if len(faults) > 0 || p.Kind != c.kind || p.ID != c.id || p.Grid != here(t) || p.State != Intact {
			t.Errorf("%s %s: %+v, %+v", c.numbering, c.id, p, faults)
		}
	}
	for _, id := range []string{"1503020100100001", "150302010010000001", "05030201001000001", "15030201001000000", "1503020100100000x", "１５030201001000001"} {
		if _, _, ok := ruled(t, "").numbering.Read(id); ok {
			t.Errorf("%s is taken for an identifier of 2026", id)
		}
	}
	if _, err := (&Service{}).Numbering("GB/T 1"); err == nil {
		t.Error("a numbering that nobody knows is taken")
	}
}

func TestEveryFaultOfARecordIsNamed(t *testing.T) {
	with := func(k Key, v string) Record {
		r := sound("15030201001000001")
		r.Value[k] = v
		return r
	}
	nowhere, outside, far, unread := sound("15030201001000001"), sound("15030201001000001"), sound("15030201001000001"), sound("")
	nowhere.Place, outside.Place.Lon, far.Place.Lat = Place{}, 108, 91
	unread.Faults = []Fault{{ID, "科学计数法", "scientific"}}
	for _, c := range []struct {
		name string
		rec  Record
		key  Key
		zh   string
	}{
		{"no identifier", with(ID, ""), ID, "必填"},
		{"an identifier too short", with(ID, "1503020100100001"), ID, "17 位数字"},
		{"no such kind", with(ID, "15030201002000001"), ID, "没有部件类别 01-002"},
		{"another county", with(ID, "15030301001000001"), ID, "区县填写为 150303，坐标所在为 150302"},
		{"no name", with(Name, ""), Name, "必填"},
		{"a name too long", with(Name, strings.Repeat("盖", 31)), Name, "30 个字"},
		{"nobody competent", with(ResponsibleName, ""), ResponsibleName, "必填"},
		{"no code of the competent", with(ResponsibleCode, ""), ResponsibleCode, "必填"},
		{"a code too long", with(OwnerCode, strings.Repeat("1", 19)), OwnerCode, "18 个字"},
		{"no state", with(StateOf, ""), StateOf, "必填"},
		{"a state of its own", with(StateOf, "尚可"), StateOf, "完好、破损"},
		{"no initial day", with(Initial, ""), Initial, "必填"},
		{"no day at all", with(Changed, "2026-02-30"), Changed, "不是日期"},
		{"changed before it was there", with(Changed, "2019-12-31"), Changed, "早于"},
		{"another grid", with(Grid, "150302001002004"), Grid, "坐标所在为 150302001002003"},
		{"another street", with(StreetCode, "150302002"), StreetCode, "坐标所在为 150302001"},
		{"another community", with(CommunityCode, "150302001003"), CommunityCode, "坐标所在为 150302001002"},
		{"characters that are none", with(Note, "a\x00b"), Note, "无效字符"},
		{"no place", nowhere, Lon, "缺少坐标"},
		{"outside every grid", outside, Lon, "不在任何单元网格"},
		{"off the globe", far, Lon, "经纬度"},
		{"what the reading found", unread, ID, "科学计数法"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, faults := ruled(t, "").check(c.rec)
			if len(faults) != 1 || faults[0].Key != c.key || !strings.Contains(faults[0].Zh, c.zh) || faults[0].En == "" {
				t.Errorf("got %+v, want one at %d that says %q", faults, c.key, c.zh)
			}
		})
	}
}

func TestBefore2026ADepartmentNeedsNoCode(t *testing.T) {
	r := sound("1503020101000001")
	r.Value[ResponsibleCode] = ""
	if _, faults := ruled(t, "GB/T 30428.2-2013").check(r); len(faults) > 0 {
		t.Errorf("refused for %+v", faults)
	}
}

func TestWhatARecordSaysOfItsGridMayAgree(t *testing.T) {
	r := sound("15030201001000001")
	r.Value[Grid], r.Value[StreetCode], r.Value[CommunityCode], r.Value[StateOf] = "150302001002003", "150302001", "150302001002", "damaged"
	if p, faults := ruled(t, "").check(r); len(faults) > 0 || p.State != Damaged {
		t.Errorf("got %+v, %+v", p, faults)
	}
}

func TestTheDataNamesEveryFieldAndState(t *testing.T) {
	s, err := NewService(nil, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	fields := s.Fields()
	for k, code := range map[Key]string{ID: "GLBJBSM", Grid: "SZDYWGBSM", CommunityName: "SZSQMC", Lat: "lat"} {
		if f := fields[k]; f.Key != k || f.Code != code {
			t.Errorf("field %d is %+v, want %s", k, f, code)
		}
	}
	for _, state := range States() {
		if s.StateZh(state) == "" {
			t.Errorf("%s has no word", state)
		}
	}
	if len(s.Numberings()) != 4 {
		t.Errorf("numberings %v", s.Numberings())
	}
}

func TestTwoIdentifiersAreNeverPackedAlike(t *testing.T) {
	digits := rapid.StringMatching(`[0-9]{1,24}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := digits.Draw(t, "a"), digits.Draw(t, "b")
		pa, ok := pack(a)
		pb, okB := pack(b)
		if !ok || !okB || (pa == pb) != (a == b) {
			t.Fatalf("%s and %s are packed as %v and %v", a, b, pa, pb)
		}
	})
	for _, s := range []string{"", "12x", strings.Repeat("1", 25)} {
		if _, ok := pack(s); ok {
			t.Errorf("%q is packed", s)
		}
	}
}
