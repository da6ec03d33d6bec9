package tenantdb

import "gorm.io/gorm/clause"

// chunk bounds the values of one statement.
const chunk = 500

// replaceOn inserts or, where the key exists, overwrites the other columns.
func replaceOn(key ...string) clause.OnConflict {
	columns := make([]clause.Column, len(key))
	for i, k := range key {
		columns[i] = clause.Column{Name: k}
	}
	return clause.OnConflict{Columns: columns, UpdateAll: true}
}

// keepOld inserts what is missing and leaves what exists as it is.
var keepOld = clause.OnConflict{DoNothing: true}
