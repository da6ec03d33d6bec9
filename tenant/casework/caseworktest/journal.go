package caseworktest

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/tenant"
	"wangge/tenant/casework"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

func (h *house) midnight() {
	day := h.Clock.Now().Truncate(24 * time.Hour) // 08:00 in the city
	h.Clock.Set(day.Add(16*time.Hour - time.Second))
	before := h.report().Number
	h.Clock.Advance(time.Second)
	after := h.report().Number
	want := [2]string{day.Format("20060102") + "-000001", day.AddDate(0, 0, 1).Format("20060102") + "-000001"}
	if got := [2]string{before, after}; got != want {
		h.Errorf("got %v, want %v", got, want)
	}
}

func (h *house) numbersAtOnce() {
	const clerks, each = 6, 8
	numbers := make([][]string, clerks)
	var wg sync.WaitGroup
	for i := range clerks {
		wg.Go(func() {
			for range each {
				c, err := h.City.Cases.Report(h.ctx(), h.Report())
				if err != nil {
					h.Error(err)
					return
				}
				numbers[i] = append(numbers[i], c.Number)
			}
		})
	}
	wg.Wait()
	h.wantNumbers(slices.Concat(numbers...))
}

// wantNumbers fails unless the numbers are those of today from 1 on.
func (h *house) wantNumbers(got []string) {
	h.Helper()
	slices.Sort(got)
	for i, number := range got {
		if want := fmt.Sprintf("%s-%06d", h.Clock.Now().Format("20060102"), i+1); number != want {
			h.Fatalf("number %d of %d is %s, want %s", i+1, len(got), number, want)
		}
	}
}

// broken can't seal.
type broken struct{}

var errSeal = errors.New("the key is locked away")

func (broken) Seal(_, _ []byte) ([]byte, error) { return nil, errSeal }
func (broken) Open(_, _ []byte) ([]byte, error) { return nil, errSeal }

// numbersRolledBack fails reports after they took a number, many at once with
// ones that succeed.
func (h *house) numbersRolledBack() {
	seeder := h.Seeder
	seeder.Sealer = func(context.Context, tenant.ID) (casework.Sealer, error) { return broken{}, nil }
	failing, err := seeder.Open(h.ctx(), h.City.ID, h.DB)
	if err != nil {
		h.Fatal(err)
	}
	in := h.Report()
	in.Channel, in.Reporter = casework.ChannelCitizen, casework.Reporter{Name: "举报人01", Phone: "00000000001"}
	numbers := make([][]string, 4)
	var wg sync.WaitGroup
	for i := range numbers {
		wg.Go(func() {
			for range 5 {
				if _, err := failing.Cases.Report(h.ctx(), in); !errors.Is(err, errSeal) {
					h.Errorf("got %v, want %v", err, errSeal)
				}
				c, err := h.City.Cases.Report(h.ctx(), in)
				if err != nil {
					h.Error(err)
					return
				}
				numbers[i] = append(numbers[i], c.Number)
			}
		})
	}
	wg.Wait()
	h.wantNumbers(slices.Concat(numbers...))
}

func (h *house) repeated() {
	in := h.Report()
	in.Key = "report"
	first := h.must(h.City.Cases.Report(h.ctx(), in))
	if again := h.must(h.City.Cases.Report(h.ctx(), in)); again.Number != first.Number {
		h.Errorf("the repeated report opened %s beside %s", again.Number, first.Number)
	}
	c := first
	list := append(slices.Clone(way[casework.StageHandled]), casework.ActionRework, casework.ActionHandle, casework.ActionVerify, casework.ActionClose)
	for i, a := range list {
		in := h.command(a, c.Number)
		in.Key, in.Version = fmt.Sprintf("%s-%d", a, i), c.Version
		c = h.must(h.do(a, in))
		h.Clock.Advance(time.Minute)
		if again := h.must(h.do(a, in)); again.Version != c.Version || again.Stage != c.Stage {
			h.Errorf("%s again: got %+v, want %+v", a, again, c)
		}
	}
	h.wantPath(c.Number, list...)
	if again := h.must(h.City.Cases.Report(h.ctx(), in)); again.Stage != casework.StageClosed {
		h.Errorf("the report repeated late answers stage %s, want the case as it is", again.Stage)
	}
}

func (h *house) keyReused() {
	first, other := h.report(), h.report()
	file := h.command(casework.ActionFile, first.Number)
	file.Key = "once"
	h.must(h.do(casework.ActionFile, file))

	dispatch := h.command(casework.ActionDispatch, first.Number)
	dispatch.Key = "once"
	_, err := h.do(casework.ActionDispatch, dispatch)
	h.wantErr(err, casework.ErrKeyReused)

	file.Number = other.Number
	_, err = h.do(casework.ActionFile, file)
	h.wantErr(err, casework.ErrKeyReused)

	file.Number, file.By = first.Number, h.Second(org.ShiftLeader)
	_, err = h.do(casework.ActionFile, file)
	h.wantErr(err, casework.ErrKeyReused)

	report := h.Report()
	report.Key = "once"
	_, err = h.City.Cases.Report(h.ctx(), report)
	h.wantErr(err, casework.ErrKeyReused)
	h.wantPath(first.Number, casework.ActionFile)
	h.wantPath(other.Number)
}

