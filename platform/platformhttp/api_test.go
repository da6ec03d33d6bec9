package platformhttp

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"wangge/internal/web"
	"wangge/internal/web/webtest"
	"wangge/platform/ranking"
	"wangge/platform/seal"
)

// body is the JSON of a request.
type body = map[string]any

func TestAMonthIsFrozenCorrectedAndProved(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		analyst, auditor := h.as("analyst01"), h.as("auditor01")
		const october = Prefix + "/rankings/2026-10"
		auditor.Get(october).Refused(404, "no_such_edition")
		auditor.Post(october, body{}).Refused(403, "forbidden")
		var standing ranking.Edition
		auditor.Get(october + "/standing").Want(200).Into(&standing)
		var first, second Frozen
		analyst.Post(october, body{}).Want(201).Into(&first)
		analyst.Post(october, body{}).Refused(422, "correction_without_reason")
		analyst.Post(october, body{"reason": "武汉市补传数据"}).Want(201).Into(&second)
		if first.Edition != 1 || second.Edition != 2 || second.Reason != "武汉市补传数据" || first.Hash == second.Hash {
			t.Fatalf("editions %+v and %+v", first, second)
		}
		var list []Frozen
		auditor.Get(Prefix + "/rankings").Want(200).Into(&list)
		if len(list) != 2 || list[0] != second || list[1] != first {
			t.Errorf("listed %+v", list)
		}
		var newest, oldest Edition
		auditor.Get(october).Want(200).Into(&newest)
		auditor.Get(october + "?edition=1").Want(200).Into(&oldest)
		if newest.Frozen != second || newest.Ranking.Corrects != first.Hash || oldest.Frozen != first {
			t.Errorf("opened %+v and %+v", newest.Frozen, oldest.Frozen)
		}
		if p := newest.Ranking.Places; p[0].Name != "武汉市" || p[0].Rank != 1 || standing.Places[0].Score.Points != p[0].Score.Points {
			t.Errorf("the first place is %+v", p[0])
		}
		document := auditor.Get(october + "/document?edition=1").Want(200)
		if seal.Hash(document.Body) != first.Hash || document.Header.Get("Content-Disposition") != `attachment; filename="ranking-2026-10-1.json"` {
			t.Errorf("the document's hash is %s, want %s", seal.Hash(document.Body), first.Hash)
		}
		analyst.Post(Prefix+"/rankings/2026-11", body{}).Refused(409, "month_not_over")
	})
}

func TestAnEditionIsAWorkbookAndAPageToKeep(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var frozen Frozen
		h.as("analyst01").Post(Prefix+"/rankings/2026-10", body{}).Want(201).Into(&frozen)
		auditor := h.as("auditor01")
		file, err := excelize.OpenReader(bytes.NewReader(auditor.Get(Prefix + "/rankings/2026-10/workbook").Want(200).Body))
		must(t, err)
		defer file.Close()
		if got := file.GetSheetList(); strings.Join(got, " ") != "排名 原始数据 指标与规程" {
			t.Errorf("sheets %q", got)
		}
		for cell, want := range map[string]string{"A1": "2026年10月 城市管理月度排名", "A4": "1", "B4": "420100", "C4": "武汉市", "E4": "93.72", "H4": "972"} {
			if got, err := file.GetCellValue("排名", cell); err != nil || got != want {
				t.Errorf("%s is %q, %v; want %q", cell, got, err, want)
			}
		}
		page := auditor.Get(Prefix + "/rankings/2026-10/report?lang=en").Want(200)
		if !page.Has("Monthly ranking of cities") || !page.Has("某省住房和城乡建设厅") || page.Has("<nav>") || page.Has("nonce") {
			t.Errorf("the page to keep is not on its own: %.300s", page.Body)
		}
		if got := page.Header.Get("Content-Disposition"); got != `attachment; filename="ranking-2026-10-1.html"` {
			t.Errorf("offered as %s", got)
		}
	})
}

