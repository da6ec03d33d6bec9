package tenanthttp

import (
	"context"
	"time"

	"wangge/internal/web"
	"wangge/tenant/calendar"
	"wangge/tenant/casework"
)

// The commands on a case: one route for each action of the rule table, with
// the arguments that the action reads.

type command struct {
	Key     string `header:"Idempotency-Key" json:"-" maxLength:"100"`
	Number  string `path:"number" json:"-"`
	Note    string `json:"note" maxLength:"2000"`
	Version int64  `json:"version" minimum:"0" description:"the version seen; 0 takes the newest"`
}

type dispatch struct {
	Key        string   `header:"Idempotency-Key" json:"-" maxLength:"100"`
	Number     string   `path:"number" json:"-"`
	Note       string   `json:"note" maxLength:"2000"`
	Version    int64    `json:"version" minimum:"0"`
	Department string   `json:"department" required:"true" minLength:"1" description:"who must handle it"`
	Assistants []string `json:"assistants" description:"departments that help"`
}

type forward struct {
	Key     string `header:"Idempotency-Key" json:"-" maxLength:"100"`
	Number  string `path:"number" json:"-"`
	Note    string `json:"note" maxLength:"2000"`
	Version int64  `json:"version" minimum:"0"`
	Command string `json:"command" required:"true" minLength:"1" description:"the district's command centre"`
}

type extend struct {
	Key     string `header:"Idempotency-Key" json:"-" maxLength:"100"`
	Number  string `path:"number" json:"-"`
	Note    string `json:"note" maxLength:"2000"`
	Version int64  `json:"version" minimum:"0"`
	Value   int    `json:"value" required:"true" minimum:"1" description:"how much longer"`
	Unit    string `json:"unit" required:"true" enum:"urgent_hour,work_hour,work_day"`
}

type suspend struct {
	Key     string `header:"Idempotency-Key" json:"-" maxLength:"100"`
	Number  string `path:"number" json:"-"`
	Note    string `json:"note" maxLength:"2000"`
	Version int64  `json:"version" minimum:"0"`
	Until   string `json:"until" required:"true" minLength:"1" format:"date-time" description:"when the work goes on"`
}

type join struct {
	Key     string `header:"Idempotency-Key" json:"-" maxLength:"100"`
	Number  string `path:"number" json:"-"`
	Note    string `json:"note" maxLength:"2000"`
	Version int64  `json:"version" minimum:"0"`
	Other   string `json:"other" required:"true" minLength:"1" description:"number of the other case"`
}

type transfer struct {
	Key     string `header:"Idempotency-Key" json:"-" maxLength:"100"`
	Number  string `path:"number" json:"-"`
	Note    string `json:"note" maxLength:"2000"`
	Version int64  `json:"version" minimum:"0"`
	City    string `json:"city" required:"true" minLength:"6" maxLength:"6" description:"code of the other city"`
}

// order is what every command on a case says.
func (c command) order() casework.Command {
	return casework.Command{Number: c.Number, Note: c.Note, Key: c.Key, Version: c.Version}
}

func (d dispatch) order() casework.Command {
	o := command{d.Key, d.Number, d.Note, d.Version}.order()
	o.Department, o.Assistants = d.Department, d.Assistants
	return o
}

func (f forward) order() casework.Command {
	o := command{f.Key, f.Number, f.Note, f.Version}.order()
	o.Command = f.Command
	return o
}

func (e extend) order() casework.Command {
	o := command{e.Key, e.Number, e.Note, e.Version}.order()
	o.Extra = calendar.Limit{Value: e.Value, Unit: calendar.Unit(e.Unit)}
	return o
}

func (s suspend) order() casework.Command {
	o := command{s.Key, s.Number, s.Note, s.Version}.order()
	o.Until, _ = time.Parse(time.RFC3339, s.Until) // no time at all lies in the past, which is refused
	return o
}

func (j join) order() casework.Command {
	o := command{j.Key, j.Number, j.Note, j.Version}.order()
	o.Other = j.Other
	return o
}

func (t transfer) order() casework.Command {
	o := command{t.Key, t.Number, t.Note, t.Version}.order()
	o.City = t.City
	return o
}

type orderer interface{ order() casework.Command }

// commandRoutes serve every action that people give, but for the report.
func commandRoutes(tag string) []Route {
	var routes []Route
	for _, a := range casework.Actions() {
		name := a.Name()
		route := guarded("POST", "/cases/:number/"+string(a), a.Permission(), tag, name.Zh, name.En)
		switch a {
		case casework.ActionReport:
		case casework.ActionDispatch, casework.ActionArbitrate:
			routes = append(routes, web.Handle(route, give[dispatch](a)))
		case casework.ActionForward:
			routes = append(routes, web.Handle(route, give[forward](a)))
		case casework.ActionExtend:
			routes = append(routes, web.Handle(route, give[extend](a)))
		case casework.ActionSuspend:
			routes = append(routes, web.Handle(route, give[suspend](a)))
		case casework.ActionMerge, casework.ActionAttach:
			routes = append(routes, web.Handle(route, give[join](a)))
		case casework.ActionTransfer:
			routes = append(routes, web.Handle(route, give[transfer](a)))
		default:
			if a.Permission() != "" { // what the system does itself has no route
				routes = append(routes, web.Handle(route, give[command](a)))
			}
		}
	}
	return routes
}

// give gives one command in the session's post. A department sees and moves
// only the cases that concern it.
func give[In orderer](a casework.Action) func(context.Context, *Request, In) (Case, error) {
	return func(ctx context.Context, r *Request, in In) (Case, error) {
		h, err := wear(ctx, r, a.Permission())
		if err != nil {
			return Case{}, err
		}
		order := in.order()
		order.By, order.Also = h.by, h.also
		c, err := r.City.Cases.Do(ctx, a, order)
		return r.view(ctx, c, err)
	}
}
