package provisioning

import (
	"context"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml"

	"wangge/tenant"
	"wangge/tenant/access"
)

// declaration is a spec as it was applied, with all that it inherited. It is
// kept in the city's own database, to tell apart later what the spec no longer
// names and what was changed by hand.
type declaration struct {
	Spec   Spec     `yaml:"spec"`
	Policy []string `yaml:"policy"` // the rules in force after the apply, sorted
	Grids  int64    `yaml:"grids"`  // the edition of the unit grids
}

// declare notes what the city is after an apply.
func declare(ctx context.Context, s *Spec, city *tenant.City) (text string, err error) {
	d := declaration{Spec: *s}
	rules, err := city.Access.Rules(ctx)
	if err != nil {
		return "", err
	}
	d.Policy = policyLines(rules)
	if d.Grids, err = edition(ctx, city); err != nil {
		return "", err
	}
	out, err := yaml.Marshal(d)
	return string(out), err
}

// declared reads what the city was last told to be; nil when nothing was noted.
func declaredBy(ctx context.Context, city *tenant.City) (*declaration, tenant.AppliedSpec, error) {
	applied, err := city.Applied.Applied(ctx)
	if err != nil || applied.Text == "" {
		return nil, applied, err
	}
	var d declaration
	if err := yaml.Unmarshal([]byte(applied.Text), &d); err != nil {
		return nil, applied, fmt.Errorf("the applied spec of %s: %w", city.ID, err)
	}
	return &d, applied, nil
}

func policyLines(rules []access.Rule) []string {
	lines := make([]string, len(rules))
	for i, r := range rules {
		lines[i] = string(r.Role) + " " + string(r.Permission)
	}
	slices.Sort(lines)
	return lines
}

// edition is the number of the grids in force, 0 when there are none.
func edition(ctx context.Context, city *tenant.City) (newest int64, err error) {
	list, err := city.Grids.Editions(ctx)
	for _, e := range list {
		newest = max(newest, e.Version)
	}
	return newest, err
}

// has says whether the declaration named a department or a login; one that is
// nil named nothing.
func (d *declaration) department(code string) bool {
	return d != nil && slices.ContainsFunc(d.Spec.Departments, func(u Department) bool { return u.Code == code })
}
