package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wangge/billing"
	"wangge/platform"
	"wangge/platform/exchange"
	"wangge/platform/platformdb"
	"wangge/provisioning/life"
	"wangge/tenant"
	"wangge/tenant/tenantdb"
	"wangge/tenant/usage"
)

// standing is what a city of the registry does now; it is not opened when it was
// not built yet or has left.
func standing(entry platform.City) (tenant.Standing, error) {
	switch {
	case !entry.LeftAt.IsZero():
		return tenant.Standing{}, fmt.Errorf("city %s has left: %w", entry.Code, platform.ErrNoCity)
	case entry.State == platform.Active:
		return tenant.Standing{}, nil
	case entry.State == platform.Suspended:
		readOnly := entry.Access == platform.ReadOnly
		return tenant.Standing{ReadOnly: readOnly, Closed: !readOnly, Reason: entry.AccessReason}, nil
	default:
		return tenant.Standing{}, tenantdb.ErrNotBuilt
	}
}

// unbilled is the usage of a sandbox, which nobody pays for.
type unbilled struct{}

func (unbilled) Seal(context.Context, time.Time) (int64, error) { return 0, nil }

func (unbilled) BatchesAfter(context.Context, int64, int) ([]usage.Batch, error) { return nil, nil }

// Life runs what happens to cities after they were built.
func (a *App) Life() (*life.Life, error) {
	database, ok := a.Provision.Database.(life.Database)
	if !ok {
		return nil, fmt.Errorf("cities on %s can't be kept aside", a.Provision.Database.Engine())
	}
	return &life.Life{
		Registry: a.Registry, Database: database, Ledger: a.Ledger, Builder: a.Provision, Seeder: a.Provision.Seeder,
		Keeper: a.Keeper, Blobs: a.Blobs, Province: takes{a}, Folder: a.Config.Data, Now: a.Config.Now,
		CutOff: a.CutOff,
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
		return nil // practice counts nowhere
	}
	return t.Cities.Use(ctx, id, func(city *tenant.City) error {
		_, harvest := billing.Harvest(ctx, t.Billing, id.String(), city.Usage, t.Config.Now())
		_, update := city.Evaluation.Update(ctx)
		_, collect := exchange.Collect(ctx, t.Figures, id.String(), published{city.Evaluation}, t.Config.Now)
		return errors.Join(harvest, update, collect)
	})
}
