package catalog

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/calendar"
)

// Overlay is an edition of the province's filing conditions as a city received
// it. It stands beside the city's own, which it does not change until the city
// adopts it.
type Overlay struct {
	Edition    string // the province's name for it: 2026-1
	Version    Version
	SHA256     string // of the file, in hex
	At         time.Time
	By         int64
	Conditions []Condition // Code and Line are the province's
}

// OverlayInput is a province's file: CSV in UTF-8 with the columns of an import,
// and the SHA-256 the province gave beside it.
type OverlayInput struct {
	Edition string
	Version Version
	SHA256  string
	Body    []byte
	By      int64
}

// Errors of overlays.
var (
	ErrSum       = errs.New(errs.Invalid, "overlay_sum", "文件与所给 SHA-256 不符", "the file does not have the SHA-256 given")
	ErrEdition   = errs.New(errs.Conflict, "overlay_edition", "已有同名但内容不同的省级目录：%s", "there is an edition of this name with other content: %s")
	ErrNoOverlay = errs.New(errs.NotFound, "no_overlay", "尚未收到省级目录", "no edition of the province's set was received yet")
	ErrOtherBase = errs.New(errs.Conflict, "overlay_version", "省级目录采用 %s，本市采用 %s，无法比对", "the province's set is of %s, the city is on %s; they can't be compared")
)

// SetOverlay keeps an edition of the province's set as the newest. The same file
// again changes nothing; every fault is named with its row.
func (s *Service) SetOverlay(ctx context.Context, in OverlayInput) (Overlay, error) {
	sum := sha256.Sum256(in.Body)
	o := Overlay{Edition: strings.TrimSpace(in.Edition), Version: in.Version, SHA256: hex.EncodeToString(sum[:]), At: s.now(), By: in.By}
	if subtle.ConstantTimeCompare([]byte(o.SHA256), []byte(strings.ToLower(in.SHA256))) != 1 {
		return Overlay{}, ErrSum
	}
	if o.Edition == "" || len(o.Edition) > maxCode {
		return Overlay{}, errs.Field("edition", "版次为空或过长", "the edition is empty or too long")
	}
	held, err := s.store.Overlay(ctx)
	if err != nil {
		return Overlay{}, err
	}
	if held != nil && held.Edition == o.Edition {
		if held.SHA256 != o.SHA256 {
			return Overlay{}, ErrEdition.With(o.Edition)
		}
		return *held, nil
	}
	f := &faults{file: "body"}
	if in.Version.Layout() == (Layout{}) {
		return Overlay{}, ErrNoVersion.With(string(in.Version))
	}
	for _, d := range readSheet(f, calendar.CSV(bytes.NewReader(in.Body)), in.Version, in.Version.Kinds()) {
		d.cond.Origin = Provincial
		o.Conditions = append(o.Conditions, d.cond)
	}
	if err := f.err(); err != nil {
		return Overlay{}, err
	}
	st, err := s.store.State(ctx)
	if err != nil {
		return Overlay{}, err
	}
	if err := s.store.Apply(ctx, Change{Revision: st.Revision, Overlay: &o}); err != nil {
		return Overlay{}, fmt.Errorf("overlay %s: %w", o.Edition, err)
	}
	return o, nil
}

// AdoptOverlay takes the newest edition over: what the city lacks begins, what
// it has otherwise is revised, both from tomorrow and with origin province; what
// the city has beside stays. A rehearsal only says so.
func (s *Service) AdoptOverlay(ctx context.Context, rehearse bool) (ImportReport, error) {
	st, err := s.settled(ctx)
	if err != nil {
		return ImportReport{}, err
	}
	o, err := s.overlay(ctx, st)
	if err != nil {
		return ImportReport{}, err
	}
	f := &faults{file: o.Edition}
	pairs := match(inForce(st, st.today), o.Conditions)
	var drafts []draft
	for i, p := range pairs {
		if p.province == nil {
			continue
		}
		d := draft{row: i + 1, cond: *p.province, given: map[string]bool{"closing": true, "area_class": true}}
		d.cond.Since, d.cond.Until = st.tomorrow, ""
		if p.city != nil {
			d.cond.Code, d.cond.Line = p.city.Line, p.city.Line
		}
		drafts = append(drafts, d)
	}
	return s.take(ctx, st, f, drafts, Provincial, rehearse)
}

// overlay is the newest edition if it can be held against the city's catalogue.
func (s *Service) overlay(ctx context.Context, st snapshot) (*Overlay, error) {
	o, err := s.store.Overlay(ctx)
	switch {
	case err != nil:
		return nil, err
	case o == nil:
		return nil, ErrNoOverlay
	case o.Version != st.version:
		return nil, ErrOtherBase.With(string(o.Version), string(st.version))
	}
	return o, nil
}

func inForce(st snapshot, day string) []Condition {
	return slices.DeleteFunc(slices.Clone(st.Conditions), func(c Condition) bool {
		return c.Kind.Version != string(st.version) || !c.InForce(day)
	})
}

