package platformhttp

import (
	"context"
	"io"
	"net/url"
	"strconv"

	"wangge/internal/errs"
	"wangge/internal/identity"
	"wangge/internal/web"
	"wangge/platform"
	"wangge/platform/ranking"
	"wangge/platform/report"
	"wangge/platform/review"
)

// desk is what somebody who is signed in begins with: as much as they may see.
type desk struct {
	view
	Account  identity.Account
	Posts    []string
	Sees     map[platform.Permission]bool
	Cities   []platform.City
	Editions []ranking.Frozen
	Reviews  []review.Review
	Newest   int64 // level of a city's tables
	names    map[string]string
}

// home is the desk, or the door for whoever is not signed in.
func (p *Plane) home(ctx context.Context, r *web.Caller, _ none) (web.Page, error) {
	err := web.Admit(ctx, web.SignedIn, "", r)
	switch errs.KindOf(err) {
	case errs.Unauthenticated, errs.NotFound: // no session, or one of another plane
		return p.door(r.HTTP, 0, door{}), nil
	}
	if err != nil {
		return web.Page{}, err
	}
	d := desk{Account: r.Session.Account, Sees: map[platform.Permission]bool{}, Newest: p.Newest, names: map[string]string{}}
	if err := p.lay(ctx, r, &d); err != nil {
		return web.Page{}, err
	}
	return shown(0, "desk.html", p.view(r.HTTP), func(v view) any {
		d.view = v
		for _, role := range d.Account.Roles {
			d.Posts = append(d.Posts, v.L(platform.Role(role).Names()))
		}
		return d
	}), nil
}

// lay puts on the desk what the caller may see.
func (p *Plane) lay(ctx context.Context, r *web.Caller, d *desk) error {
	for _, part := range []struct {
		needs platform.Permission
		get   func() error
	}{
		{platform.CityRead, func() (err error) { d.Cities, err = p.Cities.Cities(ctx); return err }},
		{platform.RankingRead, func() (err error) { d.Editions, err = p.Rankings.Editions(ctx); return err }},
		{platform.ReviewRead, func() (err error) { d.Reviews, err = p.Reviews.Reviews(ctx); return err }},
	} {
		may, err := r.May(ctx, string(part.needs))
		if err != nil {
			return err
		}
		if d.Sees[part.needs] = may; !may {
			continue
		}
		if err := part.get(); err != nil {
			return err
		}
	}
	for _, c := range d.Cities {
		d.names[c.Code] = c.Name
	}
	return nil
}

// May says whether a section is shown.
func (d desk) May(permission string) bool { return d.Sees[platform.Permission(permission)] }

// Name is a city's name, its code for whoever may not see the cities.
func (d desk) Name(code string) string {
	if name := d.names[code]; name != "" {
		return name
	}
	return code
}

var states = map[string]web.Text{
	"building": {Zh: "建设中", En: "building"}, "active": {Zh: "运行中", En: "in service"}, "suspended": {Zh: "已停用", En: "suspended"},
	"under_review": {Zh: "评审中", En: "under review"}, "passed": {Zh: "通过", En: "passed"},
	"rectify": {Zh: "整改后复验", En: "to rectify"}, "failed": {Zh: "不通过", En: "failed"},
}

// State names the state of a city or a review.
func (d desk) State(s any) string {
	switch s := s.(type) {
	case platform.State:
		return states[string(s)].In(d.Lang)
	case review.State:
		return states[string(s)].In(d.Lang)
	}
	return ""
}

// Edition is the way to one edition.
func (d desk) Edition(f ranking.Frozen) string {
	q := url.Values{"edition": {strconv.Itoa(f.Number)}}
	if d.query != "" {
		q.Set("lang", string(d.Lang))
	}
	return "/ranking/" + f.Month + "?" + q.Encode()
}

// paper is how a report is shown in place, with the ways on from it.
func (p *Plane) paper(r *web.Caller, links ...report.Link) report.Page {
	v := p.view(r.HTTP)
	page := p.sheet(r)
	page.Links = append([]report.Link{{Href: v.To("/"), Text: v.L("← 首页", "← home")}}, links...)
	page.Links = append(page.Links, report.Link{Href: v.Other, Text: v.L("English", "中文"), Away: true})
	return page
}

func (p *Plane) rankingPage(ctx context.Context, r *web.Caller, in reportKey) (web.Page, error) {
	e, f, err := p.Rankings.Edition(ctx, in.Month, in.Number)
	if err != nil {
		return web.Page{}, err
	}
	v := p.view(r.HTTP)
	file := func(kind, zh, en string) report.Link {
		q := url.Values{"edition": {strconv.Itoa(f.Number)}, "lang": {string(v.Lang)}}
		return report.Link{Href: Prefix + "/rankings/" + f.Month + "/" + kind + "?" + q.Encode(), Text: v.L(zh, en)}
	}
	page := p.paper(r, file("workbook", "下载 XLSX", "XLSX"), file("report", "下载网页", "HTML"), file("document", "冻结文件", "sealed document"))
	return web.Page{Render: func(w io.Writer, nonce string) error {
		page.Nonce = nonce
		return report.Ranking(w, page, e, f)
	}}, nil
}

func (p *Plane) reviewPage(ctx context.Context, r *web.Caller, in reviewReport) (web.Page, error) {
	o, err := p.Reviews.Review(ctx, in.ID)
	if err != nil {
		return web.Page{}, err
	}
	v := p.view(r.HTTP)
	page := p.paper(r, report.Link{
		Href: Prefix + "/reviews/" + strconv.FormatInt(o.ID, 10) + "/report?lang=" + string(v.Lang), Text: v.L("下载网页", "HTML"),
	})
	return web.Page{Render: func(w io.Writer, nonce string) error {
		page.Nonce = nonce
		return report.Review(w, page, o)
	}}, nil
}
