package catalog_test

import (
	"testing"

	"wangge/internal/errs"
	"wangge/tenant/catalog"
)

func TestOwnKindsLieWhereTheStandardLeavesRoom(t *testing.T) {
	for _, tt := range []struct {
		name    string
		version catalog.Version
		in      catalog.LocalKind
		code    string // "" for refused
	}{
		{"counted down from 999", catalog.Version2026, catalog.LocalKind{Sort: catalog.Event, Class: "06", Name: "占道健身（自定义）"}, "06-999"},
		{"at a number of its own", catalog.Version2026, catalog.LocalKind{Sort: catalog.Part, Class: "01", Code: "01-080", Name: "某设施异常（自定义）"}, "01-080"},
		{"below the room of 2026", catalog.Version2026, catalog.LocalKind{Sort: catalog.Part, Class: "01", Code: "01-079", Name: "某设施异常（自定义）"}, ""},
		{"a name without the ending", catalog.Version2026, catalog.LocalKind{Sort: catalog.Event, Class: "06", Name: "占道健身"}, ""},
		{"the ending alone", catalog.Version2026, catalog.LocalKind{Sort: catalog.Event, Class: "06", Name: "（自定义）"}, ""},
		{"an event in a class of parts", catalog.Version2026, catalog.LocalKind{Sort: catalog.Event, Class: "01", Name: "占道健身（自定义）"}, ""},
		{"a class that is none", catalog.Version2026, catalog.LocalKind{Sort: catalog.Event, Class: "11", Name: "占道健身（自定义）"}, ""},
		{"a code of another class", catalog.Version2026, catalog.LocalKind{Sort: catalog.Event, Class: "06", Code: "07-999", Name: "占道健身（自定义）"}, ""},
		{"a code of the wrong length", catalog.Version2026, catalog.LocalKind{Sort: catalog.Event, Class: "06", Code: "06-99", Name: "占道健身（自定义）"}, ""},
		{"no sort", catalog.Version2026, catalog.LocalKind{Class: "06", Name: "占道健身（自定义）"}, ""},
		{"counted down from 99", catalog.Version2013, catalog.LocalKind{Sort: catalog.Event, Class: "01", Name: "违法农村自建房"}, "01-99"},
		{"below the room of 2013", catalog.Version2013, catalog.LocalKind{Sort: catalog.Event, Class: "01", Code: "01-59", Name: "违法农村自建房"}, ""},
		{"the name of the standard's", catalog.Version2013, catalog.LocalKind{Sort: catalog.Event, Class: "01", Name: "私搭乱建"}, ""},
		{"class 21", catalog.Version2007, catalog.LocalKind{Sort: catalog.Part, Class: "21", Name: "爱心驿站"}, "21-99"},
		{"another class than 21", catalog.Version2007, catalog.LocalKind{Sort: catalog.Part, Class: "01", Name: "爱心驿站"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := open(t, tt.version)
			k, err := o.AddKind(t.Context(), tt.in)
			if tt.code == "" {
				if errs.KindOf(err) != errs.Invalid || o.store.state.Revision != 0 {
					t.Fatalf("got %+v, %v", k, err)
				}
				return
			}
			if err != nil || k.Code != tt.code || k.Origin != catalog.Own || k.ClassName == "" {
				t.Fatalf("got %+v, %v; want %s", k, err, tt.code)
			}
			kinds, err := o.Kinds(t.Context())
			if err != nil || len(kinds) != len(tt.version.Kinds())+1 {
				t.Errorf("%d kinds, %v", len(kinds), err)
			}
		})
	}
}

func TestOwnKindsAreCountedDown(t *testing.T) {
	o := open(t, catalog.Version2026)
	for _, want := range []string{"06-999", "06-998", "06-997"} {
		k, err := o.AddKind(t.Context(), catalog.LocalKind{Sort: catalog.Event, Class: "06", Name: want + "（自定义）"})
		if err != nil || k.Code != want {
			t.Errorf("got %s, %v; want %s", k.Code, err, want)
		}
	}
	if _, err := o.AddKind(t.Context(), catalog.LocalKind{Sort: catalog.Event, Class: "06", Code: "06-999", Name: "又一个（自定义）"}); errs.KindOf(err) != errs.Invalid {
		t.Errorf("a taken code: %v", err)
	}
	o.must(short + "L-1,06-999,有,1,work_day,\n")
}
