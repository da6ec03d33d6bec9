package tenantdb_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/tenant/casework"
	"wangge/tenant/citytest"
	"wangge/tenant/evaluation"
	"wangge/tenant/org"
)

// key is one figure: a count of a member on a day.
type key struct {
	day       string
	dimension evaluation.Dimension
	member    string
	count     evaluation.Count
}

// figures reads all figures that are not zero.
func figures(t *testing.T, h *citytest.House) map[key]int64 {
	t.Helper()
	out := map[key]int64{}
	for _, d := range []evaluation.Dimension{evaluation.City, evaluation.District, evaluation.Department} {
		days, err := h.City.Evaluation.Days(t.Context(), d, "0000", "9999")
		if err != nil {
			t.Fatal(err)
		}
		for _, day := range days {
			for c, n := range day.Counts {
				if n != 0 {
					out[key{day.Day, d, day.Member, c}] = n
				}
			}
		}
	}
	return out
}

// recount makes the figures from the case files instead of the journal, by the
// words of the definitions.
func recount(t *testing.T, h *citytest.House) map[key]int64 {
	t.Helper()
	out := map[key]int64{}
	for after := (casework.Cursor{}); ; {
		page, err := h.City.Cases.Cases(t.Context(), casework.Filter{After: after})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page {
			tally(out, c)
			after = c.Cursor()
		}
		if len(page) == 0 {
			return out
		}
	}
}

func tally(out map[key]int64, c casework.Case) {
	add := func(count evaluation.Count, at time.Time, n int64, when bool) {
		if !when || n == 0 {
			return
		}
		day := at.In(citytest.Zone).Format("2006-01-02")
		out[key{day, evaluation.City, "", count}] += n
		out[key{day, evaluation.District, c.Grid.County(), count}] += n
		if c.Department != "" {
			out[key{day, evaluation.Department, c.Department, count}] += n
		}
	}
	filed, sent := !c.FiledAt.IsZero(), !c.DispatchedAt.IsZero()
	add(evaluation.Reported, c.ReportedAt, 1, true)
	add(evaluation.PublicReports, c.ReportedAt, 1, c.Channel != casework.ChannelSupervisor)
	add(evaluation.ReportedFiled, c.ReportedAt, 1, filed)
	add(evaluation.Filed, c.FiledAt, 1, filed)
	add(evaluation.FiledInTime, c.FiledAt, 1, filed && c.FiledAt.Sub(c.ReportedAt) <= 2*time.Hour)
	add(evaluation.Dispatched, c.DispatchedAt, 1, sent)
	add(evaluation.DueHandle, c.Handling.Due, 1, sent)
	add(evaluation.Handled, c.Handling.Due, 1, sent && !c.HandledAt.IsZero())
	add(evaluation.HandledInTime, c.Handling.Due, 1, sent && !c.HandledAt.IsZero() && !c.HandledAt.After(c.Handling.Due))
	add(evaluation.Reworked, c.Handling.Due, int64(c.Reworks), sent)
	add(evaluation.DueClose, c.CloseDue, 1, sent)
	add(evaluation.Closed, c.CloseDue, 1, !c.ClosedAt.IsZero())
	add(evaluation.ClosedInTime, c.CloseDue, 1, !c.ClosedAt.IsZero() && !c.ClosedAt.After(c.CloseDue))
}

// declined adds what the case files don't tell: when a report was declined.
func declined(t *testing.T, h *citytest.House, out map[key]int64) {
	t.Helper()
	list, err := h.City.Cases.Cases(t.Context(), casework.Filter{Stages: []casework.Stage{casework.StageDeclined}})
	if err != nil || len(list) == casework.MaxPage {
		t.Fatal(len(list), err)
	}
	for _, c := range list {
		steps, err := h.City.Cases.Steps(t.Context(), c.Number)
		if err != nil {
			t.Fatal(err)
		}
		day := steps[len(steps)-1].At.In(citytest.Zone).Format("2006-01-02")
		out[key{day, evaluation.City, "", evaluation.Declined}]++
		out[key{day, evaluation.District, c.Grid.County(), evaluation.Declined}]++
	}
}

