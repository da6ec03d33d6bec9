package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"wangge/billing"
	"wangge/internal/schedule"
	"wangge/platform"
	"wangge/platform/exchange"
	"wangge/platform/ranking"
	"wangge/tenant"
	"wangge/tenant/evaluation"
	"wangge/tenant/evidence"
)

// Jobs is what runs by the clock; with N processes each instant runs once.
func (a *App) Jobs() []schedule.Job {
	limit := 30 * time.Minute
	return []schedule.Job{
		{Name: "watch", Spec: "* * * * *", Limit: limit, Run: func(ctx context.Context, _ time.Time) error { return a.watchDue(ctx) }},
		{Name: "transfers", Spec: "*/2 * * * *", Limit: limit, Run: func(ctx context.Context, _ time.Time) error { return a.relayDue(ctx) }},
		{Name: "posts", Spec: "0 0 * * *", CatchUp: true, Limit: limit, Run: func(ctx context.Context, _ time.Time) error { return a.RefreshPosts(ctx) }},
		{Name: "figures", Spec: "*/5 * * * *", Limit: limit, Run: func(ctx context.Context, _ time.Time) error { return a.whenUsed("figures", a.UpdateCity)(ctx) }},
		{Name: "harvest", Spec: "20 * * * *", CatchUp: true, Limit: limit, Run: func(ctx context.Context, _ time.Time) error { return a.whenUsed("harvest", a.harvestCity)(ctx) }},
		{Name: "invoices", Spec: "0 3 1 * *", CatchUp: true, Limit: limit, Run: func(ctx context.Context, due time.Time) error {
			_, err := a.IssueInvoices(ctx, MonthBefore(due))
			return err
		}},
		{Name: "ranking", Spec: "0 6 10 * *", CatchUp: true, Limit: limit, Run: func(ctx context.Context, due time.Time) error {
			return a.FreezeRanking(ctx, MonthBefore(due))
		}},
		{Name: "sessions", Spec: "40 4 * * *", Limit: limit, Run: func(ctx context.Context, _ time.Time) error { return a.PurgeSessions(ctx) }},
		{Name: "tidy", Spec: "30 3 * * *", Limit: limit, Run: func(ctx context.Context, _ time.Time) error { return a.TidyCases(ctx) }},
		{Name: "evidence", Spec: "10 4 * * *", Limit: limit, Run: func(ctx context.Context, _ time.Time) error { return a.SweepEvidence(ctx) }},
	}
}

// RefreshPosts lets posts and deputies take effect that begin or end with the
// day. Who asks for anything of a city does so too; a city that nobody asks is
// kept from waking up to a day long past.
func (a *App) RefreshPosts(ctx context.Context) error {
	return a.UseEach(ctx, func(ctx context.Context, city *tenant.City) error { return city.Org.Current(ctx) })
}

// MonthBefore is the month before an instant's, as 2026-10.
func MonthBefore(t time.Time) string {
	t = t.In(Zone)
	return time.Date(t.Year(), t.Month()-1, 1, 0, 0, 0, 0, Zone).Format("2006-01")
}

// UpdateFigures lets each city read its journal and publish what changed.
func (a *App) UpdateFigures(ctx context.Context) error {
	return a.UseEach(ctx, a.UpdateCity)
}

// UpdateCity is UpdateFigures for one open city.
func (a *App) UpdateCity(ctx context.Context, city *tenant.City) error {
	if _, err := city.Evaluation.Update(ctx); err != nil {
		return err
	}
	if city.ID.Sandbox() {
		return nil // practice counts nowhere
	}
	_, err := exchange.Collect(ctx, a.Figures, city.ID.String(), published{city.Evaluation}, a.Config.Now)
	return err
}

// RebuildFigures makes a city's figures anew from its journal and publishes
// what changed.
func (a *App) RebuildFigures(ctx context.Context, code string) error {
	id, err := tenant.ParseID(code)
	if err != nil {
		return err
	}
	return a.Cities.Use(ctx, id, func(city *tenant.City) error {
		if err := city.Evaluation.Rebuild(ctx); err != nil {
			return err
		}
		return a.UpdateCity(ctx, city)
	})
}

// published is a city's evaluation as the province may see it.
type published struct{ figures *evaluation.Service }

