package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wangge/billing"
	"wangge/platform/exchange"
	"wangge/platform/platformdb"
	"wangge/provisioning/life"
	"wangge/tenant"
)

// Life runs what happens to cities after they were built.
func (a *App) Life() (*life.Life, error) {
	database, ok := a.Provision.Database.(life.Database)
	if !ok {
		return nil, fmt.Errorf("cities on %s can't be kept aside", a.Provision.Database.Engine())
	}
	return &life.Life{
		Registry: a.Registry, Database: database, Ledger: a.Ledger, Builder: a.Provision, Seeder: a.Provision.Seeder,
		Keeper: a.Keeper, Blobs: a.Blobs, Province: takes{a}, Folder: a.Config.Data, Now: a.Config.Now,
	}, nil
}

// takes is the side that takes usage and figures.
type takes struct{ *App }

func (t takes) Taken(ctx context.Context, code string) (out life.Taken, err error) {
	if out.Batch, err = t.Billing.LastBatch(ctx, code); err != nil {
		return out, err
	}
	out.Revision, out.Days, err = platformdb.Published(ctx, t.Province, code)
	return out, err
}

func (t takes) Waive(ctx context.Context, code string, batch int64, at time.Time) error {
	_, err := t.Billing.AddHarvest(ctx, code, batch, at)
	return err
}

// TakeAll also takes from a city that is suspended.
func (t takes) TakeAll(ctx context.Context, id tenant.ID) error {
	if id.Sandbox() {
		return nil
	}
	return t.Cities.Use(ctx, id, func(city *tenant.City) error {
		_, harvest := billing.Harvest(ctx, t.Billing, id.String(), city.Usage, t.Config.Now())
		_, update := city.Evaluation.Update(ctx)
		_, collect := exchange.Collect(ctx, t.Figures, id.String(), published{city.Evaluation}, t.Config.Now)
		return errors.Join(harvest, update, collect)
	})
}
