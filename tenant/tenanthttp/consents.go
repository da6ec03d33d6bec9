package tenanthttp

import (
	"context"
	"time"

	"wangge/internal/web"
	"wangge/tenant/access"
	"wangge/tenant/consent"
)

// Consent lets another city copy the settings once.
type Consent struct {
	Recipient string     `json:"recipient" description:"six-digit code of the city that may copy"`
	By        int64      `json:"by" description:"account that gave it"`
	At        time.Time  `json:"at"`
	Until     time.Time  `json:"until"`
	UsedAt    *time.Time `json:"used_at,omitempty"`
	Token     string     `json:"token,omitempty" description:"to hand to the other city; shown this once"`
}

type consentInput struct {
	Recipient string `json:"recipient" required:"true" pattern:"^[0-9]{6}$" description:"six-digit code of the city that may copy"`
	Days      int    `json:"days" required:"true" minimum:"1" maximum:"90"`
}

func consentRoutes() []Route {
	const tag = "access"
	return []Route{
		web.Handle(guarded("GET", "/consents", access.PolicyManage, tag, "设置复制的授权", "consents to copy the settings"), listConsents),
		web.Handle(guarded("POST", "/consents", access.PolicyManage, tag, "授权另一城市复制本市设置（一次）", "let another city copy the settings, once"), giveConsent),
	}
}

func consentOf(c consent.Consent) Consent {
	out := Consent{Recipient: c.Recipient, By: c.By, At: c.At, Until: c.Until}
	if !c.UsedAt.IsZero() {
		out.UsedAt = &c.UsedAt
	}
	return out
}

func listConsents(ctx context.Context, r *Request, _ none) ([]Consent, error) {
	list, err := r.City.Consents.List(ctx)
	out := make([]Consent, len(list))
	for i, c := range list {
		out[i] = consentOf(c)
	}
	return out, err
}

func giveConsent(ctx context.Context, r *Request, in consentInput) (Consent, error) {
	token, c, err := r.City.Consents.Give(ctx, in.Recipient, r.Session.Account.ID, in.Days)
	out := consentOf(c)
	out.Token = token
	return out, err
}
