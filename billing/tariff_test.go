package billing

import (
	"errors"
	"strings"
	"testing"

	"wangge/internal/errs"
)

func TestTheDefaultTariffIsMarkedAsAnExample(t *testing.T) {
	tariff := exampleTariff(t)
	if !tariff.Example || tariff.NoteZh == "" || tariff.NoteEn == "" || tariff.Version == "" {
		t.Errorf("got %+v, want an example with notes and a version", tariff.Label)
	}
}

func TestATariffWithFaultsIsRefusedWithFieldAndReason(t *testing.T) {
	tariff := func(base, prices string) string {
		return `{"code": "c", "version": "1", "name_zh": "资费", "name_en": "tariff", "monthly_base_fen": ` + base + `, "prices": [` + prices + `]}`
	}
	price := func(tiers string) string {
		return `{"metric": "case_filed", "name_zh": "立案案卷", "name_en": "cases filed", "tiers": [` + tiers + `]}`
	}
	for name, c := range map[string]struct{ text, want string }{
		"no name":                   {`{"code": "c", "version": "1", "name_zh": "资费", "monthly_base_fen": 1, "prices": []}`, "t.json name_en: 不得为空"},
		"half a fen":                {tariff("0.5", ""), "t.json:1 monthly_base_fen"},
		"a negative fee":            {tariff("-1", ""), "monthly_base_fen: 不得为负"},
		"an unknown field":          {`{"discount": 1}`, "discount"},
		"two tariffs":               {tariff("1", "") + "{}", "more after the value"},
		"broken JSON":               {"{\n\"code\" 1}", "t.json:2"},
		"no tiers":                  {tariff("1", price("")), "prices[0].tiers"},
		"a negative price":          {tariff("1", price(`{"fen": -1}`)), "prices[0].tiers[0].fen"},
		"a last tier that ends":     {tariff("1", price(`{"up_to": 5, "fen": 1}`)), "prices[0].tiers[0].up_to"},
		"tiers that do not rise":    {tariff("1", price(`{"up_to": 5, "fen": 3}, {"up_to": 5, "fen": 2}, {"fen": 1}`)), "prices[0].tiers[1].up_to"},
		"a first tier without end":  {tariff("1", price(`{"fen": 3}, {"fen": 2}`)), "prices[0].tiers[0].up_to"},
		"the same metric twice":     {tariff("1", price(`{"fen": 1}`)+","+price(`{"fen": 1}`)), "prices[1].metric"},
		"a price without a metric":  {tariff("1", `{"name_zh": "甲", "name_en": "a", "tiers": [{"fen": 1}]}`), "prices[0]: 计量项"},
		"text where money is meant": {tariff(`"300"`, ""), "monthly_base_fen"},
	} {
		_, err := LoadTariff(strings.NewReader(c.text), "t.json")
		if !errors.Is(err, errs.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want a fault with %q", name, err, c.want)
		}
	}
}

func TestAMonthIsWrittenInOneWay(t *testing.T) {
	for _, text := range []string{"", "2026", "2026-13", "2026-1", "202610", "2026-10-01", "十月"} {
		if _, err := parseMonth(text); !errors.Is(err, errs.ErrInvalid) {
			t.Errorf("%q: got %v, want it refused", text, err)
		}
	}
}
