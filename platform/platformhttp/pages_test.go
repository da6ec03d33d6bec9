package platformhttp

import (
	"context"
	"encoding/json"
	"html"
	"net/url"
	"strings"
	"testing"
	"time"

	"wangge/internal/identity"
	"wangge/internal/testdb"
	"wangge/internal/web/webtest"
)

func TestSomebodySignsInAtTheDoorAndSeesTheDesk(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.as("analyst01").Post(Prefix+"/rankings/2026-10", body{}).Want(201)
		p := webtest.New(t, h.e)
		if door := p.Get("/").Want(200); !door.Has("密码") || door.Has("武汉市") {
			t.Errorf("the door: %s", door.Body)
		}
		wrong := p.Form("/sign-in", url.Values{"login": {"auditor01"}, "password": {"wrong wrong wrong"}}).Want(401)
		if !wrong.Has("账号或密码不正确") || !wrong.Has(`value="auditor01"`) || wrong.Has("wrong wrong") {
			t.Errorf("a refused sign-in: %s", wrong.Body)
		}
		if got := p.Form("/sign-in", url.Values{"login": {"auditor01"}, "password": {password}}).Want(303).Header.Get("Location"); got != "/" {
			t.Errorf("led to %q", got)
		}
		desk := p.Get("/").Want(200)
		for _, want := range []string{"武汉市", "建设中", "审计员", "/ranking/2026-10?edition=1", "还没有城市申请验收", "退出", "/api"} {
			if !desk.Has(want) {
				t.Errorf("%q is not on the desk", want)
			}
		}
		p.Form("/sign-out", nil).Want(303)
		if !p.Get("/").Want(200).Has("密码") {
			t.Error("still signed in")
		}
		p.Form("/sign-out", nil).Want(303) // once more does no harm
	})
}

func TestTheDeskShowsEveryCitysLevelAndWhoIsBehind(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		desk := h.as("auditor01").Get("/?lang=en").Want(200)
		for city, level := range map[string]string{
			"武汉市": `<td class="nb">11</td>`, "天门市": `<td class="nb">10 <span class="tag">to be raised to 11</span></td>`, "宜昌市": `<td class="nb">—</td>`,
		} {
			_, row, _ := strings.Cut(string(desk.Body), city+" <span")
			row, _, _ = strings.Cut(row, "</tr>")
			if !strings.HasSuffix(row, level) {
				t.Errorf("%s: got %s, want it to end in %s", city, row, level)
			}
		}
	})
}

func TestADeskShowsNoMoreThanItsHolderMaySee(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if desk := h.as("expert01").Get("/").Want(200); desk.Has("武汉市") || desk.Has("月度排名") || !desk.Has("验收评审") {
			t.Errorf("an expert sees %s", desk.Body)
		}
		if desk := h.as("finance01").Get("/").Want(200); !desk.Has("武汉市") || desk.Has("月度排名") {
			t.Errorf("finance sees %s", desk.Body)
		}
	})
}

func TestWhoeverIsAskedToSignInGoesOnToWhereTheyWanted(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.as("analyst01").Post(Prefix+"/rankings/2026-10", body{}).Want(201)
		p := webtest.New(t, h.e)
		const wanted = "/ranking/2026-10?edition=1&lang=en"
		if door := p.Get(wanted).Want(401); !door.Has(`name="next" value="`+html.EscapeString(wanted)+`"`) || door.Has("武汉市") {
			t.Errorf("the door: %s", door.Body)
		}
		in := url.Values{"login": {"analyst01"}, "password": {password}, "next": {wanted}}
		if got := p.Form("/sign-in?lang=en", in).Want(303).Header.Get("Location"); got != wanted {
			t.Errorf("led to %q, want %q", got, wanted)
		}
		if page := p.Get(wanted).Want(200); !page.Has("Monthly ranking of cities") || !page.Has("武汉市") {
			t.Errorf("the page: %.300s", page.Body)
		}
		for _, elsewhere := range []string{"https://evil.test/", "//evil.test/", `/\evil.test/`, "evil", "javascript:alert(1)"} {
			in.Set("next", elsewhere)
			if got := p.Form("/sign-in", in).Want(303).Header.Get("Location"); got != "/" {
				t.Errorf("%q led to %q", elsewhere, got)
			}
		}
	})
}

func TestARefusedPageSaysWhyInWords(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		expert := h.as("expert01")
		for _, c := range []struct {
			path   string
			status int
			says   string
		}{
			{"/ranking/2026-10", 403, "您的岗位没有此项权限：ranking:read"},
			{"/review/7", 404, "没有这次验收评审"},
			{"/review/7?lang=en", 404, "no such review"},
			{"/review/seven", 422, "类型有误"},
		} {
			if got := expert.Get(c.path).Want(c.status); !got.Has(c.says) || !got.Has("<html") {
				t.Errorf("%s: %s", c.path, got.Body)
			}
		}
		if got := webtest.New(t, h.e).Hold("wangge-429006", "429006.x").Get("/ranking/2026-10").Want(404); !got.Has("没有这个页面") {
			t.Errorf("with a session of a city: %s", got.Body)
		}
	})
}

