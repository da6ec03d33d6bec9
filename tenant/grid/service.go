package grid

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"wangge/internal/errs"
)

// The errors of looking up.
var (
	// ErrNoGrid is returned for a place that lies in no grid of the city.
	ErrNoGrid = errs.New(errs.NotFound, "no_grid_here", "该位置不在任何单元网格内", "the place lies in no unit grid")
	// ErrNoSet is returned for a version that no set of grids has.
	ErrNoSet = errs.New(errs.NotFound, "no_grid_set", "没有版本为 %d 的网格", "there is no set of grids of version %d")
)

// Store keeps the unit grids of one city, every set it ever had: a grid is valid
// from one version of the set until before another, or still.
type Store interface {
	// InTx runs fn in one transaction: all of it happens or none.
	InTx(ctx context.Context, fn func(Store) error) error
	// LockGrids returns the version of the set and lets nobody else change it
	// until the transaction ends.
	LockGrids(ctx context.Context) (version int64, err error)
	// GridSetVersion returns the version of the set, 0 before the first.
	GridSetVersion(ctx context.Context) (int64, error)
	// Grids returns the set of a version, by code, every coordinate as it was
	// given; nothing for a version that there is not.
	Grids(ctx context.Context, version int64) ([]Grid, error)
	// RetiredGrids returns the grids of the codes that are not in the set, as
	// they last were.
	RetiredGrids(ctx context.Context) ([]Grid, error)
	// SaveGrids makes edition the set in force: grids of the codes in end are
	// valid until before its version, those in begin from it on. Codes whose
	// grid ends without another have no responsibility grid any more.
	SaveGrids(ctx context.Context, edition Edition, end []Code, begin []Grid) error
	// Editions lists the sets, the newest first.
	Editions(ctx context.Context) ([]Edition, error)
	// GridProof returns the proof of a version, ErrNoSet when there is none.
	GridProof(ctx context.Context, version int64) (Proof, error)

	// Responsibilities returns the responsibility grids with their members, all
	// by code.
	Responsibilities(ctx context.Context) ([]Responsibility, error)
	// SetResponsibilities replaces them all.
	SetResponsibilities(ctx context.Context, list []Responsibility) error
}

// Edition is one version of the set.
type Edition struct {
	Version int64
	At      time.Time
	File    string

	Grids, Added, Changed, Retired int

	Area  float64 // m²
	Proof Proof   // not in a list
	Sound bool
}

// Service imports the grids of one city and finds places in them. It is safe
// for concurrent use.
type Service struct {
	store   Store
	rules   Rules
	now     func() time.Time
	current atomic.Pointer[loaded]
	loading sync.Mutex // held by the one who builds the next index
}

// loaded is the index of the set of a version.
type loaded struct {
	version int64
	index   *Index
}

// NewService returns the grids kept in store, by the rules of the city.
func NewService(store Store, rules Rules, now func() time.Time) *Service {
	return &Service{store: store, rules: rules, now: now}
}

// Rules are what a file of the city's grids is held to.
func (s *Service) Rules() Rules { return s.rules }

// Import replaces the city's grids by those of a file, all or nothing: a file
// with any fault changes nothing, nor does one that equals the set.
func (s *Service) Import(ctx context.Context, file File) (Report, error) {
	set, err := Read(file, s.rules)
	if err != nil {
		return Report{}, err
	}
	report, err := s.Replace(ctx, set)
	if err != nil {
		return Report{}, fmt.Errorf("import grids of %s: %w", file.Name, err)
	}
	return report, nil
}

// Replace is Import of a set that was read, and so checked, before; it does not
// check it again, but for what only the city knows: a retired code must not
// come back with another outline.
func (s *Service) Replace(ctx context.Context, set Set) (report Report, err error) {
	proof := set.prove(s.rules.Tolerance)
	err = s.store.InTx(ctx, func(store Store) error {
		version, err := store.LockGrids(ctx)
		if err != nil {
			return err
		}
		if report, err = s.compare(ctx, store, version, set, proof); err != nil || len(report.Changes) == 0 {
			return err
		}
		report.Version = version + 1
		end, begin := report.replaced(set.Grids)
		return store.SaveGrids(ctx, Edition{
			report.Version, s.now(), set.File, len(set.Grids), report.Added, report.Changed, report.Retired, report.Area, proof, proof.Sound,
		}, end, begin)
	})
	return report, err
}

