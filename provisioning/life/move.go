package life

import (
	"context"
	"errors"
	"fmt"

	"wangge/internal/errs"
	"wangge/internal/gormx"
	"wangge/platform"
	"wangge/provisioning"
	"wangge/tenant"
)

// Movable is a database whose cities can move to another server.
type Movable interface {
	Database
	// Move copies a city to another server while it is used, stops writes for a
	// moment and calls over, which sends everybody there. What is left is kept.
	Move(ctx context.Context, id tenant.ID, to provisioning.Database, over func(context.Context) error) (provisioning.Moved, error)
	// Leave drops what a move has left here; nothing else.
	Leave(ctx context.Context, id tenant.ID) error
}

// What moving refuses.
var (
	ErrNotMovable = errs.New(errs.Conflict, "city_not_movable",
		"城市 %s 不在 PostgreSQL 上，不能在服务器之间搬迁；请用导出与导入", "city %s is not on PostgreSQL and can't move between servers: export and import it")
	ErrThere         = errs.New(errs.Conflict, "city_is_there", "城市 %[1]s 已在服务器“%[2]s”", "city %[1]s lives on server %[2]q already")
	ErrNotConfirmed  = errs.New(errs.Conflict, "move_unconfirmed", "城市 %[1]s 的原有数据仍保留在服务器“%[2]s”；请先用 --confirm 确认", "what the last move of city %[1]s has left is kept on server %[2]q: confirm that move first")
	ErrNothingOfMove = errs.New(errs.Conflict, "no_move_to_confirm", "城市 %s 没有待确认的搬迁", "there is no move of city %s to confirm")
)

// Move moves a city to a server of the placement catalogue, platform.OwnServer
// for the platform's own. Its files and keys stay where they are. What is left
// on the server before takes no more writes and is kept until ConfirmMove. An
// error of kind Internal after the switch says that the copy is not equal; the
// city is on the new server then, and what was left is whole.
func (l *Life) Move(ctx context.Context, id tenant.ID, server string) (m provisioning.Moved, err error) {
	held, unlock, err := l.Ledger.Lock(ctx, id.String())
	if err != nil {
		return m, err
	}
	defer unlock()
	entry, err := l.served(held, id)
	switch {
	case err != nil:
		return m, err
	case entry.Engine != string(gormx.Postgres):
		return m, ErrNotMovable.With(entry.Code)
	case named(entry.Server) == server:
		return m, ErrThere.With(entry.Code, server)
	case entry.KeptOn != "":
		return m, ErrNotConfirmed.With(entry.Code, entry.KeptOn)
	}
	home, err := l.movable(held, entry.Server)
	if err != nil {
		return m, err
	}
	kept, err := home.Kept(held, id)
	if err == nil && kept {
		err = ErrUnconfirmed.With(entry.Code)
	}
	if err != nil {
		return m, err
	}
	to, err := l.movable(held, unnamed(server))
	if err != nil {
		return m, err
	}
	m, err = home.Move(held, id, to, func(ctx context.Context) error {
		return l.sendTo(ctx, entry, server)
	})
	if err != nil {
		return m, fmt.Errorf("move %s: %w", entry.Code, err)
	}
	return m, nil
}

// sendTo sends everybody to a city's new server. An error means that nobody was
// sent, but for provisioning.ErrSwitchUnknown.
func (l *Life) sendTo(ctx context.Context, entry platform.City, server string) error {
	err := l.Registry.Change(ctx, entry.Code, func(c *platform.City) error {
		c.Server, c.KeptOn = unnamed(server), named(entry.Server)
		c.Generation++
		return nil
	})
	if err == nil {
		return nil
	}
	// The answer may be what was lost, and not the change.
	now, unread := l.Registry.City(context.WithoutCancel(ctx), entry.Code)
	switch {
	case unread != nil:
		return errors.Join(provisioning.ErrSwitchUnknown.With(entry.Code), err, unread)
	case now.Server == unnamed(server):
		return nil
	}
	return err
}

// ConfirmMove drops what a move has left.
func (l *Life) ConfirmMove(ctx context.Context, id tenant.ID) error {
	held, unlock, err := l.Ledger.Lock(ctx, id.String())
	if err != nil {
		return err
	}
	defer unlock()
	entry, err := l.Registry.City(held, id.String())
	if err == nil && entry.KeptOn == "" {
		err = ErrNothingOfMove.With(entry.Code)
	}
	if err != nil {
		return err
	}
	return l.leave(held, id, entry)
}

// leave drops what a move has left of a city, when it has.
func (l *Life) leave(ctx context.Context, id tenant.ID, entry platform.City) error {
	if entry.KeptOn == "" {
		return nil
	}
	before, err := l.movable(ctx, unnamed(entry.KeptOn))
	if err != nil {
		return err
	}
	if err := before.Leave(ctx, id); err != nil {
		return err
	}
	return l.Registry.Change(ctx, entry.Code, func(c *platform.City) error {
		c.KeptOn = ""
		return nil
	})
}

// movable is the database on a server, "" for the platform's own.
func (l *Life) movable(ctx context.Context, server string) (Movable, error) {
	database := l.Database
	if server != "" {
		var err error
		if database, err = l.on(ctx, server); err != nil {
			return nil, err
		}
	}
	m, ok := database.(Movable)
	if !ok {
		return nil, ErrServer.With(named(server))
	}
	return m, nil
}

func named(server string) string {
	if server == "" {
		return platform.OwnServer
	}
	return server
}

func unnamed(server string) string {
	if server == platform.OwnServer {
		return ""
	}
	return server
}
