package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	gocloud "gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"wangge/internal/secrets"
)

// Vault is one owner's part of a store. Its blobs have random names: what is in
// one can't be guessed from its name, and two who keep the same content at once
// don't meet. It is safe for concurrent use.
type Vault struct {
	store  *Store
	prefix string
	sealer secrets.Sealer
}

// Vault returns the part of the store that belongs to an owner: prefix is their
// own, without a slash, and sealer holds their key. A nil store gives a vault
// that refuses everything as ErrNoStore.
func (s *Store) Vault(prefix string, sealer secrets.Sealer) *Vault { return &Vault{s, prefix, sealer} }

// at is where a blob lies; two letters of the name keep folders small.
func (v *Vault) at(name string) string { return v.prefix + "/" + name[:2] + "/" + name }

// Put keeps what body yields, sealed under a fresh key, and returns the blob's
// name and that key, sealed by the owner's. Nothing of it is held in memory.
// When body fails, is empty, or ctx ends, nothing stays; once Put has returned,
// a file outlives a power cut.
func (v *Vault) Put(ctx context.Context, body io.Reader) (name string, key []byte, err error) {
	if v.store == nil {
		return "", nil, ErrNoStore
	}
	name = strings.ToLower(rand.Text())
	key, stream, err := secrets.NewStream(v.sealer, place(name))
	if err != nil {
		return "", nil, err
	}
	if err := v.write(ctx, v.at(name), func(w io.Writer) error { return seal(w, stream, body) }); err != nil {
		return "", nil, err
	}
	return name, key, nil
}

// Limits of what one upload to a bucket holds in memory: parts of 5 MiB, the
// smallest that S3 takes, two on their way at once.
const (
	partSize    = 5 << 20
	partsAtOnce = 2
)

// write lets fill write a blob; when it fails nothing stays.
func (v *Vault) write(ctx context.Context, at string, fill func(io.Writer) error) error {
	writing, abort := context.WithCancel(ctx)
	defer abort()
	var file *os.File // of a folder
	w, err := v.store.bucket.NewWriter(writing, at, &gocloud.WriterOptions{
		ContentType: "application/octet-stream", BufferSize: partSize, MaxConcurrency: partsAtOnce,
		BeforeWrite: func(as func(any) bool) error {
			as(&file)
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("write a blob: %w", err)
	}
	if err := fill(w); err != nil {
		abort() // which makes Close drop what was written
		return errors.Join(err, dropped(w.Close()))
	}
	if file != nil {
		err = file.Sync()
	}
	if err != nil {
		abort()
	}
	if err = errors.Join(err, w.Close()); err == nil && file != nil {
		err = syncFolders(filepath.Dir(file.Name()))
	}
	if err != nil { // it may be there all the same
		_ = v.store.bucket.Delete(context.WithoutCancel(ctx), at)
		return fmt.Errorf("write a blob: %w", err)
	}
	return nil
}

// seal copies body into w as stream seals it.
func seal(w io.Writer, stream secrets.Stream, body io.Reader) error {
	sealing, err := stream.Writer(w)
	if err != nil {
		return fmt.Errorf("seal a blob: %w", err)
	}
	n, err := io.Copy(sealing, body)
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrEmpty
	}
	return sealing.Close()
}

// dropped is the error of closing a writer that was told to drop what it has.
func dropped(err error) error {
	if errors.Is(err, context.Canceled) || gcerrors.Code(err) == gcerrors.Canceled {
		return nil
	}
	return err
}

// syncFolders makes a name in a folder outlive a power cut, and so the folder's
// own name, and the owner's above it.
func syncFolders(path string) error {
	for range 3 {
		dir, err := os.Open(path) //nolint:gosec // the folder that the store has just written to
		if err != nil {
			return err
		}
		if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
			return err
		}
		path = filepath.Dir(path)
	}
	return nil
}

// Open opens a blob with the key that Put returned for it. A byte that was
// changed is not returned: reading ends with secrets.ErrNotSealed instead, and
// so it does at the end of a blob that was cut off. ErrGone when there is none.
func (v *Vault) Open(ctx context.Context, name string, key []byte) (io.ReadCloser, error) {
	if v.store == nil {
		return nil, ErrNoStore
	}
	stream, err := secrets.OpenStream(v.sealer, key, place(name))
	if err != nil {
		return nil, fmt.Errorf("key of blob %s: %w", name, err)
	}
	r, err := v.store.bucket.NewReader(ctx, v.at(name), nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, fmt.Errorf("blob %s: %w", name, ErrGone)
	}
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", name, err)
	}
	plain, err := stream.Reader(r)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("blob %s: %w", name, err), r.Close())
	}
	return opened{plain, r}, nil
}

// opened reads the plain content and closes the sealed one.
type opened struct {
	io.Reader
	io.Closer
}

// Remove removes a blob; one that is not there is removed already.
func (v *Vault) Remove(ctx context.Context, name string) error {
	if v.store == nil {
		return ErrNoStore
	}
	if err := v.store.bucket.Delete(ctx, v.at(name)); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("remove blob %s: %w", name, err)
	}
	return nil
}

// Walk calls fn with the names of the owner's blobs that are at least so old by
// the clock of the store, in no order, until fn fails. Among them may be what a
// process that was killed left aside.
func (v *Vault) Walk(ctx context.Context, age time.Duration, fn func(name string) error) error {
	if v.store == nil {
		return ErrNoStore
	}
	newest := time.Now().Add(-age)
	list := v.store.bucket.List(&gocloud.ListOptions{Prefix: v.prefix + "/"})
	for {
		blob, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list blobs: %w", err)
		}
		name := blob.Key[strings.LastIndexByte(blob.Key, '/')+1:]
		if len(name) < 2 || blob.ModTime.After(newest) {
			continue
		}
		if err := fn(name); err != nil {
			return err
		}
	}
}

// place says where a stream belongs.
func place(name string) []byte { return []byte("blob/" + name) }
