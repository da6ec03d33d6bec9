package billinghttp_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"wangge/billing"
	"wangge/billing/billingdb"
	"wangge/billing/billinghttp"
	"wangge/internal/gormx"
	"wangge/internal/identity"
	"wangge/internal/policy"
	"wangge/internal/testdb"
	"wangge/internal/web"
	"wangge/internal/web/webtest"
	"wangge/migrations"
	"wangge/platform"
	"wangge/platform/platformdb"
)

const prefix = "/api/province"

var now = time.Date(2026, 11, 12, 2, 0, 0, 0, time.UTC)

// office is a province with two cities, and a desk that bills them.
type office struct {
	t        *testing.T
	db       *gormx.DB
	accounts *identity.Service
	engine   *gin.Engine
	cities   []billing.City
}

// IssueInvoices is the desk's Issuer.
func (o *office) IssueInvoices(ctx context.Context, month string) ([]billing.Invoice, error) {
	tariff, err := billing.DefaultTariff()
	if err != nil {
		return nil, err
	}
	return billing.Issue(ctx, billingdb.New(o.db), month, o.cities, tariff, now)
}

func open(t *testing.T, db *gormx.DB) *office {
	t.Helper()
	o := &office{t: t, db: db}
	_, err := migrations.Up(t.Context(), db, migrations.Province)
	o.must(err)
	o.must(platformdb.SeedPolicy(t.Context(), db))
	clock := func() time.Time { return now }
	o.accounts = identity.New(db, clock, "province", identity.Options{Hasher: identity.NewHasher(identity.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 1)})
	for _, c := range []billing.City{{Code: "130100", Name: "石家庄市"}, {Code: "130200", Name: "唐山市"}} {
		c.ActiveAt = now.AddDate(0, -2, 0)
		o.cities = append(o.cities, c)
		entry := platform.City{Code: c.Code, Name: c.Name, Model: "two_centres", State: platform.Active, Engine: "sqlite", CreatedAt: c.ActiveAt, ActiveAt: c.ActiveAt}
		o.must(platformdb.Registry(db).SaveCity(t.Context(), entry))
	}
	plane := web.Plane{Name: "province", Prefix: prefix, Accounts: o.accounts, Policy: policy.New(db)}
	o.engine = webtest.Serve(false, func(e *gin.Engine) { plane.Mount(e, o.routes(), web.Guard) })
	return o
}

func (o *office) routes() []web.Route[*web.Caller] {
	return billinghttp.Routes(billinghttp.Desk{Issuer: o, Invoices: billingdb.New(o.db)})
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// as is somebody of a post, signed in.
func (o *office) as(roles ...platform.Role) *webtest.Person {
	o.t.Helper()
	const password = "correct horse 电池"
	login := "post"
	for _, r := range roles {
		login += "-" + string(r)
	}
	a, err := o.accounts.CreateAccount(o.t.Context(), login, login)
	o.must(err)
	o.must(platformdb.SetRoles(o.t.Context(), o.db, a.ID, roles))
	link, err := o.accounts.Invite(o.t.Context(), a.ID, time.Hour)
	o.must(err)
	o.must(o.accounts.Accept(o.t.Context(), link, password))
	token, _, err := o.accounts.SignIn(o.t.Context(), login, password)
	o.must(err)
	return webtest.New(o.t, o.engine).Hold("wangge-province", token)
}

func TestFinanceBillsAMonthAndReadsItsInvoices(t *testing.T) {
	testdb.Engines(t, func(t *testing.T, db *gormx.DB) {
		o := open(t, db)
		finance := o.as(platform.Finance)
		var issued, again billinghttp.Invoices
		finance.Post(prefix+"/invoices", map[string]string{"month": "2026-10"}).Want(200).Into(&issued)
		if len(issued.Invoices) != 2 || issued.Invoices[0].Total != "3000.00" || issued.Invoices[0].TotalFen != 300000 || !issued.Invoices[0].Tariff.Example {
			t.Fatalf("got %+v, want two of 3000.00 yuan by the example tariff", issued)
		}
		finance.Post(prefix+"/invoices", map[string]string{"month": "2026-10"}).Want(200).Into(&again)
		if !reflect.DeepEqual(again, issued) {
			t.Errorf("issued again: got %+v, want %+v", again, issued)
		}
		var one billinghttp.Invoice
		finance.Get(prefix + "/invoices/2026-10-130200").Want(200).Into(&one)
		if !reflect.DeepEqual(one, issued.Invoices[1]) || one.CityName != "唐山市" || len(one.Lines) != 1 || one.Lines[0].Amount != "3000.00" {
			t.Errorf("got %+v, want %+v", one, issued.Invoices[1])
		}
		var page, rest, september billinghttp.Page
		finance.Get(prefix + "/invoices?limit=1").Want(200).Into(&page)
		finance.Get(prefix + "/invoices?limit=2&after=" + page.Next).Want(200).Into(&rest)
		finance.Get(prefix + "/invoices?month=2026-09").Want(200).Into(&september)
		if len(page.Invoices) != 1 || len(rest.Invoices) != 1 || rest.Invoices[0].Number != "2026-10-130200" || rest.Next != "" || len(september.Invoices) != 0 {
			t.Errorf("got %+v, %+v and of September %+v; want one each and none", page, rest, september)
		}
	})
}

func TestARequestThatCannotBeServedIsToldWhy(t *testing.T) {
	o := open(t, testdb.SQLite(t))
	finance := o.as(platform.Finance)
	finance.Post(prefix+"/invoices", map[string]string{"month": "2026-13"}).Names("month")
	finance.Post(prefix+"/invoices", map[string]string{}).Names("month")
	finance.Get(prefix + "/invoices?month=10").Names("month")
	finance.Get(prefix + "/invoices?after=x").Names("after")
	finance.Get(prefix + "/invoices?limit=1000").Names("limit")
	finance.Post(prefix+"/invoices", map[string]string{"month": "2026-11"}).Refused(409, "month_not_over")
	finance.Get(prefix+"/invoices/2026-10-130100").Refused(404, "no_such_invoice")
}

func TestOnlyFinanceIssuesAndOnlySomePostsRead(t *testing.T) {
	o := open(t, testdb.SQLite(t))
	month := map[string]string{"month": "2026-10"}
	for role, want := range map[platform.Role][2]int{
		platform.Finance: {200, 200}, platform.Auditor: {200, 403}, platform.ProvinceAdmin: {200, 403},
		platform.Analyst: {403, 403}, platform.Reviewer: {403, 403}, platform.Expert: {403, 403},
	} {
		who := o.as(role)
		got := [2]int{who.Get(prefix + "/invoices").Status, who.Post(prefix+"/invoices", month).Status}
		if got != want {
			t.Errorf("%s: reading and issuing answered %v, want %v", role, got, want)
		}
	}
	webtest.New(t, o.engine).Get(prefix + "/invoices").Want(401)
}

func TestTheDocumentHasEveryRoute(t *testing.T) {
	o := open(t, testdb.SQLite(t))
	d := web.NewDocument("网格 Wangge", "test", "")
	o.must(web.Add(d, prefix, "billing", o.routes()))
	webtest.Described(t, d, prefix, o.routes())
}
