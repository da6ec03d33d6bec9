package tenanthttp

import (
	"context"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/internal/web/webtest"
	"wangge/tenant"
	"wangge/tenant/citytest"
	"wangge/tenant/limit"
	"wangge/tenant/org"
)

type body = map[string]any

// open is the cities of a test.
type open map[tenant.ID]*tenant.City

func (o open) Take(_ context.Context, id tenant.ID) (*tenant.City, func(), error) {
	if city, ok := o[id]; ok {
		return city, func() {}, nil
	}
	return nil, nil, errs.New(errs.NotFound, "no_such_city", "没有这个城市", "no such city")
}

// town is a house whose plane is served.
type town struct {
	*citytest.House
	t  *testing.T
	e  *gin.Engine
	at string // where its plane lives
}

// serve opens the doors of houses.
func serve(t *testing.T, houses ...*citytest.House) []town {
	cities, towns := open{}, []town{}
	for _, h := range houses {
		cities[h.City.ID] = h.City
	}
	e := webtest.Serve(false, (&Plane{Cities: cities, Limits: limit.NewRegister(limit.Unlimited(), time.Now)}).Mount)
	for _, h := range houses {
		towns = append(towns, town{h, t, e, "/api/cities/" + h.City.ID.String()})
	}
	return towns
}

// each serves a house on each engine.
func each(t *testing.T, test func(t *testing.T, h town)) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) { test(t, serve(t, h)[0]) })
}

// pair serves two cities.
func pair(t *testing.T, test func(t *testing.T, one, other town)) {
	for engine, db := range map[string]func(testing.TB) *gormx.DB{"sqlite": testdb.SQLite, "postgres": testdb.Postgres} {
		t.Run(engine, func(t *testing.T) {
			towns := serve(t, citytest.Build(t, db(t), citytest.Lattice(4, 4)), citytest.Build(t, db(t), citytest.Code("620200"), citytest.Lattice(4, 4)))
			test(t, towns[0], towns[1])
		})
	}
}

// as is the first holder of a role, signed in.
func (h town) as(r org.Role) *webtest.Person {
	h.t.Helper()
	return webtest.New(h.t, h.e).Hold("wangge-"+h.City.ID.String(), h.SignIn(h.t, r))
}

// second is the second holder of a role, signed in over HTTP.
func (h town) second(r org.Role) *webtest.Person {
	h.t.Helper()
	token, err := h.City.Accounts.Invite(h.t.Context(), h.Second(r).Account, time.Hour)
	if err != nil {
		h.t.Fatal(err)
	}
	p := webtest.New(h.t, h.e)
	p.Post(h.at+"/invitations/accept", body{"token": token, "password": citytest.Password}).Want(204)
	p.Post(h.at+"/session", body{"login": citytest.Login(r, 2), "password": citytest.Password}).Want(204)
	return p
}

// call is a report from the hotline.
func (h town) call() body {
	return body{
		"channel": "hotline", "condition": citytest.Condition, "description": "井盖破损", "address": "路口东南角",
		"lon": h.Place.Lon, "lat": h.Place.Lat, "reporter": body{"name": "来电人", "phone": "000-0000"},
	}
}

// written counts the cases and steps of the city.
func (h town) written() (cases, steps int64) {
	h.t.Helper()
	for table, n := range map[string]*int64{"cases": &cases, "steps": &steps} {
		if err := h.DB.Read.Table(table).Count(n).Error; err != nil {
			h.t.Fatal(err)
		}
	}
	return cases, steps
}

// move gives a command on a case and returns the case.
func move(p *webtest.Person, at, number, action string, in body) (c Case) {
	p.Post(at+"/cases/"+number+"/"+action, in).Want(200).Into(&c)
	return c
}
