package evidence

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Store keeps the items of one city. Inside InTx use the store it gives.
type Store interface {
	InTx(ctx context.Context, fn func(Store) error) error
	// Next takes the next place among the city's items. It waits for whoever took
	// the one before to commit, and a rolled-back transaction gives it back.
	Next(ctx context.Context) (int64, error)
	// Content returns what is known of the bytes with this SHA-256.
	Content(ctx context.Context, sha256 string) (c Content, found bool, err error)
	AddContent(ctx context.Context, c Content) error
	AddItem(ctx context.Context, it Item) error
	// Item returns an item, ErrNoItem when there is none.
	Item(ctx context.Context, id string) (Item, error)
	// Items lists the items of a case in order of their arrival.
	Items(ctx context.Context, number string) ([]Item, error)
	// Like lists earlier items that hold the same bytes as c, and those whose
	// perceptual hash differs in at most near bits, the likest first; at most some
	// hundreds. Their Reused is left empty.
	Like(ctx context.Context, c Content, near int) ([]Item, error)
	// Has says whether a case has an item of a moment, "" for any, since a time.
	Has(ctx context.Context, number string, m Moment, since time.Time) (bool, error)
	// Held is how many bytes all files have.
	Held(ctx context.Context) (int64, error)
	// Blobs returns those of the names that are some content's.
	Blobs(ctx context.Context, names []string) ([]string, error)
}

// Vault keeps files sealed, each under a key of its own.
type Vault interface {
	// Put keeps what body yields; when it fails nothing stays.
	Put(ctx context.Context, body io.Reader) (name string, key []byte, err error)
	Open(ctx context.Context, name string, key []byte) (io.ReadCloser, error)
	Remove(ctx context.Context, name string) error
	// Walk calls fn with the names of the files that are at least so old.
	Walk(ctx context.Context, age time.Duration, fn func(name string) error) error
}

// Cases tells which cases there are.
type Cases interface {
	Exists(ctx context.Context, number string) (bool, error)
}

// Look reads a picture: its size and its perceptual hash, 0 when it shows
// nothing. It refuses one that is damaged, or has more pixels than allowed,
// before it unpacks it.
type Look func(r io.Reader, pixels int) (width, height int, hash uint64, err error)

// Parts are what a Service is made of.
type Parts struct {
	Store  Store
	Vault  Vault
	Cases  Cases
	Look   Look
	Limits Limits
	Now    func() time.Time
}

// Service keeps the evidence of one city.
type Service struct {
	p       Parts
	looking chan struct{} // bounds the pictures unpacked at once
}

// unpacked is how many pictures of a city are unpacked at once: one of 40
// million pixels may take a few hundred megabytes.
const unpacked = 2

// NewService returns the evidence made of p; every part is needed.
func NewService(p Parts) *Service { return &Service{p, make(chan struct{}, unpacked)} }

// Limits are the limits the service was made with.
func (s *Service) Limits() Limits { return s.p.Limits }

// Held is how many bytes the city's files have.
func (s *Service) Held(ctx context.Context) (int64, error) { return s.p.Store.Held(ctx) }

// Item returns an item without its file; ErrNoItem when there is none.
func (s *Service) Item(ctx context.Context, id string) (Item, error) { return s.p.Store.Item(ctx, id) }

// Open returns an item and its file, to be closed. Whoever reads the file to
// its end has read what was uploaded: reading fails before the end, with
// ErrChanged or as the vault says, when any byte of it is another.
func (s *Service) Open(ctx context.Context, id string) (Item, io.ReadCloser, error) {
	it, err := s.p.Store.Item(ctx, id)
	if err != nil {
		return Item{}, nil, err
	}
	r, err := s.p.Vault.Open(ctx, it.Blob, it.Key)
	if err != nil {
		return Item{}, nil, fmt.Errorf("evidence %s: %w", id, err)
	}
	return it, prove(r, it.SHA256), nil
}

// List returns the items of a case in order of their arrival; none for a case
// that there is not.
func (s *Service) List(ctx context.Context, number string) ([]Item, error) {
	return s.p.Store.Items(ctx, number)
}

// Pairs puts what shows a case before the work beside what shows it after, the
// nearest in place, or else in time, together.
func (s *Service) Pairs(ctx context.Context, number string) ([]Pair, error) {
	items, err := s.p.Store.Items(ctx, number)
	return pairs(items), err
}

// Has says whether a case has an item of a moment, "" for any, that was received
// at a time or later; since may be zero.
func (s *Service) Has(ctx context.Context, number string, m Moment, since time.Time) (bool, error) {
	return s.p.Store.Has(ctx, number, m, exact(since))
}
