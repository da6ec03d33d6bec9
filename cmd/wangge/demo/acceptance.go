package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"wangge/platform"
	"wangge/platform/review"
	"wangge/tenant/evaluation"
)

// rubric is the platform's template. A story shorter than its trial run asks
// for as many months as there are, and says so.
func (o Options) rubric() (review.Rubric, error) {
	r, err := review.Template()
	if err != nil {
		return review.Rubric{}, err
	}
	for i, p := range r.Preconditions {
		if p.Code != "P1" || o.Months >= 3 {
			continue
		}
		r.Preconditions[i].AtLeast = review.Number(fmt.Sprint(o.Months))
		r.Version += fmt.Sprintf("-demo%d", o.Months)
		r.Note.Zh += fmt.Sprintf("（演示仅 %d 个月，试运行要求相应缩短。）", o.Months)
		r.Note.En += fmt.Sprintf(" (The demonstration spans %d months only; the trial run asked for is as short.)", o.Months)
	}
	return r, nil
}

// experts is how many judge each application.
const experts = 3

// officials are the province's own people.
var officials = []struct {
	login string
	role  platform.Role
}{
	{"analyst", platform.Analyst}, {"reviewer", platform.Reviewer}, {"finance", platform.Finance}, {"auditor", platform.Auditor},
	{"expert01", platform.Expert}, {"expert02", platform.Expert}, {"expert03", platform.Expert},
}

// appoint makes the province's accounts and sets their passwords.
func (s *stage) appoint(ctx context.Context) error {
	token, err := s.app.EnsureProvinceAdmin(ctx)
	if err != nil {
		return err
	}
	tokens := []string{token}
	for _, o := range officials {
		zh, _ := o.role.Names()
		account, err := s.app.Staff(ctx, o.login, zh+strings.TrimLeft(o.login, "abcdefghijklmnopqrstuvwxyz"), o.role)
		if err != nil {
			return err
		}
		if token, err = s.app.Accounts.Invite(ctx, account.ID, time.Hour); err != nil {
			return err
		}
		tokens = append(tokens, token)
	}
	for _, t := range tokens {
		if err := s.app.Accounts.Accept(ctx, t, s.password); err != nil {
			return err
		}
	}
	return nil
}

// accept lets the strong and the weak city apply; three experts judge each.
func (s *stage) accept(ctx context.Context) error {
	from := lastMonth.AddDate(0, 1-s.Months, 0).Format(time.DateOnly)
	to := lastMonth.AddDate(0, 1, -1).Format(time.DateOnly)
	for _, t := range s.towns {
		if !t.strong && !t.weak {
			continue
		}
		evidence, err := s.app.Attest(ctx, t.Code, from, to)
		if err != nil {
			return err
		}
		r, err := s.app.Reviews.Apply(ctx, evidence)
		if err != nil {
			return err
		}
		if err := s.judge(ctx, t, r.ID); err != nil {
			return err
		}
		opened, err := s.app.Reviews.Conclude(ctx, r.ID)
		if err != nil {
			return err
		}
		s.say("验收 acceptance %s：%s（%s 分 points）", t.Name, opened.Decision.Outcome, opened.Decision.Total)
	}
	return nil
}

