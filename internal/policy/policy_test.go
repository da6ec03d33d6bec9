package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"
	"pgregory.net/rapid"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/migrations"
)

var roles = []string{"province_admin", "analyst", "reviewer", "expert", "finance", "auditor"}

// house is a database of one plane, its enforcer and the version last read.
type house struct {
	*testing.T
	db *gormx.DB
	*Enforcer
}

func (h *house) version() (v int64) {
	h.Helper()
	must(h, h.db.Read.WithContext(h.Context()).Raw(`SELECT version FROM policy_version`).Row().Scan(&v))
	return v
}

func (h *house) change(statements ...string) {
	h.Helper()
	must(h, h.db.InTx(h.Context(), func(tx *gorm.DB) error {
		for _, s := range statements {
			if err := tx.Exec(s).Error; err != nil {
				return err
			}
		}
		return Bump(tx)
	}))
}

func (h *house) rules(rules ...Rule) {
	h.Helper()
	must(h, h.db.InTx(h.Context(), func(tx *gorm.DB) error { return SetRules(tx, rules) }))
}

func (h *house) may(account int64, permission string, want bool) {
	h.Helper()
	got, err := h.Allowed(h.Context(), account, permission, h.version())
	if err != nil || got != want {
		h.Fatalf("may %d %s: %v, %v; want %v", account, permission, got, err, want)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPolicySQLite(t *testing.T)   { test(t, testdb.SQLite) }
func TestPolicyPostgres(t *testing.T) { test(t, testdb.Postgres) }

type opener func(t testing.TB) *gormx.DB

// test runs the suite on databases of both planes: in a city holders are seen
// through a view, in the province they are a table.
func test(t *testing.T, open opener) {
	holders := map[migrations.Plane]string{
		migrations.City: `INSERT INTO departments (code, name, kind) VALUES ('C', '中心', 'command_centre');
			INSERT INTO sides (account_id, side) VALUES (1, 'neutral'), (2, 'neutral');
			INSERT INTO holders (account_id, role, side, department, since) VALUES (1, 'auditor', 'neutral', 'C', 0)`,
		migrations.Province: `INSERT INTO role_holders (account_id, role) VALUES (1, 'auditor')`,
	}
	for plane, seed := range holders {
		t.Run(string(plane), func(t *testing.T) {
			db := open(t)
			if _, err := migrations.Up(t.Context(), db, plane); err != nil {
				t.Fatal(err)
			}
			seed = `INSERT INTO accounts (id, login, name, created_at) VALUES (1, 'a', 'a', 0), (2, 'b', 'b', 0);` + seed
			for s := range strings.SplitSeq(seed, ";") {
				must(t, db.Write.WithContext(t.Context()).Exec(s).Error)
			}
			h := &house{T: t, db: db, Enforcer: New(db)}
			behave(h, map[migrations.Plane]string{migrations.City: "holders", migrations.Province: "role_holders"}[plane])
		})
	}
	t.Run("a change rolled back leaves the policy as it was", func(t *testing.T) { rolledBack(province(t, open)) })
	t.Run("any history of changes agrees with a plain map", func(t *testing.T) { history(province(t, open)) })
	t.Run("nobody is answered by an older policy than they read", func(t *testing.T) { concurrent(province(t, open)) })
}

func behave(h *house, holders string) {
	h.may(1, "report:read", false)
	h.rules(Rule{"auditor", "report:read"}, Rule{"auditor", "log:*"}, Rule{"auditor", "log:*"}, Rule{"leader", "*"})
	h.Run("a role's rules hold for its holders and nobody else", func(*testing.T) {
		h.may(1, "report:read", true)
		h.may(1, "log:read", true)
		h.may(1, "log:read:all", true)
		h.may(1, "report:write", false)
		h.may(1, "login:read", false)
		h.may(1, "*", false)
		h.may(2, "report:read", false)
		h.may(99, "log:read", false)
	})
	h.Run("permissions are listed as the rules grant them", func(*testing.T) {
		got, err := h.Permissions(h.Context(), 1, h.version())
		must(h, err)
		if !slices.Equal(got, []string{"log:*", "report:read"}) {
			h.Fatalf("got %q", got)
		}
		if got, err := h.Permissions(h.Context(), 2, h.version()); err != nil || len(got) != 0 {
			h.Fatalf("got %q, %v; want none", got, err)
		}
	})
	h.Run("a new holder of a role that was asked for before is let in", func(*testing.T) { // casbin issue 1578
		h.may(2, "report:read", false)
		h.change(`UPDATE ` + holders + ` SET account_id = 2 WHERE account_id = 1`)
		h.may(2, "report:read", true)
		h.may(1, "report:read", false)
		h.change(`UPDATE ` + holders + ` SET account_id = 1 WHERE account_id = 2`)
		h.may(1, "report:read", true)
	})
	h.Run("a database that was restored goes back to its policy", func(*testing.T) {
		h.may(1, "report:read", true)
		h.change(`DELETE FROM policy_rules WHERE permission = 'report:read'`, `UPDATE policy_version SET version = 0`)
		h.may(1, "report:read", false)
		h.may(1, "log:read", true)
	})
	h.Run("a right taken away is gone from the next request on", func(*testing.T) {
		h.rules(Rule{"auditor", "report:*"})
		h.may(1, "log:read", false)
		h.may(1, "report:read", true)
		h.change(`DELETE FROM ` + holders)
		h.may(1, "report:read", false)
	})
}

func rolledBack(h *house) {
	before := h.version()
	oops := errors.New("changed my mind")
	err := h.db.InTx(h.Context(), func(tx *gorm.DB) error { return errors.Join(SetRules(tx, nil), oops) })
	if !errors.Is(err, oops) || h.version() != before {
		h.Fatalf("version %d after %d, %v", h.version(), before, err)
	}
	h.may(1, "log:read", true)
}

func TestRulesThatCantBeUnderstoodAreRefusedTogetherByRow(t *testing.T) {
	h := province(t, testdb.SQLite)
	err := h.db.InTx(t.Context(), func(tx *gorm.DB) error {
		return SetRules(tx, []Rule{{"auditor", "log:read"}, {"account:1", "log:read"}, {"auditor", "log"}, {"", "*:*"}, {"auditor", "l*:read"}})
	})
	e, ok := errs.As(err)
	if !ok || e.Kind != errs.Invalid || len(e.Problems) != 5 || e.Problems[0].Row != 2 || e.Problems[0].Field != "role" {
		t.Fatalf("got %v", err)
	}
	h.may(1, "log:read", true)
}

// province has account 1 as auditor, who may log:*.
func province(t *testing.T, open opener) *house {
	db := open(t)
	if _, err := migrations.Up(t.Context(), db, migrations.Province); err != nil {
		t.Fatal(err)
	}
	h := &house{T: t, db: db, Enforcer: New(db)}
	h.change(`INSERT INTO accounts (id, login, name, created_at) VALUES (1, 'a', 'a', 0), (2, 'b', 'b', 0), (3, 'c', 'c', 0)`,
		`INSERT INTO role_holders (account_id, role) VALUES (1, 'auditor')`)
	h.rules(Rule{"auditor", "log:*"})
	return h
}

func history(h *house) {
	permissions := []string{"log:read", "log:write", "bill:read", "bill:pay", "bill:pay:late"}
	patterns := append([]string{"*", "log:*", "bill:*"}, permissions...)
	rapid.Check(h.T, func(r *rapid.T) {
		granted, holds := map[Rule]bool{}, map[string]bool{}
		var rules []Rule
		for range rapid.IntRange(0, 6).Draw(r, "rules") {
			rule := Rule{rapid.SampledFrom(roles).Draw(r, "role"), rapid.SampledFrom(patterns).Draw(r, "permission")}
			rules, granted[rule] = append(rules, rule), true
		}
		held := []string{`DELETE FROM role_holders`}
		for range rapid.IntRange(0, 6).Draw(r, "holders") {
			account, role := rapid.Int64Range(1, 3).Draw(r, "account"), rapid.SampledFrom(roles).Draw(r, "held")
			holds[fmt.Sprint(account, role)] = true
			held = append(held, fmt.Sprintf(`INSERT INTO role_holders (account_id, role) VALUES (%d, '%s') ON CONFLICT DO NOTHING`, account, role))
		}
		h.rules(rules...)
		h.change(held...)
		version := h.version()
		for account := int64(1); account <= 3; account++ {
			for _, permission := range permissions {
				want := false
				for _, role := range roles {
					want = want || holds[fmt.Sprint(account, role)] && (granted[Rule{role, permission}] ||
						granted[Rule{role, strings.Split(permission, ":")[0] + ":*"}] || granted[Rule{role, "*"}])
				}
				for range 2 { // computed, then remembered
					got, err := h.Allowed(h.Context(), account, permission, version)
					if err != nil || got != want {
						r.Fatalf("may %d %s: %v, %v; want %v under %v and %v", account, permission, got, err, want, granted, holds)
					}
				}
			}
		}
	})
}

func concurrent(h *house) {
	var asking sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		asking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := ask(h); err != nil {
					h.Error(err)
					return
				}
			}
		})
	}
	for i := range 60 {
		if i%2 == 0 {
			h.rules()
		} else {
			h.rules(Rule{"auditor", "log:*"})
		}
		h.may(1, "log:read", i%2 == 1)
	}
	close(stop)
	asking.Wait()
}

