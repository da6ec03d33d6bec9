package tenantdb_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/tenant/catalog"
	"wangge/tenant/citytest"
	"wangge/tenant/grid"
	"wangge/tenant/part"
)

// records is a file of parts in memory.
type records struct {
	list []part.Record
	next int
}

func (r *records) Next() (part.Record, error) {
	if r.next == len(r.list) {
		return part.Record{}, io.EOF
	}
	r.next++
	return r.list[r.next-1], nil
}

// uploaded is a file of records.
func uploaded(list ...part.Record) part.Upload {
	for i := range list {
		list[i].Row = i + 2
	}
	return part.Upload{
		File: "部件.csv", SHA256: strings.Repeat("0f", 32), By: 1,
		Open: func() (part.Source, error) { return &records{list: list}, nil },
	}
}

// cover is the n-th cover of a house, inside one of its grids.
func cover(h *citytest.House, n int) part.Record {
	g := h.Grids[n%len(h.Grids)]
	p := g.Inside()
	r := part.Record{Given: ^part.Given(0), Place: part.Place{Lon: p.Lon, Lat: p.Lat, Known: true}}
	r.Value[part.ID] = fmt.Sprintf("%s01001%06d", g.Code.County(), n+1)
	r.Value[part.Name], r.Value[part.StateOf], r.Value[part.Initial] = "供水井盖", "完好", "2020-01-31"
	r.Value[part.ResponsibleCode], r.Value[part.ResponsibleName] = "11150302MB0000000X", "城市管理局"
	r.Value[part.OwnerName], r.Value[part.Note] = "供水公司", fmt.Sprintf("第 %d 个", n)
	return r
}

func covers(h *citytest.House, n int) (list []part.Record) {
	for i := range n {
		list = append(list, cover(h, i))
	}
	return list
}

