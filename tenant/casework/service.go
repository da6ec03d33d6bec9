package casework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"wangge/internal/errs"
	"wangge/tenant/calendar"
	"wangge/tenant/catalog"
	"wangge/tenant/grid"
	"wangge/tenant/org"
	"wangge/tenant/usage"
)

// Change is one case moved by one step.
type Change struct {
	Case *Case
	Step Step
	Use  *usage.Entry // what is billed for it, nil for nothing
}

// Store keeps the cases and the journal of one city.
type Store interface {
	// Open adds a case and its first step under the next number of a day, and
	// sets number, ID and what seal gives for the number (nil: nothing to seal).
	// A failure gives the number back, so numbers have no gaps. ErrKeyReused
	// when the step's key is taken.
	Open(ctx context.Context, day string, c *Case, step *Step, seal func(number string) ([]byte, error)) error
	// Save writes all changes or none: ErrStale when somebody changed one of the
	// cases since it was read, ErrKeyReused when a step's key is taken.
	Save(ctx context.Context, changes ...Change) error
	Case(ctx context.Context, number string) (*Case, error)
	// Current is Case for whoever is about to change it.
	Current(ctx context.Context, number string) (*Case, error)
	Steps(ctx context.Context, number string) ([]Step, error)
	StepByKey(ctx context.Context, key string) (s Step, found bool, err error)
	Cases(ctx context.Context, f Filter) ([]Case, error)
	Count(ctx context.Context, f Filter, now time.Time) ([]Counter, error)
	// Near lists the cases of a kind reported since a day within a box.
	Near(ctx context.Context, kind catalog.Kind, sinceDay string, southWest, northEast grid.Point) ([]Case, error)
	// Tally counts the steps of an action since an instant, and the cases filed.
	Tally(ctx context.Context, a Action, since time.Time) (done, filed int, err error)
	// OpenChildren counts the cases of a parent on which work is still due.
	OpenChildren(ctx context.Context, parent string) (int, error)
	// Alarms lists the cases whose next alarm, or whose rest, has run out.
	Alarms(ctx context.Context, now time.Time, limit int) ([]Case, error)
	// NextAlarm is the instant from which Alarms has something to list, zero when
	// there is none.
	NextAlarm(ctx context.Context) (time.Time, error)
	// Tidy joins what the index of words is made of, so that a search looks in
	// fewer places. It lets commands through between its steps.
	Tidy(ctx context.Context) error
}

// Catalogue tells the filing conditions of the city.
type Catalogue interface {
	Condition(ctx context.Context, code string) (catalog.Condition, error)
}

// Locator tells which unit grid a place lies in, and of which version of the
// grids it is; ok is false outside all grids.
type Locator interface {
	Locate(ctx context.Context, p grid.Point) (code grid.Code, version int64, ok bool, err error)
}

// Organisation tells the units of the city.
type Organisation interface {
	Department(ctx context.Context, code string) (org.Department, error)
	// Receiver returns a unit that a case may be dispatched to today.
	Receiver(ctx context.Context, code string) (org.Department, error)
}

// Duty tells the accounts of the supervisors on duty in a unit grid.
type Duty interface {
	OnDuty(ctx context.Context, unit grid.Code, at time.Time) ([]int64, error)
}

// Register tells the managed parts of the city.
type Register interface {
	// HasPart says whether the register holds a part.
	HasPart(ctx context.Context, id string) (bool, error)
}

// Evidence tells what pictures, sound and film a case has.
type Evidence interface {
	Has(ctx context.Context, number string, since time.Time) (bool, error)
}

// Sealer seals personal data under the city's key.
type Sealer interface {
	Seal(plaintext, context []byte) ([]byte, error)
	Open(sealed, context []byte) ([]byte, error)
}

// Parts are what a Service is made of.
type Parts struct {
	City         string // the city's own code, which no case is transferred to
	Store        Store
	Catalogue    Catalogue
	Grids        Locator
	Organisation Organisation
	Duty         Duty
	Register     Register
	Evidence     Evidence
	Calendar     *calendar.Calendar
	Workflow     Workflow
	Sealer       Sealer
	Now          func() time.Time
}

// Service runs the casework of one city.
type Service struct {
	p     Parts
	rules Rules
}

// NewService returns the casework made of p; every part is needed.
func NewService(p Parts) *Service { return &Service{p, Rules{p.Workflow, p.Calendar}} }

// WithoutEvidence is the same casework for a trial, whose work is not real and
// has nothing to show.
func (s *Service) WithoutEvidence() *Service {
	p := s.p
	p.Workflow.RequireEvidence = false
	return NewService(p)
}

// Workflow is how the city has set up its work.
func (s *Service) Workflow() Workflow { return s.p.Workflow }

// Reporter is the person outside the centre who reported. It is sealed at rest.
type Reporter struct {
	Name  string `json:"name"`
	Phone string `json:"phone"`
}