// differ lists where two sets of figures are not the same.
func differ(got, want map[key]int64) (out []string) {
	all := maps.Clone(got)
	maps.Copy(all, want)
	for k := range all {
		if got[k] != want[k] {
			out = append(out, fmt.Sprintf("%+v: got %d, want %d", k, got[k], want[k]))
		}
	}
	slices.Sort(out)
	return out[:min(len(out), 10)]
}

// caughtUp updates until the reader has seen every step. On PostgreSQL a
// transaction of somebody else on the server may hold it back for a moment.
func caughtUp(t *testing.T, h *citytest.House) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		if _, err := h.City.Evaluation.Update(t.Context()); err != nil {
			t.Fatal(err)
		}
		if unread(t, h) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the reader never caught up")
		}
	}
}

func unread(t *testing.T, h *citytest.House) (n int64) {
	t.Helper()
	err := h.DB.Read.Raw("SELECT count(*) FROM steps s, readers r WHERE r.name = 'evaluation' AND (s.xid, s.id) > (r.xid, r.step_id)").Scan(&n).Error
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// wantFigures fails unless the figures are those of the case files, and stay
// the same when they are made anew from the whole journal.
func wantFigures(t *testing.T, h *citytest.House) {
	t.Helper()
	caughtUp(t, h)
	got, want := figures(t, h), recount(t, h)
	declined(t, h, want)
	if d := differ(got, want); len(d) > 0 {
		t.Errorf("read from the journal, against the case files:\n%v", d)
	}
	if err := h.City.Evaluation.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	caughtUp(t, h)
	if d := differ(figures(t, h), got); len(d) > 0 {
		t.Errorf("rebuilt, against read bit by bit:\n%v", d)
	}
}

// clerk works at random on the cases of all: reports one, or gives any of them
// a command that its stage most likely allows. The clock moves on meanwhile.
func clerk(t *testing.T, h *citytest.House, random *rand.Rand, commands int) {
	channels := []casework.Channel{casework.ChannelSupervisor, casework.ChannelCitizen, casework.ChannelHotline}
	for range commands {
		h.Clock.Advance(time.Duration(random.IntN(int(40 * time.Minute))))
		list, err := h.City.Cases.Cases(t.Context(), casework.Filter{})
		if err != nil {
			t.Error(err)
			return
		}
		if len(list) < 5 || random.IntN(4) == 0 {
			in := h.Report()
			in.Channel, in.Place = channels[random.IntN(3)], h.Grids[random.IntN(len(h.Grids))].Inside()
			if _, err := h.City.Cases.Report(t.Context(), in); err != nil {
				t.Error(err)
				return
			}
			continue
		}
		if err := next(t, h, random, list[random.IntN(len(list))]); err != nil && errs.KindOf(err) != errs.Conflict {
			t.Error(err)
			return
		}
	}
}

// next gives a case one of the commands that its stage allows.
func next(t *testing.T, h *citytest.House, random *rand.Rand, c casework.Case) error {
	side := random.IntN(4) == 0
	switch {
	case side && c.Stage == casework.StageReported:
		return give(t, h, c, casework.ActionDecline, h.Actor(org.ShiftLeader))
	case side && c.Stage == casework.StageHandled:
		return give(t, h, c, casework.ActionRework, h.Actor(org.Supervisor))
	case side && c.Stage == casework.StageFiled:
		c.Department = citytest.Greening
		return give(t, h, c, casework.ActionDispatch, h.Actor(org.Dispatcher))
	}
	return forward(t, h, c)
}

// give gives a command on a case as it was seen.
func give(t *testing.T, h *citytest.House, c casework.Case, a casework.Action, by casework.Actor) error {
	in := casework.Command{Number: c.Number, By: by, Note: "随机", Department: c.Department}
	if c.Checker != 0 {
		in.By.Account = c.Checker
	}
	_, err := h.City.Cases.Do(t.Context(), a, in)
	return err
}

// forward gives a case the next command on the straight way.
func forward(t *testing.T, h *citytest.House, c casework.Case) error {
	switch c.Stage {
	case casework.StageReported:
		return give(t, h, c, casework.ActionFile, h.Actor(org.ShiftLeader))
	case casework.StageFiled:
		c.Department = citytest.Works
		return give(t, h, c, casework.ActionDispatch, h.Actor(org.Dispatcher))
	case casework.StageDispatched:
		by := h.Actor(org.DepartmentHandler)
		if c.Department == citytest.Greening {
			by = h.Second(org.DepartmentHandler)
		}
		return give(t, h, c, casework.ActionHandle, by)
	case casework.StageHandled:
		return give(t, h, c, casework.ActionVerify, h.Actor(org.Supervisor))
	case casework.StageVerified:
		return give(t, h, c, casework.ActionClose, h.Actor(org.ShiftLeader))
	default:
		return nil
	}
}

func TestFiguresReadBitByBitAreThoseOfTheWholeJournalAndOfTheCaseFiles(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		for round := range 2 {
			done := make(chan struct{})
			var clerks, readers sync.WaitGroup
			for n := range 3 {
				clerks.Go(func() { clerk(t, h, rand.New(rand.NewPCG(uint64(round), uint64(n))), 40) })
			}
			for range 2 {
				readers.Go(func() {
					for {
						select {
						case <-done:
							return
						default:
							if _, err := h.City.Evaluation.Update(t.Context()); err != nil {
								t.Error(err)
								return
							}
						}
					}
				})
			}
			clerks.Wait()
			close(done)
			readers.Wait()
			wantFigures(t, h)
		}
		if got := figures(t, h); len(got) < 100 {
			t.Errorf("only %d figures came of it", len(got))
		}
	})
}