// imported imports a file and returns its report.
func imported(t testing.TB, h *citytest.House, list ...part.Record) part.Report {
	t.Helper()
	report, err := h.City.Parts.Import(t.Context(), uploaded(list...))
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// register is every part of a house.
func register(t testing.TB, h *citytest.House) (all []part.Part) {
	t.Helper()
	err := h.City.Parts.Each(t.Context(), part.Filter{}, func(p part.Part) error {
		all = append(all, p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAFileOfPartsIsRehearsedImportedAndImportedAgain(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		list := covers(h, 1234)
		report, err := h.City.Parts.Rehearse(t.Context(), uploaded(list...))
		if err != nil || report.Counts != (part.Counts{Added: 1234}) || len(report.Faults) > 0 || len(register(t, h)) != 0 {
			t.Fatalf("a rehearsal says %+v, %v and leaves %d parts", report, err, len(register(t, h)))
		}
		if got := imported(t, h, list...); got.Counts != (part.Counts{Added: 1234}) || got.Import != 1 {
			t.Fatalf("imported %+v", got)
		}
		before := register(t, h)
		if got := imported(t, h, list...); got.Counts != (part.Counts{Unchanged: 1234}) {
			t.Errorf("the same file once more is %+v", got)
		}
		if !slices.Equal(before, register(t, h)) {
			t.Error("a file that changes nothing changed the register")
		}
		list[7].Value[part.StateOf] = "破损"
		list[8].Value[part.Note] = ""
		list[9].Given = part.Given(0).With(part.ID) // a file without the other columns
		list[9].Value[part.OwnerName] = ""
		if got := imported(t, h, append(list, cover(h, 2000))...); got.Counts != (part.Counts{Added: 1, Changed: 2, Unchanged: 1232}) {
			t.Errorf("two changes and one more are %+v", got)
		}
		p, err := h.City.Parts.Part(t.Context(), list[7].Value[part.ID])
		if err != nil || p.State != part.Damaged || p.Grid != h.Grids[7].Code || p.Kind != "01-001" || p.Version != catalog.Version2026 || p.Place != h.Grids[7].Inside() {
			t.Errorf("the part is %+v, %v", p, err)
		}
		imports, err := h.City.Parts.Imports(t.Context(), 0, 2)
		if err != nil || len(imports) != 2 || imports[0].ID != 3 || imports[0].Changed != 2 || imports[0].SHA256 != strings.Repeat("0f", 32) ||
			imports[0].File != "部件.csv" || !imports[0].At.Equal(citytest.Opening) || imports[0].Account != 1 || imports[0].Numbering != "GB/T 47678.5-2026" {
			t.Errorf("the imports are %+v, %v", imports, err)
		}
		if older, err := h.City.Parts.Imports(t.Context(), imports[1].ID, 0); err != nil || len(older) != 1 || older[0].ID != 1 {
			t.Errorf("before them %+v, %v", older, err)
		}
	})
}

func TestAFileOfPartsWithAFaultChangesNothing(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		list := covers(h, 1500)
		list[3].Value[part.Name] = ""
		list[1400].Value[part.ID] = list[5].Value[part.ID]
		list[1499].Place.Lon += 5
		_, err := h.City.Parts.Import(t.Context(), uploaded(list...))
		e, ok := errs.As(err)
		if !ok || e.Kind != errs.Invalid || len(e.Problems) < 3 {
			t.Fatalf("got %v", err)
		}
		var got []string
		for _, p := range e.Problems {
			got = append(got, fmt.Sprint(p.File, p.Row, p.Field))
		}
		if got[0] != "部件.csv5GLBJMC" || !slices.Contains(got, "部件.csv1402GLBJBSM") || !slices.Contains(got, "部件.csv1501lon") {
			t.Errorf("faults at %q", got)
		}
		if !slices.ContainsFunc(e.Problems, func(p errs.Problem) bool { return p.Row == 1402 && strings.Contains(p.Zh, "第 7 行") }) {
			t.Errorf("no fault names the row an identifier came in first: %v", e)
		}
		report, err := h.City.Parts.Rehearse(t.Context(), uploaded(list...))
		if err != nil || len(report.Faults) != len(e.Problems) {
			t.Errorf("a rehearsal says %+v, %v", report, err)
		}
		for i := range list {
			list[i].Value[part.Name] = ""
		}
		report, err = h.City.Parts.Rehearse(t.Context(), uploaded(list...))
		if err != nil || len(report.Faults) != 201 || !strings.Contains(report.Faults[200].Zh, "另有 13") {
			t.Errorf("of very many faults %d are listed, the last %+v, %v", len(report.Faults), report.Faults[len(report.Faults)-1], err)
		}
		if _, err := h.City.Parts.Import(t.Context(), uploaded()); errs.KindOf(err) != errs.Invalid {
			t.Errorf("an empty file is %v", err)
		}
		imports, err := h.City.Parts.Imports(t.Context(), 0, 0)
		if err != nil || len(imports) != 0 || len(register(t, h)) != 0 {
			t.Errorf("left behind: %+v, %d parts, %v", imports, len(register(t, h)), err)
		}
	})
}

func TestAnImportIsUndoneToExactlyWhatWasBefore(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		ctx, parts := t.Context(), h.City.Parts
		list := covers(h, 40)
		first := imported(t, h, list[:30]...)
		before := register(t, h)
		for i := range list[:10] {
			list[i].Value[part.StateOf], list[i].Value[part.Changed] = "丢失", "2026-11-01"
			list[i].Place.Lon = h.Grids[i].Inside().Lon + 1e-7
		}
		second := imported(t, h, list...)
		if _, err := parts.Undo(ctx, first.Import, 1, "导错文件"); !errors.Is(err, part.ErrMoved) {
			t.Fatalf("undoing the first is %v", err)
		} else if e, _ := errs.As(err); len(e.Problems) != 10 || e.Problems[0].Field != list[0].Value[part.ID] || !strings.Contains(e.Zh, "10 个部件") {
			t.Errorf("it names %+v", e)
		}
		if _, err := parts.Undo(ctx, second.Import, 1, " "); errs.KindOf(err) != errs.Invalid {
			t.Errorf("undone without a reason: %v", err)
		}
		if n, err := parts.Undo(ctx, second.Import, 2, "导错文件"); err != nil || n != (part.Counts{Removed: 10, Changed: 10}) {
			t.Fatalf("undone %+v, %v", n, err)
		}
		if after := register(t, h); !slices.Equal(before, after) {
			t.Errorf("after the undo %+v\nbefore it %+v", after, before)
		}
		if _, err := parts.Undo(ctx, second.Import, 1, "再来"); !errors.Is(err, part.ErrUndone) {
			t.Errorf("undone twice: %v", err)
		}
		for _, id := range []int64{99, second.Import + 1} { // none, and the undo itself
			if _, err := parts.Undo(ctx, id, 1, "x"); !errors.Is(err, part.ErrNoImport) {
				t.Errorf("undoing act %d is %v", id, err)
			}
		}
		imports, err := parts.Imports(ctx, 0, 0)
		if err != nil || imports[0].UndoneBy == 0 || imports[1].UndoneBy != 0 {
			t.Errorf("imports %+v, %v", imports, err)
		}
		gone, err := parts.History(ctx, list[35].Value[part.ID])
		if err != nil || len(gone) != 2 || gone[0].New == nil || gone[0].Act.ID != second.Import || gone[1].New != nil || gone[1].Act.Kind != part.ActUndo || gone[1].Act.Account != 2 {
			t.Errorf("the history of a part that went is %+v, %v", gone, err)
		}
		if n, err := parts.Undo(ctx, first.Import, 1, "全部重来"); err != nil || n != (part.Counts{Removed: 30}) || len(register(t, h)) != 0 {
			t.Errorf("with the second undone the first is %+v, %v", n, err)
		}
		imported(t, h, list...)
		again, err := parts.History(ctx, list[0].Value[part.ID])
		if err != nil || len(again) != 5 || again[4].Old != nil || again[4].New == nil || again[4].Act.Kind != part.ActImport {
			t.Errorf("the history of one that came back is %+v, %v", again, err)
		}
	})
}

