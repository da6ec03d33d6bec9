package responsibility

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

// Store keeps the matrix of one city and reads what belongs to it.
type Store interface {
	InTx(ctx context.Context, fn func(Store) error) error
	// Begin opens a change as org.Store does.
	Begin(ctx context.Context) error
	// Version is counted up by every change of the organisation and the matrix.
	Version(ctx context.Context) (int64, error)
	Rules(ctx context.Context) ([]Rule, error) // by ID
	ReplaceRules(ctx context.Context, rules []Rule) error
	Departments(ctx context.Context) ([]org.Department, error)
	DivisionNames(ctx context.Context) (map[string]string, error) // by code
	Kinds(ctx context.Context) ([]Kind, error)
	GridCodes(ctx context.Context) ([]grid.Code, error)
}

// Service changes and answers from the matrix. It is safe for concurrent use.
type Service struct {
	store   Store
	zone    *time.Location
	now     func() time.Time
	current atomic.Pointer[loaded]
	loading sync.Mutex // held by the one who makes the next matrix
}

type loaded struct {
	version int64
	day     string
	matrix  *Matrix
}

// NewService returns the matrix kept in store; days are those of zone.
func NewService(store Store, zone *time.Location, now func() time.Time) *Service {
	return &Service{store: store, zone: zone, now: now}
}

// Rules lists the matrix in its order, past and coming rules too.
func (s *Service) Rules(ctx context.Context) ([]Rule, error) { return s.store.Rules(ctx) }

// Import makes the rows of a file the whole matrix, all or nothing: a file with
// any fault changes nothing, and every fault is told with its row. A rehearsal
// writes nothing.
func (s *Service) Import(ctx context.Context, file string, rows Rows, rehearse bool) (report Report, err error) {
	err = s.store.InTx(ctx, func(store Store) error {
		if !rehearse {
			if err := store.Begin(ctx); err != nil {
				return err
			}
		}
		f, err := framed(ctx, store, file)
		if err != nil {
			return err
		}
		rules, err := f.read(rows)
		if err != nil {
			return err
		}
		before, err := store.Rules(ctx)
		if err != nil {
			return err
		}
		if report = compare(before, rules); rehearse {
			return nil
		}
		return store.ReplaceRules(ctx, rules)
	})
	return report, err
}

func framed(ctx context.Context, store Store, file string) (*frame, error) {
	kinds, err := store.Kinds(ctx)
	if err != nil {
		return nil, err
	}
	departments, err := store.Departments(ctx)
	if err != nil {
		return nil, err
	}
	divisions, err := store.DivisionNames(ctx)
	if err != nil {
		return nil, err
	}
	return newFrame(file, kinds, departments, divisions), nil
}

// Suggest says who should handle a kind of problem in a unit grid today. sort is
// part, event, or "" where the code alone tells. That nobody answers for it, or
// more than one, is an answer, not an error. One query tells whether what is
// held in memory still holds.
func (s *Service) Suggest(ctx context.Context, version, sort, kind string, unit grid.Code) (Suggestion, error) {
	m, err := s.matrix(ctx)
	if err != nil {
		return Suggestion{}, fmt.Errorf("suggest for %s %s: %w", version, kind, err)
	}
	return m.Suggest(version, sort, kind, unit), nil
}

// Check looks at every kind of a version of the catalogue in every unit grid,
// as of today; with version "" at the versions that the matrix names, or at the
// newest when it is empty.
func (s *Service) Check(ctx context.Context, version string) (Review, error) {
	m, err := s.matrix(ctx)
	if err != nil {
		return Review{}, err
	}
	all, err := s.store.Kinds(ctx)
	if err != nil {
		return Review{}, err
	}
	kinds := m.versions(version, all)
	if len(kinds) == 0 {
		return Review{}, errs.Field("version", "目录中没有这个版本："+version, "the catalogue has no such version: "+version)
	}
	grids, err := s.store.GridCodes(ctx)
	if err != nil {
		return Review{}, err
	}
	return m.Check(kinds, grids), nil
}

// versions picks the kinds to look at.
func (m *Matrix) versions(version string, all []Kind) []Kind {
	wanted := map[string]bool{version: true}
	if version == "" {
		delete(wanted, "")
		for _, r := range m.rules {
			wanted[r.Version] = true
		}
	}
	if len(wanted) == 0 {
		latest := ""
		for _, k := range all {
			latest = newest(latest, k.Version)
		}
		wanted[latest] = true
	}
	return slices.DeleteFunc(slices.Clone(all), func(k Kind) bool { return !wanted[k.Version] })
}

// matrix is the matrix as it is today, from memory while nothing changed.
func (s *Service) matrix(ctx context.Context) (*Matrix, error) {
	version, err := s.store.Version(ctx)
	if err != nil {
		return nil, err
	}
	day := s.now().In(s.zone).Format(time.DateOnly)
	if l := s.current.Load(); l != nil && l.version == version && l.day == day {
		return l.matrix, nil
	}
	s.loading.Lock()
	defer s.loading.Unlock()
	if version, err = s.store.Version(ctx); err != nil { // before the rules, so that it is never the newer one
		return nil, err
	}
	if l := s.current.Load(); l != nil && l.version == version && l.day == day {
		return l.matrix, nil
	}
	rules, err := s.store.Rules(ctx)
	if err != nil {
		return nil, err
	}
	departments, err := s.store.Departments(ctx)
	if err != nil {
		return nil, err
	}
	divisions, err := s.store.DivisionNames(ctx)
	if err != nil {
		return nil, err
	}
	l := &loaded{version, day, NewMatrix(rules, departments, divisions, day)}
	s.current.Store(l)
	return l.matrix, nil
}
