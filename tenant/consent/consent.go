// Package consent lets a city allow another to copy its settings: to one named
// city, once, for a time. Only the hash of the token is kept. It owns what a
// consent is; what may be copied is provisioning's.
package consent

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"time"

	"wangge/internal/errs"
)

// Consent is one permission to copy the settings.
type Consent struct {
	Recipient string // six-digit code of the city that may copy
	By        int64  // the account that gave it
	At        time.Time
	Until     time.Time
	UsedAt    time.Time // zero until it was used
}

// Store keeps the consents of one city.
type Store interface {
	Add(ctx context.Context, tokenHash string, c Consent) error
	// Use marks the consent of a token as used, unless it was before, is over or
	// is for another; false then.
	Use(ctx context.Context, tokenHash, recipient string, now time.Time) (bool, error)
	// List returns all, the newest first.
	List(ctx context.Context) ([]Consent, error)
}

// Service gives and uses the consents of one city.
type Service struct {
	city  string
	store Store
	now   func() time.Time
}

// NewService returns the consents of a city kept in store.
func NewService(city string, store Store, now func() time.Time) *Service {
	return &Service{city, store, now}
}

// MaxDays is how long a consent may last.
const MaxDays = 90

// ErrNoConsent refuses a token that allows nothing, or nothing any more.
var ErrNoConsent = errs.New(errs.Forbidden, "no_consent",
	"没有有效的授权：授权码不存在、已用过、已过期，或不是给该城市的", "there is no such consent: the token is unknown, used, over, or for another city")

var code = regexp.MustCompile(`^[0-9]{6}$`)

// Give lets a city copy the settings once within so many days, and returns the
// token to hand to it. It is shown this once.
func (s *Service) Give(ctx context.Context, recipient string, by int64, days int) (token string, c Consent, err error) {
	var faults []errs.Problem
	if !code.MatchString(recipient) || recipient == s.city {
		faults = append(faults, errs.Problem{Field: "recipient", Zh: "须为另一城市的六位代码", En: "must be the six-digit code of another city"})
	}
	if days < 1 || days > MaxDays {
		faults = append(faults, errs.Problem{Field: "days", Zh: fmt.Sprintf("须在 1 到 %d 之间", MaxDays), En: fmt.Sprintf("must be 1 to %d", MaxDays)})
	}
	if err := errs.Problems(faults...); err != nil {
		return "", c, err
	}
	token = rand.Text()
	c = Consent{Recipient: recipient, By: by, At: s.now(), Until: s.now().AddDate(0, 0, days)}
	return token, c, s.store.Add(ctx, digest(token), c)
}

// Use takes a token for a recipient, once; ErrNoConsent when it allows nothing.
func (s *Service) Use(ctx context.Context, token, recipient string) error {
	used, err := s.store.Use(ctx, digest(token), recipient, s.now())
	if err == nil && !used {
		return ErrNoConsent
	}
	return err
}

// List returns all consents, the newest first.
func (s *Service) List(ctx context.Context) ([]Consent, error) { return s.store.List(ctx) }

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
