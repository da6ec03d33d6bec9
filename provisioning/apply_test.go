package provisioning_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/provisioning"
	"wangge/provisioning/provisioningdb"
	"wangge/provisioning/provisioningtest"
	"wangge/tenant"
	"wangge/tenant/casework"
	"wangge/tenant/catalog"
	"wangge/tenant/division"
	"wangge/tenant/org"
)

func TestANewCityIsPlannedBuiltAndThenAsItsSpecSays(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		s := spec(t, provisioningtest.Spec())
		planned := w.changes(t, s)
		if want := 1 + 6 + 4 + 1; len(planned) != want || planned[0] != "add city 乌海市:  > two_level_centres" || planned[want-1] != "add grids grids.geojson:  > +36" {
			t.Errorf("the plan of a new city: got %d lines, want %d:\n%s", len(planned), want, strings.Join(planned, "\n"))
		}
		if exists, err := w.Database.Exists(t.Context(), s.ID()); exists || err != nil {
			t.Errorf("after the plan there is a city: %v (%v), want none", exists, err)
		}
		if invited, want := w.apply(t, s), []string{"admin", "clerk01", "dispatcher01", "handler01"}; !slices.Equal(invited, want) {
			t.Errorf("invited: got %v, want %v", invited, want)
		}
		if left := w.changes(t, s); len(left) > 0 {
			t.Errorf("the plan afterwards: got %v, want nothing", left)
		}
		records, err := w.Ledger.Steps(t.Context(), s.Code)
		if err != nil {
			t.Fatal(err)
		}
		if last := records[len(records)-1]; len(records) != len(provisioning.Steps()) || last.Step != "self_check" || last.State != "done" || last.Detail != "closed 20261123-000001, rolled back" {
			t.Errorf("%d steps, the last: %+v", len(records), last)
		}
	})
}

func TestApplyingAgainChangesNothingAndInvitesNobodyTwice(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		s := spec(t, provisioningtest.Spec())
		w.apply(t, s)
		before := w.dump(t)
		w.changes(t, s)
		same(t, w.dump(t), before)
		w.now = w.now.Add(24 * time.Hour)
		if invited := w.apply(t, s); len(invited) > 0 {
			t.Errorf("invited again: %v", invited)
		}
		same(t, w.dump(t), before)
		w.now = w.now.Add(7 * 24 * time.Hour)
		if invited := w.apply(t, s); len(invited) != 4 {
			t.Errorf("when the links have expired: got %v, want all four invited", invited)
		}
		same(t, w.dump(t), before)
	})
}

// ofCity is a spec of a model with centres of the city only.
func ofCity(m provisioning.Model) provisioning.Spec {
	s := provisioningtest.Spec()
	s.Model, s.Departments = m, s.Departments[:4]
	return s
}

func TestAChangedSpecChangesWhatItNames(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		w.apply(t, spec(t, ofCity(provisioning.CitySupervision)))
		next := ofCity(provisioning.Merged)
		next.Departments[3].Name = "市政第一工程所"
		next.Departments = slices.Insert(next.Departments, 3, provisioning.Department{Code: "YL", Name: "园林绿化处", Kind: org.Functional, Parent: "SZ"})
		next.Staff[0].Roles = []org.Role{org.Evaluator}
		next.Staff = append(next.Staff[:2], provisioning.Person{Login: "leader01", Name: "分管领导01", Department: "JD", Roles: []org.Role{org.Leader}})
		s := read(t, provisioningtest.Write(t, next, provisioningtest.Square(t, 6, 2)))
		want := []string{
			"change settings model: city_supervision_district_handling > management_and_enforcement",
			"add department YL:  > 园林绿化处 (department) < SZ",
			"change department SZ1: 市政一所 (contractor) < SZ > 市政第一工程所 (contractor) < SZ",
			"change grids grids.geojson: 36 > +0 ~36 -0",
			"change account clerk01: 受理员01 intake_clerk@JD shift_leader@JD > 受理员01 evaluator@JD",
			"add account leader01:  > 分管领导01 leader@JD",
			"remove account handler01: 部门处置员01 department_handler@SZ1 > no post",
		}
		if got := w.changes(t, s); !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if invited := w.apply(t, s); !slices.Equal(invited, []string{"leader01"}) {
			t.Errorf("invited: got %v, want the new one", invited)
		}
		if left := w.changes(t, s); len(left) > 0 {
			t.Errorf("left over: %v", left)
		}
	})
}

func TestWhatWasChangedByHandIsPlannedAndBroughtBack(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		s := spec(t, provisioningtest.Spec())
		w.apply(t, s)
		before := w.dump(t)
		w.use(t, func(city *tenant.City, _ *gormx.DB) {
			if err := city.Org.SaveDepartment(t.Context(), org.Department{Code: "SZ", Name: "别的名称", Kind: org.Enterprise}); err != nil {
				t.Error(err)
			}
			accounts, _, err := city.Accounts.Accounts(t.Context(), 0, 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := city.Org.SetPosts(t.Context(), accounts[0].ID, nil); err != nil {
				t.Error(err)
			}
		})
		want := []string{
			"change department SZ: 别的名称 (enterprise) > 市政工程处 (department) @ 150302",
			"change account admin: 市级管理员01 > 市级管理员01 city_admin@JD",
		}
		if got := w.changes(t, s); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		w.apply(t, s)
		versions := func(l string) bool { // count the changes to posts and units
			return strings.HasPrefix(l, "policy_version ") || strings.HasPrefix(l, "org_version ")
		}
		same(t, slices.DeleteFunc(w.dump(t), versions), slices.DeleteFunc(before, versions))
	})
}

