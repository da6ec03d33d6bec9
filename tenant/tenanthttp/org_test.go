package tenanthttp

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"wangge/internal/web/webtest"
	"wangge/tenant/citytest"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

func TestUnitsArePlacedRetiredAndTakenBack(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		admin := h.as(org.CityAdmin)
		county := h.Grids[0].Code.County()
		admin.Do("PUT", h.at+"/departments/QJ", body{"name": "区局", "kind": "department", "area": county}).Want(204)
		admin.Do("PUT", h.at+"/departments/QJ1", body{"name": "区队", "kind": "department", "parent": "QJ", "area": "110101"}).Names("area")
		admin.Do("PUT", h.at+"/departments/QJ1", body{"name": "区队", "kind": "department", "parent": "QJ"}).Want(204)
		admin.Do("PUT", h.at+"/departments/QJ", body{"name": "区局", "kind": "department", "parent": "QJ1"}).Names("parent")
		admin.Post(h.at+"/departments/QJ/retire", body{"day": "2026-12-01"}).Refused(409, "units_below")
		admin.Post(h.at+"/departments/QJ1/retire", body{"day": "soon"}).Names("day")
		admin.Post(h.at+"/departments/QJ1/retire", body{"day": "2026-12-01"}).Want(204)
		var units []Department
		admin.Get(h.at + "/departments").Want(200).Into(&units)
		if want := (Department{"QJ1", "区队", "department", "QJ", "", "2026-12-01"}); !slices.Contains(units, want) {
			t.Errorf("units %+v, want %+v among them", units, want)
		}
		admin.Post(h.at+"/departments/QJ1/retire", body{}).Want(204)
		h.as(org.Leader).Post(h.at+"/departments/QJ1/retire", body{"day": "2026-12-01"}).Refused(403, "forbidden")
		var m Models
		admin.Get(h.at + "/models").Want(200).Into(&m)
		if m.Model != "two_level_centres" || len(m.Models) != 4 || len(m.Faults) != 2 || m.Faults[0].Department != "" {
			t.Errorf("models %+v", m)
		}
		admin.Do("PUT", h.at+"/departments/J2", body{"name": "二中心", "kind": "supervision_centre"}).Want(204)
		admin.Get(h.at + "/models").Want(200).Into(&m)
		if !slices.ContainsFunc(m.Faults, func(f ModelFault) bool { return f.Department == citytest.SupervisionCentre && f.Zh != "" && f.En != "" }) {
			t.Errorf("faults %+v", m.Faults)
		}
	})
}

func TestPostsDeputiesAndLeaveHaveDays(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		admin := h.as(org.CityAdmin)
		clerk, boss := h.Account(org.IntakeClerk), h.Account(org.ShiftLeader)
		post := func(from, until string) body {
			return body{"posts": []body{{"role": "intake_clerk", "department": citytest.SupervisionCentre, "from": from, "until": until}}}
		}
		posts := fmt.Sprintf("%s/accounts/%d/posts", h.at, clerk)
		admin.Do("PUT", posts, post("2026-02-30", "")).Names("posts[0].from")
		admin.Do("PUT", posts, post("2026-11-01", "2026-11-24")).Want(204)
		var held []Post
		admin.Get(h.at + "/posts").Want(200).Into(&held)
		if want := (Post{clerk, "intake_clerk", citytest.SupervisionCentre, "2026-11-01", "2026-11-24"}); !slices.Contains(held, want) {
			t.Errorf("posts %+v, want %+v among them", held, want)
		}
		deputies := fmt.Sprintf("%s/accounts/%d/deputies", h.at, boss)
		acts := func(deputy int64) body {
			return body{"deputies": []body{{"role": "shift_leader", "department": citytest.SupervisionCentre, "deputy": deputy, "from": "2026-11-24", "to": "2026-11-25"}}}
		}
		admin.Do("PUT", deputies, acts(h.Account(org.Dispatcher))).Names("deputies[0].deputy")
		admin.Do("PUT", deputies, acts(h.Account(org.CityAdmin))).Refused(409, "own_account")
		admin.Do("PUT", deputies, acts(99999)).Refused(404, "no_account")
		admin.Do("PUT", deputies, body{"deputies": []body{{"role": "shift_leader"}}}).Names("deputies[0].department", "deputies[0].deputy", "deputies[0].from", "deputies[0].to")
		admin.Do("PUT", fmt.Sprintf("%s/accounts/%d/deputies", h.at, h.Account(org.CityAdmin)), acts(clerk)).Refused(409, "own_account")
		admin.Do("PUT", deputies, acts(clerk)).Want(204)
		var acting []Deputy
		admin.Get(h.at + "/deputies").Want(200).Into(&acting)
		if len(acting) != 1 || acting[0] != (Deputy{boss, "shift_leader", citytest.SupervisionCentre, clerk, "2026-11-24", "2026-11-25"}) {
			t.Errorf("deputies %+v", acting)
		}
		leave := fmt.Sprintf("%s/accounts/%d/leave", h.at, boss)
		h.as(org.ShiftLeader).Do("PUT", leave, body{"leave": []body{{"from": "2026-11-24", "to": "2026-11-25", "reason": "年假"}}}).Want(204)
		admin.Do("PUT", leave, body{"leave": []body{{"from": "2026-11-24", "to": "2026-11-25"}, {"from": "2026-11-25", "to": "2026-11-25"}}}).Names("leave[1].from")
		admin.Do("PUT", h.at+"/accounts/99999/leave", body{"leave": []body{}}).Refused(404, "no_account")
		var away []Leave
		admin.Get(h.at + "/leave").Want(200).Into(&away)
		if len(away) != 1 || away[0] != (Leave{boss, "2026-11-24", "2026-11-25", "年假"}) {
			t.Errorf("leave %+v", away)
		}
	})
}

