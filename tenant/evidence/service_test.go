package evidence_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/internal/phash"
	"wangge/internal/testdb"
	"wangge/tenant/citytest"
	"wangge/tenant/evidence"
	"wangge/tenant/grid"
	"wangge/tenant/org"
)

// picture is a JPEG of what a seed paints; qualities differ in bytes and are
// alike to look at.
func picture(t testing.TB, seed uint64, quality int) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	img := image.NewRGBA(image.Rect(0, 0, 320, 240))
	for range 30 {
		at := image.Pt(r.IntN(320)-40, r.IntN(240)-40)
		shade := color.RGBA{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256)), 255}
		draw.Draw(img, image.Rectangle{Min: at, Max: at.Add(image.Pt(20+r.IntN(100), 20+r.IntN(80)))}, image.NewUniform(shade), image.Point{}, draw.Src)
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// sound is an AMR recording, as far as anybody looks.
func sound(seed byte) []byte { return append([]byte("#!AMR\n"), bytes.Repeat([]byte{seed}, 3000)...) }

// place is a house and what its tests ask of it.
type place struct {
	*citytest.House
	t *testing.T
}

func each(t *testing.T, test func(t *testing.T, h place)) {
	citytest.Each(t, func(t *testing.T, h *citytest.House) { test(t, place{h, t}) })
}

// report opens a case and returns its number.
func (h place) report() string {
	h.t.Helper()
	c, err := h.City.Cases.Report(h.t.Context(), h.Report())
	if err != nil {
		h.t.Fatal(err)
	}
	return c.Number
}

func (h place) input(number string, m evidence.Moment, file []byte) evidence.AddInput {
	by := h.Actor(org.Supervisor)
	return evidence.AddInput{
		Case: number, Moment: m, By: evidence.Actor{Account: by.Account, Role: by.Role, Department: by.Department}, Body: bytes.NewReader(file),
	}
}

func (h place) add(number string, m evidence.Moment, file []byte) evidence.Item {
	h.t.Helper()
	it, err := h.City.Evidence.Add(h.t.Context(), h.input(number, m, file))
	if err != nil {
		h.t.Fatal(err)
	}
	return it
}

// rows counts contents and items.
func (h place) rows() (contents, items int64) {
	h.t.Helper()
	for table, n := range map[string]*int64{"evidence_contents": &contents, "evidence": &items} {
		if err := h.DB.Read.Table(table).Count(n).Error; err != nil {
			h.t.Fatal(err)
		}
	}
	return contents, items
}

// sweep sweeps whatever its age.
func (h place) sweep() int {
	h.t.Helper()
	n, err := h.City.Evidence.Sweep(h.t.Context(), -time.Minute)
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

func digest(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])
}