func TestAPartIsEditedWithAReasonAndKeepsWhatItWas(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		ctx, parts := t.Context(), h.City.Parts
		imported(t, h, covers(h, 3)...)
		id := cover(h, 1).Value[part.ID]
		seen, err := parts.Part(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		lost, owner, note := part.Lost, part.Unit{Code: "9115", Name: "水务公司"}, "夜间被盗"
		got, err := parts.Edit(ctx, part.Edit{ID: id, Revision: seen.Revision, State: &lost, Owner: &owner, Note: &note, Reason: "现场核实", By: 7})
		want := seen
		want.State, want.Owner, want.Note, want.Changed, want.Revision = lost, owner, note, "2026-11-23", got.Revision
		if err != nil || got != want || got.Revision == seen.Revision {
			t.Fatalf("edited to %+v, %v", got, err)
		}
		if held, err := parts.Part(ctx, id); err != nil || held != want {
			t.Errorf("kept as %+v, %v", held, err)
		}
		history, err := parts.History(ctx, id)
		if err != nil || len(history) != 2 || *history[1].Old != seen || *history[1].New != want || history[1].Act.Reason != "现场核实" || history[1].Act.Account != 7 || history[0].Act.Kind != part.ActImport {
			t.Errorf("history %+v, %v", history, err)
		}
		for name, c := range map[string]struct {
			edit part.Edit
			kind errs.Kind
		}{
			"seen before it was changed": {part.Edit{ID: id, Revision: seen.Revision, State: &lost, Reason: "x"}, errs.Conflict},
			"nothing new":                {part.Edit{ID: id, State: &lost, Reason: "x"}, errs.Invalid},
			"no reason":                  {part.Edit{ID: id, State: new(part.State), Reason: " "}, errs.Invalid},
			"no such state":              {part.Edit{ID: id, State: new(part.State), Reason: "x"}, errs.Invalid},
			"nobody competent":           {part.Edit{ID: id, Responsible: &part.Unit{}, Reason: "x"}, errs.Invalid},
			"a code too long":            {part.Edit{ID: id, Owner: &part.Unit{Code: strings.Repeat("1", 19)}, Reason: "x"}, errs.Invalid},
			"no such part":               {part.Edit{ID: "15030201001999999", State: &lost, Reason: "x"}, errs.NotFound},
		} {
			if _, err := parts.Edit(ctx, c.edit); errs.KindOf(err) != c.kind {
				t.Errorf("%s: %v", name, err)
			}
		}
		if has, err := parts.HasPart(ctx, id); err != nil || !has {
			t.Errorf("the register has it: %v, %v", has, err)
		}
		if has, err := parts.HasPart(ctx, "1"); err != nil || has {
			t.Errorf("the register has what it has not: %v, %v", has, err)
		}
		if _, err := parts.History(ctx, "1"); !errors.Is(err, part.ErrNoPart) {
			t.Errorf("history of what never was: %v", err)
		}
	})
}