// Rights follow the day of the first request on it, without any job.
func TestRightsFollowTheDayWithTheNextRequest(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		if err := h.City.Org.SetDeputies(t.Context(), h.Account(org.ShiftLeader), []org.Deputy{{
			Role: org.ShiftLeader, Department: citytest.SupervisionCentre, Account: h.Account(org.Evaluator), From: "2026-11-24", To: "2026-11-24",
		}}); err != nil {
			t.Fatal(err)
		}
		var c Case
		h.as(org.IntakeClerk).Post(h.at+"/cases", h.call()).Want(201).Into(&c)
		deputy := h.as(org.Evaluator)
		file := h.at + "/cases/" + c.Number + "/file"
		deputy.Post(file, body{}).Refused(403, "forbidden")
		h.Clock.Advance(15*time.Hour - time.Second) // 23:59:59
		deputy = relogin(h, org.Evaluator)
		deputy.Post(file, body{}).Refused(403, "forbidden")
		h.Clock.Advance(time.Second)
		deputy.Post(file, body{}).Want(200)
		var me Me
		deputy.Get(h.at + "/session").Want(200).Into(&me)
		if !slices.Equal(me.Roles, []string{"evaluator", "shift_leader"}) {
			t.Errorf("roles %v", me.Roles)
		}
		h.Clock.Advance(24 * time.Hour)
		deputy = relogin(h, org.Evaluator)
		deputy.Post(file, body{}).Refused(403, "forbidden")
	})
}

// relogin signs the first holder of a role in again.
func relogin(h town, r org.Role) *webtest.Person {
	p := webtest.New(h.t, h.e)
	p.Post(h.at+"/session", body{"login": citytest.Login(r, 1), "password": citytest.Password}).Want(204)
	return p
}

