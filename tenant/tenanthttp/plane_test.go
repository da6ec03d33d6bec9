package tenanthttp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"wangge/internal/testdb"
	"wangge/internal/web"
	"wangge/internal/web/webtest"
	"wangge/tenant/citytest"
	"wangge/tenant/limit"
	"wangge/tenant/org"
)

// unguarded lists the routes that let in somebody they should not: nobody,
// somebody of another city, somebody of another city with a forged cookie, and
// somebody of this one without a post.
func (h town) unguarded(e *gin.Engine, idle, foreign string) (open []string) {
	name := "wangge-" + h.City.ID.String()
	for _, r := range Routes() {
		if r.Access == web.Public {
			continue
		}
		at := h.at + strings.NewReplacer(":number", "20261123-000001", ":account", "1", ":department", "SZ").Replace(r.Path)
		ask := func(cookie, token string) int {
			return webtest.New(h.t, e).Hold(cookie, token).Do(r.Method, at, nil).Status
		}
		ok := webtest.New(h.t, e).Do(r.Method, at, nil).Status == 401 &&
			ask("wangge-620200", foreign) == 404 && ask("wangge-province", foreign) == 404 && ask(name, foreign) == 401
		if r.Access == web.Guarded {
			ok = ok && ask(name, idle) == 403
		}
		if !ok {
			open = append(open, r.Method+" "+r.Path)
		}
	}
	return open
}

// idle is the session of somebody without a post.
func (h town) idle() string {
	h.t.Helper()
	ctx := h.t.Context()
	a, err := h.City.Accounts.CreateAccount(ctx, "nobody01", "无岗位01")
	if err != nil {
		h.t.Fatal(err)
	}
	link, err := h.City.Accounts.Invite(ctx, a.ID, time.Hour)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.City.Accounts.Accept(ctx, link, citytest.Password); err != nil {
		h.t.Fatal(err)
	}
	token, _, err := h.City.Accounts.SignIn(ctx, "nobody01", citytest.Password)
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

func TestNobodyGetsPastAGuardOfACity(t *testing.T) {
	pair(t, func(t *testing.T, one, other town) {
		if open := one.unguarded(one.e, one.idle(), other.SignIn(t, org.ShiftLeader)); len(open) > 0 {
			t.Errorf("let in whom they should not: %v", open)
		}
	})
}

func TestARouteThatLostItsGuardIsNoticed(t *testing.T) {
	house, far := citytest.Build(t, testdb.SQLite(t), citytest.Lattice(4, 4)), citytest.Build(t, testdb.SQLite(t), citytest.Code("620200"), citytest.Lattice(4, 4))
	h := serve(t, house)[0]
	idle, foreign := h.idle(), far.SignIn(t, org.ShiftLeader)
	for _, bare := range Routes() {
		if bare.Access == web.Public {
			continue
		}
		e := webtest.Serve(false, func(e *gin.Engine) {
			p := &Plane{Cities: open{house.City.ID: house.City}, Limits: limit.NewRegister(limit.Unlimited(), time.Now)}
			p.mount(e, Routes(), func(ctx context.Context, p *Plane, r Route, request *Request) error {
				if r.Method == bare.Method && r.Path == bare.Path {
					return nil
				}
				return guard(ctx, p, r, request)
			})
		})
		want := bare.Method + " " + bare.Path
		if open := h.unguarded(e, idle, foreign); !slices.Equal(open, []string{want}) {
			t.Errorf("the guard was taken out of %s, noticed were %v", want, open)
		}
	}
}

func TestTheDocumentHasEveryRouteOfACity(t *testing.T) {
	d := web.NewDocument("城市", "1", "")
	if err := web.Add(d, Prefix, "city", Routes()); err != nil {
		t.Fatal(err)
	}
	webtest.Described(t, d, Prefix, Routes())
}

func TestASecondCitySeesNothingOfTheFirst(t *testing.T) {
	pair(t, func(t *testing.T, one, other town) {
		var c Case
		one.as(org.IntakeClerk).Post(one.at+"/cases", one.call()).Want(201).Into(&c)
		here, there := one.as(org.ShiftLeader), other.as(org.ShiftLeader)
		there.Get(one.at+"/cases/"+c.Number).Refused(404, "not_found")
		there.Get(other.at+"/cases/"+c.Number).Refused(404, "no_such_case")
		var page CasePage
		there.Get(other.at + "/cases").Want(200).Into(&page)
		if len(page.Cases) != 0 {
			t.Errorf("the other city lists %+v", page.Cases)
		}
		here.Get(one.at + "/cases/" + c.Number).Want(200)
		if cases, steps := other.written(); cases != 0 || steps != 0 {
			t.Errorf("the other city has %d cases, %d steps", cases, steps)
		}
	})
}

func TestACityThatIsNotThereIsNotFound(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		for _, code := range []string{"999999", "15030", "15030x", "..1503"} {
			webtest.New(t, h.e).Post("/api/cities/"+code+"/session", body{"login": "x", "password": "x"}).Refused(404, "not_found")
		}
	})
}