// judge gives every judged item the marks of all experts: near nine tenths for
// a city that works well, near two thirds for one that does not.
func (s *stage) judge(ctx context.Context, t *town, id int64) error {
	random := rand.New(rand.NewPCG(t.seed, 3)) //nolint:gosec // a story, not a secret
	opened, err := s.app.Reviews.Review(ctx, id)
	if err != nil {
		return err
	}
	for n := range experts {
		expert, err := s.app.Accounts.EnsureAccount(ctx, fmt.Sprintf("expert%02d", n+1), fmt.Sprintf("评审专家%02d", n+1))
		if err != nil {
			return err
		}
		for _, section := range opened.Rules.Sections {
			for _, item := range section.Items {
				if item.Kind != review.ByExperts {
					continue
				}
				share := 0.55 + 0.35*t.quality + 0.08*random.Float64()
				most := item.Points.Points()
				points := evaluation.Points(share*float64(most)) / 10 * 10
				err := s.app.Reviews.Score(ctx, id, review.ExpertScore{Expert: expert.ID, Item: item.Code, Points: min(points, most)})
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Story is what came of it.
type Story struct {
	Province    Place        `json:"province"`
	Months      []string     `json:"months"`
	Seed        uint64       `json:"seed"`
	Cities      []City       `json:"cities"`
	Cases       int          `json:"cases"`
	RankingOf   string       `json:"ranking_month"`
	RankingHash string       `json:"ranking_hash"`
	Ranking     []Ranked     `json:"ranking"`
	Acceptance  []Acceptance `json:"acceptance"`
	Invoices    []Invoice    `json:"invoices"`
	Elapsed     float64      `json:"elapsed_seconds"`

	Password string `json:"-"` // of every login; made for this run
}

// Place is a division.
type Place struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

// City is one city of the story.
type City struct {
	Place
	Grids int `json:"grids"`
	Cases int `json:"cases"`
}

// Ranked is a city's line in the ranking; no rank and no score without enough cases.
type Ranked struct {
	Place
	Score  *float64 `json:"score"`
	Rank   *int     `json:"rank"`
	Reason string   `json:"reason,omitempty"`
}

// Acceptance is what a city that applied was told.
type Acceptance struct {
	Place
	Review  int64          `json:"review"`
	Outcome review.Outcome `json:"outcome"`
	Total   float64        `json:"total"`
	Failing []Failing      `json:"failing"`
}

// Failing is one thing to mend.
type Failing struct {
	Place
	Cause review.Cause `json:"cause"`
	En    string       `json:"name_en"`
}

// Invoice is one month of one city.
type Invoice struct {
	Number   string `json:"number"`
	City     string `json:"city"`
	Month    string `json:"month"`
	TotalFen int64  `json:"total_fen"`
}

// tell collects what the story ends with.
func (s *stage) tell(ctx context.Context) (*Story, error) {
	story := &Story{
		Province: Place{s.province.Code, s.province.Name}, Seed: s.Seed, Cases: s.cases(), Password: s.password,
		Ranking: []Ranked{}, Acceptance: []Acceptance{}, Invoices: []Invoice{},
	}
	for n := range s.Months {
		story.Months = append(story.Months, lastMonth.AddDate(0, n+1-s.Months, 0).Format("2006-01"))
	}
	for _, t := range s.towns {
		story.Cities = append(story.Cities, City{Place{t.Code, t.Name}, t.grids, t.life.cases})
	}
	for _, part := range []func(context.Context, *Story) error{s.tellRanking, s.tellAcceptance, s.tellInvoices} {
		if err := part(ctx, story); err != nil {
			return nil, err
		}
	}
	story.Elapsed = time.Since(s.began).Seconds()
	return story, nil
}

func (s *stage) tellRanking(ctx context.Context, story *Story) error {
	story.RankingOf = lastMonth.Format("2006-01")
	edition, frozen, err := s.app.Rankings.Edition(ctx, story.RankingOf, 0)
	if err != nil {
		return err
	}
	story.RankingHash = frozen.Hash
	for _, p := range edition.Places {
		line := Ranked{Place: Place{p.Code, p.Name}, Reason: string(p.Reason)}
		if p.Rank > 0 {
			score := points(p.Score.Points)
			line.Score, line.Rank = &score, &p.Rank
		}
		story.Ranking = append(story.Ranking, line)
	}
	return nil
}

func points(p evaluation.Points) float64 { return float64(p) / 100 }

func (s *stage) tellAcceptance(ctx context.Context, story *Story) error {
	list, err := s.app.Reviews.Reviews(ctx)
	if err != nil {
		return err
	}
	for _, r := range list {
		opened, err := s.app.Reviews.Review(ctx, r.ID)
		if err != nil {
			return err
		}
		a := Acceptance{
			Place: Place{r.City, opened.Facts.Name}, Review: r.ID, Outcome: opened.Decision.Outcome,
			Total: points(opened.Decision.Total), Failing: []Failing{},
		}
		for _, f := range opened.Decision.Shortcomings {
			a.Failing = append(a.Failing, Failing{Place{f.Code, f.Name.Zh}, f.Cause, f.Name.En})
		}
		story.Acceptance = append(story.Acceptance, a)
	}
	return nil
}

func (s *stage) tellInvoices(ctx context.Context, story *Story) error {
	for _, month := range story.Months {
		list, err := s.app.InvoicesOf(ctx, month)
		if err != nil {
			return err
		}
		for _, i := range list {
			story.Invoices = append(story.Invoices, Invoice{i.Number, i.City, i.Month, int64(i.Total)})
		}
	}
	return nil
}
