package grid

import (
	"strings"

	"wangge/internal/errs"
)

// Code is a unit grid's 15-digit code by GB/T 30428.1: 6 digits of the county
// (GB/T 2260), 3 of the street, 3 of the community (GB/T 10114), 3 of serial.
// Only ParseCode makes one; the zero Code is no grid's.
type Code struct{ digits string }

// ErrBadCode refuses what is no grid's code.
var ErrBadCode = errs.New(errs.Invalid, "bad_grid_code",
	"网格编码“%s”应为 15 位数字：区县 6 位、街道 3 位、社区 3 位、顺序号 3 位（从 001 起）",
	"grid code %q must have 15 digits: 6 county, 3 street, 3 community, 3 serial from 001")

// ParseCode makes a Code of exactly 15 ASCII digits, the first not zero, the
// serial not 000. Whether its divisions exist is for Divisions to say.
func ParseCode(s string) (Code, error) {
	if len(s) != 15 || s[0] == '0' || strings.Trim(s, "0123456789") != "" || s[12:] == "000" {
		return Code{}, ErrBadCode.With(cut(s, 40))
	}
	return Code{s}, nil
}

// String returns the 15 digits; "" for the zero Code.
func (c Code) String() string { return c.digits }

// County returns the 6 digits of the county or district.
func (c Code) County() string { return c.first(6) }

// Street returns the 9 digits of the street or town.
func (c Code) Street() string { return c.first(9) }

// Community returns the 12 digits of the community.
func (c Code) Community() string { return c.first(12) }

// Serial returns the last 3 digits: the grid's number in its community.
func (c Code) Serial() string { return c.digits[len(c.first(12)):] }

func (c Code) first(n int) string { return c.digits[:min(n, len(c.digits))] }

// MarshalText writes the 15 digits, as in JSON.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.digits), nil }

// UnmarshalText accepts what ParseCode does.
func (c *Code) UnmarshalText(text []byte) (err error) {
	*c, err = ParseCode(string(text))
	return err
}

// cut shortens a foreign text for a message.
func cut(s string, runes int) string {
	if r := []rune(s); len(r) > runes {
		return string(r[:runes]) + "…"
	}
	return s
}
