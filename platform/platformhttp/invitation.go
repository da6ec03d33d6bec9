package platformhttp

import (
	"context"

	"wangge/internal/errs"
	"wangge/internal/identity"
	"wangge/internal/web"
)

// invitation is the form behind a one-time link, of the province or of a city.
type invitation struct {
	view
	City bool
	Done bool
	Why  *errs.Error
}

type invitationKey struct {
	Token string `path:"token" maxLength:"200"`
}

type invitationForm struct {
	Token    string `path:"token" maxLength:"200"`
	Password string `form:"password" maxLength:"256"`
	Again    string `form:"again" maxLength:"256"`
}

// errTwice asks for the same password again.
var errTwice = errs.New(errs.Invalid, "passwords_differ", "两次输入的密码不一致", "the two passwords differ")

func (p *Plane) invitation(_ context.Context, r *web.Caller, in invitationKey) (web.Page, error) {
	return p.invite(r, 0, invitation{City: identity.PlaneOf(in.Token) != Name}), nil
}

// acceptInvitation sets the password in the plane that the token names. A
// refusal is shown above the form, which stays good for another try.
func (p *Plane) acceptInvitation(ctx context.Context, r *web.Caller, in invitationForm) (web.Page, error) {
	page := invitation{City: identity.PlaneOf(in.Token) != Name}
	err := p.accept(ctx, in)
	if err == nil {
		page.Done = true
		return p.invite(r, 0, page), nil
	}
	why, ok := errs.As(err)
	if !ok {
		return web.Page{}, err
	}
	page.Why = why
	return p.invite(r, web.Status(why.Kind), page), nil
}

func (p *Plane) accept(ctx context.Context, in invitationForm) error {
	if in.Password != in.Again {
		return errTwice
	}
	known := false
	err := p.Invited(ctx, identity.PlaneOf(in.Token), func(accounts *identity.Service) error {
		known = true
		return accounts.Accept(ctx, in.Token, in.Password)
	})
	if !known && errs.KindOf(err) == errs.NotFound { // no such city is no such link
		return identity.ErrBadInvitation
	}
	return err
}

func (p *Plane) invite(r *web.Caller, status int, page invitation) web.Page {
	return shown(status, "invitation.html", p.view(r.HTTP), func(v view) any {
		page.view = v
		return page
	})
}
