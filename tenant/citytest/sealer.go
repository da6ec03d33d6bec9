package citytest

import (
	"context"
	"path/filepath"
	"testing"

	"wangge/internal/secrets"
	"wangge/tenant"
	"wangge/tenant/casework"
)

// sealers seals each city under its own key, in a key file of the test.
func sealers(t testing.TB) func(context.Context, tenant.ID) (casework.Sealer, error) {
	t.Helper()
	keeper, err := secrets.OpenKeyFile(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context, id tenant.ID) (casework.Sealer, error) {
		return keeper.Sealer(ctx, id.Scope())
	}
}
