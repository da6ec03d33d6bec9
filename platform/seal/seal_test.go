package seal_test

import (
	"errors"
	"testing"

	"wangge/platform/seal"
)

type paper struct {
	Name  string         `json:"name"`
	Facts map[string]int `json:"facts"`
}

func TestTheSameValueGivesTheSameBytesAndHash(t *testing.T) {
	doc, hash, err := seal.Document(paper{"天门 <&>", map[string]int{"b": 2, "a": 1}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(doc), `{"name":"天门 <&>","facts":{"a":1,"b":2}}`; got != want {
		t.Fatalf("document %s, want %s", got, want)
	}
	// printf '%s' '{"name":"天门 <&>","facts":{"a":1,"b":2}}' | sha256sum
	if want := "87a6053ef921b1f227aec3a966151a3da794b12cf4b21cc51cc526c6c2ba37b6"; hash != want {
		t.Fatalf("hash %s, want %s", hash, want)
	}
	var back paper
	if err := seal.Open(doc, hash, &back); err != nil || back.Facts["b"] != 2 {
		t.Fatalf("opened %+v, %v", back, err)
	}
}

func TestAnyChangedByteIsNoticed(t *testing.T) {
	doc, hash, err := seal.Document(paper{Name: "天门", Facts: map[string]int{"filed": 996}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range doc {
		bad := append([]byte(nil), doc...)
		bad[i] ^= 1
		if err := seal.Open(bad, hash, &paper{}); !errors.Is(err, seal.ErrAltered) {
			t.Fatalf("byte %d changed: %v, want ErrAltered", i, err)
		}
	}
}
