// Package limit bounds what one city may use of what it shares with others: the
// requests it makes, those served at once, storage, users and the size of what it
// imports. It owns the table of limits and the question that each is; who asks
// it, and where a city's own limits are kept, is others'.
package limit

import (
	"fmt"
	"maps"
	"math"

	"wangge/internal/errs"
)

// What is a thing that is limited.
type What string

// The limits, in their units.
const (
	Requests What = "requests" // a second, lasting; a second's worth more may come at once
	Queries  What = "queries"  // requests being served at once
	Storage  What = "storage"  // bytes of evidence
	Users    What = "users"    // accounts
	Import   What = "import"   // bytes of one file that is imported
)

// Kind is one line of the table.
type Kind struct {
	What    What
	Zh, En  string
	Default int64
}

// Kinds is the table of limits. The defaults are for a prefecture city on a
// server that it shares (docs/limits.md).
func Kinds() []Kind {
	return []Kind{
		{Requests, "每秒请求数", "requests a second", 200},
		{Queries, "同时处理的请求数", "requests at once", 64},
		{Storage, "证据材料字节数", "bytes of evidence", 500 << 30},
		{Users, "账号数", "accounts", 10_000},
		{Import, "单个导入文件字节数", "bytes of an imported file", 64 << 20},
	}
}

// Limits holds a value for some or all of the limits.
type Limits map[What]int64

// Defaults is the platform's value of every limit.
func Defaults() Limits {
	l := Limits{}
	for _, k := range Kinds() {
		l[k.What] = k.Default
	}
	return l
}

// Unlimited is a value of every limit that nothing reaches, for measurements.
func Unlimited() Limits {
	l := Limits{}
	for _, k := range Kinds() {
		l[k.What] = math.MaxInt32
	}
	l[Storage] = math.MaxInt64 / 2
	return l
}

// With is l with the values of a city's own in the place of those they name.
func (l Limits) With(own Limits) Limits {
	l = maps.Clone(l)
	maps.Copy(l, own)
	return l
}

// Check refuses limits that there are not, and values below 1.
func (l Limits) Check() error {
	known := Defaults()
	var faults []errs.Problem
	for what, value := range l {
		if _, ok := known[what]; !ok || value < 1 {
			faults = append(faults, errs.Problem{Field: string(what), Zh: fmt.Sprintf("没有这项限额或数值无效：%d", value), En: fmt.Sprintf("there is no such limit, or it can't be %d", value)})
		}
	}
	return errs.Problems(faults...)
}

// The refusals. Those that pass by themselves say when.
var (
	ErrRequests = errs.New(errs.TooMany, "limit_requests", "本市请求过于频繁（限每秒 %d 次），请稍后重试", "this city asks too often (at most %d requests a second): try again later")
	ErrQueries  = errs.New(errs.TooMany, "limit_queries", "本市同时处理的请求过多（限 %d 个），请稍后重试", "too many requests of this city at once (at most %d): try again later")
	ErrStorage  = errs.New(errs.Conflict, "limit_storage", "本市存储空间不足（限 %d MB），请联系省级平台", "this city has no room left (at most %d MB): ask the province")
	ErrUsers    = errs.New(errs.Conflict, "limit_users", "本市账号数已达上限（%d 个），请联系省级平台", "this city has as many accounts as it may (%d): ask the province")
	ErrImport   = errs.New(errs.Conflict, "limit_import", "导入文件过大：本市限 %d MB", "the file is too large to import: this city may send %d MB")
)
