package citytest_test

import (
	"testing"

	"wangge/internal/testdb"
	"wangge/tenant"
	"wangge/tenant/citytest"
	"wangge/tenant/org"
)

func TestAHouseIsACityReadyForWork(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		if h.City.Settings.Name != "乌海市" {
			t.Errorf("got %q, want 乌海市", h.City.Settings.Name)
		}
		code, err := h.City.Grids.Locate(t.Context(), h.Place)
		if err != nil || code != h.Grids[0].Code || len(h.Grids) != 96 {
			t.Errorf("the place lies in %v, %v, of %d grids; want %v of 96", code, err, len(h.Grids), h.Grids[0].Code)
		}
		if first, last := h.Grids[0].Code.County(), h.Grids[95].Code.County(); first == last {
			t.Errorf("all grids are in county %s, want two", first)
		}
		for _, r := range org.Roles() {
			if held, err := h.City.Org.HeldBy(t.Context(), h.Account(r)); err != nil || len(held) != 1 || held[0].Role != r {
				t.Errorf("the account of %s holds %v, %v", r, held, err)
			}
		}
		session, err := h.City.Accounts.Resolve(t.Context(), h.SignIn(t, org.ShiftLeader))
		if err != nil || session.Account.Name != "值班长01" {
			t.Errorf("signed in as %q, %v", session.Account.Name, err)
		}
		if _, err := h.City.Cases.Report(t.Context(), h.Report()); err != nil {
			t.Error(err)
		}
	})
}

func TestAnotherCityCanBeAskedFor(t *testing.T) {
	city := citytest.Open(t, testdb.SQLite(t), citytest.Code("620200"), citytest.Lattice(4, 4))
	if want, _ := tenant.ParseID("620200"); city.ID != want || city.Settings.Name != "嘉峪关市" {
		t.Errorf("got %v %q", city.ID, city.Settings.Name)
	}
}

func TestAHouseOfEachModelFitsIt(t *testing.T) {
	for _, m := range org.Models() {
		t.Run(string(m.Model), func(t *testing.T) {
			h := citytest.Build(t, testdb.SQLite(t), citytest.Lattice(4, 4), citytest.Model(m.Model))
			units, err := h.City.Org.Departments(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if faults := org.CheckModel(m.Model, units); len(faults) > 0 || h.City.Settings.Model != string(m.Model) || h.City.Settings.Workflow.Commands != m.Commands {
				t.Errorf("%+v: %v", h.City.Settings, faults)
			}
			for n := 1; n <= 2 && m.Commands == 2; n++ {
				by := h.DistrictActor(org.Dispatcher, n)
				if held, err := h.City.Org.HeldBy(t.Context(), by.Account); err != nil || len(held) != 1 || held[0].Department != citytest.DistrictCommand(n) {
					t.Errorf("the dispatcher of district %d: %+v holds %v, %v", n, by, held, err)
				}
			}
		})
	}
}
