package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/internal/policy"
	"wangge/tenant"
	"wangge/tenant/access"
	"wangge/tenant/org"
)

var authorize = benchmark{
	name: "authorize", zh: "权限判定", en: "authorisation", first: "checks_per_second", unit: "checks",
	how: "Permission checks against the policy of a city with the default rules and 500 accounts, one caller, a permission that each account has and one it has not by turns. " +
		"checks_per_second is warm: the question was asked before under this policy version. allowed_per_second and denied_per_second are warm checks of one kind. " +
		"fresh_per_second is each question's first time. cold_ms is the first check after a change of the policy, which is read anew from the database.",
	floor: "A Go map from account and permission to the answer, behind a mutex.",
	do:    measureAuthorize,
}

func measureAuthorize(ctx context.Context, r *run) error {
	w, err := r.host.world(ctx, r.engine)
	if err != nil {
		return err
	}
	return errors.Join(r.ask(ctx, w), w.Close())
}

func (r *run) ask(ctx context.Context, w *world) (err error) {
	t, err := w.build(ctx, sampleCity, r.cityGrids, r.accounts-1) // and the administrator
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.raw.Close()) }()
	return w.Cities.Use(ctx, t.id, func(city *tenant.City) error {
		held, err := city.Org.Holders(ctx)
		if err != nil {
			return err
		}
		return r.checks(ctx, city, t.raw, questions(held))
	})
}

// question is what is asked and the answer it must get.
type question struct {
	account    int64
	permission string
	allowed    bool
}

// questions asks for each holder of a post something the post may do and
// something it may not.
func questions(held []org.Holder) (list []question) {
	may := map[org.Role][]access.Permission{}
	for _, rule := range access.Defaults() {
		may[rule.Role] = append(may[rule.Role], rule.Permission)
	}
	for i, h := range held {
		yes := may[h.Role]
		no := slices.DeleteFunc(access.Permissions(), func(p access.Permission) bool { return slices.Contains(yes, p) })
		list = append(list, question{h.Account, string(yes[i%len(yes)]), true}, question{h.Account, string(no[i%len(no)]), false})
	}
	return list
}

func (r *run) checks(ctx context.Context, city *tenant.City, raw *gormx.DB, list []question) error {
	version, err := bump(ctx, raw)
	if err != nil {
		return err
	}
	check := func(q question) error {
		ok, err := city.Policy.Allowed(ctx, q.account, q.permission, version)
		if err == nil && ok != q.allowed {
			err = fmt.Errorf("%w: account %d, %s: got %v", errCount, q.account, q.permission, ok)
		}
		return err
	}
	warm := func(key string, of func(i int) int) func(context.Context, time.Duration) error {
		return func(_ context.Context, d time.Duration) error {
			done, rate, err := repeat(d, 1024, func(i int) error { return check(list[of(i)%len(list)]) })
			r.n += done
			r.figures.add(key, rate)
			return err
		}
	}
	cold := func(ctx context.Context, d time.Duration) error {
		var loads []float64
		var asked int
		var asking time.Duration
		for began := time.Now(); time.Since(began) < d || asked == 0; {
			if version, err = bump(ctx, raw); err != nil {
				return err
			}
			start := time.Now()
			if err := check(list[0]); err != nil {
				return err
			}
			loads = append(loads, since(start))
			start = time.Now()
			for _, q := range list[1:] {
				if err := check(q); err != nil {
					return err
				}
			}
			asked, asking = asked+len(list)-1, asking+time.Since(start)
		}
		r.figures.add("cold_ms", median(loads))
		r.figures.add("fresh_per_second", float64(asked)/asking.Seconds())
		return nil
	}
	return r.rounds(ctx, cold,
		warm("checks_per_second", func(i int) int { return i }),
		warm("allowed_per_second", func(i int) int { return 2 * i }),
		warm("denied_per_second", func(i int) int { return 2*i + 1 }),
		r.mapped(list))
}

// mapped is the floor: what the answers would cost if they never changed.
func (r *run) mapped(list []question) func(context.Context, time.Duration) error {
	type key struct {
		account    int64
		permission string
	}
	answers := map[key]bool{}
	for _, q := range list {
		answers[key{q.account, q.permission}] = q.allowed
	}
	var mu sync.Mutex
	check := func(q question) error {
		mu.Lock()
		defer mu.Unlock()
		if answers[key{q.account, q.permission}] != q.allowed {
			return errCount
		}
		return nil
	}
	return func(_ context.Context, d time.Duration) error {
		_, rate, err := repeat(d, 1024, func(i int) error { return check(list[i%len(list)]) })
		r.floor.add("checks_per_second", rate)
		return err
	}
}

// bump changes the policy's version, as every change of a rule or a post does,
// and returns the new one.
func bump(ctx context.Context, raw *gormx.DB) (version int64, err error) {
	err = raw.InTx(ctx, func(tx *gorm.DB) error {
		if err := policy.Bump(tx); err != nil {
			return err
		}
		return tx.Raw("SELECT version FROM policy_version").Scan(&version).Error
	})
	return version, err
}