func TestWhatActsFoundIsNeverChanged(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		imported(t, h, covers(h, 2)...)
		damaged := part.Damaged
		if _, err := h.City.Parts.Edit(t.Context(), part.Edit{ID: cover(h, 0).Value[part.ID], State: &damaged, Reason: "x"}); err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{
			"UPDATE part_changes SET name = 'x'", "DELETE FROM part_changes", "UPDATE part_acts SET reason = 'x'", "DELETE FROM part_acts",
			"UPDATE parts SET state = 'gone'", "UPDATE parts SET lat = 91", "UPDATE parts SET revision = 99",
		} {
			if err := h.DB.Write.Exec(statement).Error; err == nil {
				t.Errorf("the database let %s happen", statement)
			}
		}
	})
}

// strewn imports parts of three kinds at random places of a house.
func strewn(t testing.TB, h *citytest.House, n int) []part.Part {
	r := rand.New(rand.NewPCG(7, 7))
	var list []part.Record
	for i := range n {
		rec := cover(h, i)
		at := h.Grids[r.IntN(len(h.Grids))]
		p := at.Inside()
		rec.Place.Lon, rec.Place.Lat = p.Lon+(r.Float64()-0.5)*2e-4, p.Lat+(r.Float64()-0.5)*2e-4
		rec.Value[part.ID] = fmt.Sprintf("%s0100%d%06d", at.Code.County(), 1+i%3, i+1)
		rec.Value[part.StateOf] = []string{"完好", "完好", "完好", "破损", "移除"}[i%5]
		list = append(list, rec)
	}
	imported(t, h, list...)
	return register(t, h)
}

func TestPartsAreFoundByCodeKindStateAndBox(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		all := strewn(t, h, 600)
		mid := all[300].Place
		box := &part.Box{West: mid.Lon - 0.002, East: mid.Lon + 0.001, South: mid.Lat - 0.001, North: mid.Lat + 0.0015}
		wide := &part.Box{West: 70, East: 140, South: 10, North: 60}
		for _, f := range []part.Filter{
			{}, {Prefix: all[0].ID[:6]}, {Prefix: all[0].ID[:11]}, {Prefix: all[599].ID}, {Kind: "01-002"}, {State: part.Damaged}, {State: part.Intact, Kind: "01-003"},
			{Box: box}, {Box: box, Kind: "01-001"}, {Box: box, State: part.Removed}, {Box: wide}, {Box: wide, State: part.Damaged, Prefix: all[599].ID[:8]},
			{Box: &part.Box{West: 1, East: 2, South: 1, North: 2}}, {After: all[10].ID}, {After: all[10].ID, Box: wide},
		} {
			want := slices.DeleteFunc(slices.Clone(all), func(p part.Part) bool {
				return !strings.HasPrefix(p.ID, f.Prefix) || f.Kind != "" && p.Kind != f.Kind || f.State != "" && p.State != f.State ||
					f.Box != nil && !f.Box.Holds(p.Place) || p.ID <= f.After
			})
			f.Limit = 500
			got, err := h.City.Parts.List(t.Context(), f)
			if err != nil || !slices.Equal(got, want[:min(500, len(want))]) {
				t.Errorf("%+v: %d parts, %v, want %d", f, len(got), err, len(want))
			}
		}
	})
}