// ask asks under a version just read, and again after making sure that no
// newer one came in between; only then the answer is certain.
func ask(h *house) error {
	before, err := granted(h)
	if err != nil {
		return err
	}
	got, err := h.Allowed(context.Background(), 1, "log:read", before.version)
	if err != nil {
		return err
	}
	after, err := granted(h)
	if err != nil {
		return err
	}
	if before == after && got != before.log {
		return fmt.Errorf("version %d answers %v, want %v", before.version, got, before.log)
	}
	return nil
}

type state struct {
	version int64
	log     bool
}

func granted(h *house) (s state, err error) {
	err = h.db.Read.Raw(`SELECT version, EXISTS (SELECT 1 FROM policy_rules) FROM policy_version`).Row().Scan(&s.version, &s.log)
	return s, err
}

func TestAFullMemoStartsOver(t *testing.T) {
	h := province(t, testdb.SQLite)
	version := h.version()
	for i := range int64(maxMemo + 10) {
		ok, err := h.Allowed(t.Context(), 1, fmt.Sprintf("log:%d", i), version)
		if err != nil || !ok {
			t.Fatalf("log:%d: %v, %v", i, ok, err)
		}
	}
	if n := len(h.current.Load().memo); n == 0 || n > maxMemo {
		t.Fatalf("%d answers remembered, want at most %d", n, maxMemo)
	}
}

