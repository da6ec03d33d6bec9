package org

import (
	"context"
	"sync"
)

// memo remembers who holds which post under one version of the policy, which
// every change of a post makes a new one.
type memo struct {
	mu      sync.Mutex
	version int64
	posts   map[int64][]Holder
}

// maxMemo bounds what is remembered; a full memo starts over.
const maxMemo = 4096

// Posts is HeldBy for a caller that has read the policy's version with its own
// request: as often as that is the same, it asks the database once.
func (s *Service) Posts(ctx context.Context, account, version int64) ([]Holder, error) {
	if _, err := s.refresh(ctx, s.Today()); err != nil {
		return nil, err
	}
	s.memo.mu.Lock()
	held, known := s.memo.posts[account]
	known = known && s.memo.version == version
	s.memo.mu.Unlock()
	if known {
		return held, nil
	}
	held, err := s.HeldBy(ctx, account)
	if err != nil {
		return nil, err
	}
	s.memo.mu.Lock()
	defer s.memo.mu.Unlock()
	if s.memo.version < version || s.memo.posts == nil || len(s.memo.posts) >= maxMemo {
		s.memo.version, s.memo.posts = version, map[int64][]Holder{}
	}
	if s.memo.version == version {
		s.memo.posts[account] = held
	}
	return held, nil
}
