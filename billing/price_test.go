package billing

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"wangge/tenant/usage"
)

// The example tariff: 3000 yuan a month; cases at 20 fen up to 10000, at 12 up
// to 50000, at 8 beyond.
func exampleTariff(t *testing.T) Tariff {
	t.Helper()
	tariff, err := DefaultTariff()
	if err != nil {
		t.Fatal(err)
	}
	return tariff
}

func october(t *testing.T) period {
	t.Helper()
	p, err := parseMonth("2026-10")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func shanghai(month time.Month, day, hour int) time.Time {
	return time.Date(2026, month, day, hour, 0, 0, 0, zone)
}

func TestAMonthIsPricedAsByHand(t *testing.T) {
	filed := func(month string, before, n int64) Claim { return Claim{month, usage.CaseFiled, before, n} }
	for _, c := range []struct {
		name    string
		active  time.Time
		took    []Claim
		amounts []Fen
		total   string
	}{
		{"a month without cases costs the base fee", shanghai(1, 1, 0), nil, []Fen{300000}, "3000.00"},
		{"one case", shanghai(1, 1, 0), []Claim{filed("2026-10", 0, 1)}, []Fen{300000, 20}, "3000.20"},
		{"the whole first tier", shanghai(1, 1, 0), []Claim{filed("2026-10", 0, 10000)}, []Fen{300000, 200000}, "5000.00"},
		{"one case into the second tier", shanghai(1, 1, 0), []Claim{filed("2026-10", 0, 10001)}, []Fen{300000, 200000, 12}, "5000.12"},
		{"all three tiers", shanghai(1, 1, 0), []Claim{filed("2026-10", 0, 60000)}, []Fen{300000, 200000, 480000, 80000}, "10600.00"},
		{"late cases go on in the tiers of their month", shanghai(1, 1, 0),
			[]Claim{filed("2026-09", 9990, 20), filed("2026-10", 0, 5)}, []Fen{300000, 100, 200, 120}, "3004.20"},
		{"ten days of thirty-one", shanghai(10, 22, 9), []Claim{filed("2026-10", 0, 1)}, []Fen{96774, 20}, "967.94"},
		{"the last day", shanghai(10, 31, 23), nil, []Fen{9677}, "96.77"},
		{"midnight of the first is a whole month", shanghai(10, 1, 0), nil, []Fen{300000}, "3000.00"},
		{"in service later on the first day is a whole month", shanghai(10, 1, 18), nil, []Fen{300000}, "3000.00"},
	} {
		lines, err := exampleTariff(t).lines(october(t), c.active, c.took)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var amounts []Fen
		for _, l := range lines {
			amounts = append(amounts, l.Amount)
			if product, err := l.Unit.Times(l.Quantity); err != nil || product != l.Amount {
				t.Errorf("%s: %d times %d is not %d", c.name, l.Quantity, l.Unit, l.Amount)
			}
		}
		sum, err := total(lines)
		if !slices.Equal(amounts, c.amounts) || err != nil || sum.String() != c.total {
			t.Errorf("%s: got %v, total %s, %v; want %v, total %s", c.name, amounts, sum, err, c.amounts, c.total)
		}
	}
}

func TestHalfAFenIsRoundedUpOnce(t *testing.T) {
	june, err := parseMonth("2026-06")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		base Fen
		day  int
		want Fen
	}{{1, 16, 1}, {1, 17, 0}, {3, 16, 2}, {300000, 16, 150000}} {
		l, err := Tariff{Base: c.base}.base(june, shanghai(6, c.day, 12))
		if err != nil || l.Amount != c.want {
			t.Errorf("%d fen from June %d: got %d, %v; want %d", c.base, c.day, l.Amount, err, c.want)
		}
	}
}

func TestALineSaysWhatItIsForInBothLanguages(t *testing.T) {
	took := []Claim{{"2026-09", usage.CaseFiled, 7, 3}, {"2026-10", usage.CaseFiled, 0, 2}}
	lines, err := exampleTariff(t).lines(october(t), shanghai(10, 22, 9), took)
	if err != nil || len(lines) != 3 {
		t.Fatalf("got %+v, %v; want three lines", lines, err)
	}
	want := []struct {
		kind         Kind
		month        string
		zh, en, unit string
	}{
		{Base, "2026-10", "基础服务费 2026-10（3000.00 元 × 10/31 天，四舍五入到分）", "base fee 2026-10 (3000.00 yuan × 10/31 days, rounded half up to the fen)", "967.74"},
		{Used, "2026-10", "立案案卷 2026-10（当月第 1–2 件）", "cases filed 2026-10 (nos. 1–2 of the month)", "0.20"},
		{Late, "2026-09", "补计 2026-09 立案案卷（当月第 8–10 件）", "late usage of 2026-09: cases filed (nos. 8–10 of the month)", "0.20"},
	}
	for i, w := range want {
		l := lines[i]
		if l.Kind != w.kind || l.Month != w.month || l.Zh != w.zh || l.En != w.en || l.Unit.String() != w.unit {
			t.Errorf("line %d: got %+v, want %+v", i, l, w)
		}
	}
}

func TestWhatCannotBePricedIsRefused(t *testing.T) {
	tariff := exampleTariff(t)
	if _, err := tariff.lines(october(t), shanghai(1, 1, 0), []Claim{{"2026-10", "photo_stored", 0, 1}}); !errors.Is(err, ErrNoPrice) || !strings.Contains(err.Error(), "photo_stored") {
		t.Errorf("a metric without price: %v, want ErrNoPrice naming it", err)
	}
	tariff.Prices[0].Tiers = []Tier{{Fen: math.MaxInt64}}
	if _, err := tariff.lines(october(t), shanghai(1, 1, 0), []Claim{{"2026-10", usage.CaseFiled, 0, 2}}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("an amount beyond int64: %v, want ErrTooLarge", err)
	}
	if _, err := tariff.lines(october(t), shanghai(1, 1, 0), []Claim{{"2026-10", usage.CaseFiled, math.MaxInt64, 1}}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a count beyond int64: %v, want ErrTooLarge", err)
	}
	if _, err := total([]Line{{Amount: math.MaxInt64}, {Amount: 1}}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a total beyond int64: %v, want ErrTooLarge", err)
	}
}

func TestUsageGoesOnItsOwnMonthsInvoiceOrLateOnTheNext(t *testing.T) {
	for _, c := range []struct {
		name         string
		open, issued []string
		want         []string
	}{
		{"its own month", []string{"2026-10"}, nil, []string{"2026-10"}},
		{"a later month waits", []string{"2026-10", "2026-11"}, []string{"2026-11"}, []string{"2026-10"}},
		{"an issued month is late", []string{"2026-09"}, []string{"2026-08", "2026-09"}, []string{"2026-09"}},
		{"a month that was skipped keeps its usage", []string{"2026-08", "2026-09"}, []string{"2026-09"}, []string{"2026-09"}},
		{"before the first month is late", []string{"2026-06"}, nil, []string{"2026-06"}},
	} {
		if got := due("2026-10", "2026-07", c.open, c.issued); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
