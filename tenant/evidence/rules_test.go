package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"wangge/internal/errs"
	"wangge/tenant/grid"
)

func TestAFileIsWhatItBeginsWith(t *testing.T) {
	box := func(brand string) string { return "\x00\x00\x00\x18ftyp" + brand + "\x00\x00\x02\x00rest" }
	for head, want := range map[string]string{
		"\xff\xd8\xff\xe0\x00\x10JFIF":       "image/jpeg",
		"\x89PNG\x0d\x0a\x1a\x0a":            "image/png",
		"RIFF\x1a\x00\x00\x00WEBPVP8L":       "image/webp",
		"RIFF\x1a\x00\x00\x00WAVEfmt ":       "audio/wave",
		"ID3\x03\x00":                        "audio/mpeg",
		"\xff\xfb\x90\x00":                   "audio/mpeg",
		"\xff\xf1\x50\x80":                   "audio/aac",
		"#!AMR\n\x3c":                        "audio/amr",
		"OggS\x00\x02":                       "audio/ogg",
		box("M4A "):                          "audio/mp4",
		box("isom"):                          "video/mp4",
		box("mp42"):                          "video/mp4",
		box("heic"):                          "image/heic",
		box("mif1"):                          "image/heic",
		box("avif"):                          "image/avif",
		box("qt  "):                          "video/quicktime",
		box("3gp4"):                          "video/3gpp",
		"GIF89a":                             "image/gif",
		"%PDF-1.7":                           "application/pdf",
		"<html><script>":                     "text/html",
		"<svg xmlns='http://www.w3.org/2000": "text/plain",
		"MZ\x90\x00":                         "application/octet-stream",
	} {
		if got := mediaType([]byte(head)); got != want {
			t.Errorf("%.16q is taken for %s, want %s", head, got, want)
		}
		_, err := DefaultLimits().receive(strings.NewReader(head), "")
		if (taken[want] != "") != (err == nil) || err != nil && (!errors.Is(err, ErrType) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want a refusal that names the type unless it is taken", want, err)
		}
	}
}

func TestEveryTypeThatIsTakenHasALimit(t *testing.T) {
	l := DefaultLimits()
	for media := range taken {
		if most := l.largest(media); most <= 0 || most > l.Largest() {
			t.Errorf("%s may have %d bytes, the largest file %d", media, most, l.Largest())
		}
	}
}

const jpegHead = "\xff\xd8\xff\xe0"

func TestAnUploadEndsWellOnlyWhenItIsWholeAndWhatWasClaimed(t *testing.T) {
	limits := Limits{Image: 1000, Audio: 10, Video: 10}
	file := jpegHead + strings.Repeat("x", 996)
	const digest = "ad7eb4ee3a3bbcb0b2bbfc4bce0f6ed9e2ec14d6b0bbbd7c4cd6db4d2f1e5a3c"
	lost := errors.New("the line went dead")
	for name, c := range map[string]struct {
		body  io.Reader
		claim string
		want  error
	}{
		"as large as it may be": {strings.NewReader(file), "", nil},
		"a byte too large":      {strings.NewReader(file + "x"), "", ErrSize},
		"of another hash":       {strings.NewReader(file), digest, ErrClaim},
		"empty":                 {strings.NewReader(""), "", ErrEmpty},
		"cut off at once":       {iotest.ErrReader(lost), "", ErrCutOff},
		"cut off":               {io.MultiReader(strings.NewReader(file[:700]), iotest.ErrReader(lost)), "", ErrCutOff},
	} {
		up, err := limits.receive(c.body, c.claim)
		var got []byte
		if err == nil {
			got, err = io.ReadAll(up)
		}
		if !errors.Is(err, c.want) || c.want == nil && (err != nil || string(got) != file || up.size != 1000) {
			t.Errorf("%s: got %d bytes, %v; want %v", name, len(got), err, c.want)
		}
		if c.want != nil && errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v is not the sender's to mend", name, err)
		}
	}
	up, err := limits.receive(strings.NewReader(file), "")
	if err == nil {
		_, err = io.ReadAll(up)
	}
	if err != nil {
		t.Fatal(err)
	}
	if up, err = limits.receive(iotest.OneByteReader(strings.NewReader(file)), up.digest()); err == nil {
		_, err = io.ReadAll(up)
	}
	if err != nil {
		t.Errorf("the right hash was refused: %v", err)
	}
}

