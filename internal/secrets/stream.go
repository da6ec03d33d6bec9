package secrets

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/streamingaead"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Stream seals what is too long to be held in memory, under a key of its own.
// It is safe for concurrent use.
type Stream struct {
	key     tink.StreamingAEAD
	context []byte
}

// NewStream makes a fresh key and returns it as s seals it, to be kept beside
// the stream. Context says where the stream belongs, for key and stream alike.
func NewStream(s Sealer, context []byte) (sealed []byte, stream Stream, err error) {
	h, err := keyset.NewHandle(streamingaead.AES256GCMHKDF4KBKeyTemplate())
	if err != nil {
		return nil, Stream{}, fmt.Errorf("key of a stream: %w", err)
	}
	var plain bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewBinaryWriter(&plain)); err != nil {
		return nil, Stream{}, fmt.Errorf("key of a stream: %w", err)
	}
	if sealed, err = s.Seal(plain.Bytes(), context); err != nil {
		return nil, Stream{}, fmt.Errorf("key of a stream: %w", err)
	}
	stream, err = newStream(h, context)
	return sealed, stream, err
}

// OpenStream opens the key that NewStream returned sealed. The error is
// ErrNotSealed under another sealer or with another context.
func OpenStream(s Sealer, sealed, context []byte) (Stream, error) {
	plain, err := s.Open(sealed, context)
	if err != nil {
		return Stream{}, err
	}
	h, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(plain)))
	if err != nil {
		return Stream{}, ErrNotSealed // the cause may quote the key
	}
	return newStream(h, context)
}

func newStream(h *keyset.Handle, context []byte) (Stream, error) {
	key, err := streamingaead.New(h)
	if err != nil {
		return Stream{}, fmt.Errorf("key of a stream: %w", err)
	}
	return Stream{key, context}, nil
}

// Writer seals what is written to it into w, at least one byte. What was sealed
// is whole only once it has been closed, which does not close w.
func (s Stream) Writer(w io.Writer) (io.WriteCloser, error) {
	return s.key.NewEncryptingWriter(w, s.context)
}

// Reader opens what Writer sealed. It returns no byte that was changed; the
// error is ErrNotSealed then, and at the end of a stream that was cut off.
func (s Stream) Reader(r io.Reader) (io.Reader, error) {
	in := &source{in: r}
	out, err := s.key.NewDecryptingReader(in, s.context)
	if err != nil {
		return nil, in.blame(err)
	}
	return opened{in, out}, nil
}

// source remembers why the sealed stream could not be read on.
type source struct {
	in     io.Reader
	failed error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.failed = err
	}
	return n, err
}

// blame tells a stream that can't be read from one that does not open.
func (s *source) blame(err error) error {
	if s.failed != nil {
		return fmt.Errorf("read the sealed stream: %w", s.failed)
	}
	return fmt.Errorf("open the stream: %s: %w", err.Error(), ErrNotSealed)
}

// opened is a stream that is being opened.
type opened struct {
	in  *source
	out io.Reader
}

func (o opened) Read(p []byte) (int, error) {
	n, err := o.out.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = o.in.blame(err)
	}
	return n, err
}
