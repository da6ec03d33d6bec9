package billingdb_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"

	"wangge/billing"
	"wangge/billing/billingdb"
	"wangge/internal/gormx"
	"wangge/internal/testdb"
	"wangge/migrations"
	"wangge/platform"
	"wangge/platform/platformdb"
	"wangge/tenant/citytest"
	"wangge/tenant/tenantdb"
	"wangge/tenant/usage"
)

// The tests bill by small numbers: three cases at 7 fen, more at 5, and a base
// fee that is the same for every day of a 31-day month.
var tariff = billing.Tariff{
	Label:  billing.Label{Code: "test", Version: "1", NameZh: "测试资费", NameEn: "test tariff"},
	Base:   3100,
	Prices: []billing.Price{{Metric: usage.CaseFiled, NameZh: "立案案卷", NameEn: "cases filed", Tiers: []billing.Tier{{UpTo: 3, Fen: 7}, {Fen: 5}}}},
}

var zone = time.FixedZone("Asia/Shanghai", 8*60*60)

func day(month time.Month, d int) time.Time { return time.Date(2026, month, d, 12, 0, 0, 0, zone) }

// world is a province with its store, and the database of one of its cities.
type world struct {
	province *gormx.DB
	store    billing.Store
	city     *gormx.DB
	usage    usage.Source
	refs     *int
}

// onBothEngines runs a test on a world of each engine.
func onBothEngines(t *testing.T, test func(t *testing.T, w world)) {
	testdb.Engines(t, func(t *testing.T, province *gormx.DB) {
		city := testdb.SQLite(t)
		if province.Engine == gormx.Postgres {
			city = testdb.Postgres(t)
		}
		test(t, newWorld(t, province, city))
	})
}

// newWorld lays out both databases.
func newWorld(t *testing.T, province, city *gormx.DB) world {
	t.Helper()
	for db, plane := range map[*gormx.DB]migrations.Plane{province: migrations.Province, city: migrations.City} {
		if _, err := migrations.Up(t.Context(), db, plane); err != nil {
			t.Fatal(err)
		}
	}
	return world{province, billingdb.New(province), city, tenantdb.NewUsage(city), new(int)}
}

// tb is what a test and a property have in common.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
}

// add registers a city that went into service at a moment.
func (w world) add(t tb, code string, activeAt time.Time) billing.City {
	t.Helper()
	c := platform.City{Code: code, Name: "城市" + code, Model: "two_centres", State: platform.Active, Engine: "sqlite", CreatedAt: activeAt, ActiveAt: activeAt}
	if err := platformdb.Registry(w.province).SaveCity(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return billing.City{Code: c.Code, Name: c.Name, ActiveAt: activeAt}
}

var errTakenBack = errors.New("the filing failed")

// file files n cases in one transaction, which then commits or does not.
func (w world) file(t tb, n int, at time.Time, commit bool) {
	t.Helper()
	err := w.city.InTx(t.Context(), func(tx *gorm.DB) error {
		for range n {
			*w.refs++
			if err := citytest.AddUsage(tx, usage.Entry{Metric: usage.CaseFiled, Quantity: 1, At: at, Ref: fmt.Sprint(*w.refs)}); err != nil {
				return err
			}
		}
		if !commit {
			return errTakenBack
		}
		return nil
	})
	if err != nil && !errors.Is(err, errTakenBack) {
		t.Fatal(err)
	}
}

func (w world) harvest(t tb, c billing.City, now time.Time) int {
	t.Helper()
	n, err := billing.Harvest(t.Context(), w.store, c.Code, w.usage, now)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (w world) issue(t tb, month string, now time.Time, cities ...billing.City) []billing.Invoice {
	t.Helper()
	got, err := billing.Issue(t.Context(), w.store, month, cities, tariff, now)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// quantities are the cases on an invoice, by the month they are of.
func quantities(i billing.Invoice) map[string]int64 {
	out := map[string]int64{}
	for _, l := range i.Lines {
		if l.Metric == usage.CaseFiled {
			out[l.Month] += l.Quantity
		}
	}
	return out
}

var errCrash = errors.New("the process died here")

// crash ends a run before or after its n-th call of the store or the source;
// a run that makes fewer calls goes through.
type crash struct{ n int }

func (c *crash) around(call func() error) error {
	for _, run := range []func() error{call, func() error { return nil }} {
		if c.n--; c.n == 0 {
			return errCrash
		}
		if err := run(); err != nil {
			return err
		}
	}
	return nil
}

// dyingSource and dyingStore are those of a process that dies in a crash.
type dyingSource struct {
	usage.Source
	*crash
}

func (s dyingSource) Seal(ctx context.Context, now time.Time) (n int64, err error) {
	err = s.around(func() error { n, err = s.Source.Seal(ctx, now); return err })
	return n, err
}

func (s dyingSource) BatchesAfter(ctx context.Context, batch int64, limit int) (found []usage.Batch, err error) {
	err = s.around(func() error { found, err = s.Source.BatchesAfter(ctx, batch, limit); return err })
	return found, err
}

type dyingStore struct {
	billing.Store
	*crash
}

func (s dyingStore) InTx(ctx context.Context, fn func(billing.Store) error) error {
	return s.around(func() error {
		return s.Store.InTx(ctx, func(inner billing.Store) error { return fn(dyingStore{inner, s.crash}) })
	})
}

func (s dyingStore) LastBatch(ctx context.Context, city string) (last int64, err error) {
	err = s.around(func() error { last, err = s.Store.LastBatch(ctx, city); return err })
	return last, err
}

func (s dyingStore) AddHarvest(ctx context.Context, city string, batch int64, at time.Time) (fresh bool, err error) {
	err = s.around(func() error { fresh, err = s.Store.AddHarvest(ctx, city, batch, at); return err })
	return fresh, err
}

func (s dyingStore) AddUsage(ctx context.Context, city string, b usage.Batch) error {
	return s.around(func() error { return s.Store.AddUsage(ctx, city, b) })
}

func (s dyingStore) HoldCity(ctx context.Context, city string) error {
	return s.around(func() error { return s.Store.HoldCity(ctx, city) })
}

func (s dyingStore) Claim(ctx context.Context, city, number string, months []string) (took []billing.Claim, err error) {
	err = s.around(func() error { took, err = s.Store.Claim(ctx, city, number, months); return err })
	return took, err
}

func (s dyingStore) AddInvoice(ctx context.Context, i billing.Invoice) error {
	return s.around(func() error { return s.Store.AddInvoice(ctx, i) })
}
