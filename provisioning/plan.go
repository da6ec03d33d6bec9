package provisioning

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"wangge/internal/errs"
)

// Op says what a change does.
type Op string

// The operations. Remove takes out of service what an earlier spec named and
// this one does not; Keep names what the city has beside its specs: it stays.
const (
	OpAdd    Op = "add"
	OpChange Op = "change"
	OpRemove Op = "remove"
	OpKeep   Op = "keep"
)

// Change is one difference between spec and reality.
type Change struct {
	Op     Op     `json:"op"`
	What   string `json:"what"` // city, settings, divisions, catalogue, department, policy, account, grids, step
	Name   string `json:"name"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`

	Items        []string `json:"items,omitempty"` // each grid, with its sign
	Irreversible bool     `json:"irreversible,omitempty"`
}

// lasting says whether no later spec takes a change back: divisions and kinds
// stay for the cases that name them, and a grid's code is not given again.
func (c Change) lasting() bool {
	switch c.What {
	case "divisions", "catalogue":
		return true
	case "grids":
		return slices.ContainsFunc(c.Items, func(item string) bool { return item[0] == '-' })
	}
	return false
}

func (c Change) line() string {
	return fmt.Sprint(c.Op, " ", c.What, " ", c.Name, ": ", c.Before, " → ", c.After, " ", c.Items)
}

// ErrStale refuses a plan that is not what apply would do now.
var ErrStale = errs.New(errs.Conflict, "stale_plan",
	"计划已过期：制定之后规格或城市有变。请重新执行 plan。不同之处：%s", "the plan is stale: spec or city changed since; plan again. What differs: %s")

// Current refuses, with ErrStale, a plan that differs from the one made now.
func (p Plan) Current(now Plan) error {
	var differs []string
	if p.City != now.City || p.Hash != now.Hash {
		differs = append(differs, "spec "+p.City+" "+p.Hash+" ≠ "+now.City+" "+now.Hash)
	}
	lines := func(p Plan) (out []string) {
		for _, c := range p.Changes {
			out = append(out, c.line())
		}
		return out
	}
	planned, current := lines(p), lines(now)
	for sign, pair := range map[string][2][]string{"-": {planned, current}, "+": {current, planned}} {
		for _, l := range pair[0] {
			if !slices.Contains(pair[1], l) {
				differs = append(differs, sign+" "+l)
			}
		}
	}
	if len(differs) == 0 {
		return nil
	}
	slices.Sort(differs)
	return ErrStale.With(strings.Join(differs[:min(len(differs), 5)], "; "))
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
	database, err := p.placed(ctx, s)
	if err != nil {
		return out, err
	}
	exists, err := database.Exists(ctx, s.id)
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
	db, err := database.Open(ctx, s.id)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	d := differ{spec: s, atlas: p.Atlas, list: out.Changes}
	if d.city, err = p.Seeder.Open(ctx, s.id, db); err != nil {
		return out, err
	}
	if d.was, _, err = declaredBy(ctx, d.city); err != nil {
		return out, err
	}
	if err := d.all(ctx); err != nil {
		return out, err
	}
	out.Changes = append(d.list, unfinished(records)...)
	for i, c := range out.Changes {
		out.Changes[i].Irreversible = c.lasting()
	}
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
