package provisioning

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/tenant"
	"wangge/tenant/catalog"
	"wangge/tenant/division"
)

// zone is the only zone of the country; day boundaries are its.
var zone = time.FixedZone("Asia/Shanghai", 8*60*60)

// Database makes and opens the database of a city on one engine.
type Database interface {
	Engine() gormx.Engine
	// On returns the same on another server of the placement catalogue, "" being
	// the platform's own.
	On(ctx context.Context, server string) (Database, error)
	// Prepare makes what the city's database needs: a file, or a schema with its
	// own login role. Running it again changes nothing.
	Prepare(ctx context.Context, id tenant.ID) error
	// Open opens it as the city itself; Exists says whether there is one, and
	// fails where none could be made.
	Open(ctx context.Context, id tenant.ID) (*gormx.DB, error)
	Exists(ctx context.Context, id tenant.ID) (bool, error)
	// Drop removes all that Prepare made, with everything in it, for ever; what
	// is not there is no error.
	Drop(ctx context.Context, id tenant.ID) error
}

// Ledger records what was done for which city.
type Ledger interface {
	// Placed says on which server a city lives; false for one that is not known.
	Placed(ctx context.Context, code string) (server string, known bool, err error)
	Reserve(ctx context.Context, s Reservation) error // the city becomes known, state building
	Activate(ctx context.Context, code, specHash string, at time.Time) error
	Subscribe(ctx context.Context, code, tariff string, at time.Time) error
	Unsubscribe(ctx context.Context, code string) error
	// Forget removes a city that was never in service; errs.Conflict for another.
	Forget(ctx context.Context, code string) error
	// Unused refuses, with errs.Conflict, a city that was in service.
	Unused(ctx context.Context, code string) error
	Reached(ctx context.Context, code string, level int64) error // the city's tables are at this level
	Begin(ctx context.Context, city string, position int, step, specHash string, at time.Time) error
	End(ctx context.Context, city, step string, at time.Time, detail string, failed bool) error
	Steps(ctx context.Context, city string) ([]StepRecord, error)
	// Lock keeps other applies of the city away until unlock; errs.Conflict when
	// one runs. held ends with its cause when the lock is lost before that.
	Lock(ctx context.Context, city string) (held context.Context, unlock func(), err error)
}

// Reservation is a city as the registry first knows it.
type Reservation struct {
	Code, Name, Model string
	Engine            gormx.Engine
	Server            string // of the placement catalogue, "" for the platform's own
	At                time.Time
}

