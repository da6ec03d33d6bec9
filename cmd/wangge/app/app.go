// Package app wires the platform: it opens what a command needs, in order, and
// closes it in reverse. It owns no rule.
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"wangge/billing"
	"wangge/billing/billingdb"
	"wangge/internal/blob"
	"wangge/internal/gormx"
	"wangge/internal/identity"
	"wangge/internal/policy"
	"wangge/internal/secrets"
	"wangge/internal/vault"
	"wangge/migrations"
	"wangge/platform"
	"wangge/platform/exchange"
	"wangge/platform/platformdb"
	"wangge/platform/ranking"
	"wangge/platform/review"
	"wangge/provisioning"
	"wangge/provisioning/postgres"
	"wangge/provisioning/provisioningdb"
	"wangge/provisioning/sqlite"
	"wangge/provisioning/waves"
	"wangge/tenant"
	"wangge/tenant/casework"
	"wangge/tenant/division"
	"wangge/tenant/limit"
	"wangge/tenant/tenantdb"
)

// Zone is the country's only zone; it needs no zone file.
var Zone = time.FixedZone("Asia/Shanghai", 8*60*60)

// Config says where the platform keeps things.
type Config struct {
	Data        string // folder of key file, SQLite files
	Postgres    string // connection string of the platform role; "" for SQLite
	Provisioner string // connection string of the provisioning role; needed to build cities on PostgreSQL
	// Provisioners are those of the servers beside the platform's own, by name.
	Provisioners map[string]string
	Blobs        string // address of the file store, such as s3://bucket?region=…; "" for a folder beside the databases
	OpenCities   int    // idle cities held open
	Hasher       *identity.Hasher
	Limits       limit.Limits // of a city that has none of its own; nil: the platform's
	Now          func() time.Time
	ClockOf      func(tenant.ID) func() time.Time // a clock of a city's own, for a story; nil: Now for all

	Vault *vault.Config // where keys are kept and database logins made; nil: a folder below Data

	Issuer string // who publishes reports; "" for nobody named

	// What the province puts in the place of the platform's examples; nil: the examples.
	Protocol *ranking.Protocol
	Rubric   *review.Rubric
	Tariff   *billing.Tariff
}

// App is the open platform.
type App struct {
	Config   Config
	Atlas    *division.Atlas
	Province *gormx.DB
	Keeper   secrets.Keeper
	Vault    *vault.Client // nil without one
	Blobs    *blob.Store
	Accounts *identity.Service
	Policy   *policy.Enforcer
	Cities   *tenantdb.Cities
	Limits   *limit.Register

	Registry  platform.Store
	Figures   exchange.Store
	Rankings  *ranking.Service
	Reviews   *review.Service
	Billing   billing.Store
	Ledger    *provisioningdb.Ledger
	Provision *provisioning.Provisioner
	Fleet     waves.Fleet

	visits  platformdb.Visits
	doors   *doors
	closers []func() error
}

