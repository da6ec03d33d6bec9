package provisioning

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"

	"wangge/tenant"
	"wangge/tenant/access"
	"wangge/tenant/consent"
	"wangge/tenant/org"
)

// Clone writes the settings of a city as a blueprint that another's spec can
// name: model, shifts, seasons, workflow, policy and the departments of the
// whole city. People, areas and cases are not among them. It takes the consent
// that the city gave to the other one, which is used up by it;
// consent.ErrNoConsent when there is none.
func (p *Provisioner) Clone(ctx context.Context, from, to tenant.ID, token string) (blueprint []byte, err error) {
	home, err := p.home(ctx, from)
	if err != nil {
		return nil, err
	}
	exists, err := home.Exists(ctx, from)
	if err != nil {
		return nil, err
	}
	if !exists {
		return nil, consent.ErrNoConsent // says no more of other cities than of consents
	}
	db, err := home.Open(ctx, from)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = p.Seeder.Together(ctx, from, db, func(city *tenant.City) error {
		if err := city.Consents.Use(ctx, token, to.String()); err != nil {
			return err
		}
		b, err := settingsAsBlueprint(ctx, city)
		if err != nil {
			return err
		}
		var text bytes.Buffer
		fmt.Fprintf(&text, "# 由 %s 授权复制 / copied with the consent of %s\n", city.Settings.Name, from)
		if err := yaml.NewEncoder(&text, yaml.JSON()).Encode(b); err != nil {
			return err
		}
		blueprint = text.Bytes()
		return nil
	})
	return blueprint, err
}

func settingsAsBlueprint(ctx context.Context, city *tenant.City) (Blueprint, error) {
	set := city.Settings
	b := Blueprint{Version: FormatVersion, Name: set.Name, Model: Model(set.Model), Shifts: set.Shifts, Workflow: set.Workflow}
	for _, s := range city.Calendar.Data().Seasons {
		b.Seasons = append(b.Seasons, Season(s))
	}
	units, err := city.Org.Departments(ctx)
	if err != nil {
		return b, err
	}
	b.Departments = wholeCity(units)
	rules, err := city.Access.Rules(ctx)
	if err != nil {
		return b, err
	}
	granted := map[org.Role][]access.Permission{}
	for _, r := range rules {
		granted[r.Role] = append(granted[r.Role], r.Permission)
	}
	for _, role := range org.Roles() {
		if len(granted[role]) > 0 {
			b.Roles = append(b.Roles, Grant{role, granted[role]})
		}
	}
	return b, nil
}

// wholeCity are the departments in service that are for the whole city, with
// nothing above them that is not, parents first.
func wholeCity(units []org.Department) (out []Department) {
	kept := map[string]bool{"": true}
	for more := true; more; {
		more = false
		for _, u := range units {
			if !kept[u.Code] && kept[u.Parent] && u.Area == "" && u.Retired == "" && !strings.Contains(u.Code, " ") {
				kept[u.Code], more = true, true
				out = append(out, declared(u))
			}
		}
	}
	return out
}
