package provisioning

import (
	"context"
	"time"

	"wangge/internal/errs"
	"wangge/tenant"
)

// ErrElsewhere refuses a spec that names another server than the one where the
// city lives: an apply builds and mends, it does not move.
var ErrElsewhere = errs.New(errs.Conflict, "city_elsewhere",
	"城市 %[1]s 位于服务器“%[2]s”，规格写的是“%[3]s”；apply 不搬迁城市，请用 city move", "city %[1]s lives on server %[2]q and its spec says %[3]q: an apply does not move it, `city move` does")

// placed is the database on the server where the spec's city lives, or will.
func (p *Provisioner) placed(ctx context.Context, s *Spec) (Database, error) {
	server, known, err := p.Ledger.Placed(ctx, s.Code)
	if err != nil {
		return nil, err
	}
	if known && server != s.Server {
		return nil, ErrElsewhere.With(s.Code, server, s.Server)
	}
	return p.Database.On(ctx, s.Server)
}

// home is the database on the server where a city lives.
func (p *Provisioner) home(ctx context.Context, id tenant.ID) (Database, error) {
	server, _, err := p.Ledger.Placed(ctx, id.String())
	if err != nil {
		return nil, err
	}
	return p.Database.On(ctx, server)
}

// ErrSwitchUnknown says that a city may or may not have been sent to the other
// server: neither side may be touched until it is known. Moving again finds out.
var ErrSwitchUnknown = errs.New(errs.Unavailable, "move_unknown",
	"城市 %s 的登记是否已切换到目标服务器尚不确定（省级数据库无应答）；两侧数据均保留，请恢复后再次执行 city move",
	"it is not known whether the registry sends city %s to the other server, since the province's database does not answer; both sides are kept: run `city move` again when it does")

// Moved is what a move of a city to another server did.
type Moved struct {
	Tables int           `json:"tables"`
	Rows   int64         `json:"rows"`
	Late   int64         `json:"late"`     // rows written while the rest was copied, and copied after it
	Copy   time.Duration `json:"copy_ns"`  // while the city was used as ever
	Pause  time.Duration `json:"pause_ns"` // in which writes waited
}