func TestTheMatrixIsImportedCheckedAskedAndExported(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		admin := h.as(org.CityAdmin)
		county := h.Grids[0].Code.County()
		file := "事项编码,区域,牵头单位,配合单位,起始日期\n*,,市政工程处,,\n04," + county + ",YL,SZ,2026/1/1\n"
		var report MatrixReport
		admin.Post(h.at+"/responsibilities/import?rehearse=true", file).Want(200).Into(&report)
		var list []Responsibility
		admin.Get(h.at + "/responsibilities").Want(200).Into(&list)
		if report.Added != 2 || report.Rows != 2 || len(list) != 0 {
			t.Errorf("rehearsed %+v, and there are %v", report, list)
		}
		p := admin.Post(h.at+"/responsibilities/import?name="+url.QueryEscape("清单.csv"), file+"99-999,,SZ,,someday\n").Refused(422, "invalid")
		if len(p.Problems) != 2 || p.Problems[0].Row != 4 || p.Problems[0].File != "清单.csv" || p.Problems[0].Field != "since" || p.Problems[1].Field != "kind" {
			t.Errorf("faults %+v", p.Problems)
		}
		admin.Post(h.at+"/responsibilities/import", "区域\n,\n").Names("kind", "lead")
		h.as(org.Dispatcher).Post(h.at+"/responsibilities/import", file).Refused(403, "forbidden")
		admin.Post(h.at+"/responsibilities/import", file).Want(200)
		admin.Get(h.at + "/responsibilities").Want(200).Into(&list)
		if len(list) != 2 || list[0].Kind != "*" || list[1].Lead != citytest.Greening || list[1].Since != "2026-01-01" || !slices.Equal(list[1].Assisting, []string{"SZ"}) {
			t.Errorf("the matrix %+v", list)
		}
		for _, format := range []string{"csv", "xlsx"} {
			out := admin.Get(h.at + "/responsibilities/export?format=" + format).Want(200)
			admin.Post(h.at+"/responsibilities/import", string(out.Body)).Want(200).Into(&report)
			if report.Unchanged != 2 || report.Added+report.Changed+report.Removed != 0 {
				t.Errorf("its own %s export would change %+v", format, report)
			}
		}
		sender := h.as(org.Dispatcher)
		var s Suggestion
		sender.Get(fmt.Sprintf("%s/responsibilities/suggest?kind=04-001&lon=%v&lat=%v", h.at, h.Place.Lon, h.Place.Lat)).Want(200).Into(&s)
		if s.Lead != citytest.Greening || s.Grid != h.Grids[0].Code.String() || s.Row != 2 || !strings.Contains(s.WhyZh, "园林绿化处（YL）牵头") || s.WhyEn == "" {
			t.Errorf("suggested %+v", s)
		}
		sender.Get(h.at + "/responsibilities/suggest?kind=04-001").Names("grid")
		sender.Get(h.at + "/responsibilities/suggest?kind=04-001&grid=1").Names("grid")
		sender.Get(h.at + "/responsibilities/suggest?grid=" + h.Grids[0].Code.String()).Names("kind")
		admin.Post(h.at+"/responsibilities/import", "kind,lead,area\n01,SZ,\n01,YL,\n04,YL,"+county+"\n").Want(200).Into(&report)
		if len(report.Contested) != 1 || report.Contested[0].Other.Lead != citytest.Greening {
			t.Errorf("contested %+v", report.Contested)
		}
		var two Suggestion
		sender.Get(h.at + "/responsibilities/suggest?kind=01-001&grid=" + h.Grids[0].Code.String()).Want(200).Into(&two)
		if two.Lead != "" || !slices.Equal(two.Contested, []string{"SZ", "YL"}) {
			t.Errorf("suggested %+v", two)
		}
		var review MatrixReview
		admin.Get(h.at + "/responsibilities/check").Want(200).Into(&review)
		if review.Grids != len(h.Grids) || review.Contested == 0 || review.Nobody == 0 || len(review.Gaps) == 0 || review.Gaps[0].Kind != "01-001" || len(review.Gaps[0].Leads) != 2 || review.Gaps[0].Area != "" {
			t.Errorf("checked %d kinds, %d grids: %d, %d; first of %d: %+v", review.Kinds, review.Grids, review.Nobody, review.Contested, len(review.Gaps), review.Gaps[:1])
		}
		admin.Get(h.at + "/responsibilities/check?version=GB1").Names("version")
	})
}

func TestDutiesAreSetAndSayWhoIsOn(t *testing.T) {
	each(t, func(t *testing.T, h town) {
		if _, err := h.City.Grids.Assign(t.Context(), []grid.Responsibility{{Code: "Z1", Name: "一责任区", Members: []grid.Code{h.Grids[0].Code}}}); err != nil {
			t.Fatal(err)
		}
		chief := h.as(org.ShiftLeader)
		one := h.Account(org.Supervisor)
		set := []body{{"account": one, "responsibility": "Z1", "shift": "08:00-16:00"}}
		chief.Do("PUT", h.at+"/duties", body{"duties": append(set, body{"account": h.Account(org.Dispatcher), "responsibility": "Z7"})}).Names("duties[1].account", "duties[1].responsibility")
		chief.Do("PUT", h.at+"/duties", body{"duties": set}).Want(204)
		h.as(org.Dispatcher).Do("PUT", h.at+"/duties", body{"duties": set}).Refused(403, "forbidden")
		var list []Duty
		chief.Get(h.at + "/duties").Want(200).Into(&list)
		if len(list) != 1 || list[0] != (Duty{Account: one, Responsibility: "Z1", Shift: "08:00-16:00"}) {
			t.Errorf("duties %+v", list)
		}
		on := h.at + "/duties/on?grid=" + h.Grids[0].Code.String()
		var now OnDuty
		chief.Get(on).Want(200).Into(&now)
		if !slices.Equal(now.Accounts, []int64{one}) || !now.At.Equal(h.Clock.Now()) {
			t.Errorf("on duty %+v", now)
		}
		chief.Get(on + "&at=" + url.QueryEscape("2026-11-23T20:00:00+08:00")).Want(200).Into(&now)
		if len(now.Accounts) != 0 {
			t.Errorf("at night %+v", now)
		}
		chief.Get(on + "&at=tonight").Names("at")
	})
}

func TestASecondCitySeesNothingOfTheFirstsMatrix(t *testing.T) {
	pair(t, func(t *testing.T, one, other town) {
		one.as(org.CityAdmin).Post(one.at+"/responsibilities/import", "kind,lead\n*,SZ\n").Want(200)
		there := other.as(org.CityAdmin)
		there.Get(one.at+"/responsibilities").Refused(404, "not_found")
		var list []Responsibility
		there.Get(other.at + "/responsibilities").Want(200).Into(&list)
		if len(list) != 0 {
			t.Errorf("the other city lists %+v", list)
		}
	})
}