func TestAStepThatCommitsLateIsNotPassedOver(t *testing.T) {
	h := citytest.Build(t, testdb.Postgres(t))
	first, second := reportOne(t, h), reportOne(t, h)
	caughtUp(t, h)

	late := h.DB.Write.WithContext(t.Context()).Begin()
	defer late.Rollback()
	slow, err := h.Seeder.Open(t.Context(), h.City.ID, &gormx.DB{Engine: gormx.Postgres, Write: late, Read: late})
	if err != nil {
		t.Fatal(err)
	}
	file := func(number string) casework.Command {
		return casework.Command{Number: number, By: h.Actor(org.ShiftLeader)}
	}
	if _, err := slow.Cases.Do(t.Context(), casework.ActionFile, file(first)); err != nil { // takes its place in the journal …
		t.Fatal(err)
	}
	if _, err := h.City.Cases.Do(t.Context(), casework.ActionFile, file(second)); err != nil { // … is overtaken …
		t.Fatal(err)
	}
	if _, err := h.City.Evaluation.Update(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := late.Commit().Error; err != nil { // … and commits when the reader has been there
		t.Fatal(err)
	}
	wantFigures(t, h)
	if n := figures(t, h)[key{"2026-11-23", evaluation.City, "", evaluation.Filed}]; n != 2 {
		t.Errorf("%d cases are filed, want both", n)
	}
}

func reportOne(t *testing.T, h *citytest.House) (number string) {
	t.Helper()
	c, err := h.City.Cases.Report(t.Context(), h.Report())
	if err != nil {
		t.Fatal(err)
	}
	return c.Number
}

func TestAFigureOpensToItsCases(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		clerk(t, h, rand.New(rand.NewPCG(7, 7)), 150)
		caughtUp(t, h)
		for k, n := range figures(t, h) {
			var behind []string
			for {
				q := evaluation.Behind{Count: k.count, From: k.day, To: k.day, Dimension: k.dimension, Member: k.member, Limit: 2}
				if len(behind) > 0 {
					q.After = behind[len(behind)-1]
				}
				page, err := h.City.Evaluation.CasesBehind(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				if behind = append(behind, page...); len(page) < 2 {
					break
				}
			}
			few := k.count == evaluation.Reworked && len(behind) > 0 // one case may be sent back twice
			if int64(len(behind)) != n && !(few && int64(len(behind)) < n) {
				t.Errorf("%+v is %d, behind it are %v", k, n, behind)
			}
			if !slices.IsSorted(behind) || len(slices.Compact(slices.Clone(behind))) != len(behind) {
				t.Errorf("%+v: the pages give %v", k, behind)
			}
		}
	})
}