func TestAReviewGoesFromApplicationToItsReport(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		organiser, one, two := h.as("reviewer01"), h.as("expert01"), h.as("expert02")
		const reviews = Prefix + "/reviews"
		var today Assessment
		one.Get(Prefix + "/cities/429006/assessment?from=2026-05-01&to=2026-10-31").Want(200).Into(&today)
		if today.Computed.Items[0].Points.String() != "9.37" || today.Evidence.From != "2026-05-01" { // 911/972 × 10
			t.Errorf("assessed %+v", today.Computed)
		}
		var applied Review
		one.Post(reviews, body{"city": "429006", "from": "2026-05-01", "to": "2026-10-31"}).Refused(403, "forbidden")
		organiser.Post(reviews, body{"city": "429006", "from": "2026-05-01", "to": "2026-10-31"}).Want(201).Into(&applied)
		organiser.Post(reviews, body{"city": "429006", "from": "2026-05-01", "to": "2026-10-31"}).Refused(409, "review_running")
		organiser.Post(reviews, body{"city": "420300", "from": "2026-05-01", "to": "2026-10-31"}).Refused(404, "no_such_city")
		at := fmt.Sprintf("%s/%d", reviews, applied.ID)

		organiser.Post(at+"/scores", body{"item": "A2", "points": 800}).Refused(403, "forbidden")
		one.Post(at+"/scores", body{"item": "A2", "points": 800, "remark": "规章齐全"}).Want(201)
		one.Post(at+"/scores", body{"item": "A2", "points": 900}).Refused(409, "scored_twice")
		two.Post(at+"/scores", body{"item": "A2", "points": 1100}).Refused(422, "points_out_of_range")
		two.Post(at+"/scores", body{"item": "A1", "points": 100}).Refused(422, "item_not_judged")
		organiser.Post(at+"/conclusion", nil).Refused(409, "too_few_experts")
		organiser.Get(at+"/report").Refused(409, "review_not_concluded")

		var mine, theirs Opened
		one.Get(at).Want(200).Into(&mine)
		two.Get(at).Want(200).Into(&theirs)
		if len(mine.Scores) != 1 || len(theirs.Scores) != 0 || mine.Verdict != nil {
			t.Errorf("while the review runs the experts see %d and %d marks", len(mine.Scores), len(theirs.Scores))
		}
		two.Post(at+"/scores", body{"item": "A2", "points": 901}).Want(201)
		one.Post(at+"/conclusion", nil).Refused(403, "forbidden")
		var concluded Opened
		organiser.Post(at+"/conclusion", nil).Want(200).Into(&concluded)
		if concluded.State != "passed" || concluded.Verdict.Total.String() != "17.88" || len(concluded.Scores) != 2 { // 9.37 + 8.505
			t.Errorf("concluded %+v with %+v", concluded.Review, concluded.Verdict)
		}
		if report := one.Get(at + "/report").Want(200); !report.Has("天门市") || !report.Has("17.88") || !report.Has(concluded.RubricHash[:8]) {
			t.Errorf("report %.300s", report.Body)
		}
		var list []Review
		two.Get(reviews).Want(200).Into(&list)
		if len(list) != 1 || list[0].State != "passed" || list[0].ConcludedAt == nil {
			t.Errorf("listed %+v", list)
		}
		organiser.Get(reviews+"/99").Refused(404, "no_such_review")
	})
}

func TestTheRegistryShowsCitiesAndTheirSteps(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		finance := h.as("finance01")
		var cities []City
		finance.Get(Prefix + "/cities").Want(200).Into(&cities)
		if len(cities) != 4 || cities[0].Name != "武汉市" || cities[1].State != "building" || cities[1].ActiveAt != nil {
			t.Errorf("cities %+v", cities)
		}
		var city City
		finance.Get(Prefix + "/cities/429006").Want(200).Into(&city)
		if city.Name != "天门市" || city.ActiveAt == nil || city.Level != 10 {
			t.Errorf("city %+v", city)
		}
		var steps []Step
		finance.Get(Prefix + "/cities/429006/steps").Want(200).Into(&steps)
		if len(steps) != 1 || steps[0].Attempts != 2 || steps[0].State != "done" {
			t.Errorf("steps %+v", steps)
		}
		finance.Get(Prefix+"/cities/999999/steps").Refused(404, "no_such_city")
		finance.Get(Prefix + "/cities/tianmen").Names("city")
	})
}