// twins sends each command several times at the same moment with one key.
func (h *house) twins() {
	for round := range 5 {
		key := func(a casework.Action) string { return fmt.Sprintf("twin-%s-%d", a, round) }
		in := h.Report()
		in.Key = key(casework.ActionReport)
		c := h.together(func() (*casework.Case, error) { return h.City.Cases.Report(h.ctx(), in) })
		for _, a := range way[casework.StageClosed] {
			in := h.command(a, c.Number)
			in.Key, in.Version = key(a), c.Version
			c = h.together(func() (*casework.Case, error) { return h.do(a, in) })
		}
		h.wantPath(c.Number, way[casework.StageClosed]...)
	}
	if n := h.count("SELECT count(*) FROM steps WHERE request_key LIKE 'twin-report-%'"); n != 5 {
		h.Errorf("five reports made %d cases", n)
	}
}

// together runs do four times at once and returns the case that all answer.
func (h *house) together(do func() (*casework.Case, error)) *casework.Case {
	h.Helper()
	var got [4]*casework.Case
	var errs [4]error
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range got {
		wg.Go(func() {
			<-start
			got[i], errs[i] = do()
		})
	}
	close(start)
	wg.Wait()
	for i := range got {
		if errs[i] != nil {
			h.Fatal(errs[i])
		}
		if got[i].Number != got[0].Number || got[i].Version != got[0].Version {
			h.Fatalf("twins answer %s at %d and %s at %d", got[0].Number, got[0].Version, got[i].Number, got[i].Version)
		}
	}
	return got[0]
}

func (h *house) appendOnly() {
	c := h.at(casework.StageVerified)
	statements := []string{
		"UPDATE steps SET note = '' WHERE case_id = ?", "UPDATE steps SET at = at + 1 WHERE case_id = ?",
		"DELETE FROM steps WHERE case_id = ?", "DELETE FROM steps WHERE case_id = ? AND seq = 5",
	}
	if h.DB.Engine == gormx.Postgres {
		statements = append(statements, "TRUNCATE steps", "TRUNCATE steps CASCADE")
	}
	before := h.steps(c.Number)
	for _, statement := range statements {
		args := []any{c.ID}[:strings.Count(statement, "?")]
		err := h.DB.Write.WithContext(h.ctx()).Exec(statement, args...).Error
		if err == nil || !strings.Contains(err.Error(), "append-only") && !strings.Contains(err.Error(), "permission denied") {
			h.Errorf("%s: got %v, want a refusal", statement, err)
		}
	}
	if after := h.steps(c.Number); len(after) != len(before) {
		h.Errorf("%d steps are left of %d", len(after), len(before))
	}
}

const phone, name = "00000000042", "举报人四十二"

func (h *house) sealed() {
	in := h.Report()
	in.Channel, in.Reporter = casework.ChannelHotline, casework.Reporter{Name: name, Phone: phone}
	c := h.must(h.City.Cases.Report(h.ctx(), in))
	h.take(c, way[casework.StageClosed]...)
	if got, err := h.City.Cases.Contact(h.ctx(), c.Number); err != nil || got != in.Reporter {
		h.Errorf("the contact is %+v, %v; want %+v", got, err, in.Reporter)
	}
	if got, err := h.City.Cases.Contact(h.ctx(), h.report().Number); err != nil || got != (casework.Reporter{}) {
		h.Errorf("a supervisor's case has the contact %+v, %v", got, err)
	}
	everything := h.everything()
	if !strings.Contains(everything, in.Description) || !strings.Contains(everything, c.Number) {
		h.Fatal("the database was not read at all")
	}
	for _, secret := range []string{phone, name, hex.EncodeToString([]byte(phone)), hex.EncodeToString([]byte(name))} {
		if strings.Contains(everything, secret) {
			h.Errorf("%s stands in the database", secret)
		}
	}
}

