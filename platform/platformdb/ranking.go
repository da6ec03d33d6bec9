package platformdb

import (
	"context"
	"encoding/json"
	"fmt"

	"wangge/internal/gormx"
	"wangge/platform"
	"wangge/platform/ranking"
	"wangge/tenant/evaluation"
)

type editions struct{ session }

type editionRow struct {
	Month    string `gorm:"primaryKey"`
	Edition  int    `gorm:"primaryKey;autoIncrement:false"`
	Protocol string
	Hash     string
	Document string
	Reason   string
	FrozenAt gormx.Instant
}

func (editionRow) TableName() string { return "ranking_editions" }

func (s editions) InTx(ctx context.Context, fn func(ranking.Store) error) error {
	return s.inTx(ctx, func(tx session) error { return fn(editions{tx}) })
}

// monthRows is every city in service with each day of a month, one row with no
// day when it published none.
const monthRows = `
SELECT c.code, c.name, COALESCE(d.counts, '') AS counts, COALESCE(d.revision, 0) AS revision
FROM cities c LEFT JOIN published_days d ON d.city = c.code AND d.day BETWEEN ? AND ?
WHERE c.state <> ? ORDER BY c.code, d.day`

func (s editions) Figures(ctx context.Context, month string) ([]ranking.CityFigures, error) {
	var rows []struct {
		Code, Name, Counts string
		Revision           int64
	}
	err := s.read.WithContext(ctx).Raw(monthRows, month+"-01", month+"-31", string(platform.Building)).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("figures of %s: %w", month, err)
	}
	var out []ranking.CityFigures
	for _, r := range rows {
		if n := len(out); n == 0 || out[n-1].Code != r.Code {
			out = append(out, ranking.CityFigures{Code: r.Code, Name: r.Name, Counts: evaluation.Counts{}})
		}
		city := &out[len(out)-1]
		if r.Counts == "" {
			continue
		}
		var counts evaluation.Counts
		if err := json.Unmarshal([]byte(r.Counts), &counts); err != nil {
			return nil, fmt.Errorf("counts of %s in %s: %w", r.Code, month, err)
		}
		city.Revision = max(city.Revision, r.Revision)
		if len(counts) > 0 { // a day that came to count nothing is no day with figures
			city.Days++
			city.Counts.Add(counts)
		}
	}
	return out, nil
}

func (s editions) Editions(ctx context.Context, month string) ([]ranking.Frozen, error) {
	q := s.read.WithContext(ctx).Where("month = ?", month).Order("edition")
	if month == "" {
		q = s.read.WithContext(ctx).Omit("document").Order("month DESC, edition DESC")
	}
	var rows []editionRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("editions of %q: %w", month, err)
	}
	out := make([]ranking.Frozen, len(rows))
	for i, r := range rows {
		out[i] = ranking.Frozen{
			Month: r.Month, Number: r.Edition, Protocol: r.Protocol, Hash: r.Hash,
			Document: []byte(r.Document), Reason: r.Reason, FrozenAt: r.FrozenAt.Time,
		}
	}
	return out, nil
}

func (s editions) AddEdition(ctx context.Context, f ranking.Frozen) error {
	row := editionRow{
		Month: f.Month, Edition: f.Number, Protocol: f.Protocol, Hash: f.Hash,
		Document: string(f.Document), Reason: f.Reason, FrozenAt: gormx.At(f.FrozenAt),
	}
	err := s.write.WithContext(ctx).Create(&row).Error
	if gormx.IsUnique(err) {
		return ranking.ErrTaken
	}
	if err != nil {
		return fmt.Errorf("add edition %d of %s: %w", f.Number, f.Month, err)
	}
	return nil
}
