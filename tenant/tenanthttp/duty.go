package tenanthttp

import (
	"context"
	"time"

	"wangge/internal/errs"
	"wangge/internal/web"
	"wangge/tenant/access"
	"wangge/tenant/duty"
	"wangge/tenant/grid"
)

// Duty lets a supervisor work in a responsibility grid.
type Duty struct {
	Account        int64  `json:"account" required:"true"`
	Responsibility string `json:"responsibility" required:"true" minLength:"1" description:"code of the responsibility grid"`
	From           string `json:"from,omitempty" description:"first day, 2026-11-01; empty for no bound"`
	To             string `json:"to,omitempty" description:"last day"`
	Shift          string `json:"shift,omitempty" description:"08:00-16:00, 22:00-06:00 into the next day; empty for the whole day"`
}

type dutyChange struct {
	Duties []Duty `json:"duties" required:"true" nullable:"false"`
}

type dutyQuery struct {
	Grid string  `query:"grid" description:"15-digit unit grid code; or lon and lat"`
	Lon  float64 `query:"lon" minimum:"-180" maximum:"180"`
	Lat  float64 `query:"lat" minimum:"-90" maximum:"90"`
	At   string  `query:"at" description:"moment, RFC 3339; now when absent"`
}

// OnDuty is who is on duty for a unit grid.
type OnDuty struct {
	Grid     string    `json:"grid"`
	At       time.Time `json:"at"`
	Accounts []int64   `json:"accounts"`
}

// maxDuties is the largest body of duties: a few thousand of them.
const maxDuties = 8 << 20

func dutyRoutes() []Route {
	const tag = "duty"
	change := guarded("PUT", "/duties", access.DutyManage, tag, "设置全部排班，全部成功或全部不变", "set all duties, all or nothing")
	change.MaxBody = maxDuties
	return []Route{
		web.Handle(guarded("GET", "/duties", access.OrgRead, tag, "监督员排班", "the duties of supervisors"), listDuties),
		web.Handle(change, setDuties),
		web.Handle(guarded("GET", "/duties/on", access.OrgRead, tag, "某网格此时在岗的监督员", "the supervisors on duty for a grid"), onDuty),
	}
}

func listDuties(ctx context.Context, r *Request, _ none) ([]Duty, error) {
	list, err := r.City.Duty.Duties(ctx)
	out := make([]Duty, len(list))
	for i, d := range list {
		out[i] = Duty(d)
	}
	return out, err
}

func setDuties(ctx context.Context, r *Request, in dutyChange) (struct{}, error) {
	list := make([]duty.Duty, len(in.Duties))
	for i, d := range in.Duties {
		list[i] = duty.Duty(d)
	}
	return struct{}{}, r.City.Duty.SetDuties(ctx, list)
}

func onDuty(ctx context.Context, r *Request, in dutyQuery) (OnDuty, error) {
	unit, err := unitOf(ctx, r, in.Grid, grid.Point{Lon: in.Lon, Lat: in.Lat})
	if err != nil {
		return OnDuty{}, err
	}
	at := r.City.Duty.Now()
	if in.At != "" {
		if at, err = time.Parse(time.RFC3339, in.At); err != nil {
			return OnDuty{}, errs.Field("at", "时刻应如 2026-11-01T08:00:00+08:00", "a moment is written like 2026-11-01T08:00:00+08:00")
		}
	}
	accounts, err := r.City.Duty.OnDuty(ctx, unit, at)
	return OnDuty{unit.String(), at, append([]int64{}, accounts...)}, err
}