// Rehearse checks a file as Import does and tells what Import would do. It
// writes nothing.
func (s *Service) Rehearse(ctx context.Context, file File) (Report, error) {
	set, err := Read(file, s.rules)
	if err != nil {
		return Report{}, err
	}
	version, err := s.store.GridSetVersion(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("rehearse grids of %s: %w", file.Name, err)
	}
	return s.compare(ctx, s.store, version, set, set.prove(s.rules.Tolerance))
}

// compare reports what a set would change, and refuses what it must not.
func (s *Service) compare(ctx context.Context, store Store, version int64, set Set, proof Proof) (Report, error) {
	before, err := store.Grids(ctx, version)
	if err != nil {
		return Report{}, err
	}
	retired, err := store.RetiredGrids(ctx)
	if err != nil {
		return Report{}, err
	}
	if err := reused(set, retired); err != nil {
		return Report{}, err
	}
	return newReport(version, before, set, proof, s.rules), nil
}

// reused refuses codes that were retired and come back with another outline. A
// grid that is only back, as after a file that lacked it, is no other one.
func reused(set Set, retired []Grid) error {
	f := &faults{file: set.File}
	was := byCode(retired)
	for i, g := range set.Grids {
		old, again := was[g.Code]
		if old.Name = g.Name; again && !old.Equal(g) {
			f.add(set.row(i), "code", "编码 %s 已停用，不得再用于别的范围", "code %s is retired and must not be used for another area", g.Code)
		}
	}
	return f.err()
}

// replaced lists the codes whose grids end and the grids that begin.
func (r Report) replaced(after []Grid) (end []Code, begin []Grid) {
	now := byCode(after)
	for _, c := range r.Changes {
		if c.Kind != Added {
			end = append(end, c.Code)
		}
		if c.Kind != Retired {
			begin = append(begin, now[c.Code])
		}
	}
	return end, begin
}

// Grids returns the city's grids in force, by code.
func (s *Service) Grids(ctx context.Context) ([]Grid, error) {
	version, err := s.store.GridSetVersion(ctx)
	if err != nil {
		return nil, err
	}
	return s.store.Grids(ctx, version)
}

// GridsAt returns the grids of a version of the set, by code, ErrNoSet when
// there is none; 0 is the empty set before the first.
func (s *Service) GridsAt(ctx context.Context, version int64) ([]Grid, error) {
	newest, err := s.store.GridSetVersion(ctx)
	if err != nil {
		return nil, err
	}
	if version < 0 || version > newest {
		return nil, ErrNoSet.With(version)
	}
	return s.store.Grids(ctx, version)
}

// Editions lists the versions of the set, the newest first.
func (s *Service) Editions(ctx context.Context) ([]Edition, error) { return s.store.Editions(ctx) }

// Proof returns what was proved of a version when it was imported, of the one
// in force for 0.
func (s *Service) Proof(ctx context.Context, version int64) (Proof, int64, error) {
	if version == 0 {
		var err error
		if version, err = s.store.GridSetVersion(ctx); err != nil {
			return Proof{}, 0, err
		}
	}
	proof, err := s.store.GridProof(ctx, version)
	return proof, version, err
}

// Found is the grid of a place and the version of the set it was found in.
type Found struct {
	Code    Code
	Version int64
}

// Find returns the grid a place lies in, ErrNoGrid when there is none. It sees
// every import that was committed before it was called.
func (s *Service) Find(ctx context.Context, p Point) (Found, error) {
	version, err := s.store.GridSetVersion(ctx)
	if err != nil {
		return Found{}, fmt.Errorf("locate: %w", err)
	}
	l := s.current.Load()
	if l == nil || l.version != version {
		if l, err = s.load(ctx); err != nil {
			return Found{}, fmt.Errorf("locate: %w", err)
		}
	}
	code, ok := l.index.At(p)
	if !ok {
		return Found{Version: l.version}, ErrNoGrid
	}
	return Found{code, l.version}, nil
}

// Locate is Find without the version.
func (s *Service) Locate(ctx context.Context, p Point) (Code, error) {
	found, err := s.Find(ctx, p)
	return found.Code, err
}

// load builds the index of the set in force, once for all who wait.
func (s *Service) load(ctx context.Context) (*loaded, error) {
	s.loading.Lock()
	defer s.loading.Unlock()
	version, err := s.store.GridSetVersion(ctx)
	if err != nil {
		return nil, err
	}
	if l := s.current.Load(); l != nil && l.version == version {
		return l, nil
	}
	grids, err := s.store.Grids(ctx, version)
	if err != nil {
		return nil, err
	}
	l := &loaded{version, NewIndex(grids)}
	s.current.Store(l)
	return l, nil
}
