package evaluation

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"wangge/tenant/casework"
)

// Dimension is what figures are kept by.
type Dimension string

// The dimensions. City has the single member "".
const (
	City       Dimension = "city"
	District   Dimension = "district"
	Department Dimension = "department"
)

// Day is the figures of one member of a dimension on one day. Revision grows
// with every change, so that a reader can ask for what is new.
type Day struct {
	Day       string
	Dimension Dimension
	Member    string
	Counts    Counts
	Revision  int64
}

// Batch is what a reader of the journal has not yet read: the cases touched
// and where to go on.
type Batch struct {
	Cases  []int64
	Cursor Cursor
}

// Cursor is a place in the journal that no later commit can slip behind.
type Cursor struct{ XID, Step int64 }

// Sum is a count of one day over the cases of a district and department.
type Sum struct {
	Day, District, Department string
	Count                     Count
	Quantity                  int64
}

// Store keeps the figures of one city beside its journal.
type Store interface {
	InTx(ctx context.Context, fn func(Store) error) error
	// Next locks the reader's cursor until the transaction ends and returns the
	// cases of the next steps, at most limit steps.
	Next(ctx context.Context, limit int) (Batch, error)
	StepsOf(ctx context.Context, cases []int64) (map[int64][]casework.Step, error)
	// Replace swaps what these cases add and returns the days touched before or after.
	Replace(ctx context.Context, contributions map[int64][]Contribution) (days []string, err error)
	Sums(ctx context.Context, days []string) ([]Sum, error)
	Days(ctx context.Context, days []string) ([]Day, error)
	SaveDays(ctx context.Context, days []Day) error // sets a fresh revision on each
	Advance(ctx context.Context, c Cursor) error
	// Reset forgets what the cases add and the cursor, and returns the days that
	// have figures; those stay until they are recomputed, and so does the revision.
	Reset(ctx context.Context) (days []string, err error)
	Range(ctx context.Context, d Dimension, from, to string) ([]Day, error)
	DaysSince(ctx context.Context, revision int64, limit int) ([]Day, error) // dimension City, by revision
	CasesBehind(ctx context.Context, q Behind) ([]string, error)
}

// Behind asks which cases a figure counts.
type Behind struct {
	Count     Count
	From, To  string // days, both included
	Dimension Dimension
	Member    string
	After     string // case number, for paging
	Limit     int
}

// Service reads the journal into figures and answers from them.
type Service struct {
	store Store
	zone  *time.Location
}

// NewService returns the figures of one city; days are those of zone.
func NewService(store Store, zone *time.Location) *Service { return &Service{store, zone} }

// batch is how many steps one transaction reads: small enough to leave the
// writer room, large enough to be quick.
const batch = 2000

// Update reads what is new in the journal and returns how many cases it
// touched. It may run anywhere at any time; two at once wait for each other.
func (s *Service) Update(ctx context.Context) (cases int, err error) {
	for {
		n, err := s.page(ctx)
		if cases += n; n == 0 || err != nil {
			return cases, err
		}
	}
}

func (s *Service) page(ctx context.Context) (cases int, err error) {
	err = s.store.InTx(ctx, func(store Store) error {
		var days []string
		if cases, days, err = s.read(ctx, store); err != nil {
			return err
		}
		return recompute(ctx, store, days)
	})
	return cases, err
}

// Rebuild throws the figures away and reads the whole journal again, in one
// transaction: whoever looks meanwhile sees the old figures.
func (s *Service) Rebuild(ctx context.Context) error {
	return s.store.InTx(ctx, func(store Store) error {
		if _, err := store.Next(ctx, 0); err != nil { // take the lock first
			return err
		}
		days, err := store.Reset(ctx)
		if err != nil {
			return err
		}
		for {
			n, touched, err := s.read(ctx, store)
			if err != nil {
				return err
			}
			if n == 0 {
				slices.Sort(days)
				return recompute(ctx, store, slices.Compact(days))
			}
			days = append(days, touched...)
		}
	})
}

// read takes one batch: fold each touched case again from all its steps and swap
// what it adds. It returns how many cases that were and the days they touch.
func (s *Service) read(ctx context.Context, store Store) (cases int, days []string, err error) {
	next, err := store.Next(ctx, batch)
	if err != nil || len(next.Cases) == 0 {
		return 0, nil, err
	}
	steps, err := store.StepsOf(ctx, next.Cases)
	if err != nil {
		return 0, nil, err
	}
	contributions := make(map[int64][]Contribution, len(steps))
	for id, own := range steps {
		contributions[id] = Contributions(own, s.zone)
	}
	if days, err = store.Replace(ctx, contributions); err != nil {
		return 0, nil, err
	}
	return len(next.Cases), days, store.Advance(ctx, next.Cursor)
}

type member struct {
	day       string
	dimension Dimension
	name      string
}

// recompute sums the days again from the cases and saves those that changed.
func recompute(ctx context.Context, store Store, days []string) error {
	sums, err := store.Sums(ctx, days)
	if err != nil {
		return err
	}
	fresh := map[member]Counts{}
	for _, sum := range sums {
		for _, m := range []member{{sum.Day, City, ""}, {sum.Day, District, sum.District}, {sum.Day, Department, sum.Department}} {
			if m.dimension != City && m.name == "" {
				continue
			}
			if fresh[m] == nil {
				fresh[m] = Counts{}
			}
			fresh[m][sum.Count] += sum.Quantity
		}
	}
	old, err := store.Days(ctx, days)
	if err != nil {
		return err
	}
	for _, d := range old {
		m := member{d.Day, d.Dimension, d.Member}
		if counts, still := fresh[m]; !still {
			fresh[m] = Counts{} // nothing counts there any more
		} else if maps.Equal(counts, d.Counts) {
			delete(fresh, m)
		}
	}
	changed := make([]Day, 0, len(fresh))
	for m, counts := range fresh {
		changed = append(changed, Day{Day: m.day, Dimension: m.dimension, Member: m.name, Counts: counts})
	}
	slices.SortFunc(changed, func(a, b Day) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Dimension, b.Dimension), cmp.Compare(a.Member, b.Member))
	})
	return store.SaveDays(ctx, changed)
}

// Figures sums the counts of each member from one day to another, both included.
func (s *Service) Figures(ctx context.Context, d Dimension, from, to string) (map[string]Counts, error) {
	days, err := s.store.Range(ctx, d, from, to)
	if err != nil {
		return nil, err
	}
	out := map[string]Counts{}
	for _, day := range days {
		if out[day.Member] == nil {
			out[day.Member] = Counts{}
		}
		out[day.Member].Add(day.Counts)
	}
	return out, nil
}

// Days returns the daily figures of a dimension, in order.
func (s *Service) Days(ctx context.Context, d Dimension, from, to string) ([]Day, error) {
	return s.store.Range(ctx, d, from, to)
}

// DaysSince returns the city's days that changed after a revision, oldest
// change first: what the city publishes to the province.
func (s *Service) DaysSince(ctx context.Context, revision int64, limit int) ([]Day, error) {
	return s.store.DaysSince(ctx, revision, limit)
}

// CasesBehind lists the numbers of the cases that a figure counts.
func (s *Service) CasesBehind(ctx context.Context, q Behind) ([]string, error) {
	if q.Limit <= 0 || q.Limit > casework.MaxPage {
		q.Limit = casework.MaxPage
	}
	return s.store.CasesBehind(ctx, q)
}