// Open opens the platform, making the province's database on first use.
func Open(ctx context.Context, cfg Config) (a *App, err error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.OpenCities == 0 {
		cfg.OpenCities = 32
	}
	if cfg.ClockOf == nil {
		cfg.ClockOf = func(tenant.ID) func() time.Time { return cfg.Now }
	}
	if cfg.Limits == nil {
		cfg.Limits = limit.Defaults()
	}
	if cfg.Hasher == nil {
		cfg.Hasher = identity.NewHasher(identity.OWASP, 2)
	}
	a = &App{Config: cfg}
	defer func(opened *App) {
		if err != nil {
			err = errors.Join(err, opened.Close())
		}
	}(a)
	if a.Atlas, err = division.Load(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(cfg.Data, "cities"), 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := a.openKeeper(ctx); err != nil {
		return nil, err
	}
	if err := a.openBlobs(ctx); err != nil {
		return nil, err
	}
	if err := a.openProvince(ctx); err != nil {
		return nil, err
	}
	return a, a.services()
}

// openBlobs opens the store of the cities' files; a bucket is not called yet.
func (a *App) openBlobs(ctx context.Context) (err error) {
	address := a.Config.Blobs
	if address == "" {
		if address, err = blob.Folder(filepath.Join(a.Config.Data, "blobs")); err != nil {
			return err
		}
	}
	if a.Blobs, err = blob.Open(ctx, address); err != nil {
		return err
	}
	a.closers = append(a.closers, a.Blobs.Close)
	return nil
}

func (a *App) openProvince(ctx context.Context) (err error) {
	if a.Config.Postgres == "" {
		a.Province, err = gormx.OpenSQLite(filepath.Join(a.Config.Data, "province.db"), gormx.Full)
	} else {
		a.Province, err = gormx.OpenPostgres(a.Config.Postgres, gormx.Pool{Max: 10, Idle: 5 * time.Minute})
	}
	if err != nil {
		return err
	}
	a.closers = append(a.closers, a.Province.Close)
	if a.Config.Postgres != "" {
		if err := tenantdb.CheckRole(ctx, a.Province, ""); err != nil {
			return err
		}
	}
	if _, err = migrations.Up(ctx, a.Province, migrations.Province); err != nil {
		return err
	}
	at, newest, err := migrations.Level(ctx, a.Province, migrations.Province)
	if err != nil {
		return err
	}
	return migrations.Serves(at, newest)
}

func (a *App) services() error {
	now := a.Config.Now
	a.Accounts = identity.New(a.Province, now, "province", identity.Options{Hasher: a.Config.Hasher})
	a.Policy = policy.New(a.Province)
	a.Limits = limit.NewRegister(a.Config.Limits, now)
	a.Registry, a.Figures = platformdb.Registry(a.Province), platformdb.Exchange(a.Province)
	if err := a.rules(); err != nil {
		return err
	}
	a.Rankings = ranking.NewService(platformdb.Ranking(a.Province), *a.Config.Protocol, Zone, now)
	a.Reviews = review.NewService(platformdb.Reviews(a.Province), *a.Config.Rubric, now)
	a.Billing = billingdb.New(a.Province)
	a.Ledger = provisioningdb.New(a.Province, Holder(), now)
	seeder := tenantdb.Seeder{
		Options: tenantdb.Options{Identity: identity.Options{Hasher: a.Config.Hasher}, Zone: Zone, Blobs: a.Blobs},
		Sealer:  a.sealer, Clock: a.Config.ClockOf,
	}
	files := tenantdb.Files{Dir: filepath.Join(a.Config.Data, "cities")}
	schemas := tenantdb.Schemas{Server: a.Config.Postgres, Keeper: a.Keeper, Logins: a.logins()}
	a.Provision = &provisioning.Provisioner{Atlas: a.Atlas, Ledger: a.Ledger, Seeder: seeder, Secrets: keys{a.Keeper}, Now: now}
	a.Provision.Database = sqlite.Files{Files: files}
	if a.Config.Postgres != "" {
		a.Provision.Database = a.leased(postgres.Schemas{Schemas: schemas, Provisioner: a.Config.Provisioner, Elsewhere: a.elsewhere})
	}
	a.Cities = tenantdb.NewCities(func(ctx context.Context, id tenant.ID) (*tenant.City, *gormx.DB, error) {
		return a.openCity(ctx, id, files, schemas, seeder)
	}, a.Config.OpenCities)
	a.Fleet = waves.Fleet{Seeder: seeder, Ledger: a.Ledger, Open: func(ctx context.Context, id tenant.ID) (*gormx.DB, error) {
		entry, err := a.Registry.City(ctx, id.String())
		if err != nil {
			return nil, err
		}
		return a.database(ctx, entry, id, files, schemas)
	}}
	a.visits = platformdb.NewVisits(a.Province)
	a.doors = &doors{cities: a.Cities, visits: a.visits, now: now, until: map[tenant.ID]time.Time{}}
	a.closers = append(a.closers, a.Cities.Close)
	return nil
}

// rules puts the platform's examples where the province has none of its own.
func (a *App) rules() error {
	if a.Config.Protocol == nil {
		protocol, err := ranking.Example()
		if err != nil {
			return err
		}
		a.Config.Protocol = &protocol
	}
	if a.Config.Rubric == nil {
		rubric, err := review.Template()
		if err != nil {
			return err
		}
		a.Config.Rubric = &rubric
	}
	if a.Config.Tariff == nil {
		tariff, err := billing.DefaultTariff()
		if err != nil {
			return err
		}
		a.Config.Tariff = &tariff
	}
	return nil
}

// openCity opens a city that was built and has not left, where the registry says
// it lives.
func (a *App) openCity(ctx context.Context, id tenant.ID, files tenantdb.Files, schemas tenantdb.Schemas, seeder tenantdb.Seeder) (*tenant.City, *gormx.DB, error) {
	entry, err := a.Registry.City(ctx, id.String())
	if err != nil {
		return nil, nil, err
	}
	standing, err := standing(entry)
	if err != nil {
		return nil, nil, err
	}
	db, err := a.database(ctx, entry, id, files, schemas)
	if err != nil {
		return nil, nil, err
	}
	at, newest, err := migrations.Level(ctx, db, migrations.City)
	if err == nil {
		err = migrations.Serves(at, newest)
	}
	var city *tenant.City
	if err == nil {
		city, err = seeder.Open(ctx, id, db)
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	if city.Standing = standing; id.Sandbox() {
		city.Usage = unbilled{}
	}
	return city, db, nil
}

func (a *App) sealer(ctx context.Context, id tenant.ID) (casework.Sealer, error) {
	return a.Keeper.Sealer(ctx, id.Scope())
}

// keys makes a city's key on first use.
type keys struct{ keeper secrets.Keeper }

func (k keys) Ensure(ctx context.Context, scope string) error {
	_, err := k.keeper.Sealer(ctx, scope)
	return err
}

func (k keys) Destroy(ctx context.Context, scope string) error { return k.keeper.Destroy(ctx, scope) }

// Holder names this process in leases and job histories.
func Holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), rand.Text()[:6])
}

