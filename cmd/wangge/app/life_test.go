package app

import (
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/platform"
	"wangge/provisioning"
	"wangge/tenant"
	"wangge/tenant/casework"
	"wangge/tenant/org"
)

// refusal is how a running server, after its next look at the registry, refuses
// a change in a city, "" when it lets in.
func (w *world) refusal(t *testing.T, known map[string]platform.City, id tenant.ID) (code string, fresh map[string]platform.City) {
	t.Helper()
	fresh, err := w.reopen(t.Context(), known)
	must(t, err)
	err = w.Cities.Use(t.Context(), id, func(city *tenant.City) error { return city.Standing.Admit(true) })
	if shown, ok := errs.As(err); ok {
		return shown.Code, fresh
	}
	must(t, err)
	return "", fresh
}

func cityID(t *testing.T, code string) tenant.ID {
	t.Helper()
	id, err := tenant.ParseID(code)
	must(t, err)
	return id
}

func TestARunningServerHoldsToASuspensionFromItsNextLook(t *testing.T) {
	w := newWorld(t, "sqlite")
	id, other := cityID(t, two[0]), cityID(t, two[1])
	l, err := w.Life()
	must(t, err)
	code, known := w.refusal(t, nil, id)
	if code != "" {
		t.Fatalf("before: %s", code)
	}
	for _, step := range []struct {
		what string
		do   func() error
		want string
	}{
		{"read-only", func() error { return l.Suspend(t.Context(), id, platform.ReadOnly, "割接") }, "city_read_only"},
		{"closed", func() error { return l.Suspend(t.Context(), id, platform.Closed, "割接") }, "city_closed"},
		{"resumed", func() error { return l.Resume(t.Context(), id) }, ""},
		{"deleted", func() error { return l.Delete(t.Context(), id, "合同到期") }, "no_such_city"},
		{"brought back", func() error { return l.Resume(t.Context(), id) }, ""},
	} {
		must(t, step.do())
		if code, known = w.refusal(t, known, id); code != step.want {
			t.Errorf("%s: refused with %q, want %q", step.what, code, step.want)
		}
		if code, _ := w.refusal(t, known, other); code != "" {
			t.Errorf("%s: the other city refuses with %s", step.what, code)
		}
	}
}

func TestWhatIsDoneInASandboxIsNeitherBilledNorPublished(t *testing.T) {
	w := newWorld(t, "sqlite")
	id, as := cityID(t, two[0]), cityID(t, "990001")
	l, err := w.Life()
	must(t, err)
	w.through(t, id)
	_, err = l.Sandbox(t.Context(), id, as, func(provisioning.Step, int, int, time.Duration, string, error) {})
	must(t, err)
	w.through(t, as)
	must(t, w.Harvest(t.Context()))
	must(t, w.UpdateFigures(t.Context()))
	for code, want := range map[string]bool{two[0]: true, as.String(): false} {
		taken, err := takes{w.App}.Taken(t.Context(), code)
		must(t, err)
		if (taken.Batch > 0) != want || (taken.Revision > 0) != want || (len(taken.Days) > 0) != want {
			t.Errorf("%s: the province took %+v, want something: %v", code, taken, want)
		}
	}
	w.Config.Now = func() time.Time { return time.Now().AddDate(0, 1, 0) }
	issued, err := w.IssueInvoices(t.Context(), MonthBefore(w.Config.Now()))
	must(t, err)
	billed := map[string]bool{}
	for _, invoice := range issued {
		billed[invoice.City] = true
	}
	if !billed[two[0]] || billed[as.String()] {
		t.Errorf("billed are %v, want %s and not the sandbox", billed, two[0])
	}
}

func TestASandboxSendsNothingToRealCities(t *testing.T) {
	w := newWorld(t, "sqlite")
	id, as := cityID(t, two[0]), cityID(t, "990001")
	l, err := w.Life()
	must(t, err)
	waiting := func(id tenant.ID) (n int) {
		must(t, w.Cities.Use(t.Context(), id, func(city *tenant.City) error {
			list, err := city.Cases.Outgoing(t.Context())
			n = len(list)
			return err
		}))
		return n
	}
	must(t, w.Cities.Use(t.Context(), id, func(city *tenant.City) error {
		grids, err := city.Grids.Grids(t.Context())
		if err != nil {
			return err
		}
		conditions, err := city.Catalogue.Conditions(t.Context())
		if err != nil {
			return err
		}
		by := casework.Actor{Account: 1, Role: string(org.ShiftLeader)}
		c, err := city.Cases.Report(t.Context(), casework.ReportInput{
			By: by, Channel: casework.ChannelSupervisor, Condition: conditions[0].Code, Description: "跨市道路", Place: grids[0].Inside(),
		})
		if err != nil {
			return err
		}
		_, err = city.Cases.Do(t.Context(), casework.ActionTransfer, casework.Command{Number: c.Number, By: by, Note: "跨市道路", City: two[1]})
		return err
	}))
	_, err = l.Sandbox(t.Context(), id, as, func(provisioning.Step, int, int, time.Duration, string, error) {})
	must(t, err)
	if waiting(id) != 1 || waiting(as) != 1 {
		t.Fatalf("%d wait in the city and %d in its sandbox, want one in each", waiting(id), waiting(as))
	}
	must(t, w.RelayTransfers(t.Context()))
	if waiting(id) != 0 || waiting(as) != 1 {
		t.Errorf("after the relay %d wait in the city and %d in its sandbox, want the city's answered and the sandbox's not sent", waiting(id), waiting(as))
	}
}

func TestBeforeACityIsDeletedTheProvinceTakesItsUsageAndFigures(t *testing.T) {
	w := newWorld(t, "sqlite")
	id := cityID(t, two[0])
	l, err := w.Life()
	must(t, err)
	w.through(t, id)
	must(t, l.Suspend(t.Context(), id, platform.Closed, "欠费")) // in whatever state it is
	must(t, l.Delete(t.Context(), id, "合同到期"))
	taken, err := takes{w.App}.Taken(t.Context(), id.String())
	must(t, err)
	if taken.Batch == 0 || taken.Revision == 0 {
		t.Errorf("the province took %+v, want usage and figures", taken)
	}
}
