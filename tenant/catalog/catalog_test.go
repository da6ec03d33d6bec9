package catalog_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"wangge/tenant/calendar"
	"wangge/tenant/catalog"
)

func TestTheStartingSetIsTheNationalListWithYunchengLimits(t *testing.T) {
	kinds, conditions, err := catalog.Starting()
	if err != nil {
		t.Fatal(err)
	}
	parts := 0
	for _, k := range kinds {
		if k.Sort == catalog.Part {
			parts++
		}
	}
	if len(kinds) != 250 || parts != 153 {
		t.Errorf("got %d kinds, %d of parts; the standard lists 250 and 153", len(kinds), parts)
	}
	if len(conditions) != 353 {
		t.Errorf("got %d conditions, want 353", len(conditions))
	}
	first := conditions[0]
	if first.Kind.Name != "供水井盖异常" || first.Limit != (calendar.Limit{Value: 2, Unit: calendar.UrgentHour}) {
		t.Errorf("a missing water-supply cover is due in two urgent hours; got %+v", first)
	}
}

func TestEveryVersionIsComplete(t *testing.T) {
	for _, tt := range []struct {
		version                          catalog.Version
		parts, events, conditions, class int
	}{
		{catalog.Version2007, 83, 51, 5, 11},
		{catalog.Version2013, 119, 76, 372, 11},
		{catalog.Version2026, 153, 97, 353, 10},
	} {
		kinds, conditions, err := catalog.StartingIn(tt.version)
		if err != nil {
			t.Fatal(err)
		}
		parts, names := 0, map[string]bool{}
		for _, k := range kinds {
			if k.Sort == catalog.Part {
				parts++
			}
			class, _, ok := tt.version.Layout().Split(k.Code)
			id := string(k.Sort) + k.Code
			if !ok || class != k.Class || names[id] || k.Name == "" || k.Origin != catalog.National || k.Confidence == "" {
				t.Errorf("%s: kind %+v", tt.version, k)
			}
			names[id] = true
		}
		if parts != tt.parts || len(kinds)-parts != tt.events || len(conditions) != tt.conditions || len(tt.version.Classes()) != tt.class {
			t.Errorf("%s: %d parts, %d events, %d conditions, %d classes; want %+v", tt.version, parts, len(kinds)-parts, len(conditions), len(tt.version.Classes()), tt)
		}
		if len(tt.version.PartKinds()) != tt.parts {
			t.Errorf("%s: %d kinds of parts", tt.version, len(tt.version.PartKinds()))
		}
		for _, c := range conditions {
			if c.Line != c.Code || c.Source == "" || c.Limit.Value < 1 || !slices.Contains(catalog.AreaClasses(), c.AreaClass) || !c.InForce("2026-11-26") {
				t.Errorf("%s: condition %+v", tt.version, c)
			}
		}
		if how, from := tt.version.Provenance(); how == "" || from == "" {
			t.Errorf("%s says not how it is known", tt.version)
		}
	}
	if _, _, err := catalog.StartingIn("GB/T 1-1999"); err == nil {
		t.Error("a version that is none has a starting set")
	}
}

// The trap: event classes 04 and 05 changed places between 2007 and 2013.
func TestTheSameCodeMeansOtherThingsInOtherVersions(t *testing.T) {
	name := func(v catalog.Version, sort catalog.Sort, code string) string {
		k, _ := v.Kind(sort, code)
		return k.Name
	}
	if got := name(catalog.Version2007, catalog.Event, "05-04"); got != "店外经营" {
		t.Errorf("05-04 of 2007 is %q", got)
	}
	if got := name(catalog.Version2013, catalog.Event, "05-04"); got != "热力管道破裂" {
		t.Errorf("05-04 of 2013 is %q", got)
	}
	if got, ok := catalog.Map(catalog.Version2007, catalog.Version2013, catalog.Event, "05-04"); !ok || got.Code != "04-05" {
		t.Errorf("店外经营 becomes %+v, %v in 2013", got, ok)
	}
	if got := name(catalog.Version2013, catalog.Part, "05-04"); got != "液化气站" {
		t.Errorf("part 05-04 of 2013 is %q", got)
	}
	if name, ok := catalog.PartKind(catalog.Version2026, "01-001"); !ok || name != "供水井盖" {
		t.Errorf("part 01-001 of 2026 is %q, %v", name, ok)
	}
	if name, ok := catalog.PartKind(catalog.Version2013, "01-01"); !ok || name != "上水井盖" {
		t.Errorf("part 01-01 of 2013 is %q, %v", name, ok)
	}
	if _, ok := catalog.PartKind(catalog.Version2026, "06-001"); ok {
		t.Error("an event is taken for a part")
	}
}

