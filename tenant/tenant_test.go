package tenant_test

import (
	"testing"

	"wangge/tenant"
)

func TestOnlySixDigitsMakeATenant(t *testing.T) {
	id, err := tenant.ParseID("130100")
	if err != nil || id.Schema() != "city_130100" {
		t.Fatalf("got %v, %v", id, err)
	}
	for _, bad := range []string{"", "13010", "1301000", "013010", "13010a", "../../", "１３０１００", "130100 ", "13010\x00"} {
		if id, err := tenant.ParseID(bad); err == nil || id != (tenant.ID{}) {
			t.Errorf("%q became %v", bad, id)
		}
	}
}
