package catalog_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"wangge/tenant/calendar"
	"wangge/tenant/catalog"
)

var zone = time.FixedZone("Asia/Shanghai", 8*60*60)

// memory is a store that keeps a catalogue as a database would.
type memory struct {
	state   catalog.State
	open    map[string]int
	overlay *catalog.Overlay
}

func (m *memory) Condition(_ context.Context, code string) (catalog.Condition, error) {
	for _, c := range m.state.Conditions {
		if c.Code == code {
			return c, nil
		}
	}
	return catalog.Condition{}, catalog.ErrNoCondition.With(code)
}

func (m *memory) State(context.Context) (catalog.State, error) {
	s := m.state
	s.Kinds, s.Conditions, s.Moves = slices.Clone(s.Kinds), slices.Clone(s.Conditions), slices.Clone(s.Moves)
	return s, nil
}

func (m *memory) Apply(_ context.Context, c catalog.Change) error {
	if c.Revision != m.state.Revision {
		return catalog.ErrChanged
	}
	for _, n := range c.Add {
		if _, end := c.End[n.Code]; end || slices.ContainsFunc(m.state.Conditions, func(h catalog.Condition) bool { return h.Code == n.Code }) {
			return catalog.ErrTaken
		}
	}
	m.state.Revision++
	for i, h := range m.state.Conditions {
		if end, ok := c.End[h.Code]; ok {
			m.state.Conditions[i].Until = end
		}
	}
	m.state.Conditions = append(m.state.Conditions, c.Add...)
	m.state.Kinds = append(m.state.Kinds, c.Kinds...)
	if c.Move != nil {
		m.state.Moves = append(m.state.Moves, *c.Move)
	}
	if c.Overlay != nil {
		m.overlay = c.Overlay
	}
	return nil
}

func (m *memory) OpenCases(context.Context) (map[string]int, error) { return maps.Clone(m.open), nil }

func (m *memory) Overlay(context.Context) (*catalog.Overlay, error) { return m.overlay, nil }

// office is a city's catalogue in memory on a day that can be moved.
type office struct {
	*catalog.Service
	t     *testing.T
	store *memory
	now   time.Time
}

// open starts a city on a version on Thursday 2026-11-26.
func open(t *testing.T, v catalog.Version) *office {
	t.Helper()
	kinds, conditions, err := catalog.StartingIn(v)
	if err != nil {
		t.Fatal(err)
	}
	cal, err := calendar.New(zone, []string{"08:00-12:00", "14:00-18:00"})
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, now: time.Date(2026, 11, 26, 9, 0, 0, 0, zone)}
	o.store = &memory{state: catalog.State{First: v, Kinds: kinds, Conditions: conditions}}
	o.Service = catalog.NewService(o.store, cal, func() time.Time { return o.now })
	return o
}

// day moves the clock to nine o'clock of a day.
func (o *office) day(s string) {
	o.t.Helper()
	d, err := time.ParseInLocation(time.DateOnly, s, zone)
	if err != nil {
		o.t.Fatal(err)
	}
	o.now = d.Add(9 * time.Hour)
}

func (o *office) inForce() map[string]catalog.Condition {
	o.t.Helper()
	list, err := o.Conditions(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	out := map[string]catalog.Condition{}
	for _, c := range list {
		out[c.Code] = c
	}
	return out
}