func TestARightTakenAwayIsGoneFromTheNextRequestOn(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		admin, leader := h.as(org.CityAdmin), h.as(org.ShiftLeader)
		leader.Get(h.at + "/cases").Want(200)
		var rules []Rule
		admin.Get(h.at + "/policy").Want(200).Into(&rules)
		kept := slices.DeleteFunc(slices.Clone(rules), func(r Rule) bool { return r == Rule{"shift_leader", "case:read"} })
		admin.Do("PUT", h.at+"/policy", body{"rules": kept}).Want(204)
		leader.Get(h.at+"/cases").Refused(403, "forbidden")
		admin.Do("PUT", h.at+"/policy", body{"rules": append(kept, Rule{"shift_leader", "case:handle"})}).Names("permission")
		admin.Do("PUT", h.at+"/policy", body{"rules": []any{body{"role": "shift_leader"}, nil}}).Names("rules[0].permission", "rules[1]")
		admin.Do("PUT", h.at+"/policy", body{}).Names("rules")
		admin.Do("PUT", h.at+"/policy", body{"rules": rules}).Want(204)
		leader.Get(h.at + "/cases").Want(200)
		admin.Do("PUT", fmt.Sprintf("%s/accounts/%d/state", h.at, h.Account(org.ShiftLeader)), body{"disabled": true}).Want(204)
		leader.Get(h.at+"/cases").Refused(401, "no_session")
		admin.Do("PUT", fmt.Sprintf("%s/accounts/%d/state", h.at, h.Account(org.CityAdmin)), body{"disabled": true}).Refused(409, "own_account")
	})
}

func TestAnAdministratorInvitesSomebodyIntoAPost(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		admin := h.as(org.CityAdmin)
		var made web.Invited
		admin.Post(h.at+"/accounts", body{"login": "clerk03", "name": "受理员03"}).Want(201).Into(&made)
		posts := fmt.Sprintf("%s/accounts/%d/posts", h.at, made.ID)
		post := func(role, department string) body { return body{"role": role, "department": department} }
		admin.Do("PUT", posts, body{"posts": []body{post("intake_clerk", citytest.SupervisionCentre)}}).Want(204)
		if got := admin.Do("PUT", posts, body{"posts": []body{post("shift_leader", citytest.SupervisionCentre), post("dispatcher", citytest.CommandCentre)}}); got.Status/100 != 4 {
			t.Errorf("supervision and execution in one hand: %d %s", got.Status, got.Body)
		}
		admin.Do("PUT", posts, body{"posts": []body{{"role": "intake_clerk"}}}).Names("posts[0].department")
		twice := []body{post("intake_clerk", citytest.SupervisionCentre), post("intake_clerk", citytest.SupervisionCentre)}
		admin.Do("PUT", posts, body{"posts": twice}).Refused(422, "post_twice")
		own := fmt.Sprintf("%s/accounts/%d/posts", h.at, h.Account(org.CityAdmin))
		admin.Do("PUT", own, body{"posts": []body{post("shift_leader", citytest.SupervisionCentre)}}).Refused(409, "own_account")
		admin.Do("PUT", h.at+"/accounts/99999/posts", body{"posts": []body{}}).Refused(404, "no_account")
		p := webtest.New(t, h.e)
		p.Post(h.at+"/invitations/accept", body{"token": made.Invitation, "password": citytest.Password}).Want(204)
		p.Post(h.at+"/session", body{"login": "clerk03", "password": citytest.Password}).Want(204)
		var me Me
		p.Get(h.at + "/session").Want(200).Into(&me)
		if me.CityName != h.City.Settings.Name || me.Name != "受理员03" || !slices.Equal(me.Roles, []string{"intake_clerk"}) || !slices.Contains(me.Permissions, "case:report") {
			t.Errorf("me %+v", me)
		}
		var page web.AccountPage
		admin.Get(h.at + "/accounts?limit=200").Want(200).Into(&page)
		if last := page.Accounts[len(page.Accounts)-1]; last.ID != made.ID || !last.HasPassword {
			t.Errorf("the last account is %+v", last)
		}
		var held []Post
		admin.Get(h.at + "/posts").Want(200).Into(&held)
		if !slices.Contains(held, Post{Account: made.ID, Role: "intake_clerk", Department: citytest.SupervisionCentre}) {
			t.Errorf("posts %+v", held)
		}
		p.Do("DELETE", h.at+"/session", nil).Want(204)
		p.Get(h.at+"/session").Refused(401, "no_session")
	})
}

