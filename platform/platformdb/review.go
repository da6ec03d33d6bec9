package platformdb

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/platform"
	"wangge/platform/review"
	"wangge/tenant/evaluation"
)

type reviews struct{ session }

type reviewRow struct {
	ID           int64 `gorm:"primaryKey"`
	City         string
	State        string
	Rubric       string
	RubricHash   string
	Evidence     string
	EvidenceHash string
	AppliedAt    gormx.Instant
	ConcludedAt  gormx.Instant
	Verdict      string
}

func (reviewRow) TableName() string { return "reviews" }

func (r reviewRow) domain() review.Review {
	out := review.Review{
		ID: r.ID, City: r.City, State: review.State(r.State),
		Rubric: []byte(r.Rubric), RubricHash: r.RubricHash, Evidence: []byte(r.Evidence), EvidenceHash: r.EvidenceHash,
		AppliedAt: r.AppliedAt.Time, ConcludedAt: r.ConcludedAt.Time,
	}
	if r.Verdict != "" {
		out.Verdict = []byte(r.Verdict)
	}
	return out
}

type scoreRow struct {
	ReviewID int64  `gorm:"primaryKey;autoIncrement:false"`
	Item     string `gorm:"primaryKey"`
	ExpertID int64  `gorm:"primaryKey;autoIncrement:false"`
	Points   int64
	Remark   string
	ScoredAt gormx.Instant
}

func (scoreRow) TableName() string { return "review_scores" }

func (s reviews) InTx(ctx context.Context, fn func(review.Store) error) error {
	return s.inTx(ctx, func(tx session) error { return fn(reviews{tx}) })
}

func (s reviews) AddReview(ctx context.Context, r *review.Review) error {
	row := reviewRow{
		City: r.City, State: string(r.State), Rubric: string(r.Rubric), RubricHash: r.RubricHash,
		Evidence: string(r.Evidence), EvidenceHash: r.EvidenceHash, AppliedAt: gormx.At(r.AppliedAt),
	}
	err := s.write.WithContext(ctx).Create(&row).Error
	switch {
	case gormx.IsUnique(err):
		return review.ErrRunning
	case gormx.IsForeign(err):
		return fmt.Errorf("review of %s: %w", r.City, platform.ErrNoCity)
	case err != nil:
		return fmt.Errorf("add review of %s: %w", r.City, err)
	}
	r.ID = row.ID
	return nil
}

func (s reviews) Review(ctx context.Context, id int64) (review.Review, error) {
	var row reviewRow
	err := s.held(ctx).Where("id = ?", id).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return review.Review{}, fmt.Errorf("review %d: %w", id, review.ErrNoReview)
	}
	if err != nil {
		return review.Review{}, fmt.Errorf("review %d: %w", id, err)
	}
	return row.domain(), nil
}

func (s reviews) Reviews(ctx context.Context) ([]review.Review, error) {
	var rows []reviewRow
	if err := s.read.WithContext(ctx).Order("id DESC").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reviews: %w", err)
	}
	out := make([]review.Review, len(rows))
	for i, r := range rows {
		out[i] = r.domain()
	}
	return out, nil
}

func (s reviews) SaveConclusion(ctx context.Context, r review.Review) error {
	res := s.write.WithContext(ctx).Model(&reviewRow{}).
		Where("id = ? AND state = ?", r.ID, string(review.UnderReview)).
		Updates(map[string]any{"state": string(r.State), "concluded_at": gormx.At(r.ConcludedAt), "verdict": string(r.Verdict)})
	if res.Error != nil {
		return fmt.Errorf("conclude review %d: %w", r.ID, res.Error)
	}
	if res.RowsAffected == 0 {
		return review.ErrConcluded
	}
	return nil
}

func (s reviews) AddScore(ctx context.Context, id int64, x review.ExpertScore) error {
	row := scoreRow{ReviewID: id, Item: x.Item, ExpertID: x.Expert, Points: int64(x.Points), Remark: x.Remark, ScoredAt: gormx.At(x.At)}
	err := s.write.WithContext(ctx).Create(&row).Error
	switch {
	case gormx.IsUnique(err):
		return review.ErrScoredTwice.With(x.Item)
	case gormx.IsForeign(err):
		return fmt.Errorf("score of review %d by account %d: %w", id, x.Expert, review.ErrNoExpert)
	case err != nil:
		return fmt.Errorf("score of review %d: %w", id, err)
	}
	return nil
}

func (s reviews) Scores(ctx context.Context, id int64) ([]review.ExpertScore, error) {
	var rows []scoreRow
	if err := s.read.WithContext(ctx).Where("review_id = ?", id).Order("item, expert_id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("scores of review %d: %w", id, err)
	}
	out := make([]review.ExpertScore, len(rows))
	for i, r := range rows {
		out[i] = review.ExpertScore{Expert: r.ExpertID, Item: r.Item, Points: evaluation.Points(r.Points), Remark: r.Remark, At: r.ScoredAt.Time}
	}
	return out, nil
}