func TestWhatTheSpecDoesNotNameStays(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		s := spec(t, provisioningtest.Spec())
		w.apply(t, s)
		w.use(t, func(city *tenant.City, _ *gormx.DB) {
			if err := city.Org.SaveDepartment(t.Context(), org.Department{Code: "HW", Name: "环卫处", Kind: org.Functional}); err != nil {
				t.Error(err)
			}
			if err := city.Access.SetRules(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
		if got, want := w.changes(t, s), []string{"keep department HW: 环卫处 (department) > ", "add policy default:  > "}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		w.apply(t, s)
		if got, want := w.changes(t, s), []string{"keep department HW: 环卫处 (department) > "}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestTheSelfCheckOfACityAtWorkLeavesNothingBehind(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		s := spec(t, provisioningtest.Spec())
		w.apply(t, s)
		report := func() (number string) {
			w.use(t, func(city *tenant.City, _ *gormx.DB) {
				c, err := city.Cases.Report(t.Context(), casework.ReportInput{
					By: casework.Actor{Account: 1, Role: string(org.Supervisor)}, Channel: casework.ChannelSupervisor,
					Condition: "01-001-2", Description: "井盖破损", Place: provisioningtest.Square(t, 6, 1)[0].Inside(),
				})
				if err != nil {
					t.Fatal(err)
				}
				number = c.Number
			})
			return number
		}
		first := report()
		before := w.dump(t)
		w.apply(t, s)
		same(t, w.dump(t), before)
		if second := report(); first != "20261123-000001" || second != "20261123-000002" {
			t.Errorf("case numbers: got %s and %s, want no gap", first, second)
		}
	})
}

func TestOfTwoAppliesAtOnceOneIsRefused(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		s := spec(t, provisioningtest.Spec())
		other := ofCity(provisioning.Merged)
		refused := errors.New("not tried")
		_, err := w.Apply(t.Context(), s, func(st provisioning.Step, _, _ int, took time.Duration, _ string, _ error) {
			if st.Code == "departments" && took < 0 {
				_, refused = w.Apply(t.Context(), spec(t, other), quiet)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		e, _ := errs.As(refused)
		if !errors.Is(refused, provisioningdb.ErrApplying) || errs.KindOf(refused) != errs.Conflict || !strings.Contains(e.Zh, "城市 150300 正由 test 建设（自 17:00:00 起）") {
			t.Errorf("the second: got %v, want it refused with who is at work", refused)
		}
		after := w.dump(t)
		if left := w.changes(t, s); len(left) > 0 {
			t.Errorf("left over: %v", left)
		}
		alone := newWorld(t, w.Database.Engine())
		alone.apply(t, s)
		same(t, after, alone.dump(t))
	})
}

// fault breaks a run at the n-th call of what the provisioner works with: it
// is done, but the answer is lost. What breaks before a call is done leaves the
// same behind as when the answer of the call before is lost.
type fault struct {
	at    int
	calls []string // that were made
}

var errBroken = errors.New("the connection broke")

func (f *fault) call(name string, do func() error) error {
	f.calls = append(f.calls, name)
	if err := do(); err != nil || len(f.calls) != f.at {
		return err
	}
	return errBroken
}

type faultyLedger struct {
	provisioning.Ledger
	*fault
}

func (l faultyLedger) Reserve(ctx context.Context, r provisioning.Reservation) error {
	return l.call("reserve", func() error { return l.Ledger.Reserve(ctx, r) })
}

func (l faultyLedger) Activate(ctx context.Context, code, hash string, at time.Time) error {
	return l.call("activate", func() error { return l.Ledger.Activate(ctx, code, hash, at) })
}

func (l faultyLedger) Begin(ctx context.Context, city string, position int, step, hash string, at time.Time) error {
	return l.call("begin "+step, func() error { return l.Ledger.Begin(ctx, city, position, step, hash, at) })
}

func (l faultyLedger) End(ctx context.Context, city, step string, at time.Time, detail string, failed bool) error {
	return l.call("end "+step, func() error { return l.Ledger.End(ctx, city, step, at, detail, failed) })
}

type faultyDatabase struct {
	provisioning.Database
	*fault
}

func (d faultyDatabase) Exists(ctx context.Context, id tenant.ID) (exists bool, err error) {
	err = d.call("exists", func() error {
		exists, err = d.Database.Exists(ctx, id)
		return err
	})
	return exists, err
}

func (d faultyDatabase) On(context.Context, string) (provisioning.Database, error) { return d, nil }

func (d faultyDatabase) Prepare(ctx context.Context, id tenant.ID) error {
	return d.call("prepare", func() error { return d.Database.Prepare(ctx, id) })
}

type faultySeeder struct {
	provisioning.Seeder
	*fault
}

func (s faultySeeder) Migrate(ctx context.Context, db *gormx.DB) (level int64, err error) {
	err = s.call("migrate", func() error {
		level, err = s.Seeder.Migrate(ctx, db)
		return err
	})
	return level, err
}

func (s faultySeeder) Seed(ctx context.Context, db *gormx.DB, settings tenant.Settings, d []division.Division, k []catalog.Kind, c []catalog.Condition) error {
	return s.call("seed", func() error { return s.Seeder.Seed(ctx, db, settings, d, k, c) })
}

func (s faultySeeder) Together(ctx context.Context, id tenant.ID, db *gormx.DB, fn func(*tenant.City) error) error {
	return s.call("together", func() error { return s.Seeder.Together(ctx, id, db, fn) })
}

func (s faultySeeder) Trial(ctx context.Context, id tenant.ID, db *gormx.DB, fn func(*tenant.City) error) error {
	return s.call("trial", func() error { return s.Seeder.Trial(ctx, id, db, fn) })
}

type faultyKeys struct {
	provisioning.Secrets
	*fault
}

func (k faultyKeys) Ensure(ctx context.Context, scope string) error {
	return k.call("key", func() error { return k.Secrets.Ensure(ctx, scope) })
}

// faulty is the provisioner of the world with a fault in it.
func (w *world) faulty(f *fault) *provisioning.Provisioner {
	p := *w.Provisioner
	p.Ledger, p.Database = faultyLedger{w.Ledger, f}, faultyDatabase{w.Database, f}
	p.Seeder, p.Secrets = faultySeeder{w.Seeder, f}, faultyKeys{w.Secrets, f}
	return &p
}

func TestAfterAFaultAtAnyPointTheNextApplyEndsInTheSameCity(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		s := spec(t, provisioningtest.Spec())
		none := &fault{}
		if _, err := w.faulty(none).Apply(t.Context(), s, quiet); err != nil {
			t.Fatal(err)
		}
		want := w.dump(t)
		if len(none.calls) < 25 {
			t.Fatalf("only %d calls can break: %v", len(none.calls), none.calls)
		}
		for i, name := range none.calls {
			t.Run(fmt.Sprintf("%d %s", i+1, name), func(t *testing.T) {
				w.forget(t)
				result, err := w.faulty(&fault{at: i + 1}).Apply(t.Context(), s, quiet)
				if !errors.Is(err, errBroken) {
					t.Fatalf("got %v, want the fault", err)
				}
				if _, err := w.Plan(t.Context(), s); err != nil {
					t.Errorf("a plan half way: %v", err)
				}
				if handed := len(result.Invitations) + len(w.apply(t, s)); handed < 4 {
					t.Errorf("%d links reached the operator, want all four", handed)
				}
				same(t, w.dump(t), want)
				if left := w.changes(t, s); len(left) > 0 {
					t.Errorf("left over: %v", left)
				}
			})
		}
	})
}

func TestLinksThatWereNotTakenAreMadeAnew(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		s := spec(t, provisioningtest.Spec())
		lost := errors.New("the printer burns")
		if err := w.ApplyTo(t.Context(), s, quiet, func(provisioning.Result) error { return lost }); !errors.Is(err, lost) {
			t.Fatalf("got %v, want it to fail with its printer", err)
		}
		if got, want := w.changes(t, s), []string{"change step people: unfinished > done"}; !reflect.DeepEqual(got, want) {
			t.Errorf("the plan: got %v, want %v", got, want)
		}
		var links []provisioning.Invitation
		if err := w.ApplyTo(t.Context(), s, quiet, func(r provisioning.Result) error { links = r.Invitations; return nil }); err != nil {
			t.Fatal(err)
		}
		if len(links) != 4 || !links[0].Administrator || links[1].Administrator {
			t.Fatalf("got %+v, want the administrator's link and three more", links)
		}
		w.use(t, func(city *tenant.City, _ *gormx.DB) {
			for _, l := range links {
				if err := city.Accounts.Accept(t.Context(), l.Token, "Xk4-harbour-fern"); err != nil {
					t.Errorf("the link of %s: %v", l.Login, err)
				}
			}
		})
	})
}

func TestAStoppedApplySaysSoAndGoesOnLater(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		s := spec(t, provisioningtest.Spec())
		ctx, stop := context.WithCancel(t.Context())
		_, err := w.Apply(ctx, s, func(st provisioning.Step, _, _ int, took time.Duration, _ string, _ error) {
			if st.Code == "grids" && took < 0 {
				stop()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want it stopped", err)
		}
		records, err := w.Ledger.Steps(t.Context(), s.Code)
		if err != nil {
			t.Fatal(err)
		}
		if last := records[len(records)-1]; last.Step != "policies" || last.State != "done" {
			t.Errorf("the last step: got %+v, want the one before", last)
		}
		w.apply(t, s)
	})
}
