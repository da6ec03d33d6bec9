package tenanthttp

import (
	"context"

	"wangge/internal/web"
)

// Me is who the session belongs to.
type Me struct {
	City        string   `json:"city"`
	CityName    string   `json:"city_name"`
	Account     int64    `json:"account" description:"what a case's checker is compared with"`
	Login       string   `json:"login"`
	Name        string   `json:"name"`
	Roles       []string `json:"roles"`
	Permissions []string `json:"permissions"`
}

func meRoutes() []Route {
	return []Route{web.Handle(Route{
		Method: "GET", Path: "/session", Access: web.SignedIn, Tag: "session",
		Summary: web.Text{Zh: "当前登录人", En: "who is signed in"},
	}, me)}
}

func me(ctx context.Context, r *Request, _ none) (Me, error) {
	a := r.Session.Account
	permissions, err := r.City.Policy.Permissions(ctx, a.ID, r.Session.PolicyVersion)
	return Me{r.City.ID.String(), r.City.Settings.Name, a.ID, a.Login, a.Name, append([]string{}, a.Roles...), permissions}, err
}
