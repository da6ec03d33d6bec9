package platformdb_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/migrations"
	"wangge/platform"
	"wangge/platform/exchange"
	"wangge/platform/platformdb"
	"wangge/platform/ranking"
	"wangge/platform/review"
	"wangge/tenant/evaluation"
)

func TestStoresSQLite(t *testing.T)   { suite(t, testdb.SQLite) }
func TestStoresPostgres(t *testing.T) { suite(t, testdb.Postgres) }

// suite is how every store behaves, whatever the engine.
func suite(t *testing.T, open func(testing.TB) *gormx.DB) {
	for name, test := range map[string]func(*testing.T, *gormx.DB){
		"the registry returns what was saved and replaces by code":    registry,
		"servers are kept by name and stay where they are":            servers,
		"published days come in once and never go back":               published,
		"two collectors of one city take each day once":               collectors,
		"a month sums its own days city by city":                      month,
		"editions are append-only":                                    editions,
		"two freezes at once make one edition":                        freezes,
		"a review goes from application to its verdict":               journey,
		"a city has one running review":                               oneRunning,
		"while a mark is being given nobody concludes":                nobodyConcludes,
		"marks given while a review concludes are in it or refused":   race,
		"a mark needs an expert's account and may be given only once": marks,
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			if _, err := migrations.Up(t.Context(), db, migrations.Province); err != nil {
				t.Fatal(err)
			}
			for code, name := range map[string]string{"429006": "天门市", "420100": "武汉市"} {
				c := platform.City{Code: code, Name: name, Model: "two_centres", State: platform.Active, Engine: "sqlite", CreatedAt: noon(), ActiveAt: noon()}
				must(t, platformdb.Registry(db).SaveCity(t.Context(), c))
			}
			test(t, db)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func noon() time.Time { return time.Date(2026, 4, 5, 4, 0, 0, 123456000, time.UTC) }

func shanghai() *time.Location { return time.FixedZone("Asia/Shanghai", 8*3600) }

func servers(t *testing.T, db *gormx.DB) {
	store, ctx := platformdb.Registry(db), t.Context()
	for _, s := range []platform.Server{{Name: "west", At: "postgres://w/x", AddedAt: noon()}, {Name: "east", At: "postgres://e/x", AddedAt: noon()}} {
		must(t, store.AddServer(ctx, s))
		must(t, store.AddServer(ctx, s))
	}
	if err := store.AddServer(ctx, platform.Server{Name: "west", At: "postgres://other/x", AddedAt: noon()}); !errors.Is(err, platform.ErrServerKnown) {
		t.Errorf("west at another place: got %v, want ErrServerKnown", err)
	}
	list, err := store.Servers(ctx)
	if err != nil || len(list) != 2 || list[0].Name != "east" || list[1] != (platform.Server{Name: "west", At: "postgres://w/x", AddedAt: noon()}) {
		t.Errorf("got %+v, %v; want both by name, as they were added", list, err)
	}
}

func registry(t *testing.T, db *gormx.DB) {
	store, ctx := platformdb.Registry(db), t.Context()
	c := platform.City{Code: "420500", Name: "宜昌市", Model: "two_centres", State: platform.Building, Engine: "postgres", SpecHash: "ab", CreatedAt: noon(), Access: platform.Open}
	must(t, store.SaveCity(ctx, c))
	if got, err := store.City(ctx, "420500"); err != nil || got != c {
		t.Fatalf("got %+v, %v; want %+v", got, err, c)
	}
	c.State, c.ActiveAt = platform.Active, noon().Add(time.Hour)
	must(t, store.SaveCity(ctx, c))
	all, err := store.Cities(ctx)
	if err != nil || len(all) != 3 || all[0].Code != "420100" || all[1] != c || all[2].Code != "429006" {
		t.Fatalf("cities %+v, %v; want three by code", all, err)
	}
	if _, err := store.City(ctx, "000000"); !errors.Is(err, platform.ErrNoCity) {
		t.Fatalf("unknown city: %v, want ErrNoCity", err)
	}
}

// source is a city that publishes these days.
type source []exchange.Day

func (s source) DaysSince(_ context.Context, revision int64, limit int) ([]exchange.Day, error) {
	i := slices.IndexFunc(s, func(d exchange.Day) bool { return d.Revision > revision })
	if i < 0 {
		return nil, nil
	}
	return s[i:min(len(s), i+limit)], nil
}

// year is 1,000 days up to the end of March 2026, one case filed on each.
func year() source {
	var s source
	first := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -999)
	for i := range 1000 {
		s = append(s, exchange.Day{Day: first.AddDate(0, 0, i).Format(time.DateOnly), Counts: evaluation.Counts{evaluation.Filed: 1}, Revision: int64(i + 1)})
	}
	return s
}

func published(t *testing.T, db *gormx.DB) {
	store, ctx := platformdb.Exchange(db), t.Context()
	for _, want := range []int{1000, 0} {
		if n, err := exchange.Collect(ctx, store, "429006", year(), noon); err != nil || n != want {
			t.Fatalf("collected %d, %v; want %d", n, err, want)
		}
	}
	day := func(filed, revision int64) []exchange.Day {
		return []exchange.Day{{Day: "2026-03-31", Counts: evaluation.Counts{evaluation.Filed: filed}, Revision: revision}}
	}
	for _, c := range []struct {
		name            string
		filed, revision int64
		taken           int
	}{{"a later revision", 5, 2000, 1}, {"the same again", 5, 2000, 0}, {"an older one", 9, 1500, 0}} {
		if n, err := store.SaveDays(ctx, "429006", day(c.filed, c.revision), noon()); err != nil || n != c.taken {
			t.Fatalf("%s: took %d, %v; want %d", c.name, n, err, c.taken)
		}
	}
	figures, err := platformdb.Ranking(db).Figures(ctx, "2026-03")
	if err != nil || figures[1].Counts[evaluation.Filed] != 35 || figures[1].Revision != 2000 {
		t.Fatalf("March of Tianmen is %+v, %v; want 30 days of 1 and one of 5", figures[1], err)
	}
	if _, err := exchange.Collect(ctx, store, "000000", year(), noon); !errors.Is(err, platform.ErrNoCity) {
		t.Fatalf("an unknown city: %v, want ErrNoCity", err)
	}
}

func collectors(t *testing.T, db *gormx.DB) {
	var all sync.WaitGroup
	taken, failed := make([]int, 4), make([]error, 4)
	for i := range taken {
		all.Go(func() {
			taken[i], failed[i] = exchange.Collect(t.Context(), platformdb.Exchange(db), "429006", year(), noon)
		})
	}
	all.Wait()
	sum := 0
	for i, n := range taken {
		must(t, failed[i])
		sum += n
	}
	if sum != 1000 {
		t.Fatalf("%v days taken, %d in all; want 1000", taken, sum)
	}
}

func month(t *testing.T, db *gormx.DB) {
	ctx := t.Context()
	must(t, platformdb.Registry(db).SaveCity(ctx, platform.City{Code: "420200", Name: "黄石市", State: platform.Building, Engine: "sqlite", CreatedAt: noon()}))
	days := source{
		{Day: "2026-02-28", Counts: evaluation.Counts{evaluation.DueClose: 100}, Revision: 1},
		{Day: "2026-03-01", Counts: evaluation.Counts{evaluation.DueClose: 10, evaluation.Closed: 9}, Revision: 2},
		{Day: "2026-03-31", Counts: evaluation.Counts{evaluation.DueClose: 20, evaluation.Closed: 18}, Revision: 3},
		{Day: "2026-03-30", Counts: evaluation.Counts{}, Revision: 4},
		{Day: "2026-04-01", Counts: evaluation.Counts{evaluation.DueClose: 100}, Revision: 5},
	}
	if _, err := exchange.Collect(ctx, platformdb.Exchange(db), "420100", days, noon); err != nil {
		t.Fatal(err)
	}
	got, err := platformdb.Ranking(db).Figures(ctx, "2026-03")
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v; want the two cities in service", got, err)
	}
	if w := got[0]; w.Name != "武汉市" || w.Days != 2 || w.Revision != 4 || w.Counts[evaluation.DueClose] != 30 || w.Counts[evaluation.Closed] != 27 {
		t.Errorf("Wuhan %+v; want 27 of 30 on 2 days at revision 4", w)
	}
	if w := got[1]; w.Name != "天门市" || w.Days != 0 || len(w.Counts) != 0 {
		t.Errorf("Tianmen %+v; want no data", w)
	}
}

