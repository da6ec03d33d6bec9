package provisioning

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"wangge/tenant"
	"wangge/tenant/catalog"
	"wangge/tenant/division"
	"wangge/tenant/org"
)

// The steps that others ask the ledger about.
const (
	stepBase   = "base"
	stepPeople = "people"
)

// step is a step and what it does; the string it returns goes into the ledger.
// undo takes back all it did for a city that is abandoned; nil for what is in
// the city's database and goes with it.
type step struct {
	Step
	do   func(*run, context.Context) (string, error)
	undo func(context.Context, *Provisioner, tenant.ID) error
}

var steps = []step{
	{Step{"reserve", "登记城市", "reserve"}, (*run).reserve, undoReserve},
	{Step{"secrets", "生成密钥", "secrets"}, (*run).secrets, undoSecrets},
	{Step{"database", "建立数据库", "database"}, (*run).database, undoDatabase},
	{Step{"migrations", "建表", "migrations"}, (*run).migrate, nil},
	{Step{stepBase, "行政区划、目录、时限与日历", "divisions, catalogue, limits and calendar"}, (*run).base, nil},
	{Step{"departments", "部门", "departments"}, (*run).departments, nil},
	{Step{"policies", "岗位权限", "policies"}, (*run).policies, nil},
	{Step{"grids", "单元网格", "unit grids"}, (*run).grids, nil},
	{Step{"subscription", "计费订阅", "billing subscription"}, (*run).subscribe, undoSubscribe},
	{Step{stepPeople, "账号、岗位与邀请", "accounts, posts and invitations"}, (*run).people, nil},
	{Step{"self_check", "自检并启用", "self-check, then into service"}, (*run).selfCheck, nil},
}

func undoReserve(ctx context.Context, p *Provisioner, id tenant.ID) error {
	return p.Ledger.Forget(ctx, id.String())
}

func undoSecrets(ctx context.Context, p *Provisioner, id tenant.ID) error {
	return p.Secrets.Destroy(ctx, id.Scope())
}

func undoDatabase(ctx context.Context, p *Provisioner, id tenant.ID) error {
	home, err := p.home(ctx, id)
	if err != nil {
		return err
	}
	return home.Drop(ctx, id)
}

func undoSubscribe(ctx context.Context, p *Provisioner, id tenant.ID) error {
	return p.Ledger.Unsubscribe(ctx, id.String())
}

// Steps lists the steps in order.
func Steps() []Step {
	out := make([]Step, len(steps))
	for i, s := range steps {
		out[i] = s.Step
	}
	return out
}

func (r *run) reserve(ctx context.Context) (string, error) {
	s := r.spec
	return s.Name, r.Ledger.Reserve(ctx, Reservation{s.Code, s.Name, string(s.Model), r.place.Engine(), s.Server, r.Now()})
}

func (r *run) secrets(ctx context.Context) (string, error) {
	return "", r.Secrets.Ensure(ctx, r.spec.id.Scope())
}

func (r *run) database(ctx context.Context) (string, error) {
	if err := r.place.Prepare(ctx, r.spec.id); err != nil {
		return "", err
	}
	db, err := r.place.Open(ctx, r.spec.id)
	r.db = db
	return strings.TrimSpace(string(r.place.Engine()) + " " + r.spec.Server), err
}

func (r *run) migrate(ctx context.Context) (string, error) {
	level, err := r.Seeder.Migrate(ctx, r.db)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("level %d", level), r.Ledger.Reached(ctx, r.spec.Code, level)
}

func settingsOf(s *Spec) tenant.Settings {
	return tenant.Settings{
		Name: s.Name, Model: string(s.Model), Shifts: s.Shifts,
		Workflow: s.Workflow,
	}
}

// base seeds what every city starts with and opens the city.
func (r *run) base(ctx context.Context) (string, error) {
	divisions, err := divisionsOf(r.Atlas, r.spec)
	if err != nil {
		return "", err
	}
	version, err := catalog.ParseVersion(r.spec.Catalogue)
	if err != nil {
		return "", err
	}
	kinds, conditions, err := catalog.StartingIn(version)
	if err != nil {
		return "", err
	}
	if err := r.Seeder.Seed(ctx, r.db, settingsOf(r.spec), divisions, kinds, conditions); err != nil {
		return "", err
	}
	if err := r.together(ctx, func(d *differ) error { return d.setCalendar(ctx) }); err != nil {
		return "", err
	}
	r.city, err = r.Seeder.Open(ctx, r.spec.id, r.db)
	return fmt.Sprintf("%d divisions, %d kinds, %d conditions", len(divisions), len(kinds), len(conditions)), err
}

// countiesOf lists the counties the spec names, all without names.
func countiesOf(atlas *division.Atlas, s *Spec) []division.Division {
	return slices.DeleteFunc(atlas.Counties(s.Code), func(d division.Division) bool {
		return len(s.Districts) > 0 && !slices.Contains(s.Districts, d.Code)
	})
}