func TestKindsMove(t *testing.T) {
	for _, tt := range []struct {
		name     string
		from, to catalog.Version
		sort     catalog.Sort
		code     string
		want     string // codes, "-" for dropped, "?" for unknown
		sure     catalog.Confidence
	}{
		{"a part keeps its number", catalog.Version2013, catalog.Version2026, catalog.Part, "01-01", "01-001", catalog.Verified},
		{"what stood at a water moved to the utilities", catalog.Version2013, catalog.Version2026, catalog.Part, "05-06", "01-069", catalog.Verified},
		{"LPG stations were dropped", catalog.Version2013, catalog.Version2026, catalog.Part, "05-04", "-", ""},
		{"events of appearance became class 06", catalog.Version2013, catalog.Version2026, catalog.Event, "01-10", "06-010", catalog.Verified},
		{"street order became class 09", catalog.Version2013, catalog.Version2026, catalog.Event, "04-05", "09-005", catalog.Verified},
		{"snow became another matter", catalog.Version2013, catalog.Version2026, catalog.Event, "05-07", "10-001", catalog.Verified},
		{"slaughtering joined street order", catalog.Version2013, catalog.Version2026, catalog.Event, "06-02", "09-013", catalog.Verified},
		{"burst pipes have no successor", catalog.Version2013, catalog.Version2026, catalog.Event, "05-01", "-", ""},
		{"kitchen waste has no successor", catalog.Version2013, catalog.Version2026, catalog.Event, "01-31", "-", ""},
		{"poles were split by owner", catalog.Version2007, catalog.Version2013, catalog.Part, "01-17", "01-30 01-31 01-32 01-33 01-34", catalog.Recalled},
		{"over two versions", catalog.Version2007, catalog.Version2026, catalog.Event, "05-04", "09-005", catalog.Inferred},
		{"a city's own is unknown", catalog.Version2013, catalog.Version2026, catalog.Part, "01-99", "?", ""},
		{"nothing is mapped back", catalog.Version2026, catalog.Version2013, catalog.Part, "01-001", "?", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, known := catalog.Successors(tt.from, tt.to, tt.sort, tt.code)
			var codes []string
			for _, m := range list {
				codes = append(codes, m.Code)
				if m.Confidence != tt.sure {
					t.Errorf("%s is %s, want %s", m.Code, m.Confidence, tt.sure)
				}
			}
			got := strings.Join(codes, " ")
			switch {
			case !known:
				got = "?"
			case got == "":
				got = "-"
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			one, ok := catalog.Map(tt.from, tt.to, tt.sort, tt.code)
			if ok != (len(list) == 1) || ok && one.Code != tt.want {
				t.Errorf("mapped to %+v, %v", one, ok)
			}
		})
	}
}

// Every kind of an older version is in the table of moves, and what it became
// is a kind of the next.
func TestEveryKindHasAFate(t *testing.T) {
	all := catalog.Versions()
	for i, from := range all[:len(all)-1] {
		for _, k := range from.Kinds() {
			list, known := catalog.Successors(from, all[i+1], k.Sort, k.Code)
			if !known {
				t.Errorf("%s %s %s %s: nothing says what became of it", from, k.Sort, k.Code, k.Name)
			}
			for _, m := range list {
				if _, ok := all[i+1].Kind(k.Sort, m.Code); !ok {
					t.Errorf("%s %s %s became %s, which is no kind", from, k.Sort, k.Code, m.Code)
				}
			}
		}
	}
}

func TestCodesAreWrittenByTheVersion(t *testing.T) {
	for _, tt := range []struct {
		version  catalog.Version
		code, id string
		typeCode string
	}{
		{catalog.Version2007, "01-01", "3205080101000001", "3205080101"},
		{catalog.Version2013, "01-01", "3205080101000001", "3205080101"},
		{catalog.Version2026, "01-001", "32050801001000001", "32050801001"},
	} {
		l := tt.version.Layout()
		if id, ok := l.PartID("320508", tt.code, 1); !ok || id != tt.id {
			t.Errorf("%s: id %q, %v", tt.version, id, ok)
		}
		county, code, serial, ok := l.ParsePartID(tt.id)
		if !ok || county != "320508" || code != tt.code || serial != 1 {
			t.Errorf("%s: %s is %s %s %d, %v", tt.version, tt.id, county, code, serial, ok)
		}
		if got, ok := l.TypeCode("320508", tt.code); !ok || got != tt.typeCode {
			t.Errorf("%s: type code %s, %v", tt.version, got, ok)
		}
		if _, _, _, ok := l.ParsePartID(tt.id + "0"); ok {
			t.Errorf("%s: a digit too many is read", tt.version)
		}
		if _, ok := l.PartID("320508", tt.code, 1000000); ok {
			t.Errorf("%s: a serial number of seven digits fits", tt.version)
		}
	}
	if _, ok := (catalog.Layout{}).PartID("320508", "01-01", 1); ok {
		t.Error("an unknown version writes ids")
	}
}

func TestPartIDsAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SampledFrom(catalog.Versions()).Draw(t, "version")
		k := rapid.SampledFrom(v.PartKinds()).Draw(t, "kind")
		serial := rapid.IntRange(1, 999999).Draw(t, "serial")
		id, ok := v.Layout().PartID("150302", k.Code, serial)
		county, code, n, read := v.Layout().ParsePartID(id)
		if !ok || !read || county != "150302" || code != k.Code || n != serial {
			t.Fatalf("%s %s %d: %q is read as %s %s %d", v, k.Code, serial, id, county, code, n)
		}
	})
}

func TestVersionsAreFoundByYear(t *testing.T) {
	for _, v := range catalog.Versions() {
		for _, s := range []string{string(v), v.Year()} {
			if got, err := catalog.ParseVersion(s); err != nil || got != v {
				t.Errorf("%s is %s, %v", s, got, err)
			}
		}
	}
	for _, s := range []string{"", "2020", "GB/T 47678.5"} {
		if _, err := catalog.ParseVersion(s); err == nil {
			t.Errorf("%q is a version", s)
		}
	}
}
