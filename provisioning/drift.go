package provisioning

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"wangge/internal/errs"
	"wangge/tenant"
	"wangge/tenant/org"
)

// Drift is what was changed by hand in a city since a spec was last applied.
// Before is what was applied, After what is there now.
type Drift struct {
	City      string    `json:"city"`
	Name      string    `json:"name"`
	Hash      string    `json:"spec_hash"`
	AppliedAt time.Time `json:"applied_at"`
	Changes   []Change  `json:"changes"`
}

// ErrNeverApplied refuses to say what drifted where nothing was applied.
var ErrNeverApplied = errs.New(errs.NotFound, "never_applied",
	"城市 %s 尚无已执行完成的规格，无从比对", "no spec of city %s was applied to its end: there is nothing to compare with")

// Drift compares the city with the spec that was last applied to its end. What
// a city is meant to change by itself, such as its catalogue, is not compared.
func (p *Provisioner) Drift(ctx context.Context, id tenant.ID) (out Drift, err error) {
	out = Drift{City: id.String(), Changes: []Change{}}
	home, err := p.home(ctx, id)
	if err != nil {
		return out, err
	}
	exists, err := home.Exists(ctx, id)
	if err != nil {
		return out, err
	}
	if !exists {
		return out, ErrNeverApplied.With(id)
	}
	db, err := home.Open(ctx, id)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	city, err := p.Seeder.Open(ctx, id, db)
	if err != nil {
		return out, err
	}
	was, applied, err := declaredBy(ctx, city)
	if err != nil {
		return out, err
	}
	if was == nil {
		return out, ErrNeverApplied.With(id)
	}
	out.Name, out.Hash, out.AppliedAt = was.Spec.Name, applied.Hash, applied.At
	d := differ{spec: &was.Spec, atlas: p.Atlas, city: city}
	out.Changes, err = d.byHand(ctx, was)
	return out, err
}

// byHand turns what an apply of the same spec would bring back into what was
// done, and adds what it would leave.
func (d *differ) byHand(ctx context.Context, was *declaration) ([]Change, error) {
	if err := d.settings(ctx); err != nil {
		return nil, err
	}
	if _, _, err := d.departments(ctx); err != nil {
		return nil, err
	}
	if _, _, err := d.people(ctx); err != nil {
		return nil, err
	}
	out := []Change{}
	for _, c := range d.list {
		done := map[Op]Op{OpAdd: OpRemove, OpChange: OpChange, OpKeep: OpAdd}[c.Op]
		out = append(out, Change{Op: done, What: c.What, Name: c.Name, Before: c.After, After: c.Before})
	}
	strangers, err := d.strangers(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := d.city.Access.Rules(ctx)
	if err != nil {
		return nil, err
	}
	out = append(out, strangers...)
	now := policyLines(rules)
	for _, line := range was.Policy {
		if !slices.Contains(now, line) {
			out = append(out, Change{Op: OpRemove, What: "policy", Name: line})
		}
	}
	for _, line := range now {
		if !slices.Contains(was.Policy, line) {
			out = append(out, Change{Op: OpAdd, What: "policy", Name: line})
		}
	}
	grids, err := edition(ctx, d.city)
	if err == nil && grids != was.Grids {
		out = append(out, Change{Op: OpChange, What: "grids", Name: d.spec.Grids, Before: fmt.Sprint("edition ", was.Grids), After: fmt.Sprint("edition ", grids)})
	}
	return out, err
}

// strangers are the accounts with posts that the spec does not name.
func (d *differ) strangers(ctx context.Context) (out []Change, err error) {
	accounts, held, err := d.roll(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		if posts := held[a.ID]; len(posts) > 0 && !d.spec.names(a.Login) {
			out = append(out, Change{Op: OpAdd, What: "account", Name: a.Login, After: Person{Name: a.Name}.describe(posts)})
		}
	}
	return out, nil
}

// posts by account.
type posts = map[int64][]org.Holder
