package citytest

import (
	"fmt"
	"slices"
	"testing"

	"wangge/tenant"
	"wangge/tenant/casework"
	"wangge/tenant/division"
	"wangge/tenant/org"
)

// Bureau stands above all who handle in a house of the model that merges
// management and enforcement.
const Bureau = "CGJ"

// The units of the n-th district, 1 or 2, of a house whose model has them; each
// has one holder of its post, whom DistrictActor returns.
func DistrictSupervision(n int) string { return fmt.Sprintf("QJD%d", n) } // 区监督中心
func DistrictCommand(n int) string     { return fmt.Sprintf("QZH%d", n) } // 区指挥中心
func DistrictOffice(n int) string      { return fmt.Sprintf("QCG%d", n) } // 区城市管理局
func StreetOffice(n int) string        { return fmt.Sprintf("JDB%d", n) } // 街道办事处

// Model builds the units and people of a model beside those of every house,
// and sets the city to it: its districts are the two whose grids are drawn.
func Model(m org.Model) Option { return func(p *plan) { p.model = m } }

// Working changes how the house has set up its work.
func Working(change func(*casework.Workflow)) Option {
	return func(p *plan) { p.working = append(p.working, change) }
}

// settings are the house's, of its model when it was asked for one.
func (p plan) settings(name string) tenant.Settings {
	s := Settings(name)
	if p.model != "" {
		s.Model, s.Workflow.Commands = string(p.model), p.model.Commands()
	}
	for _, change := range p.working {
		change(&s.Workflow)
	}
	return s
}

// districts are the first and the last county and street that have communities.
func districts(divisions []division.Division) (streets [2]string) {
	var all []string
	for _, d := range divisions {
		if d.Level == division.Community {
			all = append(all, d.Code[:9])
		}
	}
	slices.Sort(all)
	return [2]string{all[0], all[len(all)-1]}
}

// spread adds what the model of the house asks for beside the units of every
// house.
func (h *House) spread(t testing.TB, p plan, divisions []division.Division) {
	t.Helper()
	if p.model == org.Merged {
		h.saveUnits(t, org.Department{Code: Bureau, Name: "城市管理局", Kind: org.Functional},
			org.Department{Code: Works, Name: "市政工程处", Kind: org.Functional, Parent: Bureau},
			org.Department{Code: Greening, Name: "园林绿化处", Kind: org.Contractor, Parent: Bureau})
		return
	}
	streets := districts(divisions)
	for i, street := range streets {
		n, county := i+1, street[:6]
		if i > 0 && county == streets[0][:6] {
			return // a city of one district
		}
		if p.model == org.TwoLevels {
			h.staff(t, n, org.Supervisor, org.Department{Code: DistrictSupervision(n), Name: "区监督中心", Kind: org.SupervisionCentre, Parent: SupervisionCentre, Area: county})
		}
		if p.model.Commands() == 2 {
			h.staff(t, n, org.Dispatcher, org.Department{Code: DistrictCommand(n), Name: "区指挥中心", Kind: org.CommandCentre, Parent: CommandCentre, Area: county})
		}
		if p.model != "" {
			h.staff(t, n, org.DepartmentHandler, org.Department{Code: DistrictOffice(n), Name: "区城市管理局", Kind: org.Functional, Area: county})
		}
		if p.model == org.FourLevels {
			h.staff(t, n, "", org.Department{Code: StreetOffice(n), Name: "街道办事处", Kind: org.Functional, Parent: DistrictOffice(n), Area: street})
		}
	}
}

func (h *House) saveUnits(t testing.TB, list ...org.Department) {
	t.Helper()
	for _, d := range list {
		if err := h.City.Org.SaveDepartment(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
}

// staff adds a unit of the n-th district and a holder of its post.
func (h *House) staff(t testing.TB, n int, r org.Role, d org.Department) {
	t.Helper()
	h.saveUnits(t, d)
	if r == "" {
		return
	}
	zh, _ := r.Names()
	login := districtLogin(r, n)
	a, err := h.City.Accounts.CreateAccount(t.Context(), login, fmt.Sprintf("区%s%02d", zh, n))
	if err != nil {
		t.Fatal(err)
	}
	h.accounts[login] = a.ID
	h.seats[login] = d.Code
	if err := h.City.Org.SetPosts(t.Context(), a.ID, []org.Holder{{Role: r, Department: d.Code}}); err != nil {
		t.Fatal(err)
	}
}

func districtLogin(r org.Role, n int) string { return fmt.Sprintf("district_%s", Login(r, n)) }

// DistrictActor is the holder of a post in the n-th district: the supervisor of
// its supervision centre, the dispatcher of its command centre, or the handler
// of its office.
func (h *House) DistrictActor(r org.Role, n int) casework.Actor {
	login := districtLogin(r, n)
	return casework.Actor{Account: h.accounts[login], Role: string(r), Department: h.seats[login]}
}
