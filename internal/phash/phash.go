// Package phash tells whether two pictures look alike: a hash of 64 bits that
// recompressing, resizing and slight cropping change in few bits. It reads
// JPEG, PNG and WebP. What alike means is the caller's: it sets the distance.
package phash

import (
	"cmp"
	"image"
	"math"
	"math/bits"
	"slices"
)

// Hash is the perceptual hash of a picture: one bit for each of its 64 lowest
// frequencies, set where it is above their median. About half the bits are set,
// so no picture has the hash 0.
type Hash uint64

// Distance is the number of bits in which two hashes differ: 0 for the same
// picture, about 32 for two that have nothing to do with each other.
func (h Hash) Distance(other Hash) int { return bits.OnesCount64(uint64(h ^ other)) }

const (
	side  = 32 // pixels of the small picture the frequencies are read from
	waves = 8  // frequencies in each direction, without the constant one
	// quiet is the strongest frequency of a picture that shows nothing: a wall, a
	// lens cap. Its hash would be noise, and be like that of any other such.
	quiet = 256
)

// Of hashes a picture. ok is false for one that is empty or shows nothing.
func Of(img image.Image) (h Hash, ok bool) {
	small, ok := shrink(img)
	if !ok {
		return 0, false
	}
	found := frequencies(small)
	if strongest(found[:]) < quiet {
		return 0, false
	}
	middle := median(found[:])
	for i, f := range found {
		if f > middle {
			h |= 1 << i
		}
	}
	return h, h != 0
}

// frequencies are the coefficients 1 to 8 in both directions of the discrete
// cosine transform (DCT-II), row by row.
func frequencies(small [side][side]float64) (out [waves * waves]float64) {
	var wave [waves][side]float64
	for k := range waves {
		for x := range side {
			wave[k][x] = math.Cos(math.Pi * float64(k+1) * (2*float64(x) + 1) / (2 * side))
		}
	}
	var rows [side][waves]float64
	for y := range side {
		for k := range waves {
			for x := range side {
				rows[y][k] += small[y][x] * wave[k][x]
			}
		}
	}
	for i := range waves {
		for k := range waves {
			for y := range side {
				out[i*waves+k] += rows[y][k] * wave[i][y]
			}
		}
	}
	return out
}

func strongest(values []float64) float64 {
	return math.Abs(slices.MaxFunc(values, func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) }))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[len(sorted)/2-1] + sorted[len(sorted)/2]) / 2
}

// shrink averages the brightness of a picture over 32 × 32 equal parts; false
// for a picture without pixels. One smaller than that repeats its pixels.
func shrink(img image.Image) (small [side][side]float64, ok bool) {
	b := img.Bounds()
	if b.Empty() {
		return small, false
	}
	bright := brightness(img)
	for j := range side {
		top, bottom := part(b.Min.Y, b.Dy(), j)
		for i := range side {
			left, right := part(b.Min.X, b.Dx(), i)
			sum := 0
			for y := top; y < bottom; y++ {
				for x := left; x < right; x++ {
					sum += bright(x, y)
				}
			}
			small[j][i] = float64(sum) / float64((bottom-top)*(right-left))
		}
	}
	return small, true
}

// part is the i-th of 32 parts of a line, at least one pixel long.
func part(from, length, i int) (begin, end int) {
	begin, end = from+i*length/side, from+(i+1)*length/side
	return begin, max(end, begin+1)
}

// brightness reads the brightness of a pixel, 0 to 255, directly from the kinds
// of picture that cameras and screens make.
func brightness(img image.Image) func(x, y int) int {
	switch p := img.(type) {
	case *image.YCbCr:
		return func(x, y int) int { return int(p.Y[p.YOffset(x, y)]) }
	case *image.NYCbCrA:
		return func(x, y int) int { return int(p.Y[p.YOffset(x, y)]) }
	case *image.Gray:
		return func(x, y int) int { return int(p.Pix[p.PixOffset(x, y)]) }
	case *image.NRGBA:
		return func(x, y int) int { return luma(p.Pix[p.PixOffset(x, y):]) }
	case *image.RGBA:
		return func(x, y int) int { return luma(p.Pix[p.PixOffset(x, y):]) }
	default:
		return func(x, y int) int {
			r, g, b, _ := img.At(x, y).RGBA()
			return luma([]uint8{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8)})
		}
	}
}

// luma is the brightness of red, green and blue as JPEG weighs them.
func luma(rgb []uint8) int {
	return (299*int(rgb[0]) + 587*int(rgb[1]) + 114*int(rgb[2]) + 500) / 1000
}
