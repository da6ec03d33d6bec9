package platform_test

import (
	"slices"
	"testing"

	"wangge/platform"
)

func TestEveryPermissionOfTheProvinceIsHeldAndKnown(t *testing.T) {
	held := map[platform.Permission]bool{}
	for _, r := range platform.Defaults() {
		if !slices.Contains(platform.Permissions(), r.Permission) {
			t.Errorf("%s holds the unknown permission %q", r.Role, r.Permission)
		}
		held[r.Permission] = true
	}
	for _, p := range platform.Permissions() {
		if !held[p] {
			t.Errorf("nobody holds %q", p)
		}
	}
	for _, r := range platform.Roles() {
		if zh, en := r.Names(); zh == "" || en == "" {
			t.Errorf("role %q has no name", r)
		}
	}
}

func TestWhoeverScoresAReviewDoesNotConcludeIt(t *testing.T) {
	for _, role := range platform.Roles() {
		scores := slices.Contains(platform.Defaults(), platform.Rule{Role: role, Permission: platform.ReviewScore})
		concludes := slices.Contains(platform.Defaults(), platform.Rule{Role: role, Permission: platform.ReviewConclude})
		accounts := slices.Contains(platform.Defaults(), platform.Rule{Role: role, Permission: platform.AccountManage})
		if scores && concludes || accounts && (scores || concludes) {
			t.Errorf("%s holds too much: scores %v, concludes %v, manages accounts %v", role, scores, concludes, accounts)
		}
	}
}

func TestNobodyScoresAndConcludesOrAppointsThemselves(t *testing.T) {
	for _, c := range []struct {
		roles []platform.Role
		ok    bool
	}{
		{[]platform.Role{platform.Expert}, true},
		{[]platform.Role{platform.Analyst, platform.Finance, platform.Expert}, true},
		{[]platform.Role{platform.Expert, platform.Reviewer}, false},
		{[]platform.Role{platform.ProvinceAdmin, platform.Expert}, false},
		{[]platform.Role{platform.Reviewer, platform.ProvinceAdmin}, false},
	} {
		if err := platform.Together(c.roles); (err == nil) != c.ok {
			t.Errorf("%v together: got %v, want allowed = %v", c.roles, err, c.ok)
		}
	}
}
