package platformhttp

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/identity"
	"wangge/internal/policy"
	"wangge/internal/testdb"
	"wangge/internal/web"
	"wangge/internal/web/webtest"
	"wangge/migrations"
	"wangge/platform"
	"wangge/platform/exchange"
	"wangge/platform/platformdb"
	"wangge/platform/ranking"
	"wangge/platform/review"
	"wangge/provisioning"
	"wangge/tenant/evaluation"
)

const password = "correct horse 电池"

var (
	zone  = time.FixedZone("Asia/Shanghai", 8*60*60)
	today = time.Date(2026, 11, 12, 10, 0, 0, 0, zone)
)

// house is a province ready for work: three cities with figures of October, and
// somebody in every post.
type house struct {
	*Plane
	t  *testing.T
	db *gormx.DB
	e  *gin.Engine
}

// each builds a house on each engine.
func each(t *testing.T, test func(t *testing.T, h *house)) {
	testdb.Engines(t, func(t *testing.T, db *gormx.DB) {
		h := build(t, db)
		h.e = webtest.Serve(false, h.Mount)
		test(t, h)
	})
}

const rubric = `{code: own, version: "1", name: {zh: 某省验收标准, en: rubric}, total: 20, pass_mark: 15, fail_below: 5, item_minimum: 60%, experts_per_item: 2, sections: [
  {code: A, name: {zh: 运行, en: operation}, items: [
    {code: A1, name: {zh: 结案率, en: closing rate}, kind: computed, points: 10, fact: closing, full: 100%, zero: 0, evidence: {zh: 案卷, en: cases}, advice: {zh: 结案, en: close}},
    {code: A2, name: {zh: 规章, en: rules}, kind: judged, points: 10, evidence: {zh: 文件, en: papers}, advice: {zh: 补齐, en: complete}}]}]}`

// ledger is the recorded steps of every city.
type ledger struct{}

func (ledger) Steps(context.Context, string) ([]provisioning.StepRecord, error) {
	return []provisioning.StepRecord{{Step: "database", State: "done", SpecHash: "ab", Attempts: 2, StartedAt: today, FinishedAt: today}}, nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func build(t *testing.T, db *gormx.DB) *house {
	t.Helper()
	ctx, now := t.Context(), func() time.Time { return today }
	_, err := migrations.Up(ctx, db, migrations.Province)
	must(t, err)
	must(t, platformdb.SeedPolicy(ctx, db))
	accounts := identity.New(db, now, Name, identity.Options{Hasher: identity.NewHasher(identity.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 4)})
	protocol, err := ranking.Example()
	must(t, err)
	rules, err := review.LoadRubric(strings.NewReader(rubric), "own.yaml")
	must(t, err)
	h := &house{t: t, db: db, Plane: New(Deps{
		Accounts: accounts, Policy: policy.New(db), Cities: platformdb.Registry(db), Steps: ledger{}, Zone: zone, Newest: 11, Issuer: "某省住房和城乡建设厅",
		Rankings: ranking.NewService(platformdb.Ranking(db), protocol, zone, now), Reviews: review.NewService(platformdb.Reviews(db), rules, now),
		Document: web.NewDocument("网格 Wangge", "test", ""),
		Attest: func(_ context.Context, city, from, to string) (exchange.Evidence, error) {
			return exchange.Evidence{City: city, Name: "天门市", AsOf: today, From: from, To: to, Facts: map[string]evaluation.Ratio{
				exchange.Closing: {Numerator: 911, Denominator: 972},
			}}, nil
		},
		SetRoles: func(ctx context.Context, account int64, roles []platform.Role) error {
			return platformdb.SetRoles(ctx, db, account, roles)
		},
		Invited: func(_ context.Context, plane string, use func(*identity.Service) error) error {
			if plane != Name {
				return errs.New(errs.NotFound, "no_such_city", "没有这个城市", "no such city")
			}
			return use(accounts)
		},
	})}
	must(t, web.Add(h.Document, Prefix, Name, h.Routes()))
	h.cities()
	for _, r := range platform.Roles() {
		h.staff(string(r)+"01", r)
	}
	h.staff("expert02", platform.Expert)
	return h
}

// cities puts three into the registry and publishes what they did in October.
func (h *house) cities() {
	ctx := h.t.Context()
	for i, c := range []platform.City{
		{Code: "420100", Name: "武汉市", State: platform.Active, Level: 11}, {Code: "420500", Name: "宜昌市", State: platform.Active},
		{Code: "429006", Name: "天门市", State: platform.Active, Level: 10}, {Code: "420200", Name: "黄石市", State: platform.Building},
	} {
		c.Model, c.Engine, c.CreatedAt = "two_centres", "sqlite", today
		if c.State == platform.Active {
			c.ActiveAt = today.AddDate(0, -3, 0)
		}
		must(h.t, platformdb.Registry(h.db).SaveCity(ctx, c))
		if i > 2 {
			continue
		}
		n := int64(i)
		_, err := platformdb.Exchange(h.db).SaveDays(ctx, c.Code, []exchange.Day{{Day: "2026-10-09", Revision: 1, Counts: evaluation.Counts{
			evaluation.Reported: 1200 + 90*n, evaluation.Filed: 1000 + 80*n, evaluation.FiledInTime: 990 + 70*n,
			evaluation.DueHandle: 980 + 75*n, evaluation.Handled: 970 + 50*n, evaluation.HandledInTime: 930 + 40*n,
			evaluation.DueClose: 972 + 70*n, evaluation.Closed: 950 + 40*n, evaluation.ClosedInTime: 911 + 20*n, evaluation.Reworked: 20 + 5*n,
		}}}, today)
		must(h.t, err)
	}
}

// staff adds somebody who may sign in.
func (h *house) staff(login string, roles ...platform.Role) int64 {
	h.t.Helper()
	ctx := h.t.Context()
	a, err := h.Accounts.CreateAccount(ctx, login, login)
	must(h.t, err)
	must(h.t, platformdb.SetRoles(ctx, h.db, a.ID, roles))
	token, err := h.Accounts.Invite(ctx, a.ID, time.Hour)
	must(h.t, err)
	must(h.t, h.Accounts.Accept(ctx, token, password))
	return a.ID
}

// as is somebody signed in.
func (h *house) as(login string) *webtest.Person {
	h.t.Helper()
	p := webtest.New(h.t, h.e)
	p.Post(Prefix+"/session", map[string]string{"login": login, "password": password}).Want(204)
	return p
}
