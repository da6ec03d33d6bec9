package platformhttp

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"wangge/internal/web"
	"wangge/platform"
	"wangge/platform/exchange"
	"wangge/platform/report"
	"wangge/platform/review"
	"wangge/tenant/evaluation"
)

// Review is an acceptance review of a city.
type Review struct {
	ID           int64      `json:"id"`
	City         string     `json:"city"`
	State        string     `json:"state" enum:"under_review,passed,rectify,failed"`
	RubricHash   string     `json:"rubric_hash"`
	EvidenceHash string     `json:"evidence_hash"`
	AppliedAt    time.Time  `json:"applied_at"`
	ConcludedAt  *time.Time `json:"concluded_at,omitempty"`
}

// Opened is a review with its sealed documents.
type Opened struct {
	Review
	Rubric   review.Rubric     `json:"rubric"`
	Evidence exchange.Evidence `json:"evidence"`
	Scores   []Score           `json:"scores" description:"while the review runs, the caller's own only"`
	Verdict  *review.Verdict   `json:"verdict,omitempty" description:"absent while the review runs"`
}

// Score is one expert's mark of one judged item.
type Score struct {
	Expert int64             `json:"expert" description:"the account's ID"`
	Item   string            `json:"item"`
	Points evaluation.Points `json:"points" description:"hundredths of a point: 850 is 8.50"`
	Remark string            `json:"remark,omitempty"`
	At     time.Time         `json:"at"`
}

// Assessment is what the evidence of today would bring a city.
type Assessment struct {
	Rubric   review.Rubric     `json:"rubric"`
	Evidence exchange.Evidence `json:"evidence"`
	Computed review.Computed   `json:"computed"`
}

type reviewKey struct {
	ID int64 `path:"review" json:"-" minimum:"1"`
}

type reviewReport struct {
	ID   int64  `path:"review" json:"-" minimum:"1"`
	Lang string `query:"lang" enum:"zh-CN,zh,en"`
}

type assess struct {
	City string `path:"city" json:"-" pattern:"^[1-9][0-9]{5}$" example:"130100"`
	From string `query:"from" required:"true" format:"date" description:"first day of the period"`
	To   string `query:"to" required:"true" format:"date" description:"last day, included"`
}

type application struct {
	City string `json:"city" required:"true" pattern:"^[1-9][0-9]{5}$" example:"130100"`
	From string `json:"from" required:"true" format:"date" description:"first day of the period"`
	To   string `json:"to" required:"true" format:"date" description:"last day, included"`
}

type mark struct {
	ID     int64  `path:"review" json:"-" minimum:"1"`
	Item   string `json:"item" required:"true" minLength:"1" maxLength:"50"`
	Points int64  `json:"points" required:"true" minimum:"0" maximum:"1000000" description:"hundredths of a point: 850 is 8.50"`
	Remark string `json:"remark" maxLength:"2000"`
}

func (p *Plane) reviewRoutes() []Route {
	const tag = "reviews"
	return []Route{
		web.Handle(guarded("GET", "/reviews", platform.ReviewRead, tag, "验收评审列表", "the reviews"), p.reviews),
		web.Handle(created(guarded("POST", "/reviews", platform.ReviewApply, tag, "为城市申请验收，封存证据与评分标准", "apply for a city: evidence and rubric are sealed")), p.apply),
		web.Handle(guarded("GET", "/reviews/:review", platform.ReviewRead, tag, "验收评审详情", "one review, proved"), p.review),
		web.Handle(created(guarded("POST", "/reviews/:review/scores", platform.ReviewScore, tag, "专家为评议项打分", "an expert scores a judged item")), p.score),
		web.Handle(guarded("POST", "/reviews/:review/conclusion", platform.ReviewConclude, tag, "作出评审结论", "conclude the review"), p.conclude),
		web.Handle(guarded("GET", "/reviews/:review/report", platform.ReviewRead, tag, "验收评审报告（HTML）", "the report as a page to keep"), p.reviewReport),
		web.Handle(guarded("GET", "/cities/:city/assessment", platform.ReviewRead, tag, "按当前数据预评，不留记录", "what a city would get today; nothing is kept"), p.assess),
	}
}

func (p *Plane) reviews(ctx context.Context, _ *web.Caller, _ none) ([]Review, error) {
	list, err := p.Reviews.Reviews(ctx)
	out := make([]Review, len(list))
	for i, r := range list {
		out[i] = viewReview(r)
	}
	return out, err
}

func viewReview(r review.Review) Review {
	return Review{r.ID, r.City, string(r.State), r.RubricHash, r.EvidenceHash, r.AppliedAt, optional(r.ConcludedAt)}
}

func (p *Plane) review(ctx context.Context, r *web.Caller, in reviewKey) (Opened, error) {
	o, err := p.Reviews.Review(ctx, in.ID)
	if err != nil {
		return Opened{}, err
	}
	return p.open(ctx, r, o)
}

// open shows a review with the scores that the caller may see.
func (p *Plane) open(ctx context.Context, r *web.Caller, o review.Opened) (Opened, error) {
	scores, err := p.Reviews.Scores(ctx, o.ID, r.Session.Account.ID)
	out := Opened{Review: viewReview(o.Review), Rubric: o.Rules, Evidence: o.Facts, Scores: make([]Score, len(scores))}
	for i, s := range scores {
		out.Scores[i] = Score(s)
	}
	if o.State != review.UnderReview {
		out.Verdict = &o.Decision
	}
	return out, err
}

func (p *Plane) assess(ctx context.Context, _ *web.Caller, in assess) (Assessment, error) {
	evidence, err := p.attest(ctx, in.City, in.From, in.To)
	if err != nil {
		return Assessment{}, err
	}
	rubric, computed, err := p.Reviews.Preview(evidence)
	return Assessment{rubric, evidence, computed}, err
}

// attest asks a city that the registry knows.
func (p *Plane) attest(ctx context.Context, city, from, to string) (exchange.Evidence, error) {
	if _, err := p.Cities.City(ctx, city); err != nil {
		return exchange.Evidence{}, err
	}
	return p.Attest(ctx, city, from, to)
}

func (p *Plane) apply(ctx context.Context, _ *web.Caller, in application) (Review, error) {
	evidence, err := p.attest(ctx, in.City, in.From, in.To)
	if err != nil {
		return Review{}, err
	}
	r, err := p.Reviews.Apply(ctx, evidence)
	return viewReview(r), err
}

func (p *Plane) score(ctx context.Context, r *web.Caller, in mark) (struct{}, error) {
	return struct{}{}, p.Reviews.Score(ctx, in.ID, review.ExpertScore{
		Expert: r.Session.Account.ID, Item: in.Item, Points: evaluation.Points(in.Points), Remark: in.Remark,
	})
}

func (p *Plane) conclude(ctx context.Context, r *web.Caller, in reviewKey) (Opened, error) {
	o, err := p.Reviews.Conclude(ctx, in.ID)
	if err != nil {
		return Opened{}, err
	}
	return p.open(ctx, r, o)
}

func (p *Plane) reviewReport(ctx context.Context, r *web.Caller, in reviewReport) (web.File, error) {
	o, err := p.Reviews.Review(ctx, in.ID)
	if err != nil {
		return web.File{}, err
	}
	var out bytes.Buffer
	err = report.Review(&out, p.sheet(r), o)
	return web.File{Type: "text/html; charset=utf-8", Name: fmt.Sprintf("review-%d.html", o.ID), Body: out.Bytes()}, err
}
