package evidence

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"wangge/internal/errs"
	"wangge/tenant/grid"
)

// AddInput is a file to attach to a case.
type AddInput struct {
	Case    string
	Moment  Moment
	By      Actor
	TakenAt time.Time   // zero when not known
	Place   *grid.Point // nil when not known
	Device  string
	Claimed string // SHA-256 the sender has computed, in hexadecimal digits; "" for none
	Body    io.Reader
}

const maxDevice = 100 // characters

// check refuses what can't be, all faults at once.
func (in AddInput) check() error {
	var faults []errs.Problem
	if zh, _ := in.Moment.Names(); zh == "" {
		faults = append(faults, errs.Problem{Field: "moment", Zh: "应为 before、during 或 after", En: "must be before, during or after"})
	}
	if p := in.Place; p != nil && !(p.Lon >= -180 && p.Lon <= 180 && p.Lat >= -90 && p.Lat <= 90) {
		faults = append(faults, errs.Problem{Field: "place", Zh: "经纬度超出范围", En: "lies nowhere on the earth"})
	}
	if utf8.RuneCountInString(in.Device) > maxDevice || !utf8.ValidString(in.Device) || strings.ContainsRune(in.Device, 0) {
		faults = append(faults, errs.Problem{Field: "device", Zh: fmt.Sprintf("不得多于 %d 个字或含无效字符", maxDevice), En: fmt.Sprintf("must be text of at most %d characters", maxDevice)})
	}
	if in.Claimed != "" && (len(in.Claimed) != 64 || strings.Trim(in.Claimed, "0123456789abcdef") != "") {
		faults = append(faults, errs.Problem{Field: "sha256", Zh: "应为 64 位小写十六进制数", En: "must be 64 lower-case hexadecimal digits"})
	}
	return errs.Problems(faults...)
}

// Add attaches a file to a case. It is streamed into the vault and never held
// in memory; only then is a picture read from there. The same bytes sent again
// for the same moment of the same case give the item there is. When the file is
// refused or cut off, neither an item nor a file stays.
func (s *Service) Add(ctx context.Context, in AddInput) (Item, error) {
	if err := in.check(); err != nil {
		return Item{}, err
	}
	exists, err := s.p.Cases.Exists(ctx, in.Case)
	if err != nil {
		return Item{}, err
	}
	if !exists {
		return Item{}, ErrNoCase
	}
	up, err := s.p.Limits.receive(in.Body, in.Claimed)
	if err != nil {
		return Item{}, err
	}
	content := Content{Type: up.media}
	if content.Blob, content.Key, err = s.p.Vault.Put(ctx, up); err != nil {
		return Item{}, err
	}
	content.SHA256, content.Size = up.digest(), up.size
	kept := false
	defer func() {
		if !kept { // what can't be removed now is swept later
			_ = s.p.Vault.Remove(context.WithoutCancel(ctx), content.Blob)
		}
	}()
	if err := s.look(ctx, &content); err != nil {
		return Item{}, err
	}
	it := Item{
		ID: strings.ToLower(rand.Text()), Case: in.Case, Moment: in.Moment, Content: content, TakenAt: exact(in.TakenAt),
		ReceivedAt: exact(s.p.Now()), Place: in.Place, Device: in.Device, By: in.By,
	}
	kept, err = s.save(ctx, &it)
	return it, err
}

// exact is a time as exact as it is stored.
func exact(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// look fills in what there is to know of a picture: from a file with the same
// bytes, or else from the vault.
func (s *Service) look(ctx context.Context, c *Content) error {
	if kind(c.Type) != "image" {
		return nil
	}
	known, found, err := s.p.Store.Content(ctx, c.SHA256)
	if err != nil {
		return err
	}
	if found {
		c.Width, c.Height, c.PHash = known.Width, known.Height, known.PHash
		return nil
	}
	select {
	case s.looking <- struct{}{}:
		defer func() { <-s.looking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	r, err := s.p.Vault.Open(ctx, c.Blob, c.Key)
	if err != nil {
		return err
	}
	defer r.Close()
	c.Width, c.Height, c.PHash, err = s.p.Look(r, s.p.Limits.Pixels)
	return err
}

// errKnown ends the transaction of an item that is there already, and gives its
// place back.
var errKnown = errors.New("the file is attached already")

// save writes the item, or replaces it by the one there is. kept says that its
// file is in use, or may be: that a commit failed does not say it wasn't made.
func (s *Service) save(ctx context.Context, it *Item) (kept bool, err error) {
	fresh := *it
	err = s.p.Store.InTx(ctx, func(st Store) error {
		kept = false
		*it = fresh
		if err := s.add(ctx, st, it); err != nil {
			return err
		}
		kept = it.Blob == fresh.Blob
		return nil
	})
	if errors.Is(err, errKnown) {
		return false, nil
	}
	if err != nil {
		*it = Item{}
	}
	return kept, err
}

// add writes the item in one transaction; errKnown when it is there, with *it
// the one that is.
func (s *Service) add(ctx context.Context, st Store, it *Item) (err error) {
	if it.Seq, err = st.Next(ctx); err != nil {
		return err
	}
	list, err := st.Items(ctx, it.Case)
	if err != nil {
		return err
	}
	for _, known := range list {
		if known.Moment == it.Moment && known.SHA256 == it.SHA256 {
			*it = known
			return errKnown
		}
	}
	if len(list) >= s.p.Limits.PerCase {
		return ErrMany.With(s.p.Limits.PerCase)
	}
	known, found, err := st.Content(ctx, it.SHA256)
	switch {
	case err != nil:
		return err
	case found:
		it.Content = known
	default:
		if err := st.AddContent(ctx, it.Content); err != nil {
			return err
		}
	}
	like, err := st.Like(ctx, it.Content, s.p.Limits.Near)
	if err != nil {
		return err
	}
	it.Reused = s.p.Limits.reused(*it, like)
	it.Flags = s.p.Limits.doubts(*it)
	return st.AddItem(ctx, *it)
}

// reused lists what an item is like, the likest and then the oldest first.
func (l Limits) reused(it Item, like []Item) (refs []Ref) {
	slices.SortFunc(like, func(a, b Item) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, earlier := range like {
		if ref, ok := l.resembles(it, earlier); ok {
			refs = append(refs, ref)
		}
	}
	slices.SortStableFunc(refs, func(a, b Ref) int { return cmp.Compare(a.rank(), b.rank()) })
	return refs[:min(len(refs), MaxRefs)]
}

// rank orders references: the same bytes before what only looks the same.
func (r Ref) rank() int {
	if r.Same {
		return -1
	}
	return r.Distance
}
