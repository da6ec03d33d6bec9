package platformdb

import (
	"context"
	"fmt"

	"wangge/internal/gormx"
	"wangge/platform"
)

type serverRow struct {
	Name    string
	Kind    string
	Host    string
	AddedAt gormx.Instant
}

func (serverRow) TableName() string { return "servers" }

func (s registry) Servers(ctx context.Context) ([]platform.Server, error) {
	var rows []serverRow
	if err := s.read.WithContext(ctx).Order("name").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("servers: %w", err)
	}
	out := make([]platform.Server, len(rows))
	for i, r := range rows {
		out[i] = platform.Server{Name: r.Name, At: r.Host, AddedAt: r.AddedAt.Time}
	}
	return out, nil
}

func (s registry) AddServer(ctx context.Context, in platform.Server) error {
	var at string
	err := s.write.WithContext(ctx).Raw(`INSERT INTO servers (name, kind, host, added_at) VALUES (?, 'postgres', ?, ?)
		ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING host`, in.Name, in.At, gormx.At(in.AddedAt)).Scan(&at).Error
	if err != nil {
		return fmt.Errorf("add server %s: %w", in.Name, err)
	}
	if at != in.At {
		return platform.ErrServerKnown.With(in.Name)
	}
	return nil
}
