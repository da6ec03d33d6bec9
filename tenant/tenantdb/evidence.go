package tenantdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"wangge/internal/gormx"
	"wangge/internal/phash"
	"wangge/tenant/evidence"
	"wangge/tenant/grid"
)

// evidenceStore keeps evidence. Inside InTx both its handles are the transaction.
type evidenceStore struct{ write, read *gorm.DB }

type contentRow struct {
	ID        int64  `gorm:"primaryKey"`
	SHA256    string `gorm:"column:sha256"`
	MediaType string
	Size      int64
	Width     int
	Height    int
	Phash     *int64
	Band0     *uint32
	Band1     *uint32
	Band2     *uint32
	Blob      string
	BlobKey   []byte
}

func (contentRow) TableName() string { return "evidence_contents" }

type evidenceRow struct {
	ID         string `gorm:"primaryKey"`
	Seq        int64
	CaseNumber string
	Moment     string
	ContentID  int64
	TakenAt    gormx.Instant
	ReceivedAt gormx.Instant
	Lon, Lat   *float64
	Device     string
	AccountID  int64
	Role       string
	Department string
	Flags      string
}

func (evidenceRow) TableName() string { return "evidence" }

type evidenceRefRow struct {
	EvidenceID string `gorm:"primaryKey"`
	OtherID    string `gorm:"primaryKey"`
	Distance   int
	SameBytes  bool
}

func (evidenceRefRow) TableName() string { return "evidence_refs" }

func (s evidenceStore) InTx(ctx context.Context, fn func(evidence.Store) error) error {
	return s.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return fn(evidenceStore{tx, tx}) })
}

func (s evidenceStore) Next(ctx context.Context) (seq int64, err error) {
	err = s.write.WithContext(ctx).Raw("UPDATE evidence_head SET last = last + 1 WHERE id = 1 RETURNING last").Scan(&seq).Error
	if err == nil && seq == 0 {
		err = errors.New("its only row is gone")
	}
	if err != nil {
		return 0, fmt.Errorf("head of the evidence: %w", err)
	}
	return seq, nil
}

// content returns the row of some bytes, one without an ID when there is none.
func (s evidenceStore) content(ctx context.Context, sha256 string) (row contentRow, err error) {
	err = s.read.WithContext(ctx).Where("sha256 = ?", sha256).Limit(1).Find(&row).Error
	if err != nil {
		err = fmt.Errorf("content %s: %w", sha256, err)
	}
	return row, err
}

func (s evidenceStore) Content(ctx context.Context, sha256 string) (evidence.Content, bool, error) {
	row, err := s.content(ctx, sha256)
	return row.domain(), row.ID != 0, err
}

func (s evidenceStore) AddContent(ctx context.Context, c evidence.Content) error {
	row := contentRow{
		SHA256: c.SHA256, MediaType: c.Type, Size: c.Size, Width: c.Width, Height: c.Height, Blob: c.Blob, BlobKey: c.Key,
	}
	if c.PHash != 0 {
		stored, b := int64(c.PHash), phash.Hash(c.PHash).Bands()
		row.Phash, row.Band0, row.Band1, row.Band2 = &stored, &b[0], &b[1], &b[2]
	}
	if err := s.write.WithContext(ctx).Create(&row).Error; err != nil {
		return fmt.Errorf("add content %s: %w", c.SHA256, err)
	}
	return nil
}

func (r contentRow) domain() evidence.Content {
	c := evidence.Content{
		SHA256: r.SHA256, Type: r.MediaType, Size: r.Size, Width: r.Width, Height: r.Height, Blob: r.Blob, Key: r.BlobKey,
	}
	if r.Phash != nil {
		c.PHash = uint64(*r.Phash)
	}
	return c
}