// StepRecord is one line of the ledger.
type StepRecord struct {
	Step       string    `json:"step"`
	State      string    `json:"state"` // running, done, failed
	SpecHash   string    `json:"spec_hash"`
	Attempts   int       `json:"attempts"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
	Detail     string    `json:"detail"`
}

// Seeder writes what a new city starts with and opens it; tenantdb does.
type Seeder interface {
	Migrate(ctx context.Context, db *gormx.DB) (level int64, err error)
	Seed(ctx context.Context, db *gormx.DB, s tenant.Settings, d []division.Division, k []catalog.Kind, c []catalog.Condition) error
	Open(ctx context.Context, id tenant.ID, db *gormx.DB) (*tenant.City, error)
	// Together opens the city inside one transaction: all fn does happens or none.
	Together(ctx context.Context, id tenant.ID, db *gormx.DB, fn func(*tenant.City) error) error
	// Trial opens the city inside a transaction that is rolled back after fn.
	Trial(ctx context.Context, id tenant.ID, db *gormx.DB, fn func(*tenant.City) error) error
}

// Secrets makes and destroys the key under which a city seals personal data.
type Secrets interface {
	Ensure(ctx context.Context, scope string) error
	Destroy(ctx context.Context, scope string) error
}

// Provisioner builds cities.
type Provisioner struct {
	Atlas    *division.Atlas
	Database Database
	Ledger   Ledger
	Seeder   Seeder
	Secrets  Secrets
	Now      func() time.Time
}

// Progress hears of each step: begun (took is negative), then done or failed.
type Progress func(step Step, position, of int, took time.Duration, detail string, err error)

// Step names one step of the ledger.
type Step struct{ Code, Zh, En string }

// Invitation is a one-time link's token for an account without a password.
type Invitation struct {
	Login         string `json:"login"`
	Name          string `json:"name"`
	Token         string `json:"token"`
	Administrator bool   `json:"administrator"`
}

// Result is what apply puts into the operator's hands.
type Result struct {
	City        string       `json:"city"`
	Invitations []Invitation `json:"invitations"`
}

// Apply is ApplyTo for a caller that keeps the result itself.
func (p *Provisioner) Apply(ctx context.Context, s *Spec, progress Progress) (got Result, err error) {
	err = p.ApplyTo(ctx, s, progress, func(r Result) error {
		got = r
		return nil
	})
	return got, err
}

// ApplyTo makes reality match the spec. It may be interrupted at any point and
// run again: every step compares first and writes only what differs.
//
// handOver is given the links of the accounts that have neither a password nor
// a link that is still good. Links that it did not take, because of an error or
// because the process was killed, are made anew by the next apply.
func (p *Provisioner) ApplyTo(ctx context.Context, s *Spec, progress Progress, handOver func(Result) error) error {
	return p.apply(ctx, s, nil, progress, handOver)
}

// ApplyPlan is ApplyTo for what a plan says and nothing else: one that is no
// longer what apply would do is refused with ErrStale, and nothing is written.
func (p *Provisioner) ApplyPlan(ctx context.Context, s *Spec, approved Plan, progress Progress, handOver func(Result) error) error {
	return p.apply(ctx, s, &approved, progress, handOver)
}

func (p *Provisioner) apply(ctx context.Context, s *Spec, approved *Plan, progress Progress, handOver func(Result) error) error {
	database, err := p.placed(ctx, s)
	if err != nil {
		return err
	}
	if _, err := database.Exists(ctx, s.id); err != nil { // nothing is written where no city can be made
		return err
	}
	held, unlock, err := p.Ledger.Lock(ctx, s.Code)
	if err != nil {
		return err
	}
	defer unlock()
	if approved != nil {
		now, err := p.Plan(held, s)
		if err == nil {
			err = approved.Current(now)
		}
		if err != nil {
			return err
		}
	}
	r := &run{Provisioner: p, place: database, spec: s, handOver: handOver}
	err = r.steps(held, progress)
	if lost := context.Cause(held); err != nil && lost != nil {
		err = errors.Join(lost, err)
	}
	if r.db != nil {
		err = errors.Join(err, r.db.Close())
	}
	return err
}

// run is one apply under way.
type run struct {
	*Provisioner
	place    Database // on the server where the city lives
	spec     *Spec
	handOver func(Result) error
	handed   bool // what an earlier apply invited reached the operator

	db   *gormx.DB
	city *tenant.City
}

// steps does all steps in order and records each.
func (r *run) steps(ctx context.Context, progress Progress) error {
	records, err := r.Ledger.Steps(ctx, r.spec.Code)
	if err != nil {
		return err
	}
	r.handed = done(records, stepPeople)
	if _, err := r.reserve(ctx); err != nil { // the ledger wants to know the city
		return err
	}
	for i, st := range steps {
		progress(st.Step, i+1, len(steps), -1, "", nil)
		began := r.Now()
		if err := r.Ledger.Begin(ctx, r.spec.Code, i+1, st.Code, r.spec.hash, began); err != nil {
			return err
		}
		detail, err := st.do(r, ctx)
		note := detail
		if err != nil {
			note = errs.KindOf(err).String() // the cause may name people; it goes to the caller only
		}
		err = errors.Join(err, r.Ledger.End(context.WithoutCancel(ctx), r.spec.Code, st.Code, r.Now(), note, err != nil))
		progress(st.Step, i+1, len(steps), r.Now().Sub(began), detail, err)
		if err != nil {
			return fmt.Errorf("step %s: %w", st.Code, err)
		}
	}
	return nil
}
