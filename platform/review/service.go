package review

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"wangge/internal/errs"
	"wangge/platform/exchange"
	"wangge/platform/seal"
)

// State is where a review stands: running, or its outcome.
type State string

// UnderReview is a running review; a concluded one has its Outcome as state.
const UnderReview State = "under_review"

// Review is one application of a city. Rubric and evidence are the sealed
// documents of the moment it applied; nothing that changes later touches them.
type Review struct {
	ID           int64
	City         string
	State        State
	Rubric       []byte
	RubricHash   string
	Evidence     []byte
	EvidenceHash string
	AppliedAt    time.Time
	ConcludedAt  time.Time // zero while running
	Verdict      []byte    // canonical JSON, nil while running; proved by concluding again
}

// Opened is a review with its documents read and proved.
type Opened struct {
	Review
	Rules    Rubric
	Facts    exchange.Evidence
	Decision Verdict // zero while running
}

// Open reads the sealed documents; one that was altered is ErrAltered of seal.
func (r Review) Open() (Opened, error) {
	o := Opened{Review: r}
	if err := seal.Open(r.Rubric, r.RubricHash, &o.Rules); err != nil {
		return Opened{}, fmt.Errorf("rubric of review %d: %w", r.ID, err)
	}
	if err := seal.Open(r.Evidence, r.EvidenceHash, &o.Facts); err != nil {
		return Opened{}, fmt.Errorf("evidence of review %d: %w", r.ID, err)
	}
	if r.State != UnderReview {
		if err := seal.Open(r.Verdict, seal.Hash(r.Verdict), &o.Decision); err != nil {
			return Opened{}, fmt.Errorf("verdict of review %d: %w", r.ID, err)
		}
	}
	return o, nil
}

// Store keeps the reviews of a province.
type Store interface {
	InTx(ctx context.Context, fn func(Store) error) error
	AddReview(ctx context.Context, r *Review) error // sets r.ID; ErrRunning, or platform.ErrNoCity
	// Review returns ErrNoReview for an unknown ID. Inside a transaction it keeps
	// others from changing the review until the end.
	Review(ctx context.Context, id int64) (Review, error)
	Reviews(ctx context.Context) ([]Review, error)      // newest first
	SaveConclusion(ctx context.Context, r Review) error // state, instant and verdict; ErrConcluded when it is no longer running
	AddScore(ctx context.Context, review int64, s ExpertScore) error
	Scores(ctx context.Context, review int64) ([]ExpertScore, error) // by item and expert
}

// What the service refuses.
var (
	ErrNoReview  = errs.New(errs.NotFound, "no_such_review", "没有这次验收评审", "no such review")
	ErrRunning   = errs.New(errs.Conflict, "review_running", "该市已有一次评审正在进行", "a review of this city is running already")
	ErrConcluded = errs.New(errs.Conflict, "review_concluded", "这次评审已经作出结论", "this review is concluded")
	ErrNoExpert  = errs.New(errs.Invalid, "no_such_expert", "没有这个专家账号", "no such expert account")
)

// maxRemark is the longest remark, in characters.
const maxRemark = 2000

// Service runs the reviews of one province under its current rubric.
type Service struct {
	store  Store
	rubric Rubric
	now    func() time.Time
}

// NewService takes new applications under rubric; running reviews keep theirs.
func NewService(store Store, rubric Rubric, now func() time.Time) *Service {
	return &Service{store, rubric, now}
}

// instant is now as the database keeps it.
func (s *Service) instant() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// Preview says what the evidence would bring today; nothing is written.
func (s *Service) Preview(e exchange.Evidence) (Rubric, Computed, error) {
	return s.rubric, Assess(s.rubric, e), e.Check()
}