func TestAFileComesBackWithAllThatIsKnownOfIt(t *testing.T) {
	each(t, func(t *testing.T, h place) {
		number, file := h.report(), picture(t, 1, 90)
		in := h.input(number, evidence.Before, file)
		in.TakenAt, in.Place, in.Device, in.Claimed = h.Clock.Now().Add(-time.Minute), &h.Place, "手机 A1", digest(file)
		it, err := h.City.Evidence.Add(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		got, r, err := h.City.Evidence.Open(t.Context(), it.ID)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil || !bytes.Equal(text, file) {
			t.Errorf("%d of %d bytes came back, %v", len(text), len(file), err)
		}
		list, err := h.City.Evidence.List(t.Context(), number)
		if err != nil || len(list) != 1 {
			t.Fatalf("listed %+v, %v", list, err)
		}
		for name, it := range map[string]evidence.Item{"added": it, "opened": got, "listed": list[0]} {
			ok := len(it.ID) == 26 && it.Seq == 1 && it.Case == number && it.Moment == evidence.Before && it.Type == "image/jpeg" &&
				it.Size == int64(len(file)) && it.SHA256 == digest(file) && it.Width == 320 && it.Height == 240 && it.PHash != 0 &&
				it.TakenAt.Equal(in.TakenAt) && it.ReceivedAt.Equal(h.Clock.Now()) && it.Place != nil && *it.Place == h.Place &&
				it.Device == "手机 A1" && it.By == in.By && it.Flags == nil && it.Reused == nil
			if !ok {
				t.Errorf("%s: %+v", name, it)
			}
		}
		unknown := h.add(number, evidence.During, sound(1))
		again, err := h.City.Evidence.Item(t.Context(), unknown.ID)
		if err != nil || !again.TakenAt.IsZero() || again.Place != nil || again.PHash != 0 || again.Width != 0 || again.Seq != 2 {
			t.Errorf("a sound nobody said more of: %+v, %v", again, err)
		}
	})
}

func TestTheSameFileSentTwiceIsOneItemAndOneBlob(t *testing.T) {
	each(t, func(t *testing.T, h place) {
		number, file := h.report(), picture(t, 1, 90)
		first := h.add(number, evidence.Before, file)
		again, err := h.City.Evidence.Add(t.Context(), h.input(number, evidence.Before, file))
		if err != nil || again.ID != first.ID {
			t.Errorf("sent again it is %+v, %v; want item %s", again, err, first.ID)
		}
		other := h.add(h.report(), evidence.Before, file)
		if contents, items := h.rows(); contents != 1 || items != 2 || other.Seq != 2 {
			t.Errorf("%d contents of %d items, the second at place %d", contents, items, other.Seq)
		}
		if n := h.sweep(); n != 0 {
			t.Errorf("%d blobs were left without an item", n)
		}
		for _, id := range []string{first.ID, other.ID} {
			if got := h.read(id); !bytes.Equal(got, file) {
				t.Errorf("item %s gives %d bytes", id, len(got))
			}
		}
	})
}

func (h place) read(id string) []byte {
	h.t.Helper()
	_, r, err := h.City.Evidence.Open(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		h.t.Fatal(err)
	}
	return text
}

func TestAPictureUsedAgainIsFlaggedWithWhereItWasUsed(t *testing.T) {
	each(t, func(t *testing.T, h place) {
		one, two := h.report(), h.report()
		original := h.add(one, evidence.Before, picture(t, 1, 90))
		h.add(one, evidence.Before, picture(t, 2, 90))
		recording := h.add(one, evidence.During, sound(1))
		for name, c := range map[string]struct {
			it    evidence.Item
			of    evidence.Item
			exact bool
		}{
			"recompressed, in another case":       {h.add(two, evidence.Before, picture(t, 1, 40)), original, false},
			"as it was, after the work":           {h.add(one, evidence.After, picture(t, 1, 90)), original, true},
			"the same sound of another case":      {h.add(two, evidence.During, sound(1)), recording, true},
			"as it was, in another case as after": {h.add(two, evidence.After, picture(t, 1, 90)), original, true},
		} {
			stored, err := h.City.Evidence.Item(t.Context(), c.it.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range []evidence.Item{c.it, stored} {
				at := slices.IndexFunc(it.Reused, func(r evidence.Ref) bool { return r.ID == c.of.ID })
				if at < 0 || !slices.Equal(it.Flags, []evidence.Flag{evidence.Reused}) {
					t.Errorf("%s: flags %v, like %+v; want it to name %s", name, it.Flags, it.Reused, c.of.ID)
					continue
				}
				if ref := it.Reused[at]; ref.Case != one || ref.Moment != c.of.Moment || ref.Same != c.exact || ref.Distance > 8 {
					t.Errorf("%s: like %+v", name, ref)
				}
			}
		}
		fresh := h.add(two, evidence.After, picture(t, 3, 90))
		second := h.add(two, evidence.After, picture(t, 3, 50))
		if fresh.Flags != nil || second.Flags != nil {
			t.Errorf("a new picture is flagged %v, a second shot of it %v", fresh.Flags, second.Flags)
		}
	})
}

func TestWhatIsRefusedOrCutOffLeavesNeitherItemNorBlob(t *testing.T) {
	each(t, func(t *testing.T, h place) {
		number, file := h.report(), picture(t, 1, 90)
		base := h.input(number, evidence.Before, nil)
		cut := func(n int) io.Reader {
			return io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(io.ErrUnexpectedEOF))
		}
		for name, c := range map[string]struct {
			change func(in *evidence.AddInput)
			want   error
		}{
			"no such case":        {func(in *evidence.AddInput) { in.Case = "20261123-999999" }, evidence.ErrNoCase},
			"a document":          {func(in *evidence.AddInput) { in.Body = strings.NewReader("%PDF-1.7 …") }, evidence.ErrType},
			"nothing":             {func(in *evidence.AddInput) { in.Body = strings.NewReader("") }, evidence.ErrEmpty},
			"another hash":        {func(in *evidence.AddInput) { in.Claimed = digest(nil) }, evidence.ErrClaim},
			"cut off":             {func(in *evidence.AddInput) { in.Body = cut(len(file) / 2) }, evidence.ErrCutOff},
			"cut off at once":     {func(in *evidence.AddInput) { in.Body = cut(3) }, evidence.ErrCutOff},
			"a damaged picture":   {func(in *evidence.AddInput) { in.Body = bytes.NewReader(file[:len(file)/2]) }, phash.ErrBroken},
			"no such moment":      {func(in *evidence.AddInput) { in.Moment = "later" }, errs.ErrInvalid},
			"nowhere":             {func(in *evidence.AddInput) { in.Place = &grid.Point{Lon: 181} }, errs.ErrInvalid},
			"a garbled device":    {func(in *evidence.AddInput) { in.Device = "a\x00b" }, errs.ErrInvalid},
			"a name far too long": {func(in *evidence.AddInput) { in.Device = strings.Repeat("机", 101) }, errs.ErrInvalid},
			"a hash that is none": {func(in *evidence.AddInput) { in.Claimed = strings.Repeat("A", 64) }, errs.ErrInvalid},
		} {
			in := base
			in.Body = bytes.NewReader(file)
			c.change(&in)
			if it, err := h.City.Evidence.Add(t.Context(), in); !errors.Is(err, c.want) || it.ID != "" {
				t.Errorf("%s: got %+v, %v; want %v", name, it, err, c.want)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		in := base
		in.Body = io.MultiReader(bytes.NewReader(file), hangsUp(cancel))
		if _, err := h.City.Evidence.Add(ctx, in); err == nil {
			t.Error("somebody hung up and nobody noticed")
		}
		if contents, items := h.rows(); contents != 0 || items != 0 {
			t.Errorf("%d contents and %d items are left", contents, items)
		}
		if n := h.sweep(); n != 0 {
			t.Errorf("%d blobs were left", n)
		}
		if it := h.add(number, evidence.Before, file); it.Seq != 1 {
			t.Errorf("the first item has place %d", it.Seq)
		}
	})
}

// hangsUp ends a request and then says that its body is over.
type hangsUp context.CancelFunc

func (h hangsUp) Read([]byte) (int, error) {
	h()
	return 0, io.EOF
}

func TestACaseHasOnlySoMuchEvidence(t *testing.T) {
	each(t, func(t *testing.T, h place) {
		number := h.report()
		most := h.City.Evidence.Limits().PerCase
		for i := range most {
			h.add(number, evidence.During, append(sound(1), byte(i), byte(i>>8)))
		}
		if _, err := h.City.Evidence.Add(t.Context(), h.input(number, evidence.During, sound(2))); !errors.Is(err, evidence.ErrMany) {
			t.Errorf("item %d: got %v, want ErrMany", most+1, err)
		}
		list, err := h.City.Evidence.List(t.Context(), number)
		if err != nil || len(list) != most || list[most-1].Seq != int64(most) {
			t.Errorf("listed %d of %d, %v", len(list), most, err)
		}
		if n := h.sweep(); n != 0 {
			t.Errorf("%d blobs were left", n)
		}
	})
}

func TestABlobThatNoItemHoldsIsSweptAndNoOther(t *testing.T) {
	each(t, func(t *testing.T, h place) {
		number, file := h.report(), picture(t, 1, 90)
		it := h.add(number, evidence.Before, file)
		sealer, err := h.Seeder.Sealer(t.Context(), h.City.ID)
		if err != nil {
			t.Fatal(err)
		}
		vault := h.Seeder.Options.Blobs.Vault(h.City.ID.String(), sealer)
		name, key, err := vault.Put(t.Context(), strings.NewReader("what a killed process left"))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := h.City.Evidence.Sweep(t.Context(), evidence.Settled); n != 0 || err != nil {
			t.Errorf("swept %d that are new, %v", n, err)
		}
		if n := h.sweep(); n != 1 {
			t.Errorf("swept %d, want one", n)
		}
		if _, err := vault.Open(t.Context(), name, key); err == nil {
			t.Error("it is still there")
		}
		if got := h.read(it.ID); !bytes.Equal(got, file) {
			t.Error("an item lost its file")
		}
	})
}

func TestAFileThatWasExchangedIsNotGivenOut(t *testing.T) {
	each(t, func(t *testing.T, h place) {
		one := h.add(h.report(), evidence.Before, picture(t, 1, 90))
		// Somebody with the database, the store and the key puts another file in its place.
		sealer, err := h.Seeder.Sealer(t.Context(), h.City.ID)
		if err != nil {
			t.Fatal(err)
		}
		name, key, err := h.Seeder.Options.Blobs.Vault(h.City.ID.String(), sealer).Put(t.Context(), bytes.NewReader(picture(t, 2, 90)))
		if err != nil {
			t.Fatal(err)
		}
		h.force("UPDATE evidence_contents SET blob = ?, blob_key = ?", name, key)
		_, r, err := h.City.Evidence.Open(t.Context(), one.ID)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := io.Copy(io.Discard, r); !errors.Is(err, evidence.ErrChanged) {
			t.Errorf("got %v, want ErrChanged", err)
		}
	})
}

// force runs a statement as somebody who may do anything to the database.
func (h place) force(statement string, args ...any) {
	h.t.Helper()
	free := map[gormx.Engine]string{gormx.SQLite: "DROP TRIGGER evidence_contents_keep", gormx.Postgres: "GRANT UPDATE ON evidence_contents TO CURRENT_USER"}[h.DB.Engine]
	for _, err := range []error{h.DB.Write.Exec(free).Error, h.DB.Write.Exec(statement, args...).Error} {
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

func TestEvidenceIsNeitherChangedNorRemoved(t *testing.T) {
	each(t, func(t *testing.T, h place) {
		h.add(h.report(), evidence.Before, picture(t, 1, 90))
		h.add(h.report(), evidence.Before, picture(t, 1, 90))
		for _, statement := range []string{
			"UPDATE evidence SET device = 'x'", "DELETE FROM evidence", "UPDATE evidence_contents SET id = id + 100", "UPDATE evidence_contents SET sha256 = upper(sha256)", "DELETE FROM evidence_contents",
			"UPDATE evidence_refs SET distance = 9", "DELETE FROM evidence_refs",
		} {
			if err := h.DB.Write.Exec(statement).Error; err == nil {
				t.Errorf("%s was let through", statement)
			}
		}
	})
}

func TestManyAtOnceAreCountedOnceAndTheLaterKnowTheEarlier(t *testing.T) {
	each(t, func(t *testing.T, h place) {
		const hands = 8
		var numbers []string
		for range hands {
			numbers = append(numbers, h.report())
		}
		file := picture(t, 1, 90)
		items, failed := make([]evidence.Item, 2*hands), make([]error, 2*hands)
		var all sync.WaitGroup
		for i := range items {
			all.Go(func() { // two hands send the same picture to each case
				items[i], failed[i] = h.City.Evidence.Add(t.Context(), h.input(numbers[i/2], evidence.After, file))
			})
		}
		all.Wait()
		if err := errors.Join(failed...); err != nil {
			t.Fatal(err)
		}
		seqs, flagged := map[int64]string{}, 0
		for i, it := range items {
			if it.ID != items[i^1].ID {
				t.Errorf("case %s has the items %s and %s", numbers[i/2], it.ID, items[i^1].ID)
			}
			if seqs[it.Seq] == "" && len(it.Reused) > 0 {
				flagged++
			}
			if seqs[it.Seq] = it.ID; len(it.Reused) != int(it.Seq-1) {
				t.Errorf("item %d names %d earlier ones", it.Seq, len(it.Reused))
			}
		}
		contents, rows := h.rows()
		if len(seqs) != hands || flagged != hands-1 || contents != 1 || rows != hands || h.sweep() != 0 {
			t.Errorf("%d places, %d flagged, %d contents, %d items", len(seqs), flagged, contents, rows)
		}
		if got := h.read(items[0].ID); !bytes.Equal(got, file) {
			t.Error("the file is gone")
		}
	})
}

func TestEveryPictureWithinTheDistanceIsFound(t *testing.T) {
	each(t, func(t *testing.T, h place) {
		number, file := h.report(), picture(t, 1, 90)
		hash := uint64(must(phash.Read(bytes.NewReader(file), 1<<20)).Hash)
		r := rand.New(rand.NewPCG(7, 7))
		want := map[string]int{}
		for i := range 26 { // two at each distance from 0 to 12
			other := hash
			for _, bit := range r.Perm(64)[:i/2] {
				other ^= 1 << bit
			}
			id := fmt.Sprintf("item%d", i)
			h.insert(i, number, id, other)
			if i/2 <= 8 {
				want[id] = i / 2
			}
		}
		it := h.add(h.report(), evidence.Before, file)
		got := map[string]int{}
		for _, ref := range it.Reused {
			got[ref.ID] = ref.Distance
		}
		if !maps.Equal(got, want) {
			t.Errorf("found %v, want %v", got, want)
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// insert writes an item with a hash of its own past the service.
func (h place) insert(i int, number, id string, hash uint64) {
	h.t.Helper()
	b := phash.Hash(hash).Bands()
	var content int64
	err := h.DB.Write.Raw(`INSERT INTO evidence_contents (sha256, media_type, size, phash, band0, band1, band2, blob, blob_key)
		VALUES (?, 'image/jpeg', 1, ?, ?, ?, ?, ?, ?) RETURNING id`,
		fmt.Sprintf("%064d", i), int64(hash), b[0], b[1], b[2], id, []byte{1}).Scan(&content).Error
	if err == nil {
		err = h.DB.Write.Exec(`INSERT INTO evidence (id, seq, case_number, moment, content_id, received_at, account_id, role)
			VALUES (?, ?, ?, 'after', ?, 1, 1, 'x')`, id, 1000+i, number, content).Error
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestTheDatabaseRefusesABandThatIsNotTheHashs(t *testing.T) {
	testdb.Engines(t, func(t *testing.T, db *gormx.DB) {
		citytest.Open(t, db)
		insert := func(hash, band2 any) error {
			return db.Write.Exec(`INSERT INTO evidence_contents (sha256, media_type, size, phash, band0, band1, band2, blob, blob_key)
				VALUES (?, 'image/jpeg', 1, ?, 4, 3, ?, 'a', ?)`, digest(nil), hash, band2, []byte{1}).Error
		}
		const hash = 2<<42 | 3<<21 | 4
		for _, wrong := range [][2]any{{hash, 3}, {hash, nil}, {nil, 2}, {hash + 1, 2}, {hash + 1<<21, 2}} {
			if insert(wrong[0], wrong[1]) == nil {
				t.Errorf("%v was let through", wrong)
			}
		}
		if err := insert(hash, 2); err != nil {
			t.Error(err)
		}
	})
}

func TestItIsKnownWhatACaseHasSinceWhen(t *testing.T) {
	each(t, func(t *testing.T, h place) {
		number := h.report()
		h.add(number, evidence.Before, sound(1))
		then := h.Clock.Now()
		for name, c := range map[string]struct {
			number string
			m      evidence.Moment
			since  time.Time
			want   bool
		}{
			"at any time": {number, evidence.Before, time.Time{}, true}, "at that time": {number, evidence.Before, then, true},
			"of any moment": {number, "", then, true}, "later": {number, evidence.Before, then.Add(time.Microsecond), false},
			"of another moment": {number, evidence.After, time.Time{}, false}, "another case": {"20261123-999999", "", time.Time{}, false},
		} {
			if got, err := h.City.Evidence.Has(t.Context(), c.number, c.m, c.since); got != c.want || err != nil {
				t.Errorf("%s: got %v, %v; want %v", name, got, err, c.want)
			}
		}
	})
}

func TestPairsComeFromTheStore(t *testing.T) {
	each(t, func(t *testing.T, h place) {
		number := h.report()
		before, after := h.add(number, evidence.Before, picture(t, 1, 90)), h.add(number, evidence.After, picture(t, 2, 90))
		pairs, err := h.City.Evidence.Pairs(t.Context(), number)
		if err != nil || len(pairs) != 1 || pairs[0].Before.ID != before.ID || pairs[0].After.ID != after.ID {
			t.Errorf("got %+v, %v", pairs, err)
		}
	})
}

func TestASecondCitySeesNothingOfTheEvidenceAndSweepsNoneOfIt(t *testing.T) {
	for engine, db := range map[string]func(testing.TB) *gormx.DB{"sqlite": testdb.SQLite, "postgres": testdb.Postgres} {
		t.Run(engine, func(t *testing.T) {
			one := place{citytest.Build(t, db(t), citytest.Lattice(4, 4)), t}
			other := place{citytest.Build(t, db(t), citytest.Code("620200"), citytest.Lattice(4, 4)), t}
			other.Seeder.Options.Blobs = one.Seeder.Options.Blobs // all cities share one store
			other.City = must(other.Seeder.Open(t.Context(), other.City.ID, other.DB))
			file := picture(t, 1, 90)
			it := one.add(one.report(), evidence.Before, file)
			if _, _, err := other.City.Evidence.Open(t.Context(), it.ID); !errors.Is(err, evidence.ErrNoItem) {
				t.Errorf("the other city opens it: %v", err)
			}
			if list, err := other.City.Evidence.List(t.Context(), it.Case); err != nil || len(list) != 0 {
				t.Errorf("the other city lists %+v, %v", list, err)
			}
			if theirs := other.add(other.report(), evidence.After, file); theirs.Flags != nil || theirs.Blob == it.Blob {
				t.Errorf("the same picture in the other city: flags %v, blob %s beside %s", theirs.Flags, theirs.Blob, it.Blob)
			}
			if n := other.sweep(); n != 0 {
				t.Errorf("the other city swept %d", n)
			}
			if got := one.read(it.ID); !bytes.Equal(got, file) {
				t.Error("the file is gone")
			}
		})
	}
}
