package phash_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/draw"
	"pgregory.net/rapid"

	"wangge/internal/errs"
	"wangge/internal/phash"
)

// like is the distance within which the tests call pictures alike.
const like = 8

// scene paints a picture that is the same for the same seed: a sky, a ground,
// and things of all sizes on them.
func scene(seed uint64, width, height int) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 1))
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	horizon := height/3 + r.IntN(height/3)
	sky, ground := shade(r), shade(r)
	for y := range height {
		for x := range width {
			if c := sky; y < horizon {
				img.SetRGBA(x, y, c)
			} else {
				img.SetRGBA(x, y, ground)
			}
		}
	}
	for range 24 {
		at := image.Pt(r.IntN(width), r.IntN(height))
		size := image.Pt(width/16+r.IntN(width/4), height/16+r.IntN(height/4))
		draw.Draw(img, image.Rectangle{Min: at, Max: at.Add(size)}, image.NewUniform(shade(r)), image.Point{}, draw.Src)
	}
	return img
}

func shade(r *rand.Rand) color.RGBA {
	return color.RGBA{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256)), 255}
}

func resized(src image.Image, width, height int) image.Image {
	dst := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.ApproxBiLinear.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Src, nil)
	return dst
}

// cropped takes a hundredth of a picture away on each side.
func cropped(src *image.RGBA) image.Image {
	b := src.Bounds()
	return src.SubImage(image.Rect(b.Dx()/100, b.Dy()/100, b.Dx()-b.Dx()/100, b.Dy()-b.Dy()/100))
}

func brighter(src *image.RGBA) image.Image {
	dst := image.NewRGBA(src.Bounds())
	for i, v := range src.Pix {
		dst.Pix[i] = uint8(min(255, int(v)*9/10+20))
	}
	return dst
}

