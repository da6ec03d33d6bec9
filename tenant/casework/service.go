package casework

import (
	"context"
	"encoding/json"
	"fmt"
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

// Store keeps the cases and the journal of one city.
type Store interface {
	InTx(ctx context.Context, fn func(Store) error) error
	// NextNumber takes the next case number of a day; a rolled-back
	// transaction gives it back, so numbers have no gaps.
	NextNumber(ctx context.Context, day string) (string, error)
	AddCase(ctx context.Context, c *Case) error // sets c.ID
	Case(ctx context.Context, number string) (*Case, error)
	SaveCase(ctx context.Context, c *Case) error // ErrStale when somebody was faster
	AddStep(ctx context.Context, s Step) error   // ErrKeyReused when the key is taken
	AddUsage(ctx context.Context, e usage.Entry) error
	StepByKey(ctx context.Context, key string) (s Step, found bool, err error)
	Cases(ctx context.Context, f Filter) ([]Case, error)
	Steps(ctx context.Context, number string) ([]Step, error)
}

// Filter selects cases in order of age; After is the ID of the last one seen.
type Filter struct {
	Stage      Stage
	Department string
	After      int64
	Limit      int
}

// Catalogue tells the filing conditions of the city.
type Catalogue interface {
	Condition(ctx context.Context, code string) (catalog.Condition, error)
}

// Locator tells which unit grid a place lies in; ok is false outside all grids.
type Locator interface {
	Locate(ctx context.Context, p grid.Point) (code grid.Code, ok bool, err error)
}

// Departments tells the units of the city.
type Departments interface {
	Department(ctx context.Context, code string) (org.Department, error)
}

// Sealer seals personal data under the city's key.
type Sealer interface {
	Seal(plaintext, context []byte) ([]byte, error)
	Open(sealed, context []byte) ([]byte, error)
}

// Limits are the process limits that are not in a filing condition. National
// values are unknown (see the field's notes), so they are the city's settings.
type Limits struct {
	File  calendar.Limit // from report to filing
	Close calendar.Limit // from the end of the handling limit to closing
}

// Parts are what a Service is made of.
type Parts struct {
	Store       Store
	Catalogue   Catalogue
	Grids       Locator
	Departments Departments
	Calendar    *calendar.Calendar
	Limits      Limits
	Sealer      Sealer
	Now         func() time.Time
}

// Service runs the casework of one city.
type Service struct{ p Parts }

// NewService returns the casework made of p; every part is needed.
func NewService(p Parts) *Service { return &Service{p} }

// Reporter is the person outside the centre who reported. It is sealed at rest.
type Reporter struct {
	Name  string `json:"name"`
	Phone string `json:"phone"`
}

// Command is what every command on a case carries.
type Command struct {
	Number  string // the case
	By      Actor
	Note    string
	Key     string // Idempotency-Key, "" for none
	Version int64  // the version the person saw; 0 takes the newest
}

// ReportInput is a new report.
type ReportInput struct {
	By          Actor
	Key         string
	Channel     Channel
	Condition   string
	Description string
	Address     string
	Place       grid.Point
	Reporter    Reporter
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
	code, inside, err := s.p.Grids.Locate(ctx, in.Place)
	if err != nil {
		return nil, err
	}
	if !inside {
		return nil, ErrOutside
	}
	now := s.now()
	draft := Case{
		Channel: in.Channel, Condition: condition.Code, KindVersion: condition.Kind.Version, Kind: condition.Kind.Code,
		Description: in.Description, Address: in.Address, Place: in.Place, Grid: code,
	}
	var c *Case
	err = s.inTx(ctx, in.Key, func(store Store) (err error) {
		if c, err = replayed(ctx, store, in.Key, ActionReport, "", in.By); c != nil || err != nil {
			return err
		}
		fresh := draft
		c = &fresh
		if c.Number, err = store.NextNumber(ctx, s.p.Calendar.Day(now)); err != nil {
			return err
		}
		if c.Reporter, err = s.seal(in.Reporter, c.Number); err != nil {
			return err
		}
		step, err := c.Apply(ActionReport, in.By, now)
		if err != nil {
			return err
		}
		due := s.p.Calendar.Deadline(now, s.p.Limits.File)
		step.RequestKey = in.Key
		step.Detail = Detail{Channel: c.Channel, KindVersion: c.KindVersion, Kind: c.Kind, Grid: c.Grid.String(), FileDue: &due}
		if err := store.AddCase(ctx, c); err != nil {
			return err
		}
		step.Case = c.ID
		return store.AddStep(ctx, step)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// now is the time of a command, as exact as it is stored.
func (s *Service) now() time.Time { return s.p.Now().UTC().Truncate(time.Microsecond) }

// inTx runs fn in a transaction. When a command with a key meets a conflict, it
// may have met its own twin, sent at the same moment: it looks once more, and
// then finds what the twin has done.
func (s *Service) inTx(ctx context.Context, key string, fn func(Store) error) error {
	err := s.p.Store.InTx(ctx, fn)
	if key != "" && errs.KindOf(err) == errs.Conflict {
		return s.p.Store.InTx(ctx, fn)
	}
	return err
}

func (in ReportInput) check() error {
	var faults []errs.Problem
	fault := func(field, zh, en string) {
		faults = append(faults, errs.Problem{Field: field, Zh: zh, En: en})
	}
	switch in.Channel {
	case ChannelSupervisor, ChannelCitizen, ChannelHotline:
	default:
		fault("channel", "来源未知："+string(in.Channel), "unknown channel: "+string(in.Channel))
	}
	if strings.TrimSpace(in.Description) == "" {
		fault("description", "问题描述为空", "the description is empty")
	}
	for field, text := range map[string]string{"description": in.Description, "address": in.Address} {
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
	if r == (Reporter{}) {
		return nil, nil
	}
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

// File accepts a report as a case and records the usage that is billed.
func (s *Service) File(ctx context.Context, in Command) (*Case, error) {
	return s.do(ctx, ActionFile, in, nil)
}

// Decline refuses to file; the note must say why.
func (s *Service) Decline(ctx context.Context, in Command) (*Case, error) {
	if err := needNote(in); err != nil {
		return nil, err
	}
	return s.do(ctx, ActionDecline, in, nil)
}

// Dispatch hands a filed case to a department. The handling clock starts here
// and runs for the limit of the case's filing condition.
func (s *Service) Dispatch(ctx context.Context, in Command, department string) (*Case, error) {
	d, err := s.p.Departments.Department(ctx, department)
	if err != nil {
		return nil, err
	}
	if !d.Kind.Handles() {
		return nil, errs.Field("department", "案卷只能派遣给专业部门或责任单位", "cases are dispatched to departments and responsible units only")
	}
	c, err := s.p.Store.Case(ctx, in.Number) // read ahead: what a case is never changes
	if err != nil {
		return nil, err
	}
	condition, err := s.p.Catalogue.Condition(ctx, c.Condition)
	if err != nil {
		return nil, err
	}
	return s.do(ctx, ActionDispatch, in, func(c *Case, step *Step) {
		c.Department = d.Code
		c.Due = s.p.Calendar.Deadline(c.DispatchedAt, condition.Limit)
		c.CloseDue = s.p.Calendar.Deadline(c.Due, s.p.Limits.Close)
		step.Detail = Detail{Department: c.Department, Due: &c.Due, CloseDue: &c.CloseDue}
	})
}

// Handle feeds back that the department has done the work.
func (s *Service) Handle(ctx context.Context, in Command) (*Case, error) {
	return s.do(ctx, ActionHandle, in, nil)
}

// Verify passes the result after a check on site by another person.
func (s *Service) Verify(ctx context.Context, in Command) (*Case, error) {
	return s.do(ctx, ActionVerify, in, nil)
}

// Rework sends poor work back to the same department; the note must say why.
func (s *Service) Rework(ctx context.Context, in Command) (*Case, error) {
	if err := needNote(in); err != nil {
		return nil, err
	}
	return s.do(ctx, ActionRework, in, nil)
}

// Close ends a verified case.
func (s *Service) Close(ctx context.Context, in Command) (*Case, error) {
	return s.do(ctx, ActionClose, in, nil)
}

func needNote(in Command) error {
	if strings.TrimSpace(in.Note) == "" {
		return errs.Field("note", "须说明理由", "a reason is needed")
	}
	return nil
}

// do loads, applies, lets fix add what the action fixes, and saves: in one
// transaction, with the step that records it and the use that is billed.
func (s *Service) do(ctx context.Context, a Action, in Command, fix func(*Case, *Step)) (*Case, error) {
	if utf8.RuneCountInString(in.Note) > maxText {
		return nil, errs.Field("note", fmt.Sprintf("超过 %d 个字", maxText), fmt.Sprintf("longer than %d characters", maxText))
	}
	now := s.now()
	var c *Case
	err := s.inTx(ctx, in.Key, func(store Store) (err error) {
		if c, err = replayed(ctx, store, in.Key, a, in.Number, in.By); c != nil || err != nil {
			return err
		}
		if c, err = store.Case(ctx, in.Number); err != nil {
			return err
		}
		if in.Version != 0 && in.Version != c.Version {
			return ErrStale
		}
		step, err := c.Apply(a, in.By, now)
		if err != nil {
			return err
		}
		step.Note, step.RequestKey = in.Note, in.Key
		if fix != nil {
			fix(c, &step)
		}
		if err := store.SaveCase(ctx, c); err != nil {
			return err
		}
		if a == ActionFile {
			use := usage.Entry{Metric: usage.CaseFiled, Quantity: 1, At: c.FiledAt, Ref: c.Number}
			if err := store.AddUsage(ctx, use); err != nil {
				return err
			}
		}
		return store.AddStep(ctx, step)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// replayed returns the case that a command with this key already changed, nil
// when the key is new, and ErrKeyReused when it belongs to another command or
// to somebody else's.
func replayed(ctx context.Context, store Store, key string, a Action, number string, by Actor) (*Case, error) {
	if key == "" {
		return nil, nil
	}
	step, found, err := store.StepByKey(ctx, key)
	if err != nil || !found {
		return nil, err
	}
	if step.Action != a || step.By.Account != by.Account || (number != "" && step.Number != number) {
		return nil, ErrKeyReused
	}
	return store.Case(ctx, step.Number)
}

// Case returns one case, ErrNoCase when there is none.
func (s *Service) Case(ctx context.Context, number string) (*Case, error) {
	return s.p.Store.Case(ctx, number)
}

// MaxPage is the longest page of Cases.
const MaxPage = 200

// Cases lists cases in order of age, at most MaxPage at once.
func (s *Service) Cases(ctx context.Context, f Filter) ([]Case, error) {
	if f.Limit <= 0 || f.Limit > MaxPage {
		f.Limit = MaxPage
	}
	return s.p.Store.Cases(ctx, f)
}

// Steps returns the journal of one case in order.
func (s *Service) Steps(ctx context.Context, number string) ([]Step, error) {
	if _, err := s.p.Store.Case(ctx, number); err != nil {
		return nil, err
	}
	return s.p.Store.Steps(ctx, number)
}
