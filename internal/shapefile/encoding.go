package shapefile

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// encoding is how the texts of a table are written.
type encoding int

const (
	unsaid encoding = iota // nothing is said: the texts decide
	utf8s
	gbk
	ascii // an encoding that is not known: only texts without any of its own characters are read
)

// declared is the encoding that a .cpg names or, without one, the language
// byte of the table.
func declared(cpg string, language byte) encoding {
	name := strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToUpper(strings.TrimSpace(strings.TrimPrefix(cpg, "\ufeff"))))
	switch name {
	case "UTF8", "65001":
		return utf8s
	case "GBK", "GB2312", "GB18030", "936", "CP936", "ANSI936", "EUCCN", "OEM936", "WINDOWS936", "54936":
		return gbk
	case "":
		if language == 0x4D || language == 0x7A { // GBK of Windows and of DOS
			return gbk
		}
		return unsaid
	default:
		return ascii
	}
}

// guess tells UTF-8 from GBK by one text.
func guess(text []byte) encoding {
	if utf8.Valid(text) {
		return utf8s
	}
	return gbk
}

// decode reads a text. One that fills its field may end within a character,
// which is left out; ok is false when the text has bytes that are none of its
// encoding, which are then shown as U+FFFD.
func decode(e encoding, text []byte, full bool) (out string, ok bool) {
	if plain(text) {
		return string(text), true
	}
	switch e {
	case gbk:
		b, err := simplifiedchinese.GB18030.NewDecoder().Bytes(text)
		out = string(b)
		if full {
			out = strings.TrimSuffix(out, "\ufffd")
		}
		return out, err == nil && !strings.Contains(out, "\ufffd")
	case ascii:
		return strings.ToValidUTF8(string(text), "\ufffd"), false
	default:
		if full {
			text = whole(text)
		}
		return strings.ToValidUTF8(string(text), "\ufffd"), utf8.Valid(text)
	}
}

func plain(text []byte) bool {
	for _, b := range text {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// whole leaves out a character of UTF-8 that is cut off at the end.
func whole(text []byte) []byte {
	for i := len(text) - 1; i >= 0 && i >= len(text)-utf8.UTFMax; i-- {
		if utf8.RuneStart(text[i]) {
			if !utf8.FullRune(text[i:]) {
				return text[:i]
			}
			break
		}
	}
	return text
}
