package archive

import (
	"slices"
	"strings"
)

// travels are the tables that an archive holds, in an order in which none
// refers to a later one, each with its primary key.
var travels = []struct {
	name string
	key  []string
}{
	{"accounts", []string{"id"}},
	{"policy_rules", []string{"role", "permission"}},
	{"policy_version", []string{"id"}},
	{"departments", []string{"code"}},
	{"posts", []string{"role"}},
	{"sides", []string{"account_id"}},
	{"holders", []string{"account_id", "role", "department"}},
	{"deputies", []string{"principal", "role", "department", "deputy", "from_day"}},
	{"leaves", []string{"account_id", "from_day"}},
	{"org_day", []string{"id"}},
	{"org_version", []string{"id"}},
	{"settings", []string{"name"}},
	{"divisions", []string{"code"}},
	{"grid_sets", []string{"version"}},
	{"grid_history", []string{"code", "since"}},
	{"grid_version", []string{"id"}},
	{"responsibility_grids", []string{"code"}},
	{"responsibility_members", []string{"grid"}},
	{"kinds", []string{"version", "sort", "code"}},
	{"conditions", []string{"code"}},
	{"catalogue_state", []string{"id"}},
	{"catalogue_moves", []string{"day"}},
	{"overlays", []string{"number"}},
	{"case_numbers", []string{"day"}},
	{"cases", []string{"id"}},
	{"case_assistants", []string{"department", "case_id"}},
	{"steps", []string{"id"}},
	{"usage_seal", []string{"id"}},
	{"usage_batches", []string{"id"}},
	{"usage_entries", []string{"id"}},
	{"readers", []string{"name"}},
	{"case_counts", []string{"case_id", "count"}},
	{"indicator_days", []string{"day", "dimension", "member"}},
	{"part_register", []string{"id"}},
	{"part_acts", []string{"id"}},
	{"parts", []string{"id"}},
	{"part_changes", []string{"part", "act"}},
	{"responsibilities", []string{"id"}},
	{"responsibility_assisting", []string{"responsibility", "position"}},
	{"duties", []string{"account_id", "responsibility", "from_day", "shift"}},
	{"calendar_days", []string{"day"}},
	{"calendar_seasons", []string{"from_day"}},
	{"evidence_head", []string{"id"}},
	{"evidence_contents", []string{"id"}},
	{"evidence", []string{"id"}},
	{"evidence_refs", []string{"evidence_id", "other_id"}},
	{"applied_specs", []string{"id"}},
}

// stays are the tables that an archive leaves out, with the reason.
var stays = map[string]string{
	"sessions":         "a session is of the server that began it",
	"invitations":      "a one-time link that was used since must not be good once more",
	"consents":         "a one-time consent that was used since must not be good once more",
	"case_terms":       "the index of words is made anew from the cases",
	"case_terms_upto":  "how far that index goes",
	"goose_db_version": "the level is in the manifest",
}

// shadow begins the names of the tables in which SQLite keeps the index of words.
const shadow = "case_terms_"

// computed replaces a column by what is said of it in an archive.
//
// The transactions of one server mean nothing on another, and 0 is before all
// of them. So a step is of transaction 0, and a reader's place is a step before
// which it has read all: whatever it reads twice it folds to the same.
var computed = map[string]map[string]string{
	"steps": {"xid": "0"},
	"readers": {"xid": "0", "step_id": `COALESCE((SELECT MIN(s.id) - 1 FROM steps s WHERE (s.xid, s.id) > (readers.xid, readers.step_id)),
		(SELECT MAX(s.id) FROM steps s), 0)`},
}

// Elsewhere is what a column of a table on PostgreSQL becomes on another server,
// in SQL; false for one that stays as it is.
func Elsewhere(table, column string) (expression string, ok bool) {
	expression, ok = computed[table][column]
	return expression, ok
}

// classified says whether one of the lists has a table.
func classified(name string) bool {
	_, left := stays[name]
	return left || strings.HasPrefix(name, shadow) || slices.ContainsFunc(travels, func(t struct {
		name string
		key  []string
	}) bool {
		return t.name == name
	})
}