func TestNobodyReadsAllOfAFileThatIsNotTheOneUploaded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := rapid.SliceOfN(rapid.Byte(), 1, 200_000).Draw(t, "file")
		sum := sha256.Sum256(file)
		want := hex.EncodeToString(sum[:])
		read := func(b []byte) ([]byte, error) {
			return io.ReadAll(prove(io.NopCloser(iotest.DataErrReader(bytes.NewReader(b))), want))
		}
		if got, err := read(file); err != nil || !bytes.Equal(got, file) {
			t.Fatalf("the file itself: %d of %d bytes, %v", len(got), len(file), err)
		}
		other := slices.Clone(file)
		other[rapid.IntRange(0, len(file)-1).Draw(t, "at")] ^= 1
		for name, b := range map[string][]byte{"changed": other, "cut off": file[:len(file)-1], "longer": append(slices.Clone(file), 0)} {
			if got, err := read(b); !errors.Is(err, ErrChanged) || len(got) >= max(len(b), 1) {
				t.Fatalf("%s: read %d of %d bytes, %v; want ErrChanged before the end", name, len(got), len(b), err)
			}
		}
	})
}

func TestWhatIsDoubtfulAboutWhenItWasTaken(t *testing.T) {
	received := time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)
	for said, want := range map[time.Duration][]Flag{
		0: nil, 5 * time.Minute: nil, 5*time.Minute + 1: {TakenLater}, -30 * 24 * time.Hour: nil, -30*24*time.Hour - 1: {TakenLongAgo},
	} {
		if got := DefaultLimits().doubts(Item{ReceivedAt: received, TakenAt: received.Add(said)}); !slices.Equal(got, want) {
			t.Errorf("taken %v after it was received: got %v, want %v", said, got, want)
		}
	}
	if got := DefaultLimits().doubts(Item{ReceivedAt: received}); got != nil {
		t.Errorf("taken nobody knows when: got %v", got)
	}
	if got := DefaultLimits().doubts(Item{ReceivedAt: received, Reused: []Ref{{}}}); !slices.Equal(got, []Flag{Reused}) {
		t.Errorf("like another: got %v", got)
	}
}

func TestWhatIsLikeWhat(t *testing.T) {
	item := func(number string, m Moment, sum string, hash uint64) Item {
		return Item{ID: number + string(m) + sum, Case: number, Moment: m, Content: Content{SHA256: sum, PHash: hash}}
	}
	one := item("1", After, "a", 0b1)
	for name, c := range map[string]struct {
		earlier  Item
		ok, same bool
		distance int
	}{
		"the same bytes in another case":               {item("2", After, "a", 0b1), true, true, 0},
		"the same picture in another case":             {item("2", Before, "b", 0b1), true, false, 0},
		"eight bits away in another case":              {item("2", Before, "b", 0b111111111), true, false, 8},
		"nine bits away in another case":               {item("2", Before, "b", 0b1111111111), false, false, 0},
		"the same bytes as before the work":            {item("1", Before, "a", 0b1), true, true, 0},
		"two bits from what was before":                {item("1", Before, "b", 0b111), true, false, 2},
		"three bits from what was before":              {item("1", Before, "b", 0b1111), false, false, 0},
		"a second shot of the same moment":             {item("1", After, "b", 0b1), false, false, 0},
		"one that shows nothing, in another case":      {item("2", Before, "b", 0), false, false, 0},
		"the same wall's same bytes, in another case":  {item("2", Before, "a", 0), true, true, 0},
		"the same bytes sent twice for the one moment": {item("1", After, "a", 0b1), false, false, 0},
	} {
		ref, ok := DefaultLimits().resembles(one, c.earlier)
		if ok != c.ok || ok && (ref.Same != c.same || ref.Distance != c.distance || ref.ID != c.earlier.ID || ref.Case != c.earlier.Case || ref.Moment != c.earlier.Moment) {
			t.Errorf("%s: got %+v, %v", name, ref, ok)
		}
	}
	if _, ok := DefaultLimits().resembles(item("1", After, "a", 0), item("2", After, "b", 0)); ok {
		t.Error("two sounds are like each other because neither is a picture")
	}
}

