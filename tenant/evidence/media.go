package evidence

import (
	"bytes"
	"net/http"
	"strings"
)

// sniffed is how much of a file is looked at to find out what it is.
const sniffed = 512

// magic is how files begin that net/http does not know, or calls by a name that
// says less.
var magic = []struct{ prefix, media string }{
	{"#!AMR", "audio/amr"},
	{"OggS", "audio/ogg"},
	{"\xff\xf1", "audio/aac"},
	{"\xff\xf9", "audio/aac"},
	{"\xff\xfb", "audio/mpeg"},
	{"\xff\xf3", "audio/mpeg"},
	{"\xff\xf2", "audio/mpeg"},
}

// brands are the families of files that begin with an ftyp box (ISO/IEC
// 14496-12), by the start of their major brand.
var brands = []struct{ brand, media string }{
	{"M4A", "audio/mp4"}, {"M4B", "audio/mp4"},
	{"hei", "image/heic"}, {"hev", "image/heic"}, {"mif1", "image/heic"}, {"msf1", "image/heic"}, {"avi", "image/avif"},
	{"qt", "video/quicktime"}, {"3g", "video/3gpp"},
	{"iso", "video/mp4"}, {"mp4", "video/mp4"}, {"avc1", "video/mp4"}, {"M4V", "video/mp4"}, {"MSNV", "video/mp4"}, {"dash", "video/mp4"},
}

// taken are the media types that may be attached, and how the names of their
// files end.
var taken = map[string]string{
	"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp",
	"audio/mpeg": ".mp3", "audio/mp4": ".m4a", "audio/aac": ".aac", "audio/amr": ".amr", "audio/wave": ".wav", "audio/ogg": ".ogg",
	"video/mp4": ".mp4",
}

// Extension is how the name of a file of a media type ends, such as .jpg; "" for
// a type that is not taken.
func Extension(media string) string { return taken[media] }

// mediaType tells what a file is from how it begins, whatever it is called.
func mediaType(head []byte) string {
	if len(head) >= 12 && string(head[4:8]) == "ftyp" {
		for _, b := range brands {
			if bytes.HasPrefix(head[8:12], []byte(b.brand)) {
				return b.media
			}
		}
	}
	for _, m := range magic {
		if bytes.HasPrefix(head, []byte(m.prefix)) {
			return m.media
		}
	}
	media, _, _ := strings.Cut(http.DetectContentType(head), ";")
	return media
}

// kind is what a media type is of: image, audio or video.
func kind(media string) string {
	kind, _, _ := strings.Cut(media, "/")
	return kind
}

// largest is the largest file of a media type.
func (l Limits) largest(media string) int64 {
	return map[string]int64{"image": l.Image, "audio": l.Audio, "video": l.Video}[kind(media)]
}
