package tenantdb

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"wangge/tenant/calendar"
)

// calendarStore keeps what a city says of its own calendar. Changes raise the
// catalogue's revision, by which other processes notice.
type calendarStore struct{ catalogue *catalogue }

type holidayRow struct{ Day, Mark, Name, Source string }

func (holidayRow) TableName() string { return "calendar_days" }

type seasonRow struct{ FromDay, ToDay, Name, Shifts string }

func (seasonRow) TableName() string { return "calendar_seasons" }

// calendarData reads what the city says of its own calendar.
func calendarData(ctx context.Context, db *gorm.DB) (calendar.Data, error) {
	var days []holidayRow
	if err := db.WithContext(ctx).Order("day").Find(&days).Error; err != nil {
		return calendar.Data{}, fmt.Errorf("calendar: %w", err)
	}
	var seasons []seasonRow
	if err := db.WithContext(ctx).Order("from_day").Find(&seasons).Error; err != nil {
		return calendar.Data{}, fmt.Errorf("calendar: %w", err)
	}
	var out calendar.Data
	for _, d := range days {
		out.Days = append(out.Days, calendar.Day{Date: d.Day, Mark: calendar.Mark(d.Mark), Name: d.Name, Source: d.Source})
	}
	for _, r := range seasons {
		s := calendar.Season{Name: r.Name, From: r.FromDay, To: r.ToDay}
		if err := json.Unmarshal([]byte(r.Shifts), &s.Shifts); err != nil {
			return calendar.Data{}, fmt.Errorf("season %s: %w", r.Name, err)
		}
		out.Seasons = append(out.Seasons, s)
	}
	return out, nil
}

func (s calendarStore) Data(ctx context.Context) (calendar.Data, error) {
	return calendarData(ctx, s.catalogue.read)
}

func (s calendarStore) ReplaceYears(ctx context.Context, years []int, days []calendar.Day) error {
	rows := make([]holidayRow, len(days))
	for i, d := range days {
		rows[i] = holidayRow{d.Date, string(d.Mark), d.Name, d.Source}
	}
	return s.change(ctx, func(tx *gorm.DB) error {
		for _, y := range years {
			from, to := fmt.Sprintf("%04d-01-01", y), fmt.Sprintf("%04d-12-31", y)
			if err := tx.Exec("DELETE FROM calendar_days WHERE day >= ? AND day <= ?", from, to).Error; err != nil {
				return err
			}
		}
		if len(rows) == 0 {
			return nil
		}
		return tx.CreateInBatches(rows, chunk).Error
	})
}

func (s calendarStore) ReplaceSeasons(ctx context.Context, seasons []calendar.Season) error {
	rows := make([]seasonRow, len(seasons))
	for i, season := range seasons {
		shifts, err := json.Marshal(season.Shifts)
		if err != nil {
			return err
		}
		rows[i] = seasonRow{season.From, season.To, season.Name, string(shifts)}
	}
	return s.change(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM calendar_seasons").Error; err != nil || len(rows) == 0 {
			return err
		}
		return tx.Create(rows).Error
	})
}

// change runs fn in the transaction that raises the revision, whose row keeps
// another change waiting, and has the city's calendar read it.
func (s calendarStore) change(ctx context.Context, fn func(tx *gorm.DB) error) error {
	err := s.catalogue.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec("UPDATE catalogue_state SET revision = revision + 1").Error; err != nil {
			return err
		}
		return fn(tx)
	})
	if err != nil {
		return fmt.Errorf("change the calendar: %w", err)
	}
	s.catalogue.stale()
	return s.catalogue.Fresh(ctx)
}