// Apply opens a review of a city and seals its evidence and the current rubric.
func (s *Service) Apply(ctx context.Context, e exchange.Evidence) (Review, error) {
	if err := e.Check(); err != nil {
		return Review{}, err
	}
	e.AsOf = e.AsOf.UTC()
	r := Review{City: e.City, State: UnderReview, AppliedAt: s.instant()}
	var err error
	if r.Rubric, r.RubricHash, err = seal.Document(s.rubric); err != nil {
		return Review{}, err
	}
	if r.Evidence, r.EvidenceHash, err = seal.Document(e); err != nil {
		return Review{}, err
	}
	if err := s.store.AddReview(ctx, &r); err != nil {
		return Review{}, err
	}
	return r, nil
}

// Score records one expert's mark. It can't be given twice or taken back.
func (s *Service) Score(ctx context.Context, review int64, in ExpertScore) error {
	in.Remark, in.At = strings.TrimSpace(in.Remark), s.instant()
	if utf8.RuneCountInString(in.Remark) > maxRemark || !utf8.ValidString(in.Remark) || strings.ContainsRune(in.Remark, 0) {
		return errs.Field("remark", "评语须为文本，最长 2000 字", "a remark is text of at most 2000 characters")
	}
	return s.store.InTx(ctx, func(store Store) error {
		opened, err := running(ctx, store, review)
		if err != nil {
			return err
		}
		given, err := store.Scores(ctx, review)
		if err != nil {
			return err
		}
		if err := opened.Rules.accepts(in, given); err != nil {
			return err
		}
		return store.AddScore(ctx, review, in)
	})
}

// Scores returns the marks that a reader may see: only the reader's own until
// the review is concluded, all of them afterwards.
func (s *Service) Scores(ctx context.Context, review, reader int64) ([]ExpertScore, error) {
	r, err := s.store.Review(ctx, review)
	if err != nil {
		return nil, err
	}
	scores, err := s.store.Scores(ctx, review)
	if err != nil {
		return nil, err
	}
	if r.State == UnderReview {
		scores = slices.DeleteFunc(scores, func(x ExpertScore) bool { return x.Expert != reader })
	}
	return scores, nil
}

// Conclude ends a review with its verdict.
func (s *Service) Conclude(ctx context.Context, review int64) (opened Opened, err error) {
	err = s.store.InTx(ctx, func(store Store) error {
		if opened, err = running(ctx, store, review); err != nil {
			return err
		}
		if opened.Decision, err = verdict(ctx, store, opened); err != nil {
			return err
		}
		opened.State, opened.ConcludedAt = State(opened.Decision.Outcome), s.instant()
		if opened.Verdict, _, err = seal.Document(opened.Decision); err != nil {
			return err
		}
		return store.SaveConclusion(ctx, opened.Review)
	})
	if err != nil {
		return Opened{}, err
	}
	return opened, nil
}

// Review returns a review with its documents proved. The verdict of a concluded
// one must come out again from rubric, evidence and scores, else it is ErrAltered
// of seal.
func (s *Service) Review(ctx context.Context, id int64) (Opened, error) {
	r, err := s.store.Review(ctx, id)
	if err != nil {
		return Opened{}, err
	}
	opened, err := r.Open()
	if err != nil || r.State == UnderReview {
		return opened, err
	}
	again, err := verdict(ctx, s.store, opened)
	if err != nil {
		return Opened{}, err
	}
	if !reflect.DeepEqual(again, opened.Decision) || State(again.Outcome) != r.State {
		return Opened{}, fmt.Errorf("verdict of review %d: %w", id, seal.ErrAltered)
	}
	return opened, nil
}

// Reviews lists all reviews, newest first, without proving their documents.
func (s *Service) Reviews(ctx context.Context) ([]Review, error) { return s.store.Reviews(ctx) }

func running(ctx context.Context, store Store, id int64) (Opened, error) {
	r, err := store.Review(ctx, id)
	if err != nil {
		return Opened{}, err
	}
	if r.State != UnderReview {
		return Opened{}, ErrConcluded
	}
	return r.Open()
}

func verdict(ctx context.Context, store Store, o Opened) (Verdict, error) {
	scores, err := store.Scores(ctx, o.ID)
	if err != nil {
		return Verdict{}, err
	}
	return Conclude(o.Rules, Assess(o.Rules, o.Facts), scores)
}