// How a city differs from its province.
const (
	DriftMissing = "missing" // the province has it, the city does not
	DriftAdded   = "added"   // the city has it beside the province's
	DriftLonger  = "limit_longer"
	DriftShorter = "limit_shorter"
	DriftUnit    = "limit_unit" // urgent against working time: neither longer nor shorter
	DriftKind    = "kind"
	DriftFiling  = "filing"
	DriftClosing = "closing"
	DriftArea    = "area_class"
)

// Difference is one point in which a city differs; City or Province is "" where
// that side has nothing.
type Difference struct {
	Line           string // the city's code, the province's where the city has none
	Kind           Kind
	What           string
	City, Province string
}

// Drift is where a city's conditions in force today differ from the province's.
type Drift struct {
	Edition     string
	Version     Version
	SHA256      string
	At          time.Time // when the edition came
	Same        int       // conditions that agree in all
	Differences []Difference
}

// Drift holds the city's conditions in force today against the newest edition
// of the province's set. Two conditions belong together by their code, else by
// kind, area class and words.
func (s *Service) Drift(ctx context.Context) (Drift, error) {
	st, err := s.look(ctx)
	if err != nil {
		return Drift{}, err
	}
	o, err := s.overlay(ctx, st)
	if err != nil {
		return Drift{}, err
	}
	out := Drift{Edition: o.Edition, Version: o.Version, SHA256: o.SHA256, At: o.At}
	for _, p := range match(inForce(st, st.today), o.Conditions) {
		found := p.differences(s.calendar)
		if len(found) == 0 {
			out.Same++
		}
		out.Differences = append(out.Differences, found...)
	}
	return out, nil
}

// pair is a condition of the city and the province's that belongs to it.
type pair struct{ city, province *Condition }

// match finds what belongs together, in the order of kinds and codes.
func match(city, province []Condition) []pair {
	taken := map[string]bool{} // lines of the city
	byLine, bySense := map[string]*Condition{}, map[string]*Condition{}
	for i, c := range city {
		byLine[c.Line], bySense[sense(c)] = &city[i], &city[i]
	}
	var out []pair
	for i, p := range province {
		if c := byLine[p.Line]; c != nil {
			taken[c.Line] = true
			out = append(out, pair{c, &province[i]})
		}
	}
	for i, p := range province {
		if byLine[p.Line] != nil {
			continue
		}
		c := bySense[sense(p)]
		if c != nil && taken[c.Line] {
			c = nil
		}
		if c != nil {
			taken[c.Line] = true
		}
		out = append(out, pair{c, &province[i]})
	}
	for i, c := range city {
		if !taken[c.Line] {
			out = append(out, pair{&city[i], nil})
		}
	}
	slices.SortStableFunc(out, func(a, b pair) int {
		x, y := a.either(), b.either()
		return cmp.Or(-cmp.Compare(x.Kind.Sort, y.Kind.Sort), cmp.Compare(x.Kind.Code, y.Kind.Code), cmp.Compare(x.Line, y.Line))
	})
	return out
}

func sense(c Condition) string {
	return string(c.Kind.Sort) + c.Kind.Code + " " + c.AreaClass + " " + strings.TrimRight(c.Filing, "。；;. ")
}

func (p pair) either() *Condition {
	if p.city != nil {
		return p.city
	}
	return p.province
}

func (p pair) differences(cal *calendar.Calendar) (out []Difference) {
	c := p.either()
	add := func(what, city, province string) {
		out = append(out, Difference{c.Line, c.Kind, what, city, province})
	}
	switch {
	case p.city == nil:
		add(DriftMissing, "", p.province.Filing)
		return out
	case p.province == nil:
		add(DriftAdded, p.city.Filing, "")
		return out
	}
	if p.city.Limit != p.province.Limit {
		add(compareLimits(cal, p.city.Limit, p.province.Limit), written(p.city.Limit), written(p.province.Limit))
	}
	for _, f := range []struct{ what, city, province string }{
		{DriftKind, string(p.city.Kind.Sort) + " " + p.city.Kind.Code, string(p.province.Kind.Sort) + " " + p.province.Kind.Code},
		{DriftFiling, p.city.Filing, p.province.Filing},
		{DriftClosing, p.city.Closing, p.province.Closing},
		{DriftArea, p.city.AreaClass, p.province.AreaClass},
	} {
		if f.city != f.province {
			add(f.what, f.city, f.province)
		}
	}
	return out
}

// written is a limit as text: 4 work_hour.
func written(l calendar.Limit) string { return fmt.Sprintf("%d %s", l.Value, l.Unit) }

// compareLimits says whether the city's limit is longer than the province's. A
// working day counts as many working hours as the city works on an ordinary
// day; urgent time and working time can't be compared.
func compareLimits(cal *calendar.Calendar, city, province calendar.Limit) string {
	urgent := func(l calendar.Limit) bool { return l.Unit == calendar.UrgentHour }
	if urgent(city) != urgent(province) {
		return DriftUnit
	}
	a, b := cal.Ordinary(city), cal.Ordinary(province)
	switch {
	case a > b:
		return DriftLonger
	case a < b:
		return DriftShorter
	}
	return DriftUnit
}
