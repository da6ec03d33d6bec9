// Package tenantdb keeps one city in its own database, on SQLite or PostgreSQL,
// and opens it as a tenant.City. It owns rows and queries; rules are the domain
// packages'.
package tenantdb

import (
	"context"
	"time"

	"wangge/internal/gormx"
	"wangge/internal/identity"
	"wangge/internal/policy"
	"wangge/tenant"
	"wangge/tenant/access"
	"wangge/tenant/calendar"
	"wangge/tenant/casework"
	"wangge/tenant/catalog"
	"wangge/tenant/evaluation"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

type clock func() time.Time

// Options are what every city is opened with.
type Options struct {
	Sealer   casework.Sealer // under the city's own key
	Identity identity.Options
	Zone     *time.Location
	Now      func() time.Time
}

// Open builds the services of a city on its database. ErrNotBuilt when the
// city was never seeded.
func Open(ctx context.Context, id tenant.ID, db *gormx.DB, o Options) (*tenant.City, error) {
	settings, err := Settings(ctx, db.Read)
	if err != nil {
		return nil, err
	}
	cal, err := calendar.New(o.Zone, settings.Shifts)
	if err != nil {
		return nil, err
	}
	hot := keep(db.Read)
	held := &catalogue{write: db.Write, read: db.Read, held: map[string]catalog.Condition{}}
	grids := grid.NewService(gridStore{db.Write, db.Read, hot}, &communities{read: db.Read})
	organisation := org.NewService(orgStore{db.Write, db.Read, hot, o.Now})
	return &tenant.City{
		ID: id, Settings: settings, Calendar: cal,
		Cases: casework.NewService(casework.Parts{
			Store: caseStore{db.Write, db.Read, keep(db.Write), hot}, Catalogue: held, Grids: locator{grids}, Departments: organisation,
			Calendar: cal, Limits: casework.Limits{File: settings.FileLimit, Close: settings.CloseLimit},
			Sealer: o.Sealer, Now: o.Now,
		}),
		Divisions: divisions{db.Read}, Catalogue: catalog.NewService(held), Org: organisation, Grids: grids,
		Access:     access.NewService(accessStore{db.Write, db.Read}),
		Policy:     policy.New(db),
		Accounts:   identity.New(db, o.Now, id.String(), o.Identity),
		Evaluation: evaluation.NewService(evaluationStore{db.Write, db.Read}, o.Zone),
		Usage:      NewUsage(db),
	}, nil
}