func TestAMapShowsPartsOrCountsThem(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		all := strewn(t, h, 600)
		wide := &part.Box{West: 70, East: 140, South: 10, North: 60}
		for _, f := range []part.Filter{{Box: wide, Limit: 50}, {Box: wide, Limit: 50, Kind: "01-002"}, {Box: wide, Limit: 50, State: part.Damaged}} {
			view, err := h.City.Parts.Map(t.Context(), f)
			total, want := 0, 0
			for _, c := range view.Clusters {
				total += c.Count
			}
			for _, p := range all {
				if (f.Kind == "" || p.Kind == f.Kind) && (f.State == "" || p.State == f.State) {
					want++
				}
			}
			if err != nil || len(view.Parts) > 0 || len(view.Clusters) == 0 || len(view.Clusters) > 25*25 || total != want {
				t.Errorf("%+v: %d clusters of %d parts, want %d; %v", f, len(view.Clusters), total, want, err)
			}
		}
		mid := all[300].Place
		near := &part.Box{West: mid.Lon - 0.004, East: mid.Lon + 0.004, South: mid.Lat - 0.004, North: mid.Lat + 0.004}
		view, err := h.City.Parts.Map(t.Context(), part.Filter{Box: near, Limit: 5})
		if err != nil || len(view.Clusters) == 0 {
			t.Fatalf("near by: %+v, %v", view, err)
		}
		for _, c := range view.Clusters {
			if c.Count < 1 || c.Place.Lon < near.West-0.001 || c.Place.Lon > near.East+0.001 || c.Place.Lat < near.South-0.001 || c.Place.Lat > near.North+0.001 {
				t.Errorf("a cluster of %+v about the box %+v", c, near)
			}
		}
		if view, err := h.City.Parts.Map(t.Context(), part.Filter{Box: near}); err != nil || len(view.Parts) == 0 || len(view.Clusters) > 0 {
			t.Errorf("few parts are shown as %d parts and %d clusters, %v", len(view.Parts), len(view.Clusters), err)
		}
	})
}

func TestTheNearestPartsAreThoseThatMeasuringAllFinds(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		all := strewn(t, h, 600)
		r := rand.New(rand.NewPCG(9, 9))
		for range 60 {
			p := all[r.IntN(len(all))].Place
			n := part.Near{Place: grid.Point{Lon: p.Lon + (r.Float64()-0.5)*0.03, Lat: p.Lat + (r.Float64()-0.5)*0.03}, Kind: "01-001", Count: 1 + r.IntN(20), Within: 100 + r.Float64()*3000}
			m := part.MetricAt(n.Place)
			var want []part.Found
			for _, p := range all {
				if d := m.Squared(p.Place); p.Kind == n.Kind && p.State != part.Removed && d <= m.SquaredOf(n.Within) {
					want = append(want, part.Found{Part: p, Metres: m.Metres(d)})
				}
			}
			slices.SortFunc(want, func(a, b part.Found) int {
				return cmp.Or(cmp.Compare(m.Squared(a.Place), m.Squared(b.Place)), cmp.Compare(a.ID, b.ID))
			})
			want = want[:min(len(want), n.Count)]
			got, err := h.City.Parts.Nearest(t.Context(), n)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("%+v: got %v, %v, want %v", n, got, err, want)
			}
		}
	})
}

func TestASecondCitySeesNothingOfAnothersParts(t *testing.T) {
	testdb.Engines(t, func(t *testing.T, db *gormx.DB) {
		open := testdb.SQLite
		if db.Engine == gormx.Postgres {
			open = testdb.Postgres
		}
		one, other := citytest.Build(t, db), citytest.Build(t, open(t), citytest.Code("620200"))
		imported(t, one, covers(one, 5)...)
		if n := len(register(t, other)); n != 0 {
			t.Errorf("the other city has %d parts", n)
		}
		if _, err := other.City.Parts.Part(t.Context(), cover(one, 0).Value[part.ID]); !errors.Is(err, part.ErrNoPart) {
			t.Errorf("it finds %v", err)
		}
		if imports, err := other.City.Parts.Imports(t.Context(), 0, 0); err != nil || len(imports) != 0 {
			t.Errorf("it lists %+v, %v", imports, err)
		}
	})
}