func (s evidenceStore) AddItem(ctx context.Context, it evidence.Item) error {
	content, err := s.content(ctx, it.SHA256)
	if err != nil {
		return err
	}
	flags := make([]string, len(it.Flags))
	for i, f := range it.Flags {
		flags[i] = string(f)
	}
	row := evidenceRow{
		ID: it.ID, Seq: it.Seq, CaseNumber: it.Case, Moment: string(it.Moment), ContentID: content.ID,
		TakenAt: gormx.At(it.TakenAt), ReceivedAt: gormx.At(it.ReceivedAt), Device: it.Device,
		AccountID: it.By.Account, Role: it.By.Role, Department: it.By.Department, Flags: strings.Join(flags, ","),
	}
	if it.Place != nil {
		row.Lon, row.Lat = &it.Place.Lon, &it.Place.Lat
	}
	if err := s.write.WithContext(ctx).Create(&row).Error; err != nil {
		return fmt.Errorf("add evidence of case %s: %w", it.Case, err)
	}
	refs := make([]evidenceRefRow, len(it.Reused))
	for i, r := range it.Reused {
		refs[i] = evidenceRefRow{it.ID, r.ID, r.Distance, r.Same}
	}
	if len(refs) == 0 {
		return nil
	}
	if err := s.write.WithContext(ctx).Create(&refs).Error; err != nil {
		return fmt.Errorf("references of evidence of case %s: %w", it.Case, err)
	}
	return nil
}

func (s evidenceStore) Item(ctx context.Context, id string) (evidence.Item, error) {
	list, err := s.items(ctx, "e.id = ?", id)
	if err == nil && len(list) == 0 {
		err = evidence.ErrNoItem
	}
	if err != nil {
		return evidence.Item{}, err
	}
	return list[0], s.references(ctx, list)
}

func (s evidenceStore) Items(ctx context.Context, number string) ([]evidence.Item, error) {
	list, err := s.items(ctx, "e.case_number = ?", number)
	if err != nil {
		return nil, err
	}
	return list, s.references(ctx, list)
}

// itemColumns are what an item is read from, in the order of scan below.
const itemColumns = `e.id, e.seq, e.case_number, e.moment, e.taken_at, e.received_at, e.lon, e.lat, e.device, e.account_id, e.role,
	e.department, e.flags, c.sha256, c.media_type, c.size, c.width, c.height, c.phash, c.blob, c.blob_key`

// items reads items with their contents in order of arrival, at most chunk of
// them; their references are left out.
func (s evidenceStore) items(ctx context.Context, where string, args ...any) (out []evidence.Item, err error) {
	rows, err := s.read.WithContext(ctx).Raw("SELECT "+itemColumns+" FROM evidence e JOIN evidence_contents c ON c.id = e.content_id WHERE "+
		where+" ORDER BY e.seq LIMIT ?", append(args, chunk)...).Rows()
	if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e evidenceRow
		var c contentRow
		err := rows.Scan(&e.ID, &e.Seq, &e.CaseNumber, &e.Moment, &e.TakenAt, &e.ReceivedAt, &e.Lon, &e.Lat, &e.Device, &e.AccountID, &e.Role,
			&e.Department, &e.Flags, &c.SHA256, &c.MediaType, &c.Size, &c.Width, &c.Height, &c.Phash, &c.Blob, &c.BlobKey)
		if err != nil {
			return nil, fmt.Errorf("evidence: %w", err)
		}
		it := e.domain()
		it.Content = c.domain()
		out = append(out, it)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	return out, nil
}

// domain is the item without its content and references.
func (r evidenceRow) domain() evidence.Item {
	it := evidence.Item{
		ID: r.ID, Seq: r.Seq, Case: r.CaseNumber, Moment: evidence.Moment(r.Moment), TakenAt: r.TakenAt.Time, ReceivedAt: r.ReceivedAt.Time,
		Device: r.Device, By: evidence.Actor{Account: r.AccountID, Role: r.Role, Department: r.Department},
	}
	if r.Lon != nil && r.Lat != nil {
		it.Place = &grid.Point{Lon: *r.Lon, Lat: *r.Lat}
	}
	for f := range strings.SplitSeq(r.Flags, ",") {
		if f != "" {
			it.Flags = append(it.Flags, evidence.Flag(f))
		}
	}
	return it
}

