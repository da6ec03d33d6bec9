// Package seal makes the documents the province must be able to prove years
// later: canonical JSON and the SHA-256 over its bytes. It knows nothing of
// what a document is about.
package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"wangge/internal/errs"
)

// ErrAltered is returned for a document that is not the one that was sealed.
var ErrAltered = errs.New(errs.Conflict, "document_altered", "封存的文件已被改动，与其哈希值不符", "the sealed document was altered: it does not match its hash")

// Document returns v as canonical JSON and its hash. The same value gives the
// same bytes everywhere: struct fields in their order, map keys sorted, no
// escaping for HTML, no white space.
func Document(v any) (document []byte, hash string, err error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, "", fmt.Errorf("seal: %w", err)
	}
	document = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	return document, Hash(document), nil
}

// Hash returns the SHA-256 of a document in lower-case hexadecimal.
func Hash(document []byte) string {
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:])
}

// Open reads a document into v after checking its hash. Fields that v does not
// have are refused: a document of a later form must not be half understood.
func Open(document []byte, hash string, v any) error {
	if Hash(document) != hash {
		return ErrAltered
	}
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("open sealed document: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("open sealed document: %w", ErrAltered)
	}
	return nil
}
