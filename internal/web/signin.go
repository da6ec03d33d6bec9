package web

import "context"

type signIn struct {
	Login    string `json:"login" required:"true" minLength:"1" maxLength:"64"`
	Password string `json:"password" required:"true" minLength:"1" maxLength:"256"`
}

type acceptance struct {
	Token    string `json:"token" required:"true" minLength:"1" maxLength:"200"`
	Password string `json:"password" required:"true" minLength:"10" maxLength:"256"`
}

type passwordChange struct {
	Old      string `json:"old" required:"true" minLength:"1" maxLength:"256"`
	Password string `json:"password" required:"true" minLength:"10" maxLength:"256"`
}

type none struct{}

// SessionRoutes let the people of a plane in and out. caller finds who asks in
// what the plane gives its routes.
func SessionRoutes[R any](caller func(R) *Caller) []Route[R] {
	route := func(method, path string, a Access, zh, en string) Route[R] {
		return Route[R]{Method: method, Path: path, Access: a, Tag: "session", Summary: Text{zh, en}}
	}
	return []Route[R]{
		Handle(route("POST", "/session", Public, "登录", "sign in"), with(caller, openSession)),
		Handle(route("DELETE", "/session", SignedIn, "退出", "sign out"), with(caller, closeSession)),
		Handle(route("POST", "/session/password", SignedIn, "修改密码", "change the password"), with(caller, changePassword)),
		Handle(route("POST", "/invitations/accept", Public, "凭邀请链接设置密码", "set a password by a one-time link"), with(caller, accept)),
	}
}

// with makes a route's function of one that needs the caller alone.
func with[R, In, Out any](caller func(R) *Caller, fn func(context.Context, *Caller, In) (Out, error)) func(context.Context, R, In) (Out, error) {
	return func(ctx context.Context, r R, in In) (Out, error) { return fn(ctx, caller(r), in) }
}

func openSession(ctx context.Context, r *Caller, in signIn) (struct{}, error) {
	return struct{}{}, r.SignIn(ctx, in.Login, in.Password)
}

func closeSession(ctx context.Context, r *Caller, _ none) (struct{}, error) {
	return struct{}{}, r.SignOut(ctx)
}

func changePassword(ctx context.Context, r *Caller, in passwordChange) (struct{}, error) {
	return struct{}{}, r.Accounts.ChangePassword(ctx, r.Token, in.Old, in.Password)
}

func accept(ctx context.Context, r *Caller, in acceptance) (struct{}, error) {
	return struct{}{}, r.Accounts.Accept(ctx, in.Token, in.Password)
}

// SignIn opens a session and hands the browser its cookie.
func (r *Caller) SignIn(ctx context.Context, login, password string) error {
	token, _, err := r.Accounts.SignIn(ctx, login, password)
	if err == nil {
		r.Cookies.Set(r.HTTP, r.Plane, token)
	}
	return err
}

// SignOut ends the caller's session and takes the cookie back.
func (r *Caller) SignOut(ctx context.Context) error {
	r.Cookies.Clear(r.HTTP, r.Plane)
	return r.Accounts.SignOut(ctx, r.Token)
}