func TestAKindOfTheCitysOwnIsAKindOfParts(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		own := cover(h, 0)
		own.Value[part.ID] = h.Grids[0].Code.County() + "01999000001"
		if _, err := h.City.Parts.Import(t.Context(), uploaded(own)); errs.KindOf(err) != errs.Invalid {
			t.Fatalf("an unknown kind is %v", err)
		}
		err := h.DB.Write.Exec("INSERT INTO kinds (version, sort, code, class, name, origin) VALUES (?, 'part', '01-999', '01', '景观灯（自定义）', 'city')", catalog.Version2026).Error
		if err != nil {
			t.Fatal(err)
		}
		if got := imported(t, h, own); got.Added != 1 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestWhoWaitsTooLongForAnImportIsToldSo(t *testing.T) {
	h := citytest.Build(t, testdb.Postgres(t))
	imported(t, h, covers(h, 1)...)
	pool, err := h.DB.SQL()
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxIdleConns(0) // so that the next connections have it
	if err := h.DB.Write.Exec("ALTER ROLE CURRENT_USER SET lock_timeout = '100ms'").Error; err != nil {
		t.Fatal(err)
	}
	tx, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), "UPDATE part_register SET act = act"); err != nil {
		t.Fatal(err)
	}
	lost := part.Lost
	if _, err := h.City.Parts.Edit(t.Context(), part.Edit{ID: cover(h, 0).Value[part.ID], State: &lost, Reason: "x"}); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("got %v", err)
	}
}

// million yields a million parts strewn over a house without holding them.
type million struct {
	h     *citytest.House
	kinds []catalog.Kind
	r     *rand.Rand
	n     int
	at    []grid.Point
}

func (m *million) Next() (part.Record, error) {
	if m.n == 1_000_000 {
		return part.Record{}, io.EOF
	}
	m.n++
	i := m.r.IntN(len(m.h.Grids))
	g, p, kind := m.h.Grids[i], m.at[i], m.kinds[m.r.IntN(len(m.kinds))]
	rec := part.Record{Row: m.n + 1, Given: ^part.Given(0), Place: part.Place{Lon: p.Lon + (m.r.Float64()-0.5)*2e-4, Lat: p.Lat + (m.r.Float64()-0.5)*2e-4, Known: true}}
	rec.Value[part.ID] = fmt.Sprintf("%s%s%06d", g.Code.County(), strings.ReplaceAll(kind.Code, "-", ""), m.n%1_000_000)
	if m.n == 1_000_000 {
		rec.Value[part.ID] = rec.Value[part.ID][:11] + "999999"
	}
	rec.Value[part.Name], rec.Value[part.StateOf], rec.Value[part.Initial] = kind.Name, "完好", "2020-01-31"
	rec.Value[part.ResponsibleCode], rec.Value[part.ResponsibleName] = "11150302MB0000000X", "城市管理局"
	rec.Value[part.OwnerCode], rec.Value[part.OwnerName] = "91150302MB0000001X", "市政公司"
	rec.Value[part.MaintainerCode], rec.Value[part.MaintainerName] = "91150302MB0000002X", "养护公司"
	return rec, nil
}

// BenchmarkMillionParts imports a million parts in random order and then asks
// for the nearest of a kind. Run it with -benchtime 1x.
func BenchmarkMillionParts(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *gormx.DB{"sqlite": testdb.SQLite, "postgres": testdb.Postgres} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				h := citytest.Build(b, open(b), citytest.Lattice(80, 60))
				up := uploaded()
				up.Open = func() (part.Source, error) {
					m := &million{h: h, kinds: catalog.Version(catalog.Version2026).PartKinds(), r: rand.New(rand.NewPCG(1, 2))}
					for _, g := range h.Grids {
						m.at = append(m.at, g.Inside())
					}
					return m, nil
				}
				start := time.Now()
				if _, err := h.City.Parts.Import(context.Background(), up); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(time.Since(start).Seconds(), "s/import")
				start = time.Now()
				r := rand.New(rand.NewPCG(3, 4))
				const searches = 500
				for range searches {
					p := h.Grids[r.IntN(len(h.Grids))].Inside()
					found, err := h.City.Parts.Nearest(context.Background(), part.Near{Place: p, Kind: "01-001", Count: 10})
					if err != nil || len(found) != 10 {
						b.Fatal(len(found), err)
					}
				}
				b.ReportMetric(float64(time.Since(start).Microseconds())/searches/1000, "ms/nearest")
			}
		})
	}
}
