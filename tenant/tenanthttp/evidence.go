package tenanthttp

import (
	"context"
	"errors"
	"time"

	"wangge/internal/errs"
	"wangge/internal/web"
	"wangge/tenant/access"
	"wangge/tenant/casework"
	"wangge/tenant/evidence"
	"wangge/tenant/grid"
)

// Evidence is a file of a case. What its sender says of it may be wrong; what it
// is like is for a person to judge.
type Evidence struct {
	ID         string     `json:"id"`
	Case       string     `json:"case"`
	Moment     string     `json:"moment"`
	MomentZh   string     `json:"moment_zh"`
	Type       string     `json:"type" description:"media type, found in the file itself"`
	Size       int64      `json:"size" description:"bytes"`
	SHA256     string     `json:"sha256" description:"of the file as it was uploaded"`
	Width      int        `json:"width,omitempty" description:"pixels of a picture"`
	Height     int        `json:"height,omitempty" description:"pixels of a picture"`
	TakenAt    *time.Time `json:"taken_at,omitempty" description:"as the sender says"`
	ReceivedAt time.Time  `json:"received_at"`
	Lon        *float64   `json:"lon,omitempty" description:"degrees, CGCS2000, as the sender says"`
	Lat        *float64   `json:"lat,omitempty" description:"degrees, CGCS2000, as the sender says"`
	Device     string     `json:"device,omitempty" description:"as the sender says"`
	Account    int64      `json:"account"`
	Role       string     `json:"role"`
	Department string     `json:"department,omitempty"`
	Flags      []string   `json:"flags,omitempty" description:"taken_later, taken_long_ago, reused: for a person to look into"`
	Reused     []Reuse    `json:"reused,omitempty" description:"what it is like, the likest first; only of cases that the session may see"`
}

// Reuse is an earlier file that another one is like.
type Reuse struct {
	ID       string `json:"id"`
	Case     string `json:"case"`
	Moment   string `json:"moment"`
	Same     bool   `json:"same" description:"the very same bytes"`
	Distance int    `json:"distance" description:"bits of 64 in which the perceptual hashes differ"`
}

// EvidencePair puts a file from before the work beside one from after it; one of
// them is absent when the case has no partner for the other.
type EvidencePair struct {
	Before *Evidence `json:"before,omitempty"`
	After  *Evidence `json:"after,omitempty"`
}

type newEvidence struct {
	Number string  `path:"number" json:"-"`
	Moment string  `query:"moment" required:"true" enum:"before,during,after"`
	Taken  string  `query:"taken_at" description:"when it was taken, as 2026-11-23T09:00:00+08:00"`
	Lon    float64 `query:"lon" minimum:"-180" maximum:"180" description:"where it was taken; with lat"`
	Lat    float64 `query:"lat" minimum:"-90" maximum:"90" description:"where it was taken; with lon"`
	Device string  `query:"device" maxLength:"100"`
	SHA256 string  `query:"sha256" pattern:"^([0-9a-f]{64})?$" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" description:"of the file; one that arrives as another is refused"`
}

type evidenceKey struct {
	Number   string `path:"number" json:"-"`
	Evidence string `path:"evidence" json:"-"`
}

// unhurried is how long a file may be on its way: the largest over a poor
// mobile connection.
const unhurried = 15 * time.Minute

func evidenceRoutes() []Route {
	const tag = "evidence"
	adds := created(guarded("POST", "/cases/:number/evidence", access.EvidenceAdd, tag,
		"上传证据材料（请求体即文件本身，类型以内容为准）", "attach a file (it is the body; what it is, is found in it)"))
	adds.MaxBody, adds.Body = evidence.DefaultLimits().Largest()+1, "application/octet-stream"
	one := guarded("GET", "/cases/:number/evidence/:evidence", access.EvidenceRead, tag, "证据材料文件", "the file itself")
	return []Route{
		web.Unhurried(web.Raw(web.Handle(adds, addEvidence)), unhurried),
		web.Handle(guarded("GET", "/cases/:number/evidence", access.EvidenceRead, tag, "案卷的证据材料", "the evidence of a case"), listEvidence),
		web.Unhurried(web.HandleStream(one, oneEvidence), unhurried),
		web.Handle(guarded("GET", "/cases/:number/pairs", access.EvidenceRead, tag, "处置前后对比", "before and after, side by side"), evidencePairs),
	}
}

