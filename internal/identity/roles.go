package identity

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"

	"gorm.io/gorm"
)

// roleMemo remembers the roles of accounts under one version of the policy,
// which every change of a role makes a new one.
type roleMemo struct {
	mu      sync.Mutex
	version int64
	roles   map[int64][]string
}

// maxMemo bounds what is remembered; a full memo starts over.
const maxMemo = 4096

// rolesUnder returns the roles of a session's account, sorted, as they are
// under the version that was read with the session, or a later one.
func (s *Service) rolesUnder(ctx context.Context, session Session) ([]string, error) {
	m, id := &s.roles, session.Account.ID
	m.mu.Lock()
	held, known := m.roles[id]
	known = known && m.version == session.PolicyVersion
	m.mu.Unlock()
	if known {
		return held, nil
	}
	held, err := rolesOf(s.db.Read.WithContext(ctx), id)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.version != session.PolicyVersion || len(m.roles) >= maxMemo {
		m.version, m.roles = session.PolicyVersion, map[int64][]string{}
	}
	if m.roles == nil {
		m.roles = map[int64][]string{}
	}
	m.roles[id] = held
	return held, nil
}

func rolesOf(db *gorm.DB, account int64) ([]string, error) {
	var roles sql.NullString
	err := db.Raw("SELECT string_agg(role, ',' ORDER BY role) FROM role_holders WHERE account_id = ?", account).Row().Scan(&roles)
	if err != nil {
		return nil, fmt.Errorf("roles of account %d: %w", account, err)
	}
	if !roles.Valid {
		return nil, nil
	}
	return strings.Split(roles.String, ","), nil
}
