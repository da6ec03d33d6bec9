package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	gocloud "gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// ErrName is returned for what can't be the name of a blob.
var ErrName = errors.New("not the name of a blob")

// Sealed opens a blob as it lies, sealed, for a copy of it in another store;
// ErrGone when there is none.
func (v *Vault) Sealed(ctx context.Context, name string) (r io.ReadCloser, size int64, err error) {
	if v.store == nil {
		return nil, 0, ErrNoStore
	}
	if !named(name) {
		return nil, 0, fmt.Errorf("blob %q: %w", name, ErrName)
	}
	reader, err := v.store.bucket.NewReader(ctx, v.at(name), nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, 0, fmt.Errorf("blob %s: %w", name, ErrGone)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read blob %s: %w", name, err)
	}
	return reader, reader.Size(), nil
}

// Keep puts a blob as Sealed gave it out under its own name, as safely as Put.
func (v *Vault) Keep(ctx context.Context, name string, sealed io.Reader) error {
	if v.store == nil {
		return ErrNoStore
	}
	if !named(name) {
		return fmt.Errorf("blob %q: %w", name, ErrName)
	}
	return v.write(ctx, v.at(name), func(w io.Writer) error {
		_, err := io.Copy(w, sealed)
		return err
	})
}

// Clear removes everything of the owner; it may be run again.
func (v *Vault) Clear(ctx context.Context) error {
	if v.store == nil {
		return ErrNoStore
	}
	list := v.store.bucket.List(&gocloud.ListOptions{Prefix: v.prefix + "/"})
	for {
		found, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = v.store.bucket.Delete(ctx, found.Key)
		}
		if err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return fmt.Errorf("remove all blobs of %s: %w", v.prefix, err)
		}
	}
}

// Size is how many blobs the owner has and how many bytes they take, sealed.
func (v *Vault) Size(ctx context.Context) (blobs, bytes int64, err error) {
	if v.store == nil {
		return 0, 0, ErrNoStore
	}
	list := v.store.bucket.List(&gocloud.ListOptions{Prefix: v.prefix + "/"})
	for {
		found, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			return blobs, bytes, nil
		}
		if err != nil {
			return 0, 0, fmt.Errorf("list blobs of %s: %w", v.prefix, err)
		}
		blobs, bytes = blobs+1, bytes+found.Size
	}
}

// named says whether a name is one that Put gives: 26 letters and digits.
func named(name string) bool {
	return len(name) == 26 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz234567") == ""
}
