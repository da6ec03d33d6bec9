package secrets_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"wangge/internal/secrets"
)

// sealedStream seals text as one stream and returns its sealed key with it.
func sealedStream(t testing.TB, s secrets.Sealer, text []byte, context string) (key, sealed []byte) {
	t.Helper()
	key, stream, err := secrets.NewStream(s, []byte(context))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := stream.Writer(&out)
	if err == nil {
		_, err = w.Write(text)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return key, out.Bytes()
}

// openedStream opens a stream from what r yields.
func openedStream(s secrets.Sealer, key []byte, r io.Reader, context string) ([]byte, error) {
	stream, err := secrets.OpenStream(s, key, []byte(context))
	if err != nil {
		return nil, err
	}
	in, err := stream.Reader(r)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(in)
}

func noise(n int) []byte {
	r, text := rand.New(rand.NewPCG(1, uint64(n))), make([]byte, n)
	for i := range text {
		text[i] = byte(r.Uint32())
	}
	return text
}

func TestAStreamOpensAsItWasSealed(t *testing.T) {
	s := under(t, open(t, folder(t)), "city/130100")
	for _, n := range []int{1, 100, 4096, 4097, 1 << 20} {
		text := noise(n)
		key, sealed := sealedStream(t, s, text, "blob/a")
		if got, err := openedStream(s, key, bytes.NewReader(sealed), "blob/a"); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes came back as %d, %v", n, len(got), err)
		}
		if n >= 100 && bytes.Contains(sealed, text[:50]) {
			t.Errorf("%d bytes are readable in the stream", n)
		}
		if _, again := sealedStream(t, s, text, "blob/a"); bytes.Equal(again, sealed) {
			t.Errorf("%d bytes were sealed alike twice: the key is not fresh", n)
		}
	}
}

func TestAStreamThatWasTouchedOrBelongsElsewhereDoesNotOpen(t *testing.T) {
	k := open(t, folder(t))
	s, other := under(t, k, "city/130100"), under(t, k, "city/130200")
	text := noise(10_000)
	key, sealed := sealedStream(t, s, text, "blob/a")
	otherKey, _ := sealedStream(t, s, text, "blob/a")
	changed := func(at int) []byte {
		b := slices.Clone(sealed)
		b[at] ^= 1
		return b
	}
	for name, try := range map[string]struct {
		by      secrets.Sealer
		key     []byte
		sealed  []byte
		context string
	}{
		"the first byte changed":  {s, key, changed(0), "blob/a"},
		"a byte changed":          {s, key, changed(5000), "blob/a"},
		"the last byte changed":   {s, key, changed(len(sealed) - 1), "blob/a"},
		"cut off":                 {s, key, sealed[:len(sealed)-1], "blob/a"},
		"cut off after a segment": {s, key, sealed[:8192], "blob/a"},
		"empty":                   {s, key, nil, "blob/a"},
		"another's name":          {s, key, sealed, "blob/b"},
		"another's key":           {s, otherKey, sealed, "blob/a"},
		"another city's":          {other, key, sealed, "blob/a"},
		"the key changed":         {s, append(slices.Clone(key[:len(key)-1]), key[len(key)-1]^1), sealed, "blob/a"},
	} {
		got, err := openedStream(try.by, try.key, bytes.NewReader(try.sealed), try.context)
		if !errors.Is(err, secrets.ErrNotSealed) || !bytes.HasPrefix(text, got) {
			t.Errorf("%s: got %d bytes and %v, want ErrNotSealed and no false byte", name, len(got), err)
		}
	}
}

func TestASealedStreamThatCannotBeReadIsNotTakenForAFalseOne(t *testing.T) {
	s := under(t, open(t, folder(t)), "city/130100")
	key, sealed := sealedStream(t, s, noise(10_000), "blob/a")
	lost := errors.New("the store is gone")
	for _, n := range []int{0, 10, 9000} {
		_, err := openedStream(s, key, io.MultiReader(bytes.NewReader(sealed[:n]), fails{lost}), "blob/a")
		if !errors.Is(err, lost) || errors.Is(err, secrets.ErrNotSealed) {
			t.Errorf("after %d bytes: got %v, want the store's own error", n, err)
		}
	}
}

type fails struct{ err error }

func (f fails) Read([]byte) (int, error) { return 0, f.err }

func BenchmarkStream(b *testing.B) {
	s := under(b, open(b, folder(b)), "city/130100")
	text := noise(8 << 20)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		key, sealed := sealedStream(b, s, text, "blob/a")
		if _, err := openedStream(s, key, bytes.NewReader(sealed), "blob/a"); err != nil {
			b.Fatal(err)
		}
	}
}
