package tenantdb

import (
	"context"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"wangge/internal/testdb"
)

// Whoever holds the only connection may ask for a statement while another waits
// for the connection to compile one.
func TestCompilingNeverWaitsForWhoeverWaitsForIt(t *testing.T) {
	db := testdb.SQLite(t)
	k := keep(db.Write)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const held = "SELECT 1"
	for round := range 50 {
		fresh := "SELECT " + string(rune('a'+round%26)) + " FROM (SELECT 1 AS a, 2 AS b, 3 AS c, 4 AS d, 5 AS e, 6 AS f, 7 AS g, 8 AS h, 9 AS i, 10 AS j, 11 AS k, 12 AS l, " +
			"13 AS m, 14 AS n, 15 AS o, 16 AS p, 17 AS q, 18 AS r, 19 AS s, 20 AS t, 21 AS u, 22 AS v, 23 AS w, 24 AS x, 25 AS y, 26 AS z)"
		var wg sync.WaitGroup
		begun := make(chan struct{})
		wg.Go(func() {
			err := k.inTx(ctx, []string{held}, func(_ *gorm.DB, tx conn) error {
				close(begun)
				for range 200 {
					var n int
					if err := tx.QueryRowContext(ctx, held).Scan(&n); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		<-begun
		wg.Go(func() {
			var n int
			if err := k.QueryRowContext(ctx, fresh).Scan(&n); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
	}
}
