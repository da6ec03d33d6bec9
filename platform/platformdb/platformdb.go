// Package platformdb keeps the province's registry, figures, rankings and reviews
// in the province's database, on SQLite or PostgreSQL. It owns rows and queries;
// rules are the domain packages'.
package platformdb

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"wangge/internal/gormx"
	"wangge/platform"
	"wangge/platform/exchange"
	"wangge/platform/ranking"
	"wangge/platform/review"
)

// session is where a store writes and reads: the two pools of a database, or
// one transaction.
type session struct {
	write, read *gorm.DB
	tx          bool
}

func pools(db *gormx.DB) session { return session{write: db.Write, read: db.Read} }

// inTx runs fn on a session of one transaction; inside one it joins it.
func (s session) inTx(ctx context.Context, fn func(session) error) error {
	if s.tx {
		return fn(s)
	}
	return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		return fn(session{write: tx, read: tx, tx: true})
	})
}

// held reads a row and, inside a transaction, keeps others from changing it
// until the end. SQLite, with its one writer, needs no lock and takes none.
func (s session) held(ctx context.Context) *gorm.DB {
	db := s.read.WithContext(ctx)
	if s.tx {
		db = db.Clauses(clause.Locking{Strength: "NO KEY UPDATE"})
	}
	return db
}

// Registry keeps the cities.
func Registry(db *gormx.DB) platform.Store { return registry{pools(db)} }

// Exchange keeps what the cities published.
func Exchange(db *gormx.DB) exchange.Store { return figures{pools(db)} }

// Ranking keeps the editions of the ranking and reads the figures for them.
func Ranking(db *gormx.DB) ranking.Store { return editions{pools(db)} }

// Reviews keeps the acceptance reviews.
func Reviews(db *gormx.DB) review.Store { return reviews{pools(db)} }
