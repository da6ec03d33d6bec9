package phash

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the formats that Read knows
	_ "image/png"  // likewise
	"io"

	_ "golang.org/x/image/webp" // likewise

	"wangge/internal/errs"
)

// Picture is what there is to know of a picture.
type Picture struct {
	Width, Height int
	Hash          Hash // 0 when it shows nothing that could be told apart
}

// What Read refuses.
var (
	ErrPixels = errs.New(errs.Invalid, "too_many_pixels", "图片有 %d×%d 像素，超过 %d 万像素的上限", "the picture has %d×%d pixels, more than the limit of %d0,000")
	ErrBroken = errs.New(errs.Invalid, "broken_picture", "图片不完整或已损坏，无法解码；请重新拍摄或另存后再传", "the picture is cut off or damaged and can't be decoded; take or save it anew")
)

// Read decodes all of a picture and hashes it. It is refused before anything is
// decoded when it says of itself that it has more than maxPixels: a file of a
// few bytes may unpack to any size.
func Read(r io.Reader, maxPixels int) (Picture, error) {
	in := &source{r: r}
	var head bytes.Buffer
	about, _, err := image.DecodeConfig(io.TeeReader(in, &head))
	if err != nil {
		return Picture{}, in.blame(err)
	}
	if about.Width <= 0 || about.Height <= 0 || about.Width > maxPixels/about.Height {
		return Picture{}, ErrPixels.With(about.Width, about.Height, maxPixels/10_000)
	}
	img, _, err := image.Decode(io.MultiReader(&head, in))
	if err != nil {
		return Picture{}, in.blame(err)
	}
	hash, _ := Of(img)
	return Picture{Width: about.Width, Height: about.Height, Hash: hash}, nil
}

// source remembers why it could not be read on, so that a failure of the store
// is not taken for a damaged picture.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// blame returns what is to blame for a decoder's error.
func (s *source) blame(err error) error {
	if s.err != nil {
		return fmt.Errorf("read the picture: %w", s.err)
	}
	return fmt.Errorf("decode the picture: %s: %w", err.Error(), ErrBroken)
}
