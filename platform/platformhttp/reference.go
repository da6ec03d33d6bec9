package platformhttp

import (
	"context"

	"wangge/internal/web"
)

// manual is the API document as a page.
type manual struct {
	view
	web.Reference
}

var words = map[string]web.Text{
	"province": {Zh: "省级平台", En: "Province"}, "city": {Zh: "城市平台", En: "City"}, "billing": {Zh: "计费", En: "Billing"},
	"session": {Zh: "登录", En: "session"}, "accounts": {Zh: "账号", En: "accounts"}, "cities": {Zh: "城市", En: "cities"},
	"rankings": {Zh: "排名", En: "rankings"}, "reviews": {Zh: "验收评审", En: "reviews"}, "invoices": {Zh: "账单", En: "invoices"},
	"cases": {Zh: "案卷", En: "cases"}, "grids": {Zh: "单元网格", En: "grids"}, "organisation": {Zh: "组织机构", En: "organisation"},
	"access": {Zh: "权限", En: "access"}, "catalogue": {Zh: "类别目录", En: "catalogue"}, "evaluation": {Zh: "评价", En: "evaluation"},
}

// Word names a plane or a tag; one without a name is shown as it is.
func (m manual) Word(name string) string {
	if text, ok := words[name]; ok {
		return text.In(m.Lang)
	}
	return name
}

// Summary is the half of a summary that is in the page's language.
func (m manual) Summary(o web.Operation) string { return o.Summary.In(m.Lang) }

func (p *Plane) reference(_ context.Context, r *web.Caller, _ none) (web.Page, error) {
	ref, err := p.Document.Reference()
	if err != nil {
		return web.Page{}, err
	}
	return shown(0, "reference.html", p.view(r.HTTP), func(v view) any { return manual{v, ref} }), nil
}

func (p *Plane) openAPI(context.Context, *web.Caller, none) (web.File, error) {
	text, err := p.Document.JSON()
	return web.File{Type: "application/json", Body: text}, err
}