func TestAReviewIsAPageOnceItIsConcluded(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		organiser := h.as("reviewer01")
		organiser.Post(Prefix+"/reviews", body{"city": "429006", "from": "2026-05-01", "to": "2026-10-31"}).Want(201)
		organiser.Get("/review/1").Want(409)
		if desk := organiser.Get("/").Want(200); !desk.Has("评审中") || desk.Has("/review/1") {
			t.Errorf("a running review on the desk: %s", desk.Body)
		}
		for _, login := range []string{"expert01", "expert02"} {
			h.as(login).Post(Prefix+"/reviews/1/scores", body{"item": "A2", "points": 300}).Want(201)
		}
		organiser.Post(Prefix+"/reviews/1/conclusion", nil).Want(200)
		if desk := organiser.Get("/?lang=en").Want(200); !desk.Has("to rectify") || !desk.Has("/review/1?lang=en") {
			t.Errorf("a concluded review on the desk: %s", desk.Body)
		}
		page := organiser.Get("/review/1?lang=zh").Want(200)
		if !page.Has("整改后复验") || !page.Has("低于单项最低") || !page.Has("<nav>") {
			t.Errorf("the report: %.500s", page.Body)
		}
	})
}

func TestAPasswordIsSetByTheLinkOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, err := h.Accounts.CreateAccount(t.Context(), "auditor02", "审计员02")
		must(t, err)
		token, err := h.Accounts.Invite(t.Context(), a.ID, time.Hour)
		must(t, err)
		p, at := webtest.New(t, h.e), "/invitation/"+token
		page := p.Get(at).Want(200)
		if !page.Has("省级平台账号") || page.Has("auditor02") {
			t.Errorf("the link shows %s", page.Body)
		}
		if got := page.Header.Get("Referrer-Policy"); got != "same-origin" {
			t.Errorf("the link could leave with policy %q", got)
		}
		set := func(password, again string) *webtest.Answer {
			return p.Form(at, url.Values{"password": {password}, "again": {again}})
		}
		if got := set(password, "another"); !got.Want(422).Has("两次输入的密码不一致") {
			t.Errorf("two passwords: %s", got.Body)
		}
		if got := set("1234567890", "1234567890"); !got.Want(422).Has("太常见") {
			t.Errorf("a weak password: %s", got.Body)
		}
		if got := set(password, password); !got.Want(200).Has("密码已设置") {
			t.Errorf("a good password: %s", got.Body)
		}
		if got := set(password, password); !got.Want(409).Has("已使用过") {
			t.Errorf("the link again: %s", got.Body)
		}
		h.as("auditor02").Get(Prefix + "/session").Want(200)
		for _, token := range []string{"429006.x", "nonsense", "province.x"} {
			if got := p.Form("/invitation/"+token, url.Values{"password": {password}, "again": {password}}); !got.Want(404).Has("邀请链接无效") {
				t.Errorf("%s: %s", token, got.Body)
			}
		}
		if !p.Get("/invitation/429006.x").Want(200).Has("城市平台账号") {
			t.Error("a link of a city is not called one")
		}
	})
}

func TestALinkLeadsToTheAccountsOfItsPlane(t *testing.T) {
	h := build(t, testdb.SQLite(t))
	asked := ""
	h.Invited = func(_ context.Context, plane string, use func(*identity.Service) error) error {
		asked = plane
		return use(h.Accounts)
	}
	e := webtest.Serve(false, h.Mount)
	webtest.New(t, e).Form("/invitation/420100.x", url.Values{"password": {password}, "again": {password}}).Want(404)
	if asked != "420100" {
		t.Errorf("asked the plane %q", asked)
	}
}

func TestAnotherSiteCanNotPostAForm(t *testing.T) {
	h := build(t, testdb.SQLite(t))
	p := webtest.New(t, webtest.Serve(false, h.Mount)).With("Sec-Fetch-Site", "cross-site")
	for _, path := range []string{"/sign-in", "/sign-out", "/invitation/province.x"} {
		p.Form(path, url.Values{"login": {"auditor01"}, "password": {password}, "again": {password}}).Refused(403, "cross_site")
	}
}

func TestEveryPageIsInBothLanguagesAndRunsNoScript(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.as("analyst01").Post(Prefix+"/rankings/2026-10", body{}).Want(201)
		auditor := h.as("auditor01")
		for _, path := range []string{"/", "/ranking/2026-10", "/api", "/invitation/province.x", "/review/99"} {
			for lang, other := range map[string]string{"zh": "English", "en": "中文"} {
				page := auditor.Get(path + "?lang=" + lang)
				if !page.Has(">"+other+"</a>") || !page.Has(`<html lang="`+strings.Replace(lang, "zh", "zh-CN", 1)+`"`) {
					t.Errorf("%s in %s: %.200s", path, lang, page.Body)
				}
				if page.Has("<script") || page.Has(" style=") || page.Has("http://") || page.Has("https://") {
					t.Errorf("%s has what its policy forbids", path)
				}
			}
		}
	})
}

func TestTheDocumentIsServedAsItIsAndForReading(t *testing.T) {
	h := build(t, testdb.SQLite(t))
	p := webtest.New(t, webtest.Serve(false, h.Mount))
	var doc struct{ OpenAPI string }
	must(t, json.Unmarshal(p.Get("/openapi.json").Want(200).Body, &doc))
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("version %q", doc.OpenAPI)
	}
	page := p.Get("/api?lang=zh").Want(200)
	for _, r := range h.Routes() {
		if !page.Has(html.EscapeString(r.Summary.Zh)) {
			t.Errorf("%s %s is not on the page", r.Method, r.Path)
		}
	}
	if !page.Has("ranking:freeze") || !page.Has("冻结") || page.Has("freeze a month") {
		t.Error("the page does not say what it should in Chinese")
	}
}
