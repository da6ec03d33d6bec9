package access

import (
	"context"
	"slices"

	"wangge/internal/errs"
	"wangge/tenant/org"
)

// Store keeps the live policy of one city.
type Store interface {
	Rules(ctx context.Context) ([]Rule, error)
	// SetRules replaces the policy and bumps its version, in one transaction.
	SetRules(ctx context.Context, rules []Rule) error
}

// Service reads and changes the live policy.
type Service struct{ store Store }

// NewService returns the policy kept in store.
func NewService(store Store) *Service { return &Service{store} }

// Rules returns the live policy, by role and permission.
func (s *Service) Rules(ctx context.Context) ([]Rule, error) { return s.store.Rules(ctx) }

// SetRules replaces the policy. Unknown names and rules that break the
// separation of supervision and execution are refused.
func (s *Service) SetRules(ctx context.Context, rules []Rule) error {
	var faults []errs.Problem
	for i, r := range rules {
		switch {
		case !slices.Contains(org.Roles(), r.Role):
			faults = append(faults, errs.Problem{Row: i + 1, Field: "role", Zh: "没有这个岗位：" + string(r.Role), En: "no such post: " + string(r.Role)})
		case !slices.Contains(Permissions(), r.Permission):
			faults = append(faults, errs.Problem{Row: i + 1, Field: "permission", Zh: "没有这个权限：" + string(r.Permission), En: "no such permission: " + string(r.Permission)})
		case len(Breaches([]Rule{r})) > 0:
			zh, en := r.Role.Names()
			faults = append(faults, errs.Problem{
				Row: i + 1, Field: "permission",
				Zh: "监管分离：岗位“" + zh + "”不得有权限 " + string(r.Permission),
				En: "separation of duties: the post " + en + " must not have " + string(r.Permission),
			})
		}
	}
	if err := errs.Problems(faults...); err != nil {
		return err
	}
	return s.store.SetRules(ctx, rules)
}
