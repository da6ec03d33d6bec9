package catalog

import (
	"cmp"
	"context"
	"slices"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/calendar"
)

// Store keeps the live catalogue of one city.
type Store interface {
	Condition(ctx context.Context, code string) (Condition, error) // ErrNoCondition
	// State reads the whole catalogue; its revision is not newer than the rest.
	// What it returns is shared and must not be changed.
	State(ctx context.Context) (State, error)
	// Apply makes a change in one transaction, all of it or nothing, and raises
	// the revision. ErrChanged when the catalogue is no longer at the revision
	// the change was planned on, ErrTaken when a code is held.
	Apply(ctx context.Context, c Change) error
	// OpenCases counts the cases that have not ended, by condition.
	OpenCases(ctx context.Context) (map[string]int, error)
	// Overlay is the province's newest edition; nil when there is none.
	Overlay(ctx context.Context) (*Overlay, error)
}

// State is a city's catalogue at one moment.
type State struct {
	Revision   int64
	First      Version // the version the city began on
	Moves      []MoveRecord
	Kinds      []Kind      // those the city keeps: of its versions, and its own
	Conditions []Condition // all that ever were
}

// Change is what is written at once.
type Change struct {
	Revision int64 // of the state it was planned on
	Kinds    []Kind
	Add      []Condition
	End      map[string]string // condition code → first day no longer in force
	Move     *MoveRecord
	Overlay  *Overlay
}

// Service reads and changes the catalogue of one city.
type Service struct {
	store    Store
	calendar *calendar.Calendar
	now      func() time.Time
}

// NewService returns the catalogue kept in store; the calendar tells the city's day.
func NewService(store Store, c *calendar.Calendar, now func() time.Time) *Service {
	return &Service{store, c, now}
}

// snapshot is a state and the day it is looked at.
type snapshot struct {
	State
	today, tomorrow string
	version         Version // in force today
}

func (s *Service) look(ctx context.Context) (snapshot, error) {
	st, err := s.store.State(ctx)
	if err != nil {
		return snapshot{}, err
	}
	now := s.now().In(s.calendar.Zone())
	today := s.calendar.Day(now)
	return snapshot{st, today, s.calendar.Day(now.AddDate(0, 0, 1)), st.On(today)}, nil
}

// ErrMovePending refuses changes between the decision to move to another
// version and its day.
var ErrMovePending = errs.New(errs.Conflict, "catalogue_move_pending", "目录将于 %s 换版，换版前不能修改", "the catalogue moves to another version on %s and can't be changed before")

// settled is look for a change: refused while a move is to come.
func (s *Service) settled(ctx context.Context) (snapshot, error) {
	st, err := s.look(ctx)
	if err != nil {
		return snapshot{}, err
	}
	if n := len(st.Moves); n > 0 && st.Moves[n-1].Day > st.today {
		return snapshot{}, ErrMovePending.With(st.Moves[n-1].Day)
	}
	return st, nil
}

// On is the version in force on a day.
func (s State) On(day string) Version {
	v := s.First
	for _, m := range s.Moves {
		if m.Day <= day {
			v = m.To
		}
	}
	return v
}

// kindsOf lists the kinds of a version: the standard's, and those the city keeps
// beside, by sort and code, parts first.
func (s State) kindsOf(v Version) []Kind {
	out := v.Kinds()
	held := map[key]bool{}
	for _, k := range out {
		held[k.key()] = true
	}
	for _, k := range s.Kinds {
		if k.Version == string(v) && !held[k.key()] {
			out = append(out, k)
		}
	}
	slices.SortStableFunc(out, func(a, b Kind) int {
		return cmp.Or(-cmp.Compare(a.Sort, b.Sort), cmp.Compare(a.Code, b.Code))
	})
	return out
}

// Condition returns one filing condition whether or not it is in force,
// ErrNoCondition when there is none. It answers from memory.
func (s *Service) Condition(ctx context.Context, code string) (Condition, error) {
	return s.store.Condition(ctx, code)
}

// Query selects conditions; the zero Query those in force today.
type Query struct {
	Version Version // "" is the one in force on the day
	Day     string  // "" is today
	Sort    Sort    // "" is both
	Kind    string  // code; "" is every kind
	All     bool    // also those not in force on the day
}

// Conditions lists the filing conditions in force today, by kind and code.
func (s *Service) Conditions(ctx context.Context) ([]Condition, error) {
	return s.Find(ctx, Query{})
}

// Find lists the filing conditions of q by kind, code and age.
func (s *Service) Find(ctx context.Context, q Query) ([]Condition, error) {
	st, err := s.look(ctx)
	if err != nil {
		return nil, err
	}
	day := cmp.Or(q.Day, st.today)
	v := cmp.Or(q.Version, st.On(day))
	out := slices.DeleteFunc(slices.Clone(st.Conditions), func(c Condition) bool {
		return c.Kind.Version != string(v) || !q.All && !c.InForce(day) ||
			q.Sort != "" && c.Kind.Sort != q.Sort || q.Kind != "" && c.Kind.Code != q.Kind
	})
	slices.SortStableFunc(out, func(a, b Condition) int {
		return cmp.Or(-cmp.Compare(a.Kind.Sort, b.Kind.Sort), cmp.Compare(a.Kind.Code, b.Kind.Code), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Since, b.Since))
	})
	return out, nil
}

// InForce is the version in force today.
func (s *Service) InForce(ctx context.Context) (Version, error) {
	st, err := s.look(ctx)
	return st.version, err
}

// Kinds lists the kinds of the version in force, the city's own among them.
func (s *Service) Kinds(ctx context.Context) ([]Kind, error) { return s.KindsOf(ctx, "") }

// KindsOf lists the kinds of a version by sort and code, parts first; "" is the
// version in force. Those of older versions stay readable.
func (s *Service) KindsOf(ctx context.Context, v Version) ([]Kind, error) {
	st, err := s.look(ctx)
	if err != nil {
		return nil, err
	}
	return st.kindsOf(cmp.Or(v, st.version)), nil
}

// Missing counts the kinds and conditions of this release's starting set that a
// city seeded with an older release lacks. A city that has moved keeps its own
// set: it lacks nothing.
func (s *Service) Missing(ctx context.Context) (int, error) {
	st, err := s.look(ctx)
	if err != nil || len(st.Moves) > 0 {
		return 0, err
	}
	kinds, conditions, err := StartingIn(st.First)
	if err != nil {
		return 0, err
	}
	missing := 0
	for _, k := range kinds {
		if !slices.ContainsFunc(st.Kinds, func(h Kind) bool { return h.Version == k.Version && h.key() == k.key() }) {
			missing++
		}
	}
	held := map[string]bool{}
	for _, c := range st.Conditions {
		held[c.Code] = true
	}
	for _, c := range conditions {
		if !held[c.Code] {
			missing++
		}
	}
	return missing, nil
}