func TestAChangedDayGetsANewRevisionAndAnUnchangedOneKeepsIts(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		number := reportOne(t, h)
		h.Clock.Advance(24 * time.Hour)
		reportOne(t, h)
		caughtUp(t, h)
		days := since(t, h, 0)
		if len(days) != 2 || days[0].Day != "2026-11-23" || days[1].Day != "2026-11-24" || days[0].Revision >= days[1].Revision {
			t.Fatalf("got %+v, want the two days in the order of their change", days)
		}
		seen := days[1].Revision
		if n, err := h.City.Evaluation.Update(t.Context()); err != nil || n != 0 {
			t.Errorf("nothing is new, yet %d cases were read, %v", n, err)
		}
		if again := since(t, h, seen); len(again) != 0 {
			t.Errorf("nothing changed, yet %+v are new", again)
		}
		h.Clock.Set(citytest.Opening.Add(time.Hour)) // a correction on the first day
		if _, err := h.City.Cases.Do(t.Context(), casework.ActionFile, casework.Command{Number: number, By: h.Actor(org.ShiftLeader)}); err != nil {
			t.Fatal(err)
		}
		caughtUp(t, h)
		if changed := since(t, h, seen); len(changed) != 1 || changed[0].Day != "2026-11-23" || changed[0].Counts[evaluation.Filed] != 1 {
			t.Errorf("got %+v, want the first day alone, with one filed", changed)
		}
	})
}

func TestADayThatARebuildFindsEmptyIsPublishedAsEmpty(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		reportOne(t, h)
		caughtUp(t, h)
		held := since(t, h, 0)
		// As an older rule would have left it: a day that no case counts in.
		err := h.DB.Write.Exec("INSERT INTO indicator_days (day, dimension, member, counts, revision) VALUES ('2026-01-01', 'city', '', '{\"filed\":3}', 0)").Error
		if err != nil {
			t.Fatal(err)
		}
		if err := h.City.Evaluation.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		changed := since(t, h, held[len(held)-1].Revision)
		if len(changed) != 1 || changed[0].Day != "2026-01-01" || changed[0].Counts[evaluation.Filed] != 0 {
			t.Errorf("got %+v, want the emptied day alone", changed)
		}
	})
}

// since reads the changed days one at a time.
func since(t *testing.T, h *citytest.House, revision int64) (out []evaluation.Day) {
	t.Helper()
	for {
		page, err := h.City.Evaluation.DaysSince(t.Context(), revision, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return out
		}
		out, revision = append(out, page...), page[0].Revision
	}
}

// Of 25 cases due for closing 20 are closed, 15 in time.
func TestTheFiguresOfAMonthGiveTheRatesOfANotice(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		const cases, closed, inTime = 25, 20, 15
		for n := range cases {
			h.Clock.Set(citytest.Opening.Add(time.Duration(n) * time.Minute))
			number, end := reportOne(t, h), casework.StageClosed
			if n >= closed {
				end = casework.StageDispatched
			}
			for c := one(t, h, number); c.Stage != end; c = one(t, h, number) {
				if c.Stage == casework.StageVerified && n >= inTime {
					h.Clock.Set(c.CloseDue.Add(time.Minute))
				}
				if err := forward(t, h, c); err != nil {
					t.Fatal(err)
				}
			}
		}
		caughtUp(t, h)
		sum, err := h.City.Evaluation.Figures(t.Context(), evaluation.City, "2026-11-01", "2026-11-30")
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"closing_rate": "80.00", "closing_in_time_rate": "60.00", "filing_rate": "100.00"}
		for _, i := range evaluation.Indicators() {
			if w, ok := want[i.Code]; ok && i.Of(sum[""]).Percent().String() != w {
				t.Errorf("%s is %v, want %s", i.Code, i.Of(sum[""]), w)
			}
		}
	})
}

func one(t *testing.T, h *citytest.House, number string) casework.Case {
	t.Helper()
	c, err := h.City.Cases.Case(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	return *c
}