func BenchmarkAllowed(b *testing.B) {
	p := big(b)
	for _, c := range []struct {
		name string
		q    question
		want bool
	}{{"hit", question{250, "kind4:act39"}, true}, {"deny", question{250, "kind4:act40"}, false}} {
		b.Run(c.name+"/memo", func(b *testing.B) {
			for b.Loop() {
				if ok, err := p.allowed(c.q.account, c.q.permission); err != nil || ok != c.want {
					b.Fatal(ok, err)
				}
			}
		})
		b.Run(c.name+"/casbin", func(b *testing.B) {
			for b.Loop() {
				if ok, err := p.enforce(c.q); err != nil || ok != c.want {
					b.Fatal(ok, err)
				}
			}
		})
	}
	b.Run("load", func(b *testing.B) {
		db := bigDB(b)
		b.ResetTimer()
		for b.Loop() {
			if _, err := load(b.Context(), db); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func big(b *testing.B) *policy {
	p, err := load(b.Context(), bigDB(b))
	must(b, err)
	return p
}

// bigDB has 9 roles of 40 permissions each and 500 accounts holding one each.
func bigDB(b *testing.B) *gormx.DB {
	db := testdb.SQLite(b)
	for _, s := range []string{
		`CREATE TABLE policy_rules (role TEXT, permission TEXT, PRIMARY KEY (role, permission))`,
		`CREATE TABLE role_holders (account_id BIGINT, role TEXT, PRIMARY KEY (account_id, role))`,
		`CREATE TABLE policy_version (id INTEGER PRIMARY KEY, version BIGINT)`,
		`INSERT INTO policy_version VALUES (1, 1)`,
	} {
		must(b, db.Write.Exec(s).Error)
	}
	var rules []Rule
	for role := range 9 {
		for act := range 40 {
			rules = append(rules, Rule{fmt.Sprintf("role%d", role), fmt.Sprintf("kind%d:act%d", act%5, act)})
		}
	}
	must(b, db.InTx(b.Context(), func(tx *gorm.DB) error {
		for account := range 500 {
			if err := tx.Exec(`INSERT INTO role_holders VALUES (?, ?)`, account, fmt.Sprintf("role%d", account%9)).Error; err != nil {
				return err
			}
		}
		return SetRules(tx, rules)
	}))
	return db
}