func TestFiguresAreReadFromTheCases(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		var c Case
		h.as(org.IntakeClerk).Post(h.at+"/cases", h.call()).Want(201).Into(&c)
		leader := h.as(org.ShiftLeader)
		move(leader, h.at, c.Number, "file", body{})
		if _, err := h.City.Evaluation.Update(t.Context()); err != nil {
			t.Fatal(err)
		}
		var list []Figures
		leader.Get(h.at + "/evaluation?from=2026-11-01&to=2026-11-30").Want(200).Into(&list)
		if len(list) != 1 || list[0].Counts["filed"] != 1 || list[0].Counts["public_reports"] != 1 {
			t.Fatalf("figures %+v", list)
		}
		for _, f := range list[0].Indicators {
			want := map[string]string{"filing_rate": "100.00", "filing_in_time_rate": "100.00", "public_report_rate": "100.00", "void_rate": "0.00"}[f.Indicator]
			if f.Percent != want {
				t.Errorf("%s is %q of %d, want %q", f.Indicator, f.Percent, f.Denominator, want)
			}
		}
		var behind Numbers
		leader.Get(h.at + "/evaluation/cases?count=filed&from=2026-11-01&to=2026-11-30").Want(200).Into(&behind)
		if !slices.Equal(behind.Cases, []string{c.Number}) {
			t.Errorf("behind the figure: %v", behind.Cases)
		}
		leader.Get(h.at+"/evaluation?from=2026-11&dimension=planet").Names("dimension", "from", "to")
	})
}

func TestTheCatalogueAndTheUnitsAreRead(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		admin := h.as(org.CityAdmin)
		var conditions []Condition
		admin.Get(h.at + "/conditions").Want(200).Into(&conditions)
		if !slices.ContainsFunc(conditions, func(c Condition) bool { return c.Code == citytest.Condition && c.LimitValue == 4 }) {
			t.Errorf("%d conditions without %s", len(conditions), citytest.Condition)
		}
		admin.Do("PUT", h.at+"/departments/HB", body{"name": "环卫处", "kind": "department"}).Want(204)
		admin.Do("PUT", h.at+"/departments/HB", body{"name": "", "kind": "club"}).Names("name", "kind")
		var units []Department
		admin.Get(h.at + "/departments").Want(200).Into(&units)
		if !slices.ContainsFunc(units, func(d Department) bool { return d.Code == "HB" && d.Name == "环卫处" }) {
			t.Errorf("units %+v", units)
		}
		var counties []Division
		admin.Get(h.at + "/divisions").Want(200).Into(&counties)
		if len(counties) == 0 {
			t.Error("no counties")
		}
	})
}
