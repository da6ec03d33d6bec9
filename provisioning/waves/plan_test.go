package waves_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"wangge/provisioning/waves"
)

// cities are n codes.
func cities(n int) (codes []string) {
	for i := range n {
		codes = append(codes, fmt.Sprint(130100+i))
	}
	return codes
}

func TestTheCanaryGoesAloneAndEveryCityOnce(t *testing.T) {
	for _, c := range []struct {
		name, canary, sizes string
		cities              int
		want                []int
	}{
		{"a tenth, then the rest", "", "10%", 340, []int{1, 34, 305}},
		{"a share is rounded up", "", "10%", 11, []int{1, 2, 8}},
		{"numbers and shares", "", "2,50%", 10, []int{1, 2, 5, 2}},
		{"all in the second", "", "100%", 10, []int{1, 9}},
		{"more than there are", "", "50", 3, []int{1, 2}},
		{"one city is the canary", "", "10%", 1, []int{1}},
		{"no city, no wave", "", "10%", 0, nil},
		{"a canary that is named", "130103", "1", 5, []int{1, 1, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sizes, err := waves.ParseSizes(c.sizes)
			if err != nil {
				t.Fatal(err)
			}
			got, err := waves.Plan(cities(c.cities), c.canary, sizes)
			if err != nil {
				t.Fatal(err)
			}
			var lengths []int
			for _, wave := range got {
				lengths = append(lengths, len(wave))
			}
			if !slices.Equal(lengths, c.want) {
				t.Errorf("got waves of %v, want %v", lengths, c.want)
			}
			if c.canary != "" && got[0][0] != c.canary {
				t.Errorf("the canary is %s, want %s", got[0][0], c.canary)
			}
			if all := slices.Sorted(slices.Values(slices.Concat(got...))); !slices.Equal(all, cities(c.cities)) {
				t.Errorf("got %v, want each city once", all)
			}
		})
	}
}

func TestSizesThatSayNothingAreRefused(t *testing.T) {
	for _, text := range []string{"", "0", "-1", "ten", "101%", "10%,", "1.5"} {
		if got, err := waves.ParseSizes(text); err == nil {
			t.Errorf("%q is read as %v, want it refused", text, got)
		}
	}
	if _, err := waves.Plan(cities(3), "999999", nil); !errors.Is(err, waves.ErrNoCanary) {
		t.Errorf("got %v, want a canary of nowhere refused", err)
	}
}
