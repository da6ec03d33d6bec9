package ranking

import (
	"context"
	"reflect"
	"strings"
	"time"

	"wangge/internal/errs"
	"wangge/platform/seal"
)

// Frozen is an edition that can no longer change: its document is canonical
// JSON, and Hash is the SHA-256 over the document's bytes.
type Frozen struct {
	Month    string
	Number   int
	Protocol string // code and version
	Hash     string
	Document []byte
	Reason   string
	FrozenAt time.Time
}

// What freezing and proving refuse.
var (
	ErrNoReason   = errs.New(errs.Invalid, "correction_without_reason", "该月排名已冻结；更正须写明原因", "the month's ranking is frozen; a correction needs a reason")
	ErrNoEdition  = errs.New(errs.NotFound, "no_such_edition", "没有这一期排名", "no such edition of the ranking")
	ErrTaken      = errs.New(errs.Conflict, "edition_taken", "另一人刚刚冻结了同一期，请重新查看", "somebody has just frozen the same edition; look again")
	ErrNotOver    = errs.New(errs.Conflict, "month_not_over", "该月尚未结束，不能冻结排名", "the month is not over yet; its ranking can't be frozen")
	ErrRecomputed = errs.New(errs.Conflict, "edition_not_reproduced", "按文件中的数据重算，得分或名次与文件不符", "recomputing from the document's own inputs gives other scores or ranks")
)

// Freeze seals an edition at a moment.
func Freeze(e Edition, asOf time.Time) (Frozen, error) {
	e.AsOf = asOf.UTC().Truncate(time.Microsecond)
	document, hash, err := seal.Document(e)
	if err != nil {
		return Frozen{}, err
	}
	return Frozen{
		Month: e.Month, Number: e.Number, Protocol: e.Protocol.Code + " " + e.Protocol.Version,
		Hash: hash, Document: document, Reason: e.Reason, FrozenAt: e.AsOf,
	}, nil
}

// Verify opens a frozen edition: the document must be the one that was hashed,
// and its scores and ranks must come out again from its own inputs and protocol.
func Verify(document []byte, hash string) (Edition, error) {
	var e Edition
	if err := seal.Open(document, hash, &e); err != nil {
		return Edition{}, err
	}
	again, err := Compute(e.Protocol, e.Month, e.Inputs)
	if err != nil {
		return Edition{}, err
	}
	if e.Format == firstFormat {
		for i := range again.Places {
			again.Places[i].Chance = nil
		}
	}
	if e.Format != format && e.Format != firstFormat || !reflect.DeepEqual(again.Places, e.Places) {
		return Edition{}, ErrRecomputed
	}
	return e, nil
}

// Service ranks the cities of one province.
type Service struct {
	store    Store
	protocol Protocol
	zone     *time.Location
	now      func() time.Time
}

// NewService ranks by protocol; months are those of zone.
func NewService(store Store, p Protocol, zone *time.Location, now func() time.Time) *Service {
	return &Service{store, p, zone, now}
}

// Standing computes a month from what is published by now, without freezing it.
func (s *Service) Standing(ctx context.Context, month string) (Edition, error) {
	figures, err := s.store.Figures(ctx, month)
	if err != nil {
		return Edition{}, err
	}
	e, err := Compute(s.protocol, month, figures)
	e.AsOf = s.now().UTC()
	return e, err
}

// Freeze makes the next edition of a month that is over. The first needs no
// reason; every later one corrects the one before and must say why.
func (s *Service) Freeze(ctx context.Context, month, reason string) (frozen Frozen, err error) {
	reason = strings.TrimSpace(reason)
	end, err := time.ParseInLocation("2006-01", month, s.zone)
	if err != nil {
		return Frozen{}, errs.Field("month", "不是月份："+month, "not a month: "+month)
	}
	if s.now().Before(end.AddDate(0, 1, 0)) {
		return Frozen{}, ErrNotOver
	}
	err = s.store.InTx(ctx, func(store Store) error {
		frozen, err = s.next(ctx, store, month, reason)
		if err != nil {
			return err
		}
		return store.AddEdition(ctx, frozen)
	})
	return frozen, err
}

func (s *Service) next(ctx context.Context, store Store, month, reason string) (Frozen, error) {
	before, err := store.Editions(ctx, month)
	if err != nil {
		return Frozen{}, err
	}
	if len(before) > 0 && reason == "" {
		return Frozen{}, ErrNoReason
	}
	figures, err := store.Figures(ctx, month)
	if err != nil {
		return Frozen{}, err
	}
	e, err := Compute(s.protocol, month, figures)
	if err != nil {
		return Frozen{}, err
	}
	if n := len(before); n > 0 {
		e.Number, e.Reason, e.Corrects = before[n-1].Number+1, reason, before[n-1].Hash
	}
	return Freeze(e, s.now())
}

// Edition returns a frozen edition, verified; number 0 is the newest.
func (s *Service) Edition(ctx context.Context, month string, number int) (Edition, Frozen, error) {
	all, err := s.store.Editions(ctx, month)
	if err != nil {
		return Edition{}, Frozen{}, err
	}
	for i := len(all) - 1; i >= 0; i-- {
		if number == 0 || all[i].Number == number {
			e, err := Verify(all[i].Document, all[i].Hash)
			return e, all[i], err
		}
	}
	return Edition{}, Frozen{}, ErrNoEdition
}

// Editions lists the frozen editions of all months, newest first, without their
// documents.
func (s *Service) Editions(ctx context.Context) ([]Frozen, error) { return s.store.Editions(ctx, "") }
