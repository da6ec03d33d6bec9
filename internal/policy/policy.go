// Package policy answers whether an account may do something, by the rules and
// the role holders of one database. It is the only importer of casbin. Who the
// account is belongs to internal/identity.
//
// An answer is never older than the policy version its caller read: the version
// is bumped in the transaction of every change, and read with the session.
package policy

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"wangge/internal/gormx"
)

// definition compares permissions before it asks for roles, which is dear. A
// request carries the wildcard that would cover it, so that rules with and
// without one are compared alike.
const definition = `
[request_definition]
r = sub, perm, wild
[policy_definition]
p = sub, perm
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = p.perm in (r.perm, r.wild, '*') && g(r.sub, p.sub)
`

// Enforcer holds the policy of one database. It loads nothing until it is
// asked, and is safe for concurrent use.
type Enforcer struct {
	db      *gormx.DB
	loading sync.Mutex
	current atomic.Pointer[policy]
}

// New makes the enforcer of db.
func New(db *gormx.DB) *Enforcer { return &Enforcer{db: db} }

// Allowed says whether the account may do permission, such as "report:read",
// under policy version, the one the caller read in its own request. When
// another is loaded the policy is read anew, so a right taken away is gone from
// the next request on.
func (e *Enforcer) Allowed(ctx context.Context, accountID int64, permission string, version int64) (bool, error) {
	p, err := e.at(ctx, version)
	if err != nil {
		return false, err
	}
	return p.allowed(accountID, permission)
}

// AllowedRole says whether the rules grant a role permission, under policy version.
func (e *Enforcer) AllowedRole(ctx context.Context, role, permission string, version int64) (bool, error) {
	p, err := e.at(ctx, version)
	if err != nil {
		return false, err
	}
	rules, err := p.enforcer.GetFilteredPolicy(0, role)
	if err != nil {
		return false, fmt.Errorf("rules of %s: %w", role, err)
	}
	return slices.ContainsFunc(rules, func(r []string) bool {
		return r[1] == permission || r[1] == wildcard(permission) || r[1] == "*"
	}), nil
}

// Permissions returns what the rules grant the account, sorted and without
// repetition, as the rules say it: wildcards are not spelt out.
func (e *Enforcer) Permissions(ctx context.Context, accountID, version int64) ([]string, error) {
	p, err := e.at(ctx, version)
	if err != nil {
		return nil, err
	}
	rules, err := p.enforcer.GetImplicitPermissionsForUser(subject(accountID))
	if err != nil {
		return nil, fmt.Errorf("permissions of account %d: %w", accountID, err)
	}
	granted := make([]string, len(rules))
	for i, rule := range rules {
		granted[i] = rule[1]
	}
	slices.Sort(granted)
	return slices.Compact(granted), nil
}

// at returns the policy of this version, or the newest when that has passed.
// Any other version means a reload, also an older one: a database that was
// restored goes back.
func (e *Enforcer) at(ctx context.Context, version int64) (*policy, error) {
	if p := e.current.Load(); p != nil && p.version == version {
		return p, nil
	}
	e.loading.Lock()
	defer e.loading.Unlock()
	if p := e.current.Load(); p != nil && p.version == version {
		return p, nil
	}
	p, err := load(ctx, e.db)
	if err != nil {
		return nil, err
	}
	e.current.Store(p)
	return p, nil
}

// policy is one version of the policy; it never changes, so what it once
// answered may be remembered.
type policy struct {
	version  int64
	enforcer *casbin.SyncedEnforcer

	mu   sync.RWMutex
	memo map[question]bool
}

type question struct {
	account    int64
	permission string
}

// maxMemo bounds what one city remembers; a full memo starts over.
const maxMemo = 4096

func (p *policy) allowed(accountID int64, permission string) (bool, error) {
	q := question{accountID, permission}
	p.mu.RLock()
	answer, known := p.memo[q]
	p.mu.RUnlock()
	if known {
		return answer, nil
	}
	answer, err := p.enforce(q)
	if err != nil {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.memo) >= maxMemo {
		clear(p.memo)
	}
	p.memo[q] = answer
	return answer, nil
}

func (p *policy) enforce(q question) (bool, error) {
	ok, err := p.enforcer.Enforce(subject(q.account), q.permission, wildcard(q.permission))
	if err != nil {
		return false, fmt.Errorf("may account %d %s: %w", q.account, q.permission, err)
	}
	return ok, nil
}

// wildcard returns the rule that grants everything of permission's kind.
func wildcard(permission string) string {
	kind, _, _ := strings.Cut(permission, ":")
	return kind + ":*"
}

// subject can't be mistaken for a role, which has no colon.
func subject(accountID int64) string { return "account:" + strconv.FormatInt(accountID, 10) }

// load reads version, rules and holders in one statement, hence as they were
// at one moment.
func load(ctx context.Context, db *gormx.DB) (*policy, error) {
	m, err := model.NewModelFromString(definition)
	if err != nil {
		return nil, err
	}
	version, err := fill(ctx, db, m)
	if err != nil {
		return nil, fmt.Errorf("load the policy: %w", err)
	}
	enforcer, err := casbin.NewSyncedEnforcer(m)
	if err != nil {
		return nil, fmt.Errorf("load the policy: %w", err)
	}
	if err := enforcer.BuildRoleLinks(); err != nil {
		return nil, fmt.Errorf("load the policy: %w", err)
	}
	return &policy{version: version, enforcer: enforcer, memo: map[question]bool{}}, nil
}

func fill(ctx context.Context, db *gormx.DB, m model.Model) (version int64, err error) {
	rows, err := db.Read.WithContext(ctx).Raw(`
		SELECT 'p' AS sec, 0 AS n, role AS a, permission AS b FROM policy_rules
		UNION ALL SELECT 'g', account_id, '', role FROM role_holders
		UNION ALL SELECT 'v', version, '', '' FROM policy_version`).Rows()
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var sec, a, b string
		var n int64
		if err := rows.Scan(&sec, &n, &a, &b); err != nil {
			return 0, err
		}
		switch sec {
		case "v":
			version = n
			continue
		case "g":
			a = subject(n)
		}
		if err := m.AddPolicy(sec, sec, []string{a, b}); err != nil {
			return 0, err
		}
	}
	return version, rows.Err()
}