// UseEach runs fn on every city in service, as many at once as there are
// processors. A city that fails does not keep the others from their turn; the
// errors are joined in order of the cities' codes.
func (a *App) UseEach(ctx context.Context, fn func(ctx context.Context, city *tenant.City) error) error {
	list, err := a.Registry.Cities(ctx)
	if err != nil {
		return err
	}
	failed := make([]error, len(list))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, entry := range list {
		if entry.State != platform.Active {
			continue
		}
		id, err := tenant.ParseID(entry.Code)
		if err != nil {
			failed[i] = err
			continue
		}
		group.Go(func() error {
			if err := a.Cities.Use(ctx, id, func(city *tenant.City) error { return fn(ctx, city) }); err != nil {
				failed[i] = fmt.Errorf("city %s: %w", entry.Code, err)
			}
			return nil
		})
	}
	_ = group.Wait() // what failed is in failed
	return errors.Join(failed...)
}

// EnsureProvinceAdmin makes the first administrator and the province's policy;
// the token of a one-time link comes back while the account has no password.
func (a *App) EnsureProvinceAdmin(ctx context.Context) (token string, err error) {
	if err := platformdb.SeedPolicy(ctx, a.Province); err != nil {
		return "", err
	}
	account, err := a.Staff(ctx, "admin", "省级管理员", platform.ProvinceAdmin)
	if err != nil || account.HasPassword {
		return "", err
	}
	return a.Accounts.Invite(ctx, account.ID, 7*24*time.Hour)
}

// Staff makes sure of an account of the province with these roles.
func (a *App) Staff(ctx context.Context, login, name string, roles ...platform.Role) (identity.Account, error) {
	if err := platform.Together(roles); err != nil {
		return identity.Account{}, err
	}
	account, err := a.Accounts.EnsureAccount(ctx, login, name)
	if err != nil {
		return identity.Account{}, err
	}
	if err := platformdb.SetRoles(ctx, a.Province, account.ID, roles); err != nil {
		return identity.Account{}, err
	}
	return a.Accounts.Account(ctx, account.ID)
}

// Close closes what Open opened, in reverse.
func (a *App) Close() error {
	var failed []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		failed = append(failed, a.closers[i]())
	}
	a.closers = nil
	return errors.Join(failed...)
}