func TestAnAdministratorKeepsAccountsOtherThanTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		admin := h.as("province_admin01")
		var invited web.Invited
		admin.Post(Prefix+"/accounts", body{"login": "analyst02", "name": "分析员02"}).Want(201).Into(&invited)
		admin.Post(Prefix+"/accounts", body{"login": "Analyst02", "name": "分析员02"}).Refused(409, "login_taken")
		roles := fmt.Sprintf("%s/accounts/%d/roles", Prefix, invited.ID)
		admin.Do("PUT", roles, body{"roles": []string{"analyst", "finance", "analyst"}}).Want(204)
		admin.Do("PUT", roles, body{"roles": []string{"mayor"}}).Names("roles[0]")
		admin.Do("PUT", roles, body{"roles": []string{"expert", "reviewer"}}).Names("roles")
		admin.Do("PUT", Prefix+"/accounts/999/roles", body{"roles": []string{}}).Refused(404, "no_account")

		guest := webtest.New(t, h.e)
		guest.Post(Prefix+"/invitations/accept", body{"token": invited.Invitation, "password": "1234567890"}).Refused(422, "weak_password")
		guest.Post(Prefix+"/invitations/accept", body{"token": invited.Invitation, "password": password}).Want(204)
		guest.Post(Prefix+"/invitations/accept", body{"token": invited.Invitation, "password": password}).Refused(409, "invitation_used")
		analyst := h.as("analyst02")
		var me Me
		analyst.Get(Prefix + "/session").Want(200).Into(&me)
		if me.Name != "分析员02" || strings.Join(me.Roles, " ") != "analyst finance" || len(me.Permissions) == 0 {
			t.Errorf("me %+v", me)
		}
		analyst.Post(Prefix+"/session/password", body{"old": "wrong wrong wrong", "password": "another horse 电池"}).Refused(401, "bad_credentials")
		analyst.Post(Prefix+"/session/password", body{"old": password, "password": "another horse 电池"}).Want(204)

		admin.Do("PUT", roles, body{"roles": []string{}}).Want(204)
		analyst.Get(Prefix+"/rankings").Refused(403, "forbidden") // from the next request on
		admin.Do("PUT", fmt.Sprintf("%s/accounts/%d/state", Prefix, invited.ID), body{"disabled": true}).Want(204)
		analyst.Get(Prefix+"/session").Refused(401, "no_session")

		own := accountOf(t, admin, "province_admin01").ID
		admin.Do("PUT", fmt.Sprintf("%s/accounts/%d/state", Prefix, own), body{"disabled": true}).Refused(409, "own_account")
		admin.Do("PUT", fmt.Sprintf("%s/accounts/%d/roles", Prefix, own), body{"roles": []string{"expert"}}).Refused(409, "own_account")
		admin.Do("PUT", fmt.Sprintf("%s/accounts/%d/state", Prefix, own), body{}).Names("disabled")
		admin.Do("DELETE", Prefix+"/session", nil).Want(204)
		admin.Get(Prefix+"/session").Refused(401, "no_session")
	})
}

// accountOf finds an account in the list.
func accountOf(t *testing.T, admin *webtest.Person, login string) web.Account {
	t.Helper()
	var page web.AccountPage
	admin.Get(Prefix + "/accounts").Want(200).Into(&page)
	for _, a := range page.Accounts {
		if a.Login == login {
			return a
		}
	}
	t.Fatalf("no account %s in %+v", login, page)
	return web.Account{}
}