func ranker(t *testing.T, db *gormx.DB) *ranking.Service {
	t.Helper()
	p, err := ranking.Example()
	must(t, err)
	days := source{{Day: "2026-03-01", Counts: evaluation.Counts{evaluation.DueClose: 972, evaluation.Closed: 911, evaluation.ClosedInTime: 737}, Revision: 1}}
	_, err = exchange.Collect(t.Context(), platformdb.Exchange(db), "429006", days, noon)
	must(t, err)
	return ranking.NewService(platformdb.Ranking(db), p, shanghai(), noon)
}

func editions(t *testing.T, db *gormx.DB) {
	service, store, ctx := ranker(t, db), platformdb.Ranking(db), t.Context()
	first, err := service.Freeze(ctx, "2026-03", "")
	must(t, err)
	if err := store.AddEdition(ctx, first); !errors.Is(err, ranking.ErrTaken) {
		t.Fatalf("the same number again: %v, want ErrTaken", err)
	}
	if _, err := service.Freeze(ctx, "2026-03", "更正"); err != nil {
		t.Fatal(err)
	}
	edition, frozen, err := service.Edition(ctx, "2026-03", 1)
	if err != nil || frozen.Hash != first.Hash || !frozen.FrozenAt.Equal(noon()) || !slices.Equal(frozen.Document, first.Document) {
		t.Fatalf("edition 1 came back as %+v, %v", frozen, err)
	}
	if p := edition.Places; p[0].Name != "天门市" || p[0].Rank != 1 || p[1].Reason != ranking.NoData {
		t.Errorf("places %+v", p)
	}
	_, err = service.Freeze(ctx, "2026-02", "")
	must(t, err)
	all, err := service.Editions(ctx)
	if err != nil || len(all) != 3 || all[0].Number != 2 || all[2].Month != "2026-02" || len(all[0].Document) != 0 {
		t.Fatalf("%d editions, %v; want March 2, March 1, February without documents", len(all), err)
	}
}

