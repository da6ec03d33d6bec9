package platformdb

import (
	"context"
	"fmt"
	"time"

	"wangge/internal/gormx"
)

// Visits remembers which cities are in use and when a job last looked at each,
// so that one that rests is not opened every minute. A city is awake until some
// minutes after somebody has used it; every server says so before it serves.
type Visits struct{ db *gormx.DB }

// NewVisits returns the visits kept in the province's database.
func NewVisits(db *gormx.DB) Visits { return Visits{db} }

// Wake notes that a city is in use until an instant; it is never moved back.
func (v Visits) Wake(ctx context.Context, code string, until time.Time) error {
	err := v.db.Write.WithContext(ctx).Exec("UPDATE cities SET awake_until = ? WHERE code = ? AND awake_until < ?", gormx.At(until), code, gormx.At(until)).Error
	if err != nil {
		return fmt.Errorf("wake %s: %w", code, err)
	}
	return nil
}

// Due lists the codes of the cities in service that a job has to look at: those
// awake at its last visit or since, those whose next visit has come, and those
// it has never visited.
func (v Visits) Due(ctx context.Context, job string, now time.Time) (codes []string, err error) {
	err = v.db.Read.WithContext(ctx).Raw(`SELECT c.code FROM cities c LEFT JOIN city_visits v ON v.city = c.code AND v.job = ?
		WHERE c.state = 'active' AND (v.city IS NULL OR c.awake_until >= v.visited_at OR v.next_at <= ?) ORDER BY c.code`,
		job, gormx.At(now)).Scan(&codes).Error
	if err != nil {
		return nil, fmt.Errorf("cities due for %s: %w", job, err)
	}
	return codes, nil
}

// Visited notes that a job looked at a city, as it was at an instant, and when it
// must look again even if nobody uses the city.
func (v Visits) Visited(ctx context.Context, code, job string, at, next time.Time) error {
	err := v.db.Write.WithContext(ctx).Exec(`INSERT INTO city_visits (city, job, visited_at, next_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (city, job) DO UPDATE SET visited_at = excluded.visited_at, next_at = excluded.next_at`,
		code, job, gormx.At(at), gormx.At(next)).Error
	if err != nil {
		return fmt.Errorf("visit of %s to %s: %w", job, code, err)
	}
	return nil
}

// Forget makes a city due for every job: what is in it changed otherwise than by
// requests.
func (v Visits) Forget(ctx context.Context, code string) error {
	if err := v.db.Write.WithContext(ctx).Exec("DELETE FROM city_visits WHERE city = ?", code).Error; err != nil {
		return fmt.Errorf("forget the visits to %s: %w", code, err)
	}
	return nil
}