// everything is all that the database holds: on SQLite its files, on
// PostgreSQL every row of every table of the city's schema.
func (h *house) everything() string {
	h.Helper()
	var out strings.Builder
	if h.DB.Engine == gormx.SQLite {
		var path string
		if err := h.DB.Read.Raw("SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path).Error; err != nil {
			h.Fatal(err)
		}
		for _, suffix := range []string{"", "-wal"} {
			text, err := os.ReadFile(path + suffix)
			if err != nil {
				h.Fatal(err)
			}
			out.Write(text)
		}
		return out.String()
	}
	var tables []string
	if err := h.DB.Read.Raw("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").Scan(&tables).Error; err != nil {
		h.Fatal(err)
	}
	for _, table := range tables {
		var rows []string
		if err := h.DB.Read.Raw("SELECT t::text FROM " + table + " t").Scan(&rows).Error; err != nil {
			h.Fatal(err)
		}
		out.WriteString(strings.Join(rows, "\n"))
	}
	return out.String()
}

func (h *house) sealedToCase() {
	in := h.Report()
	in.Channel, in.Reporter = casework.ChannelCitizen, casework.Reporter{Phone: phone}
	c, other := h.must(h.City.Cases.Report(h.ctx(), in)), h.report()
	if err := h.DB.Write.Exec("UPDATE cases SET reporter = ? WHERE id = ?", c.Reporter, other.ID).Error; err != nil {
		h.Fatal(err)
	}
	if got, err := h.City.Cases.Contact(h.ctx(), other.Number); err == nil {
		h.Errorf("the reporter of %s opened for %s: %+v", c.Number, other.Number, got)
	}
}

// replay tells the case that a journal describes, applying every step anew with
// what the step itself says.
func (h *house) replay(steps []casework.Step) casework.Case {
	h.Helper()
	c := casework.Case{ID: steps[0].Case, Number: steps[0].Number, Channel: steps[0].Detail.Channel}
	rules := casework.Rules{Workflow: h.City.Cases.Workflow(), Calendar: h.City.Calendar}
	for _, s := range steps {
		d := s.Detail
		o := casework.Order{Department: d.Department, Assistants: d.Assistants, Command: d.Command, CityLevel: true, Limit: h.limit, Other: d.Other, City: d.City}
		if d.Asked != nil {
			o.Asked = *d.Asked
		}
		if d.Draw != nil {
			o.OnDuty = d.Draw.Candidates
		}
		got, err := c.Apply(s.Action, s.By, s.At, rules, o)
		if err != nil {
			h.Fatalf("step %d of %s can't be applied again: %v", s.Seq, s.Number, err)
		}
		got.Note, got.RequestKey = s.Note, s.RequestKey
		if s.Action == casework.ActionReport {
			due := got.Detail.FileDue
			got.Detail, got.Detail.FileDue = s.Detail, due
		}
		if !reflect.DeepEqual(got, s) {
			h.Fatalf("step %d of %s: applied again it is\n     %+v\nwant %+v", s.Seq, s.Number, got, s)
		}
	}
	return c
}

// sameState compares what commands change: all but what the report said.
func sameState(a, b casework.Case) bool {
	for _, c := range []*casework.Case{&a, &b} {
		c.Channel, c.Condition, c.KindVersion, c.Sort, c.Kind, c.Part, c.Description, c.Address = "", "", "", "", "", "", "", ""
		c.Place, c.Grid, c.GridSet, c.Reporter = grid.Point{}, grid.Code{}, 0, nil
	}
	return reflect.DeepEqual(a, b)
}

// concurrentClerks gives random commands on a few cases from several places at
// once. Every command that succeeded is in the journal, no other is, and the
// journal applied anew gives the stored case.
func (h *house) concurrentClerks() {
	const clerks, each = 5, 120
	cases := make([]*casework.Case, 4)
	for i := range cases {
		cases[i] = h.report()
	}
	done := make([]atomic.Int64, len(cases))
	var wg sync.WaitGroup
	for clerk := range clerks {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(clerk), 2026))
			for range each {
				i, a := random.IntN(len(cases)), commands[random.IntN(len(commands))]
				if a == casework.ActionDecline && random.IntN(8) > 0 {
					continue // else most cases end at once
				}
				in := h.command(a, cases[i].Number)
				if random.IntN(3) == 0 {
					in.Version = int64(1 + random.IntN(12))
				}
				h.Clock.Advance(time.Duration(random.IntN(1000)) * time.Millisecond)
				switch _, err := h.do(a, in); {
				case err == nil:
					done[i].Add(1)
				case errs.KindOf(err) != errs.Conflict && !errors.Is(err, casework.ErrNotDrawn):
					h.Errorf("%s: %v", a, err)
				}
			}
		})
	}
	wg.Wait()
	for i, c := range cases {
		steps := h.steps(c.Number)
		if int64(len(steps)) != 1+done[i].Load() {
			h.Errorf("case %s has %d steps after a report and %d commands", c.Number, len(steps), done[i].Load())
		}
		stored := h.must(h.City.Cases.Case(h.ctx(), c.Number))
		if replay := h.replay(steps); !sameState(replay, *stored) {
			h.Errorf("the journal tells\n     %+v\nstored is\n     %+v", replay, stored)
		}
	}
}
