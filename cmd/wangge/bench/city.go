package bench

import (
	"context"
	"fmt"
	"math"
	"time"

	"wangge/internal/gormx"
	"wangge/provisioning"
	"wangge/provisioning/sample"
	"wangge/tenant"
	"wangge/tenant/division"
	"wangge/tenant/division/seat"
	"wangge/tenant/grid"
	"wangge/tenant/grid/lattice"
	"wangge/tenant/org"
)

const (
	supervision = "JDZX"
	command     = "ZHZX"
	sampleCity  = "130100" // the city of all benchmarks but provision
	otherCity   = "130200" // beside it, where there are two: a role is the whole server's
	crew        = 4        // accounts in each post of a city
)

// units are the departments that handle cases.
var units = []string{"SZ", "HW", "YL", "ZF"}

// staffed are the posts of a city, held by turns.
var staffed = []struct {
	role  org.Role
	login string
}{
	{org.Supervisor, "supervisor"}, {org.IntakeClerk, "clerk"}, {org.ShiftLeader, "shiftleader"}, {org.Dispatcher, "dispatcher"},
	{org.DepartmentHandler, "handler"}, {org.Evaluator, "evaluator"}, {org.Leader, "leader"},
}

// plan is a city to be: so many grids, so many accounts, and at least so many
// departments.
type plan struct {
	city                   division.Division
	grids, accounts, units int
}

// write puts the spec and the grids into dir as an operator would have them.
func (p plan) write(atlas *division.Atlas, dir string) (spec string, err error) {
	lon, lat, _ := seat.Of(p.city.Code)
	side, few := int(math.Sqrt(float64(p.grids))), min(64, p.grids/16)
	communities := sample.Communities(atlas, p.city.Code, few)
	grids, err := lattice.Draw(lattice.Plan{
		Centre: grid.Point{Lon: lon, Lat: lat}, Cols: p.grids / side, Rows: side, Angle: 7, Bends: 3,
		Communities: communities[:min(few, len(communities))], Seed: 1,
	})
	if err != nil {
		return "", err
	}
	return sample.Write(dir, p.spec(), grids)
}

func (p plan) spec() provisioning.Spec {
	s := provisioning.Spec{
		Code: p.city.Code, Name: p.city.Name, Model: provisioning.TwoLevels,
		Departments: []provisioning.Department{
			{Code: supervision, Name: "城市管理监督中心", Kind: org.SupervisionCentre},
			{Code: command, Name: "城市管理指挥中心", Kind: org.CommandCentre},
		},
		Administrators: []provisioning.Person{{Login: "admin", Name: "市级管理员01"}},
	}
	for _, u := range units {
		s.Departments = append(s.Departments, provisioning.Department{Code: u, Name: "专业部门" + u, Kind: org.Functional})
	}
	for n := len(s.Departments); n < p.units; n++ {
		s.Departments = append(s.Departments, provisioning.Department{Code: fmt.Sprintf("D%02d", n), Name: fmt.Sprintf("专业部门%02d", n), Kind: org.Functional})
	}
	for i := range p.accounts {
		post, n := staffed[i%len(staffed)], i/len(staffed)
		zh, _ := post.role.Names()
		s.Staff = append(s.Staff, provisioning.Person{
			Login: login(post.login, n), Name: fmt.Sprintf("%s%02d", zh, n+1), Department: seatOf(post.role, n), Roles: []org.Role{post.role},
		})
	}
	return s
}

// login is the login of the n-th holder of a post, counted from 0.
func login(post string, n int) string { return fmt.Sprintf("%s%02d", post, n+1) }

// seatOf is where the n-th holder of a post sits.
func seatOf(r org.Role, n int) string {
	switch r {
	case org.Dispatcher:
		return command
	case org.DepartmentHandler:
		return units[n%len(units)]
	default:
		return supervision
	}
}

// apply builds the city that a spec file declares and says how long it took
// from the file to the end of the last step.
func (w *world) apply(ctx context.Context, path string) (id tenant.ID, r provisioning.Result, took time.Duration, err error) {
	began := time.Now()
	spec, err := provisioning.ReadSpec(path, w.Atlas)
	if err != nil {
		return id, r, 0, err
	}
	r, err = w.Provision.Apply(ctx, spec, func(provisioning.Step, int, int, time.Duration, string, error) {})
	return spec.ID(), r, time.Since(began), err
}

// town is a built city of the world.
type town struct {
	id          tenant.ID
	invitations []provisioning.Invitation
	// The city's database opened once more as the city's own login, for raw work.
	raw *gormx.DB
}

// build builds a sample city.
func (w *world) build(ctx context.Context, code string, grids, accounts int) (*town, error) {
	city, ok := w.Atlas.Lookup(code)
	if !ok {
		return nil, division.ErrUnknown.With(code)
	}
	path, err := plan{city: city, grids: grids, accounts: accounts}.write(w.Atlas, w.dir)
	if err != nil {
		return nil, err
	}
	id, r, _, err := w.apply(ctx, path)
	if err != nil {
		return nil, err
	}
	raw, err := w.Provision.Database.Open(ctx, id)
	return &town{id, r.Invitations, raw}, err
}
