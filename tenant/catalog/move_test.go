package catalog_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"wangge/internal/errs"
	"wangge/tenant/catalog"
)

// decide gives every condition that needs it a decision: the first candidate,
// or an end where there is none.
func decide(r catalog.MoveReport) (out []catalog.Decision) {
	for _, i := range r.Items {
		if i.Fate != catalog.Undecided {
			continue
		}
		d := catalog.Decision{Condition: i.Condition.Code}
		if len(i.Candidates) > 0 {
			d.Kind = i.Candidates[0].Code
		}
		out = append(out, d)
	}
	return out
}

// local gives a city of 2013 two kinds of its own with a condition each, one of
// which the standard of 2026 has taken up.
func (o *office) local() {
	o.t.Helper()
	for _, k := range []catalog.LocalKind{{Sort: catalog.Part, Class: "01", Name: "露天供热管道"}, {Sort: catalog.Event, Class: "01", Name: "违规小产权房"}} {
		if _, err := o.AddKind(o.t.Context(), k); err != nil {
			o.t.Fatal(err)
		}
	}
	o.must("code,sort,kind,filing,limit_value,limit_unit\nWH-1,part,01-99,保温层脱落,3,work_day\nWH-2,event,01-99,在建,1,work_day\n")
}

func TestAMoveIsRehearsed(t *testing.T) {
	o := open(t, catalog.Version2013)
	o.local()
	o.store.open = map[string]int{"13E04-05-1": 4, "13P01-01-1": 2, "13P01-01-2": 1}
	r, err := o.RehearseMove(t.Context(), catalog.Version2026)
	if err != nil {
		t.Fatal(err)
	}
	if r.From != catalog.Version2013 || r.Day != "2026-11-27" || len(r.Items) != 374 || o.store.state.Moves != nil {
		t.Errorf("from %s on %s, %d items", r.From, r.Day, len(r.Items))
	}
	if m, u, d := r.Count(catalog.Moves), r.Count(catalog.Undecided), r.Count(catalog.Dropped); m != 353 || u != 2 || d != 19 {
		t.Errorf("%d mapped, %d to decide, %d dropped", m, u, d)
	}
	by := map[string]catalog.MoveItem{}
	for _, i := range r.Items {
		by[i.Condition.Code] = i
	}
	if i := by["13P01-01-1"]; i.Fate != catalog.Moves || i.To != "01-001" || i.Confidence != catalog.Verified {
		t.Errorf("a cover: %+v", i)
	}
	if i := by["13E05-04-1"]; i.Fate != catalog.Dropped || i.To != "" {
		t.Errorf("a burst heating pipe: %+v", i)
	}
	if i := by["WH-1"]; i.Fate != catalog.Undecided || len(i.Candidates) != 1 || i.Candidates[0].Code != "01-061" {
		t.Errorf("the city's own that the standard took up: %+v", i)
	}
	if i := by["WH-2"]; i.Fate != catalog.Undecided || len(i.Candidates) != 0 {
		t.Errorf("the city's own: %+v", i)
	}
	if len(r.Open) != 2 || r.Open[0].Kind.Code != "01-01" || r.Open[0].Cases != 3 || r.Open[1].Kind.Name != "店外经营" || r.Open[1].Cases != 4 {
		t.Errorf("open cases %+v", r.Open)
	}
	if !slices.ContainsFunc(r.Without, func(k catalog.Kind) bool { return k.Code == "01-058" }) || slices.ContainsFunc(r.Without, func(k catalog.Kind) bool { return k.Code == "01-001" }) {
		t.Errorf("%d kinds without a condition", len(r.Without))
	}
}

