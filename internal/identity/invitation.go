package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"wangge/internal/gormx"
)

// Invite makes the token of a one-time link with which the account sets its
// password. It takes the place of any earlier link not yet used.
func (s *Service) Invite(ctx context.Context, accountID int64, validity time.Duration) (token string, err error) {
	token, hash := s.newToken()
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec(`DELETE FROM invitations WHERE account_id = ? AND used_at IS NULL`, accountID).Error; err != nil {
			return err
		}
		return tx.Exec(`INSERT INTO invitations (token_hash, account_id, expires_at) VALUES (?, ?, ?)`,
			hash, accountID, gormx.At(s.now().Add(validity))).Error
	})
	switch {
	case gormx.IsForeign(err):
		return "", ErrNoAccount
	case err != nil:
		return "", fmt.Errorf("invite account %d: %w", accountID, err)
	}
	return token, nil
}

// Invited lists the accounts that hold a link which is still good.
func (s *Service) Invited(ctx context.Context) (map[int64]bool, error) {
	var ids []int64
	err := s.db.Read.WithContext(ctx).Raw(`SELECT account_id FROM invitations WHERE used_at IS NULL AND expires_at > ?`, gormx.At(s.now())).Scan(&ids).Error
	if err != nil {
		return nil, fmt.Errorf("open invitations: %w", err)
	}
	invited := make(map[int64]bool, len(ids))
	for _, id := range ids {
		invited[id] = true
	}
	return invited, nil
}

// Accept sets the password of the invited account, burns the link and ends the
// account's sessions, all or nothing: a password refused leaves the link good.
func (s *Service) Accept(ctx context.Context, token, password string) error {
	link := digest(token)
	id, login, err := s.invited(s.db.Read.WithContext(ctx), link)
	if err != nil {
		return err
	}
	if err := weak(login, password); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		res := tx.Exec(`UPDATE invitations SET used_at = ? WHERE token_hash = ? AND used_at IS NULL AND expires_at > ?`,
			gormx.At(s.now()), link, gormx.At(s.now()))
		if res.Error == nil && res.RowsAffected == 0 { // gone while we hashed: say how
			if _, _, err := s.invited(tx, link); err != nil {
				return err
			}
		}
		if err := one(res, ErrBadInvitation); err != nil {
			return err
		}
		return setPassword(tx, id, hash, "")
	})
}

// invited returns the account that an invitation still good was made for.
func (s *Service) invited(db *gorm.DB, link string) (id int64, login string, err error) {
	var expires, used gormx.Instant
	err = db.Raw(`SELECT a.id, a.login, i.expires_at, i.used_at FROM invitations i JOIN accounts a ON a.id = i.account_id
		WHERE i.token_hash = ? AND a.disabled_at IS NULL`, link).Row().Scan(&id, &login, &expires, &used)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, "", ErrBadInvitation
	case err != nil:
		return 0, "", fmt.Errorf("read an invitation: %w", err)
	case !used.IsZero():
		return 0, "", ErrInvitationUsed
	case !s.now().Before(expires.Time):
		return 0, "", ErrInvitationExpired
	}
	return id, login, nil
}

// ChangePassword sets a new password for whoever is signed in with token and
// knows the old one. It ends the account's other sessions; wrong tries count
// towards the lock.
func (s *Service) ChangePassword(ctx context.Context, token, old, password string) error {
	session, err := s.Resolve(ctx, token)
	if err != nil {
		return err
	}
	if err := weak(session.Account.Login, password); err != nil {
		return err
	}
	if _, _, err := s.verify(ctx, session.Account.Login, old); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		return setPassword(tx, session.Account.ID, hash, digest(token))
	})
}

// setPassword ends every session but keep, and burns links not yet used.
func setPassword(tx *gorm.DB, accountID int64, hash, keep string) error {
	if err := one(tx.Exec(`UPDATE accounts SET password_hash = ?, failures = 0, locked_until = NULL
		WHERE id = ? AND disabled_at IS NULL`, hash, accountID), ErrNoAccount); err != nil {
		return err
	}
	if err := tx.Exec(`DELETE FROM sessions WHERE account_id = ? AND token_hash <> ?`, accountID, keep).Error; err != nil {
		return err
	}
	return tx.Exec(`DELETE FROM invitations WHERE account_id = ? AND used_at IS NULL`, accountID).Error
}
