package tenanthttp

import (
	"strings"
	"testing"
	"time"

	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/internal/web/webtest"
	"wangge/tenant/citytest"
	"wangge/tenant/limit"
	"wangge/tenant/org"
)

// limited serves two cities, the first with limits of its own, on a clock that
// stands still.
func limited(t *testing.T, db func(testing.TB) *gormx.DB, own limit.Limits) (one, other town, limits *limit.Register) {
	t.Helper()
	towns := serve(t, citytest.Build(t, db(t), citytest.Lattice(4, 4)), citytest.Build(t, db(t), citytest.Code("620200"), citytest.Lattice(4, 4)))
	limits = limit.NewRegister(limit.Unlimited(), func() time.Time { return time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC) })
	limits.Set(map[string]limit.Limits{towns[0].City.ID.String(): own, towns[1].City.ID.String(): {}})
	e := webtest.Serve(false, (&Plane{Cities: open{towns[0].City.ID: towns[0].City, towns[1].City.ID: towns[1].City}, Limits: limits}).Mount)
	for i := range towns {
		towns[i].e = e
	}
	return towns[0], towns[1], limits
}

func TestACityThatAsksTooOftenIsToldToWaitAndAnotherIsNot(t *testing.T) {
	one, other, _ := limited(t, testdb.SQLite, limit.Limits{limit.Requests: 20})
	here, there := one.as(org.ShiftLeader), other.as(org.ShiftLeader)
	for range 20 {
		here.Get(one.at + "/cases").Want(200)
		there.Get(other.at + "/cases").Want(200)
	}
	refused := here.Get(one.at + "/cases")
	refused.Refused(429, "limit_requests")
	if got := refused.Header.Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After is %q, want 1", got)
	}
	for range 20 {
		there.Get(other.at + "/cases").Want(200)
	}
	// Whoever has no session does not use up what the city has.
	webtest.New(t, one.e).Get(one.at+"/cases").Refused(401, "no_session")
	// Nothing is done for whoever is refused: not even the session is looked up.
	webtest.New(t, one.e).Hold("wangge-"+one.City.ID.String(), "made.up").Get(one.at+"/cases").Refused(429, "limit_requests")
	// A report still gets in.
	one.as(org.IntakeClerk).Post(one.at+"/cases", one.call()).Want(201)
}

func TestARequestHoldsAPlaceUntilItIsServed(t *testing.T) {
	one, other, limits := limited(t, testdb.SQLite, limit.Limits{limit.Queries: 2})
	here, there := one.as(org.ShiftLeader), other.as(org.ShiftLeader)
	for range 5 { // one after another they need one place
		here.Get(one.at + "/cases").Want(200)
	}
	var places []func()
	for range 2 {
		done, err := limits.City(one.City.ID.String()).Query(false)
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, done)
	}
	here.Get(one.at+"/cases").Refused(429, "limit_queries")
	there.Get(other.at + "/cases").Want(200)
	one.as(org.IntakeClerk).Post(one.at+"/cases", one.call()).Want(201)
	places[0]()
	here.Get(one.at + "/cases").Want(200)
}

func TestWhatACityBringsIsLimitedSQLite(t *testing.T)   { testBrings(t, testdb.SQLite) }
func TestWhatACityBringsIsLimitedPostgres(t *testing.T) { testBrings(t, testdb.Postgres) }

func testBrings(t *testing.T, db func(testing.TB) *gormx.DB) {
	one, other, limits := limited(t, db, limit.Limits{})
	set := func(own limit.Limits) {
		limits.Set(map[string]limit.Limits{one.City.ID.String(): own, other.City.ID.String(): {}})
	}
	here, there := one.as(org.CityAdmin), other.as(org.CityAdmin)

	accounts, err := one.City.Accounts.Count(t.Context())
	if err != nil || accounts < 5 {
		t.Fatalf("%d accounts (%v)", accounts, err)
	}
	set(limit.Limits{limit.Users: accounts + 1})
	here.Post(one.at+"/accounts", body{"login": "one", "name": "一"}).Want(201)
	here.Post(one.at+"/accounts", body{"login": "two", "name": "二"}).Refused(409, "limit_users")
	there.Post(other.at+"/accounts", body{"login": "one", "name": "一"}).Want(201)

	matrix := "kind,lead\n*,SZ\n"
	set(limit.Limits{limit.Import: int64(len(matrix))})
	here.Post(one.at+"/responsibilities/import", matrix).Want(200)
	here.Post(one.at+"/responsibilities/import", matrix+"\n").Refused(409, "limit_import")
	there.Post(other.at+"/responsibilities/import", matrix+"\n").Want(200)

	var c Case
	one.as(org.IntakeClerk).Post(one.at+"/cases", one.call()).Want(201).Into(&c)
	set(limit.Limits{limit.Storage: 1000})
	at := one.at + "/cases/" + c.Number + "/evidence?moment=before"
	one.as(org.IntakeClerk).Post(at, strings.Repeat("x", 1001)).Refused(409, "limit_storage")
	one.as(org.IntakeClerk).Post(at, strings.Repeat("x", 900)).Refused(422, "evidence_type")
	one.as(org.IntakeClerk).Post(at, strings.Repeat("x", 200)).Refused(409, "limit_storage")
}