func TestAMoveIsAllOrNothing(t *testing.T) {
	o := open(t, catalog.Version2013)
	o.local()
	r, err := o.RehearseMove(t.Context(), catalog.Version2026)
	if err != nil {
		t.Fatal(err)
	}
	revision := o.store.state.Revision
	good := decide(r)
	for name, in := range map[string]catalog.MoveInput{
		"without decisions":         {To: catalog.Version2026, Day: "2027-01-01"},
		"with one of two decisions": {To: catalog.Version2026, Day: "2026-12-01", Decisions: good[:1]},
		"a decision twice":          {To: catalog.Version2026, Day: "2026-12-01", Decisions: append(slices.Clone(good), good[0])},
		"a kind that is none":       {To: catalog.Version2026, Day: "2026-12-01", Decisions: append(slices.Clone(good), catalog.Decision{Condition: "13E05-04-1", Kind: "99-999"})},
		"a part for an event":       {To: catalog.Version2026, Day: "2026-12-01", Decisions: append(slices.Clone(good), catalog.Decision{Condition: "13E05-04-1", Kind: "01-001"})},
		"no such condition":         {To: catalog.Version2026, Day: "2026-12-01", Decisions: append(slices.Clone(good), catalog.Decision{Condition: "nothing"})},
		"today":                     {To: catalog.Version2026, Day: "2026-11-26", Decisions: good},
		"too far ahead":             {To: catalog.Version2026, Day: "2026-12-28", Decisions: good},
		"no day":                    {To: catalog.Version2026, Day: "soon", Decisions: good},
		"backwards":                 {To: catalog.Version2007, Day: "2026-12-01", Decisions: good},
		"to where it is":            {To: catalog.Version2013, Day: "2026-12-01", Decisions: good},
		"to nowhere":                {To: "", Day: "2026-12-01", Decisions: good},
	} {
		if _, err := o.Move(t.Context(), in); err == nil || errs.KindOf(err) == errs.Internal || o.store.state.Revision != revision {
			t.Errorf("%s: %v, revision %d", name, err, o.store.state.Revision)
		}
	}
	if _, err := o.Move(t.Context(), catalog.MoveInput{To: catalog.Version2026, Day: "2026-12-27", Decisions: good, By: 7}); err != nil {
		t.Error(err)
	}
}

func TestACityMovesToTheNextVersion(t *testing.T) {
	o := open(t, catalog.Version2013)
	o.local()
	r, err := o.RehearseMove(t.Context(), catalog.Version2026)
	if err != nil {
		t.Fatal(err)
	}
	before := o.inForce()
	decisions := append(decide(r), catalog.Decision{Condition: "13E05-06-1", Kind: "06-013"})
	done, err := o.Move(t.Context(), catalog.MoveInput{To: catalog.Version2026, Day: "2026-12-01", Decisions: decisions, By: 7})
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Items) != len(before) {
		t.Errorf("%d of %d conditions", len(done.Items), len(before))
	}
	// Until its day the older version holds, and nothing may change.
	if v, _ := o.InForce(t.Context()); v != catalog.Version2013 || !maps.EqualFunc(before, o.inForce(), func(a, b catalog.Condition) bool { return a.Kind == b.Kind && a.Limit == b.Limit }) {
		t.Errorf("before its day the city is on %s", v)
	}
	if _, err := o.take(short + "X,06-001,x,1,work_day,\n"); !errors.Is(err, catalog.ErrMovePending) {
		t.Errorf("an import before the day: %v", err)
	}
	if _, err := o.AddKind(t.Context(), catalog.LocalKind{Sort: catalog.Part, Class: "01", Name: "x"}); !errors.Is(err, catalog.ErrMovePending) {
		t.Errorf("a kind before the day: %v", err)
	}
	o.day("2026-12-01")
	if v, _ := o.InForce(t.Context()); v != catalog.Version2026 {
		t.Errorf("on its day the city is on %s", v)
	}
	after := o.inForce()
	if len(after) != 355 { // 353 mapped, 1 own with a successor, 1 decided otherwise
		t.Errorf("%d conditions after the move", len(after))
	}
	cover, flood, own := after["01-001-1"], catalog.Condition{}, catalog.Condition{}
	for _, c := range after {
		switch c.Replaces {
		case "13E05-06-1":
			flood = c
		case "WH-1":
			own = c
		}
	}
	if cover.Kind.Name != "供水井盖异常" || cover.Replaces != "13P01-01-1" || cover.Limit != before["13P01-01-1"].Limit || cover.Filing != before["13P01-01-1"].Filing {
		t.Errorf("the cover's is %+v", cover)
	}
	if flood.Kind.Code != "06-013" || own.Kind.Code != "01-061" || own.Origin != catalog.Own {
		t.Errorf("decided were %+v and %+v", flood, own)
	}
	old, err := o.Condition(t.Context(), "13E05-04-1")
	if err != nil || old.Kind.Name != "热力管道破裂" || old.Until != "2026-12-01" {
		t.Errorf("the older version's condition reads %+v, %v", old, err)
	}
	kinds, err := o.KindsOf(t.Context(), catalog.Version2013)
	if err != nil || len(kinds) != 197 {
		t.Errorf("%d kinds of the older version, %v", len(kinds), err)
	}
	moves, err := o.History(t.Context())
	if err != nil || len(moves) != 1 || moves[0].By != 7 || moves[0].Conditions != 374 || moves[0].Decided != 3 || moves[0].Ended != 19 || moves[0].Day != "2026-12-01" {
		t.Errorf("history %+v, %v", moves, err)
	}
	if n, err := o.Missing(t.Context()); n != 0 || err != nil {
		t.Errorf("a city that moved lacks %d of the starting set, %v", n, err)
	}
	if _, err := o.Move(t.Context(), catalog.MoveInput{To: catalog.Version2013, Day: "2026-12-02"}); !errors.Is(err, catalog.ErrMove) {
		t.Errorf("moved back: %v", err)
	}
}

