package provisioning

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
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
	was   *declaration // what the city was last built from; nil when that is not known
	list  []Change
}

func (d *differ) add(op Op, what, name, before, after string) {
	d.list = append(d.list, Change{Op: op, What: what, Name: name, Before: before, After: after})
}

// all compares everything, in the order of the steps.
func (d *differ) all(ctx context.Context) error {
	for _, part := range []func(context.Context) error{
		d.settings, d.divisions, d.catalogue,
		func(ctx context.Context) error { _, _, err := d.calendar(ctx); return err },
		func(ctx context.Context) error { _, _, err := d.departments(ctx); return err },
		func(ctx context.Context) error { _, err := d.policies(ctx); return err },
		d.grids,
		func(ctx context.Context) error { _, _, err := d.people(ctx); return err },
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// settings compares each by itself; those of the workflow by their path.
func (d *differ) settings(context.Context) error {
	before, err := flat(d.city.Settings)
	if err != nil {
		return err
	}
	after, err := flat(settingsOf(d.spec))
	if err != nil {
		return err
	}
	names := maps.Clone(before)
	maps.Copy(names, after)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if before[name] != after[name] {
			d.add(OpChange, "settings", name, before[name], after[name])
		}
	}
	return nil
}

// flat lists settings by path, such as workflow.shares.return.
func flat(s tenant.Settings) (map[string]string, error) {
	text, err := json.Marshal(s.Workflow)
	if err != nil {
		return nil, err
	}
	var workflow map[string]any
	decode := json.NewDecoder(bytes.NewReader(text))
	decode.UseNumber()
	if err := decode.Decode(&workflow); err != nil {
		return nil, err
	}
	out := map[string]string{"name": s.Name, "model": s.Model, "shifts": strings.Join(s.Shifts, " ")}
	spread(out, "workflow", workflow)
	return out, nil
}

func spread(out map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			spread(out, path+"."+key, inner)
		}
	case []any:
		for i, inner := range v {
			spread(out, fmt.Sprintf("%s[%d]", path, i), inner)
		}
	default:
		out[path] = fmt.Sprint(v)
	}
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

// departments returns those to save and, parents last, the codes of those to
// retire: the spec that was applied before named them and this one does not.
func (d *differ) departments(ctx context.Context) (save []Department, retire []string, err error) {
	list, err := d.city.Org.Departments(ctx)
	if err != nil {
		return nil, nil, err
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
		case d.returns(old):
			d.add(OpChange, "department", unit.Code, describe(declared(old))+" retired", describe(unit))
		case declared(old) != unit:
			d.add(OpChange, "department", unit.Code, describe(declared(old)), describe(unit))
		default:
			continue
		}
		save = append(save, unit)
	}
	for _, old := range list {
		_, left := have[old.Code]
		switch {
		case !left || old.Retired != "":
		case d.was.department(old.Code):
			d.add(OpRemove, "department", old.Code, describe(declared(old)), "retired")
		default:
			d.add(OpKeep, "department", old.Code, describe(declared(old)), "")
		}
	}
	if d.was != nil {
		for _, u := range slices.Backward(d.was.Spec.Departments) { // a spec lists parents first
			if old, left := have[u.Code]; left && old.Retired == "" {
				retire = append(retire, u.Code)
			}
		}
	}
	return save, retire, nil
}

// returns says whether a unit was retired because a spec did not name it: one
// that was retired by hand stays so.
func (d *differ) returns(old org.Department) bool {
	return old.Retired != "" && d.was != nil && !d.was.department(old.Code)
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

var gridSigns = map[grid.ChangeKind]string{grid.Added: "+", grid.Changed: "~", grid.Retired: "-"}

// grids compares the unit grids with the file's.
func (d *differ) grids(ctx context.Context) error {
	have, err := d.city.Grids.Grids(ctx)
	if err != nil {
		return err
	}
	count, items := map[grid.ChangeKind]int{}, []string{}
	for _, c := range grid.Compare(have, d.spec.grids.Grids) {
		count[c.Kind]++
		items = append(items, gridSigns[c.Kind]+c.Code.String())
	}
	if len(count) > 0 {
		d.list = append(d.list, Change{
			Op: OpChange, What: "grids", Name: d.spec.Grids, Before: fmt.Sprint(len(have)),
			After: fmt.Sprintf("+%d ~%d -%d", count[grid.Added], count[grid.Changed], count[grid.Retired]), Items: items,
		})
	}
	return nil
}

// roll lists the accounts and the posts they hold.
func (d *differ) roll(ctx context.Context) (accounts []identity.Account, held posts, err error) {
	if accounts, err = everyone(ctx, d.city); err != nil {
		return nil, nil, err
	}
	holders, err := d.city.Org.Holders(ctx)
	held = posts{}
	for _, h := range holders {
		held[h.Account] = append(held[h.Account], h)
	}
	return accounts, held, err
}

// people returns those to save, and the accounts whose posts are taken: the
// spec that was applied before named them and this one does not.
func (d *differ) people(ctx context.Context) (save []Person, leave []int64, err error) {
	accounts, held, err := d.roll(ctx)
	if err != nil {
		return nil, nil, err
	}
	have := map[string]identity.Account{}
	for _, a := range accounts {
		have[a.Login] = a
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
	for _, a := range accounts {
		if d.was != nil && d.was.Spec.names(a.Login) && !d.spec.names(a.Login) && len(held[a.ID]) > 0 {
			d.add(OpRemove, "account", a.Login, Person{Name: a.Name}.describe(held[a.ID]), "no post")
			leave = append(leave, a.ID)
		}
	}
	return save, leave, nil
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
