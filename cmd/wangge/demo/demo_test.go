package demo

import (
	"io"
	"reflect"
	"testing"

	"wangge/platform/review"
)

// short is a story of a month that takes seconds.
var short = Options{Province: "64", Cities: 4, Months: 1, Cases: 350, Seed: 7}

func tell(t *testing.T, o Options) *Story {
	t.Helper()
	story, a, err := Tell(t.Context(), o, t.TempDir(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	story.Elapsed, story.Password = 0, ""
	return story
}

func TestTheStoryEndsWhereTheProvinceWantedToBe(t *testing.T) {
	story := tell(t, short)
	outcomes := map[review.Outcome]int{}
	for _, a := range story.Acceptance {
		outcomes[a.Outcome]++
		if (a.Outcome == review.Passed) != (len(a.Failing) == 0) {
			t.Errorf("%s: outcome %s with the shortcomings %v", a.Name, a.Outcome, a.Failing)
		}
	}
	if outcomes[review.Passed] != 1 || outcomes[review.Rectify] != 1 {
		t.Errorf("got the outcomes %v, want one accepted and one sent back", outcomes)
	}
	cases := 0
	for i, c := range story.Cities {
		if cases += c.Cases; c.Cases < short.Cases {
			t.Errorf("%s had %d cases, want at least %d a month", c.Name, c.Cases, short.Cases)
		}
		if r := story.Ranking[i]; r.Rank == nil || *r.Rank != i+1 {
			t.Errorf("line %d of the ranking is %+v, want every city ranked", i+1, r)
		}
	}
	if cases != story.Cases || len(story.Invoices) != len(story.Cities) {
		t.Errorf("got %d cases and %d invoices, want %d and one a city and month", story.Cases, len(story.Invoices), cases)
	}
	if again := tell(t, short); !reflect.DeepEqual(again, story) {
		t.Errorf("the same seed told another story:\n%+v\n%+v", again, story)
	}
}

func TestAStoryThatCannotBeToldIsRefused(t *testing.T) {
	for _, o := range []Options{
		{Province: "99", Months: 3, Cases: 1000},
		{Province: "13", Cities: 2, Months: 3, Cases: 1000},
		{Province: "13", Months: 0, Cases: 1000},
		{Province: "13", Months: 13, Cases: 1000},
		{Province: "13", Months: 3, Cases: 1},
	} {
		if _, _, err := Tell(t.Context(), o, t.TempDir(), io.Discard); err == nil {
			t.Errorf("%+v was told", o)
		}
	}
}
