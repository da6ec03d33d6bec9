package exchange

import (
	"context"
	"errors"
	"fmt"

	"wangge/internal/errs"
	"wangge/tenant/casework"
)

// Sender is a city that has problems of other cities' to hand on.
type Sender interface {
	Outgoing(ctx context.Context) ([]casework.Consignment, error)
	Settle(ctx context.Context, number string, a casework.Answer) error
}

// Receiver is a city that is handed a problem.
type Receiver interface {
	Receive(ctx context.Context, in casework.Consignment) (casework.Answer, error)
}

// Door opens a city that is in service for one of the two parts; a NotFound
// error says that there is no such city.
type Door[T any] func(ctx context.Context, city string, fn func(T) error) error

// Relay hands on what a city sends to others and brings back what they
// answered. The province keeps nothing of it: custody is in the journals of
// the two cities. Run again, nothing is handed on twice. A city that can't be
// reached leaves its consignments waiting.
func Relay(ctx context.Context, from string, sender Door[Sender], receiver Door[Receiver]) (settled int, err error) {
	var list []casework.Consignment
	err = sender(ctx, from, func(s Sender) (err error) {
		list, err = s.Outgoing(ctx)
		return err
	})
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, c := range list {
		answer, err := hand(ctx, c, receiver)
		if err == nil && (answer.Accepted || answer.Refused) {
			settled++
			err = sender(ctx, from, func(s Sender) error { return s.Settle(ctx, c.Number, answer) })
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("transfer of %s from %s to %s: %w", c.Number, c.From, c.To, err))
		}
	}
	return settled, errors.Join(failed...)
}

// hand gives a consignment to the city it is for; one that is not on the
// platform refuses it.
func hand(ctx context.Context, c casework.Consignment, receiver Door[Receiver]) (answer casework.Answer, err error) {
	err = receiver(ctx, c.To, func(r Receiver) (err error) {
		answer, err = r.Receive(ctx, c)
		return err
	})
	if errs.KindOf(err) == errs.NotFound {
		return casework.Answer{Refused: true, Reason: "对方城市未接入平台 the other city is not on the platform"}, nil
	}
	return answer, err
}
