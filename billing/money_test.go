package billing

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestFenArePrintedInYuan(t *testing.T) {
	for fen, want := range map[Fen]string{
		0: "0.00", 5: "0.05", 123450: "1234.50", 100: "1.00", -5: "-0.05", -12345: "-123.45",
		math.MaxInt64: "92233720368547758.07", math.MinInt64: "-92233720368547758.08",
	} {
		if got := fen.String(); got != want {
			t.Errorf("%d fen: got %s, want %s", int64(fen), got, want)
		}
	}
}

func TestMoneyIsExactOrRefusedNeverWrapped(t *testing.T) {
	amount := rapid.OneOf(rapid.Int64Range(0, 1_000_000), rapid.Int64Range(0, math.MaxInt64))
	rapid.Check(t, func(t *rapid.T) {
		f, n, of := amount.Draw(t, "f"), amount.Draw(t, "n"), rapid.Int64Range(1, math.MaxInt64).Draw(t, "of")
		bf, bn, bof := big.NewInt(f), big.NewInt(n), big.NewInt(of)

		sum, err := Fen(f).Plus(Fen(n))
		exact(t, "sum", sum, err, new(big.Int).Add(bf, bn))

		product, err := Fen(f).Times(n)
		exact(t, "product", product, err, new(big.Int).Mul(bf, bn))

		part := n % (of/2 + 1)
		share, err := Fen(f).Share(part, of)
		twice := new(big.Int).Mul(big.NewInt(2), new(big.Int).Mul(bf, big.NewInt(part)))
		rounded := new(big.Int).Div(twice.Add(twice, bof), new(big.Int).Mul(big.NewInt(2), bof))
		exact(t, "share", share, err, rounded)
	})
}

func exact(t *rapid.T, what string, got Fen, err error, want *big.Int) {
	t.Helper()
	switch {
	case want.IsInt64() && (err != nil || int64(got) != want.Int64()):
		t.Fatalf("%s: got %d, %v; want %s", what, got, err, want)
	case !want.IsInt64() && !errors.Is(err, ErrTooLarge):
		t.Fatalf("%s: got %d, %v; want ErrTooLarge for %s", what, got, err, want)
	}
}

func TestNegativeMoneyIsNotCalculatedWith(t *testing.T) {
	for name, f := range map[string]func() (Fen, error){
		"a negative addend":      func() (Fen, error) { return Fen(1).Plus(-1) },
		"a negative quantity":    func() (Fen, error) { return Fen(1).Times(-1) },
		"a negative price":       func() (Fen, error) { return Fen(-1).Times(1) },
		"more days than a month": func() (Fen, error) { return Fen(1).Share(32, 31) },
		"a month without days":   func() (Fen, error) { return Fen(1).Share(0, 0) },
	} {
		if got, err := f(); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: got %d, %v; want ErrTooLarge", name, got, err)
		}
	}
}