// What the move makes of the 2013 set is the 2026 set the platform starts with.
func TestTheMovedSetIsTheStartingSet(t *testing.T) {
	o := open(t, catalog.Version2013)
	if _, err := o.Move(t.Context(), catalog.MoveInput{To: catalog.Version2026, Day: "2026-11-27"}); err != nil {
		t.Fatal(err)
	}
	o.day("2026-11-27")
	_, want, err := catalog.Starting()
	if err != nil {
		t.Fatal(err)
	}
	say := func(c catalog.Condition) string {
		return fmt.Sprint(c.Kind.Sort, c.Kind.Code, c.Filing, c.Limit, c.AreaClass)
	}
	var got, wanted []string
	for _, c := range o.inForce() {
		got = append(got, say(c))
	}
	for _, c := range want {
		wanted = append(wanted, say(c))
	}
	slices.Sort(got)
	slices.Sort(wanted)
	if !slices.Equal(got, wanted) {
		t.Errorf("%d conditions moved, %d start", len(got), len(wanted))
	}
}

func TestAChangeToComeKeepsAMoveWaiting(t *testing.T) {
	o := open(t, catalog.Version2013)
	o.must("code,sort,kind,filing,limit_value,limit_unit,since,until\n13P01-01-1,part,01-01,改,2,urgent_hour,2026-12-10,\nE-1,part,01-01,短,2,urgent_hour,,2026-12-05\n")
	_, err := o.Move(t.Context(), catalog.MoveInput{To: catalog.Version2026, Day: "2026-12-08"})
	if e, _ := errs.As(err); e == nil || len(e.Problems) != 1 || !strings.Contains(e.Problems[0].En, "2026-12-10") {
		t.Errorf("moved before a change to come: %v", err)
	}
	if _, err := o.Move(t.Context(), catalog.MoveInput{To: catalog.Version2026, Day: "2026-12-11"}); err != nil {
		t.Fatal(err)
	}
	o.day("2026-12-11")
	for _, c := range o.inForce() {
		if c.Replaces == "E-1" || c.Replaces == "13P01-01-1" {
			t.Errorf("what had ended went along: %+v", c)
		}
	}
}

func TestASplitNeedsADecision(t *testing.T) {
	o := open(t, catalog.Version2007)
	o.must("code,sort,kind,filing,limit_value,limit_unit\nP-1,part,01-17,倾斜,2,work_day\nP-2,part,01-14,破损,2,work_day\n")
	r, err := o.RehearseMove(t.Context(), catalog.Version2013)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range r.Items {
		want := map[string]int{"P-1": 5, "P-2": 1}[i.Condition.Code]
		if want > 0 && (i.Fate != catalog.Undecided || len(i.Candidates) != want || i.Confidence != catalog.Recalled) {
			t.Errorf("%s: %+v", i.Condition.Code, i)
		}
	}
}