func addEvidence(ctx context.Context, r *Request, in newEvidence) (Evidence, error) {
	if _, err := seen(ctx, r, in.Number); err != nil {
		return Evidence{}, err
	}
	h, err := wear(ctx, r, access.EvidenceAdd)
	if err != nil {
		return Evidence{}, err
	}
	taken, place, err := in.said(r)
	if err != nil {
		return Evidence{}, err
	}
	it, err := r.City.Evidence.Add(ctx, evidence.AddInput{
		Case: in.Number, Moment: evidence.Moment(in.Moment), By: evidence.Actor(h.by), TakenAt: taken, Place: place,
		Device: in.Device, Claimed: in.SHA256, Body: r.HTTP.Request.Body,
	})
	if err != nil {
		return Evidence{}, err
	}
	return r.shown(ctx, it)
}

// said reads when and where the sender says that the file was made.
func (in newEvidence) said(r *Request) (taken time.Time, place *grid.Point, err error) {
	var faults []errs.Problem
	if in.Taken != "" {
		if taken, err = time.Parse(time.RFC3339, in.Taken); err != nil {
			faults = append(faults, errs.Problem{Field: "taken_at", Zh: "格式有误，应如 2026-11-23T09:00:00+08:00", En: "is not written like 2026-11-23T09:00:00+08:00"})
		}
	}
	query := r.HTTP.Request.URL.Query()
	switch lon, lat := query.Has("lon"), query.Has("lat"); {
	case lon && lat:
		place = &grid.Point{Lon: in.Lon, Lat: in.Lat}
	case lon:
		faults = append(faults, errs.Problem{Field: "lat", Zh: "须与 lon 一同给出", En: "is needed with lon"})
	case lat:
		faults = append(faults, errs.Problem{Field: "lon", Zh: "须与 lat 一同给出", En: "is needed with lat"})
	}
	return taken, place, errs.Problems(faults...)
}

func listEvidence(ctx context.Context, r *Request, in caseKey) ([]Evidence, error) {
	if _, err := seen(ctx, r, in.Number); err != nil {
		return nil, err
	}
	list, err := r.City.Evidence.List(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	out := make([]Evidence, len(list))
	for i, it := range list {
		if out[i], err = r.shown(ctx, it); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func oneEvidence(ctx context.Context, r *Request, in evidenceKey) (web.Stream, error) {
	if _, err := seen(ctx, r, in.Number); err != nil {
		return web.Stream{}, err
	}
	it, err := r.City.Evidence.Item(ctx, in.Evidence)
	if err == nil && it.Case != in.Number {
		err = evidence.ErrNoItem // that somebody may see one case shows them nothing of another
	}
	if err != nil {
		return web.Stream{}, err
	}
	_, file, err := r.City.Evidence.Open(ctx, it.ID)
	return web.Stream{
		Type: it.Type, Name: it.Case + "-" + string(it.Moment) + "-" + it.ID[:8] + evidence.Extension(it.Type), Size: it.Size, SHA256: it.SHA256, Body: file,
	}, err
}

func evidencePairs(ctx context.Context, r *Request, in caseKey) ([]EvidencePair, error) {
	if _, err := seen(ctx, r, in.Number); err != nil {
		return nil, err
	}
	pairs, err := r.City.Evidence.Pairs(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	out := make([]EvidencePair, len(pairs))
	for i, p := range pairs {
		if out[i].Before, err = r.shownOf(ctx, p.Before); err != nil {
			return nil, err
		}
		if out[i].After, err = r.shownOf(ctx, p.After); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *Request) shownOf(ctx context.Context, it *evidence.Item) (*Evidence, error) {
	if it == nil {
		return nil, nil
	}
	e, err := r.shown(ctx, *it)
	return &e, err
}

// shown shows an item. Of what it is like, only what lies in cases that the
// session may see is named.
func (r *Request) shown(ctx context.Context, it evidence.Item) (Evidence, error) {
	zh, _ := it.Moment.Names()
	e := Evidence{
		ID: it.ID, Case: it.Case, Moment: string(it.Moment), MomentZh: zh, Type: it.Type, Size: it.Size, SHA256: it.SHA256,
		Width: it.Width, Height: it.Height, TakenAt: optional(it.TakenAt), ReceivedAt: it.ReceivedAt, Device: it.Device,
		Account: it.By.Account, Role: it.By.Role, Department: it.By.Department,
	}
	if it.Place != nil {
		e.Lon, e.Lat = &it.Place.Lon, &it.Place.Lat
	}
	for _, f := range it.Flags {
		e.Flags = append(e.Flags, string(f))
	}
	for _, ref := range it.Reused {
		_, err := seen(ctx, r, ref.Case)
		if errors.Is(err, casework.ErrNoCase) {
			continue
		}
		if err != nil {
			return Evidence{}, err
		}
		e.Reused = append(e.Reused, Reuse{ref.ID, ref.Case, string(ref.Moment), ref.Same, ref.Distance})
	}
	return e, nil
}
