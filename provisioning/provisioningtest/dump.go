package provisioningtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"wangge/internal/gormx"
)

// Dump is every row of every table of a database as sorted lines, but for what
// differs between two runs that come to the same: instants, password and token
// hashes, the numbers of goose's own rows, which a transaction cut short uses
// up, and account IDs, for which the login stands.
func Dump(t testing.TB, db *gormx.DB) (lines []string) {
	t.Helper()
	// case_terms and what FTS5 keeps it in hold nothing that is not in cases.
	tables := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'case\\_terms%' ESCAPE '\\'"
	if db.Engine == gormx.Postgres {
		tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name <> 'case_terms'"
	}
	var names []string
	if err := db.Read.Raw(tables).Scan(&names).Error; err != nil {
		t.Fatal(err)
	}
	logins := map[string]string{}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	for _, table := range names {
		for _, row := range rows(t, db, table) {
			if table == "accounts" {
				logins[row["id"]] = row["login"]
			}
			if login, ok := logins[row["account_id"]]; ok {
				row["account_id"] = login
			}
			lines = append(lines, line(table, row))
		}
	}
	slices.Sort(lines)
	return lines
}

// rank puts accounts first: other tables refer to them.
func rank(table string) int {
	if table == "accounts" {
		return 0
	}
	return 1
}

func rows(t testing.TB, db *gormx.DB, table string) (list []map[string]string) {
	t.Helper()
	rows, err := db.Read.WithContext(context.WithoutCancel(t.Context())).Raw("SELECT * FROM " + table).Rows()
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		row := map[string]string{}
		for i, c := range columns {
			row[c] = fmt.Sprint(values[i])
		}
		list = append(list, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// line prints a row by the names of its columns.
func line(table string, row map[string]string) string {
	var parts []string
	for column, value := range row {
		own := column == "id" && (table == "accounts" || table == "goose_db_version")
		if own || strings.HasSuffix(column, "_hash") || strings.HasSuffix(column, "_at") || column == "since" || column == "locked_until" || column == "tstamp" {
			continue
		}
		parts = append(parts, column+"="+value)
	}
	slices.Sort(parts)
	return table + " " + strings.Join(parts, " ")
}

// Differences lists the lines that one of two dumps has more often.
func Differences(got, want []string) (lines []string) {
	count := map[string]int{}
	for _, l := range got {
		count[l]++
	}
	for _, l := range want {
		count[l]--
	}
	for l, n := range count {
		if n != 0 {
			lines = append(lines, fmt.Sprintf("%+d %s", n, l))
		}
	}
	slices.Sort(lines)
	return lines
}
