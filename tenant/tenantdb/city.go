// Package tenantdb keeps one city in its own database, on SQLite or PostgreSQL,
// and opens it as a tenant.City. It owns rows and queries; rules are the domain
// packages'.
package tenantdb

import (
	"context"
	"time"

	"wangge/internal/blob"
	"wangge/internal/gormx"
	"wangge/internal/identity"
	"wangge/internal/policy"
	"wangge/tenant"
	"wangge/tenant/access"
	"wangge/tenant/calendar"
	"wangge/tenant/casework"
	"wangge/tenant/catalog"
	"wangge/tenant/consent"
	"wangge/tenant/duty"
	"wangge/tenant/evaluation"
	"wangge/tenant/evidence"
	"wangge/tenant/grid"
	"wangge/tenant/org"
	"wangge/tenant/part"
	"wangge/tenant/responsibility"
)

type clock func() time.Time

// Options are what every city is opened with.
type Options struct {
	Sealer   casework.Sealer // under the city's own key
	Blobs    *blob.Store     // where files of all cities lie, each under its own prefix; nil refuses them
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
	held := newCatalogue(db, cal, o.Now)
	if err := held.Fresh(ctx); err != nil {
		return nil, err
	}
	kinds := catalog.NewService(held, cal, o.Now)
	grids := grid.NewService(gridStore{db.Write, db.Read, hot}, gridRules(&communities{read: db.Read}), o.Now)
	organisation := org.NewService(orgStore{db.Write, db.Read, hot, o.Now}, o.Zone, o.Now)
	parts, err := part.NewService(newPartStore(db), partGrids{grids}, partKinds{db.Read}, func() time.Time { return o.Now().In(o.Zone) })
	if err != nil {
		return nil, err
	}
	duties := duty.NewService(dutyStore{db.Write, db.Read, hot}, o.Zone, o.Now)
	proof := evidence.NewService(evidence.Parts{
		Store: evidenceStore{db.Write, db.Read}, Vault: o.Blobs.Vault(id.String(), o.Sealer), Cases: numbered{db.Read},
		Look: look, Limits: evidence.DefaultLimits(), Now: o.Now,
	})
	return &tenant.City{
		ID: id, Settings: settings, Calendar: cal, Holidays: calendar.NewService(cal, calendarStore{held}), Fresh: held.Fresh,
		Cases: casework.NewService(casework.Parts{
			City: id.String(), Store: caseStore{db.Engine, db.Write, db.Read, keep(db.Write), hot},
			Catalogue: held, Grids: locator{grids}, Organisation: organisation, Duty: duties, Register: parts, Evidence: shown{proof},
			Calendar: cal, Workflow: settings.Workflow, Sealer: o.Sealer, Now: o.Now,
		}),
		Divisions: divisions{db.Read}, Catalogue: kinds, Org: organisation, Grids: grids, Parts: parts,
		Duty: duties, Matrix: responsibility.NewService(matrixStore{db.Write, db.Read, hot, kinds}, o.Zone, o.Now),
		Access:     access.NewService(accessStore{db.Write, db.Read}),
		Policy:     policy.New(db),
		Accounts:   identity.New(db, o.Now, id.String(), o.Identity),
		Evaluation: evaluation.NewService(evaluationStore{db.Write, db.Read}, o.Zone),
		Evidence:   proof,
		Usage:      NewUsage(db),
		Applied:    applied{db},
		Consents:   consent.NewService(id.String(), consentStore{db}, o.Now),
	}, nil
}
