package evidence

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// upload reads a file on its way to the vault: it counts, hashes, and fails in
// the place of its end when it is too large, or is not what it was said to be.
type upload struct {
	in    *bufio.Reader
	media string
	most  int64
	claim string // SHA-256 that the sender says it has, "" when not said
	sum   hash.Hash
	size  int64
}

// receive looks at the beginning of a file and refuses types that are not taken.
func (l Limits) receive(body io.Reader, claim string) (*upload, error) {
	in := bufio.NewReaderSize(body, 64<<10)
	head, err := in.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %w", ErrCutOff, err)
	}
	if len(head) == 0 {
		return nil, ErrEmpty
	}
	media := mediaType(head)
	if taken[media] == "" {
		return nil, ErrType.With(media)
	}
	return &upload{in: in, media: media, most: l.largest(media), claim: claim, sum: sha256.New()}, nil
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.in.Read(p)
	u.size += int64(n)
	u.sum.Write(p[:n])
	switch {
	case u.size > u.most:
		return 0, ErrSize.With(u.media, sized(u.most))
	case errors.Is(err, io.EOF) && u.claim != "" && u.claim != u.digest():
		return 0, ErrClaim
	case err != nil && !errors.Is(err, io.EOF):
		return 0, fmt.Errorf("%w: %w", ErrCutOff, err)
	}
	return n, err
}

// sized writes a size as people read it.
func sized(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MB", n>>20)
	}
	return fmt.Sprintf("%d B", n)
}

func (u *upload) digest() string { return hex.EncodeToString(u.sum.Sum(nil)) }

// proven reads a file from the vault and holds it to the hash it was uploaded
// with. It keeps the end back until it knows, so that whoever reads to the end
// has read the file that was uploaded, and nobody has all of another one.
type proven struct {
	in   *bufio.Reader
	want string
	sum  hash.Hash
	io.Closer
}

func prove(r io.ReadCloser, want string) *proven {
	return &proven{bufio.NewReaderSize(r, 64<<10), want, sha256.New(), r}
}

// Read implements io.Reader.
func (p *proven) Read(b []byte) (int, error) {
	n, err := p.in.Read(b)
	p.sum.Write(b[:n])
	if err == nil {
		_, err = p.in.Peek(1) // the next call meets any error but the end
		if !errors.Is(err, io.EOF) {
			return n, nil
		}
	}
	if errors.Is(err, io.EOF) && hex.EncodeToString(p.sum.Sum(nil)) != p.want {
		return 0, ErrChanged
	}
	return n, err
}