// divisionsOf lists the counties of the spec with their streets and communities.
func divisionsOf(atlas *division.Atlas, s *Spec) (out []division.Division, err error) {
	for _, county := range countiesOf(atlas, s) {
		out = append(out, county)
		streets, err := atlas.Children(county.Code)
		if err != nil {
			return nil, err
		}
		for _, street := range streets {
			communities, err := atlas.Children(street.Code)
			if err != nil {
				return nil, err
			}
			out = append(append(out, street), communities...)
		}
	}
	return out, nil
}

// together lets fn compare and change the city in one transaction.
func (r *run) together(ctx context.Context, fn func(*differ) error) error {
	return r.Seeder.Together(ctx, r.spec.id, r.db, func(city *tenant.City) error {
		was, _, err := declaredBy(ctx, city)
		if err != nil {
			return err
		}
		return fn(&differ{spec: r.spec, atlas: r.Atlas, city: city, was: was})
	})
}

func (r *run) departments(ctx context.Context) (detail string, err error) {
	err = r.together(ctx, func(d *differ) error {
		list, err := d.city.Org.Departments(ctx)
		if err != nil {
			return err
		}
		save, _, err := d.departments(ctx)
		if err != nil {
			return err
		}
		for _, unit := range save {
			i := slices.IndexFunc(list, func(old org.Department) bool { return old.Code == unit.Code })
			if i >= 0 && d.returns(list[i]) {
				if err := d.city.Org.Retire(ctx, unit.Code, ""); err != nil {
					return err
				}
			}
			if err := d.city.Org.SaveDepartment(ctx, unit.domain()); err != nil {
				return err
			}
		}
		detail = fmt.Sprintf("%d written, %d as they were", len(save), len(r.spec.Departments)-len(save))
		return nil
	})
	return detail, err
}

func (r *run) policies(ctx context.Context) (detail string, err error) {
	err = r.together(ctx, func(d *differ) error {
		missing, err := d.policies(ctx)
		if err != nil || !missing {
			detail = "kept"
			return err
		}
		detail = fmt.Sprintf("%d rules", len(r.spec.rules()))
		return d.city.Access.SetRules(ctx, r.spec.rules())
	})
	return detail, err
}

func (r *run) grids(ctx context.Context) (string, error) {
	report, err := r.city.Grids.Replace(ctx, r.spec.grids)
	return fmt.Sprintf("+%d ~%d -%d =%d", report.Added, report.Changed, report.Retired, report.Unchanged), err
}

// subscribe notes which tariff the city is billed by: the blueprint's, or
// whichever the province has when it names none.
func (r *run) subscribe(ctx context.Context) (string, error) {
	tariff := ""
	if r.spec.blueprint != nil {
		tariff = r.spec.blueprint.Tariff
	}
	return tariff, r.Ledger.Subscribe(ctx, r.spec.Code, tariff, r.Now())
}

// inviteFor is how long a one-time link is good.
const inviteFor = 7 * 24 * time.Hour

// people sets up accounts and posts and hands over the links by which accounts
// get their passwords. Only when they were taken is the step done.
func (r *run) people(ctx context.Context) (detail string, err error) {
	result := Result{City: r.spec.Code, Invitations: []Invitation{}}
	err = r.together(ctx, func(d *differ) error {
		save, leave, err := d.people(ctx)
		if err != nil {
			return err
		}
		for _, account := range leave {
			if err := d.city.Org.SetPosts(ctx, account, nil); err != nil {
				return err
			}
		}
		for _, p := range save {
			account, err := d.city.Accounts.EnsureAccount(ctx, p.Login, p.Name)
			if err != nil {
				return err
			}
			if err := d.city.Org.SetPosts(ctx, account.ID, p.holders(account.ID)); err != nil {
				return err
			}
		}
		retired, err := d.retire(ctx)
		if err != nil {
			return err
		}
		result.Invitations, err = r.invite(ctx, d.city)
		detail = fmt.Sprintf("%d written, %d as they were, %d left, %d units retired, %d invited", len(save), len(r.spec.people())-len(save), len(leave), retired, len(result.Invitations))
		return err
	})
	if err != nil {
		return "", err
	}
	return detail, r.handOver(result)
}

// retire takes the units out of service that the spec no longer names; their
// people have left them by then.
func (d *differ) retire(ctx context.Context) (n int, err error) {
	_, codes, err := d.departments(ctx)
	if err != nil {
		return 0, err
	}
	for _, code := range codes {
		if err := d.city.Org.Retire(ctx, code, d.city.Org.Today()); err != nil {
			return 0, err
		}
	}
	return len(codes), nil
}

// invite makes a link for every account that needs one.
func (r *run) invite(ctx context.Context, city *tenant.City) ([]Invitation, error) {
	pending := map[int64]bool{}
	var err error
	if r.handed {
		if pending, err = city.Accounts.Invited(ctx); err != nil {
			return nil, err
		}
	}
	accounts, err := everyone(ctx, city)
	if err != nil {
		return nil, err
	}
	list := []Invitation{}
	for _, a := range accounts {
		if a.HasPassword || a.Disabled || pending[a.ID] {
			continue
		}
		token, err := city.Accounts.Invite(ctx, a.ID, inviteFor)
		if err != nil {
			return nil, err
		}
		list = append(list, Invitation{a.Login, a.Name, token, slices.Contains(a.Roles, string(org.CityAdmin))})
	}
	return list, nil
}
