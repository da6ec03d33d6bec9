package casework

import (
	"context"
	"errors"
	"strings"

	"wangge/internal/errs"
	"wangge/tenant/catalog"
	"wangge/tenant/grid"
)

// Consignment is a problem on its way to another city. It holds nothing of the
// person who reported it: the city that was told keeps answering to them.
type Consignment struct {
	From, To    string // city codes
	Number      string // in From
	Condition   string
	KindVersion string
	Kind        string
	Description string
	Address     string
	Place       grid.Point
	Reason      string
}

// key makes receiving the same consignment twice one report.
func (c Consignment) key() string { return "transfer:" + c.From + ":" + c.Number }

// Outgoing lists what waits for another city's answer.
func (s *Service) Outgoing(ctx context.Context) ([]Consignment, error) {
	list, err := s.Cases(ctx, Filter{Stages: []Stage{StageTransferring}})
	if err != nil {
		return nil, err
	}
	out := make([]Consignment, len(list))
	for i, c := range list {
		steps, err := s.p.Store.Steps(ctx, c.Number)
		if err != nil {
			return nil, err
		}
		out[i] = Consignment{
			From: s.p.City, To: c.Elsewhere, Number: c.Number, Condition: c.Condition, KindVersion: c.KindVersion, Kind: c.Kind,
			Description: c.Description, Address: c.Address, Place: c.Place, Reason: steps[len(steps)-1].Note,
		}
	}
	return out, nil
}

// Answer is what became of a consignment in the city it was sent to.
type Answer struct {
	Number   string // there; "" when it was not even taken in
	Accepted bool
	Refused  bool
	Reason   string
}

// Receive takes a consignment in as a report, once however often it is sent,
// and tells what has become of it: filing accepts it, declining refuses it. A
// place outside the city's grids, or a kind it does not have, is refused at once.
func (s *Service) Receive(ctx context.Context, in Consignment) (Answer, error) {
	c, err := s.Report(ctx, ReportInput{
		By: System, Key: in.key(), Channel: ChannelTransfer, Condition: in.Condition,
		Description: in.Description, Address: in.Address, Place: in.Place, Elsewhere: in.From + "/" + in.Number,
	})
	if errors.Is(err, ErrOutside) || errors.Is(err, catalog.ErrNoCondition) {
		e, _ := errs.As(err)
		return Answer{Refused: true, Reason: e.Zh}, nil
	}
	if err != nil {
		return Answer{}, err
	}
	switch c.Stage {
	case StageReported, StageConfirming, StageMerged:
		return Answer{Number: c.Number}, nil
	case StageDeclined:
		steps, err := s.p.Store.Steps(ctx, c.Number)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Number: c.Number, Refused: true, Reason: steps[len(steps)-1].Note}, nil
	default:
		return Answer{Number: c.Number, Accepted: true}, nil
	}
}

// Settle notes in this city what the other answered to a consignment.
func (s *Service) Settle(ctx context.Context, number string, a Answer) error {
	in := Command{Number: number, By: System, Other: a.Number, Note: a.Reason}
	switch {
	case a.Accepted:
		c, err := s.p.Store.Case(ctx, number)
		if err != nil {
			return err
		}
		in.City, _, _ = strings.Cut(c.Elsewhere, "/")
		_, err = s.Do(ctx, ActionTransferAccepted, in)
		return err
	case a.Refused:
		_, err := s.Do(ctx, ActionTransferRefused, in)
		return err
	}
	return nil
}
