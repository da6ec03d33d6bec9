package platformhttp

import (
	"context"
	"slices"

	"wangge/internal/web"
	"wangge/platform"
)

// Me is who the session belongs to.
type Me struct {
	Login       string   `json:"login"`
	Name        string   `json:"name"`
	Roles       []string `json:"roles"`
	Permissions []string `json:"permissions"`
}

// Post is a post of the province with what it may do by default.
type Post struct {
	Role        Role     `json:"role"`
	Zh          string   `json:"name_zh"`
	En          string   `json:"name_en"`
	Permissions []string `json:"permissions"`
}

// Role is a platform.Role that knows its like.
type Role string

// Enum lists the posts there are.
func (Role) Enum() []any {
	var all []any
	for _, r := range platform.Roles() {
		all = append(all, string(r))
	}
	return all
}

type roleChange struct {
	ID    int64  `path:"account" json:"-"`
	Roles []Role `json:"roles" required:"true" nullable:"false" maxItems:"6"`
}

func (p *Plane) peopleRoutes() []Route {
	return []Route{
		web.Handle(signedIn("/session", "session", "当前登录人", "who is signed in"), p.me),
		web.Handle(signedIn("/posts", "accounts", "省级岗位", "the posts of the province"), posts),
		web.Handle(guarded("PUT", "/accounts/:account/roles", platform.AccountManage, "accounts", "设置账号的岗位", "set an account's posts"), p.setRoles),
	}
}

func (p *Plane) me(ctx context.Context, r *web.Caller, _ none) (Me, error) {
	a := r.Session.Account
	permissions, err := r.Policy.Permissions(ctx, a.ID, r.Session.PolicyVersion)
	return Me{a.Login, a.Name, append([]string{}, a.Roles...), permissions}, err
}

func posts(context.Context, *web.Caller, none) ([]Post, error) {
	var out []Post
	for _, role := range platform.Roles() {
		post := Post{Role: Role(role)}
		post.Zh, post.En = role.Names()
		for _, rule := range platform.Defaults() {
			if rule.Role == role {
				post.Permissions = append(post.Permissions, string(rule.Permission))
			}
		}
		out = append(out, post)
	}
	return out, nil
}

func (p *Plane) setRoles(ctx context.Context, r *web.Caller, in roleChange) (struct{}, error) {
	if in.ID == r.Session.Account.ID {
		return struct{}{}, web.ErrOwnAccount
	}
	if _, err := r.Accounts.Account(ctx, in.ID); err != nil {
		return struct{}{}, err
	}
	var roles []platform.Role
	for _, role := range in.Roles {
		if !slices.Contains(roles, platform.Role(role)) {
			roles = append(roles, platform.Role(role))
		}
	}
	if err := platform.Together(roles); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, p.SetRoles(ctx, in.ID, roles)
}