// ReportInput is a new report.
type ReportInput struct {
	By          Actor
	Key         string
	Channel     Channel
	Condition   string
	Part        string // id of the part it concerns, "" for none
	Description string
	Address     string
	Place       grid.Point
	Reporter    Reporter
	Elsewhere   string // city and number it was transferred from, "" for none
}

const (
	maxText = 2000 // characters of a description or a note
	maxName = 50
)

// Report opens a case. The place must lie in a unit grid of the city.
func (s *Service) Report(ctx context.Context, in ReportInput) (*Case, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	condition, err := s.p.Catalogue.Condition(ctx, in.Condition)
	if err != nil {
		return nil, err
	}
	now := s.now()
	if day := s.p.Calendar.Day(now); !condition.InForce(day) {
		return nil, catalog.ErrNotInForce.With(condition.Code)
	}
	if in.Part != "" {
		if known, err := s.p.Register.HasPart(ctx, in.Part); err != nil {
			return nil, err
		} else if !known {
			return nil, errs.Field("part", "部件不在普查库中："+in.Part, "the part is not in the register: "+in.Part)
		}
	}
	code, set, inside, err := s.p.Grids.Locate(ctx, in.Place)
	if err != nil {
		return nil, err
	}
	if !inside {
		return nil, ErrOutside
	}
	c := &Case{
		Channel: in.Channel, Condition: condition.Code, KindVersion: condition.Kind.Version, Sort: condition.Kind.Sort, Kind: condition.Kind.Code, Part: in.Part,
		Description: in.Description, Address: in.Address, Place: in.Place, Grid: code, GridSet: set, Elsewhere: in.Elsewhere,
	}
	step, err := c.Apply(ActionReport, in.By, now, s.rules, Order{})
	if err != nil {
		return nil, err
	}
	step.RequestKey = in.Key
	d := &step.Detail
	d.Channel, d.KindVersion, d.Sort, d.Kind, d.Grid, d.GridSet, d.Part, d.City = c.Channel, c.KindVersion, c.Sort, c.Kind, c.Grid.String(), set, c.Part, c.Elsewhere
	var seal func(string) ([]byte, error)
	if in.Reporter != (Reporter{}) {
		seal = func(number string) ([]byte, error) { return s.seal(in.Reporter, number) }
	}
	if err := s.p.Store.Open(ctx, s.p.Calendar.Day(now), c, &step, seal); err != nil {
		return s.replay(ctx, err, ActionReport, Command{Key: in.Key, By: in.By})
	}
	return c, nil
}

// now is the time of a command, as exact as it is stored.
func (s *Service) now() time.Time { return s.p.Now().UTC().Truncate(time.Microsecond) }

func (in ReportInput) check() error {
	var faults []errs.Problem
	fault := func(field, zh, en string) {
		faults = append(faults, errs.Problem{Field: field, Zh: zh, En: en})
	}
	switch in.Channel {
	case ChannelSupervisor, ChannelCitizen, ChannelHotline, ChannelTransfer:
	default:
		fault("channel", "来源未知："+string(in.Channel), "unknown channel: "+string(in.Channel))
	}
	if strings.TrimSpace(in.Description) == "" {
		fault("description", "问题描述为空", "the description is empty")
	}
	for field, text := range map[string]string{"description": in.Description, "address": in.Address} {
		if strings.ContainsRune(text, 0) {
			fault(field, "含有空字符", "holds a NUL character")
		}
		if utf8.RuneCountInString(text) > maxText {
			fault(field, fmt.Sprintf("超过 %d 个字", maxText), fmt.Sprintf("longer than %d characters", maxText))
		}
	}
	for field, text := range map[string]string{"reporter.name": in.Reporter.Name, "reporter.phone": in.Reporter.Phone} {
		if utf8.RuneCountInString(text) > maxName {
			fault(field, fmt.Sprintf("超过 %d 个字", maxName), fmt.Sprintf("longer than %d characters", maxName))
		}
	}
	return errs.Problems(faults...)
}

func (s *Service) seal(r Reporter, number string) ([]byte, error) {
	plain, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return s.p.Sealer.Seal(plain, []byte(number))
}

// Contact opens the sealed reporter of a case; the zero Reporter when it has none.
func (s *Service) Contact(ctx context.Context, number string) (Reporter, error) {
	c, err := s.p.Store.Case(ctx, number)
	if err != nil || c.Reporter == nil {
		return Reporter{}, err
	}
	plain, err := s.p.Sealer.Open(c.Reporter, []byte(c.Number))
	if err != nil {
		return Reporter{}, fmt.Errorf("reporter of case %s: %w", number, err)
	}
	var r Reporter
	return r, json.Unmarshal(plain, &r)
}

// Command is a command on a case; of the arguments each action reads its own.
type Command struct {
	Number  string   // the case
	By      Actor    // the person, in one of its posts
	Also    []string // the other departments in which the person holds that post
	Note    string
	Key     string // Idempotency-Key, "" for none
	Version int64  // the version the person saw; 0 takes the newest

	Department string         // dispatch, arbitrate: who must handle it
	Assistants []string       // dispatch, arbitrate: who must help
	Command    string         // forward: the district's command centre
	Extra      calendar.Limit // extend: how much longer
	Until      time.Time      // suspend: until when
	Other      string         // merge, attach: the other case; transfer_accepted: its number there
	City       string         // transfer: the other city
}

