package platformhttp

import (
	"context"
	"time"

	"wangge/internal/web"
	"wangge/platform"
)

// City is an entry of the registry.
type City struct {
	Code      string     `json:"code"`
	Name      string     `json:"name"`
	Model     string     `json:"model"`
	State     string     `json:"state" enum:"building,active,suspended"`
	Engine    string     `json:"engine" enum:"sqlite,postgres"`
	Level     int64      `json:"level" description:"of its tables, as last recorded; 0 when it never was"`
	CreatedAt time.Time  `json:"created_at"`
	ActiveAt  *time.Time `json:"active_at,omitempty" description:"when it first went into service"`
}

// Step is one recorded step of building a city.
type Step struct {
	Step       string     `json:"step"`
	State      string     `json:"state" enum:"running,done,failed"`
	SpecHash   string     `json:"spec_hash"`
	Attempts   int        `json:"attempts"`
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
	Detail     string     `json:"detail,omitempty"`
}

type cityKey struct {
	City string `path:"city" json:"-" pattern:"^[1-9][0-9]{5}$" example:"130100" description:"6-digit division code"`
}

func (p *Plane) cityRoutes() []Route {
	const tag = "cities"
	return []Route{
		web.Handle(guarded("GET", "/cities", platform.CityRead, tag, "城市列表", "the cities"), p.cities),
		web.Handle(guarded("GET", "/cities/:city", platform.CityRead, tag, "城市详情", "one city"), p.city),
		web.Handle(guarded("GET", "/cities/:city/steps", platform.CityRead, tag, "城市开通步骤记录", "the recorded steps of building a city"), p.steps),
	}
}

func (p *Plane) cities(ctx context.Context, _ *web.Caller, _ none) ([]City, error) {
	list, err := p.Cities.Cities(ctx)
	out := make([]City, len(list))
	for i, c := range list {
		out[i] = viewCity(c)
	}
	return out, err
}

func (p *Plane) city(ctx context.Context, _ *web.Caller, in cityKey) (City, error) {
	c, err := p.Cities.City(ctx, in.City)
	return viewCity(c), err
}

func viewCity(c platform.City) City {
	return City{c.Code, c.Name, c.Model, string(c.State), c.Engine, c.Level, c.CreatedAt, optional(c.ActiveAt)}
}

func (p *Plane) steps(ctx context.Context, _ *web.Caller, in cityKey) ([]Step, error) {
	if _, err := p.Cities.City(ctx, in.City); err != nil {
		return nil, err
	}
	list, err := p.Steps.Steps(ctx, in.City)
	out := make([]Step, len(list))
	for i, s := range list {
		out[i] = Step{s.Step, s.State, s.SpecHash, s.Attempts, s.StartedAt, optional(s.FinishedAt), s.Detail}
	}
	return out, err
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