func TestALinkOnceMoreTakesThePlaceOfTheFirst(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		admin := h.as("province_admin01")
		id := accountOf(t, admin, "finance01").ID
		at := fmt.Sprintf("%s/accounts/%d/invitation", Prefix, id)
		var first, second web.Invited
		admin.Post(at, nil).Want(201).Into(&first)
		admin.Post(at, nil).Want(201).Into(&second)
		guest := webtest.New(t, h.e)
		guest.Post(Prefix+"/invitations/accept", body{"token": first.Invitation, "password": password}).Refused(404, "bad_invitation")
		guest.Post(Prefix+"/invitations/accept", body{"token": second.Invitation, "password": password}).Want(204)
	})
}

func TestFaultyRequestsAreAnsweredWithFieldAndReasonAndWriteNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		people := map[string]*webtest.Person{}
		for _, login := range []string{"reviewer01", "analyst01", "expert01", "province_admin01", "auditor01"} {
			people[login] = h.as(login)
		}
		before := h.rows()
		for _, c := range []struct {
			who, method, path string
			body              any
			fields            []string
		}{
			{"reviewer01", "POST", "/reviews", body{"city": "Tianmen", "from": "2026-02-30"}, []string{"city", "from", "to"}},
			{"reviewer01", "POST", "/reviews", `{"city":`, []string{"body"}},
			{"reviewer01", "POST", "/reviews", body{"city": "429006", "from": "2026-10-31", "to": "2026-05-01"}, []string{"from"}},
			{"reviewer01", "GET", "/cities/429006/assessment?from=yesterday", nil, []string{"from", "to"}},
			{"analyst01", "POST", "/rankings/2026-13", body{}, []string{"month"}},
			{"analyst01", "POST", "/rankings/2026-10", body{"reason": 7}, []string{"reason"}},
			{"analyst01", "POST", "/rankings/2026-10", body{"reason": strings.Repeat("更", 1001)}, []string{"reason"}},
			{"expert01", "POST", "/reviews/1/scores", body{"item": "A2", "points": -1}, []string{"points"}},
			{"expert01", "POST", "/reviews/one/scores", body{"item": "", "points": 1.5}, []string{"points"}},
			{"province_admin01", "POST", "/accounts", body{"login": "x y", "name": ""}, []string{"name"}},
			{"province_admin01", "POST", "/accounts", body{"login": "x y", "name": "丙"}, []string{"login"}},
			{"province_admin01", "POST", "/accounts", body{"login": "a\u0000b", "name": "丙", "role": "expert"}, []string{"login", "role"}},
			{"province_admin01", "PUT", "/accounts/1/roles", body{"roles": nil}, []string{"roles"}},
			{"province_admin01", "GET", "/accounts?limit=1000&after=-1", nil, []string{"after", "limit"}},
			{"auditor01", "GET", "/rankings/2026-10?edition=0", nil, []string{"edition"}},
			{"auditor01", "GET", "/rankings/2026-10/report?lang=fr", nil, []string{"lang"}},
		} {
			people[c.who].Do(c.method, Prefix+c.path, c.body).Names(c.fields...)
		}
		webtest.New(t, h.e).Post(Prefix+"/session", body{"login": "x"}).Names("password")
		if after := h.rows(); after != before {
			t.Errorf("rows before %v, after %v", before, after)
		}
	})
}

// rows counts what the province keeps.
func (h *house) rows() (n [5]int64) {
	h.t.Helper()
	for i, table := range []string{"accounts", "role_holders", "reviews", "review_scores", "ranking_editions"} {
		must(h.t, h.db.Read.Table(table).Count(&n[i]).Error)
	}
	return n
}

func TestASignInIsRefusedAlikeForUnknownAndMistyped(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		guest := webtest.New(t, h.e)
		for _, in := range []body{{"login": "analyst01", "password": "wrong wrong wrong"}, {"login": "unknown", "password": password}} {
			if got := guest.Post(Prefix+"/session", in); got.Header.Get("Set-Cookie") != "" {
				t.Error("a refused sign-in left a cookie")
			} else {
				got.Refused(http.StatusUnauthorized, "bad_credentials")
			}
		}
	})
}
