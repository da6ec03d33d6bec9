package tenantdb_test

import (
	"fmt"
	"slices"
	"testing"

	"wangge/internal/gormx"
	"wangge/tenant/casework"
	"wangge/tenant/citytest"
)

func TestTidyingMakesTheIndexOfWordsOnePieceAndChangesNoAnswer(t *testing.T) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) {
		for i := range 200 {
			in := h.Report()
			in.Description = fmt.Sprintf("井盖破损第%03d处，%c 侧人行道", i, '甲'+rune(i%10))
			if _, err := h.City.Cases.Report(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
		words := []string{"破损", "第042处", "人行道", "没有的词"}
		before := answers(t, h, words)
		if len(before[0]) != 200 || len(before[1]) != 1 || len(before[3]) != 0 {
			t.Fatalf("found %d, %d and %d cases, want 200, 1 and none", len(before[0]), len(before[1]), len(before[3]))
		}
		if h.DB.Engine == gormx.SQLite && pieces(t, h.DB) < 2 {
			t.Fatal("the index is one piece already: the test shows nothing")
		}
		for range 2 { // what is tidy stays so
			if err := h.City.Cases.Tidy(t.Context()); err != nil {
				t.Fatal(err)
			}
			if h.DB.Engine == gormx.SQLite {
				if n := pieces(t, h.DB); n != 1 {
					t.Errorf("the index has %d pieces, want 1", n)
				}
			}
		}
		for i, after := range answers(t, h, words) {
			if !slices.Equal(after, before[i]) {
				t.Errorf("%q: found %v, before %v", words[i], after, before[i])
			}
		}
	})
}

// answers are the numbers of the cases that each of the words finds.
func answers(t *testing.T, h *citytest.House, words []string) (all [][]string) {
	t.Helper()
	for _, word := range words {
		var found []string
		err := h.City.Cases.Each(t.Context(), casework.Filter{Text: word}, func(c casework.Case) error {
			found = append(found, c.Number)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found)
	}
	return all
}

// pieces counts what SQLite's index of words is made of.
func pieces(t *testing.T, db *gormx.DB) (n int) {
	t.Helper()
	if err := db.Read.Raw("SELECT COUNT(DISTINCT segid) FROM case_terms_idx").Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}
