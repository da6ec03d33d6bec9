package casework

import (
	"context"
	"math"
	"time"

	"wangge/tenant/catalog"
	"wangge/tenant/grid"
)

// Sort is the order of a list.
type Sort string

// The orders: oldest first, newest first, or what is due first.
const (
	ByAge     Sort = ""
	ByNewest  Sort = "newest"
	ByUrgency Sort = "urgency"
)

// Filter selects cases. The zero value of a field selects all.
type Filter struct {
	Stages      []Stage
	Departments []string // leading or assisting
	Checker     int64    // drawn for the check on site that is due
	Area        string   // beginning of the grid code: county, street, community or grid
	Kind        string
	Channel     Channel
	Parent      string // children of this case
	Into        string // duplicates merged into this case
	Overdue     bool   // the present stage is past its time
	Text        string // words of description or address
	From, To    string // days of the report, both included

	Sort   Sort
	After  Cursor
	Limit  int
	Before time.Time // what Overdue means: the time of asking
}

// Cursor is the last case of the page before; the zero Cursor begins.
type Cursor struct {
	ID  int64
	Due int64 // µs, in the order of urgency
}

// MaxPage is the longest page of Cases.
const MaxPage = 200

// Cases lists cases, at most MaxPage at once.
func (s *Service) Cases(ctx context.Context, f Filter) ([]Case, error) {
	if f.Limit <= 0 || f.Limit > MaxPage {
		f.Limit = MaxPage
	}
	f.Before = s.now()
	return s.p.Store.Cases(ctx, f)
}

// Each calls fn with every selected case, page by page, as an export does.
func (s *Service) Each(ctx context.Context, f Filter, fn func(Case) error) error {
	f.Limit = MaxPage
	for {
		page, err := s.Cases(ctx, f)
		if err != nil {
			return err
		}
		for _, c := range page {
			if err := fn(c); err != nil {
				return err
			}
		}
		if len(page) < f.Limit {
			return nil
		}
		f.After = page[len(page)-1].Cursor()
	}
}

// farFuture orders what is not due behind all that is.
const farFuture = math.MaxInt64

// Cursor is where a page that ends with c goes on.
func (c *Case) Cursor() Cursor {
	due := int64(farFuture)
	if !c.StageDue.IsZero() {
		due = c.StageDue.UnixMicro()
	}
	return Cursor{c.ID, due}
}

// Counter counts the open cases at a stage.
type Counter struct {
	Stage   Stage
	Cases   int
	Warned  int // a rung of the ladder was reached, but it is not overdue
	Overdue int // past the time of the stage
}

// Counters counts the open cases that f selects, by stage.
func (s *Service) Counters(ctx context.Context, f Filter) ([]Counter, error) {
	return s.p.Store.Count(ctx, f, s.now())
}

// Nearby is a case that may tell of the same problem.
type Nearby struct {
	Case
	Metres float64
}

// Tidy keeps searches for words fast; it changes nothing that they find.
func (s *Service) Tidy(ctx context.Context) error { return s.p.Store.Tidy(ctx) }

// Duplicates lists the cases of the same kind that were reported near in place
// and time, the nearest first; number, if any, is left out.
func (s *Service) Duplicates(ctx context.Context, kind catalog.Kind, at grid.Point, number string) ([]Nearby, error) {
	d := s.p.Workflow.Duplicates
	now := s.now()
	since := now.Add(-time.Duration(d.Hours) * time.Hour)
	dLat := float64(d.Metres) / metresPerDegree
	dLon := dLat / math.Cos(at.Lat*math.Pi/180)
	list, err := s.p.Store.Near(ctx, kind, s.p.Calendar.Day(since),
		grid.Point{Lon: at.Lon - dLon, Lat: at.Lat - dLat}, grid.Point{Lon: at.Lon + dLon, Lat: at.Lat + dLat})
	if err != nil {
		return nil, err
	}
	var out []Nearby
	for _, c := range list {
		m := metres(at, c.Place)
		if c.Number == number || m > float64(d.Metres) || c.ReportedAt.Before(since) {
			continue
		}
		at := len(out)
		for at > 0 && out[at-1].Metres > m {
			at--
		}
		out = append(out[:at], append([]Nearby{{c, m}}, out[at:]...)...)
	}
	return out, nil
}

// metresPerDegree of latitude on a sphere of the Earth's mean radius.
const metresPerDegree = 6371008.8 * math.Pi / 180

// metres is the distance of two near places.
func metres(a, b grid.Point) float64 {
	dLat := (a.Lat - b.Lat) * metresPerDegree
	dLon := (a.Lon - b.Lon) * metresPerDegree * math.Cos((a.Lat+b.Lat)/2*math.Pi/180)
	return math.Hypot(dLat, dLon)
}