func freezes(t *testing.T, db *gormx.DB) {
	service := ranker(t, db)
	var all sync.WaitGroup
	failed := make([]error, 4)
	for i := range failed {
		all.Go(func() { _, failed[i] = service.Freeze(t.Context(), "2026-03", "") })
	}
	all.Wait()
	won := 0
	for _, err := range failed {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, ranking.ErrTaken) && !errors.Is(err, ranking.ErrNoReason):
			t.Errorf("a late freeze: %v, want ErrTaken or ErrNoReason", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of 4 made edition 1; want one", won)
	}
}

const rubric = `{code: own, version: "1", name: {zh: 标准, en: rubric}, total: 20, pass_mark: 15, fail_below: 5, item_minimum: 60%, experts_per_item: 2, sections: [
  {code: A, name: {zh: 运行, en: operation}, items: [
    {code: A1, name: {zh: 结案率, en: closing rate}, kind: computed, points: 10, fact: closing, full: 100%, zero: 0, evidence: {zh: 案卷, en: cases}, advice: {zh: 结案, en: close}},
    {code: A2, name: {zh: 规章, en: rules}, kind: judged, points: 10, evidence: {zh: 文件, en: papers}, advice: {zh: 补齐, en: complete}}]}]}`

func reviewer(t *testing.T, db *gormx.DB) *review.Service {
	t.Helper()
	r, err := review.LoadRubric(strings.NewReader(rubric), "own.yaml")
	must(t, err)
	for _, login := range []string{"zhang", "wang", "li", "zhao"} {
		must(t, db.Write.Exec("INSERT INTO accounts (login, name, created_at) VALUES (?, ?, 0)", login, login).Error)
	}
	return review.NewService(platformdb.Reviews(db), r, noon)
}

func evidence(city string) exchange.Evidence {
	return exchange.Evidence{City: city, Name: "天门市", AsOf: noon(), From: "2026-01-01", To: "2026-03-31", Facts: map[string]evaluation.Ratio{
		exchange.Closing: {Numerator: 911, Denominator: 972},
	}}
}

func journey(t *testing.T, db *gormx.DB) {
	service, ctx := reviewer(t, db), t.Context()
	applied, err := service.Apply(ctx, evidence("429006"))
	must(t, err)
	must(t, service.Score(ctx, applied.ID, review.ExpertScore{Expert: 1, Item: "A2", Points: 800, Remark: "规章齐全"}))
	if _, err := service.Conclude(ctx, applied.ID); !errors.Is(err, review.ErrTooFewExperts) {
		t.Fatalf("one expert: %v, want ErrTooFewExperts", err)
	}
	must(t, service.Score(ctx, applied.ID, review.ExpertScore{Expert: 2, Item: "A2", Points: 901}))
	concluded, err := service.Conclude(ctx, applied.ID)
	must(t, err)
	back, err := service.Review(ctx, applied.ID)
	must(t, err)
	// 911/972 × 10 = 9.372… and (8.00 + 9.01) / 2 = 8.505, half up.
	if back.Decision.Outcome != review.Passed || back.Decision.Total.String() != "17.88" || back.State != "passed" {
		t.Errorf("%s with %s, state %s; want passed with 17.88", back.Decision.Outcome, back.Decision.Total, back.State)
	}
	if !back.ConcludedAt.Equal(noon()) || !slices.Equal(back.Verdict, concluded.Verdict) || back.EvidenceHash != applied.EvidenceHash {
		t.Errorf("the concluded review came back changed: %+v", back.Review)
	}
	scores, err := service.Scores(ctx, applied.ID, 0)
	if err != nil || len(scores) != 2 || scores[0].Remark != "规章齐全" || !scores[0].At.Equal(noon()) {
		t.Errorf("scores %+v, %v", scores, err)
	}
	must(t, db.Write.Exec("UPDATE review_scores SET points = 1000").Error)
	if _, err := service.Review(ctx, applied.ID); errs.KindOf(err) != errs.Conflict {
		t.Errorf("a mark changed in the database: %v, want a Conflict", err)
	}
}