func asJPEG(t testing.TB, img image.Image, quality int) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := jpeg.Encode(&file, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func asPNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func hash(t testing.TB, file []byte) phash.Hash {
	t.Helper()
	p, err := phash.Read(bytes.NewReader(file), 1<<24)
	if err != nil || p.Hash == 0 {
		t.Fatalf("got %+v, %v; want a hash", p, err)
	}
	return p.Hash
}

func TestTheSamePictureIsLikeItselfHoweverItWasSavedAndOthersAreNot(t *testing.T) {
	var all []phash.Hash
	for seed := range uint64(40) {
		img := scene(seed, 640, 480)
		original := hash(t, asJPEG(t, img, 90))
		for name, file := range map[string][]byte{
			"as PNG":             asPNG(t, img),
			"recompressed":       asJPEG(t, img, 35),
			"half as large":      asJPEG(t, resized(img, 320, 240), 80),
			"an odd size":        asJPEG(t, resized(img, 517, 401), 80),
			"one and a half":     asJPEG(t, resized(img, 960, 720), 80),
			"slightly cropped":   asJPEG(t, cropped(img), 80),
			"with another light": asJPEG(t, brighter(img), 80),
		} {
			if d := hash(t, file).Distance(original); d > like {
				t.Errorf("picture %d %s: distance %d, want at most %d", seed, name, d, like)
			}
		}
		for other, h := range all {
			if d := h.Distance(original); d <= like {
				t.Errorf("pictures %d and %d: distance %d, want more than %d", seed, other, d, like)
			}
		}
		all = append(all, original)
	}
}

func TestAPictureThatShowsNothingHasNoHash(t *testing.T) {
	wall := image.NewGray(image.Rect(0, 0, 200, 200))
	for i := range wall.Pix {
		wall.Pix[i] = 120
	}
	noisy := image.NewGray(wall.Rect)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range noisy.Pix {
		noisy.Pix[i] = uint8(120 + r.IntN(5))
	}
	for name, img := range map[string]image.Image{"a wall": wall, "a noisy wall": noisy, "one pixel": wall.SubImage(image.Rect(0, 0, 1, 1))} {
		p, err := phash.Read(bytes.NewReader(asPNG(t, img)), 1<<20)
		if err != nil || p.Hash != 0 {
			t.Errorf("%s: got %x, %v; want no hash", name, p.Hash, err)
		}
	}
	if _, ok := phash.Of(image.NewGray(image.Rect(0, 0, 0, 5))); ok {
		t.Error("a picture without pixels has a hash")
	}
}

func TestEveryKindOfPictureIsReadAlike(t *testing.T) {
	img := scene(7, 320, 240)
	want, _ := phash.Of(img)
	kinds := map[string]draw.Image{
		"NRGBA": image.NewNRGBA(img.Rect), "Gray": image.NewGray(img.Rect), "RGBA64": image.NewRGBA64(img.Rect), "CMYK": image.NewCMYK(img.Rect),
		"moved": image.NewRGBA(img.Rect.Add(image.Pt(-7, 1000))),
	}
	for name, kind := range kinds {
		draw.Draw(kind, kind.Bounds(), img, image.Point{}, draw.Src)
		if got, ok := phash.Of(kind); !ok || got.Distance(want) > 1 {
			t.Errorf("%s: got %x, %v; want %x", name, got, ok, want)
		}
	}
}

// dot is a lossless WebP of one pixel.
const dot = "RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"

func TestWebPIsRead(t *testing.T) {
	if p, err := phash.Read(strings.NewReader(dot), 1); err != nil || p.Width != 1 || p.Height != 1 {
		t.Errorf("got %+v, %v; want one pixel", p, err)
	}
}

func TestWhatIsNoWholePictureIsRefused(t *testing.T) {
	file := asJPEG(t, scene(3, 200, 100), 80)
	for name, text := range map[string][]byte{"cut off": file[:len(file)/2], "empty": nil, "text": []byte("井盖")} {
		if _, err := phash.Read(bytes.NewReader(text), 1<<20); !errors.Is(err, phash.ErrBroken) {
			t.Errorf("%s: got %v, want ErrBroken", name, err)
		}
	}
	if _, err := phash.Read(bytes.NewReader(file), 200*100-1); !errors.Is(err, phash.ErrPixels) || errs.KindOf(err) != errs.Invalid {
		t.Errorf("got %v, want ErrPixels", err)
	}
	if _, err := phash.Read(bytes.NewReader(file), 200*100); err != nil {
		t.Errorf("as many pixels as allowed: %v", err)
	}
}

func TestABombIsRefusedBeforeItGoesOff(t *testing.T) {
	// A header that promises 60000 × 60000 pixels, and nothing after it.
	file := asPNG(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	copy(file[16:], "\x00\x00\xea\x60\x00\x00\xea\x60")
	binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(file[12:29]))
	if _, err := phash.Read(bytes.NewReader(file), 1<<25); !errors.Is(err, phash.ErrPixels) {
		t.Errorf("got %v, want ErrPixels", err)
	}
}

func TestAStoreThatFailsIsNotTakenForADamagedPicture(t *testing.T) {
	file, lost := asJPEG(t, scene(3, 200, 100), 80), errors.New("the store is gone")
	for _, at := range []int{0, 10, len(file) / 2} {
		_, err := phash.Read(io.MultiReader(bytes.NewReader(file[:at]), broken{lost}), 1<<20)
		if !errors.Is(err, lost) || errors.Is(err, phash.ErrBroken) {
			t.Errorf("after %d bytes: got %v, want the store's own error", at, err)
		}
	}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func TestEveryHashWithinTheDistanceSharesABandAround(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one := phash.Hash(rapid.Uint64().Draw(t, "hash"))
		flips := rapid.SliceOfNDistinct(rapid.IntRange(0, 63), 0, like, rapid.ID[int]).Draw(t, "flips")
		other := one
		for _, bit := range flips {
			other ^= 1 << bit
		}
		if d := one.Distance(other); d != len(flips) {
			t.Fatalf("distance %d after %d flips", d, len(flips))
		}
		distance := rapid.IntRange(len(flips), 2*like).Draw(t, "distance")
		for i, values := range one.Around(distance) {
			if slices.Contains(values, other.Bands()[i]) {
				return
			}
		}
		t.Fatalf("%x and %x share no band", one, other)
	})
}

func TestAroundListsEachNeighbourOnceAndTheBandsAreAllOfTheHash(t *testing.T) {
	const h = phash.Hash(0xa5f0_1234_5678_9abc)
	b := h.Bands()
	if got := phash.Hash(b[0]) | phash.Hash(b[1])<<21 | phash.Hash(b[2])<<42; got != h {
		t.Errorf("the bands make %x, want %x", got, h)
	}
	for distance, want := range map[int]int{0: 3, 2: 3, 3: 67, 5: 67, 6: 718, 8: 718} {
		got := 0
		for i, values := range h.Around(distance) {
			if values[0] != b[i] {
				t.Errorf("band %d of distance %d begins with %x, want its own value", i, distance, values[0])
			}
			slices.Sort(values)
			got += len(slices.Compact(values))
		}
		if got != want {
			t.Errorf("distance %d: got %d values, want %d", distance, got, want)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for _, size := range []image.Point{{1280, 960}, {4000, 3000}} {
		file := asJPEG(b, scene(1, size.X, size.Y), 85)
		b.Run(fmt.Sprintf("%dx%d", size.X, size.Y), func(b *testing.B) {
			for b.Loop() {
				hash(b, file)
			}
		})
	}
}
