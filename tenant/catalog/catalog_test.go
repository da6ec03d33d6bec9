package catalog_test

import (
	"testing"

	"wangge/tenant/calendar"
	"wangge/tenant/catalog"
)

func TestTheStartingSetIsTheNationalListWithYunchengLimits(t *testing.T) {
	kinds, conditions, err := catalog.Starting()
	if err != nil {
		t.Fatal(err)
	}
	parts := 0
	for _, k := range kinds {
		if k.Sort == catalog.Part {
			parts++
		}
	}
	if len(kinds) != 250 || parts != 153 {
		t.Errorf("got %d kinds, %d of parts; the standard lists 250 and 153", len(kinds), parts)
	}
	if len(conditions) != 350 {
		t.Errorf("got %d conditions, want 350", len(conditions))
	}
	first := conditions[0]
	if first.Kind.Name != "供水井盖异常" || first.Limit != (calendar.Limit{Value: 2, Unit: calendar.UrgentHour}) {
		t.Errorf("a missing water-supply cover is due in two urgent hours; got %+v", first)
	}
}
