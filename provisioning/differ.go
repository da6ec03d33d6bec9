package provisioning

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"wangge/internal/identity"
	"wangge/tenant"
	"wangge/tenant/division"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

// differ compares the spec with an open city. What it lists is what a plan
// shows, and what it returns is all that apply writes.
type differ struct {
	spec  *Spec
	atlas *division.Atlas
	city  *tenant.City
	list  []Change
}

func (d *differ) add(op Op, what, name, before, after string) {
	d.list = append(d.list, Change{op, what, name, before, after})
}

// all compares everything, in the order of the steps.
func (d *differ) all(ctx context.Context) error {
	for _, part := range []func(context.Context) error{
		d.settings, d.divisions, d.catalogue,
		func(ctx context.Context) error { _, err := d.departments(ctx); return err },
		func(ctx context.Context) error { _, err := d.policies(ctx); return err },
		d.grids,
		func(ctx context.Context) error { _, err := d.people(ctx); return err },
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *differ) settings(context.Context) error {
	describe := func(s tenant.Settings) string { return fmt.Sprint(s.Name, " ", s.Model, " ", s.Shifts) }
	if before, after := describe(d.city.Settings), describe(settingsOf(d.spec)); before != after {
		d.add(OpChange, "settings", d.spec.Name, before, after)
	}
	return nil
}

// divisions compares the counties: what is below one comes with it.
func (d *differ) divisions(ctx context.Context) error {
	have, err := d.city.Divisions.Under(ctx, "")
	if err != nil {
		return err
	}
	for _, county := range countiesOf(d.atlas, d.spec) {
		if !slices.ContainsFunc(have, func(h division.Division) bool { return h.Code == county.Code }) {
			d.add(OpAdd, "divisions", county.Code, "", county.Name)
		}
	}
	return nil
}

// catalogue counts what a later release of the starting catalogue adds.
func (d *differ) catalogue(ctx context.Context) error {
	missing, err := d.city.Catalogue.Missing(ctx)
	if err != nil {
		return err
	}
	if missing > 0 {
		d.add(OpAdd, "catalogue", d.spec.Catalogue, "", fmt.Sprintf("+%d", missing))
	}
	return nil
}

// departments returns those to save.
func (d *differ) departments(ctx context.Context) (save []Department, err error) {
	list, err := d.city.Org.Departments(ctx)
	if err != nil {
		return nil, err
	}
	have := map[string]org.Department{}
	for _, old := range list {
		have[old.Code] = old
	}
	for _, unit := range d.spec.Departments {
		old, known := have[unit.Code]
		delete(have, unit.Code)
		switch {
		case !known:
			d.add(OpAdd, "department", unit.Code, "", describe(unit))
		case declared(old) != unit:
			d.add(OpChange, "department", unit.Code, describe(declared(old)), describe(unit))
		default:
			continue
		}
		save = append(save, unit)
	}
	for _, old := range list {
		if _, left := have[old.Code]; left {
			d.add(OpKeep, "department", old.Code, describe(declared(old)), "")
		}
	}
	return save, nil
}

// policies says whether the city still needs its first policy; one that it has
// is its own to change.
func (d *differ) policies(ctx context.Context) (missing bool, err error) {
	rules, err := d.city.Access.Rules(ctx)
	if err != nil || len(rules) > 0 {
		return false, err
	}
	d.add(OpAdd, "policy", "default", "", "")
	return true, nil
}

// grids compares the unit grids with the file's.
func (d *differ) grids(ctx context.Context) error {
	have, err := d.city.Grids.Grids(ctx)
	if err != nil {
		return err
	}
	count := map[grid.ChangeKind]int{}
	for _, c := range grid.Compare(have, d.spec.grids.Grids) {
		count[c.Kind]++
	}
	if len(count) > 0 {
		d.add(OpChange, "grids", d.spec.Grids, fmt.Sprint(len(have)),
			fmt.Sprintf("+%d ~%d -%d", count[grid.Added], count[grid.Changed], count[grid.Retired]))
	}
	return nil
}

// people returns those to save.
func (d *differ) people(ctx context.Context) (save []Person, err error) {
	accounts, err := everyone(ctx, d.city)
	if err != nil {
		return nil, err
	}
	have := map[string]identity.Account{}
	for _, a := range accounts {
		have[a.Login] = a
	}
	holders, err := d.city.Org.Holders(ctx)
	if err != nil {
		return nil, err
	}
	held := map[int64][]org.Holder{}
	for _, h := range holders {
		held[h.Account] = append(held[h.Account], h)
	}
	for _, p := range d.spec.people() {
		account, known := have[strings.ToLower(p.Login)]
		before := Person{Name: account.Name}.describe(held[account.ID])
		switch after := p.describe(p.holders(0)); {
		case !known:
			d.add(OpAdd, "account", p.Login, "", after)
		case before != after:
			d.add(OpChange, "account", p.Login, before, after)
		default:
			continue
		}
		save = append(save, p)
	}
	return save, nil
}

// everyone lists all accounts of a city.
func everyone(ctx context.Context, city *tenant.City) (all []identity.Account, err error) {
	for after := int64(0); ; {
		page, next, err := city.Accounts.Accounts(ctx, after, 200)
		if err != nil {
			return nil, err
		}
		if all = append(all, page...); next == 0 {
			return all, nil
		}
		after = next
	}
}

func describe(d Department) string {
	text := d.Name + " (" + string(d.Kind) + ")"
	if d.Parent != "" {
		text += " < " + d.Parent
	}
	if d.Area != "" {
		text += " @ " + d.Area
	}
	return text
}

// describe prints a person with these posts, whatever order they come in.
func (p Person) describe(posts []org.Holder) string {
	list := make([]string, len(posts))
	for i, h := range posts {
		list[i] = string(h.Role) + "@" + h.Department
	}
	slices.Sort(list)
	return strings.Join(append([]string{p.Name}, list...), " ")
}
