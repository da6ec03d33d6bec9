package catalog

import (
	"slices"
	"strings"
)

// move is what became of a kind in the next version: nothing, one kind, or
// several among which the city must choose.
type move struct {
	to         []string
	confidence Confidence
	note       string
}

// Mapped is the successor of a kind in a later version.
type Mapped struct {
	Code       string
	Confidence Confidence
	Note       string
}

// Map finds the one successor of a kind in a later version; ok is false when
// the kind is unknown (a city's own), was dropped, or was split. A part stays a
// part, an event an event. Nothing is mapped back to an older version.
func Map(from, to Version, sort Sort, code string) (m Mapped, ok bool) {
	list, known := Successors(from, to, sort, code)
	if !known || len(list) != 1 {
		return Mapped{}, false
	}
	return list[0], true
}

// Successors lists what a kind became in a later version: none when it was
// dropped, several when it was split. known is false for a kind that the older
// version's data does not have, and for a version that is not later.
func Successors(from, to Version, sort Sort, code string) (list []Mapped, known bool) {
	l, err := load()
	all := Versions()
	at, end := slices.Index(all, from), slices.Index(all, to)
	if err != nil || at < 0 || end <= at {
		return nil, false
	}
	list = []Mapped{{Code: code, Confidence: Verified}}
	for ; at < end; at++ {
		var next []Mapped
		for _, m := range list {
			step, held := l.moves[all[at]][key{sort, m.Code}]
			if !held && m.Code == code {
				return nil, false
			}
			for _, to := range step.to {
				if !slices.ContainsFunc(next, func(n Mapped) bool { return n.Code == to }) {
					next = append(next, Mapped{to, weaker(m.Confidence, step.confidence), step.note})
				}
			}
		}
		list = next
	}
	return list, true
}

func (l *library) readMoves() error {
	rows, err := table("moves.csv")
	if err != nil {
		return err
	}
	for _, r := range rows {
		from := Version(r["from_version"])
		if l.moves[from] == nil {
			l.moves[from] = map[key]move{}
		}
		l.moves[from][key{Sort(r["sort"]), r["from"]}] = move{strings.Fields(r["to"]), Confidence(r["confidence"]), r["note"]}
	}
	return nil
}
