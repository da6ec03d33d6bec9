// Package blob keeps files outside the database: in a local folder by default,
// in an S3-compatible bucket in production. A Vault is the part of such a store
// that one owner has: under a prefix of its own, and everything in it sealed
// under a key of its own. Who the owners are, and what the files mean, is the
// caller's.
package blob

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"

	gocloud "gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/s3blob"

	"wangge/internal/errs"
)

// Store is a folder or bucket of blobs. It is safe for concurrent use.
type Store struct{ bucket *gocloud.Bucket }

// What a store refuses.
var (
	ErrAddress = errs.New(errs.Invalid, "bad_blob_address",
		"文件存储地址有误，应为 file:///目录 或 s3://桶?region=…&endpoint=…", "the address of the file store must be file:///folder or s3://bucket?region=…&endpoint=…")
	ErrNoStore = errs.New(errs.Unavailable, "no_blob_store", "未配置文件存储", "no file store is configured")
	ErrGone    = errs.New(errs.Unavailable, "blob_missing", "文件内容在存储中缺失", "the file's content is missing from the store")
	ErrEmpty   = errs.New(errs.Invalid, "empty_blob", "文件为空", "the file is empty")
)

// Open opens the store at an address:
//
//	file:///srv/wangge/blobs        a folder, made for its owner only when missing
//	s3://bucket?region=…&endpoint=… a bucket, with the login that the AWS SDK finds
//
// The options of S3 are those of gocloud.dev/blob/s3blob, such as
// use_path_style=true. A bucket is not called before it is used.
func Open(ctx context.Context, address string) (*Store, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, ErrAddress // the cause would quote the address
	}
	var bucket *gocloud.Bucket
	switch {
	case u.Scheme == "file" && u.Host == "" && u.Path != "" && u.RawQuery == "":
		// Aside and renamed within the folder, so that a blob is never seen in part.
		bucket, err = fileblob.OpenBucket(filepath.FromSlash(u.Path), &fileblob.Options{
			CreateDir: true, DirFileMode: 0o700, NoTempDir: true, Metadata: fileblob.MetadataDontWrite,
		})
	case u.Scheme == "s3" && u.Host != "":
		bucket, err = new(s3blob.URLOpener).OpenBucketURL(ctx, u)
	default:
		return nil, ErrAddress
	}
	if err != nil {
		return nil, fmt.Errorf("open the file store: %w", err)
	}
	return &Store{bucket}, nil
}

// Folder is the address of a local folder.
func Folder(dir string) (address string, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("file store: %w", err)
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(dir)}).String(), nil
}

// Close ends the use of the store.
func (s *Store) Close() error { return s.bucket.Close() }
