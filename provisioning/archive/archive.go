// Package archive puts one city into one file and reads it back, on either
// engine: its tables in a form that both engines write alike, its files as they
// lie sealed, its keys handed over to a recipient, and a manifest of checksums.
// Where the city lives, whether it may be exported and what is done around an
// import is package life's.
//
// An archive is a gzip of a tar; any tool opens it. See docs/life.md.
package archive

import (
	"time"

	"wangge/internal/errs"
	"wangge/internal/secrets"
	"wangge/platform/seal"
)

// Format is the version of the form that is written; no other is read.
const Format = 1

// Manifest says what an archive holds.
type Manifest struct {
	Format int       `json:"format"`
	City   City      `json:"city"`
	MadeAt time.Time `json:"made_at"`
	Engine string    `json:"engine"` // that it was made on; says nothing about the content
	Level  int64     `json:"level"`  // of the tables
	// Content is the checksum over tables and files: two cities of the same
	// content have the same, whatever engine they are on.
	Content string        `json:"content"`
	Journal Journal       `json:"journal"`
	Tables  []Table       `json:"tables"` // in the order in which they can be filled
	Files   Files         `json:"files"`
	Keys    []secrets.Key `json:"keys"` // that open what is sealed, described
	// Recipient alone can take over the keys in Handed; both are empty in a
	// backup, whose keys stay where they are.
	Recipient secrets.Recipient `json:"recipient,omitempty"`
	Handed    []byte            `json:"handed,omitempty"`
}

// City is the city as the registry knows it.
type City struct {
	Code     string `json:"code"`
	Name     string `json:"name"`
	Model    string `json:"model"`
	SpecHash string `json:"spec_hash"`
}

// Journal is the head of the journal of cases.
type Journal struct {
	Steps  int64 `json:"steps"`
	Last   int64 `json:"last"`    // ID of the newest step, 0 without any
	LastAt int64 `json:"last_at"` // microseconds since 1970
}

// Table is one table: a row is a line with the values of Columns, the lines
// ordered by Key and hashed with the line feeds that end them.
type Table struct {
	Name    string   `json:"name"`
	Key     []string `json:"key"`
	Columns []string `json:"columns"`
	Types   []string `json:"types"` // of the columns: integer, real, text, base64, boolean
	Rows    int64    `json:"rows"`
	SHA256  string   `json:"sha256"`
}

// Files are the city's files, sealed as they lie: SHA256 is over the lines of
// their list, each with hash, size and name of one.
type Files struct {
	Number  int64    `json:"number"`
	Bytes   int64    `json:"bytes"`
	SHA256  string   `json:"sha256"`
	Missing []string `json:"missing,omitempty"` // that the store had lost when the archive was made
}

// content is the checksum of a manifest's tables and files.
func (m Manifest) content() (string, error) {
	_, hash, err := seal.Document(struct {
		Level  int64
		Tables []Table
		Files  Files
	}{m.Level, m.Tables, m.Files})
	return hash, err
}

// Table finds a table of the manifest; the zero Table when it has none.
func (m Manifest) Table(name string) Table {
	for _, t := range m.Tables {
		if t.Name == name {
			return t
		}
	}
	return Table{}
}

// What is refused.
var (
	// ErrDamaged refuses a file that is not as it was written.
	ErrDamaged = errs.New(errs.Invalid, "archive_damaged",
		"档案已损坏或被改动，未写入任何数据（%[1]s 第 %[2]d 行：%[3]s）", "the archive is damaged or was altered; nothing was written (%[1]s, row %[2]d: %[4]s)")
	ErrFormat = errs.New(errs.Invalid, "archive_format",
		"档案格式为第 %d 版，本程序读取第 %d 版", "the archive is of format %d; this program reads format %d")
	ErrNewer = errs.New(errs.Invalid, "archive_newer",
		"档案的数据表为第 %d 级，高于本程序的第 %d 级；请先升级程序", "the archive's tables are at level %d, newer than this program's %d: upgrade the program first")
	ErrNotEmpty = errs.New(errs.Conflict, "city_not_empty",
		"目标数据库的表 %s 中已有数据", "the table %s of the database to fill has rows already")
	// ErrUnequal is returned when what was written does not read back the same;
	// it was taken back.
	ErrUnequal = errs.New(errs.Internal, "archive_unequal",
		"写入后的内容与档案不一致（%s），已全部撤销", "what was written does not read back as in the archive (%s); all of it was undone")
	// ErrUnclassified refuses to export a city with a table that no list of this
	// package has.
	ErrUnclassified = errs.New(errs.Internal, "table_not_classified",
		"数据表 %s 未说明是否随档案迁移", "no list says whether the table %s travels")
)

// damaged is ErrDamaged for an entry and a row of it, 0 for none.
func damaged(entry string, row int64, zh, en string) error {
	return ErrDamaged.With(entry, row, zh, en)
}
