package policy

import (
	"errors"
	"fmt"
	"regexp"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"wangge/internal/errs"
)

// Rule lets the holders of Role do what Permission says: one act
// ("report:read"), every act of a kind ("report:*"), or everything ("*").
type Rule struct {
	Role       string `gorm:"column:role"`
	Permission string `gorm:"column:permission"`
}

var (
	roleForm       = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	permissionForm = regexp.MustCompile(`^(\*|[a-z][a-z0-9_-]*:(\*|[a-z][a-z0-9_.:-]*))$`)
)

// SetRules replaces all rules and bumps the policy version, within tx. Rules
// that can't be understood are refused together, by their place in the list.
func SetRules(tx *gorm.DB, rules []Rule) error {
	if err := check(rules); err != nil {
		return err
	}
	if err := Bump(tx); err != nil { // first: its row keeps another change waiting
		return err
	}
	if err := tx.Exec(`DELETE FROM policy_rules`).Error; err != nil {
		return fmt.Errorf("replace the rules: %w", err)
	}
	if len(rules) > 0 {
		if err := tx.Table("policy_rules").Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(rules, 500).Error; err != nil {
			return fmt.Errorf("replace the rules: %w", err)
		}
	}
	return nil
}

func check(rules []Rule) error {
	var problems []errs.Problem
	for i, r := range rules {
		if !roleForm.MatchString(r.Role) {
			problems = append(problems, errs.Problem{Row: i + 1, Field: "role",
				Zh: "角色代码只含小写字母、数字和下划线", En: "a role is lower-case letters, digits and underscores"})
		}
		if !permissionForm.MatchString(r.Permission) {
			problems = append(problems, errs.Problem{Row: i + 1, Field: "permission",
				Zh: "权限应写作“类:动作”、“类:*”或“*”", En: `a permission is "kind:act", "kind:*" or "*"`})
		}
	}
	return errs.Problems(problems...)
}

// Bump makes every enforcer of this database load anew once tx is committed.
// Call it in the transaction of each change to a rule or a holder.
func Bump(tx *gorm.DB) error {
	res := tx.Exec(`UPDATE policy_version SET version = version + 1 WHERE id = 1`)
	if res.Error == nil && res.RowsAffected != 1 {
		return errors.New("bump the policy version: its row is missing")
	}
	return res.Error
}
