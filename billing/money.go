package billing

import (
	"fmt"
	"math"
	"math/bits"
)

// Fen is an amount of money in fen (分), a hundredth of a yuan.
type Fen int64

// String prints the amount in yuan: 1234.50.
func (f Fen) String() string {
	sign, size := "", uint64(f)
	if f < 0 {
		sign, size = "-", -size
	}
	return fmt.Sprintf("%s%d.%02d", sign, size/100, size%100)
}

// Plus adds amounts of zero or more; ErrTooLarge when the sum can't be held.
func (f Fen) Plus(g Fen) (Fen, error) {
	if f < 0 || g < 0 || f > math.MaxInt64-g {
		return 0, ErrTooLarge
	}
	return f + g, nil
}

// Times is the price of n units of f; ErrTooLarge when it can't be held.
func (f Fen) Times(n int64) (Fen, error) {
	if f < 0 || n < 0 {
		return 0, ErrTooLarge
	}
	high, low := bits.Mul64(uint64(f), uint64(n))
	if high > 0 || low > math.MaxInt64 {
		return 0, ErrTooLarge
	}
	return Fen(low), nil
}

// Share is part/of of f, rounded half up to the fen; 0 <= part <= of, of > 0.
func (f Fen) Share(part, of int64) (Fen, error) {
	if f < 0 || part < 0 || of <= 0 || part > of {
		return 0, ErrTooLarge
	}
	high, low := bits.Mul64(uint64(f), uint64(part))
	share, rest := bits.Div64(high, low, uint64(of))
	if rest >= uint64(of)-rest {
		share++
	}
	return Fen(share), nil
}
