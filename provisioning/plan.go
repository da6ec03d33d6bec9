package provisioning

import (
	"context"
	"errors"
	"fmt"
)

// Op says what a change does.
type Op string

// The operations. Keep names what the city has and the spec does not: it stays.
const (
	OpAdd    Op = "add"
	OpChange Op = "change"
	OpKeep   Op = "keep"
)

// Change is one difference between spec and reality.
type Change struct {
	Op     Op     `json:"op"`
	What   string `json:"what"` // city, settings, divisions, catalogue, department, policy, account, grids, step
	Name   string `json:"name"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Plan is what apply would do.
type Plan struct {
	City    string   `json:"city"`
	Name    string   `json:"name"`
	Hash    string   `json:"spec_hash"`
	Changes []Change `json:"changes"`
}

// Plan says what applying the spec would change. It changes nothing.
func (p *Provisioner) Plan(ctx context.Context, s *Spec) (out Plan, err error) {
	out = Plan{City: s.Code, Name: s.Name, Hash: s.hash, Changes: []Change{}}
	exists, err := p.Database.Exists(ctx, s.id)
	if err != nil {
		return out, err
	}
	records, err := p.Ledger.Steps(ctx, s.Code)
	if err != nil {
		return out, err
	}
	if !exists || !done(records, stepBase) { // there is no city to compare with before that
		out.Changes = everything(s)
		return out, nil
	}
	db, err := p.Database.Open(ctx, s.id)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	d := differ{spec: s, atlas: p.Atlas, list: out.Changes}
	if d.city, err = p.Seeder.Open(ctx, s.id, db); err != nil {
		return out, err
	}
	if err := d.all(ctx); err != nil {
		return out, err
	}
	out.Changes = append(d.list, unfinished(records)...)
	return out, nil
}

// everything is the plan for a city that is not there.
func everything(s *Spec) []Change {
	list := []Change{{Op: OpAdd, What: "city", Name: s.Name, After: string(s.Model)}}
	for _, d := range s.Departments {
		list = append(list, Change{Op: OpAdd, What: "department", Name: d.Code, After: describe(d)})
	}
	for _, person := range s.people() {
		list = append(list, Change{Op: OpAdd, What: "account", Name: person.Login, After: person.describe(person.holders(0))})
	}
	return append(list, Change{Op: OpAdd, What: "grids", Name: s.Grids, After: fmt.Sprintf("+%d", len(s.grids.Grids))})
}

// unfinished is the step where the last apply stopped, if it did.
func unfinished(records []StepRecord) []Change {
	for _, st := range steps {
		if !done(records, st.Code) {
			return []Change{{Op: OpChange, What: "step", Name: st.Code, Before: "unfinished", After: "done"}}
		}
	}
	return nil
}

// done says whether a step was finished when it was last begun.
func done(records []StepRecord, step string) bool {
	for _, rec := range records {
		if rec.Step == step {
			return rec.State == "done"
		}
	}
	return false
}
