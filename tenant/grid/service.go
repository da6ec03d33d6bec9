package grid

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"wangge/internal/errs"
)

// ErrNoGrid is returned for a place that lies in no grid of the city.
var ErrNoGrid = errs.New(errs.NotFound, "no_grid_here", "该位置不在任何单元网格内", "the place lies in no unit grid")

// Store keeps the unit grids of one city.
type Store interface {
	// InTx runs fn in one transaction: all of it happens or none.
	InTx(ctx context.Context, fn func(Store) error) error
	// ReplaceGrids makes grids the whole set, and the version one greater. Two
	// grids of one code are refused.
	ReplaceGrids(ctx context.Context, grids []Grid) error
	// Grids returns the set, by code, every coordinate as it was given.
	Grids(ctx context.Context) ([]Grid, error)
	// GridSetVersion returns how often the set was replaced.
	GridSetVersion(ctx context.Context) (int64, error)
}

// Service imports the grids of one city and finds places in them. It is safe
// for concurrent use.
type Service struct {
	store   Store
	rules   Rules
	current atomic.Pointer[loaded]
	loading sync.Mutex // held by the one who builds the next index
}

// loaded is an index and the version it is of, or of a later one: the next
// lookup sees that and builds again.
type loaded struct {
	version int64
	index   *Index
}

// NewService returns the grids kept in store, of the city of divisions.
func NewService(store Store, divisions Divisions) *Service {
	return &Service{store: store, rules: NewRules(divisions)}
}

// Import replaces the city's grids by those of a GeoJSON file, all or nothing:
// a file with any fault changes nothing, nor does one that equals the set.
func (s *Service) Import(ctx context.Context, file string, r io.Reader) (report Report, err error) {
	grids, err := ReadGeoJSON(file, r, s.rules)
	if err != nil {
		return Report{}, err
	}
	if report, err = s.Replace(ctx, grids); err != nil {
		return Report{}, fmt.Errorf("import grids of %s: %w", file, err)
	}
	return report, nil
}

// Replace is Import of grids that were read, and so checked, before; it does
// not check them again.
func (s *Service) Replace(ctx context.Context, grids []Grid) (report Report, err error) {
	err = s.store.InTx(ctx, func(store Store) error {
		before, err := store.Grids(ctx)
		if err != nil {
			return err
		}
		if report = newReport(before, grids, s.rules); len(report.Changes) == 0 {
			return nil
		}
		return store.ReplaceGrids(ctx, grids)
	})
	return report, err
}

// Rehearse checks a file as Import does and tells what Import would do. It
// writes nothing.
func (s *Service) Rehearse(ctx context.Context, file string, r io.Reader) (Report, error) {
	grids, err := ReadGeoJSON(file, r, s.rules)
	if err != nil {
		return Report{}, err
	}
	before, err := s.store.Grids(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("rehearse grids of %s: %w", file, err)
	}
	return newReport(before, grids, s.rules), nil
}

// Locate returns the grid a place lies in, ErrNoGrid when there is none. It
// sees every import that was committed before it was called.
func (s *Service) Locate(ctx context.Context, p Point) (Code, error) {
	version, err := s.store.GridSetVersion(ctx)
	if err != nil {
		return Code{}, fmt.Errorf("locate: %w", err)
	}
	l := s.current.Load()
	if l == nil || l.version != version {
		if l, err = s.load(ctx); err != nil {
			return Code{}, fmt.Errorf("locate: %w", err)
		}
	}
	code, ok := l.index.At(p)
	if !ok {
		return Code{}, ErrNoGrid
	}
	return code, nil
}

// load builds the index of the set as it stands, once for all who wait.
func (s *Service) load(ctx context.Context) (*loaded, error) {
	s.loading.Lock()
	defer s.loading.Unlock()
	version, err := s.store.GridSetVersion(ctx) // before the grids, so that it is never the newer one
	if err != nil {
		return nil, err
	}
	if l := s.current.Load(); l != nil && l.version == version {
		return l, nil
	}
	grids, err := s.store.Grids(ctx)
	if err != nil {
		return nil, err
	}
	l := &loaded{version, NewIndex(grids)}
	s.current.Store(l)
	return l, nil
}