// references gives items their references, the likest and then the oldest first.
func (s evidenceStore) references(ctx context.Context, list []evidence.Item) error {
	at := make(map[string]int, len(list))
	var ids []string
	for i, it := range list {
		if slices.Contains(it.Flags, evidence.Reused) {
			at[it.ID] = i
			ids = append(ids, it.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var rows []struct {
		EvidenceID, OtherID, CaseNumber, Moment string
		Distance                                int
		SameBytes                               bool
	}
	err := s.read.WithContext(ctx).Raw(`SELECT r.evidence_id, r.other_id, r.distance, r.same_bytes, o.case_number, o.moment
		FROM evidence_refs r JOIN evidence o ON o.id = r.other_id WHERE r.evidence_id IN ?
		ORDER BY r.same_bytes DESC, r.distance, o.seq`, ids).Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("references of evidence: %w", err)
	}
	for _, r := range rows {
		it := &list[at[r.EvidenceID]]
		it.Reused = append(it.Reused, evidence.Ref{
			ID: r.OtherID, Case: r.CaseNumber, Moment: evidence.Moment(r.Moment), Distance: r.Distance, Same: r.SameBytes,
		})
	}
	return nil
}

func (s evidenceStore) Like(ctx context.Context, c evidence.Content, near int) ([]evidence.Item, error) {
	row, err := s.content(ctx, c.SHA256)
	if err != nil {
		return nil, err
	}
	var ids []int64
	if row.ID != 0 {
		ids = append(ids, row.ID)
	}
	if c.PHash != 0 {
		like, err := s.like(ctx, phash.Hash(c.PHash), near)
		if err != nil {
			return nil, err
		}
		ids = append(ids, like...)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return s.items(ctx, "e.content_id IN ?", ids[:min(len(ids), chunk)])
}

// likeQuery finds the contents that share a band, or nearly share one, with a
// hash. Each of its parts is answered from an index alone.
const likeQuery = `SELECT id, phash FROM evidence_contents WHERE band0 IN ?
	UNION ALL SELECT id, phash FROM evidence_contents WHERE band1 IN ?
	UNION ALL SELECT id, phash FROM evidence_contents WHERE band2 IN ?`

// like lists the contents whose hash differs in at most near bits, the likest
// first.
func (s evidenceStore) like(ctx context.Context, h phash.Hash, near int) ([]int64, error) {
	around := h.Around(near)
	rows, err := s.read.WithContext(ctx).Raw(likeQuery, around[0], around[1], around[2]).Rows()
	if err != nil {
		return nil, fmt.Errorf("like pictures: %w", err)
	}
	defer rows.Close()
	found := map[int64]int{} // distances
	for rows.Next() {
		var id, other int64
		if err := rows.Scan(&id, &other); err != nil {
			return nil, fmt.Errorf("like pictures: %w", err)
		}
		if d := h.Distance(phash.Hash(uint64(other))); d <= near {
			found[id] = d
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("like pictures: %w", err)
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b int64) int { return cmp.Or(cmp.Compare(found[a], found[b]), cmp.Compare(a, b)) }), nil
}

func (s evidenceStore) Has(ctx context.Context, number string, m evidence.Moment, since time.Time) (bool, error) {
	var n int64
	q := s.read.WithContext(ctx).Table("evidence").Where("case_number = ? AND received_at >= ?", number, since.UnixMicro())
	if m != "" {
		q = q.Where("moment = ?", string(m))
	}
	err := q.Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("evidence of case %s: %w", number, err)
	}
	return n > 0, nil
}

func (s evidenceStore) Held(ctx context.Context) (n int64, err error) {
	if err := s.read.WithContext(ctx).Raw("SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM evidence_contents").Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("bytes of evidence: %w", err)
	}
	return n, nil
}

func (s evidenceStore) Blobs(ctx context.Context, names []string) (used []string, err error) {
	if err := s.read.WithContext(ctx).Table("evidence_contents").Where("blob IN ?", names).Pluck("blob", &used).Error; err != nil {
		return nil, fmt.Errorf("blobs in use: %w", err)
	}
	return used, nil
}

// numbered tells which cases there are.
type numbered struct{ read *gorm.DB }

func (s numbered) Exists(ctx context.Context, number string) (bool, error) {
	var n int
	if err := s.read.WithContext(ctx).Raw("SELECT COUNT(*) FROM cases WHERE number = ?", number).Scan(&n).Error; err != nil {
		return false, fmt.Errorf("case %s: %w", number, err)
	}
	return n > 0, nil
}

// shown is the evidence as casework asks for it: of any moment.
type shown struct{ *evidence.Service }

func (s shown) Has(ctx context.Context, number string, since time.Time) (bool, error) {
	return s.Service.Has(ctx, number, "", since)
}

// look reads a picture for the evidence of a city.
func look(r io.Reader, pixels int) (width, height int, hash uint64, err error) {
	p, err := phash.Read(r, pixels)
	return p.Width, p.Height, uint64(p.Hash), err
}
