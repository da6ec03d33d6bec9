package tenantdb

import (
	"context"
	"fmt"
	"time"

	"wangge/internal/gormx"
	"wangge/tenant/consent"
)

type consentRow struct {
	ID        int64
	TokenHash string
	Recipient string
	IssuedBy  int64
	IssuedAt  gormx.Instant
	EndsAt    gormx.Instant
	UsedAt    gormx.Instant
}

func (consentRow) TableName() string { return "consents" }

type consentStore struct{ *gormx.DB }

func (s consentStore) Add(ctx context.Context, hash string, c consent.Consent) error {
	row := consentRow{TokenHash: hash, Recipient: c.Recipient, IssuedBy: c.By, IssuedAt: gormx.At(c.At), EndsAt: gormx.At(c.Until)}
	if err := s.Write.WithContext(ctx).Create(&row).Error; err != nil {
		return fmt.Errorf("add a consent: %w", err)
	}
	return nil
}

func (s consentStore) Use(ctx context.Context, hash, recipient string, now time.Time) (bool, error) {
	done := s.Write.WithContext(ctx).Exec("UPDATE consents SET used_at = ? WHERE token_hash = ? AND recipient = ? AND used_at IS NULL AND ends_at > ?",
		gormx.At(now), hash, recipient, gormx.At(now))
	if done.Error != nil {
		return false, fmt.Errorf("use a consent: %w", done.Error)
	}
	return done.RowsAffected == 1, nil
}

func (s consentStore) List(ctx context.Context) ([]consent.Consent, error) {
	var rows []consentRow
	if err := s.Read.WithContext(ctx).Order("id DESC").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("consents: %w", err)
	}
	out := make([]consent.Consent, len(rows))
	for i, r := range rows {
		out[i] = consent.Consent{Recipient: r.Recipient, By: r.IssuedBy, At: r.IssuedAt.Time, Until: r.EndsAt.Time, UsedAt: r.UsedAt.Time}
	}
	return out, nil
}