func oneRunning(t *testing.T, db *gormx.DB) {
	service, ctx := reviewer(t, db), t.Context()
	first, err := service.Apply(ctx, evidence("429006"))
	must(t, err)
	if _, err := service.Apply(ctx, evidence("429006")); !errors.Is(err, review.ErrRunning) {
		t.Fatalf("a second application: %v, want ErrRunning", err)
	}
	if _, err := service.Apply(ctx, evidence("000000")); !errors.Is(err, platform.ErrNoCity) {
		t.Fatalf("an unknown city: %v, want ErrNoCity", err)
	}
	if _, err := service.Review(ctx, 99); !errors.Is(err, review.ErrNoReview) {
		t.Fatalf("an unknown review: %v, want ErrNoReview", err)
	}
	for expert := range int64(2) {
		must(t, service.Score(ctx, first.ID, review.ExpertScore{Expert: expert + 1, Item: "A2", Points: 100}))
	}
	if _, err := service.Conclude(ctx, first.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := service.Apply(ctx, evidence("429006")); err != nil {
		t.Fatalf("applying again after the verdict: %v", err)
	}
	all, err := service.Reviews(ctx)
	if err != nil || len(all) != 2 || all[0].State != review.UnderReview || all[1].State != "rectify" {
		t.Fatalf("reviews %+v, %v; want the running one first", all, err)
	}
}

func race(t *testing.T, db *gormx.DB) {
	service, ctx := reviewer(t, db), t.Context()
	applied, err := service.Apply(ctx, evidence("429006"))
	must(t, err)
	for expert := range int64(2) {
		must(t, service.Score(ctx, applied.ID, review.ExpertScore{Expert: expert + 1, Item: "A2", Points: 900}))
	}
	var all sync.WaitGroup
	var late [2]error
	var ended error
	for i := range late {
		all.Go(func() {
			late[i] = service.Score(ctx, applied.ID, review.ExpertScore{Expert: int64(i + 3), Item: "A2", Points: 300})
		})
	}
	all.Go(func() { _, ended = service.Conclude(ctx, applied.ID) })
	all.Wait()
	must(t, ended)
	for _, err := range late {
		if err != nil && !errors.Is(err, review.ErrConcluded) {
			t.Errorf("a late mark: %v, want it in or ErrConcluded", err)
		}
	}
	if _, err := service.Review(ctx, applied.ID); err != nil {
		t.Errorf("the verdict does not follow from the marks kept: %v", err)
	}
}

func nobodyConcludes(t *testing.T, db *gormx.DB) {
	service, ctx := reviewer(t, db), t.Context()
	applied, err := service.Apply(ctx, evidence("429006"))
	must(t, err)
	for expert := range int64(2) {
		must(t, service.Score(ctx, applied.ID, review.ExpertScore{Expert: expert + 1, Item: "A2", Points: 900}))
	}
	must(t, platformdb.Reviews(db).InTx(ctx, func(store review.Store) error {
		if _, err := store.Review(ctx, applied.ID); err != nil {
			return err
		}
		short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		if _, err := service.Conclude(short, applied.ID); err == nil {
			t.Error("the review was concluded in the middle of a mark")
		}
		return nil
	}))
	if _, err := service.Conclude(ctx, applied.ID); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func marks(t *testing.T, db *gormx.DB) {
	service, store, ctx := reviewer(t, db), platformdb.Reviews(db), t.Context()
	applied, err := service.Apply(ctx, evidence("429006"))
	must(t, err)
	mark := review.ExpertScore{Expert: 1, Item: "A2", Points: 900, At: noon()}
	must(t, store.AddScore(ctx, applied.ID, mark))
	if err := store.AddScore(ctx, applied.ID, mark); !errors.Is(err, review.ErrScoredTwice) {
		t.Errorf("the store took the mark twice: %v", err)
	}
	if err := service.Score(ctx, applied.ID, mark); !errors.Is(err, review.ErrScoredTwice) {
		t.Errorf("the service took the mark twice: %v", err)
	}
	mark.Expert = 99
	if err := service.Score(ctx, applied.ID, mark); !errors.Is(err, review.ErrNoExpert) {
		t.Errorf("no such account: %v, want ErrNoExpert", err)
	}
}
