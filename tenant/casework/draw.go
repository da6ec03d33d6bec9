package casework

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"time"
)

// Draw is how a supervisor was chosen for a check on site. Anyone can repeat
// it: the seed is the SHA-256 of "number|seq|time in µs|candidates", and the
// chosen one stands at seed mod the number of candidates, sorted by account.
type Draw struct {
	Candidates []int64 `json:"candidates"`
	Seed       string  `json:"seed"`
	Chosen     int64   `json:"chosen"`
}

// draw chooses among candidates, but those in not; the zero Draw when nobody is left.
func draw(number string, seq int64, at time.Time, candidates []int64, not ...int64) *Draw {
	in := slices.DeleteFunc(slices.Clone(candidates), func(a int64) bool { return slices.Contains(not, a) })
	slices.Sort(in)
	in = slices.Compact(in)
	if len(in) == 0 {
		return nil
	}
	text := []byte(number + "|" + strconv.FormatInt(seq, 10) + "|" + strconv.FormatInt(at.UnixMicro(), 10) + "|")
	for i, a := range in {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, a, 10)
	}
	sum := sha256.Sum256(text)
	chosen := in[binary.BigEndian.Uint64(sum[:8])%uint64(len(in))]
	return &Draw{Candidates: in, Seed: hex.EncodeToString(sum[:]), Chosen: chosen}
}

// Repeated says whether drawing again by what the step says gives the same.
func (s Step) Repeated() bool {
	d := s.Detail.Draw
	if d == nil {
		return false
	}
	again := draw(s.Number, s.Seq, s.At, d.Candidates)
	return again != nil && again.Seed == d.Seed && again.Chosen == d.Chosen
}
