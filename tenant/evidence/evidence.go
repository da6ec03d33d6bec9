// Package evidence keeps what proves a case: photos, sound and video from
// before, during and after the work. It owns what may be attached, what makes an
// item doubtful, and how a file is shown to be the one that was uploaded. Items
// are never changed or removed. Who may see a case is its routes' to decide; how
// files are sealed and stored, and how pictures are compared, is given to it.
package evidence

import (
	"math/bits"
	"time"

	"wangge/internal/errs"
	"wangge/tenant/grid"
)

// Moment says of which moment of the work an item is.
type Moment string

// The moments.
const (
	Before Moment = "before" // 处置前
	During Moment = "during" // 处置中
	After  Moment = "after"  // 处置后
)

// Names are the names of a moment in both languages; empty for one that is none.
func (m Moment) Names() (zh, en string) {
	names := map[Moment][2]string{Before: {"处置前", "before"}, During: {"处置中", "during"}, After: {"处置后", "after"}}[m]
	return names[0], names[1]
}

// Flag is a doubt about an item, for a person to look into. It never refuses.
type Flag string

// The doubts.
const (
	TakenLater   Flag = "taken_later"    // said to be taken after it was received
	TakenLongAgo Flag = "taken_long_ago" // said to be taken long before it was received
	Reused       Flag = "reused"         // like an item of another case, or of another moment of this one
)

// Actor is who attached an item: an account in one of its posts.
type Actor struct {
	Account    int64
	Role       string
	Department string
}

// Item is one file of a case, as it was received.
type Item struct {
	ID         string // opaque and unguessable
	Seq        int64  // its place among all items of the city, from 1 and without gaps
	Case       string // number of the case
	Moment     Moment
	Content                // what the file holds
	TakenAt    time.Time   // as the sender says; zero when not said
	ReceivedAt time.Time   // by our clock, when all of it was here
	Place      *grid.Point // as the sender says; nil when not said
	Device     string      // as the sender says
	By         Actor
	Flags      []Flag
	Reused     []Ref // what it is like, the likest first; at most MaxRefs
}

// Content is what a file holds. Two items that hold the same bytes share it.
type Content struct {
	SHA256        string // of the file as it was uploaded, 64 hexadecimal digits
	Type          string // media type, as found in the file itself
	Size          int64  // bytes
	Width, Height int    // pixels of a picture, 0 for anything else
	PHash         uint64 // perceptual hash of a picture; 0 for anything else and for one that shows nothing
	Blob          string // name in the vault
	Key           []byte // of the blob, sealed by the city's key
}

// Ref is an item that another one is like.
type Ref struct {
	ID       string
	Case     string
	Moment   Moment
	Distance int  // bits of the perceptual hash that differ, 0 to Limits.Near
	Same     bool // the very same bytes
}

// MaxRefs bounds the references of an item.
const MaxRefs = 20

// Limits are what a city takes and what it finds doubtful.
type Limits struct {
	Image, Audio, Video int64         // bytes of a file
	Pixels              int           // of a picture
	PerCase             int           // items of a case
	Ahead               time.Duration // how much later than received an item may say that it was taken
	Old                 time.Duration // how much earlier
	Near                int           // bits in which pictures of different cases may differ and be like each other
	NearSame            int           // the same for pictures of different moments of one case, which show one place
}

// DefaultLimits are the limits of a city that says nothing else.
func DefaultLimits() Limits {
	return Limits{
		Image: 20 << 20, Audio: 50 << 20, Video: 200 << 20, Pixels: 40_000_000, PerCase: 200,
		Ahead: 5 * time.Minute, Old: 30 * 24 * time.Hour, Near: 8, NearSame: 2,
	}
}

// Largest is the size of the largest file there may be.
func (l Limits) Largest() int64 { return max(l.Image, l.Audio, l.Video) }

// The refusals of this package.
var (
	ErrNoCase  = errs.New(errs.NotFound, "no_such_case", "没有这个案卷", "no such case")
	ErrNoItem  = errs.New(errs.NotFound, "no_such_evidence", "没有这份证据材料", "no such piece of evidence")
	ErrType    = errs.New(errs.Invalid, "evidence_type", "不接受%s文件；可上传 JPEG、PNG、WebP 图片，MP3、M4A、AAC、AMR、WAV、OGG 录音，MP4 视频", "a file of type %s is not taken; send JPEG, PNG or WebP pictures, MP3, M4A, AAC, AMR, WAV or OGG sound, MP4 video")
	ErrSize    = errs.New(errs.Invalid, "evidence_too_large", "文件过大：%s 不得超过 %s", "the file is too large: %s may have at most %s")
	ErrEmpty   = errs.New(errs.Invalid, "evidence_empty", "文件为空", "the file is empty")
	ErrClaim   = errs.New(errs.Invalid, "evidence_hash", "收到的文件与所附校验值不符，请重新上传", "what arrived does not have the hash that was sent with it; upload it again")
	ErrCutOff  = errs.New(errs.Invalid, "evidence_cut_off", "上传中断，未写入任何数据", "the upload was cut off; nothing was written")
	ErrMany    = errs.New(errs.Conflict, "evidence_too_many", "每个案卷最多 %d 份证据材料", "a case has at most %d pieces of evidence")
	ErrChanged = errs.New(errs.Unavailable, "evidence_changed", "文件与上传时的校验值不符，可能已被改动", "the file does not have the hash it was uploaded with; it may have been changed")
)

// distance is the number of bits in which two perceptual hashes differ.
func distance(a, b uint64) int { return bits.OnesCount64(a ^ b) }

// resembles says how an item is like an earlier one; ok is false when it is not,
// or when that is of no interest: further shots of the same moment are welcome.
func (l Limits) resembles(item, earlier Item) (ref Ref, ok bool) {
	ref = Ref{ID: earlier.ID, Case: earlier.Case, Moment: earlier.Moment, Same: item.SHA256 == earlier.SHA256}
	within := l.Near
	if item.Case == earlier.Case {
		if within = l.NearSame; item.Moment == earlier.Moment {
			return Ref{}, false
		}
	}
	if ref.Same {
		return ref, true
	}
	if item.PHash == 0 || earlier.PHash == 0 {
		return Ref{}, false
	}
	ref.Distance = distance(item.PHash, earlier.PHash)
	return ref, ref.Distance <= within
}

// doubts lists what is doubtful about an item.
func (l Limits) doubts(item Item) (flags []Flag) {
	switch {
	case item.TakenAt.IsZero():
	case item.TakenAt.After(item.ReceivedAt.Add(l.Ahead)):
		flags = append(flags, TakenLater)
	case item.TakenAt.Before(item.ReceivedAt.Add(-l.Old)):
		flags = append(flags, TakenLongAgo)
	}
	if len(item.Reused) > 0 {
		flags = append(flags, Reused)
	}
	return flags
}