func (p published) DaysSince(ctx context.Context, revision int64, limit int) ([]exchange.Day, error) {
	days, err := p.figures.DaysSince(ctx, revision, limit)
	out := make([]exchange.Day, len(days))
	for i, d := range days {
		out[i] = exchange.Day{Day: d.Day, Counts: d.Counts, Revision: d.Revision}
	}
	return out, err
}

// TidyCases keeps each city's search for words fast.
func (a *App) TidyCases(ctx context.Context) error {
	return a.UseEach(ctx, func(ctx context.Context, city *tenant.City) error { return city.Cases.Tidy(ctx) })
}

// SweepEvidence removes the files that no city's evidence holds, which a killed
// process may have left.
func (a *App) SweepEvidence(ctx context.Context) error {
	return a.UseEach(ctx, func(ctx context.Context, city *tenant.City) error {
		removed, err := city.Evidence.Sweep(ctx, evidence.Settled)
		if removed > 0 {
			slog.InfoContext(ctx, "files without evidence were removed", "city", city.ID.String(), "files", removed)
		}
		return err
	})
}

// Harvest takes the usage of each city, every entry once.
func (a *App) Harvest(ctx context.Context) error {
	return a.UseEach(ctx, a.harvestCity)
}

func (a *App) harvestCity(ctx context.Context, city *tenant.City) error {
	_, err := billing.Harvest(ctx, a.Billing, city.ID.String(), city.Usage, a.Config.Now())
	return err
}

// IssueInvoices harvests a last time and bills a month that is over. A city
// that could not be harvested is billed too: what it used goes on its next
// invoice. The error then says which that was.
func (a *App) IssueInvoices(ctx context.Context, month string) ([]billing.Invoice, error) {
	harvest := a.Harvest(ctx)
	list, err := a.Registry.Cities(ctx)
	if err != nil {
		return nil, err
	}
	subscribed, err := a.Ledger.Subscriptions(ctx)
	if err != nil {
		return nil, err
	}
	var cities []billing.City
	for _, c := range list {
		if id, err := tenant.ParseID(c.Code); err == nil && !c.ActiveAt.IsZero() && !id.Sandbox() {
			cities = append(cities, billing.City{Code: c.Code, Name: c.Name, ActiveAt: c.ActiveAt, Tariff: subscribed[c.Code]})
		}
	}
	issued, err := billing.Issue(ctx, a.Billing, month, cities, *a.Config.Tariff, a.Config.Now())
	return issued, errors.Join(harvest, err)
}

// FreezeRanking freezes the first edition of a month; one that is frozen stays.
// A month before any city was in service has no ranking.
func (a *App) FreezeRanking(ctx context.Context, month string) error {
	list, err := a.Registry.Cities(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, func(c platform.City) bool {
		return !c.ActiveAt.IsZero() && c.ActiveAt.In(Zone).Format("2006-01") <= month
	}) {
		return nil
	}
	if err := a.UpdateFigures(ctx); err != nil {
		return err
	}
	_, err = a.Rankings.Freeze(ctx, month, "")
	if errors.Is(err, ranking.ErrNoReason) { // it was frozen before
		return nil
	}
	return err
}

// PurgeSessions forgets sessions that have ended, in both planes.
func (a *App) PurgeSessions(ctx context.Context) error {
	_, err := a.Accounts.Purge(ctx)
	return errors.Join(err, a.UseEach(ctx, func(ctx context.Context, city *tenant.City) error {
		_, err := city.Accounts.Purge(ctx)
		return err
	}))
}

// trial is what counts as a month of trial run; a province's configuration.
var trial = exchange.Trial{MinFiled: 300}

// Attest lets a city compute its acceptance facts over a period.
func (a *App) Attest(ctx context.Context, code, from, to string) (e exchange.Evidence, err error) {
	id, err := tenant.ParseID(code)
	if err != nil {
		return exchange.Evidence{}, platform.ErrNoCity
	}
	err = a.Cities.Use(ctx, id, func(city *tenant.City) error {
		if _, err := city.Evaluation.Update(ctx); err != nil {
			return err
		}
		e, err = exchange.Attest(ctx, city, from, to, trial, a.Config.Now())
		return err
	})
	return e, err
}

// InvoicesOf lists the first invoices of a month by city.
func (a *App) InvoicesOf(ctx context.Context, month string) ([]billing.Invoice, error) {
	return a.Billing.Invoices(ctx, billing.Filter{Month: month})
}
