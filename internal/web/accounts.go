package web

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"wangge/internal/errs"
	"wangge/internal/identity"
)

// Account is somebody who may sign in to the plane.
type Account struct {
	ID          int64    `json:"id"`
	Login       string   `json:"login"`
	Name        string   `json:"name"`
	Roles       []string `json:"roles"`
	Disabled    bool     `json:"disabled"`
	HasPassword bool     `json:"has_password"`
}

// AccountPage is a page of accounts.
type AccountPage struct {
	Accounts []Account `json:"accounts"`
	Next     int64     `json:"next,omitempty" description:"cursor of the next page, absent on the last"`
}

type accountQuery struct {
	After int64 `query:"after" minimum:"0" description:"cursor of the page before"`
	Limit int   `query:"limit" minimum:"1" maximum:"200"`
}

type newAccount struct {
	Login string `json:"login" required:"true" minLength:"1" maxLength:"64"`
	Name  string `json:"name" required:"true" minLength:"1" maxLength:"64"`
}

type accountKey struct {
	ID int64 `path:"account" json:"-"`
}

// Invited is an account and its one-time link.
type Invited struct {
	ID         int64  `json:"id"`
	Invitation string `json:"invitation" description:"one-time token to set the password with; shown this once"`
}

type accountState struct {
	ID       int64 `path:"account" json:"-"`
	Disabled bool  `json:"disabled" required:"true"`
}

// inviteFor is how long a one-time link is good.
const inviteFor = 7 * 24 * time.Hour

// ErrOwnAccount keeps an administrator from locking the door behind them, and
// from widening their own powers.
var ErrOwnAccount = errs.New(errs.Conflict, "own_account", "不能停用自己的账号或更改自己的岗位", "nobody disables their own account or changes its posts")

// AccountRoutes keep the accounts of a plane: read lists them, manage changes
// them. What posts they hold is the plane's own.
func AccountRoutes[R any](caller func(R) *Caller, read, manage string) []Route[R] {
	route := func(method, path, permission, zh, en string) Route[R] {
		return Route[R]{Method: method, Path: path, Permission: permission, Tag: "accounts", Summary: Text{zh, en}}
	}
	add := route("POST", "/accounts", manage, "新增账号并生成一次性邀请", "add an account and invite its holder")
	again := route("POST", "/accounts/:account/invitation", manage, "重新生成一次性邀请", "invite the holder once more")
	add.Status, again.Status = http.StatusCreated, http.StatusCreated
	return []Route[R]{
		Handle(route("GET", "/accounts", read, "账号列表", "accounts"), with(caller, listAccounts)),
		Handle(add, with(caller, addAccount)),
		Handle(again, with(caller, inviteAgain)),
		Handle(route("PUT", "/accounts/:account/state", manage, "停用或启用账号", "disable or enable an account"), with(caller, setDisabled)),
	}
}

func listAccounts(ctx context.Context, r *Caller, in accountQuery) (AccountPage, error) {
	list, next, err := r.Accounts.Accounts(ctx, in.After, cmp.Or(in.Limit, 200))
	page := AccountPage{Accounts: make([]Account, len(list)), Next: next}
	for i, a := range list {
		page.Accounts[i] = viewAccount(a)
	}
	return page, err
}

func viewAccount(a identity.Account) Account {
	return Account{a.ID, a.Login, a.Name, append([]string{}, a.Roles...), a.Disabled, a.HasPassword}
}

func addAccount(ctx context.Context, r *Caller, in newAccount) (Invited, error) {
	a, err := r.Accounts.CreateAccount(ctx, in.Login, in.Name)
	if err != nil {
		return Invited{}, err
	}
	return inviteAgain(ctx, r, accountKey{a.ID})
}

func inviteAgain(ctx context.Context, r *Caller, in accountKey) (Invited, error) {
	token, err := r.Accounts.Invite(ctx, in.ID, inviteFor)
	return Invited{in.ID, token}, err
}

func setDisabled(ctx context.Context, r *Caller, in accountState) (struct{}, error) {
	if in.Disabled && in.ID == r.Session.Account.ID {
		return struct{}{}, ErrOwnAccount
	}
	return struct{}{}, r.Accounts.SetDisabled(ctx, in.ID, in.Disabled)
}