// attempts is how often a command that does not insist on a version is tried
// again after somebody else was faster.
const attempts = 8

// Do gives a command: it loads the case, applies the rules and saves case, step
// and what is billed together. A command repeated under its key answers with
// the case and changes nothing.
func (s *Service) Do(ctx context.Context, a Action, in Command) (*Case, error) {
	if err := in.check(a); err != nil {
		return nil, err
	}
	var c *Case
	var err error
	for range attempts {
		c, err = s.attempt(ctx, a, in)
		if !errors.Is(err, ErrStale) || in.Version != 0 {
			break
		}
	}
	if err != nil {
		return s.replay(ctx, err, a, in)
	}
	return c, nil
}

func (in Command) check(a Action) error {
	if utf8.RuneCountInString(in.Note) > maxText {
		return errs.Field("note", fmt.Sprintf("超过 %d 个字", maxText), fmt.Sprintf("longer than %d characters", maxText))
	}
	if strings.ContainsRune(in.Note, 0) {
		return errs.Field("note", "含有空字符", "holds a NUL character")
	}
	if a.NeedsReason() && strings.TrimSpace(in.Note) == "" {
		return errs.Field("note", "须说明理由", "a reason is needed")
	}
	return nil
}

func (s *Service) attempt(ctx context.Context, a Action, in Command) (*Case, error) {
	c, err := s.p.Store.Current(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	if in.Version != 0 && in.Version != c.Version {
		return nil, ErrStale
	}
	now := s.now()
	if last := c.EnteredAt; now.Before(last) { // clocks of two servers, or two commands at once
		now = last
	}
	if _, err := c.next(a, s.rules, now); err != nil {
		return nil, err
	}
	by := in.as(c, a)
	order, err := s.prepare(ctx, a, c, in, by, now)
	if err != nil {
		return nil, err
	}
	step, err := c.Apply(a, by, now, s.rules, order)
	if err != nil {
		return nil, err
	}
	step.Note, step.RequestKey = in.Note, in.Key
	change := Change{Case: c, Step: step}
	if a == ActionFile {
		change.Use = &usage.Entry{Metric: usage.CaseFiled, Quantity: 1, At: c.FiledAt, Ref: c.Number}
	}
	changes := []Change{change}
	if other, err := s.counterpart(ctx, a, in, by, now); err != nil {
		return nil, err
	} else if other != nil {
		changes = append(changes, *other)
	}
	if err := s.p.Store.Save(ctx, changes...); err != nil {
		return nil, err
	}
	return c, nil
}

// as is the actor in the department that the case concerns, when the person
// holds the post in several.
func (in Command) as(c *Case, a Action) Actor {
	by := in.By
	fits := func(d string) bool {
		switch {
		case a == ActionAssist:
			return c.assistant(d) >= 0
		case a.byCommand():
			return c.Command != "" && d == c.Command
		default:
			return d == c.Department
		}
	}
	if !fits(by.Department) {
		if i := slices.IndexFunc(in.Also, fits); i >= 0 {
			by.Department = in.Also[i]
		}
	}
	return by
}

// replay answers a command that failed with err by what its twin of the same
// key has done before, if there was one.
func (s *Service) replay(ctx context.Context, err error, a Action, in Command) (*Case, error) {
	if in.Key == "" || errs.KindOf(err) == errs.Internal {
		return nil, err
	}
	step, found, lookup := s.p.Store.StepByKey(ctx, in.Key)
	switch {
	case lookup != nil:
		return nil, lookup
	case !found:
		return nil, err
	case step.Action != a || step.By.Account != in.By.Account || in.Number != "" && step.Number != in.Number:
		return nil, ErrKeyReused
	}
	return s.p.Store.Case(ctx, step.Number)
}

// Case returns one case, ErrNoCase when there is none.
func (s *Service) Case(ctx context.Context, number string) (*Case, error) {
	return s.p.Store.Case(ctx, number)
}

// Exists says whether there is a case of this number.
func (s *Service) Exists(ctx context.Context, number string) (bool, error) {
	_, err := s.p.Store.Case(ctx, number)
	if errors.Is(err, ErrNoCase) {
		return false, nil
	}
	return err == nil, err
}

// Overdue says whether the present stage of a case is past its time.
func (s *Service) Overdue(c *Case) bool {
	return c.Stage.Open() && !c.StageDue.IsZero() && s.now().After(c.StageDue)
}

// May lists what the workflow allows a case now.
func (s *Service) May(c *Case) []Action { return c.May(s.rules, s.now()) }

// Steps returns the journal of one case in order.
func (s *Service) Steps(ctx context.Context, number string) ([]Step, error) {
	if _, err := s.p.Store.Case(ctx, number); err != nil {
		return nil, err
	}
	return s.p.Store.Steps(ctx, number)
}
