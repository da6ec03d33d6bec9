package platformdb

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/internal/policy"
	"wangge/platform"
)

// SeedPolicy gives a province without a policy the default one; one that has
// rules keeps them.
func SeedPolicy(ctx context.Context, db *gormx.DB) error {
	return db.InTx(ctx, func(tx *gorm.DB) error {
		var n int64
		if err := tx.Table("policy_rules").Count(&n).Error; err != nil || n > 0 {
			return err
		}
		rules := make([]policy.Rule, 0, len(platform.Defaults()))
		for _, r := range platform.Defaults() {
			rules = append(rules, policy.Rule{Role: string(r.Role), Permission: string(r.Permission)})
		}
		return policy.SetRules(tx, rules)
	})
}

// SetRoles gives an account of the province exactly these posts.
func SetRoles(ctx context.Context, db *gormx.DB, account int64, roles []platform.Role) error {
	return db.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM role_holders WHERE account_id = ?", account).Error; err != nil {
			return fmt.Errorf("old posts of account %d: %w", account, err)
		}
		for _, r := range roles {
			if err := tx.Exec("INSERT INTO role_holders (account_id, role) VALUES (?, ?)", account, string(r)).Error; err != nil {
				return fmt.Errorf("post %s of account %d: %w", r, account, err)
			}
		}
		return policy.Bump(tx)
	})
}
