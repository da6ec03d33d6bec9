package part

import (
	"fmt"
	"strings"
	"testing"
)

func TestHistoryIsPutTogetherFromWhatActsFound(t *testing.T) {
	at := func(revision int64) Part { return Part{Revision: revision} }
	now := func(revision int64) *Part { p := at(revision); return &p }
	found := func(act, revision int64) Replaced { return Replaced{Act{ID: act}, at(revision)} }
	acts := map[int64]Act{}
	for n := range int64(9) {
		acts[n] = Act{ID: n}
	}
	for _, c := range []struct {
		name  string
		found []Replaced
		now   *Part
		want  string // act: old revision > new revision
	}{
		{"added", nil, now(1), "1:->1"},
		{"added and changed", []Replaced{found(2, 1)}, now(2), "1:->1 2:1->2"},
		{"changed twice", []Replaced{found(2, 1), found(3, 2)}, now(3), "1:->1 2:1->2 3:2->3"},
		{"taken out", []Replaced{found(2, 1)}, nil, "1:->1 2:1->"},
		{"a change taken back", []Replaced{found(2, 1), found(3, 2)}, now(1), "1:->1 2:1->2 3:2->1"},
		{"a change taken back, then another", []Replaced{found(2, 1), found(3, 2), found(4, 1)}, now(4), "1:->1 2:1->2 3:2->1 4:1->4"},
		{"taken out and added again", []Replaced{found(2, 1)}, now(3), "1:->1 2:1-> 3:->3"},
		{"added again and changed", []Replaced{found(2, 1), found(4, 3)}, now(4), "1:->1 2:1-> 3:->3 4:3->4"},
		{"taken out twice", []Replaced{found(2, 1), found(4, 3)}, nil, "1:->1 2:1-> 3:->3 4:3->"},
	} {
		var got []string
		for _, h := range history(c.found, acts, c.now) {
			side := func(p *Part) string {
				if p == nil {
					return ""
				}
				return fmt.Sprint(p.Revision)
			}
			got = append(got, fmt.Sprintf("%d:%s->%s", h.Act.ID, side(h.Old), side(h.New)))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s, want %s", c.name, s, c.want)
		}
	}
}