func TestTheLikestAreNamedFirstAndNotAllOfThem(t *testing.T) {
	var like []Item
	for seq := range 30 {
		like = append(like, Item{Seq: int64(seq), Case: "2", Content: Content{SHA256: "b", PHash: 1<<(seq%3+1) - 1}})
	}
	like[17].SHA256 = "a"
	slices.Reverse(like)
	refs := DefaultLimits().reused(Item{Case: "1", Content: Content{SHA256: "a", PHash: 1}}, like)
	if len(refs) != MaxRefs || !refs[0].Same || !slices.IsSortedFunc(refs, func(a, b Ref) int { return a.rank() - b.rank() }) {
		t.Errorf("got %+v", refs)
	}
}

func TestWhatWasBeforeStandsBesideWhatIsAfter(t *testing.T) {
	at := func(metres float64) *grid.Point { return &grid.Point{Lon: 106.8, Lat: 39.6 + metres/111_195} }
	when := func(minutes int) time.Time { return time.Unix(int64(60*minutes), 0) }
	items := []Item{
		{ID: "b1", Moment: Before, Content: Content{Type: "image/jpeg"}, Place: at(0), TakenAt: when(1)},
		{ID: "b2", Moment: Before, Content: Content{Type: "image/png"}, Place: at(100), TakenAt: when(2)},
		{ID: "b3", Moment: Before, Content: Content{Type: "image/jpeg"}, ReceivedAt: when(3)},
		{ID: "bf", Moment: Before, Content: Content{Type: "video/mp4"}, Place: at(0)},
		{ID: "bs", Moment: Before, Content: Content{Type: "audio/amr"}, Place: at(0)},
		{ID: "d1", Moment: During, Content: Content{Type: "image/jpeg"}, Place: at(0)},
		{ID: "a1", Moment: After, Content: Content{Type: "image/jpeg"}, Place: at(95), TakenAt: when(100)},
		{ID: "a2", Moment: After, Content: Content{Type: "image/webp"}, Place: at(20), TakenAt: when(101)},
		{ID: "a3", Moment: After, Content: Content{Type: "image/jpeg"}, TakenAt: when(200)},
		{ID: "a4", Moment: After, Content: Content{Type: "image/jpeg"}, TakenAt: when(90)},
	}
	var got []string
	for _, p := range pairs(items) {
		name := ""
		if p.Before != nil {
			name = p.Before.ID
		}
		name += "-"
		if p.After != nil {
			name += p.After.ID
		}
		got = append(got, name)
	}
	if want := []string{"b2-a1", "b1-a2", "b3-a4", "bf-", "-a3"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestNothingIsLostOrShownTwiceInPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Item {
			it := Item{
				Moment:  rapid.SampledFrom([]Moment{Before, During, After}).Draw(t, "moment"),
				Content: Content{Type: rapid.SampledFrom([]string{"image/jpeg", "video/mp4", "audio/amr"}).Draw(t, "type")},
			}
			if rapid.Bool().Draw(t, "placed") {
				it.Place = &grid.Point{Lon: rapid.Float64Range(106, 107).Draw(t, "lon"), Lat: 39}
			}
			return it
		}), 0, 12).Draw(t, "items")
		shown := map[*Item]int{}
		for _, p := range pairs(items) {
			if p.Before == nil && p.After == nil || p.Before != nil && p.After != nil && kind(p.Before.Type) != kind(p.After.Type) {
				t.Fatalf("a pair of %+v and %+v", p.Before, p.After)
			}
			for _, it := range []*Item{p.Before, p.After} {
				if it != nil {
					shown[it]++
				}
			}
		}
		for i := range items {
			want := 1
			if items[i].Moment == During || kind(items[i].Type) == "audio" {
				want = 0
			}
			if shown[&items[i]] != want {
				t.Fatalf("item %d is shown %d times, want %d", i, shown[&items[i]], want)
			}
		}
	})
}
